//! Changes a member's role, status or name. A new role or status counts at once: the member's sessions in the business
//! end in the same transaction.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    invite::{authorize_over, check_name},
    team_store::{self as store, UserRow},
};
use crate::{
    access::{Cell, Role, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Each `Some` is a new value.
#[derive(Clone, Debug, Default)]
pub(super) struct UserPatch {
    pub(super) role: Option<Role>,
    /// `ACTIVE`, `INACTIVE` or `SUSPENDED`.
    pub(super) status: Option<&'static str>,
    pub(super) name: Option<String>,
}

/// Applies the patch. Returns the sessions that it ended, to be forgotten once it is committed.
///
/// # Errors
/// NOT_FOUND for a user who is not of the business; CONFLICT for one's own role or status, and for the last
/// administrator.
pub(super) async fn update_user(
    identity: &Identity,
    tx: &mut TenantTx,
    id: Uuid,
    patch: UserPatch,
) -> Result<Vec<Uuid>, OpError> {
    authorize(tx.ctx(), Cell::UserManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let myself = tx.ctx().user_id();
    let wanted: Vec<Uuid> = std::iter::once(id).chain(myself).collect();
    let locked = store::lock_with_administrators(tx, &wanted).await?;
    let before = locked
        .iter()
        .find(|row| row.id == id)
        .cloned()
        .ok_or_else(|| UserError::not_found("id", "user"))?;
    let mut after = before.clone();
    if let Some(role) = patch.role {
        role.as_str().clone_into(&mut after.role);
    }
    if let Some(status) = patch.status {
        status.clone_into(&mut after.status);
    }
    if let Some(name) = &patch.name {
        after.name = check_name(name)?;
    }
    let (role_changes, status_changes) = (after.role != before.role, after.status != before.status);
    if myself == Some(id) {
        refuse_own(role_changes, status_changes)?;
    } else {
        authorize_over(tx, &before.role)?;
        authorize_over(tx, &after.role)?;
    }
    refuse_without_administrator(&locked, &before, &after)?;
    let concerns_agents_only = [&before.role, &after.role]
        .iter()
        .all(|role| *role == Role::Agent.as_str());
    let needed = if concerns_agents_only || myself == Some(id) {
        Cell::UserManage
    } else {
        Cell::UserManageAny
    };
    check_still_in_office(identity, &locked, myself, needed)?;
    let changed: Vec<&str> = [
        ("role", role_changes),
        ("status", status_changes),
        ("name", after.name != before.name),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let ends_sessions = role_changes || status_changes;
    if ends_sessions {
        store::hold_sessions_off(tx, id).await?;
    }
    store::set_user(tx, &after).await?;
    let ended = if ends_sessions {
        store::end_member_sessions(tx, id, identity.wall.now()).await?
    } else {
        Vec::new()
    };
    let details = json!({
        "changed": changed,
        "role": { "from": before.role, "to": after.role },
        "status": { "from": before.status, "to": after.status },
        "sessions_ended": ended.len(),
    });
    tx.audit(AuditEntry::plain("user.updated", id, &details));
    Ok(ended)
}

fn refuse_own(role_changes: bool, status_changes: bool) -> Result<(), UserError> {
    let field = match (role_changes, status_changes) {
        (true, _) => "role",
        (_, true) => "status",
        _ => return Ok(()),
    };
    Err(UserError::at(
        UserErrorCode::Conflict,
        field,
        "Nobody changes their own role or status: ask another administrator of your business.",
    ))
}

fn is_administrator(row: &UserRow) -> bool {
    row.role == Role::BusinessAdmin.as_str() && row.status == "ACTIVE"
}

/// A business without an administrator could never have one again.
fn refuse_without_administrator(
    locked: &[UserRow],
    before: &UserRow,
    after: &UserRow,
) -> Result<(), UserError> {
    let others = locked
        .iter()
        .any(|row| row.id != before.id && is_administrator(row));
    if others || !is_administrator(before) || is_administrator(after) {
        return Ok(());
    }
    let field = if before.role == after.role {
        "status"
    } else {
        "role"
    };
    Err(UserError::at(
        UserErrorCode::Conflict,
        field,
        "This is the last active administrator of your business: make another one first.",
    ))
}

/// What the caller is now counts, and not what their token says: it may have changed while this request waited.
fn check_still_in_office(
    identity: &Identity,
    locked: &[UserRow],
    myself: Option<Uuid>,
    needed: Cell,
) -> Result<(), OpError> {
    let Some(myself) = myself else { return Ok(()) };
    let in_office = locked
        .iter()
        .find(|row| row.id == myself && row.status == "ACTIVE")
        .and_then(|row| Role::parse(&row.role))
        .is_some_and(|role| identity.access.allows(role, needed));
    if in_office {
        return Ok(());
    }
    Err(OpError::Forbidden(
        "Your own role or status has just been changed. Sign in again.".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u128, role: &str, status: &str) -> UserRow {
        UserRow {
            id: Uuid::from_u128(id),
            name: "Somebody".to_owned(),
            role: role.to_owned(),
            status: status.to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_last_active_administrator_stays() {
        let admin = row(1, "BUSINESS_ADMIN", "ACTIVE");
        let demoted = row(1, "AGENT", "ACTIVE");
        let suspended = row(1, "BUSINESS_ADMIN", "SUSPENDED");
        let idle = row(2, "BUSINESS_ADMIN", "INACTIVE");
        let second = row(3, "BUSINESS_ADMIN", "ACTIVE");
        let alone = [admin.clone(), idle];
        for (after, field) in [(&demoted, "role"), (&suspended, "status")] {
            let refused = refuse_without_administrator(&alone, &admin, after).unwrap_err();
            assert_eq!(refused.code, UserErrorCode::Conflict);
            assert_eq!(refused.field.unwrap()[1], field);
            assert!(refuse_without_administrator(&[admin.clone(), second.clone()], &admin, after).is_ok());
        }
        assert!(refuse_without_administrator(&alone, &admin, &admin).is_ok());
        assert!(refuse_without_administrator(std::slice::from_ref(&admin), &suspended, &demoted).is_ok());
    }
}
