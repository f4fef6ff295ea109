//! Gives money back, in part or whole: the intent is committed before anybody asks Stripe, and posted once Stripe has taken it
//! on. What was taken down by hand is given back by hand, and posted at once.

use serde_json::json;
use uuid::Uuid;

use super::{
    Payments,
    carry_out::through,
    model::{PaymentState, RefundReason, RefundState},
    ports::{Asked, Decline, ProviderRefund, ProviderRefundStatus, RefundOrder},
    settle::post_of,
    store::{LOOK_UP_AFTER, LockedPayment, lock_payment},
};
use crate::{
    access::{Cell, authorize},
    accounts::scoped_debtor_of_account,
    ledger::PostingKind,
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        money::Money,
    },
};

/// Writes the intent of a refund of all that is left, or of `amount`, and returns its id. Where Stripe has the money it is
/// Stripe's turn once this is committed (`carry_out_refund`).
///
/// # Errors
/// FORBIDDEN; user errors: NOT_FOUND for a payment that is not the caller's, CONFLICT for one of which nothing can be given
/// back, INVALID_INPUT for more than is left.
pub async fn request_refund(
    tx: &mut TenantTx,
    payment: Uuid,
    amount: Option<Money>,
    reason: RefundReason,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::PaymentRefund).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let no_payment = || UserError::not_found("paymentId", "payment");
    let locked = lock_payment(tx, payment).await?.ok_or_else(no_payment)?;
    if scoped_debtor_of_account(tx, locked.account_id).await?.is_none() {
        return Err(no_payment().into());
    }
    if reason == RefundReason::AtProvider {
        let message = "Say why: what was given back at Stripe itself is known from there.";
        return Err(UserError::invalid("reason", message).into());
    }
    let amount = check_amount(tx, &locked, amount).await?;
    let state = if locked.is_by_stripe {
        RefundState::Created
    } else {
        RefundState::Succeeded
    };
    let id = insert(
        tx,
        &locked,
        NewRefund {
            amount,
            reason,
            state,
            provider_id: None,
        },
    )
    .await?;
    if state.is_posted() {
        post_of(tx, &locked, PostingKind::Refund, &format!("refund:{id}"), amount).await?;
    }
    tx.emit(locked.event());
    Ok(id)
}

async fn check_amount(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    amount: Option<Money>,
) -> Result<i64, OpError> {
    let conflict =
        |message: &str| OpError::from(UserError::at(UserErrorCode::Conflict, "paymentId", message));
    if payment.state != PaymentState::Succeeded {
        return Err(conflict("Only a payment that has succeeded can be given back."));
    }
    let (left, is_disputed) = what_is_left(tx, payment).await?;
    if is_disputed {
        return Err(conflict(
            "The payer's bank has taken this payment back: answer the dispute at Stripe instead of giving it back twice.",
        ));
    }
    if left == 0 {
        return Err(conflict("All of this payment was given back already."));
    }
    let Some(amount) = amount else { return Ok(left) };
    if amount.currency() != payment.amount.currency() {
        let message = format!("It was paid in {}.", payment.amount.currency());
        return Err(UserError::invalid("amount.currency", message).into());
    }
    if !amount.is_positive() || amount.minor() > left {
        let left = Money::from_minor(left, payment.amount.currency());
        let message = format!("Give back more than nothing and at most {left}.");
        return Err(UserError::invalid("amount.amount", message).into());
    }
    Ok(amount.minor())
}

/// What may still be given back, and whether a bank has it.
async fn what_is_left(tx: &mut TenantTx, payment: &LockedPayment) -> Result<(i64, bool), OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT (SELECT coalesce(sum(amount_minor), 0)::bigint FROM refunds
                   WHERE business_id = $1 AND payment_id = $2 AND state <> 'FAILED') AS "refunded!",
                  EXISTS (SELECT FROM payment_disputes
                          WHERE business_id = $1 AND payment_id = $2 AND state <> 'WON') AS "disputed!""#,
        business,
        payment.id,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((
        payment.amount.minor().saturating_sub(row.refunded).max(0),
        row.disputed,
    ))
}

/// A refund to be written down.
pub(super) struct NewRefund {
    pub(super) amount: i64,
    pub(super) reason: RefundReason,
    pub(super) state: RefundState,
    pub(super) provider_id: Option<String>,
}

/// Writes it down, and returns its id.
pub(super) async fn insert(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    new: NewRefund,
) -> Result<Uuid, OpError> {
    let (business, now, by, id) = (tx.business_id(), tx.now(), tx.ctx().user_id(), ids::next());
    let due = (new.state == RefundState::Created).then(|| now + LOOK_UP_AFTER);
    sqlx::query!(
        "INSERT INTO refunds (business_id, id, payment_id, debtor_id, account_id, amount_minor, currency, reason, state,
             provider_refund_id, lookup_due_at, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        business,
        id,
        payment.id,
        payment.debtor_id,
        payment.account_id,
        new.amount,
        payment.amount.currency().code(),
        new.reason.as_str(),
        new.state.as_str(),
        new.provider_id,
        due,
        by,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "payment": payment.id, "reason": new.reason.as_str() });
    tx.audit(AuditEntry::plain("payment.refunded", id, &details).about(Some(payment.debtor_id)));
    Ok(id)
}

impl Payments {
    /// Asks Stripe for a refund whose intent is committed, and records what it says.
    ///
    /// # Errors
    /// [`OpError`] as met in the database: then the reconciler finds out.
    pub async fn carry_out_refund(&self, business: Uuid, refund: Uuid, request: &str) -> Result<(), OpError> {
        let ctx = TenantCtx::for_service(business, request);
        let Some(order) = self.refund_order(&ctx, refund).await? else {
            return Ok(());
        };
        let answer = self.gateway()?.refund(&order).await;
        self.record_refund_answer(&ctx, refund, answer).await
    }

    /// What is asked of Stripe; none of a refund that has got its answer already, or that Stripe has nothing to do with.
    pub async fn refund_order(&self, ctx: &TenantCtx, refund: Uuid) -> Result<Option<RefundOrder>, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let business = tx.business_id();
        let row = sqlx::query!(
            "SELECT r.amount_minor, r.reason, p.provider_payment_id, p.payment_account_id
             FROM refunds r JOIN payments p ON p.business_id = r.business_id AND p.id = r.payment_id
             WHERE r.business_id = $1 AND r.id = $2 AND r.state = 'CREATED'",
            business,
            refund,
        )
        .fetch_optional(tx.conn())
        .await?;
        tx.finish_read().await?;
        let Some(row) = row else { return Ok(None) };
        let (Some(provider_payment_id), Some(through)) = (row.provider_payment_id, row.payment_account_id)
        else {
            return Ok(None);
        };
        Ok(Some(RefundOrder {
            refund,
            account: self.external_id_of(through).await?,
            provider_payment_id,
            amount_minor: row.amount_minor,
            reason: providers_word(&row.reason),
        }))
    }

    /// Records what Stripe has answered.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn record_refund_answer(
        &self,
        ctx: &TenantCtx,
        refund: Uuid,
        answer: Asked<ProviderRefund>,
    ) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let news = match answer {
            Asked::Done(found) => RefundNews::of(&found),
            Asked::Refused(decline) => RefundNews::failed(decline),
            Asked::Busy => RefundNews::failed(Decline {
                code: "BUSY".to_owned(),
                reason: "The payment provider could not take it just now. Nothing was given back: try again in a minute.",
            }),
            Asked::Unknown { cause } => RefundNews {
                state: RefundState::Unknown,
                provider_id: None,
                failure: Some(Decline {
                    code: cause.to_owned(),
                    reason: "The payment provider's answer was lost: it is being looked up.",
                }),
            },
        };
        settle_refund(&mut tx, refund, news).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Stripe knows three reasons.
fn providers_word(reason: &str) -> Option<&'static str> {
    match RefundReason::parse(reason)? {
        RefundReason::Duplicate => Some("duplicate"),
        RefundReason::Fraudulent => Some("fraudulent"),
        RefundReason::RequestedByDebtor => Some("requested_by_customer"),
        RefundReason::TakenInError | RefundReason::Bounced | RefundReason::AtProvider => None,
    }
}

/// What is known of a refund now.
pub(super) struct RefundNews {
    pub(super) state: RefundState,
    pub(super) provider_id: Option<String>,
    pub(super) failure: Option<Decline>,
}

impl RefundNews {
    pub(super) fn of(found: &ProviderRefund) -> Self {
        Self {
            state: match found.status {
                ProviderRefundStatus::Pending => RefundState::Pending,
                ProviderRefundStatus::Succeeded => RefundState::Succeeded,
                ProviderRefundStatus::Failed => RefundState::Failed,
            },
            provider_id: Some(found.id.clone()),
            failure: found.failure.clone(),
        }
    }

    pub(super) fn failed(decline: Decline) -> Self {
        Self {
            state: RefundState::Failed,
            provider_id: None,
            failure: Some(decline),
        }
    }
}

/// Moves a refund on, and posts what was given back, or came back, once.
pub(super) async fn settle_refund(tx: &mut TenantTx, refund: Uuid, news: RefundNews) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let payment = sqlx::query_scalar!(
        "SELECT payment_id FROM refunds WHERE business_id = $1 AND id = $2",
        business,
        refund
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(payment) = payment else { return Ok(()) };
    let Some(locked) = lock_payment(tx, payment).await? else {
        return Ok(());
    };
    let row = sqlx::query!(
        "SELECT state, amount_minor, provider_refund_id FROM refunds WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        refund,
    )
    .fetch_one(tx.conn())
    .await?;
    let before =
        RefundState::parse(&row.state).ok_or_else(|| anyhow::anyhow!("a refund in an unknown state"))?;
    // One that was presumed lost, and is there after all.
    let is_found =
        before == RefundState::Failed && row.provider_refund_id.is_none() && news.state.is_posted();
    if !is_found && !before.may_become(news.state) {
        return Ok(());
    }
    let due = (news.state == RefundState::Unknown).then(|| now + LOOK_UP_AFTER);
    sqlx::query!(
        "UPDATE refunds SET state = $3, provider_refund_id = coalesce(provider_refund_id, $4), failure_code = $5,
             failure_reason = $6, lookup_due_at = $7, lookups = 0, empty_lookups = 0, updated_at = $8
         WHERE business_id = $1 AND id = $2",
        business,
        refund,
        news.state.as_str(),
        news.provider_id,
        news.failure.as_ref().map(|decline| decline.code.as_str()),
        news.failure.as_ref().map(|decline| decline.reason),
        due,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": before.as_str(), "to": news.state.as_str() });
    tx.audit(AuditEntry::plain("refund.status_changed", refund, &details).about(Some(locked.debtor_id)));
    tx.emit(locked.event());
    if news.state.is_posted() {
        post_of(
            tx,
            &locked,
            PostingKind::Refund,
            &format!("refund:{refund}"),
            row.amount_minor,
        )
        .await?;
    } else if news.state == RefundState::Failed && before.is_posted() {
        let key = format!("refund:{refund}:failed");
        post_of(tx, &locked, PostingKind::RefundFailed, &key, row.amount_minor).await?;
    }
    Ok(())
}

/// The business's account at Stripe that holds the payment's money.
pub(super) async fn account_of(slice: &Payments, payment: &LockedPayment) -> Result<String, OpError> {
    slice.external_id_of(through(payment)?).await
}
