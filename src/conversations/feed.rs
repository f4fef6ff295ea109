//! The live feed: what was committed, in commit order, from a cursor on, without gap and without doubling.
//!
//! A subscriber listens first and reads second; every ring makes it read the rows past its own position under its
//! own rights. A thread's followers read for themselves (few watch one thread). A business's inbox is watched by
//! many, so one reader per business and process reads it once and hands the rows around; each subscriber backfills
//! for itself up to where the reader is, and notices a gap by the positions, which have no holes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::store::conversations_by_ids;
use crate::platform::{
    context::{Actor, TenantCtx},
    db::{Db, DbError, TenantTx},
    error::OpError,
    live::{Listener, Topic},
};

/// Rows read at once.
pub(super) const BATCH: i64 = 200;
/// How many rows a slow inbox may fall behind the reader before it has to start anew.
const INBOX_BACKLOG: usize = 1024;

/// One committed event.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    pub position: i64,
    pub kind: String,
    pub conversation_id: Option<Uuid>,
    pub message_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub debtor_id: Option<Uuid>,
    pub assigned_agent_id: Option<Uuid>,
    pub previous_agent_id: Option<Uuid>,
    /// What else it is about: a note.
    pub object_id: Option<Uuid>,
    /// The member of staff whose act it was.
    pub actor_id: Option<Uuid>,
}

/// What a feed yields.
#[derive(Clone, Debug)]
pub enum FeedItem {
    Event(Arc<FeedEvent>),
    /// Somebody types; carries the position reached, because it has none of its own.
    Typing {
        user_id: Uuid,
        position: i64,
    },
}

/// Why a feed ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedEnd {
    /// The cursor is older than what is kept: load the present state and subscribe anew.
    #[error("the events after this cursor are no longer kept")]
    CursorExpired,
    /// The subscriber fell behind: subscribe again after the last cursor.
    #[error("the subscriber fell behind")]
    Resync,
    /// The cursor is not of this feed.
    #[error("the cursor lies ahead of everything committed")]
    CursorAhead,
    /// What is followed does not exist or is not the caller's (any more).
    #[error("no such thing of the caller's")]
    NotFound,
    #[error(transparent)]
    Failed(#[from] OpError),
}

impl From<DbError> for FeedEnd {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

/// Where a subscription starts: after its cursor, or at the present head.
pub(super) async fn start_position(tx: &mut TenantTx, after: Option<i64>) -> Result<i64, FeedEnd> {
    let (position, floor) = tx.live_head().await?;
    match after {
        None => Ok(position),
        Some(after) if after < floor => Err(FeedEnd::CursorExpired),
        Some(after) if after > position => Err(FeedEnd::CursorAhead),
        Some(after) => Ok(after),
    }
}

async fn read_after(
    tx: &mut TenantTx,
    conversation: Option<Uuid>,
    after: i64,
) -> Result<Vec<Arc<FeedEvent>>, DbError> {
    let business = tx.business_id();
    let rows = match conversation {
        Some(conversation) => {
            sqlx::query_as!(
                FeedEvent,
                "SELECT position, kind, conversation_id, message_id, account_id, debtor_id, assigned_agent_id,
                     previous_agent_id, actor_id, object_id
                 FROM live_events WHERE business_id = $1 AND conversation_id = $2 AND position > $3
                 ORDER BY position LIMIT $4",
                business,
                conversation,
                after,
                BATCH,
            )
            .fetch_all(tx.conn())
            .await?
        }
        None => {
            sqlx::query_as!(
                FeedEvent,
                "SELECT position, kind, conversation_id, message_id, account_id, debtor_id, assigned_agent_id,
                     previous_agent_id, actor_id, object_id
                 FROM live_events WHERE business_id = $1 AND position > $2 ORDER BY position LIMIT $3",
                business,
                after,
                BATCH,
            )
            .fetch_all(tx.conn())
            .await?
        }
    };
    Ok(rows.into_iter().map(Arc::new).collect())
}

/// Whether an agent's scope shows the event. An agent who loses a thread hears of that, and of nothing later.
pub(super) fn in_scope(ctx: &TenantCtx, event: &FeedEvent) -> bool {
    let Some(agent) = ctx.agent_scope() else {
        return true;
    };
    // A thread of nobody's was everybody's: all hear that a colleague has taken it.
    let leaves = event.kind == "CONVERSATION_ASSIGNED"
        && event.previous_agent_id.is_none_or(|previous| previous == agent);
    leaves || event.assigned_agent_id.is_none_or(|assigned| assigned == agent)
}

/// Follows one thread.
///
/// # Errors
/// [`FeedEnd`] when the thread is not the caller's or the cursor does not fit.
pub async fn follow_conversation(
    db: &Db,
    ctx: &TenantCtx,
    conversation: Uuid,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<FeedItem, FeedEnd>> + Send + use<>, FeedEnd> {
    let listener = db
        .live()
        .listen(Topic::Conversation(conversation), ctx.business_id());
    let mut tx = db.tenant(ctx).await?;
    if conversations_by_ids(&mut tx, &[conversation]).await?.is_empty() {
        return Err(FeedEnd::NotFound);
    }
    let position = start_position(&mut tx, after).await?;
    tx.finish_read().await?;
    let follower = Follower {
        db: db.clone(),
        ctx: ctx.clone(),
        conversation,
        listener,
        position,
        read_to: position,
        typing_seen: 0,
        typing: None,
        waiting: VecDeque::new(),
        look: true,
        lost: false,
    };
    Ok(stream::unfold(Some(Box::new(follower)), |state| async move {
        let mut follower = state?;
        match follower.next().await {
            Ok(item) => Some((Ok(item), Some(follower))),
            Err(end) => Some((Err(end), None)),
        }
    }))
}

struct Follower {
    db: Db,
    ctx: TenantCtx,
    conversation: Uuid,
    listener: Listener,
    /// The last event told.
    position: i64,
    /// The last row read.
    read_to: i64,
    typing_seen: u64,
    /// Who types, to be told once the rows up to now are.
    typing: Option<Uuid>,
    waiting: VecDeque<Arc<FeedEvent>>,
    /// There may be rows past `read_to`.
    look: bool,
    /// The thread has gone to a colleague: what waits is the last that the caller hears of it.
    lost: bool,
}

impl Follower {
    async fn next(&mut self) -> Result<FeedItem, FeedEnd> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.position = event.position;
                return Ok(FeedItem::Event(event));
            }
            if self.lost {
                return Err(FeedEnd::NotFound);
            }
            if self.look {
                self.look = false;
                // On the heap for as long as it lasts: a follower waits far more than it reads, and there are thousands.
                Box::pin(self.read()).await?;
                continue;
            }
            if let Some(user_id) = self.typing.take() {
                return Ok(FeedItem::Typing {
                    user_id,
                    position: self.position,
                });
            }
            let wake = self.listener.woken().await;
            self.look = true;
            if let Some((user_id, count)) = wake.typing.filter(|(_, count)| *count > self.typing_seen) {
                self.typing_seen = count;
                let myself = matches!(self.ctx.actor(), Actor::User(id) if id == user_id);
                self.typing = (!myself).then_some(user_id);
            }
        }
    }

    async fn read(&mut self) -> Result<(), FeedEnd> {
        let mut tx = self.db.tenant(&self.ctx).await?;
        let rows = read_after(&mut tx, Some(self.conversation), self.read_to).await?;
        if rows.is_empty() {
            tx.finish_read().await?;
            return Ok(());
        }
        let (_, floor) = tx.live_head().await?;
        // The thread may have gone to a colleague since: then what belonged to the caller is still told, the loss last.
        let still_mine = !conversations_by_ids(&mut tx, &[self.conversation])
            .await?
            .is_empty();
        tx.finish_read().await?;
        if self.read_to < floor {
            return Err(FeedEnd::CursorExpired);
        }
        let more = i64::try_from(rows.len()).is_ok_and(|read| read == BATCH);
        self.read_to = rows.last().map_or(self.read_to, |last| last.position);
        self.waiting
            .extend(rows.into_iter().filter(|event| in_scope(&self.ctx, event)));
        self.look = more;
        self.lost = !still_mine && !more;
        Ok(())
    }
}

/// The inboxes' readers of this process: one per business that somebody watches.
#[derive(Clone, Default)]
pub struct InboxReaders {
    readers: Arc<Mutex<HashMap<Uuid, Weak<Reader>>>>,
}

/// Reads what a business commits, for all who follow it.
pub(super) struct Reader {
    rows: broadcast::Sender<Arc<FeedEvent>>,
    task: tokio::task::AbortHandle,
}

impl Reader {
    /// Everything that it reads from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<FeedEvent>> {
        self.rows.subscribe()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl InboxReaders {
    pub(super) async fn reader(&self, db: &Db, business: Uuid) -> Result<Arc<Reader>, FeedEnd> {
        if let Some(reader) = self.running(business) {
            return Ok(reader);
        }
        // No lock is held while the database answers: one business that waits for it keeps no other waiting.
        let listener = db.live().listen(Topic::Business(business), business);
        let ctx = TenantCtx::for_service(business, "inbox-reader");
        let mut tx = db.tenant(&ctx).await?;
        let (position, _) = tx.live_head().await?;
        tx.finish_read().await?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have been faster.
        if let Some(reader) = readers.get(&business).and_then(Weak::upgrade) {
            return Ok(reader);
        }
        readers.retain(|_, reader| reader.strong_count() > 0);
        let (rows, _) = broadcast::channel(INBOX_BACKLOG);
        let task =
            tokio::spawn(read_for_all(db.clone(), ctx, listener, position, rows.clone())).abort_handle();
        let reader = Arc::new(Reader { rows, task });
        readers.insert(business, Arc::downgrade(&reader));
        Ok(reader)
    }

    fn running(&self, business: Uuid) -> Option<Arc<Reader>> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.get(&business).and_then(Weak::upgrade)
    }
}

/// Reads each row once and hands it around.
async fn read_for_all(
    db: Db,
    ctx: TenantCtx,
    mut listener: Listener,
    mut position: i64,
    rows: broadcast::Sender<Arc<FeedEvent>>,
) {
    loop {
        match read_batch(&db, &ctx, position).await {
            Ok(batch) if batch.is_empty() => {
                listener.woken().await;
            }
            Ok(batch) => {
                for event in batch {
                    position = event.position;
                    // Nobody listening at this moment is fine: they backfill.
                    let _ = rows.send(event);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the inbox reader waits for the database");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

async fn read_batch(db: &Db, ctx: &TenantCtx, position: i64) -> Result<Vec<Arc<FeedEvent>>, DbError> {
    let mut tx = db.tenant(ctx).await?;
    let batch = read_after(&mut tx, None, position).await?;
    tx.finish_read().await?;
    Ok(batch)
}

/// Follows everything that the caller may see.
///
/// # Errors
/// [`FeedEnd`] when the cursor does not fit.
pub async fn follow_inbox(
    db: &Db,
    readers: &InboxReaders,
    ctx: &TenantCtx,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<FeedItem, FeedEnd>> + Send + use<>, FeedEnd> {
    let reader = readers.reader(db, ctx.business_id()).await?;
    let receiver = reader.subscribe();
    let mut tx = db.tenant(ctx).await?;
    let position = start_position(&mut tx, after).await?;
    tx.finish_read().await?;
    let inbox = Inbox {
        db: db.clone(),
        ctx: ctx.clone(),
        _reader: reader,
        receiver,
        position,
        waiting: VecDeque::new(),
        look: true,
    };
    Ok(stream::unfold(Some(Box::new(inbox)), |state| async move {
        let mut inbox = state?;
        match inbox.next().await {
            Ok(item) => Some((Ok(item), Some(inbox))),
            Err(end) => Some((Err(end), None)),
        }
    }))
}

struct Inbox {
    db: Db,
    ctx: TenantCtx,
    _reader: Arc<Reader>,
    receiver: broadcast::Receiver<Arc<FeedEvent>>,
    position: i64,
    waiting: VecDeque<Arc<FeedEvent>>,
    /// Rows must be read by ourselves: at the start, and after a gap.
    look: bool,
}

impl Inbox {
    async fn next(&mut self) -> Result<FeedItem, FeedEnd> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                self.position = event.position;
                if in_scope(&self.ctx, &event) {
                    return Ok(FeedItem::Event(event));
                }
            }
            if self.look {
                Box::pin(self.backfill()).await?;
                continue;
            }
            match self.receiver.recv().await {
                Ok(event) if event.position <= self.position => {}
                Ok(event) if event.position == self.position + 1 => self.waiting.push_back(event),
                Ok(_) => self.look = true,
                Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => {
                    return Err(FeedEnd::Resync);
                }
            }
        }
    }

    async fn backfill(&mut self) -> Result<(), FeedEnd> {
        let mut tx = self.db.tenant(&self.ctx).await?;
        let rows = read_after(&mut tx, None, self.position).await?;
        let (_, floor) = tx.live_head().await?;
        tx.finish_read().await?;
        if self.position < floor {
            return Err(FeedEnd::CursorExpired);
        }
        self.look = i64::try_from(rows.len()).is_ok_and(|read| read == BATCH);
        self.waiting.extend(rows);
        Ok(())
    }
}
