//! What integrators are told of: events, written in the transaction that they tell of, so that each is there exactly if
//! what it tells of is. They carry ids only; what is told of the object is read when it is told.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::platform::{
    context::SystemCtx,
    db::{Db, DbError, TenantTx},
    ids,
    jobs::JobError,
};

/// How long events are kept, delivered or not.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// At most this many are forgotten in one statement.
const BATCH: i64 = 10_000;

/// Records that something of one kind happened to each of these objects. One event an object, also of a thousand at once:
/// whoever listens learns of each in the same form, however it came about; several can be handed over together.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record(tx: &mut TenantTx, event: &'static str, objects: &[Uuid]) -> Result<(), DbError> {
    if objects.is_empty() {
        return Ok(());
    }
    let (business, now) = (tx.business_id(), tx.now());
    let request_id = tx.ctx().request_id().to_string();
    let events: Vec<Uuid> = objects.iter().map(|_| ids::next()).collect();
    sqlx::query!(
        "INSERT INTO webhook_events (business_id, id, type, object_id, request_id, created_at)
         SELECT $1, e.id, $2, e.object_id, $3, $4 FROM unnest($5::uuid[], $6::uuid[]) AS e(id, object_id)",
        business,
        event,
        request_id,
        now,
        &events,
        objects,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets the events of a month ago.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn forget_old(db: &Db) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("old webhook events", "job-forget-webhook-events");
    loop {
        let mut tx = db.system(&ctx).await?;
        let horizon = tx.now() - KEPT_FOR;
        let forgotten = sqlx::query!(
            "DELETE FROM webhook_events e USING (
                 SELECT business_id, id FROM webhook_events WHERE created_at < $1 ORDER BY created_at LIMIT $2) old
             WHERE e.business_id = old.business_id AND e.id = old.id",
            horizon,
            BATCH,
        )
        .execute(tx.conn())
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        if i64::try_from(forgotten.rows_affected()).is_ok_and(|rows| rows < BATCH) {
            return Ok(());
        }
    }
}
