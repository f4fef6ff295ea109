//! Takes an account away from everybody's eyes, and brings it back. Nothing of it is lost: its ledger, its notes and
//! its trail stay, and so do its threads.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    notes,
    ports::ActivePlans,
    store::{self, debtor_by_id},
};
use crate::{
    access::{Cell, authorize},
    identity::end_debtor_sessions,
    platform::{
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::Keyring,
    },
};

/// Deletes the account. The reason becomes its last note. Messages that wait are not sent any more: the gate knows no
/// deleted account. Its debtor's sessions about it end (wall time `wall`) and are returned, to be forgotten once that is
/// committed.
///
/// # Errors
/// NOT_FOUND for an account that is not the caller's, INVALID_INPUT for a reason that does not fit, CONFLICT while a
/// payment plan is running.
pub async fn delete_account(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    plans: &dyn ActivePlans,
    id: Uuid,
    reason: &str,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, OpError> {
    authorize(tx.ctx(), Cell::AccountDelete).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !(1..=1_000).contains(&reason.trim().chars().count()) {
        return Err(UserError::invalid("reason", "Say why in 1 to 1,000 characters.").into());
    }
    let no_account = || UserError::not_found("id", "account");
    let (debtor, status) = store::lock_person_and_account(tx, id)
        .await?
        .ok_or_else(no_account)?;
    if plans.is_running(tx, id).await? {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "id",
            "A payment plan of this account is running: cancel the plan first.",
        )
        .into());
    }
    let row = debtor_by_id(tx, debtor).await?.ok_or_else(no_account)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    // Of an erased person nothing is written down any more, the reason neither.
    let note = match keys.data_key(&row.keys.profile)? {
        Some(profile) => Some(notes::insert_note(tx, &keys, id, &profile, reason).await?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE accounts SET deleted_at = $3, updated_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
    )
    .execute(tx.conn())
    .await?;
    // Whoever is signing in to it waited for its row, or was waited for.
    let ended = end_debtor_sessions(tx, &[debtor], Some(id), wall).await?;
    let details = json!({ "status": status, "reason_note": note });
    tx.audit(AuditEntry::plain("account.deleted", id, &details).about(Some(debtor)));
    tell(tx, "ACCOUNT_DELETED", id, debtor);
    Ok(ended)
}

/// Brings a deleted account back, as it was.
///
/// # Errors
/// NOT_FOUND for an account that is not the business's, CONFLICT for one that is not deleted.
pub async fn restore_account(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountRestore).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, now) = (tx.business_id(), tx.now());
    let restored = sqlx::query_scalar!(
        "UPDATE accounts SET deleted_at = NULL, updated_at = $3
         WHERE business_id = $1 AND id = $2 AND deleted_at IS NOT NULL RETURNING debtor_id",
        business,
        id,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(debtor) = restored else {
        let stands = store::lock_account(tx, id).await?.is_some();
        return Err(if stands {
            UserError::at(UserErrorCode::Conflict, "id", "This account is not deleted.").into()
        } else {
            UserError::not_found("id", "account").into()
        });
    };
    tx.audit(AuditEntry::plain("account.restored", id, &json!({})).about(Some(debtor)));
    tell(tx, "ACCOUNT_RESTORED", id, debtor);
    Ok(())
}

fn tell(tx: &mut TenantTx, kind: &'static str, account: Uuid, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind,
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}
