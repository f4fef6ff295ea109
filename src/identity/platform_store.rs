//! SQL of what the platform's staff sees and does: businesses and people, and nothing of a debtor.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, SystemTx},
    gql::PageRequest,
};

/// A business as the platform sees it.
#[derive(Clone, Debug)]
pub(super) struct BusinessRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) role: String,
    pub(super) status: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) suspended_at: Option<DateTime<Utc>>,
    pub(super) suspension_reason: Option<String>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) deletion_reason: Option<String>,
}

/// How much a business uses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) users: i64,
    pub(super) accounts: i64,
    pub(super) messages: i64,
    pub(super) imports: i64,
    pub(super) imported_rows: i64,
    /// Not known of a business that was made within the hour.
    pub(super) stored_bytes: Option<i64>,
    pub(super) stored_at: Option<DateTime<Utc>>,
}

/// Which businesses; all conditions given must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct BusinessCriteria {
    pub(super) statuses: Option<Vec<String>>,
    /// A part of name or slug. Businesses are few among the platform's rows: they are read through.
    pub(super) search: Option<String>,
}

/// A page of businesses, newest first, with one row more than asked.
pub(super) async fn businesses(
    tx: &mut SystemTx,
    criteria: &BusinessCriteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<BusinessRow>, DbError> {
    Ok(sqlx::query_as!(
        BusinessRow,
        "SELECT id, name, slug, role, status, created_at, suspended_at, suspension_reason, deleted_at, deletion_reason
         FROM businesses
         WHERE ($1::text[] IS NULL OR CASE WHEN deleted_at IS NULL THEN status ELSE 'DELETED' END = ANY($1))
           AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0 OR strpos(slug, lower($2)) > 0)
           AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        criteria.statuses.as_deref(),
        criteria.search,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn business(tx: &mut SystemTx, id: Uuid) -> Result<Option<BusinessRow>, DbError> {
    Ok(sqlx::query_as!(
        BusinessRow,
        "SELECT id, name, slug, role, status, created_at, suspended_at, suspension_reason, deleted_at, deletion_reason
         FROM businesses WHERE id = $1",
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Usage of these businesses, messages and imports since `month`; in the order of `businesses`.
pub(super) async fn usage(
    tx: &mut SystemTx,
    businesses: &[Uuid],
    month: DateTime<Utc>,
) -> Result<Vec<(Uuid, Usage)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT business_id AS "id!", users AS "users!", accounts AS "accounts!", messages AS "messages!",
                  imports AS "imports!", imported_rows AS "imported_rows!", stored_bytes, stored_at
           FROM app.business_usage($1, $2)"#,
        businesses,
        month,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let usage = Usage {
                users: row.users,
                accounts: row.accounts,
                messages: row.messages,
                imports: row.imports,
                imported_rows: row.imported_rows,
                stored_bytes: row.stored_bytes,
                stored_at: row.stored_at,
            };
            (row.id, usage)
        })
        .collect())
}

/// How a business stands.
pub(super) struct Standing {
    pub(super) status: String,
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

/// How the business stands, locked: nobody opens a session in it meanwhile.
pub(super) async fn lock_business(tx: &mut SystemTx, id: Uuid) -> Result<Option<Standing>, DbError> {
    Ok(sqlx::query_as!(
        Standing,
        "SELECT status, deleted_at FROM businesses WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether anybody who may come in administers the business.
pub(super) async fn is_administered(tx: &mut SystemTx, id: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users
             WHERE business_id = $1 AND role = 'BUSINESS_ADMIN' AND status = 'ACTIVE') AS "is!""#,
        id
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Since when, and why; `None` takes it back.
pub(super) async fn set_deleted(
    tx: &mut SystemTx,
    id: Uuid,
    deleted: Option<(DateTime<Utc>, &str)>,
) -> Result<(), DbError> {
    let now = tx.now();
    let (at, reason) = deleted.unzip();
    sqlx::query!(
        "UPDATE businesses SET deleted_at = $2, deletion_reason = $3, updated_at = $4 WHERE id = $1",
        id,
        at,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Since when, on wall time, and why; `None` makes it active.
pub(super) async fn set_suspended(
    tx: &mut SystemTx,
    id: Uuid,
    suspended: Option<(DateTime<Utc>, &str)>,
) -> Result<(), DbError> {
    let now = tx.now();
    let (at, reason) = suspended.unzip();
    sqlx::query!(
        "UPDATE businesses SET status = CASE WHEN $2::timestamptz IS NULL THEN 'ACTIVE' ELSE 'SUSPENDED' END,
             suspended_at = $2, suspension_reason = $3, updated_at = $4
         WHERE id = $1",
        id,
        at,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends every session of the business's staff; which they were.
pub(super) async fn end_sessions(
    tx: &mut SystemTx,
    business: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE sessions SET revoked_at = $2, revoked_reason = 'ADMIN'
         WHERE business_id = $1 AND revoked_at IS NULL RETURNING id",
        business,
        wall
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The business's keys that are not revoked.
pub(super) async fn good_keys(tx: &mut SystemTx, business: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM api_keys WHERE business_id = $1 AND revoked_at IS NULL LIMIT 1000",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A person with a log-in.
#[derive(Clone, Debug)]
pub(super) struct PersonRow {
    pub(super) id: Uuid,
    pub(super) email_cipher: Vec<u8>,
    pub(super) is_verified: bool,
    pub(super) is_enrolled: bool,
    pub(super) is_super_admin: bool,
    pub(super) created_at: DateTime<Utc>,
}

/// A page of people, newest first, with one row more than asked; only who has the address, where one is given.
pub(super) async fn people(
    tx: &mut SystemTx,
    email_blind: Option<&[u8]>,
    super_admins: bool,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<PersonRow>, DbError> {
    Ok(sqlx::query_as!(
        PersonRow,
        r#"SELECT id, email_cipher, email_verified_at IS NOT NULL AS "is_verified!",
                  totp_confirmed_at IS NOT NULL AS "is_enrolled!", platform_role IS NOT NULL AS "is_super_admin!", created_at
           FROM identities
           WHERE ($1::bytea IS NULL OR email_blind = $1) AND (NOT $2 OR platform_role IS NOT NULL)
             AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        email_blind,
        super_admins,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A person's place in a business.
#[derive(Clone, Debug)]
pub(super) struct PlaceRow {
    pub(super) identity_id: Uuid,
    pub(super) business_id: Uuid,
    pub(super) business_name: String,
    pub(super) role: String,
    pub(super) status: String,
}

/// The places of these people, at most a hundred of each.
pub(super) async fn places_of(tx: &mut SystemTx, people: &[Uuid]) -> Result<Vec<PlaceRow>, DbError> {
    Ok(sqlx::query_as!(
        PlaceRow,
        r#"SELECT i.id AS "identity_id!", p.business_id, p.business_name, p.role, p.status
           FROM unnest($1::uuid[]) AS i(id)
           CROSS JOIN LATERAL (
               SELECT u.business_id, b.name AS business_name, u.role, u.status
               FROM users u JOIN businesses b ON b.id = u.business_id
               WHERE u.identity_id = i.id ORDER BY u.created_at, u.id LIMIT 100) AS p"#,
        people
    )
    .fetch_all(tx.conn())
    .await?)
}
