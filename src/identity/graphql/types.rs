//! Businesses, and who asks.

use async_graphql::{Context, ID, Object, SimpleObject};
use uuid::Uuid;

use super::{
    RoleName, User, approvals::ProviderApproval, notifications::NotificationPreference, profile::UserProfile,
};
use crate::{
    access::{Cell, Role, authorize},
    accounts::graphql::Account,
    conversations::ConversationLoaders,
    files::Files,
    identity::{
        Caller, Identity, notifications,
        store::{self, MembershipRow},
        work,
    },
    platform::{
        context::{SystemCtx, TenantCtx},
        error::OpError,
        gql::{Cursor, OpScope, PhoneNumberScalar, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
    settings::graphql::BusinessSettings,
};

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

    /// What members of its staff can do, in its own words, in alphabetical order (at most 500).
    async fn skills(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        work::store::skills_in_use(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))
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

    /// What providers have approved for it, newest first (at most 100): the gate lets out no text without
    /// SMS_CAMPAIGN_10DLC, and none of a collector for others without SMS_ROUTE. Send funnelchat's support what your provider
    /// has given you, and they record it.
    async fn provider_approvals(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ProviderApproval>> {
        ProviderApproval::of_own_business(&mut *ctx.snapshot().await?)
            .await
            .map_err(op_error)
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
            Caller::Debtor(_) => RoleName::Debtor,
            Caller::Anonymous { .. } | Caller::Visitor(_) | Caller::Platform { .. } => RoleName::SuperAdmin,
        }
    }

    /// You as a member of staff; null for a super admin, who is in no business, for an API key, and for a debtor.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.caller {
            Caller::Member(membership) => {
                let files = ctx.data::<Files>()?;
                let asked = |names: &[&str]| names.iter().any(|name| ctx.look_ahead().field(name).exists());
                let find =
                    async |scope: &OpScope| User::of_viewer(scope, files, membership.user_id, asked).await;
                in_own_business(ctx, &self.caller, find)
                    .await
                    .map(Option::flatten)
            }
            _ => Ok(None),
        }
    }

    /// The account that your session is about, if you are its debtor; null for staff, and in the very answer that opens
    /// the session: ask for it with the session's token.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        // Only for who asks with the session: what can be asked of an account is looked through for debtors.
        match ctx.data::<Caller>()? {
            Caller::Debtor(session) => Account::load(ctx, session.account_id).await,
            _ => Ok(None),
        }
    }

    /// How you are reached, and what you want to read; null outside a business, and for an API key.
    async fn profile(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<UserProfile>> {
        let Caller::Member(membership) = &self.caller else {
            return Ok(None);
        };
        let find = async |scope: &OpScope| UserProfile::find(scope, membership.user_id).await;
        in_own_business(ctx, &self.caller, find)
            .await
            .map(Option::flatten)
    }

    /// What you want to hear of, and how: everything that there is to hear of; none outside a business, and for an API key.
    async fn notification_preferences(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Vec<NotificationPreference>> {
        let Caller::Member(membership) = &self.caller else {
            return Ok(Vec::new());
        };
        let find = async |scope: &OpScope| {
            let mut tx = scope.snapshot().await?;
            Ok(notifications::preferences(&mut tx, membership.user_id).await?)
        };
        let found = in_own_business(ctx, &self.caller, find).await?;
        let found = found.unwrap_or_default().into_iter();
        Ok(found.map(NotificationPreference::from).collect())
    }

    /// Your business; null for a super admin, who is in none, and for those who may not read of it, such as an API key
    /// without that scope.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Business>> {
        let may_read = |tenant| authorize(tenant, Cell::BusinessRead).is_ok();
        // A debtor may know with whom they deal.
        let is_debtor = matches!(self.caller, Caller::Debtor(_));
        if !is_debtor && !self.caller.tenant().is_some_and(may_read) {
            return Ok(None);
        }
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
