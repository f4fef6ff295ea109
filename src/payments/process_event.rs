//! Acts on what Stripe reported. Events come late, twice and in any order: what is final is taken from the event itself, and for
//! all else Stripe is asked how it stands now.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Payments,
    disputes::{DisputeNews, DisputeState, settle_dispute},
    job_error,
    look_up::{When, look_up},
    ports::{Intent, IntentStatus, StripeEvent},
    refund_look_up::compare,
    settle::{Verdict, settle},
    store::{has_nameless, lock_payment, payment_of},
};
use crate::platform::{
    context::TenantCtx,
    error::OpError,
    jobs::{Job, JobError},
};

/// What could not be acted on is due again after this.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Acts on one stored event. Idempotent: one that was acted on is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct ProcessStripeEvent {
    pub(super) event_id: Uuid,
}

impl Job for ProcessStripeEvent {
    const NAME: &'static str = "payments.process_stripe_event";
}

/// Runs [`ProcessStripeEvent`].
///
/// # Errors
/// [`JobError::Retry`] while the database or Stripe is away.
pub async fn process_event(
    slice: &Payments,
    ctx: &TenantCtx,
    job: ProcessStripeEvent,
) -> Result<(), JobError> {
    run(slice, ctx, job.event_id).await.map_err(job_error)
}

async fn run(slice: &Payments, ctx: &TenantCtx, event_id: Uuid) -> Result<(), OpError> {
    let Some((event, payment)) = claim(slice, ctx, event_id).await? else {
        return Ok(());
    };
    // Payments that the business takes by itself on the same account are none of ours.
    if let Some(payment) = payment {
        act(slice, ctx, payment, &event).await?;
    }
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE stripe_events SET processed_at = $3, due_at = NULL
         WHERE business_id = $1 AND id = $2 AND processed_at IS NULL",
        business,
        event_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The event, if it waits, and which payment it is about.
async fn claim(
    slice: &Payments,
    ctx: &TenantCtx,
    event_id: Uuid,
) -> Result<Option<(StripeEvent, Option<Uuid>)>, OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "UPDATE stripe_events SET due_at = $3 WHERE business_id = $1 AND id = $2 AND processed_at IS NULL
         RETURNING provider_event_id, kind, object_id, provider_payment_id, payment_id, status, reason, amount_minor, currency",
        business,
        event_id,
        now + AGAIN_AFTER,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let payment = payment_of(&mut tx, row.provider_payment_id.as_deref(), row.payment_id).await?;
    // It may be about one whose answer was lost: it waits until that is found out.
    let waits = payment.is_none() && has_nameless(&mut tx).await?;
    tx.commit().await?;
    if waits {
        return Ok(None);
    }
    let event = StripeEvent {
        id: row.provider_event_id,
        kind: row.kind,
        object_id: row.object_id,
        provider_payment_id: row.provider_payment_id,
        payment: row.payment_id,
        status: row.status,
        reason: row.reason,
        amount_minor: row.amount_minor,
        currency: row.currency,
    };
    Ok(Some((event, payment)))
}

async fn act(slice: &Payments, ctx: &TenantCtx, payment: Uuid, event: &StripeEvent) -> Result<(), OpError> {
    match event.kind.as_str() {
        "payment_intent.succeeded" => succeed(slice, ctx, payment, event).await,
        "charge.refunded" => compare(slice, ctx, payment, None).await,
        kind if kind.starts_with("refund.") || kind.starts_with("charge.refund.") => {
            compare(slice, ctx, payment, None).await
        }
        kind if kind.starts_with("charge.dispute.") => dispute(slice, ctx, payment, event).await,
        kind if kind.starts_with("payment_intent.") => look_up(slice, ctx, payment, When::Told).await,
        _ => Ok(()),
    }
}

/// Nothing comes after it: it is taken as it is told.
async fn succeed(
    slice: &Payments,
    ctx: &TenantCtx,
    payment: Uuid,
    event: &StripeEvent,
) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let Some(locked) = lock_payment(&mut tx, payment).await? else {
        return Ok(());
    };
    let intent = Intent {
        id: event.object_id.clone(),
        status: IntentStatus::Succeeded,
        amount_minor: event.amount_minor.unwrap_or_default(),
        currency: event.currency.clone().unwrap_or_default(),
        client_secret: None,
        payment: event.payment,
        failure: None,
    };
    let verdict = Verdict::of(&locked, &intent)?;
    settle(&mut tx, &locked, verdict).await?;
    tx.commit().await?;
    Ok(())
}

async fn dispute(
    slice: &Payments,
    ctx: &TenantCtx,
    payment: Uuid,
    event: &StripeEvent,
) -> Result<(), OpError> {
    let state = event.status.as_deref().and_then(DisputeState::of);
    let (Some(state), Some(amount_minor)) = (state, event.amount_minor.filter(|amount| *amount > 0)) else {
        return Ok(());
    };
    // What is taken back was paid: the event that says so may be on its way still.
    look_up(slice, ctx, payment, When::Told).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let news = DisputeNews {
        provider_id: event.object_id.clone(),
        amount_minor,
        reason: event.reason.clone().unwrap_or_else(|| "general".to_owned()),
        state,
    };
    settle_dispute(&mut tx, payment, &news).await?;
    tx.commit().await?;
    Ok(())
}
