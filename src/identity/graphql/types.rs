//! Users, businesses, and who asks.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use uuid::Uuid;

use crate::{
    access::{Cell, Role, authorize},
    conversations::ConversationLoaders,
    identity::{Caller, Identity, store},
    platform::{
        error::OpError,
        gql::{Batch, Cursor, OpScope, PhoneNumberScalar, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

/// A role in a business or on the platform.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(name = "Role")]
pub enum RoleName {
    /// Operates the platform; enters a business only by break-glass.
    SuperAdmin,
    /// Administers the business: everything in it.
    BusinessAdmin,
    /// Leads collectors: all accounts and threads, and who works on them.
    Manager,
    /// A collector: what is assigned to them or to nobody.
    Agent,
    /// Reads everything, the audit trail too; contacts nobody.
    ComplianceOfficer,
    /// A person who owes; sees what is theirs.
    Debtor,
    /// An API key.
    Service,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::SuperAdmin => Self::SuperAdmin,
            Role::BusinessAdmin => Self::BusinessAdmin,
            Role::Manager => Self::Manager,
            Role::Agent => Self::Agent,
            Role::ComplianceOfficer => Self::ComplianceOfficer,
            Role::Debtor => Self::Debtor,
            Role::Service => Self::Service,
        }
    }
}

/// A member of your business's staff.
#[derive(Clone, SimpleObject)]
pub struct User {
    /// The user's id (`usr_…`).
    id: ID,
    /// Display name.
    name: String,
    /// Role in your business.
    role: RoleName,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct IdentityLoaders {
    users: Batch<Uuid, User>,
}

impl User {
    /// Looks a user up; `None` when they are not of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let fetch = async |ids: Vec<Uuid>| load_users(scope, &ids).await;
        ctx.data::<IdentityLoaders>()?
            .users
            .load(id, fetch)
            .await
            .map_err(op_error)
    }
}

async fn load_users(scope: &OpScope, users: &[Uuid]) -> Result<HashMap<Uuid, User>, OpError> {
    let found = store::user_names(&mut *scope.snapshot().await?, users).await?;
    Ok(found
        .into_iter()
        .map(|(id, (name, role))| {
            (
                id,
                User {
                    id: ids::encode(IdKind::User, id).into(),
                    name,
                    role: role.into(),
                },
            )
        })
        .collect())
}

/// Your business.
pub struct Business {
    id: Uuid,
    name: String,
    slug: String,
}

/// Your business.
#[Object]
impl Business {
    /// The business's id (`biz_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Business, self.id).into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.slug
    }

    /// The numbers that debtors text to (at most 100).
    async fn inbound_numbers(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<PhoneNumberScalar>> {
        let numbers = ctx
            .data::<ConversationLoaders>()?
            .numbers_of(ctx.scope()?, self.id)
            .await
            .map_err(op_error)?;
        Ok(numbers.into_iter().map(PhoneNumberScalar).collect())
    }
}

impl Business {
    /// The caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_caller(ctx: &Context<'_>) -> async_graphql::Result<Self> {
        Self::of(ctx.scope()?).await.map_err(op_error)
    }

    async fn of(scope: &OpScope) -> Result<Self, OpError> {
        let mut tx = scope.snapshot().await?;
        let id = tx.business_id();
        let row = sqlx::query!("SELECT name, slug FROM businesses WHERE id = $1", id)
            .fetch_one(tx.conn())
            .await?;
        Ok(Self {
            id,
            name: row.name,
            slug: row.slug,
        })
    }
}

/// You.
pub struct Viewer {
    pub(super) caller: Caller,
}

/// You.
#[Object]
impl Viewer {
    /// Your role.
    async fn role(&self) -> RoleName {
        match &self.caller {
            Caller::Member(membership) => membership.role.into(),
            Caller::Anonymous { .. } | Caller::Platform { .. } => RoleName::SuperAdmin,
        }
    }

    /// You as a member of staff; null for a super admin, who is in no business.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.caller {
            Caller::Member(membership) => {
                let id = membership.user_id;
                let find = async |scope: &OpScope| Ok(load_users(scope, &[id]).await?.into_values().next());
                in_own_business(ctx, &self.caller, find)
                    .await
                    .map(Option::flatten)
            }
            Caller::Anonymous { .. } | Caller::Platform { .. } => Ok(None),
        }
    }

    /// Your business; null for a super admin, who is in none.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Business>> {
        in_own_business(ctx, &self.caller, async |scope| Business::of(scope).await).await
    }

    /// What you may do, as `resource:action`, in alphabetical order.
    async fn permissions(&self) -> Vec<String> {
        let Some(ctx) = self.caller.tenant() else {
            return Vec::new();
        };
        let mut held: Vec<String> = Cell::ALL
            .iter()
            .filter(|cell| authorize(ctx, **cell).is_ok())
            .map(|cell| format!("{}:{}", cell.names().0, cell.names().1))
            .collect();
        held.sort();
        held
    }

    /// Subscribe to inboxEvents `after` this and nothing committed after this query is missed; null outside a business.
    async fn inbox_cursor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Cursor>> {
        in_own_business(ctx, &self.caller, async |scope| {
            let (position, _) = scope.snapshot().await?.live_head().await?;
            Ok(Cursor::of(position))
        })
        .await
    }
}

/// Reads in the caller's business; `None` when they are in none. Right after a log-in the request itself is still
/// anonymous: the new session's own rights are used.
async fn in_own_business<T>(
    ctx: &Context<'_>,
    caller: &Caller,
    read: impl AsyncFnOnce(&OpScope) -> Result<T, OpError>,
) -> async_graphql::Result<Option<T>> {
    if let Ok(scope) = ctx.scope() {
        return read(scope).await.map(Some).map_err(op_error);
    }
    let (Some(tenant), Ok(identity)) = (caller.tenant(), ctx.data::<Identity>()) else {
        return Ok(None);
    };
    let scope = OpScope::new(identity.db.clone(), identity.keyring.clone(), tenant.clone());
    let found = read(&scope).await.map_err(op_error)?;
    scope.close().await.map_err(|error| op_error(error.into()))?;
    Ok(Some(found))
}
