//! When members of staff work, what they can do, and on how much at once. Routing reads it; work that is assigned by hand
//! asks for none of it.

pub(super) mod change;
mod model;
pub(super) mod store;
mod takers;

use crate::platform::db::{DbError, TenantTx};

pub use model::checked_skills;
pub(super) use model::{Hours, HoursWish, Schedule, ScheduleWish, checked_capacity};
pub use takers::{Absence, Taker, absences, takers};

/// Whether agents say themselves when they work.
///
/// # Errors
/// [`DbError`] as met.
pub async fn agents_set_own_availability(tx: &mut TenantTx) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT agents_set_own_availability FROM businesses WHERE id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Lets them, or leaves it to those who look after the staff. The caller has authorized and audits it.
///
/// # Errors
/// [`DbError`] as met.
pub async fn let_agents_set_own_availability(tx: &mut TenantTx, allowed: bool) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE businesses SET agents_set_own_availability = $2, updated_at = $3 WHERE id = $1",
        business,
        allowed,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
