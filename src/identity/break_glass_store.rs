//! SQL of break-glass sessions: made outside the business, read and ended inside it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, SystemTx, TenantTx},
    gql::PageRequest,
};

/// A stay that begins; who and why are sealed.
pub(super) struct NewVisit {
    pub(super) business: Uuid,
    pub(super) id: Uuid,
    pub(super) operator: Uuid,
    pub(super) operator_cipher: Vec<u8>,
    pub(super) reason_cipher: Vec<u8>,
    pub(super) key_version: i32,
    pub(super) started_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// A stay as the business reads it.
#[derive(Clone, Debug)]
pub(super) struct VisitRow {
    pub(super) id: Uuid,
    pub(super) operator_cipher: Vec<u8>,
    pub(super) reason_cipher: Vec<u8>,
    pub(super) key_version: i32,
    pub(super) started_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) ended_by: Option<Uuid>,
}

pub(super) async fn business_exists(tx: &mut SystemTx, business: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM businesses WHERE id = $1) AS "found!""#,
        business
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn insert(tx: &mut SystemTx, new: &NewVisit) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO break_glass_sessions (business_id, id, identity_id, operator_cipher, reason_cipher, key_version,
             started_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.business,
        new.id,
        new.operator,
        new.operator_cipher,
        new.reason_cipher,
        new.key_version,
        new.started_at,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a mail says of a stay.
pub(super) async fn announced(
    tx: &mut SystemTx,
    business: Uuid,
    id: Uuid,
) -> Result<Option<(String, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!(
        "SELECT b.name, s.expires_at FROM break_glass_sessions s JOIN businesses b ON b.id = s.business_id
         WHERE s.business_id = $1 AND s.id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.name, row.expires_at)))
}

/// Ends a stay that lasts; `Some(false)` when it is over already, `None` when there is none.
pub(super) async fn end(tx: &mut TenantTx, id: Uuid, wall: DateTime<Utc>) -> Result<Option<bool>, DbError> {
    let (business, user) = (tx.business_id(), tx.ctx().user_id());
    let row = sqlx::query!(
        r#"SELECT ended_at IS NOT NULL OR expires_at <= $3 AS "over!" FROM break_glass_sessions
         WHERE business_id = $1 AND id = $2 FOR UPDATE"#,
        business,
        id,
        wall,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.over {
        return Ok(Some(false));
    }
    sqlx::query!(
        "UPDATE break_glass_sessions SET ended_at = $3, ended_by = $4 WHERE business_id = $1 AND id = $2",
        business,
        id,
        wall,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(Some(true))
}

pub(super) async fn visit(tx: &mut TenantTx, id: Uuid) -> Result<Option<VisitRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        VisitRow,
        "SELECT id, operator_cipher, reason_cipher, key_version, started_at, expires_at, ended_at, ended_by
         FROM break_glass_sessions WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A page of stays, newest first, with one row more than asked.
pub(super) async fn visits(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<VisitRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        VisitRow,
        "SELECT id, operator_cipher, reason_cipher, key_version, started_at, expires_at, ended_at, ended_by
         FROM break_glass_sessions WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        business,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
