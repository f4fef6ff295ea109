//! Users, businesses, and who asks.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{profile::UserProfile, roles::CustomRole};
use crate::{
    access::{Cell, Role, authorize},
    conversations::ConversationLoaders,
    files::Files,
    identity::{
        Caller, Identity,
        invite::open_address,
        photo, profile_store,
        roles::narrowed,
        store::{self, MembershipRow},
        team_store::{self, UserRow},
    },
    platform::{
        context::{SystemCtx, TenantCtx},
        error::OpError,
        gql::{
            AtHand, Batch, Cursor, EmailAddressScalar, OpScope, PhoneNumberScalar, ScopeExt as _, op_error,
        },
        ids::{self, IdKind},
    },
    settings::graphql::BusinessSettings,
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

/// Whether a member of staff may come in.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum UserStatus {
    /// May sign in.
    Active,
    /// Deactivated: left, or is away for long.
    Inactive,
    /// Kept out for the time being.
    Suspended,
}

impl UserStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Suspended => "SUSPENDED",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "SUSPENDED" => Self::Suspended,
            _ => Self::Inactive,
        }
    }
}

/// A member of your business's staff.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The user's id (`usr_…`).
    id: ID,
    /// Display name.
    name: String,
    /// Role in your business.
    role: RoleName,
    /// Whether they may come in.
    status: UserStatus,
    /// When they joined.
    created_at: DateTime<Utc>,
    #[graphql(skip)]
    uuid: Uuid,
    #[graphql(skip)]
    access_role: Role,
    /// A role of your business's own, if they have one.
    custom_role: Option<Arc<CustomRole>>,
    /// Fewer permissions than the role's.
    #[graphql(skip)]
    fewer: Option<Vec<String>>,
    /// What was read beforehand.
    #[graphql(skip)]
    details: Option<UserDetails>,
    /// The same of the picture: where it is, if there is one.
    #[graphql(skip)]
    photo_url: Option<Option<String>>,
}

/// The person behind a member.
#[derive(Clone)]
struct UserDetails {
    email: String,
    last_active_at: Option<DateTime<Utc>>,
}

/// A member of your business's staff.
#[ComplexObject]
impl User {
    /// E-mail address; null for those who do not look after the staff, but for their own.
    async fn email(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<EmailAddressScalar>> {
        let details = self.details(ctx).await?;
        Ok(details.map(|found| EmailAddressScalar(found.email)))
    }

    /// When they last signed in or renewed their session; null before the first time, and as `email`.
    async fn last_active_at(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<DateTime<Utc>>> {
        let details = self.details(ctx).await?;
        Ok(details.and_then(|found| found.last_active_at))
    }

    /// Where their picture is, good for five minutes; null where there is none.
    async fn photo_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        if let Some(known) = &self.photo_url {
            return Ok(known.clone());
        }
        let scope = ctx.scope()?;
        let fetch = async |ids: Vec<Uuid>| {
            let mut tx = scope.snapshot().await?;
            Ok::<_, OpError>(photo::photos_of(&mut tx, &ids).await?)
        };
        let loaders = ctx.data::<IdentityLoaders>()?;
        let file = loaders.photos.load(self.uuid, fetch).await.map_err(op_error)?;
        let files = ctx.data::<Files>()?;
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// What they may do, as `resource:action`, in alphabetical order; null as `email`.
    async fn permissions(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Vec<String>>> {
        if !self.may_see_details(ctx)? {
            return Ok(None);
        }
        let access = &ctx.data::<Identity>()?.access;
        Ok(Some(
            access.labels_within(self.access_role, self.fewer.as_deref()),
        ))
    }
}

impl AtHand for User {}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct IdentityLoaders {
    users: Batch<Uuid, User>,
    details: Batch<Uuid, UserDetails>,
    photos: Batch<Uuid, Uuid>,
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

    pub(super) fn of(row: UserRow) -> Option<Self> {
        let role = Role::parse(&row.role)?;
        Some(Self {
            id: ids::encode(IdKind::User, row.id).into(),
            role: role.into(),
            access_role: role,
            status: UserStatus::parse(&row.status),
            name: row.name,
            created_at: row.created_at,
            uuid: row.id,
            fewer: narrowed(row.permissions.as_deref(), row.role_permissions.as_deref()),
            custom_role: row.custom_role_id.zip(row.role_name).map(|(id, name)| {
                Arc::new(CustomRole::new(
                    id,
                    name,
                    role,
                    row.role_permissions.unwrap_or_default(),
                ))
            }),
            details: None,
            photo_url: None,
        })
    }

    /// One's own are always read beforehand where the operation has no scope to judge by.
    fn may_see_details(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        if self.details.is_some() {
            return Ok(true);
        }
        let viewer = ctx.scope()?.ctx();
        Ok(viewer.user_id() == Some(self.uuid) || authorize(viewer, Cell::UserReadDetails).is_ok())
    }

    async fn details(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<UserDetails>> {
        if let Some(known) = &self.details {
            return Ok(Some(known.clone()));
        }
        if !self.may_see_details(ctx)? {
            return Ok(None);
        }
        let scope = ctx.scope()?;
        let fetch = async |ids: Vec<Uuid>| load_details(scope, &ids).await;
        ctx.data::<IdentityLoaders>()?
            .details
            .load(self.uuid, fetch)
            .await
            .map_err(op_error)
    }
}

async fn load_users(scope: &OpScope, users: &[Uuid]) -> Result<HashMap<Uuid, User>, OpError> {
    let found = team_store::users_by_id(&mut *scope.snapshot().await?, users).await?;
    Ok(found
        .into_iter()
        .filter_map(|(id, row)| User::of(row).map(|user| (id, user)))
        .collect())
}

async fn load_details(scope: &OpScope, users: &[Uuid]) -> Result<HashMap<Uuid, UserDetails>, OpError> {
    let found = team_store::member_details(&mut *scope.snapshot().await?, users).await?;
    found
        .into_iter()
        .map(|row| {
            let email = open_address(scope.keyring(), "identities", row.identity_id, &row.email_cipher)?;
            let details = UserDetails {
                email: email.as_str().to_owned(),
                last_active_at: row.last_active_at,
            };
            Ok((row.user_id, details))
        })
        .collect()
}

/// A place of yours in a business.
#[derive(SimpleObject)]
pub struct Membership {
    /// The business's id (`biz_…`): hand it to switchBusiness.
    business_id: ID,
    /// The business's name.
    business_name: String,
    /// Who you are there (`usr_…`).
    user_id: ID,
    /// Your role there.
    role: RoleName,
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

    /// What it has chosen for itself.
    async fn settings(&self, ctx: &Context<'_>) -> async_graphql::Result<BusinessSettings> {
        BusinessSettings::load(ctx).await
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
            Caller::Service(_) => RoleName::Service,
            Caller::Anonymous { .. } | Caller::Visitor(_) | Caller::Platform { .. } => RoleName::SuperAdmin,
        }
    }

    /// You as a member of staff; null for a super admin, who is in no business, and for an API key.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.caller {
            Caller::Member(membership) => {
                let id = membership.user_id;
                let wants_details = ["email", "lastActiveAt", "permissions"]
                    .iter()
                    .any(|name| ctx.look_ahead().field(name).exists());
                let wants_photo = ctx.look_ahead().field("photoUrl").exists();
                let files = ctx.data::<Files>()?;
                let find = async |scope: &OpScope| {
                    let Some(mut user) = load_users(scope, &[id]).await?.remove(&id) else {
                        return Ok(None);
                    };
                    // Right after a log-in the operation has no scope of its own to ask for them later.
                    if wants_details {
                        user.details = load_details(scope, &[id]).await?.remove(&id);
                    }
                    if wants_photo {
                        let photos = photo::photos_of(&mut *scope.snapshot().await?, &[id]).await?;
                        user.photo_url =
                            Some(photos.get(&id).map(|file| files.download_url(scope.ctx(), *file)));
                    }
                    Ok(Some(user))
                };
                in_own_business(ctx, &self.caller, find)
                    .await
                    .map(Option::flatten)
            }
            Caller::Anonymous { .. } | Caller::Service(_) | Caller::Visitor(_) | Caller::Platform { .. } => {
                Ok(None)
            }
        }
    }

    /// What you want to read; null outside a business, and for an API key.
    async fn profile(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<UserProfile>> {
        let Caller::Member(membership) = &self.caller else {
            return Ok(None);
        };
        let find = async |scope: &OpScope| {
            let mut tx = scope.snapshot().await?;
            Ok(profile_store::profile(&mut tx, membership.user_id).await?)
        };
        let found = in_own_business(ctx, &self.caller, find).await?;
        Ok(found.flatten().map(UserProfile::from))
    }

    /// Your business; null for a super admin, who is in none.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Business>> {
        in_own_business(ctx, &self.caller, async |scope| Business::of(scope).await).await
    }

    /// The businesses that you may enter, the last used first (at most 100): switchBusiness takes you from one to another.
    async fn memberships(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Membership>> {
        let Some(person) = self.caller.person() else {
            return Ok(Vec::new());
        };
        memberships_of(ctx.data::<Identity>()?, person.identity_id)
            .await
            .map_err(op_error)
    }

    /// What you may do, as `resource:action`, in alphabetical order.
    async fn permissions(&self) -> Vec<String> {
        let Some(ctx) = self.caller.tenant() else {
            return Vec::new();
        };
        let mut held: Vec<String> = Cell::ALL
            .iter()
            .filter(|cell| authorize(ctx, **cell).is_ok())
            .map(|cell| cell.label())
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

async fn memberships_of(identity: &Identity, person: Uuid) -> Result<Vec<Membership>, OpError> {
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("own memberships", "viewer"))
        .await?;
    let found = store::memberships(&mut tx, person).await?;
    tx.commit().await?;
    Ok(found
        .into_iter()
        .filter(MembershipRow::may_be_entered)
        .filter_map(|row| {
            Some(Membership {
                role: Role::parse(&row.role)?.into(),
                business_id: ids::encode(IdKind::Business, row.business_id).into(),
                business_name: row.business_name,
                user_id: ids::encode(IdKind::User, row.user_id).into(),
            })
        })
        .collect())
}

/// Reads in the caller's business; `None` when they are in none. Right after a log-in the request itself is still
/// anonymous, and after a switch it is still of the business that was left: the new session's own rights are used.
async fn in_own_business<T>(
    ctx: &Context<'_>,
    caller: &Caller,
    read: impl AsyncFnOnce(&OpScope) -> Result<T, OpError>,
) -> async_graphql::Result<Option<T>> {
    let business = caller.tenant().map(TenantCtx::business_id);
    if let Ok(scope) = ctx.scope()
        && Some(scope.ctx().business_id()) == business
    {
        return read(scope).await.map(Some).map_err(op_error);
    }
    let (Some(tenant), Ok(identity)) = (caller.tenant(), ctx.data::<Identity>()) else {
        return Ok(None);
    };
    let scope = OpScope::new(identity.db.clone(), identity.keyring.clone(), tenant.clone());
    let found = read(&scope).await.map_err(op_error)?;
    scope.close().await;
    Ok(Some(found))
}
