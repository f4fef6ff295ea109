//! Says of many accounts to whom they are owed, or with what they were handed over.

use uuid::Uuid;

use super::{
    bulk::{lock_accounts, updated},
    changes::Changes,
    creditors::OriginPatch,
};
use crate::{
    access::{Cell, authorize},
    platform::{db::TenantTx, error::OpError, gql::UserError},
};

/// Gives all of the accounts this creditor and placement; those that have them already are not spoken of.
///
/// # Errors
/// User errors: INVALID_INPUT where nothing changes, NOT_FOUND for an account, creditor or placement that is not there,
/// CONFLICT for a placement of another creditor.
pub async fn set_accounts_origin(
    tx: &mut TenantTx,
    ids: &[Uuid],
    origin: OriginPatch,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if origin.creditor_id.is_none() && origin.placement_id.is_none() {
        return Err(
            UserError::invalid("creditorId", "Name a creditor or a placement, or null for none.").into(),
        );
    }
    let origin = origin.checked(tx).await?;
    let accounts = lock_accounts(tx, ids).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let changed = sqlx::query_scalar!(
        "UPDATE accounts SET
             creditor_id = CASE WHEN $3 THEN $4 ELSE creditor_id END,
             placement_id = CASE WHEN $5 THEN $6 ELSE placement_id END,
             updated_at = $7
         WHERE business_id = $1 AND id = ANY($2)
           AND (($3 AND creditor_id IS DISTINCT FROM $4) OR ($5 AND placement_id IS DISTINCT FROM $6))
         RETURNING id",
        business,
        ids,
        origin.creditor_id.is_some(),
        origin.creditor_id.flatten(),
        origin.placement_id.is_some(),
        origin.placement_id.flatten(),
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    for account in accounts.iter().filter(|account| changed.contains(&account.id)) {
        let mut changes = Changes::default();
        if let Some(creditor) = origin.creditor_id {
            changes.note("creditor", account.creditor_id, creditor);
        }
        if let Some(placement) = origin.placement_id {
            changes.note("placement", account.placement_id, placement);
        }
        tx.audit(changes.entry("account.updated", account.id, account.debtor_id));
        tx.emit(updated(account));
    }
    Ok(())
}
