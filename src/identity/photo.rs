//! A member of staff's picture.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    files::{self, Purpose},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
    },
};

/// Makes an upload of the caller's own their picture; `None` takes it away. The one before is destroyed.
///
/// # Errors
/// NOT_FOUND, INVALID_INPUT or CONFLICT for an upload that cannot be used.
pub(super) async fn set_photo(tx: &mut TenantTx, upload: Option<Uuid>) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ProfileUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden("only a person has a picture".to_owned()));
    };
    let business = tx.business_id();
    let before = sqlx::query_scalar!(
        "SELECT photo_file_id FROM users WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        user,
    )
    .fetch_one(tx.conn())
    .await?;
    if let Some(upload) = upload {
        files::claim(tx, upload, Purpose::ProfilePhoto, "uploadId").await?;
    }
    sqlx::query!(
        "UPDATE users SET photo_file_id = $3 WHERE business_id = $1 AND id = $2",
        business,
        user,
        upload,
    )
    .execute(tx.conn())
    .await?;
    if let Some(before) = before {
        files::discard(tx, &[before]).await?;
    }
    let details = json!({ "has_photo": upload.is_some() });
    tx.audit(AuditEntry::plain("user.photo_set", user, &details));
    Ok(())
}

/// The pictures of those of these members who have one.
pub(super) async fn photos_of(tx: &mut TenantTx, users: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT id, photo_file_id AS "photo!" FROM users
           WHERE business_id = $1 AND id = ANY($2) AND photo_file_id IS NOT NULL"#,
        business,
        users,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.photo)).collect())
}
