//! SQL that makes a business, and its first members.

use uuid::Uuid;

use crate::{
    access::Role,
    platform::db::{DbError, SystemTx},
};

/// A new tenant.
#[derive(Debug)]
pub struct NewBusiness {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    /// `THIRD_PARTY_COLLECTOR` or `FIRST_PARTY_CREDITOR`.
    pub role: &'static str,
    pub status: &'static str,
    /// The first business key, wrapped by the master key.
    pub wrapped_key: Vec<u8>,
}

/// Stores a tenant with its head and first key.
///
/// # Errors
/// `businesses_slug_key` when the slug is taken.
pub async fn insert_business(tx: &mut SystemTx, new: &NewBusiness) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO businesses (id, slug, name, role, status, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        new.id,
        new.slug,
        new.name,
        new.role,
        new.status,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO business_head (business_id, last_at) VALUES ($1, $2)",
        new.id,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO business_keys (business_id, version, wrapped, created_at) VALUES ($1, 1, $2, $3)",
        new.id,
        new.wrapped_key,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A new place in a business.
#[derive(Debug)]
pub struct NewMember {
    pub business_id: Uuid,
    pub user_id: Uuid,
    pub identity_id: Uuid,
    pub name: String,
    pub role: Role,
    /// A role of the business's own, with `role` as its base.
    pub custom_role_id: Option<Uuid>,
}

/// Stores a membership.
///
/// # Errors
/// [`DbError`] as met.
pub async fn insert_member(tx: &mut SystemTx, new: &NewMember) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO users (business_id, id, identity_id, name, role, status, created_at, custom_role_id)
         VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6, $7)",
        new.business_id,
        new.user_id,
        new.identity_id,
        new.name,
        new.role.as_str(),
        now,
        new.custom_role_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn slug_is_taken(tx: &mut SystemTx, slug: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM businesses WHERE slug = $1) AS "taken!""#,
        slug
    )
    .fetch_one(tx.conn())
    .await?)
}
