//! SQL of profiles: how a member of staff is called and reached, and what they want to read.

use uuid::Uuid;

use super::update_profile::ProfilePatch;
use crate::platform::{
    crypto::CryptoError,
    db::{DbError, TenantTx},
    keys::TenantKeys,
    secret::Masked,
};

const TABLE: &str = "users";
const PHONE: &str = "phone_cipher";

/// What a member of staff says of themselves.
pub(super) struct ProfileRow {
    pub(super) id: Uuid,
    pub(super) language: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) phone_cipher: Option<Vec<u8>>,
    pub(super) phone_key_version: Option<i32>,
}

impl ProfileRow {
    /// Their telephone number, in E.164.
    pub(super) fn phone(&self, keys: &TenantKeys) -> Result<Option<Masked<String>>, CryptoError> {
        let (Some(sealed), Some(version)) = (self.phone_cipher.as_deref(), self.phone_key_version) else {
            return Ok(None);
        };
        let key = keys.own_key_of(version).ok_or(CryptoError::TooShort)?;
        keys.open_text(&key, TABLE, PHONE, self.id, sealed).map(Some)
    }
}

pub(super) async fn profile(tx: &mut TenantTx, user: Uuid) -> Result<Option<ProfileRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ProfileRow,
        "SELECT id, language, time_zone, phone_cipher, phone_key_version FROM users WHERE business_id = $1 AND id = $2",
        business,
        user
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, locked: of two changes at once each says what it changed from.
pub(super) async fn lock_profile(tx: &mut TenantTx, user: Uuid) -> Result<Option<ProfileRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ProfileRow,
        "SELECT id, language, time_zone, phone_cipher, phone_key_version FROM users
         WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        user
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn update_profile(
    tx: &mut TenantTx,
    user: Uuid,
    patch: &ProfilePatch,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE users SET name = coalesce($3, name),
                          language = CASE WHEN $4 THEN $5 ELSE language END,
                          time_zone = CASE WHEN $6 THEN $7 ELSE time_zone END
         WHERE business_id = $1 AND id = $2",
        business,
        user,
        patch.name,
        patch.language.is_some(),
        patch.language.clone().flatten(),
        patch.time_zone.is_some(),
        patch.time_zone.clone().flatten(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets the telephone number, sealed under the business's key; `None` empties it.
pub(super) async fn put_phone(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    user: Uuid,
    phone: Option<&str>,
) -> Result<(), crate::platform::error::OpError> {
    let business = tx.business_id();
    let seal = |phone: &str| keys.seal(&keys.own_key(), TABLE, PHONE, user, phone.as_bytes());
    let sealed = phone.map(seal).transpose()?;
    let version = sealed.as_ref().map(|_| keys.blind_version());
    sqlx::query!(
        "UPDATE users SET phone_cipher = $3, phone_key_version = $4 WHERE business_id = $1 AND id = $2",
        business,
        user,
        sealed,
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
