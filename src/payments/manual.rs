//! Takes a payment down that reached the business by itself: a check, cash, a money order. It is posted at once.

use serde_json::json;
use uuid::Uuid;

use super::{
    create::{check_account, check_amount},
    model::PaymentMethodKind,
    settle::post_payment,
    store::lock_payment,
};
use crate::{
    access::{Cell, authorize},
    accounts::{debtor_by_id, lock_payable},
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
        money::Money,
    },
};

/// At most this many characters of a note.
const MOST_CHARACTERS: usize = 1000;

/// A payment that was taken by hand.
pub struct ManualPayment<'a> {
    pub account: Uuid,
    pub amount: Money,
    pub method: PaymentMethodKind,
    /// Why it is taken down by hand, and what it is known by: the number of a check.
    pub note: &'a str,
}

/// Takes it down and posts it; its id.
///
/// # Errors
/// FORBIDDEN; user errors: NOT_FOUND for an account that is not the caller's, CONFLICT where nothing can be paid, INVALID_INPUT
/// for an amount that does not fit or a note that is empty or too long.
pub async fn record_manual_payment(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: ManualPayment<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::PaymentRecord).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let note = new.note.trim();
    if !(1..=MOST_CHARACTERS).contains(&note.chars().count()) {
        let message = "Say why it is taken down by hand, and what it is known by, in 1 to 1,000 characters.";
        return Err(UserError::invalid("note", message).into());
    }
    if new.method == PaymentMethodKind::Stripe {
        let message = "What is paid through Stripe is taken down by itself.";
        return Err(UserError::invalid("method", message).into());
    }
    let no_account = || UserError::not_found("accountId", "account");
    let account = lock_payable(tx, new.account).await?.ok_or_else(no_account)?;
    check_account(tx, &account)?;
    check_amount(tx, &account, new.amount).await?;
    let person = debtor_by_id(tx, account.debtor_id)
        .await?
        .ok_or_else(no_account)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys.data_key(&person.keys.record)?.ok_or_else(|| {
        let message = "This person's records were erased: nothing can be taken down of it any more.";
        UserError::at(UserErrorCode::Conflict, "accountId", message)
    })?;
    let (business, now, by, id) = (tx.business_id(), tx.now(), tx.ctx().user_id(), ids::next());
    let sealed = keys.seal(&record, "payments", "note_cipher", id, note.as_bytes())?;
    sqlx::query!(
        "INSERT INTO payments (business_id, id, debtor_id, account_id, amount_minor, currency, method, state,
             is_confirmed_by_payer, created_by, note_cipher, created_at, updated_at, succeeded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'SUCCEEDED', false, $8, $9, $10, $10, $10)",
        business,
        id,
        account.debtor_id,
        account.id,
        new.amount.minor(),
        new.amount.currency().code(),
        new.method.as_str(),
        by,
        sealed,
        now,
    )
    .execute(tx.conn())
    .await?;
    let locked = lock_payment(tx, id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("a payment that was just written is not there"))?;
    post_payment(tx, &locked).await?;
    let details = json!({ "account": account.id, "method": new.method.as_str() });
    tx.audit(AuditEntry::plain("payment.recorded", id, &details).about(Some(account.debtor_id)));
    tx.emit(locked.event());
    Ok(id)
}
