//! Rotation of keys, online: old versions stay readable, so nothing has to stop.
//!
//! - A new *master key* is put into the setting beside the old one; then every stored key is wrapped anew. When that is
//!   done the old master key can leave the setting.
//! - A new *business key* serves whatever is written from now on; what older versions sealed or indexed stays
//!   readable and findable through them.

use uuid::Uuid;

use crate::platform::{
    context::{Actor, SystemCtx},
    crypto::{Aad, PLATFORM},
    db::{Db, PlatformAudit},
    error::OpError,
    keys::{Keyring, key_row},
};

/// Wraps every platform and business key that is under an older master key with the current one. Returns how many
/// that were; running it again finds none.
///
/// # Errors
/// When a key does not open: then nothing has changed.
pub async fn rewrap_keys(db: &Db, keyring: &Keyring) -> Result<usize, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("rewrap keys", "key-rotation"))
        .await?;
    let mut count = 0;
    let platform = sqlx::query!("SELECT version, wrapped FROM platform_keys FOR UPDATE")
        .fetch_all(tx.conn())
        .await?;
    for row in platform {
        if let Some(wrapped) = rewrapped(keyring, &row.wrapped, &key_row(PLATFORM))? {
            sqlx::query!(
                "UPDATE platform_keys SET wrapped = $2 WHERE version = $1",
                row.version,
                wrapped
            )
            .execute(tx.conn())
            .await?;
            count += 1;
        }
    }
    let businesses = sqlx::query!("SELECT business_id, version, wrapped FROM business_keys FOR UPDATE")
        .fetch_all(tx.conn())
        .await?;
    for row in businesses {
        if let Some(wrapped) = rewrapped(keyring, &row.wrapped, &key_row(row.business_id))? {
            sqlx::query!(
                "UPDATE business_keys SET wrapped = $3 WHERE business_id = $1 AND version = $2",
                row.business_id,
                row.version,
                wrapped,
            )
            .execute(tx.conn())
            .await?;
            count += 1;
        }
    }
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "keys.rewrapped",
        object_id: None,
        details: serde_json::json!({ "keys": count }),
    });
    tx.commit().await?;
    Ok(count)
}

fn rewrapped(keyring: &Keyring, wrapped: &[u8], row: &Aad) -> Result<Option<Vec<u8>>, OpError> {
    let vault = keyring.vault();
    if !vault.masters().needs_rewrap(wrapped)? {
        return Ok(None);
    }
    Ok(Some(vault.rewrap(wrapped, row)?))
}

/// Gives a business a new key version and returns it. It is written with from two minutes later on, when every
/// process has read it: until then it only waits.
///
/// # Errors
/// [`OpError`] as met.
pub async fn rotate_business_key(db: &Db, keyring: &Keyring, business: Uuid) -> Result<i32, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("rotate a business key", "key-rotation"))
        .await?;
    let newest = sqlx::query_scalar!(
        "SELECT version FROM business_keys WHERE business_id = $1 ORDER BY version DESC LIMIT 1 FOR UPDATE",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    let version = newest + 1;
    let wrapped = keyring.new_business_key(business, u32::try_from(version).unwrap_or(u32::MAX))?;
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO business_keys (business_id, version, wrapped, created_at) VALUES ($1, $2, $3, $4)",
        business,
        version,
        wrapped,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "business_key.rotated",
        object_id: Some(business),
        details: serde_json::json!({ "version": version }),
    });
    tx.commit().await?;
    keyring.forget(business);
    Ok(version)
}
