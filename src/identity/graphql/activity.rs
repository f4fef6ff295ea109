//! What a member of staff does, for themselves and those who look after them.

use async_graphql::{Context, Object};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    access::{Cell, Role, authorize},
    accounts::graphql::DateTimeRange,
    audit::graphql::UserActConnection,
    conversations::{
        ConversationLoaders,
        graphql::{AgentTime, AgentWork},
    },
    platform::gql::{PageArgs, ScopeExt as _, bad_input, op_error},
};

/// One question is about so much at most.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// What a member of staff has done. A count stops at 10,000, which then means "at least".
pub struct UserActivity {
    user: Uuid,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl UserActivity {
    /// Of a member with this role; `None` for those who are not it and do not look after them.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a time that ends before it begins, or is too long.
    pub(super) fn of(
        ctx: &Context<'_>,
        user: Uuid,
        role: Role,
        during: Option<&DateTimeRange>,
    ) -> async_graphql::Result<Option<Self>> {
        let cell = if role == Role::Agent {
            Cell::UserReadActivity
        } else {
            Cell::UserReadActivityAny
        };
        let Ok(scope) = ctx.scope() else {
            return Ok(None);
        };
        let is_own = scope.ctx().user_id() == Some(user);
        if !is_own && authorize(scope.ctx(), cell).is_err() {
            return Ok(None);
        }
        let (from, to) = during.map(|range| (range.from, range.to)).unwrap_or_default();
        if let (Some(from), Some(to)) = (from, to)
            && (to < from || to - from > LONGEST)
        {
            return Err(bad_input(
                "during: give a time that ends after it begins, a year at most.",
            ));
        }
        Ok(Some(Self { user, from, to }))
    }

    async fn work(&self, ctx: &Context<'_>) -> async_graphql::Result<AgentWork> {
        let time = AgentTime {
            user: self.user,
            from: self.from,
            until: self.to,
        };
        ctx.data::<ConversationLoaders>()?
            .agent_work(ctx.scope()?, time)
            .await
            .map_err(op_error)
    }
}

fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a member of staff has done. A count stops at 10,000, which then means "at least".
#[Object]
impl UserActivity {
    /// How many open threads are assigned to them now.
    async fn open_threads(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        Ok(count(self.work(ctx).await?.open_threads))
    }

    /// How many messages they sent in that time, without those that were refused or failed.
    async fn messages_sent(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        Ok(count(self.work(ctx).await?.messages_sent))
    }

    /// To how many accounts those messages belong.
    async fn accounts_worked(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        Ok(count(self.work(ctx).await?.accounts_worked))
    }

    /// What they did, newest first, whenever it was: from your business's audit trail.
    async fn acts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<UserActConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        UserActConnection::of_user(ctx, self.user, &page).await
    }
}
