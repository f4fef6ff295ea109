//! Changes a member's role, permissions, status, name, hours of work, skills and capacity. Role, permissions and status
//! count at once: the member's sessions in the business end in the same transaction.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    bar_admission::BarAdmission,
    invitation_store,
    invite::{authorize_over, check_name},
    kept_keys::settle_keys_of,
    role_store::{self, RoleRow},
    roles::narrowed,
    team_store::{self as store, UserRow},
    work::change::WorkPatch,
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
    /// A role of the business's own, which brings its base role; `Some(None)` gives the whole base role back.
    pub(super) custom_role: Option<Option<Uuid>>,
    /// A part of the role's, as labels of cells; `Some(None)` gives all of them back. A new role comes whole.
    pub(super) permissions: Option<Option<Vec<String>>>,
    /// `ACTIVE`, `INACTIVE` or `SUSPENDED`.
    pub(super) status: Option<&'static str>,
    pub(super) name: Option<String>,
    /// Where they were admitted as an attorney; `Some(None)`: they are none, or no more.
    pub(super) bar_admission: Option<Option<BarAdmission>>,
    /// When they work, what they can do, on how much at once.
    pub(super) work: WorkPatch,
    /// Whether the API keys that they made end; left out: where they are let go.
    pub(super) revoke_api_keys: Option<bool>,
    /// Whether their sessions end, though nothing changes that would end them.
    pub(super) end_sessions: bool,
}

/// What ends the sessions of whom it concerns, and nobody changes of themselves.
const RIGHTS: [&str; 4] = ["role", "customRoleId", "permissions", "status"];

/// What nobody records of themselves, either: others have to have seen it (15 USC 1692e(3)).
const ATTESTED: &str = "barAdmission";

/// Applies the patch. Returns the sessions and API keys that it ended, to be forgotten once it is committed.
///
/// # Errors
/// NOT_FOUND for a user who is not of the business; CONFLICT for one's own role, permissions or status, and for the
/// last administrator.
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
    if let Some(role) = patch.role.filter(|role| role.as_str() != before.role) {
        role.as_str().clone_into(&mut after.role);
        after.permissions = None;
        put_custom_role(&mut after, None);
    }
    if let Some(wanted) = patch.custom_role {
        give_custom_role(tx, &mut after, wanted, patch.role).await?;
    }
    if let Some(permissions) = patch.permissions {
        after.permissions = check_permissions(identity, &after, permissions)?;
    }
    if let Some(status) = patch.status {
        status.clone_into(&mut after.status);
    }
    if let Some(name) = &patch.name {
        after.name = check_name(name)?;
    }
    if let Some(admission) = patch.bar_admission {
        authorize(tx.ctx(), Cell::UserManageAny).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
        put_bar_admission(&mut after, admission.map(BarAdmission::checked).transpose()?);
    }
    let mut changed: Vec<&str> = [
        ("role", after.role != before.role),
        ("customRoleId", after.custom_role_id != before.custom_role_id),
        ("permissions", after.permissions != before.permissions),
        ("status", after.status != before.status),
        ("name", after.name != before.name),
        (ATTESTED, after.bar_admission() != before.bar_admission()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect();
    let changes_rights = changed.iter().any(|field| RIGHTS.contains(field));
    let ends_sessions = changes_rights || patch.end_sessions;
    if myself == Some(id) {
        refuse_own(&changed)?;
    } else {
        authorize_over(identity, tx, &before.role)?;
        authorize_over(identity, tx, &after.role)?;
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
    changed.extend(patch.work.apply(tx, id).await?);
    if changed.is_empty() && !ends_sessions {
        return Ok(settle_keys_of(identity, tx, (&before, &after), patch.revoke_api_keys).await?);
    }
    if ends_sessions {
        store::hold_sessions_off(tx, id).await?;
    }
    store::set_user(tx, &after).await?;
    let mut ended = if ends_sessions {
        store::end_member_sessions(tx, id, identity.wall.now()).await?
    } else {
        Vec::new()
    };
    let keys = settle_keys_of(identity, tx, (&before, &after), patch.revoke_api_keys).await?;
    // They invited as somebody that they are no more.
    if changes_rights {
        invitation_store::revoke_invitations_of(tx, id).await?;
    }
    let details = json!({
        "changed": changed,
        "role": { "from": before.role, "to": after.role },
        "custom_role": { "from": before.custom_role_id, "to": after.custom_role_id },
        "permissions": { "from": before.permissions, "to": after.permissions },
        "status": { "from": before.status, "to": after.status },
        "bar_admission": { "from": before.bar_admission(), "to": after.bar_admission() },
        "sessions_ended": ended.len(),
        "api_keys_revoked": keys.len(),
    });
    tx.audit(AuditEntry::plain("user.updated", id, &details));
    ended.extend(keys);
    Ok(ended)
}

fn put_bar_admission(row: &mut UserRow, admission: Option<BarAdmission>) {
    (row.bar_state, row.bar_number) = admission.map(|found| (found.state, found.number)).unzip();
}

fn put_custom_role(row: &mut UserRow, role: Option<RoleRow>) {
    row.custom_role_id = role.as_ref().map(|role| role.id);
    row.role_name = role.as_ref().map(|role| role.name.clone());
    row.role_permissions = role.map(|role| role.permissions);
}

/// Gives a custom role, or takes it away. What the member was left of another role goes with that one.
async fn give_custom_role(
    tx: &mut TenantTx,
    row: &mut UserRow,
    wanted: Option<Uuid>,
    named: Option<Role>,
) -> Result<(), OpError> {
    if wanted == row.custom_role_id {
        return Ok(());
    }
    let role = match wanted {
        Some(id) => Some(
            role_store::hold(tx, id)
                .await?
                .ok_or_else(|| UserError::not_found("customRoleId", "role"))?,
        ),
        None => None,
    };
    if let Some(role) = &role {
        if named.is_some_and(|named| named.as_str() != role.base_role) {
            let message = "This role is a part of another one: leave `role` out, or give its base role.";
            return Err(UserError::invalid("role", message).into());
        }
        row.role.clone_from(&role.base_role);
    }
    row.permissions = None;
    put_custom_role(row, role);
    Ok(())
}

/// Puts a part of the role's permissions into a fixed order.
fn check_permissions(
    identity: &Identity,
    row: &UserRow,
    permissions: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, UserError> {
    let Some(mut permissions) = permissions else {
        return Ok(None);
    };
    let held = Role::parse(&row.role)
        .map(|role| {
            identity
                .access
                .labels_within(role, row.role_permissions.as_deref())
        })
        .unwrap_or_default();
    if !permissions.iter().all(|label| held.contains(label)) {
        return Err(UserError::invalid(
            "permissions",
            format!(
                "These are not all permissions of the role. It has: {}.",
                held.join(", ")
            ),
        ));
    }
    permissions.sort();
    permissions.dedup();
    Ok(Some(permissions))
}

fn refuse_own(changed: &[&str]) -> Result<(), UserError> {
    let refused = |field: &&&str| RIGHTS.contains(field) || **field == ATTESTED;
    match changed.iter().find(refused) {
        None => Ok(()),
        Some(field) => Err(UserError::at(
            UserErrorCode::Conflict,
            field,
            "Nobody changes their own role, permissions, status or admission: ask another administrator of your business.",
        )),
    }
}

/// Whether the member can do everything that the staff may need of an administrator.
pub(super) fn is_administrator(row: &UserRow) -> bool {
    let needed = [Cell::UserManage.label(), Cell::UserManageAny.label()];
    row.role == Role::BusinessAdmin.as_str()
        && row.status == "ACTIVE"
        && narrowed(row.permissions.as_deref(), row.role_permissions.as_deref())
            .is_none_or(|held| needed.iter().all(|label| held.contains(label)))
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
    let field = match after {
        _ if before.role != after.role => "role",
        _ if before.status != after.status => "status",
        _ => "permissions",
    };
    Err(UserError::at(
        UserErrorCode::Conflict,
        field,
        "This is the last active administrator of your business: make another one first.",
    ))
}

/// What the caller is now counts, and not what their token says: it may have changed while this request waited.
pub(super) fn check_still_in_office(
    identity: &Identity,
    locked: &[UserRow],
    myself: Option<Uuid>,
    needed: Cell,
) -> Result<(), OpError> {
    let Some(myself) = myself else { return Ok(()) };
    let in_office = locked
        .iter()
        .find(|row| row.id == myself && row.status == "ACTIVE")
        .and_then(|row| {
            let held = narrowed(row.permissions.as_deref(), row.role_permissions.as_deref());
            Some((Role::parse(&row.role)?, held))
        })
        .is_some_and(|(role, permissions)| {
            identity
                .access
                .labels_within(role, permissions.as_deref())
                .contains(&needed.label())
        });
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
            permissions: None,
            custom_role_id: None,
            role_name: None,
            role_permissions: None,
            status: status.to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            bar_state: None,
            bar_number: None,
        }
    }

    #[test]
    fn the_last_active_administrator_stays() {
        let admin = row(1, "BUSINESS_ADMIN", "ACTIVE");
        let demoted = row(1, "AGENT", "ACTIVE");
        let suspended = row(1, "BUSINESS_ADMIN", "SUSPENDED");
        let idle = row(2, "BUSINESS_ADMIN", "INACTIVE");
        let second = row(3, "BUSINESS_ADMIN", "ACTIVE");
        let bound = UserRow {
            permissions: Some(vec!["user:manage".to_owned()]),
            ..admin.clone()
        };
        let alone = [
            admin.clone(),
            idle,
            UserRow {
                id: Uuid::from_u128(4),
                ..bound.clone()
            },
        ];
        for (after, field) in [
            (&demoted, "role"),
            (&suspended, "status"),
            (&bound, "permissions"),
        ] {
            let refused = refuse_without_administrator(&alone, &admin, after).unwrap_err();
            assert_eq!(refused.code, UserErrorCode::Conflict);
            assert_eq!(refused.field.unwrap()[1], field);
            assert!(refuse_without_administrator(&[admin.clone(), second.clone()], &admin, after).is_ok());
        }
        assert!(refuse_without_administrator(&alone, &admin, &admin).is_ok());
        assert!(refuse_without_administrator(std::slice::from_ref(&admin), &suspended, &demoted).is_ok());
    }
}
