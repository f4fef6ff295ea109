//! SQL of passwords, failed log-ins and the list of sessions: outside any one business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{lockout::Failures, store::IdentityRow};
use crate::platform::db::{DbError, SystemTx};

/// Reads a person without locking them: a refresh holds its session's row, and whoever ends a person's sessions holds
/// the person's.
pub(super) async fn find_identity(tx: &mut SystemTx, id: Uuid) -> Result<Option<IdentityRow>, DbError> {
    Ok(sqlx::query_as!(
        IdentityRow,
        "SELECT id, email_cipher, password_hash, email_verified_at, totp_secret_cipher, totp_confirmed_at,
                totp_last_step, platform_role
         FROM identities WHERE id = $1",
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The blind index of a person's e-mail address.
pub(super) async fn email_blind(tx: &mut SystemTx, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    Ok(
        sqlx::query_scalar!("SELECT email_blind FROM identities WHERE id = $1", id)
            .fetch_optional(tx.conn())
            .await?,
    )
}

/// The person's names and those of their businesses, for the password rules.
pub(super) async fn names_around(tx: &mut SystemTx, identity: Uuid) -> Result<Vec<String>, DbError> {
    let rows = sqlx::query!(
        "SELECT u.name, b.name AS business FROM users u JOIN businesses b ON b.id = u.business_id
         WHERE u.identity_id = $1 LIMIT 100",
        identity
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .flat_map(|row| [row.name, row.business])
        .collect())
}

pub(super) async fn set_password(tx: &mut SystemTx, identity: Uuid, hash: &str) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET password_hash = $2 WHERE id = $1",
        identity,
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts a new link in the place of the one before.
pub(super) async fn put_reset(
    tx: &mut SystemTx,
    identity: Uuid,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO password_resets (identity_id, token_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (identity_id) DO UPDATE SET token_hash = $2, expires_at = $3",
        identity,
        token_hash,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whose link this is, while it is good.
pub(super) async fn reset_of(
    tx: &mut SystemTx,
    token_hash: &[u8],
    wall: DateTime<Utc>,
) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT identity_id FROM password_resets WHERE token_hash = $1 AND expires_at > $2",
        token_hash,
        wall
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Spends a link: `false` when it is not good any more.
pub(super) async fn spend_reset(
    tx: &mut SystemTx,
    token_hash: &[u8],
    wall: DateTime<Utc>,
) -> Result<bool, DbError> {
    let spent = sqlx::query!(
        "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2",
        token_hash,
        wall
    )
    .execute(tx.conn())
    .await?;
    Ok(spent.rows_affected() == 1)
}

/// A link that was asked for with the old password is not good for the new one.
pub(super) async fn drop_reset(tx: &mut SystemTx, identity: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM password_resets WHERE identity_id = $1", identity)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The failures of an account, locked.
pub(super) async fn lock_failures(tx: &mut SystemTx, account: &[u8]) -> Result<Option<Failures>, DbError> {
    // The lock is on the name and not on the row, which may not be there yet.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 8))",
        account
    )
    .execute(tx.conn())
    .await?;
    Ok(sqlx::query_as!(
        Failures,
        "SELECT failures, recent, last_at, blocked_until, alerted_at FROM login_failures WHERE account_blind = $1",
        account
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores the failures of an account; `None` removes them.
pub(super) async fn save_failures(
    tx: &mut SystemTx,
    account: &[u8],
    failures: Option<&Failures>,
) -> Result<(), DbError> {
    let Some(failures) = failures else {
        sqlx::query!("DELETE FROM login_failures WHERE account_blind = $1", account)
            .execute(tx.conn())
            .await?;
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO login_failures (account_blind, failures, recent, last_at, blocked_until, alerted_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account_blind) DO UPDATE
         SET failures = $2, recent = $3, last_at = $4, blocked_until = $5, alerted_at = $6",
        account,
        failures.failures,
        &failures.recent,
        failures.last_at,
        failures.blocked_until,
        failures.alerted_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn forget_failures_before(tx: &mut SystemTx, horizon: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM login_failures WHERE last_at <= $1", horizon)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends a person's sessions, all or all but one; which they were.
pub(super) async fn revoke_sessions(
    tx: &mut SystemTx,
    identity: Uuid,
    but: Option<Uuid>,
    reason: &str,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE sessions SET revoked_at = $3, revoked_reason = $4
         WHERE identity_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2 AND expires_at > $3
         RETURNING id",
        identity,
        but,
        wall,
        reason,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends one session of a person; `false` when they have no such session open.
pub(super) async fn revoke_own_session(
    tx: &mut SystemTx,
    identity: Uuid,
    session: Uuid,
    wall: DateTime<Utc>,
) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "UPDATE sessions SET revoked_at = $3, revoked_reason = 'LOGOUT'
         WHERE id = $2 AND identity_id = $1 AND revoked_at IS NULL AND expires_at > $3",
        identity,
        session,
        wall,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Where a session was opened, sealed.
pub(super) async fn set_session_origin(
    tx: &mut SystemTx,
    session: Uuid,
    user_agent: Option<&[u8]>,
    address: &[u8],
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE sessions SET user_agent_cipher = $2, address_cipher = $3 WHERE id = $1",
        session,
        user_agent,
        address,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An open session of a person.
pub(super) struct SessionRow {
    pub(super) id: Uuid,
    pub(super) user_agent_cipher: Option<Vec<u8>>,
    pub(super) address_cipher: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: DateTime<Utc>,
}

/// A person's open sessions, the newest hundred.
pub(super) async fn open_sessions(
    tx: &mut SystemTx,
    identity: Uuid,
    wall: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Vec<SessionRow>, DbError> {
    Ok(sqlx::query_as!(
        SessionRow,
        "SELECT s.id, s.user_agent_cipher, s.address_cipher, s.created_at, s.last_used_at
         FROM sessions s LEFT JOIN businesses b ON b.id = s.business_id
         WHERE s.identity_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
           AND s.last_used_at >= greatest($3, $2 - make_interval(mins => b.session_idle_minutes))
         ORDER BY s.created_at DESC, s.id DESC LIMIT 100",
        identity,
        wall,
        idle_since,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Writes down when sessions and API keys were used last; never back in time.
pub(super) async fn record_use(
    tx: &mut SystemTx,
    used: &[Uuid],
    at: &[DateTime<Utc>],
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE sessions s SET last_used_at = u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, at)
         WHERE s.id = u.id AND s.last_used_at < u.at",
        used,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
