//! Asks "what should have happened by now?": attempts without an answer, messages overdue for dispatch, received
//! texts that nobody processed, and what has outlived its keeping. Finds the rows, then enqueues idempotent jobs. What
//! fails moves its own due instant away: the oldest of all businesses come first, and must not stay there.

use chrono::TimeDelta;

use super::{
    Conversations,
    deliver::{DeliverMessage, job_error},
    look_up::LookUpAttempt,
    process_inbound::ProcessInbound,
};
use crate::platform::{context::SystemCtx, error::OpError, jobs::JobError};

/// Rows taken up per run and kind; what is left waits a minute.
const AT_MOST: i64 = 1000;
/// A queued job usually runs within a second; what is this late was lost.
const OVERDUE: TimeDelta = TimeDelta::seconds(30);
/// How long live events are kept.
const LIVE_EVENTS_KEPT: TimeDelta = TimeDelta::hours(72);

/// Finds what is due and enqueues it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn reconcile(slice: &Conversations) -> Result<(), JobError> {
    find_due(slice).await.map_err(job_error)
}

async fn find_due(slice: &Conversations) -> Result<(), OpError> {
    let mut tx = slice
        .db
        .system(&SystemCtx::for_reason("reconcile deliveries", "reconcile"))
        .await?;
    let now = tx.now();
    let attempts = sqlx::query!(
        "SELECT business_id, id FROM delivery_attempts WHERE lookup_due_at <= $1 ORDER BY lookup_due_at LIMIT $2",
        now,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    let look_ups = attempts
        .into_iter()
        .map(|row| (Some(row.business_id), LookUpAttempt { attempt_id: row.id }));
    tx.enqueue_all(look_ups).await?;
    let messages = sqlx::query!(
        "SELECT business_id, id FROM messages
         WHERE delivery_status = 'QUEUED' AND attempt_id IS NULL AND dispatch_due_at <= $1
         ORDER BY dispatch_due_at LIMIT $2",
        now - OVERDUE,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    let deliveries = messages
        .into_iter()
        .map(|row| (Some(row.business_id), DeliverMessage { message_id: row.id }));
    tx.enqueue_all(deliveries).await?;
    let texts = sqlx::query!(
        "SELECT business_id, id FROM provider_events WHERE processed_at IS NULL AND due_at <= $1
         ORDER BY due_at LIMIT $2",
        now - OVERDUE,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    let unread = texts
        .into_iter()
        .map(|row| (Some(row.business_id), ProcessInbound::new(row.id)));
    tx.enqueue_all(unread).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets live events that are older than three days, and says in the head up to where.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn prune_live_events(slice: &Conversations) -> Result<(), JobError> {
    let mut tx = slice
        .db
        .system(&SystemCtx::for_reason("prune live events", "prune"))
        .await?;
    let horizon = tx.now() - LIVE_EVENTS_KEPT;
    sqlx::query!(
        "WITH gone AS (DELETE FROM live_events WHERE at < $1 RETURNING business_id, position),
              floors AS (SELECT business_id, max(position) AS floor FROM gone GROUP BY business_id)
         UPDATE business_head h SET live_floor = greatest(h.live_floor, f.floor)
         FROM floors f WHERE h.business_id = f.business_id",
        horizon
    )
    .execute(tx.conn())
    .await
    .map_err(crate::platform::db::DbError::from)?;
    tx.commit().await?;
    Ok(())
}
