//! A business's logo.

use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::{
    access::{Cell, authorize},
    files::{self, Purpose},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
    },
};

/// Makes an upload of the caller's own the logo; `None` takes it away. The one before is destroyed.
///
/// # Errors
/// NOT_FOUND, INVALID_INPUT or CONFLICT for an upload that cannot be used.
pub(super) async fn set_logo(tx: &mut TenantTx, upload: Option<Uuid>) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BusinessUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, now) = (tx.business_id(), tx.now());
    store::lock_business(tx).await?;
    let before = logo(tx).await?;
    if let Some(upload) = upload {
        files::claim(tx, upload, Purpose::BusinessLogo, "uploadId").await?;
        sqlx::query!(
            "INSERT INTO business_logos (business_id, file_id, set_at) VALUES ($1, $2, $3)
             ON CONFLICT (business_id) DO UPDATE SET file_id = $2, set_at = $3",
            business,
            upload,
            now,
        )
        .execute(tx.conn())
        .await?;
    } else {
        sqlx::query!("DELETE FROM business_logos WHERE business_id = $1", business)
            .execute(tx.conn())
            .await?;
    }
    if let Some(before) = before {
        files::discard(tx, &[before]).await?;
    }
    let details = json!({ "has_logo": upload.is_some() });
    tx.audit(AuditEntry::plain("business.logo_set", business, &details));
    Ok(())
}

/// The file of the logo, if there is one.
pub(super) async fn logo(tx: &mut TenantTx) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT file_id FROM business_logos WHERE business_id = $1",
        business
    )
    .fetch_optional(tx.conn())
    .await?)
}
