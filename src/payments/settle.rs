//! What became of a payment: moves its state on and never back, and posts what was paid, once. Shared by the answer itself, the
//! webhook and the look-ups.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::PaymentState,
    ports::{Decline, Intent},
    store::{LOOK_UP_AFTER, LockedPayment, pause_after},
};
use crate::{
    accounts::follow_balance,
    ledger::{Clearing, Posting, PostingKind, post},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
    },
};

/// Stripe is presumed never to have had it: every look-up came back empty.
pub(super) const LOST: &str = "LOST";
/// So long the payer may take to confirm; then the payment is given up, and its amount is free again.
pub(super) const PAYER_HAS: TimeDelta = TimeDelta::hours(1);

/// What is known of a payment now.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) state: PaymentState,
    provider_payment_id: Option<String>,
    failure: Option<(String, String)>,
    due: Option<DateTime<Utc>>,
}

impl Verdict {
    /// What Stripe says. Amount and currency are those of the intent, or it is not this payment.
    ///
    /// # Errors
    /// An internal one where they are not: nothing is posted then.
    pub(super) fn of(payment: &LockedPayment, intent: &Intent) -> Result<Self, OpError> {
        if intent.amount_minor != payment.amount.minor()
            || intent.currency != payment.amount.currency().code()
        {
            return Err(OpError::Internal(anyhow::anyhow!(
                "a payment at Stripe is of another amount than was asked for"
            )));
        }
        Ok(Self {
            state: PaymentState::of_intent(intent, payment.is_confirmed_by_payer),
            provider_payment_id: Some(intent.id.clone()),
            failure: intent
                .failure
                .as_ref()
                .map(|Decline { code, reason }| (code.clone(), (*reason).to_owned())),
            due: None,
        })
    }

    /// It was refused: nothing was paid.
    pub(super) fn failed(code: String, reason: &str) -> Self {
        Self {
            state: PaymentState::Failed,
            provider_payment_id: None,
            failure: Some((code, reason.to_owned())),
            due: None,
        }
    }

    /// Nobody knows: it is looked up.
    pub(super) fn unknown(payment: &LockedPayment, now: DateTime<Utc>, cause: &str) -> Self {
        Self {
            state: PaymentState::Unknown,
            provider_payment_id: payment.provider_payment_id.clone(),
            failure: Some((
                cause.to_owned(),
                "The payment provider's answer was lost. Do not pay again: it is being looked up.".to_owned(),
            )),
            due: Some(now + LOOK_UP_AFTER),
        }
    }
}

/// Records it; whether anything has changed. The payment and its account are locked.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn settle(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    verdict: Verdict,
) -> Result<bool, OpError> {
    let now = tx.now();
    if !payment.state.may_become(verdict.state) {
        note_id(tx, payment.id, verdict.provider_payment_id.as_deref()).await?;
        return Ok(false);
    }
    let due = verdict.due.or_else(|| next_look_up(payment, verdict.state, now));
    let (code, reason) = verdict.failure.unzip();
    let business = tx.business_id();
    let (code, reason): (Option<String>, Option<String>) = match verdict.state {
        // What went wrong before is of no interest any more.
        PaymentState::Succeeded | PaymentState::Processing => (None, None),
        _ => (code.map(|code| code.chars().take(64).collect()), reason),
    };
    sqlx::query!(
        "UPDATE payments SET state = $3::text, provider_payment_id = coalesce(provider_payment_id, $4), failure_code = $5,
             failure_reason = $6, lookup_due_at = $7, lookups = 0, empty_lookups = 0, updated_at = $8::timestamptz,
             succeeded_at = CASE WHEN $3::text = 'SUCCEEDED' THEN $8::timestamptz END
         WHERE business_id = $1 AND id = $2",
        business,
        payment.id,
        verdict.state.as_str(),
        verdict.provider_payment_id,
        code,
        reason,
        due,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": payment.state.as_str(), "to": verdict.state.as_str(), "code": code });
    let entry = AuditEntry::plain("payment.status_changed", payment.id, &details);
    tx.audit(entry.about(Some(payment.debtor_id)));
    tx.emit(payment.event());
    if verdict.state == PaymentState::Succeeded {
        post_payment(tx, payment).await?;
    }
    metrics::counter!("payments_total", "state" => verdict.state.as_str()).increment(1);
    Ok(true)
}

/// What was paid is owed no more.
pub(super) async fn post_payment(tx: &mut TenantTx, payment: &LockedPayment) -> Result<(), OpError> {
    post_of(
        tx,
        payment,
        PostingKind::Payment,
        &format!("payment:{}", payment.id),
        payment.amount.minor(),
    )
    .await
}

/// Posts a movement of the payment's money, and lets the account's status follow.
pub(super) async fn post_of(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    kind: PostingKind,
    intent_key: &str,
    amount_minor: i64,
) -> Result<(), OpError> {
    let clearing = if payment.is_by_stripe {
        Clearing::Provider
    } else {
        Clearing::Hand
    };
    let posted = post(
        tx,
        &Posting {
            kind,
            intent_key,
            clearing,
            debtor: payment.debtor_id,
            account: payment.account_id,
            amount: crate::platform::money::Money::from_minor(amount_minor, payment.amount.currency()),
        },
    )
    .await?;
    if posted {
        follow_balance(tx, payment.account_id).await?;
    }
    Ok(())
}

/// Stripe's id of it, which a look-up may have told when the state is old news.
async fn note_id(tx: &mut TenantTx, payment: Uuid, id: Option<&str>) -> Result<(), OpError> {
    let business = tx.business_id();
    if id.is_some() {
        sqlx::query!(
            "UPDATE payments SET provider_payment_id = $3
             WHERE business_id = $1 AND id = $2 AND provider_payment_id IS NULL",
            business,
            payment,
            id,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// When it is asked what became of it, in case the webhook never comes: soon, then ever later; where the payer has their turn,
/// at the latest when that is over.
fn next_look_up(payment: &LockedPayment, state: PaymentState, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !state.is_in_flight() {
        return None;
    }
    Some(now + pause_after(1)).map(|due| match state {
        PaymentState::Processing => due,
        _ => due.min((payment.created_at + PAYER_HAS).max(now + LOOK_UP_AFTER)),
    })
}
