//! Members of a business's staff.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{activity::UserActivity, roles::CustomRole, work::Availability};
use crate::{
    access::{Cell, Role, authorize},
    accounts::graphql::DateTimeRange,
    compliance::graphql::PrivacyAcceptance,
    files::Files,
    identity::{
        Identity,
        bar_admission::BarAdmission,
        invite::open_address,
        photo,
        roles::narrowed,
        team_store::{self, UserRow},
        work::store::{self as work_store, WorkRow},
    },
    platform::{
        error::OpError,
        gql::{AtHand, Batch, EmailAddressScalar, OpScope, ScopeExt as _, op_error},
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
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Display name.
    name: String,
    /// Role in your business.
    role: RoleName,
    /// Whether they may come in.
    status: UserStatus,
    /// When they joined.
    created_at: DateTime<Utc>,
    /// Where they are admitted as an attorney, as an administrator recorded it; null for all others.
    bar_admission: Option<BarAdmission>,
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
    /// The same of hours, skills and capacity.
    #[graphql(skip)]
    work: Option<Arc<Work>>,
}

/// When a member works, as of one instant.
struct Work {
    row: WorkRow,
    works_now: Option<bool>,
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

    /// When they work; null where nobody has said so.
    async fn availability(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Availability>> {
        Ok(self.work(ctx).await?.and_then(|work| work.row.availability()))
    }

    /// Whether they work now, by their hours (business time) and their status; null where no hours are known. Says nothing
    /// of whether they are signed in.
    async fn is_available_now(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<bool>> {
        let works_now = self.work(ctx).await?.and_then(|work| work.works_now);
        Ok(works_now.map(|works| works && self.status == UserStatus::Active))
    }

    /// What they can do, in your business's own words, in alphabetical order.
    async fn skills(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        Ok(self
            .work(ctx)
            .await?
            .map(|work| work.row.skills.clone())
            .unwrap_or_default())
    }

    /// How many open threads they work on at once; null for as many as come.
    async fn capacity(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<i32>> {
        Ok(self.work(ctx).await?.and_then(|work| work.row.capacity))
    }

    /// What they have done; null for those who neither are it nor look after them: a manager looks after agents.
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "In this time (business time): the last thirty days when left out, a year at most."
        )]
        during: Option<DateTimeRange>,
    ) -> async_graphql::Result<Option<UserActivity>> {
        UserActivity::of(ctx, self.uuid, self.access_role, during.as_ref())
    }

    /// Their newest acceptance of the privacy notice; null where there is none, and as `email`.
    async fn privacy_acceptance(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<PrivacyAcceptance>> {
        if !self.may_see_details(ctx)? {
            return Ok(None);
        }
        PrivacyAcceptance::of_user(ctx, self.uuid).await
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
    work: Batch<Uuid, Arc<Work>>,
}

impl User {
    /// Looks a user up; `None` when they are not of the caller's business, and for those who may not know its staff, such
    /// as an API key without that scope.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let viewer = scope.ctx();
        if viewer.user_id() != Some(id) && authorize(viewer, Cell::UserRead).is_err() {
            return Ok(None);
        }
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
            bar_admission: row.bar_admission(),
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
            work: None,
        })
    }

    /// One's own, with what is asked of it read beforehand: right after a log-in the operation has no scope of its own to
    /// ask for it later.
    pub(super) async fn of_viewer(
        scope: &OpScope,
        files: &Files,
        id: Uuid,
        asked: impl Fn(&[&str]) -> bool,
    ) -> Result<Option<Self>, OpError> {
        let Some(mut user) = load_users(scope, &[id]).await?.remove(&id) else {
            return Ok(None);
        };
        if asked(&["email", "lastActiveAt", "permissions"]) {
            user.details = load_details(scope, &[id]).await?.remove(&id);
        }
        if asked(&["photoUrl"]) {
            let photos = photo::photos_of(&mut *scope.snapshot().await?, &[id]).await?;
            user.photo_url = Some(photos.get(&id).map(|file| files.download_url(scope.ctx(), *file)));
        }
        if asked(&["availability", "isAvailableNow", "skills", "capacity"]) {
            user.work = load_work(scope, &[id]).await?.remove(&id);
        }
        Ok(Some(user))
    }

    async fn work(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Arc<Work>>> {
        if let Some(known) = &self.work {
            return Ok(Some(known.clone()));
        }
        let scope = ctx.scope()?;
        let fetch = async |ids: Vec<Uuid>| load_work(scope, &ids).await;
        ctx.data::<IdentityLoaders>()?
            .work
            .load(self.uuid, fetch)
            .await
            .map_err(op_error)
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

async fn load_work(scope: &OpScope, users: &[Uuid]) -> Result<HashMap<Uuid, Arc<Work>>, OpError> {
    let mut tx = scope.snapshot().await?;
    let now = tx.now();
    let found = work_store::work_of(&mut tx, users).await?;
    Ok(found
        .into_iter()
        .map(|(id, row)| {
            let works_now = row.schedule.as_ref().map(|schedule| schedule.covers(now));
            (id, Arc::new(Work { row, works_now }))
        })
        .collect())
}
