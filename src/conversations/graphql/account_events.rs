//! The subscription to one account.

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription, Union};

use super::events::{
    self, ConversationAssigned, ConversationCreated, ConversationUpdated, FeedCursor, MessageAdded,
    MessageStatusChanged,
};
use crate::{
    accounts::graphql::Account,
    conversations::{
        account_feed::follow_account,
        feed::{FeedEnd, FeedEvent, InboxReaders},
    },
    platform::{
        gql::{Cursor, Payloads, ScopeExt as _, opened, parse_id, payload, source_event},
        ids::{self, IdKind},
    },
};

/// What of an account has changed, so that a client knows what to load anew.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum AccountChange {
    /// It was placed.
    Created,
    /// Status, dates, labels, notes, documents, validation notices: whatever is of the debt itself.
    Updated,
    /// It was given to a member of staff, or to nobody. An agent whose colleague has got it hears nothing later.
    Assigned,
    /// It was deleted: nothing later is told.
    Deleted,
    /// It was brought back.
    Restored,
    /// What is known of the person: name, address, contact points, consents, when they do not want to be contacted.
    Person,
    /// The person was found to be the same as another, or not to be.
    Merge,
    /// Holds on the debt or the person, those too that a text has stated.
    Holds,
    /// Disputes of the debt, or of the person and no one debt.
    Disputes,
    /// Complaints, likewise.
    Complaints,
    /// Opt-outs and other suppressions of the person's addresses.
    Suppressions,
    /// Its payments, their refunds and disputes.
    Payments,
    /// The answer to a dispute or a complaint is due in three days, or overdue.
    AnswersDue,
}

impl AccountChange {
    /// Of which change an event tells.
    fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "ACCOUNT_CREATED" => Self::Created,
            "ACCOUNT_UPDATED" => Self::Updated,
            "ACCOUNT_ASSIGNED" => Self::Assigned,
            "ACCOUNT_DELETED" => Self::Deleted,
            "ACCOUNT_RESTORED" => Self::Restored,
            "DEBTOR_UPDATED" => Self::Person,
            "DEBTOR_MERGED" | "DEBTOR_UNMERGED" => Self::Merge,
            "HOLD_PLACED" | "HOLD_CONFIRMED" | "HOLD_RELEASED" | "HOLDS_STATED" => Self::Holds,
            "DISPUTE_FILED" | "DISPUTE_UPDATED" => Self::Disputes,
            "COMPLAINT_FILED" | "COMPLAINT_UPDATED" => Self::Complaints,
            "SUPPRESSIONS_CHANGED" => Self::Suppressions,
            "PAYMENT_CHANGED" => Self::Payments,
            "ANSWER_DUE" => Self::AnswersDue,
            _ => return None,
        })
    }
}

/// Something of the account or its person has changed.
#[derive(SimpleObject)]
pub struct AccountChanged {
    /// Resume `after` this.
    cursor: Cursor,
    /// The account's id: also when `account` is null.
    account_id: ID,
    /// What has changed.
    change: AccountChange,
    /// The account as it is now; null when it was deleted, or has gone to a colleague.
    account: Option<Account>,
}

/// Something of one account, of its person, or in one of its threads.
#[derive(Union)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is made, and answered at once"
)]
pub enum AccountEvent {
    AccountChanged(AccountChanged),
    MessageAdded(MessageAdded),
    MessageStatusChanged(MessageStatusChanged),
    ConversationCreated(ConversationCreated),
    ConversationUpdated(ConversationUpdated),
    ConversationAssigned(ConversationAssigned),
}

/// What the field is resolved for.
struct Heard {
    account: uuid::Uuid,
    event: Result<std::sync::Arc<FeedEvent>, FeedEnd>,
}

/// Live events of accounts.
#[derive(Default)]
pub struct AccountSubscriptions;

#[Subscription]
impl AccountSubscriptions {
    /// What happens to one account and its person, and in the account's threads that you may see, in commit order. With
    /// `after` it first sends what was committed since; nothing is missed or doubled. An outdated cursor ends it with
    /// CURSOR_EXPIRED, falling behind with RESYNC: subscribe again. An account that is deleted, or goes to a colleague of the
    /// agent who follows it, ends it with NOT_FOUND after that was told.
    async fn account_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`acct_…`")] account_id: ID,
        #[graphql(
            desc = "Resume after this cursor, which an event or `viewer.inboxCursor` gave; from now on when left out."
        )]
        after: Option<Cursor>,
    ) -> async_graphql::Result<Payloads<AccountEvent>> {
        if let Some(heard) = source_event(ctx)? {
            return Ok(payload(account_event(ctx, heard).await?));
        }
        let account = parse_id(IdKind::Account, "accountId", &account_id)?;
        let after = FeedCursor::parse(after)?;
        let (scope, readers) = (ctx.scope()?, ctx.data::<InboxReaders>()?);
        let events = follow_account(scope.db(), readers, scope.ctx(), account, after)
            .await
            .map_err(end)?;
        let heard = futures_util::StreamExt::map(events, move |event| Heard { account, event });
        opened(ctx, heard)
    }
}

fn end(end: FeedEnd) -> async_graphql::Error {
    events::end_of("account", end)
}

async fn account_event(ctx: &Context<'_>, heard: Heard) -> async_graphql::Result<Option<AccountEvent>> {
    let event = heard.event.map_err(end)?;
    if let Some(change) = AccountChange::of(&event.kind) {
        return Ok(Some(AccountEvent::AccountChanged(AccountChanged {
            cursor: Cursor::of(event.position),
            account_id: ids::encode(IdKind::Account, heard.account).into(),
            change,
            account: Account::load(ctx, heard.account).await?,
        })));
    }
    let event = event.as_ref();
    Ok(match event.kind.as_str() {
        "MESSAGE_ADDED" => Some(AccountEvent::MessageAdded(
            events::message_added(ctx, event).await?,
        )),
        "MESSAGE_STATUS_CHANGED" => Some(AccountEvent::MessageStatusChanged(
            events::status_changed(ctx, event).await?,
        )),
        "CONVERSATION_CREATED" => Some(AccountEvent::ConversationCreated(
            events::created(ctx, event).await?,
        )),
        "CONVERSATION_UPDATED" | "CONVERSATION_ESCALATED" => Some(AccountEvent::ConversationUpdated(
            events::updated(ctx, event).await?,
        )),
        "CONVERSATION_ASSIGNED" => Some(AccountEvent::ConversationAssigned(
            events::assigned(ctx, event).await?,
        )),
        _ => None,
    })
}
