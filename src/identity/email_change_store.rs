//! SQL of addresses that are to change: outside any one business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::db::{DbError, SystemTx};

/// An address that somebody wants instead of theirs.
pub(super) struct EmailChange {
    pub(super) identity_id: Uuid,
    pub(super) email_blind: Vec<u8>,
    pub(super) email_cipher: Vec<u8>,
}

/// Puts a wish in the place of the one before, whose link is good no more.
pub(super) async fn put(
    tx: &mut SystemTx,
    new: &EmailChange,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO email_changes (identity_id, email_blind, email_cipher, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (identity_id) DO UPDATE SET email_blind = $2, email_cipher = $3, token_hash = NULL, expires_at = $4",
        new.identity_id,
        new.email_blind,
        new.email_cipher,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What this person wants, while it may still be had.
pub(super) async fn wish_of(
    tx: &mut SystemTx,
    identity: Uuid,
    wall: DateTime<Utc>,
) -> Result<Option<EmailChange>, DbError> {
    Ok(sqlx::query_as!(
        EmailChange,
        "SELECT identity_id, email_blind, email_cipher FROM email_changes WHERE identity_id = $1 AND expires_at > $2",
        identity,
        wall
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Gives the wish a link, in the place of one before.
pub(super) async fn set_link(tx: &mut SystemTx, identity: Uuid, token_hash: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE email_changes SET token_hash = $2 WHERE identity_id = $1",
        identity,
        token_hash
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The wish whose link this is, while it is good.
pub(super) async fn wish_by_link(
    tx: &mut SystemTx,
    token_hash: &[u8],
    wall: DateTime<Utc>,
) -> Result<Option<EmailChange>, DbError> {
    Ok(sqlx::query_as!(
        EmailChange,
        "SELECT identity_id, email_blind, email_cipher FROM email_changes WHERE token_hash = $1 AND expires_at > $2",
        token_hash,
        wall
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Takes the wish away: fulfilled, or not to be had.
pub(super) async fn forget(tx: &mut SystemTx, identity: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM email_changes WHERE identity_id = $1", identity)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes away what nobody has confirmed in time.
pub(super) async fn forget_before(tx: &mut SystemTx, wall: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM email_changes WHERE expires_at <= $1", wall)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives somebody another address.
pub(super) async fn set_email(
    tx: &mut SystemTx,
    identity: Uuid,
    blind: &[u8],
    cipher: &[u8],
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET email_blind = $2, email_cipher = $3 WHERE id = $1",
        identity,
        blind,
        cipher
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
