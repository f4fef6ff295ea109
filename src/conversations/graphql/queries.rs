//! Queries of the slice.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Conversation, ConversationConnection};
use crate::{
    accounts::{Channel, graphql::OrderDirection},
    conversations::{
        model::ConversationStatus,
        store::{self, ConversationCriteria},
    },
    platform::{
        gql::{PageArgs, ScopeExt as _, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// Which conversations: all conditions given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ConversationFilter {
    /// In one of these states.
    status: Option<Vec<ConversationStatus>>,
    /// On one of these channels.
    channel: Option<Vec<Channel>>,
    /// About this account.
    account_id: Option<ID>,
    /// Assigned to you.
    assigned_to_me: Option<bool>,
    /// Assigned to nobody.
    unassigned: Option<bool>,
    /// From somebody whom nobody has matched to a debtor yet.
    unmatched: Option<bool>,
}

/// What conversations can be ordered by.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ConversationOrderField {
    /// When something in it changed last.
    UpdatedAt,
}

/// The order of a list of conversations; ties are broken by id.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ConversationOrder {
    /// By what.
    field: ConversationOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about conversations.
#[derive(Default)]
pub struct ThreadQueries;

#[Object]
impl ThreadQueries {
    /// One conversation; null with a NOT_FOUND error when there is no such conversation of yours.
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`conv_…`")] id: ID,
    ) -> async_graphql::Result<Option<Conversation>> {
        let id = parse_id(IdKind::Conversation, "id", &id)?;
        Conversation::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("conversation"))
    }

    /// Conversations, last changed first unless ordered otherwise. An agent sees those assigned to them or to nobody.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a filtered Relay connection"
    )]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which conversations.")] filter: Option<ConversationFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<ConversationOrder>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<ConversationConnection> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(ctx)?;
        let past = page.key::<(DateTime<Utc>, Uuid)>("conversations")?;
        let scope = ctx.scope()?;
        let filter = filter.unwrap_or_default();
        let mine = filter
            .assigned_to_me
            .unwrap_or(false)
            .then(|| scope.ctx().user_id())
            .flatten();
        let criteria = ConversationCriteria {
            statuses: filter
                .status
                .map(|all| all.iter().map(|status| status.as_str().to_owned()).collect()),
            channels: filter
                .channel
                .map(|all| all.iter().map(|channel| channel.as_str().to_owned()).collect()),
            account_id: filter
                .account_id
                .map(|id| parse_id(IdKind::Account, "filter.accountId", &id))
                .transpose()?,
            assigned_to: mine,
            unassigned: filter.unassigned.unwrap_or(false),
            unmatched: filter.unmatched.unwrap_or(false),
        };
        let wanted_descending = order_by.is_none_or(|order| {
            let ConversationOrderField::UpdatedAt = order.field;
            order.direction == OrderDirection::Desc
        });
        let descending = wanted_descending != page.backward;
        let rows = store::page_of_conversations(
            &mut *ctx.snapshot().await?,
            &criteria,
            descending,
            past,
            page.fetch(),
        )
        .await
        .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| Conversation::new(scope, Arc::new(row)))
            .map(|conversation| (conversation.cursor(), conversation))
            .collect();
        Ok(ConversationConnection::from_rows(&page, rows))
    }
}
