//! SQL of identities, second factors, sessions and tokens, which lie outside any one business.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::session_holder::{Holder, RefreshRow};
use crate::{
    access::Role,
    platform::db::{DbError, SystemTx, TenantTx},
};

/// What is known of a person who signs in.
pub(super) struct IdentityRow {
    pub(super) id: Uuid,
    pub(super) email_cipher: Vec<u8>,
    pub(super) password_hash: String,
    pub(super) email_verified_at: Option<DateTime<Utc>>,
    pub(super) totp_secret_cipher: Option<Vec<u8>>,
    pub(super) totp_confirmed_at: Option<DateTime<Utc>>,
    pub(super) totp_last_step: Option<i64>,
    pub(super) platform_role: Option<String>,
}

pub(super) async fn identity_by_email(
    tx: &mut SystemTx,
    blind: &[u8],
) -> Result<Option<IdentityRow>, DbError> {
    Ok(sqlx::query_as!(
        IdentityRow,
        "SELECT id, email_cipher, password_hash, email_verified_at, totp_secret_cipher, totp_confirmed_at,
                totp_last_step, platform_role
         FROM identities WHERE email_blind = $1",
        blind
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// One registration of an address at a time: who has it may be nobody yet, so that there is no row to lock.
pub(super) async fn lock_address(tx: &mut SystemTx, blind: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 9))",
        blind
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks the row: one code is checked at a time.
pub(super) async fn lock_identity(tx: &mut SystemTx, id: Uuid) -> Result<Option<IdentityRow>, DbError> {
    Ok(sqlx::query_as!(
        IdentityRow,
        "SELECT id, email_cipher, password_hash, email_verified_at, totp_secret_cipher, totp_confirmed_at,
                totp_last_step, platform_role
         FROM identities WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A new person; the e-mail is already sealed and indexed.
#[derive(Debug)]
pub struct NewIdentity {
    pub id: Uuid,
    pub email_blind: Vec<u8>,
    pub email_cipher: Vec<u8>,
    pub password_hash: String,
    pub platform_role: Option<&'static str>,
}

/// Stores a person who has not verified their address yet.
///
/// # Errors
/// `identities_email_blind_key` when the address has an identity.
pub async fn insert_identity(tx: &mut SystemTx, new: &NewIdentity) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO identities (id, email_blind, email_cipher, password_hash, platform_role, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        new.id,
        new.email_blind,
        new.email_cipher,
        new.password_hash,
        new.platform_role,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A membership that a log-in may enter.
pub(super) struct MembershipRow {
    pub(super) business_id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) role: String,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) role_permissions: Option<Vec<String>>,
    pub(super) status: String,
    pub(super) business_name: String,
    pub(super) business_status: String,
}

/// A person's memberships, the last used first, then the oldest; at most a hundred.
pub(super) async fn memberships(tx: &mut SystemTx, identity: Uuid) -> Result<Vec<MembershipRow>, DbError> {
    Ok(sqlx::query_as!(
        MembershipRow,
        r#"SELECT u.business_id, u.id AS user_id, u.role, u.permissions, c.permissions AS "role_permissions?", u.status,
                b.name AS business_name, b.status AS business_status
         FROM users u JOIN businesses b ON b.id = u.business_id
         LEFT JOIN custom_roles c ON c.business_id = u.business_id AND c.id = u.custom_role_id
         WHERE u.identity_id = $1
         ORDER BY (SELECT max(s.last_used_at) FROM sessions s
                   WHERE s.business_id = u.business_id AND s.user_id = u.id) DESC NULLS LAST, u.created_at, u.id
         LIMIT 100"#,
        identity
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Marks address and second factor as right.
pub(super) async fn set_known(tx: &mut SystemTx, identity: Uuid, totp_cipher: &[u8]) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identities SET email_verified_at = $2, totp_secret_cipher = $3, totp_confirmed_at = $2 WHERE id = $1",
        identity,
        now,
        totp_cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_totp_secret(tx: &mut SystemTx, identity: Uuid, cipher: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET totp_secret_cipher = $2, totp_last_step = NULL WHERE id = $1 AND totp_confirmed_at IS NULL",
        identity,
        cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn confirm_totp(
    tx: &mut SystemTx,
    identity: Uuid,
    step: i64,
    code_hashes: &[Vec<u8>],
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identities SET totp_confirmed_at = $2, totp_last_step = $3 WHERE id = $1",
        identity,
        now,
        step,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("DELETE FROM recovery_codes WHERE identity_id = $1", identity)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (identity_id, code_hash) SELECT $1, * FROM unnest($2::bytea[])",
        identity,
        code_hashes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_totp_step(tx: &mut SystemTx, identity: Uuid, step: i64) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET totp_last_step = $2 WHERE id = $1",
        identity,
        step
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn spend_recovery_code(
    tx: &mut SystemTx,
    identity: Uuid,
    hash: &[u8],
) -> Result<bool, DbError> {
    let now = tx.now();
    let spent = sqlx::query!(
        "UPDATE recovery_codes SET used_at = $3 WHERE identity_id = $1 AND code_hash = $2 AND used_at IS NULL",
        identity,
        hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(spent.rows_affected() == 1)
}

/// A session about to start.
pub(super) struct NewSession {
    pub(super) id: Uuid,
    pub(super) identity_id: Uuid,
    pub(super) business_id: Option<Uuid>,
    pub(super) user_id: Option<Uuid>,
    pub(super) expires_at: DateTime<Utc>,
}

pub(super) async fn insert_session(
    tx: &mut SystemTx,
    new: &NewSession,
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO sessions (id, identity_id, business_id, user_id, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $5, $6)",
        new.id,
        new.identity_id,
        new.business_id,
        new.user_id,
        wall,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_refresh_token(
    tx: &mut SystemTx,
    session: Uuid,
    hash: &[u8],
    wall: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        hash,
        session,
        wall,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE sessions SET expires_at = $2 WHERE id = $1",
        session,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn lock_refresh_token(
    tx: &mut SystemTx,
    hash: &[u8],
) -> Result<Option<RefreshRow>, DbError> {
    let row = sqlx::query!(
        "SELECT s.id AS session_id, s.identity_id, s.business_id, t.expires_at, t.spent_at, s.last_used_at,
                s.revoked_at, (SELECT b.session_idle_minutes FROM businesses b WHERE b.id = s.business_id) AS idle_minutes
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
         WHERE t.token_hash = $1 FOR UPDATE",
        hash
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| RefreshRow {
        session_id: row.session_id,
        holder: Holder::Person {
            identity_id: row.identity_id,
            business_id: row.business_id,
        },
        expires_at: row.expires_at,
        spent_at: row.spent_at,
        last_used_at: row.last_used_at,
        idle_minutes: row.idle_minutes,
        revoked_at: row.revoked_at,
    }))
}

pub(super) async fn spend_refresh_token(
    tx: &mut SystemTx,
    hash: &[u8],
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE refresh_tokens SET spent_at = $2 WHERE token_hash = $1",
        hash,
        wall
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a session that has not ended yet; false when it has.
pub(super) async fn leave_session(
    tx: &mut SystemTx,
    session: Uuid,
    wall: DateTime<Utc>,
) -> Result<bool, DbError> {
    let left = sqlx::query!(
        "UPDATE sessions SET revoked_at = $2, revoked_reason = 'LOGOUT' WHERE id = $1 AND revoked_at IS NULL",
        session,
        wall
    )
    .execute(tx.conn())
    .await?;
    Ok(left.rows_affected() == 1)
}

pub(super) async fn revoke_session(
    tx: &mut SystemTx,
    session: Uuid,
    reason: &str,
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE sessions SET revoked_at = coalesce(revoked_at, $2), revoked_reason = coalesce(revoked_reason, $3)
         WHERE id = $1",
        session,
        wall,
        reason,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether work may be given to this member: they are of the business and may sign in.
///
/// # Errors
/// [`DbError`] as met.
pub async fn may_be_given_work(tx: &mut TenantTx, user: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE business_id = $1 AND id = $2 AND status = 'ACTIVE') AS "may!""#,
        business,
        user
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The roles of those of `users` who are active staff of the business.
///
/// # Errors
/// [`DbError`] as met.
pub async fn roles_of_active(tx: &mut TenantTx, users: &[Uuid]) -> Result<HashMap<Uuid, Role>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT id, role FROM users WHERE business_id = $1 AND id = ANY($2) AND status = 'ACTIVE'",
        business,
        users
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.id, Role::parse(&row.role)?)))
        .collect())
}

/// The names and roles of users of the business, for those that exist.
///
/// # Errors
/// [`DbError`] as met.
pub async fn user_names(tx: &mut TenantTx, users: &[Uuid]) -> Result<HashMap<Uuid, (String, Role)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT id, name, role FROM users WHERE business_id = $1 AND id = ANY($2)",
        business,
        users
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Role::parse(&row.role).map(|role| (row.id, (row.name, role))))
        .collect())
}

/// Makes the person a super admin, or no more one.
pub(super) async fn set_platform_role(
    tx: &mut SystemTx,
    identity: Uuid,
    role: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE identities SET platform_role = $2 WHERE id = $1",
        identity,
        role
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_email_verified(tx: &mut SystemTx, identity: Uuid) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identities SET email_verified_at = coalesce(email_verified_at, $2) WHERE id = $1",
        identity,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends the stays of this operator in whatever business; which they were.
pub(super) async fn end_visits_of(
    tx: &mut SystemTx,
    operator: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE break_glass_sessions SET ended_at = $2
         WHERE identity_id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING id",
        operator,
        wall
    )
    .fetch_all(tx.conn())
    .await?)
}
