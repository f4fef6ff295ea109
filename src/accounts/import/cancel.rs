//! Stops an import.

use serde_json::json;
use uuid::Uuid;

use super::{end, model::AccountImportStatus, staged, store};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Stops an import that has not ended. What was imported of it stays; of all or nothing, nothing was.
///
/// # Errors
/// NOT_FOUND, or CONFLICT for one that has ended.
pub async fn cancel_import(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountImport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = store::lock_import(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("importId", "import"))?;
    if row.status().has_ended() {
        let message = "It has ended already: there is nothing to cancel.";
        return Err(UserError::at(UserErrorCode::Conflict, "importId", message).into());
    }
    // What was committed binds, whatever becomes of the rows.
    if row.status() == AccountImportStatus::Committing && staged::has_wishes(tx, id).await? {
        let message = "Numbers that are not to be called are being recorded: cancel it in a moment.";
        return Err(UserError::at(UserErrorCode::Conflict, "importId", message).into());
    }
    end(tx, &row, AccountImportStatus::Cancelled, None).await?;
    let details = json!({ "imported": row.rows_imported });
    tx.audit(AuditEntry::plain("account_import.cancelled", id, &details));
    Ok(())
}
