//! Global object identification (Relay): any object by its id.

use async_graphql::{Context, ID, Interface, Object};

use crate::{
    access::{Cell, authorize},
    accounts::graphql::{Account, AccountImport, Creditor, Debtor, Placement},
    compliance::graphql::ComplianceDecision,
    conversations::graphql::{Conversation, Message},
    identity::graphql::{Business, User},
    payments::graphql::Payment,
    platform::{
        gql::{ScopeExt as _, bad_input, not_found},
        ids::{self, IdKind},
    },
    templates::graphql::Template,
};

/// Anything with an id of its own.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The object's id: a prefix that tells its kind, and 26 characters."
))]
pub enum Node {
    Account(Account),
    AccountImport(AccountImport),
    Business(Business),
    ComplianceDecision(ComplianceDecision),
    Conversation(Conversation),
    Creditor(Creditor),
    Debtor(Debtor),
    Message(Message),
    Payment(Payment),
    Placement(Placement),
    Template(Template),
    User(User),
}

/// Most ids in one `nodes`.
const MOST_NODES: usize = 100;

/// Look-ups by id.
#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Any object of yours by its id; null with a NOT_FOUND error when there is none.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The object's id.")] id: ID,
    ) -> async_graphql::Result<Option<Node>> {
        load(ctx, "id", &id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("object"))
    }

    /// Several objects by their ids (at most 100), in the same order; null, without an error, where there is none.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The objects' ids.")] ids: Vec<ID>,
    ) -> async_graphql::Result<Vec<Option<Node>>> {
        if ids.len() > MOST_NODES {
            return Err(bad_input(format!("ids: at most {MOST_NODES} at once.")));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| load(ctx, "ids", id))).await
    }
}

async fn load(ctx: &Context<'_>, argument: &str, id: &ID) -> async_graphql::Result<Option<Node>> {
    let scope = ctx.scope()?;
    let (kind, uuid) =
        ids::decode_any(id.as_str()).map_err(|error| bad_input(format!("{argument}: {error}")))?;
    let may = |cell| authorize(scope.ctx(), cell).is_ok();
    Ok(match kind {
        IdKind::Account if may(Cell::AccountRead) => Account::load(ctx, uuid).await?.map(Node::Account),
        IdKind::Import if may(Cell::AccountImport) => {
            AccountImport::load(ctx, uuid).await?.map(Node::AccountImport)
        }
        IdKind::Debtor if may(Cell::AccountRead) => Debtor::load(ctx, uuid).await?.map(Node::Debtor),
        IdKind::Creditor if may(Cell::CreditorRead) => Creditor::load(ctx, uuid).await?.map(Node::Creditor),
        IdKind::Placement if may(Cell::CreditorRead) => {
            Placement::load(ctx, uuid).await?.map(Node::Placement)
        }
        IdKind::User => User::load(ctx, uuid).await?.map(Node::User),
        IdKind::Conversation if may(Cell::ConversationRead) => {
            Conversation::load(ctx, uuid).await?.map(Node::Conversation)
        }
        IdKind::Message if may(Cell::ConversationRead) => Message::load(ctx, uuid).await?.map(Node::Message),
        IdKind::Payment => Payment::load(ctx, uuid).await?.map(Node::Payment),
        IdKind::Template => Template::load(ctx, uuid).await?.map(Node::Template),
        IdKind::Decision => ComplianceDecision::load(ctx, uuid)
            .await?
            .map(Node::ComplianceDecision),
        IdKind::Business if may(Cell::BusinessRead) && uuid == scope.ctx().business_id() => {
            Some(Node::Business(Business::of_caller(ctx).await?))
        }
        _ => None,
    })
}
