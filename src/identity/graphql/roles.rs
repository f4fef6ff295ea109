//! A business's own roles in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{RoleName, team::StaffRole};
use crate::{
    access::Role,
    identity::{
        Identity,
        revocations::forget_all,
        role_store::{self, RoleRow},
        roles::{self, RolePatch, RoleWish},
    },
    platform::{
        gql::{AtHand, Done, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// A role of your business's own: a part of the permissions of one of the standard roles.
#[derive(Clone, SimpleObject)]
pub struct CustomRole {
    /// The role's id (`role_…`).
    id: ID,
    /// Its name, unique in your business.
    name: String,
    /// The role whose permissions it has a part of, and as which its holders are treated otherwise.
    base_role: RoleName,
    /// What its holders may do, as `resource:action`, in alphabetical order.
    permissions: Vec<String>,
}

impl AtHand for CustomRole {}

impl CustomRole {
    pub(super) fn new(id: Uuid, name: String, base: Role, permissions: Vec<String>) -> Self {
        Self {
            id: ids::encode(IdKind::CustomRole, id).into(),
            name,
            base_role: base.into(),
            permissions,
        }
    }

    fn of(row: RoleRow) -> Option<Self> {
        let base = Role::parse(&row.base_role)?;
        Some(Self::new(row.id, row.name, base, row.permissions))
    }
}

/// A role to be made.
#[derive(InputObject)]
pub struct CreateRoleInput {
    /// Its name, 1 to 100 characters, unique in your business.
    name: String,
    /// The role whose permissions it has a part of; it cannot be changed later.
    base_role: StaffRole,
    /// What its holders may do: a part of the base role's permissions, as `resource:action`.
    permissions: Vec<String>,
}

/// What to change about a role; what is left out stays.
#[derive(InputObject)]
pub struct UpdateRoleInput {
    /// The role (`role_…`).
    id: ID,
    /// Its new name.
    name: Option<String>,
    /// What its holders may do from now on. Their sessions end.
    permissions: Option<Vec<String>>,
}

/// A role to be deleted.
#[derive(InputObject)]
pub struct DeleteRoleInput {
    /// The role (`role_…`).
    id: ID,
}

/// What createRole answers.
#[derive(SimpleObject)]
pub struct CreateRolePayload {
    /// The new role; null when there are user errors.
    role: Option<CustomRole>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updateRole answers.
#[derive(SimpleObject)]
pub struct UpdateRolePayload {
    /// The role as it is now; null when there are user errors.
    role: Option<CustomRole>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What deleteRole answers.
#[derive(SimpleObject)]
pub struct DeleteRolePayload {
    /// The id of the role that is gone; null when there are user errors.
    deleted_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of a business's own roles.
#[derive(Default)]
pub struct RoleQueries;

#[Object]
impl RoleQueries {
    /// Your business's own roles (at most 100), in alphabetical order.
    async fn roles(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<CustomRole>> {
        let rows = role_store::roles(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))?;
        Ok(rows.into_iter().filter_map(CustomRole::of).collect())
    }
}

async fn role_of(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<CustomRole>> {
    let Some(id) = outcome.object else { return Ok(None) };
    let row = role_store::role(&mut *ctx.snapshot().await?, id)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(row.and_then(CustomRole::of))
}

/// Mutations of a business's own roles.
#[derive(Default)]
pub struct RoleMutations;

#[Object]
impl RoleMutations {
    /// Makes a role of your business's own. Give it to members with updateUser, and to newcomers with inviteUser.
    async fn create_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role.")] input: CreateRoleInput,
    ) -> async_graphql::Result<CreateRolePayload> {
        let identity = ctx.data::<Identity>()?;
        let wish = RoleWish {
            name: input.name,
            base: input.base_role.into(),
            permissions: input.permissions,
        };
        let outcome = mutate(ctx, async |tx, _| {
            Ok(roles::create_role(identity, tx, wish).await?.into())
        })
        .await?;
        Ok(CreateRolePayload {
            role: role_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Changes a role. With other permissions, the sessions and sockets of all who hold it end at once.
    async fn update_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role, and what.")] input: UpdateRoleInput,
    ) -> async_graphql::Result<UpdateRolePayload> {
        let identity = ctx.data::<Identity>()?;
        let mut ended = Vec::new();
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::CustomRole, "id", &input.id)?;
            let patch = RolePatch {
                name: input.name,
                permissions: input.permissions,
            };
            ended = roles::update_role(identity, tx, id, patch).await?;
            Ok(Done::from(id))
        })
        .await?;
        forget_all(identity, &ended);
        Ok(UpdateRolePayload {
            role: role_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Deletes a role that no member and no open invitation has.
    async fn delete_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role.")] input: DeleteRoleInput,
    ) -> async_graphql::Result<DeleteRolePayload> {
        let identity = ctx.data::<Identity>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::CustomRole, "id", &input.id)?;
            roles::delete_role(identity, tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(DeleteRolePayload {
            deleted_id: outcome
                .object
                .map(|id| ids::encode(IdKind::CustomRole, id).into()),
            user_errors: outcome.user_errors,
        })
    }
}
