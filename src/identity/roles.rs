//! A business's own roles: a name, one of ours as the base, and a part of that one's permissions. They only ever take
//! away: what a member may do is the base role's, of that the custom role's, and of that what the member was left.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    invite::authorize_over,
    role_store::{self as store, RoleRow},
    team_store,
    update_user::{check_still_in_office, is_administrator},
};
use crate::{
    access::{AccessTable, Cell, Role, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// Roles of one business.
const MOST_ROLES: i64 = 50;

/// What is to become a role.
pub(super) struct RoleWish {
    pub(super) name: String,
    pub(super) base: Role,
    pub(super) permissions: Vec<String>,
}

/// Each `Some` is a new value.
#[derive(Default)]
pub(super) struct RolePatch {
    pub(super) name: Option<String>,
    pub(super) permissions: Option<Vec<String>>,
}

/// What is left where both a custom role and the member's own part take away.
pub(super) fn narrowed(own: Option<&[String]>, role: Option<&[String]>) -> Option<Vec<String>> {
    match (own, role) {
        (Some(own), Some(role)) => Some(own.iter().filter(|label| role.contains(label)).cloned().collect()),
        (Some(one), None) | (None, Some(one)) => Some(one.to_vec()),
        (None, None) => None,
    }
}

/// Makes a role.
///
/// # Errors
/// User errors: INVALID_INPUT, CONFLICT for a name that another role has, QUOTA_EXCEEDED.
pub(super) async fn create_role(
    identity: &Identity,
    tx: &mut TenantTx,
    wish: RoleWish,
) -> Result<Uuid, OpError> {
    may_manage(identity, tx, wish.base.as_str()).await?;
    let name = check_name(&wish.name)?;
    let permissions = check_permissions(&identity.access, wish.base, wish.permissions)?;
    if store::count(tx).await? >= MOST_ROLES {
        let message = format!("Your business has {MOST_ROLES} roles: delete one that nobody needs.");
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let id = ids::next();
    store::insert(tx, id, &name, wish.base, &permissions)
        .await
        .map_err(name_taken)?;
    let details = json!({ "name": name, "base": wish.base.as_str(), "permissions": permissions });
    tx.audit(AuditEntry::plain("role.created", id, &details));
    Ok(id)
}

/// Changes a role. With other permissions the sessions of all who hold it end; returns which they were.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT, and CONFLICT for a taken name and for the last administrator.
pub(super) async fn update_role(
    identity: &Identity,
    tx: &mut TenantTx,
    id: Uuid,
    patch: RolePatch,
) -> Result<Vec<Uuid>, OpError> {
    authorize(tx.ctx(), Cell::RoleManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let base = store::role(tx, id).await?.ok_or_else(not_found)?.base_role;
    may_manage(identity, tx, &base).await?;
    let before = store::lock(tx, id).await?.ok_or_else(not_found)?;
    let name = match &patch.name {
        Some(name) => check_name(name)?,
        None => before.name.clone(),
    };
    let permissions = match patch.permissions {
        Some(wanted) => {
            let base = Role::parse(&before.base_role).ok_or_else(not_found)?;
            check_permissions(&identity.access, base, wanted)?
        }
        None => before.permissions.clone(),
    };
    let ends_sessions = permissions != before.permissions;
    if ends_sessions {
        refuse_without_administrator(tx, &before, &permissions).await?;
        if tx.ctx().user_id().is_some() && store::is_held_by(tx, id, tx.ctx().user_id()).await? {
            let message = "This is your own role: ask another administrator of your business to change it.";
            return Err(UserError::at(UserErrorCode::Conflict, "permissions", message).into());
        }
        store::hold_sessions_off(tx, id).await?;
    }
    store::set(tx, id, &name, &permissions)
        .await
        .map_err(name_taken)?;
    let ended = if ends_sessions {
        store::end_sessions(tx, id, identity.wall.now()).await?
    } else {
        Vec::new()
    };
    let details = json!({
        "name": { "from": before.name, "to": name },
        "permissions": { "from": before.permissions, "to": permissions },
        "sessions_ended": ended.len(),
    });
    tx.audit(AuditEntry::plain("role.updated", id, &details));
    Ok(ended)
}

/// Deletes a role that nobody holds.
///
/// # Errors
/// User errors: NOT_FOUND; CONFLICT while members or open invitations have it.
pub(super) async fn delete_role(identity: &Identity, tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::RoleManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = store::role(tx, id).await?.ok_or_else(not_found)?;
    may_manage(identity, tx, &row.base_role).await?;
    store::forget_settled_invitations(tx, id).await?;
    let deleted = store::delete(tx, id).await.map_err(|error| {
        if error.is_constraint("users_business_id_custom_role_id_fkey")
            || error.is_constraint("invitations_business_id_custom_role_id_fkey")
        {
            let message = "Members or open invitations have this role: give them another one first.";
            return UserError::at(UserErrorCode::Conflict, "id", message).into();
        }
        OpError::from(error)
    })?;
    if !deleted {
        return Err(not_found().into());
    }
    tx.audit(AuditEntry::plain(
        "role.deleted",
        id,
        &json!({ "name": row.name }),
    ));
    Ok(())
}

/// Roles are the whole administrators' business alone: who has less could otherwise give more than they have.
async fn may_manage(identity: &Identity, tx: &mut TenantTx, base: &str) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::RoleManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    authorize_over(identity, tx, base)?;
    let myself = tx.ctx().user_id();
    let wanted: Vec<Uuid> = myself.into_iter().collect();
    let locked = team_store::lock_with_administrators(tx, &wanted).await?;
    check_still_in_office(identity, &locked, myself, Cell::RoleManage)
}

async fn refuse_without_administrator(
    tx: &mut TenantTx,
    role: &RoleRow,
    permissions: &[String],
) -> Result<(), OpError> {
    let mut administrators = team_store::lock_with_administrators(tx, &[]).await?;
    let had_one = administrators.iter().any(is_administrator);
    for row in &mut administrators {
        if row.custom_role_id == Some(role.id) {
            row.role_permissions = Some(permissions.to_vec());
        }
    }
    if !had_one || administrators.iter().any(is_administrator) {
        return Ok(());
    }
    let message = "No active administrator would be left who manages the staff: make another one first.";
    Err(UserError::at(UserErrorCode::Conflict, "permissions", message).into())
}

fn not_found() -> UserError {
    UserError::not_found("id", "role")
}

fn name_taken(error: DbError) -> OpError {
    if error.is_constraint("custom_roles_name") {
        let message = "Another role of your business has this name: choose another one.";
        return UserError::at(UserErrorCode::Conflict, "name", message).into();
    }
    OpError::from(error)
}

fn check_name(name: &str) -> Result<String, UserError> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(UserError::invalid(
        "name",
        "Name the role in 1 to 100 characters.",
    ))
}

fn check_permissions(
    access: &AccessTable,
    base: Role,
    mut permissions: Vec<String>,
) -> Result<Vec<String>, UserError> {
    let held = access.labels_within(base, None);
    if !permissions.iter().all(|label| held.contains(label)) {
        let message = format!(
            "These are not all permissions of the base role. It has: {}.",
            held.join(", ")
        );
        return Err(UserError::invalid("permissions", message));
    }
    permissions.sort();
    permissions.dedup();
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_leave_what_is_in_both() {
        let part =
            |labels: &[&str]| -> Vec<String> { labels.iter().map(|label| (*label).to_owned()).collect() };
        let (own, role) = (part(&["a", "b"]), part(&["b", "c"]));
        assert_eq!(narrowed(None, None), None);
        assert_eq!(narrowed(Some(&own), None), Some(own.clone()));
        assert_eq!(narrowed(None, Some(&role)), Some(role.clone()));
        assert_eq!(narrowed(Some(&own), Some(&role)), Some(part(&["b"])));
        assert_eq!(narrowed(Some(&own), Some(&[])), Some(Vec::new()));
    }
}
