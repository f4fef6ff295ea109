//! SQL of API keys.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, SystemConnection, SystemTx, TenantTx},
    gql::PageRequest,
};

/// A key about to be stored.
pub(super) struct NewKey<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) prefix: &'a str,
    pub(super) secret_hash: &'a [u8],
    pub(super) scopes: &'a [String],
    pub(super) created_by: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// One key is made at a time in a business, so that they can be counted.
pub(super) async fn lock_keys(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} api keys", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn count_good(tx: &mut TenantTx, wall: DateTime<Utc>) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys
           WHERE business_id = $1 AND revoked_at IS NULL AND expires_at > $2"#,
        business,
        wall
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn insert_key(tx: &mut TenantTx, new: &NewKey<'_>) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO api_keys (business_id, id, name, prefix, secret_hash, scopes, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business,
        new.id,
        new.name,
        new.prefix,
        new.secret_hash,
        new.scopes,
        new.created_by,
        new.created_at,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a key; `false` when the business has no such key. The first end counts.
pub(super) async fn revoke_key(tx: &mut TenantTx, id: Uuid, wall: DateTime<Utc>) -> Result<bool, DbError> {
    let business = tx.business_id();
    let ended = sqlx::query!(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE business_id = $1 AND id = $2",
        business,
        id,
        wall,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends the good keys that somebody made; returns them.
pub(super) async fn revoke_keys_of(
    tx: &mut TenantTx,
    maker: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "UPDATE api_keys SET revoked_at = $3
         WHERE business_id = $1 AND created_by = $2 AND revoked_at IS NULL AND expires_at > $3 RETURNING id",
        business,
        maker,
        wall,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How many good keys somebody made.
pub(super) async fn count_good_of(
    tx: &mut TenantTx,
    maker: Uuid,
    wall: DateTime<Utc>,
) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys
           WHERE business_id = $1 AND created_by = $2 AND revoked_at IS NULL AND expires_at > $3"#,
        business,
        maker,
        wall,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// How the good keys that somebody made begin, a business's most at once.
pub(super) async fn prefixes_of(
    tx: &mut SystemTx,
    business: Uuid,
    maker: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT prefix FROM api_keys
         WHERE business_id = $1 AND created_by = $2 AND revoked_at IS NULL AND expires_at > $3 ORDER BY id LIMIT 50",
        business,
        maker,
        wall,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The people who administer the business, as the transaction sees them, a hundred at most.
pub(super) async fn administrators_here(tx: &mut TenantTx) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT identity_id FROM users
         WHERE business_id = $1 AND role = 'BUSINESS_ADMIN' AND status = 'ACTIVE' ORDER BY id LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A key as it is shown.
pub(super) struct KeyRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) scopes: Vec<String>,
    pub(super) created_by: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

pub(super) async fn key(tx: &mut TenantTx, id: Uuid) -> Result<Option<KeyRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        KeyRow,
        "SELECT id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         FROM api_keys WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A page of the business's keys, newest first; with `left_over` those alone that are good at that instant while who made
/// them is suspended or deactivated.
pub(super) async fn keys(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
    left_over: Option<DateTime<Utc>>,
) -> Result<Vec<KeyRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        KeyRow,
        "SELECT id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         FROM api_keys k WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2)
             AND ($4::timestamptz IS NULL OR revoked_at IS NULL AND expires_at > $4 AND EXISTS (
                 SELECT FROM users u WHERE u.business_id = $1 AND u.id = k.created_by AND u.status <> 'ACTIVE'))
         ORDER BY id DESC LIMIT $3",
        business,
        past,
        page.fetch(),
        left_over,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What authentication asks of a key.
pub(super) struct FoundKey {
    pub(super) business_id: Uuid,
    pub(super) id: Uuid,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
    /// Not revoked, and its business is active.
    pub(super) is_good: bool,
}

pub(super) async fn find_key(
    connection: &mut SystemConnection,
    secret_hash: &[u8],
) -> Result<Option<FoundKey>, DbError> {
    Ok(sqlx::query_as!(
        FoundKey,
        r#"SELECT k.business_id, k.id, k.scopes, k.expires_at, k.last_used_at,
                  k.revoked_at IS NULL AND b.status = 'ACTIVE' AS "is_good!"
           FROM api_keys k JOIN businesses b ON b.id = k.business_id WHERE k.secret_hash = $1"#,
        secret_hash
    )
    .fetch_optional(connection.conn())
    .await?)
}

pub(super) async fn record_use(
    connection: &mut SystemConnection,
    business: Uuid,
    id: Uuid,
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE api_keys SET last_used_at = greatest(last_used_at, $3) WHERE business_id = $1 AND id = $2",
        business,
        id,
        wall,
    )
    .execute(connection.conn())
    .await?;
    Ok(())
}

/// A key whose end comes near.
pub(super) struct EndingKey {
    pub(super) business_id: Uuid,
    pub(super) id: Uuid,
}

/// Good keys that end before `horizon` and whose administrators were not warned so late yet; marked as warned.
pub(super) async fn take_ending(
    tx: &mut SystemTx,
    days: i32,
    wall: DateTime<Utc>,
    horizon: DateTime<Utc>,
) -> Result<Vec<EndingKey>, DbError> {
    Ok(sqlx::query_as!(
        EndingKey,
        "UPDATE api_keys k SET warned_days = $1 FROM (
             SELECT business_id, id FROM api_keys
             WHERE revoked_at IS NULL AND expires_at > $2 AND expires_at <= $3
               AND (warned_days IS NULL OR warned_days > $1)
             ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED) due
         WHERE k.business_id = due.business_id AND k.id = due.id
         RETURNING k.business_id, k.id",
        days,
        wall,
        horizon,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The people who administer a business, a hundred at most.
pub(super) async fn administrators(tx: &mut SystemTx, business: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT identity_id FROM users
         WHERE business_id = $1 AND role = 'BUSINESS_ADMIN' AND status = 'ACTIVE' ORDER BY id LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What a warning says of a key, while it is good.
pub(super) async fn ending_key(
    tx: &mut SystemTx,
    business: Uuid,
    id: Uuid,
) -> Result<Option<(String, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!(
        "SELECT prefix, expires_at FROM api_keys WHERE business_id = $1 AND id = $2 AND revoked_at IS NULL",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.prefix, row.expires_at)))
}
