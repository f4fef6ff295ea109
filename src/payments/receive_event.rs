//! What Stripe reports, as a verified webhook brought it: stored before it is answered, acted on by a job.

use super::{Payments, ports::StripeEvent, process_event::ProcessStripeEvent};
use crate::platform::{context::TenantCtx, error::OpError, ids};

/// Stores it; when this returns, nothing of it can be lost.
///
/// # Errors
/// [`OpError`] as met: then nothing is stored.
pub async fn receive_event(slice: &Payments, ctx: &TenantCtx, event: &StripeEvent) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let stored = sqlx::query!(
        "INSERT INTO stripe_events (business_id, id, provider_event_id, kind, object_id, provider_payment_id, payment_id,
             status, reason, amount_minor, currency, received_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         ON CONFLICT (business_id, provider_event_id) DO NOTHING",
        business,
        id,
        event.id,
        event.kind,
        event.object_id,
        event.provider_payment_id,
        event.payment,
        event.status,
        event.reason,
        event.amount_minor,
        event.currency,
        now,
    )
    .execute(tx.conn())
    .await?;
    if stored.rows_affected() == 1 {
        tx.enqueue(&ProcessStripeEvent { event_id: id });
    }
    tx.commit().await?;
    Ok(())
}
