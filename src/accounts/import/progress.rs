//! Follows an import. Each look at it tells all that happened before, so events that came together are told once.

use futures_util::{Stream, stream};
use uuid::Uuid;

use super::store;
use crate::platform::{
    context::TenantCtx,
    db::{Db, DbError, TenantTx},
    error::OpError,
    live::{Listener, Topic},
};

/// Why following ended.
#[derive(Debug, thiserror::Error)]
pub(in crate::accounts) enum ProgressEnd {
    /// The cursor is older than what is kept: look at the import and subscribe anew.
    #[error("the events after this cursor are no longer kept")]
    CursorExpired,
    /// The cursor is not of this business's feed.
    #[error("the cursor lies ahead of everything committed")]
    CursorAhead,
    /// There is no such import (any more).
    #[error("no such import")]
    NotFound,
    #[error(transparent)]
    Failed(#[from] OpError),
}

impl From<DbError> for ProgressEnd {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

/// Positions after which the import has changed, from `after` on; without it, the present one first. Ends when the import
/// has.
pub(in crate::accounts) async fn follow_import(
    db: &Db,
    ctx: &TenantCtx,
    import: Uuid,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<i64, ProgressEnd>> + Send + use<>, ProgressEnd> {
    let listener = db.live().listen(Topic::Object(import), ctx.business_id());
    let mut tx = db.tenant(ctx).await?;
    if store::imports_by_ids(&mut tx, &[import]).await?.is_empty() {
        return Err(ProgressEnd::NotFound);
    }
    let (head, floor) = tx.live_head().await?;
    tx.finish_read().await?;
    match after {
        Some(after) if after < floor => return Err(ProgressEnd::CursorExpired),
        Some(after) if after > head => return Err(ProgressEnd::CursorAhead),
        _ => {}
    }
    let follower = Follower {
        db: db.clone(),
        ctx: ctx.clone(),
        import,
        listener,
        position: after.unwrap_or(head),
        tell_now: after.is_none(),
        ended: false,
    };
    Ok(stream::unfold(Some(Box::new(follower)), |state| async move {
        let mut follower = state?;
        match follower.next().await {
            Ok(Some(position)) => Some((Ok(position), Some(follower))),
            Ok(None) => None,
            Err(end) => Some((Err(end), None)),
        }
    }))
}

struct Follower {
    db: Db,
    ctx: TenantCtx,
    import: Uuid,
    listener: Listener,
    position: i64,
    /// The present state is told without an event.
    tell_now: bool,
    /// The import has ended: what is told next is the last.
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Result<Option<i64>, ProgressEnd> {
        loop {
            if self.ended {
                return Ok(None);
            }
            // On the heap for as long as it lasts: a follower waits far more than it reads.
            let newest = Box::pin(self.look()).await?;
            if let Some(newest) = newest {
                self.position = newest;
            }
            if newest.is_some() || std::mem::take(&mut self.tell_now) {
                self.tell_now = false;
                return Ok(Some(self.position));
            }
            if self.ended {
                return Ok(None);
            }
            self.listener.woken().await;
        }
    }

    /// The newest event of the import past the position, if there is one.
    async fn look(&mut self) -> Result<Option<i64>, ProgressEnd> {
        let mut tx = self.db.snapshot(&self.ctx).await?;
        let newest = newest_event(&mut tx, self.import, self.position).await?;
        let (_, floor) = tx.live_head().await?;
        let row = store::imports_by_ids(&mut tx, &[self.import]).await?.pop();
        tx.finish_read().await?;
        if self.position < floor && newest.is_some() {
            return Err(ProgressEnd::CursorExpired);
        }
        let row = row.ok_or(ProgressEnd::NotFound)?;
        self.ended = row.status().has_ended();
        Ok(newest)
    }
}

async fn newest_event(tx: &mut TenantTx, import: Uuid, past: i64) -> Result<Option<i64>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT position FROM live_events WHERE business_id = $1 AND object_id = $2 AND position > $3
         ORDER BY position DESC LIMIT 1",
        business,
        import,
        past,
    )
    .fetch_optional(tx.conn())
    .await?)
}
