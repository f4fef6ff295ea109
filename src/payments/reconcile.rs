//! Asks "what should have happened by now?": payments and refunds of which nobody knows what became, and reports that nobody
//! acted on. Finds the rows, then enqueues idempotent jobs.

use chrono::TimeDelta;

use super::{LookUpPayment, LookUpRefund, Payments, ProcessStripeEvent, job_error};
use crate::platform::{context::SystemCtx, error::OpError, jobs::JobError};

/// Rows taken up per run and kind; what is left waits a minute.
const AT_MOST: i64 = 1000;
/// A queued job usually runs within a second; what is this late was lost.
const OVERDUE: TimeDelta = TimeDelta::seconds(30);

/// Finds what is due and enqueues it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn reconcile(slice: &Payments) -> Result<(), JobError> {
    find_due(slice).await.map_err(job_error)
}

async fn find_due(slice: &Payments) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("reconcile payments", "reconcile");
    let mut tx = slice.db.system(&ctx).await?;
    let now = tx.now();
    // Where Stripe is not configured nobody can be asked.
    if slice.gateway.is_some() {
        let payments = sqlx::query!(
            "SELECT business_id, id FROM payments WHERE lookup_due_at <= $1 ORDER BY lookup_due_at LIMIT $2",
            now,
            AT_MOST
        )
        .fetch_all(tx.conn())
        .await?;
        let look_ups = payments
            .into_iter()
            .map(|row| (Some(row.business_id), LookUpPayment { payment_id: row.id }));
        tx.enqueue_all(look_ups).await?;
        let refunds = sqlx::query!(
            "SELECT business_id, id FROM refunds WHERE lookup_due_at <= $1 ORDER BY lookup_due_at LIMIT $2",
            now,
            AT_MOST
        )
        .fetch_all(tx.conn())
        .await?;
        let look_ups = refunds
            .into_iter()
            .map(|row| (Some(row.business_id), LookUpRefund { refund_id: row.id }));
        tx.enqueue_all(look_ups).await?;
    }
    let events = sqlx::query!(
        "SELECT business_id, id FROM stripe_events WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
        now - OVERDUE,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    let reports = events
        .into_iter()
        .map(|row| (Some(row.business_id), ProcessStripeEvent { event_id: row.id }));
    tx.enqueue_all(reports).await?;
    tx.commit().await?;
    Ok(())
}
