//! Looks a payment up at Stripe: adopts what Stripe has of one whose answer was lost, hears of one whose webhook never came, and
//! gives one up that the payer did not confirm in time. It never asks for a payment again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Payments, carry_out, job_error,
    model::PaymentState,
    ports::{Asked, Intent, IntentStatus},
    settle::{LOST, PAYER_HAS, Verdict, settle},
    store::{LockedPayment, lock_payment, pause_after},
};
use crate::platform::{
    context::TenantCtx,
    error::OpError,
    jobs::{Job, JobError},
};

/// Two empty look-ups a minute apart prove that Stripe never had it.
const EMPTY_LOOK_UPS: i16 = 2;
/// Stripe's clock and ours may differ by so much.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// Looks one payment up.
#[derive(Debug, Deserialize, Serialize)]
pub struct LookUpPayment {
    pub(super) payment_id: Uuid,
}

impl Job for LookUpPayment {
    const NAME: &'static str = "payments.look_up_payment";
}

/// A payment whose look-up is under way.
pub(super) struct Claimed {
    payment: LockedPayment,
    account: String,
    /// What nobody confirmed in time is given up.
    is_overdue: bool,
}

/// Runs [`LookUpPayment`]: of a payment that is due.
///
/// # Errors
/// [`JobError::Retry`] while the database is away. A provider that does not answer is no error of the job: the payment is due
/// again by then.
pub async fn look_up_payment(slice: &Payments, ctx: &TenantCtx, job: LookUpPayment) -> Result<(), JobError> {
    look_up(slice, ctx, job.payment_id, When::Due)
        .await
        .map_err(job_error)
}

/// Which payments are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Those that are due.
    Due,
    /// One of which Stripe has just told something.
    Told,
}

/// Looks it up and records what is found.
pub(super) async fn look_up(
    slice: &Payments,
    ctx: &TenantCtx,
    payment: Uuid,
    when: When,
) -> Result<(), OpError> {
    let Some(claimed) = claim(slice, ctx, payment, when).await? else {
        return Ok(());
    };
    let Ok(found) = ask(slice, &claimed).await else {
        tracing::warn!(
            reason = "the provider does not answer",
            "a payment could not be looked up: later"
        );
        metrics::counter!("payment_look_ups_failed_total").increment(1);
        return Ok(());
    };
    match found {
        None => conclude(slice, ctx, &claimed, None).await,
        // Where it could not be given up, nobody knows what it is now: it is due again.
        Some(intent) => match cancel_what_is_over(slice, &claimed, intent).await? {
            None => Ok(()),
            known => conclude(slice, ctx, &claimed, known).await,
        },
    }
}

/// Takes a payment up, and moves its due instant away before anything can fail.
async fn claim(
    slice: &Payments,
    ctx: &TenantCtx,
    payment: Uuid,
    when: When,
) -> Result<Option<Claimed>, OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let Some(locked) = lock_payment(&mut tx, payment).await? else {
        return Ok(None);
    };
    let (business, now) = (tx.business_id(), tx.now());
    let is_open =
        locked.state.is_in_flight() || (when == When::Told && locked.state != PaymentState::Succeeded);
    if !is_open || !locked.is_by_stripe {
        return Ok(None);
    }
    let next = now + pause_after(locked.lookups);
    let claimed = sqlx::query_scalar!(
        "UPDATE payments SET lookups = least(lookups + 1, 1000), lookup_due_at = CASE WHEN lookup_due_at IS NOT NULL THEN $3::timestamptz END
         WHERE business_id = $1 AND id = $2 AND ($4 OR lookup_due_at <= $5) RETURNING id",
        business,
        payment,
        next,
        when == When::Told,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    if claimed.is_none() {
        return Ok(None);
    }
    let account = slice.external_id_of(carry_out::through(&locked)?).await?;
    Ok(Some(Claimed {
        is_overdue: now - locked.created_at >= PAYER_HAS,
        account,
        payment: locked,
    }))
}

async fn ask(slice: &Payments, claimed: &Claimed) -> anyhow::Result<Option<Intent>> {
    let gateway = slice.gateway().map_err(|error| anyhow::anyhow!("{error}"))?;
    match &claimed.payment.provider_payment_id {
        Some(id) => gateway.fetch(&claimed.account, id).await,
        None => {
            let created = claimed.payment.created_at;
            let between: (DateTime<Utc>, DateTime<Utc>) = (created - CLOCKS_DIFFER, created + CLOCKS_DIFFER);
            gateway.find(&claimed.account, claimed.payment.id, between).await
        }
    }
}

/// What waits for a payer who has had their time is given up at Stripe first, and so is a decline that the payer's browser could
/// still turn into a payment: only then does it count no more. None where Stripe does not say what it is now.
async fn cancel_what_is_over(
    slice: &Payments,
    claimed: &Claimed,
    intent: Intent,
) -> Result<Option<Intent>, OpError> {
    let payment = &claimed.payment;
    let waits = matches!(
        intent.status,
        IntentStatus::RequiresAction | IntentStatus::RequiresPaymentMethod
    );
    let is_declined = intent.status == IntentStatus::RequiresPaymentMethod
        && !payment.is_confirmed_by_payer
        && payment.state == PaymentState::RequiresAction;
    if !waits || !(claimed.is_overdue || is_declined) {
        return Ok(Some(intent));
    }
    let canceled = slice
        .gateway()?
        .cancel(&claimed.account, payment.id, &intent.id)
        .await;
    Ok(match canceled {
        Asked::Done(canceled) => Some(Intent {
            failure: canceled.failure.or(intent.failure),
            ..canceled
        }),
        // It was confirmed at the last moment, or Stripe is busy: it is looked up again.
        Asked::Refused(_) | Asked::Busy | Asked::Unknown { .. } => None,
    })
}

async fn conclude(
    slice: &Payments,
    ctx: &TenantCtx,
    claimed: &Claimed,
    found: Option<Intent>,
) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let Some(locked) = lock_payment(&mut tx, claimed.payment.id).await? else {
        return Ok(());
    };
    match found {
        Some(intent) => {
            let verdict = Verdict::of(&locked, &intent)?;
            settle(&mut tx, &locked, verdict).await?;
        }
        None if is_lost(&locked) => {
            let business = tx.business_id();
            let empty = sqlx::query_scalar!(
                "UPDATE payments SET empty_lookups = empty_lookups + 1 WHERE business_id = $1 AND id = $2
                 RETURNING empty_lookups",
                business,
                locked.id,
            )
            .fetch_one(tx.conn())
            .await?;
            if empty >= EMPTY_LOOK_UPS {
                metrics::counter!("payments_lost_total").increment(1);
                let reason = "The payment provider never received it. Nothing was paid: pay again.";
                settle(&mut tx, &locked, Verdict::failed(LOST.to_owned(), reason)).await?;
            }
        }
        None => {}
    }
    tx.commit().await?;
    Ok(())
}

/// Whether it is still not known whether Stripe has it.
fn is_lost(payment: &LockedPayment) -> bool {
    matches!(payment.state, PaymentState::Created | PaymentState::Unknown)
        && payment.provider_payment_id.is_none()
}
