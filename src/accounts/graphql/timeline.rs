//! An account's timeline in the API.

use async_graphql::{Context, Enum, Object, Union};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccountNote, Document, LedgerEntry};
use crate::{
    accounts::{AccountLoaders, notes::NotePage, timeline::TimelineRow},
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

/// The thing itself.
#[derive(Union)]
pub enum TimelineSubject {
    Message(Message),
    Conversation(Conversation),
    Note(AccountNote),
    Document(Document),
    LedgerEntry(LedgerEntry),
    Dispute(Dispute),
    Decision(ComplianceDecision),
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
        let asked = NotePage {
            account,
            limit: page.fetch(),
            past: page.key::<Uuid>("timeline")?,
        };
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

    /// The thing itself, as it is now; null when it is not yours to see any more.
    async fn subject(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<TimelineSubject>> {
        let id = self.row.id;
        Ok(match TimelineKind::of(&self.row.kind) {
            TimelineKind::Message => Message::load(ctx, id).await?.map(TimelineSubject::Message),
            TimelineKind::Conversation => Conversation::load(ctx, id)
                .await?
                .map(TimelineSubject::Conversation),
            TimelineKind::Note => AccountNote::load(ctx, id).await?.map(TimelineSubject::Note),
            TimelineKind::Document => Document::load(ctx, id).await?.map(TimelineSubject::Document),
            TimelineKind::LedgerEntry => LedgerEntry::load(ctx, id)
                .await?
                .map(TimelineSubject::LedgerEntry),
            TimelineKind::Dispute => Dispute::one_of_account(ctx, self.row.account_id, id)
                .await?
                .map(TimelineSubject::Dispute),
            TimelineKind::Decision => ComplianceDecision::load(ctx, id)
                .await?
                .map(TimelineSubject::Decision),
        })
    }
}
