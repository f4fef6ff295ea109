//! SQL of second factors that change: outside any one business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::db::{DbError, SystemTx};

/// Keeps a new secret until its first code, in the place of one that waits.
pub(super) async fn put_pending(
    tx: &mut SystemTx,
    identity: Uuid,
    cipher: &[u8],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET totp_pending_cipher = $2, totp_pending_until = $3 WHERE id = $1",
        identity,
        cipher,
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The secret that waits for its first code, while it may.
pub(super) async fn pending(
    tx: &mut SystemTx,
    identity: Uuid,
    wall: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT totp_pending_cipher AS "cipher!" FROM identities
         WHERE id = $1 AND totp_pending_cipher IS NOT NULL AND totp_pending_until > $2"#,
        identity,
        wall,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Puts the secret that waited, sealed anew, in the place of the one before.
pub(super) async fn take_pending(tx: &mut SystemTx, identity: Uuid, cipher: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET totp_secret_cipher = $2, totp_pending_cipher = NULL, totp_pending_until = NULL WHERE id = $1",
        identity,
        cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes these the person's recovery codes.
pub(super) async fn put_recovery_codes(
    tx: &mut SystemTx,
    identity: Uuid,
    hashes: &[Vec<u8>],
) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM recovery_codes WHERE identity_id = $1", identity)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (identity_id, code_hash) SELECT $1, * FROM unnest($2::bytea[])",
        identity,
        hashes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the second factor off, with its recovery codes.
pub(super) async fn remove(tx: &mut SystemTx, identity: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET totp_secret_cipher = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,
             totp_pending_cipher = NULL, totp_pending_until = NULL
         WHERE id = $1",
        identity
    )
    .execute(tx.conn())
    .await?;
    put_recovery_codes(tx, identity, &[]).await
}

/// Who a member of a business is.
pub(super) async fn identity_of_member(
    tx: &mut SystemTx,
    business: Uuid,
    user: Uuid,
) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT identity_id FROM users WHERE business_id = $1 AND id = $2",
        business,
        user,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether the person belongs to another business, whatever their status there. One whose founder never verified their
/// address is none that anybody can enter.
pub(super) async fn is_member_elsewhere(
    tx: &mut SystemTx,
    identity: Uuid,
    business: Uuid,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users u JOIN businesses b ON b.id = u.business_id
             WHERE u.identity_id = $1 AND u.business_id <> $2 AND b.status <> 'PENDING') AS "elsewhere!""#,
        identity,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}
