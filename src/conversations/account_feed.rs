//! The live feed of one account: its own events, those of its threads, and those of its person that are of no one debt.
//!
//! Like an inbox it hears of everything in the business from the one reader of the process and picks out its own in memory;
//! what it reads itself, at the start and after a gap, it reads by account and by person. Every event of its own makes it
//! look whether the account is still the caller's, and who its person is: records are merged and taken apart meanwhile.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::feed::{BATCH, FeedEnd, FeedEvent, InboxReaders, Reader, in_scope, start_position};
use crate::{
    access::{Cell, authorize},
    accounts::{debtor_by_id, scoped_debtor_of_account},
    platform::{
        context::TenantCtx,
        db::{Db, DbError, TenantTx},
        error::OpError,
    },
};

/// Follows one account.
///
/// # Errors
/// [`FeedEnd`] when the account is not the caller's or the cursor does not fit.
pub(super) async fn follow_account(
    db: &Db,
    readers: &InboxReaders,
    ctx: &TenantCtx,
    account: Uuid,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Arc<FeedEvent>, FeedEnd>> + Send + use<>, FeedEnd> {
    authorize(ctx, Cell::AccountRead).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let reader = readers.reader(db, ctx.business_id()).await?;
    let receiver = reader.subscribe();
    let mut tx = db.snapshot(ctx).await?;
    let records = records_of(&mut tx, account).await?.ok_or(FeedEnd::NotFound)?;
    let position = start_position(&mut tx, after).await?;
    tx.finish_read().await?;
    let feed = AccountFeed {
        db: db.clone(),
        ctx: ctx.clone(),
        account,
        records,
        _reader: reader,
        receiver,
        read_to: position,
        waiting: VecDeque::new(),
        look: true,
        lost: false,
    };
    Ok(stream::unfold(Some(Box::new(feed)), |state| async move {
        let mut feed = state?;
        match feed.next().await {
            Ok(event) => Some((Ok(event), Some(feed))),
            Err(end) => Some((Err(end), None)),
        }
    }))
}

/// All records of the account's person; `None` where the account is not the caller's (any more).
async fn records_of(tx: &mut TenantTx, account: Uuid) -> Result<Option<Vec<Uuid>>, DbError> {
    let Some(debtor) = scoped_debtor_of_account(tx, account).await? else {
        return Ok(None);
    };
    Ok(debtor_by_id(tx, debtor).await?.map(|person| person.members))
}

struct AccountFeed {
    db: Db,
    ctx: TenantCtx,
    account: Uuid,
    /// All records of its person.
    records: Vec<Uuid>,
    /// Kept for as long as it is listened to.
    _reader: Arc<Reader>,
    receiver: broadcast::Receiver<Arc<FeedEvent>>,
    /// Up to here it is known what happened.
    read_to: i64,
    waiting: VecDeque<Arc<FeedEvent>>,
    /// Rows must be read by ourselves: at the start, and after a gap.
    look: bool,
    /// The account is gone, or a colleague's: what waits is the last that the caller hears of it.
    lost: bool,
}

impl AccountFeed {
    async fn next(&mut self) -> Result<Arc<FeedEvent>, FeedEnd> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            if self.lost {
                return Err(FeedEnd::NotFound);
            }
            if self.look {
                // On the heap for as long as it lasts: a follower waits far more than it reads.
                Box::pin(self.backfill()).await?;
                continue;
            }
            match self.receiver.recv().await {
                Ok(event) if event.position <= self.read_to => {}
                Ok(event) if event.position == self.read_to + 1 => {
                    self.read_to = event.position;
                    if self.is_concerned(&event) {
                        Box::pin(self.hear(event)).await?;
                    }
                }
                Ok(_) => self.look = true,
                Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => {
                    return Err(FeedEnd::Resync);
                }
            }
        }
    }

    /// Of the account, of one of its threads, or of its person and of no one debt. As in [`read_after`].
    fn is_concerned(&self, event: &FeedEvent) -> bool {
        let of_person = || {
            event.conversation_id.is_none() && event.debtor_id.is_some_and(|id| self.records.contains(&id))
        };
        match event.account_id {
            Some(account) => account == self.account,
            None => of_person(),
        }
    }

    async fn hear(&mut self, event: Arc<FeedEvent>) -> Result<(), FeedEnd> {
        let mut tx = self.db.snapshot(&self.ctx).await?;
        let records = records_of(&mut tx, self.account).await?;
        tx.finish_read().await?;
        if records.is_none() {
            // What took it away may be on its way still: it is read, and told last.
            self.read_to = event.position - 1;
            self.look = true;
            return Ok(());
        }
        self.tell(vec![event], records, false);
        Ok(())
    }

    async fn backfill(&mut self) -> Result<(), FeedEnd> {
        // One snapshot: what was pruned is not there, and the floor says so.
        let mut tx = self.db.snapshot(&self.ctx).await?;
        let records = records_of(&mut tx, self.account).await?;
        let known = records.as_ref().unwrap_or(&self.records);
        let rows = read_after(&mut tx, self.account, known, self.read_to).await?;
        let (head, floor) = tx.live_head().await?;
        tx.finish_read().await?;
        if self.read_to < floor {
            return Err(FeedEnd::CursorExpired);
        }
        let more = i64::try_from(rows.len()).is_ok_and(|read| read == BATCH);
        self.read_to = match rows.last() {
            Some(last) if more => last.position,
            _ => head,
        };
        self.look = more;
        self.tell(rows, records, more);
        Ok(())
    }

    /// Hands out what belongs to the caller, the loss last: nothing that came after it is theirs to hear.
    fn tell(&mut self, events: Vec<Arc<FeedEvent>>, records: Option<Vec<Uuid>>, more: bool) {
        let gone = records.is_none();
        if let Some(records) = records {
            self.records = records;
        }
        for event in events {
            let is_loss = gone && self.is_loss(&event);
            if is_loss || in_scope(&self.ctx, &event) {
                self.waiting.push_back(event);
            }
            if is_loss {
                self.lost = true;
                return;
            }
        }
        self.lost = gone && !more;
    }

    /// The account was deleted, or given to a colleague.
    fn is_loss(&self, event: &FeedEvent) -> bool {
        let to_colleague = || {
            let agent = self.ctx.agent_scope();
            agent.is_some() && event.assigned_agent_id.is_some_and(|to| Some(to) != agent)
        };
        event.account_id == Some(self.account)
            && match event.kind.as_str() {
                "ACCOUNT_DELETED" => true,
                "ACCOUNT_ASSIGNED" => to_colleague(),
                _ => false,
            }
    }
}

/// The account's events past `after`, in the order in which they were committed.
async fn read_after(
    tx: &mut TenantTx,
    account: Uuid,
    records: &[Uuid],
    after: i64,
) -> Result<Vec<Arc<FeedEvent>>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query_as!(
        FeedEvent,
        r#"SELECT position AS "position!", kind AS "kind!", conversation_id, message_id, account_id, debtor_id, assigned_agent_id,
             previous_agent_id, actor_id, object_id
         FROM ((SELECT position, kind, conversation_id, message_id, account_id, debtor_id, assigned_agent_id, previous_agent_id,
                    actor_id, object_id
                FROM live_events WHERE business_id = $1 AND account_id = $2 AND position > $4 ORDER BY position LIMIT $5)
               UNION ALL
               (SELECT e.position, e.kind, e.conversation_id, e.message_id, e.account_id, e.debtor_id, e.assigned_agent_id,
                    e.previous_agent_id, e.actor_id, e.object_id
                FROM unnest($3::uuid[]) AS r(id)
                JOIN LATERAL (
                    SELECT * FROM live_events WHERE business_id = $1 AND debtor_id = r.id AND account_id IS NULL
                        AND conversation_id IS NULL AND position > $4 ORDER BY position LIMIT $5) e ON true)) AS e
         ORDER BY position LIMIT $5"#,
        business,
        account,
        records,
        after,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Arc::new).collect())
}
