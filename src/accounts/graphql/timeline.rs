//! An account's timeline in the API.

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccountNote, Document, LedgerEntry};
use crate::{
    accounts::{AccountLoaders, PageOf, timeline::TimelineRow},
    compliance::graphql::{ComplianceDecision, Dispute},
    conversations::graphql::{Conversation, Message},
    platform::gql::{AtHand, EdgeCursor, PageArgs, ScopeExt as _, op_error},
};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum TimelineKind {
    /// A message came in, or was queued.
    Message,
    /// A thread was opened.
    Conversation,
    /// A note was written.
    Note,
    /// A document was added.
    Document,
    /// Something was posted to the account: the first is what was owed when it was placed.
    LedgerEntry,
    /// A dispute of the debt was received, or a request for its original creditor.
    Dispute,
    /// The gate was asked about a contact, and answered.
    Decision,
}

impl TimelineKind {
    fn of(kind: &str) -> Self {
        match kind {
            "MESSAGE" => Self::Message,
            "CONVERSATION" => Self::Conversation,
            "DOCUMENT" => Self::Document,
            "LEDGER_ENTRY" => Self::LedgerEntry,
            "DISPUTE" => Self::Dispute,
            "DECISION" => Self::Decision,
            _ => Self::Note,
        }
    }
}

/// Something that happened to an account.
#[derive(Clone)]
pub struct TimelineItem {
    row: TimelineRow,
}

crate::relay_connection!(TimelineItem, TimelineItemConnection, TimelineItemEdge);

impl AtHand for TimelineItem {}

impl TimelineItem {
    /// What happened to an account, the last first.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that cannot be, internal ones.
    pub(super) async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<TimelineItemConnection> {
        let page = args.check(ctx)?;
        let asked = PageOf::new(account, &page, page.key::<Uuid>("timeline")?);
        let found = ctx
            .data::<AccountLoaders>()?
            .timeline(ctx.scope()?, asked)
            .await
            .map_err(op_error)?;
        let rows = found
            .iter()
            .map(|row| (EdgeCursor::of("timeline", row.id), Self { row: row.clone() }))
            .collect();
        Ok(TimelineItemConnection::from_rows(&page, rows))
    }

    /// The thing's id, if it is of this kind.
    fn is(&self, kind: TimelineKind) -> Option<Uuid> {
        (TimelineKind::of(&self.row.kind) == kind).then_some(self.row.id)
    }
}

/// Something that happened to an account.
#[Object]
impl TimelineItem {
    /// What kind of thing it is.
    async fn kind(&self) -> TimelineKind {
        TimelineKind::of(&self.row.kind)
    }

    /// When it happened; of a dispute, when it was received.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }

    /// The message, where it is one; null when it is not yours to see any more. So are the others.
    async fn message(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Message>> {
        match self.is(TimelineKind::Message) {
            Some(id) => Message::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The thread, where it is one.
    async fn conversation(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Conversation>> {
        match self.is(TimelineKind::Conversation) {
            Some(id) => Conversation::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The note, where it is one.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<AccountNote>> {
        match self.is(TimelineKind::Note) {
            Some(id) => AccountNote::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The document, where it is one.
    async fn document(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Document>> {
        match self.is(TimelineKind::Document) {
            Some(id) => Document::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The posting, where it is one.
    async fn ledger_entry(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<LedgerEntry>> {
        match self.is(TimelineKind::LedgerEntry) {
            Some(id) => LedgerEntry::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The dispute, where it is one of the newest hundred of the account.
    async fn dispute(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Dispute>> {
        match self.is(TimelineKind::Dispute) {
            Some(id) => Dispute::one_of_account(ctx, self.row.account_id, id).await,
            None => Ok(None),
        }
    }

    /// The answer of the gate, where it is one.
    async fn decision(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<ComplianceDecision>> {
        match self.is(TimelineKind::Decision) {
            Some(id) => ComplianceDecision::load(ctx, id).await,
            None => Ok(None),
        }
    }
}
