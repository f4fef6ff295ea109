//! Queries about a business's staff.

use async_graphql::{Context, InputObject, Object};
use uuid::Uuid;

use super::{
    User,
    team::{Invitation, InvitationConnection, StaffRole, UserConnection},
    user::UserStatus,
};
use crate::{
    access::{Cell, Role, authorize},
    identity::{
        invitation_store,
        team_store::{self, UserCriteria},
        work,
    },
    platform::{
        email::EmailAddress,
        error::OpError,
        gql::{EdgeCursor, OpScope, PageArgs, PageRequest, ScopeExt as _, op_error},
    },
};

/// Which members: all conditions given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UserFilter {
    /// With one of these roles.
    role: Option<Vec<StaffRole>>,
    /// In one of these states.
    status: Option<Vec<UserStatus>>,
    /// Who can do this: one of your business's own words.
    skill: Option<String>,
    /// Who works now, by their hours (true), or does not (false); those of whom no hours are known are neither.
    available: Option<bool>,
    /// A part of the name; for who may see addresses, also a whole e-mail address.
    search: Option<String>,
}

/// Queries about a business's staff.
#[derive(Default)]
pub struct TeamQueries;

#[Object]
impl TeamQueries {
    /// Your business's staff, who joined first coming first.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which members.")] filter: Option<UserFilter>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<UserConnection> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("users")?;
        page_of_users(ctx.scope()?, filter.unwrap_or_default(), &page, past)
            .await
            .map_err(op_error)
    }

    /// Invitations that can be accepted now, newest first.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<InvitationConnection> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("invitations")?;
        page_of_invitations(ctx.scope()?, &page, past)
            .await
            .map_err(op_error)
    }
}

async fn page_of_users(
    scope: &OpScope,
    filter: UserFilter,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<UserConnection, OpError> {
    let mut tx = scope.snapshot().await?;
    let mut criteria = UserCriteria {
        roles: filter.role.map(|all| {
            all.into_iter()
                .map(|role| Role::from(role).as_str().to_owned())
                .collect()
        }),
        statuses: filter
            .status
            .map(|all| all.iter().map(|status| status.as_str().to_owned()).collect()),
        name_part: filter.search.map(|text| text.trim().to_owned()),
        or_user: None,
        skill: filter.skill.map(|word| word.trim().to_lowercase()),
        available: match filter.available {
            Some(wanted) => Some((wanted, work::store::clocks(&mut tx).await?)),
            None => None,
        },
    };
    let address = criteria
        .name_part
        .as_deref()
        .filter(|_| authorize(scope.ctx(), Cell::UserReadDetails).is_ok())
        .and_then(|text| EmailAddress::parse(text).ok());
    if let Some(address) = address {
        let blind = scope.keyring().platform_blind(&address.normalised());
        criteria.or_user = team_store::member_with_address(&mut tx, &blind).await?;
    }
    let rows = team_store::page_of_users(&mut tx, &criteria, page, past).await?;
    let rows = rows
        .into_iter()
        .filter_map(|row| {
            let cursor = EdgeCursor::of("users", row.id);
            User::of(row).map(|user| (cursor, user))
        })
        .collect();
    Ok(UserConnection::from_rows(page, rows))
}

async fn page_of_invitations(
    scope: &OpScope,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<InvitationConnection, OpError> {
    let mut tx = scope.snapshot().await?;
    let now = tx.now();
    let rows = invitation_store::page_of_invitations(&mut tx, page, past).await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let cursor = EdgeCursor::of("invitations", row.id);
            Ok((cursor, Invitation::of(scope, row, now)?))
        })
        .collect::<Result<_, OpError>>()?;
    Ok(InvitationConnection::from_rows(page, rows))
}
