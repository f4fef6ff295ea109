//! SQL of registrations: what somebody chose when they registered, until its link is followed or has expired.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, SystemTx},
    ids,
};

/// Keeps what somebody chose when they registered, until its link is followed.
pub(super) async fn insert_registration(
    tx: &mut SystemTx,
    identity: Uuid,
    business: Uuid,
    password_hash: &str,
) -> Result<Uuid, DbError> {
    let (id, now) = (ids::next(), tx.now());
    sqlx::query!(
        "INSERT INTO registrations (id, identity_id, business_id, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        identity,
        business,
        password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// The registrations of a person whose row is locked, the oldest first.
pub(super) async fn registrations_of(tx: &mut SystemTx, identity: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM registrations WHERE identity_id = $1 ORDER BY created_at, id",
        identity
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Takes registrations away, with their links, and with their businesses where these still wait for their founder.
pub(super) async fn forget(tx: &mut SystemTx, registrations: &[Uuid]) -> Result<(), DbError> {
    if !registrations.is_empty() {
        sqlx::query!("SELECT app.forget_registrations($1)", registrations)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// The same of all of a person's: none of their links is good any more.
pub(super) async fn forget_all_of(tx: &mut SystemTx, identity: Uuid) -> Result<(), DbError> {
    let registrations = registrations_of(tx, identity).await?;
    forget(tx, &registrations).await
}

/// Who registered, in the words of whoever did.
pub(super) struct Registrant {
    pub(super) name: String,
    pub(super) business: String,
}

/// Whose registration this is; `None` where it has been forgotten meanwhile.
pub(super) async fn registrant(tx: &mut SystemTx, registration: Uuid) -> Result<Option<Registrant>, DbError> {
    Ok(sqlx::query_as!(
        Registrant,
        "SELECT u.name, b.name AS business
         FROM registrations r JOIN businesses b ON b.id = r.business_id
         JOIN users u ON u.business_id = r.business_id AND u.identity_id = r.identity_id
         WHERE r.id = $1",
        registration
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn insert_link(
    tx: &mut SystemTx,
    identity: Uuid,
    registration: Uuid,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO one_time_tokens (token_hash, identity_id, registration_id, purpose, expires_at)
         VALUES ($1, $2, $3, 'VERIFY_EMAIL', $4)",
        hash,
        identity,
        registration,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A registration as whoever holds its link finds it.
pub(super) struct HeldRegistration {
    pub(super) identity_id: Uuid,
    pub(super) business_id: Uuid,
    pub(super) email_blind: Vec<u8>,
    pub(super) password_hash: String,
}

/// The registration of a link that is good, of somebody who has not shown yet that the address is theirs.
pub(super) async fn held(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<HeldRegistration>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_as!(
        HeldRegistration,
        r#"SELECT r.identity_id, r.business_id, i.email_blind, r.password_hash AS "password_hash!"
           FROM one_time_tokens t JOIN registrations r ON r.id = t.registration_id
           JOIN identities i ON i.id = r.identity_id
           WHERE t.token_hash = $1 AND t.purpose = 'VERIFY_EMAIL' AND t.used_at IS NULL AND t.expires_at > $2
             AND r.password_hash IS NOT NULL AND i.email_verified_at IS NULL"#,
        hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Lets the registration's password and business count, of a person whose row is locked.
pub(super) async fn let_in(tx: &mut SystemTx, held: &HeldRegistration) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identities SET email_verified_at = $2, password_hash = $3 WHERE id = $1",
        held.identity_id,
        now,
        held.password_hash,
    )
    .execute(tx.conn())
    .await?;
    // The business waits for its founder's address alone.
    sqlx::query!(
        "UPDATE businesses SET status = 'ACTIVE', updated_at = $2 WHERE status = 'PENDING' AND id = $1",
        held.business_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The people who have a registration from before `horizon` without a good link, and those who never verified an address and
/// have none open; at most `limit`.
pub(super) async fn people_with_expired(
    tx: &mut SystemTx,
    horizon: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_scalar!(
        r#"(SELECT r.identity_id AS "id!" FROM registrations r
            WHERE r.created_at < $1 AND NOT EXISTS (
                SELECT FROM one_time_tokens t
                WHERE t.registration_id = r.id AND t.used_at IS NULL AND t.expires_at > $2)
            ORDER BY r.created_at LIMIT $3)
           UNION
           (SELECT i.id FROM identities i
            WHERE i.email_verified_at IS NULL AND i.platform_role IS NULL AND i.created_at < $1
              AND NOT EXISTS (SELECT FROM registrations r WHERE r.identity_id = i.id)
              AND NOT EXISTS (SELECT FROM users u WHERE u.identity_id = i.id)
            ORDER BY i.created_at LIMIT $3)"#,
        horizon,
        now,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The registrations of a person whose row is locked that are from before `horizon` and have no good link.
pub(super) async fn expired_of(
    tx: &mut SystemTx,
    identity: Uuid,
    horizon: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_scalar!(
        "SELECT r.id FROM registrations r
         WHERE r.identity_id = $1 AND r.created_at < $2 AND NOT EXISTS (
             SELECT FROM one_time_tokens t
             WHERE t.registration_id = r.id AND t.used_at IS NULL AND t.expires_at > $3)",
        identity,
        horizon,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Takes somebody away who never verified an address, where nothing of theirs is left open; whether it did.
pub(super) async fn forget_unverified(tx: &mut SystemTx, identity: Uuid) -> Result<bool, DbError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT app.forget_unverified($1) AS "gone!""#, identity)
            .fetch_one(tx.conn())
            .await?,
    )
}
