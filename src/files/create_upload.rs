//! Somebody announces a file, and gets a link to send its content to.

use serde_json::json;
use uuid::Uuid;

use super::{
    Files,
    content::{LEFT_OVER, seal_name},
    detect::expected,
    model::{KEY_COLUMN, Purpose, TABLE},
    name::sanitised,
    store::{self, NewRow},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// a picture is no larger than an attachment.
const PHOTO_MAX_BYTES: i64 = 5 * 1024 * 1024;
/// what a business takes that has not said otherwise.
const DOCUMENT_MAX_BYTES: i64 = 10 * 1024 * 1024;
/// Between these a business may choose.
const DOCUMENT_LIMITS: std::ops::RangeInclusive<i64> = 1024 * 1024..=50 * 1024 * 1024;
/// At most this many uploads of one caller that are begun and not used.
const MOST_OPEN: i64 = 100;

/// Announces a file and returns its id.
///
/// # Errors
/// User errors: INVALID_INPUT for a kind of file or a size that is not taken, QUOTA_EXCEEDED past a hundred uploads that
/// were not used.
pub async fn create_upload(
    tx: &mut TenantTx,
    files: &Files,
    purpose: Purpose,
    name: &str,
    size: i64,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::FileUpload).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let cell = purpose
        .needs()
        .ok_or_else(|| OpError::Forbidden("nobody uploads what the service makes".to_owned()))?;
    authorize(tx.ctx(), cell).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = sanitised(name);
    let media_type = expected(&name, purpose).map_err(|message| UserError::invalid("fileName", message))?;
    let most = files.most_bytes(tx, purpose).await?;
    if !(1..=most).contains(&size) {
        let message = format!("Give a file of 1 to {most} bytes; this one has {size}.");
        return Err(UserError::invalid("size", message).into());
    }
    if store::open_uploads(tx).await? >= MOST_OPEN {
        let message =
            "Too many uploads of yours wait to be used: use them, or wait a day until they are gone.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let keys = files.keyring.business(&files.db, tx.business_id()).await?;
    let id = ids::next();
    let (_, wrapped_key) = keys.new_content_key(TABLE, KEY_COLUMN, id)?;
    let row = NewRow {
        id,
        purpose,
        state: "AWAITED",
        wrapped_key,
        key_version: keys.blind_version(),
        name_cipher: seal_name(&keys, id, &name)?,
        media_type: media_type.as_str(),
        size: Some(size),
        expires_at: tx.now() + LEFT_OVER,
    };
    store::insert(tx, &row).await?;
    let details = json!({ "purpose": purpose.as_str(), "size": size, "media_type": media_type.as_str() });
    tx.audit(AuditEntry::plain("file.upload_created", id, &details));
    Ok(id)
}

impl Files {
    /// The largest file of this purpose that the caller's business takes.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub(super) async fn most_bytes(&self, tx: &mut TenantTx, purpose: Purpose) -> Result<i64, DbError> {
        Ok(match purpose {
            Purpose::AccountImport | Purpose::ReassignedNumbers => self.settings.import_max_bytes,
            Purpose::ProfilePhoto | Purpose::BusinessLogo => PHOTO_MAX_BYTES,
            Purpose::Document | Purpose::Export | Purpose::ImportReport | Purpose::LegalNotice => {
                document_limit(tx).await?
            }
        })
    }
}

/// The largest document that the business takes, in bytes.
///
/// # Errors
/// [`DbError`] as met.
pub async fn document_limit(tx: &mut TenantTx) -> Result<i64, DbError> {
    let business = tx.business_id();
    let chosen = sqlx::query_scalar!(
        "SELECT document_max_bytes FROM businesses WHERE id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(chosen.unwrap_or(DOCUMENT_MAX_BYTES))
}

/// Chooses the largest document that the business takes; the default where `None`. That the caller may is for whoever
/// asks to check, as is the audit row.
///
/// # Errors
/// INVALID_INPUT outside 1 to 50 MiB.
pub async fn set_document_limit(tx: &mut TenantTx, bytes: Option<i64>) -> Result<(), OpError> {
    if bytes.is_some_and(|bytes| !DOCUMENT_LIMITS.contains(&bytes)) {
        let message =
            "Give 1,048,576 (1 MiB) to 52,428,800 (50 MiB) bytes, or null for the default of 10 MiB.";
        return Err(UserError::invalid("documentMaxBytes", message).into());
    }
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE businesses SET document_max_bytes = $2, updated_at = $3 WHERE id = $1",
        business,
        bytes,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
