//! Sets a member's schedule, skills and capacity: whoever looks after the staff, for others; everybody their own schedule
//! where the business lets them.

use serde_json::json;
use uuid::Uuid;

use super::{Schedule, ScheduleWish, agents_set_own_availability, checked_capacity, checked_skills, store};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
    },
};

/// Each `Some` is a new value; `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub(in crate::identity) struct WorkPatch {
    pub(in crate::identity) schedule: Option<Option<ScheduleWish>>,
    pub(in crate::identity) skills: Option<Vec<String>>,
    pub(in crate::identity) capacity: Option<Option<i32>>,
}

impl WorkPatch {
    /// Applies the patch to a member whose row is locked; the caller has authorized. The names of what was set, for the
    /// audit row.
    ///
    /// # Errors
    /// INVALID_INPUT for what does not fit.
    pub(in crate::identity) async fn apply(
        self,
        tx: &mut TenantTx,
        user: Uuid,
    ) -> Result<Vec<&'static str>, OpError> {
        let mut set = Vec::new();
        let capacity = self.capacity.map(checked_capacity).transpose()?;
        let skills = self.skills.as_deref().map(checked_skills).transpose()?;
        let schedule = checked_schedule(self.schedule)?;
        if let Some(capacity) = capacity {
            store::put_capacity(tx, user, capacity).await?;
            set.push("capacity");
        }
        if let Some(skills) = skills {
            store::put_skills(tx, user, &skills).await?;
            set.push("skills");
        }
        if let Some(schedule) = schedule {
            store::put_schedule(tx, user, schedule.as_ref()).await?;
            set.push("availability");
        }
        Ok(set)
    }
}

fn checked_schedule(wish: Option<Option<ScheduleWish>>) -> Result<Option<Option<Schedule>>, OpError> {
    match wish {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(wish)) => Ok(Some(Some(wish.checked().map_err(OpError::User)?))),
    }
}

/// Sets the caller's own schedule; `None` removes it.
///
/// # Errors
/// FORBIDDEN where the business leaves that to those who look after the staff, INVALID_INPUT for what does not fit.
pub(in crate::identity) async fn set_own_schedule(
    tx: &mut TenantTx,
    wish: Option<ScheduleWish>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ProfileUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden("only a person has hours of work".to_owned()));
    };
    let looks_after_staff = authorize(tx.ctx(), Cell::UserManage).is_ok();
    if !looks_after_staff && !agents_set_own_availability(tx).await? {
        let message = "your business sets hours of work for its staff: ask your manager to change yours";
        return Err(OpError::Forbidden(message.to_owned()));
    }
    let business = tx.business_id();
    // Two at once take turns.
    sqlx::query!(
        "SELECT id FROM users WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        user
    )
    .fetch_one(tx.conn())
    .await?;
    let patch = WorkPatch {
        schedule: Some(wish),
        ..WorkPatch::default()
    };
    patch.apply(tx, user).await?;
    tx.audit(AuditEntry::plain("user.availability_set", user, &json!({})));
    Ok(())
}
