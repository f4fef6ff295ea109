//! Files are taken into use, given to the person whom they tell of, and discarded.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::{FileRow, KEY_COLUMN, Purpose, Stored, TABLE},
    store::{self, Guard},
};
use crate::platform::{
    crypto::DataKey,
    db::{AuditEntry, TenantTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
    keys::TenantKeys,
};

/// Takes an upload of the caller's own into use, once. `field` is the input field that names it.
///
/// # Errors
/// User errors: NOT_FOUND for what is not an upload of the caller's own, INVALID_INPUT for one of another purpose or
/// without content, CONFLICT for one that was used.
pub async fn claim(tx: &mut TenantTx, id: Uuid, purpose: Purpose, field: &str) -> Result<FileRow, OpError> {
    let caller = tx.ctx().actor().id();
    let row = store::file_by_id(tx, id)
        .await?
        .filter(|row| row.created_by.is_some() && row.created_by == caller)
        .ok_or_else(|| UserError::not_found(field, "upload of yours"))?;
    if row.purpose != purpose {
        let message = format!(
            "This was uploaded for another purpose: create an upload with purpose {}.",
            purpose.as_str()
        );
        return Err(UserError::invalid(field, message).into());
    }
    if store::advance(tx, id, "STORED", "CLAIMED", None).await? {
        return Ok(row);
    }
    Err(match row.state.as_str() {
        "AWAITED" | "WRITING" => UserError::invalid(
            field,
            "Its content has not arrived: send it to the upload's url first.",
        ),
        _ => UserError::at(
            UserErrorCode::Conflict,
            field,
            "This upload was used already, or has expired: upload the file again.",
        ),
    }
    .into())
}

/// Takes a file that the service made into use, until `expires_at` if that is given.
///
/// # Errors
/// Internal when the file is no longer being written.
pub async fn keep(
    tx: &mut TenantTx,
    stored: &Stored,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), OpError> {
    if store::settle(tx, stored, "CLAIMED", expires_at).await? {
        return Ok(());
    }
    Err(OpError::Internal(anyhow::anyhow!(
        "file {} is no longer being written",
        stored.id
    )))
}

/// Writes down whom a file tells of that is about many people and stays under the business's key: erasing one of them
/// erases it.
///
/// # Errors
/// [`OpError`] as met.
pub async fn tells_of(tx: &mut TenantTx, file: Uuid, debtors: &[Uuid]) -> Result<(), OpError> {
    Ok(store::insert_debtors(tx, file, debtors).await?)
}

/// From now on the person's key guards the file and its name: it is gone when that key is.
///
/// # Errors
/// [`OpError`] as met.
pub async fn give_to_person(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    row: &FileRow,
    debtor: Uuid,
    data_key_id: Uuid,
    data_key: &DataKey,
) -> Result<(), OpError> {
    let wrapped_key = rewrapped(keys, row, data_key)?;
    let name = match row.name(keys)? {
        Some(name) => Some(keys.seal(data_key, TABLE, "person_name_cipher", row.id, name.as_bytes())?),
        None => None,
    };
    let guard = Guard {
        debtor,
        data_key: data_key_id,
        wrapped_key: &wrapped_key,
        name_cipher: name.as_deref(),
    };
    Ok(store::set_guard(tx, row.id, &guard).await?)
}

/// The same for a file whose name tells nothing of the person: the name stays the business's.
///
/// # Errors
/// [`OpError`] as met.
pub async fn give_content_to_person(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    row: &FileRow,
    debtor: Uuid,
    data_key_id: Uuid,
    data_key: &DataKey,
) -> Result<(), OpError> {
    let wrapped_key = rewrapped(keys, row, data_key)?;
    Ok(store::set_content_guard(tx, row.id, debtor, data_key_id, &wrapped_key).await?)
}

/// The content's key under the person's.
fn rewrapped(keys: &TenantKeys, row: &FileRow, data_key: &DataKey) -> Result<Vec<u8>, OpError> {
    let content_key = row
        .content_key(keys)?
        .ok_or_else(|| anyhow::anyhow!("file {} has no key", row.id))?;
    Ok(keys.wrap_content_key(data_key, &content_key, TABLE, KEY_COLUMN, row.id)?)
}

/// Destroys the keys of these files, so that nobody reads them any more; their objects are removed within the hour.
///
/// # Errors
/// [`OpError`] as met.
pub async fn discard(tx: &mut TenantTx, ids: &[Uuid]) -> Result<(), OpError> {
    for (id, debtor) in store::destroy(tx, ids).await? {
        tx.audit(AuditEntry::plain("file.discarded", id, &json!({})).about(debtor));
    }
    Ok(())
}
