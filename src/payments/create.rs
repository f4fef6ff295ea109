//! Takes a payment on: what may be paid is decided under the account's lock, and the intent is committed before anybody asks
//! Stripe.

use serde_json::json;
use uuid::Uuid;

use super::{
    PaymentAccount,
    store::{self, LOOK_UP_AFTER},
};
use crate::{
    access::{Cell, authorize},
    accounts::{PayableAccount, lock_payable},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        money::{Currency, Money},
    },
};

/// The most that Stripe takes at once, in minor units (Stripe docs, "Minimum and maximum charge amounts").
const MOST_AT_ONCE: i64 = 99_999_999;

/// A payment that somebody wants to make.
pub struct NewPayment<'a> {
    pub account: Uuid,
    pub amount: Money,
    /// The payer confirms it in their browser: no payment method was given.
    pub is_confirmed_by_payer: bool,
    /// The business's account at Stripe; none where it cannot be paid so.
    pub through: Option<&'a PaymentAccount>,
}

/// Writes the intent of a payment by Stripe, and returns its id. It is Stripe's turn once this is committed (`carry_out`).
///
/// # Errors
/// FORBIDDEN; user errors: NOT_FOUND for an account that is not the caller's, CONFLICT where nothing can be paid now,
/// INVALID_INPUT for an amount that is too small or more than is owed.
pub async fn create_payment(tx: &mut TenantTx, new: NewPayment<'_>) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::PaymentCreate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let account = lock_payable(tx, new.account)
        .await?
        .ok_or_else(|| UserError::not_found("accountId", "account"))?;
    let Some(through) = new.through else {
        let message = "Payments are not set up here yet. Ask whom you owe how to pay; staff: ask funnelchat's support to \
                       connect your Stripe account.";
        return Err(UserError::at(UserErrorCode::Conflict, "accountId", message).into());
    };
    check_account(tx, &account)?;
    check_amount(tx, &account, new.amount).await?;
    check_provider(new.amount)?;
    let id = ids::next();
    let (business, now, by) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO payments (business_id, id, debtor_id, account_id, amount_minor, currency, method, state,
             payment_account_id, is_confirmed_by_payer, lookup_due_at, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'STRIPE', 'CREATED', $7, $8, $9, $10, $11, $11)",
        business,
        id,
        account.debtor_id,
        account.id,
        new.amount.minor(),
        new.amount.currency().code(),
        through.id,
        new.is_confirmed_by_payer,
        now + LOOK_UP_AFTER,
        by,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "account": account.id, "method": "STRIPE" });
    tx.audit(AuditEntry::plain("payment.created", id, &details).about(Some(account.debtor_id)));
    Ok(id)
}

/// Whether anything may be paid to it now. A payment that staff takes is not applied to a debt that is disputed (15 USC 1692h;
/// 12 CFR 1006.30(c)); the debtor themselves may say that it is for this one.
pub(super) fn check_account(tx: &TenantTx, account: &PayableAccount) -> Result<(), OpError> {
    let refused = if account.is_closed {
        "This account is closed: nothing is paid to it any more."
    } else if account.is_disputed && tx.ctx().debtor_id().is_none() {
        "This debt is disputed: no payment may be applied to it (15 USC 1692h). Answer the dispute first; the debtor may pay it \
         themselves when signed in."
    } else if !account.balance.is_positive() {
        "Nothing is owed on this account."
    } else {
        return Ok(());
    };
    Err(UserError::at(UserErrorCode::Conflict, "accountId", refused).into())
}

/// At least one unit of the currency, or all that is owed where that is less; at most what is owed less what is under way.
pub(super) async fn check_amount(
    tx: &mut TenantTx,
    account: &PayableAccount,
    amount: Money,
) -> Result<(), OpError> {
    let balance = account.balance;
    if amount.currency() != balance.currency() {
        let message = format!(
            "This account is in {}: pay it in that currency.",
            balance.currency()
        );
        return Err(UserError::invalid("amount.currency", message).into());
    }
    let least = one_unit(balance.currency()).min(balance.minor());
    if amount.minor() < least {
        let least = Money::from_minor(least, balance.currency());
        return Err(UserError::invalid("amount.amount", format!("Pay at least {least}.")).into());
    }
    let under_way = store::in_flight(tx, account.id).await?;
    let most = balance.minor().saturating_sub(under_way);
    if amount.minor() <= most {
        return Ok(());
    }
    let most = Money::from_minor(most.max(0), balance.currency());
    if under_way == 0 {
        return Err(UserError::invalid(
            "amount.amount",
            format!("The amount exceeds the balance: pay at most {most}."),
        )
        .into());
    }
    let message = format!(
        "Other payments of this account are under way: at most {most} is left to pay. Wait until they are through."
    );
    Err(UserError::at(UserErrorCode::Conflict, "amount.amount", message).into())
}

fn one_unit(currency: Currency) -> i64 {
    10_i64.pow(u32::from(currency.exponent()))
}

/// Stripe counts most currencies as ISO 4217 does, some otherwise (Stripe docs, "Zero-decimal currencies", "Special cases"):
/// of those it counts otherwise an amount would be a hundred times another one.
fn check_provider(amount: Money) -> Result<(), UserError> {
    let currency = amount.currency();
    if currency.exponent() != 2 || currency.code() == "MGA" {
        let message = format!("Payments in {currency} are not taken by card or bank account.");
        return Err(UserError::invalid("amount.currency", message));
    }
    if amount.minor() > MOST_AT_ONCE {
        let most = Money::from_minor(MOST_AT_ONCE, currency);
        return Err(UserError::invalid(
            "amount.amount",
            format!("At most {most} can be paid at once: pay the rest after it."),
        ));
    }
    Ok(())
}
