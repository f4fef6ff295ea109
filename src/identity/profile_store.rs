//! SQL of profiles: how a member of staff is called, and what they want to read.

use uuid::Uuid;

use super::update_profile::ProfilePatch;
use crate::platform::db::{DbError, TenantTx};

/// What a member of staff says of themselves.
pub(super) struct ProfileRow {
    pub(super) language: Option<String>,
    pub(super) time_zone: Option<String>,
}

pub(super) async fn profile(tx: &mut TenantTx, user: Uuid) -> Result<Option<ProfileRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ProfileRow,
        "SELECT language, time_zone FROM users WHERE business_id = $1 AND id = $2",
        business,
        user
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn update_profile(
    tx: &mut TenantTx,
    user: Uuid,
    patch: &ProfilePatch,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE users SET name = coalesce($3, name),
                          language = CASE WHEN $4 THEN $5 ELSE language END,
                          time_zone = CASE WHEN $6 THEN $7 ELSE time_zone END
         WHERE business_id = $1 AND id = $2",
        business,
        user,
        patch.name,
        patch.language.is_some(),
        patch.language.clone().flatten(),
        patch.time_zone.is_some(),
        patch.time_zone.clone().flatten(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
