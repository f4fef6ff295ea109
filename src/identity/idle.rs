//! How long sessions of a business's staff may go unused: the service's setting, or what the business lowered it to
//!

use chrono::TimeDelta;

use super::Identity;
use crate::platform::db::{DbError, TenantTx};

/// What the business chose; `None` where it leaves it to the service.
///
/// # Errors
/// [`DbError`] as met.
pub async fn session_idle_minutes(tx: &mut TenantTx) -> Result<Option<i32>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT session_idle_minutes FROM businesses WHERE id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Lowers it, or leaves it to the service again. The caller has authorized and audits it.
///
/// # Errors
/// [`DbError`] as met.
pub async fn set_session_idle_minutes(tx: &mut TenantTx, minutes: Option<i32>) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE businesses SET session_idle_minutes = $2, updated_at = $3 WHERE id = $1",
        business,
        minutes,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

impl Identity {
    /// How long a session in a business with this choice may go unused.
    pub(super) fn idle_limit(&self, minutes: Option<i32>) -> TimeDelta {
        minutes
            .map(|minutes| TimeDelta::minutes(i64::from(minutes)))
            .map_or(self.settings.session_idle, |chosen| {
                chosen.min(self.settings.session_idle)
            })
    }
}
