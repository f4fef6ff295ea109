//! Compares a payment's refunds with Stripe's: adopts those whose answer was lost, hears of those that failed later, and takes
//! down those that were made at Stripe itself.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Payments, job_error,
    model::RefundReason,
    ports::{Decline, ProviderRefund, ProviderRefundStatus},
    refund::{NewRefund, RefundNews, account_of, insert, settle_refund},
    settle::{LOST, post_of},
    store::{LockedPayment, lock_payment, pause_after},
};
use crate::{
    ledger::PostingKind,
    platform::{
        context::TenantCtx,
        db::TenantTx,
        error::OpError,
        jobs::{Job, JobError},
    },
};

/// Two empty look-ups a minute apart prove that Stripe never had it.
const EMPTY_LOOK_UPS: i16 = 2;

/// Looks the refunds of a payment up, of which one is due.
#[derive(Debug, Deserialize, Serialize)]
pub struct LookUpRefund {
    pub(super) refund_id: Uuid,
}

impl Job for LookUpRefund {
    const NAME: &'static str = "payments.look_up_refund";
}

/// Runs [`LookUpRefund`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn look_up_refund(slice: &Payments, ctx: &TenantCtx, job: LookUpRefund) -> Result<(), JobError> {
    run(slice, ctx, job.refund_id).await.map_err(job_error)
}

async fn run(slice: &Payments, ctx: &TenantCtx, refund: Uuid) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "SELECT payment_id, lookups FROM refunds WHERE business_id = $1 AND id = $2 AND lookup_due_at <= $3
         FOR NO KEY UPDATE",
        business,
        refund,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(()) };
    sqlx::query!(
        "UPDATE refunds SET lookups = least(lookups + 1, 1000), lookup_due_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        refund,
        now + pause_after(row.lookups),
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    compare(slice, ctx, row.payment_id, Some(refund)).await
}

/// Compares a payment's refunds with Stripe's; `missed` is one that is due.
pub(super) async fn compare(
    slice: &Payments,
    ctx: &TenantCtx,
    payment: Uuid,
    missed: Option<Uuid>,
) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let locked = lock_payment(&mut tx, payment).await?;
    tx.finish_read().await?;
    let Some(locked) = locked.filter(|locked| locked.is_by_stripe) else {
        return Ok(());
    };
    let Some(intent) = locked.provider_payment_id.clone() else {
        return Ok(());
    };
    let account = account_of(slice, &locked).await?;
    let found = slice.gateway()?.refunds_of(&account, &intent).await;
    let found = found.map_err(|_| OpError::Unavailable("Stripe does not answer".to_owned()))?;
    let mut tx = slice.db.tenant(ctx).await?;
    for refund in &found {
        adopt(&mut tx, payment, refund).await?;
    }
    if let Some(missed) = missed {
        note_empty(&mut tx, missed).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// One refund as Stripe has it: ours by its id, or by the id that we gave it; else it was made at Stripe.
async fn adopt(tx: &mut TenantTx, payment: Uuid, found: &ProviderRefund) -> Result<(), OpError> {
    let Some(locked) = lock_payment(tx, payment).await? else {
        return Ok(());
    };
    let business = tx.business_id();
    let ours = sqlx::query_scalar!(
        "SELECT id FROM refunds WHERE business_id = $1 AND payment_id = $2 AND (provider_refund_id = $3 OR id = $4)",
        business,
        payment,
        found.id,
        found.refund,
    )
    .fetch_optional(tx.conn())
    .await?;
    match ours {
        Some(refund) => settle_refund(tx, refund, RefundNews::of(found)).await,
        None if found.status == ProviderRefundStatus::Failed => Ok(()),
        None => take_down(tx, &locked, found).await,
    }
}

async fn take_down(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    found: &ProviderRefund,
) -> Result<(), OpError> {
    let state = RefundNews::of(found).state;
    let new = NewRefund {
        amount: found.amount_minor,
        reason: RefundReason::AtProvider,
        state,
        provider_id: Some(found.id.clone()),
    };
    let id = insert(tx, payment, new).await?;
    tx.emit(payment.event());
    post_of(
        tx,
        payment,
        PostingKind::Refund,
        &format!("refund:{id}"),
        found.amount_minor,
    )
    .await
}

/// Stripe does not have it: the second time that proves that it never did.
async fn note_empty(tx: &mut TenantTx, refund: Uuid) -> Result<(), OpError> {
    let business = tx.business_id();
    let empty = sqlx::query_scalar!(
        "UPDATE refunds SET empty_lookups = empty_lookups + 1
         WHERE business_id = $1 AND id = $2 AND state IN ('CREATED', 'UNKNOWN') RETURNING empty_lookups",
        business,
        refund,
    )
    .fetch_optional(tx.conn())
    .await?;
    if empty.is_some_and(|empty| empty >= EMPTY_LOOK_UPS) {
        let reason = "The payment provider never received it. Nothing was given back: ask for it again.";
        let lost = Decline {
            code: LOST.to_owned(),
            reason,
        };
        settle_refund(tx, refund, RefundNews::failed(lost)).await?;
    }
    Ok(())
}
