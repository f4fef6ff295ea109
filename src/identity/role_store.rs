//! SQL of a business's own roles.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::Role,
    platform::db::{DbError, TenantTx},
};

/// A role as stored.
#[derive(Clone, Debug)]
pub(super) struct RoleRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) base_role: String,
    pub(super) permissions: Vec<String>,
}

pub(super) async fn role(tx: &mut TenantTx, id: Uuid) -> Result<Option<RoleRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RoleRow,
        "SELECT id, name, base_role, permissions FROM custom_roles WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, against changes: what is given to a member is what the role is.
pub(super) async fn hold(tx: &mut TenantTx, id: Uuid) -> Result<Option<RoleRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RoleRow,
        "SELECT id, name, base_role, permissions FROM custom_roles WHERE business_id = $1 AND id = $2 FOR SHARE",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, to be changed.
pub(super) async fn lock(tx: &mut TenantTx, id: Uuid) -> Result<Option<RoleRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RoleRow,
        "SELECT id, name, base_role, permissions FROM custom_roles WHERE business_id = $1 AND id = $2 FOR UPDATE",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The business's roles in alphabetical order.
pub(super) async fn roles(tx: &mut TenantTx) -> Result<Vec<RoleRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RoleRow,
        "SELECT id, name, base_role, permissions FROM custom_roles WHERE business_id = $1 ORDER BY lower(name), id LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn count(tx: &mut TenantTx) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM custom_roles WHERE business_id = $1"#,
        business
    )
    .fetch_one(tx.conn())
    .await?)
}

/// # Errors
/// `custom_roles_name` when another role has the name.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    name: &str,
    base: Role,
    permissions: &[String],
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO custom_roles (business_id, id, name, base_role, permissions, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        business,
        id,
        name,
        base.as_str(),
        permissions,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// # Errors
/// `custom_roles_name` when another role has the name.
pub(super) async fn set(
    tx: &mut TenantTx,
    id: Uuid,
    name: &str,
    permissions: &[String],
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE custom_roles SET name = $3, permissions = $4, updated_at = $5 WHERE business_id = $1 AND id = $2",
        business,
        id,
        name,
        permissions,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An invitation that is settled needs its role no more.
pub(super) async fn forget_settled_invitations(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE invitations SET custom_role_id = NULL WHERE business_id = $1 AND custom_role_id = $2 AND state <> 'OPEN'",
        business,
        id
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether there was one.
///
/// # Errors
/// A foreign key of `users` or `invitations` while somebody holds it.
pub(super) async fn delete(tx: &mut TenantTx, id: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    let deleted = sqlx::query!(
        "DELETE FROM custom_roles WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected() == 1)
}

pub(super) async fn is_held_by(tx: &mut TenantTx, role: Uuid, user: Option<Uuid>) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE business_id = $1 AND custom_role_id = $2 AND id = $3) AS "held!""#,
        business,
        role,
        user
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Waits for whoever is opening a session as a holder of the role, and makes those who come later wait.
pub(super) async fn hold_sessions_off(tx: &mut TenantTx, role: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "SELECT id FROM users WHERE business_id = $1 AND custom_role_id = $2 ORDER BY id FOR UPDATE",
        business,
        role
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(())
}

/// Ends the sessions of all who hold the role; which they were.
pub(super) async fn end_sessions(
    tx: &mut TenantTx,
    role: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT app.end_role_sessions($1, $2) AS "id!""#, role, wall)
            .fetch_all(tx.conn())
            .await?,
    )
}
