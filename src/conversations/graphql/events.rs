//! Subscriptions of the slice.

use async_graphql::{
    ComplexObject, Context, Error, ErrorExtensions as _, ID, SimpleObject, Subscription, Union,
};
use uuid::Uuid;

use super::{
    Conversation, Message,
    attention::{ConversationEscalated, MentionedInNote, escalated, mentioned},
};
use crate::{
    accounts::graphql::{Account, Debtor},
    compliance::graphql::{Complaint, Dispute, Hold, InconvenientTime},
    conversations::feed::{self, FeedEnd, FeedEvent, FeedItem, InboxReaders},
    identity::{
        NotificationKind,
        graphql::{User, notifies},
    },
    platform::{
        error_code::ErrorCode,
        gql::{
            Cursor, Payloads, ScopeExt as _, bad_input, not_found, op_error, opened, parse_id, payload,
            source_event,
        },
        ids::IdKind,
    },
};

/// A new message.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MessageAdded {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread as it is now; null when it is not yours to see any more.
    conversation: Option<Conversation>,
    /// The message; null when it is not yours to see any more.
    message: Option<Message>,
    /// Whether it came in, into a thread of the viewer's or of nobody's.
    #[graphql(skip)]
    concerns_viewer: bool,
}

/// A new message.
#[ComplexObject]
impl MessageAdded {
    /// Whether to draw your attention to it: a debtor has written, in a thread that is yours or nobody's, and you want to hear
    /// of that (`MESSAGE_RECEIVED`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        notifies(ctx, NotificationKind::MessageReceived, self.concerns_viewer).await
    }
}

/// A message has come further, or failed.
#[derive(SimpleObject)]
pub struct MessageStatusChanged {
    /// Resume `after` this.
    cursor: Cursor,
    /// The message as it is now; null when it is not yours to see any more.
    message: Option<Message>,
}

/// A new thread.
#[derive(SimpleObject)]
pub struct ConversationCreated {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread as it is now; null when it is not yours to see any more.
    conversation: Option<Conversation>,
}

/// A thread's state has changed.
#[derive(SimpleObject)]
pub struct ConversationUpdated {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread as it is now; null when it is not yours to see any more.
    conversation: Option<Conversation>,
}

/// A thread was given to somebody, or to nobody.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ConversationAssigned {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread's id: also when it has gone to a colleague and `conversation` is null.
    conversation_id: ID,
    /// The thread as it is now; null when it has gone to a colleague.
    conversation: Option<Conversation>,
    /// Who has it now.
    assigned_agent: Option<User>,
    /// Whether somebody else has given it to the viewer.
    #[graphql(skip)]
    concerns_viewer: bool,
}

/// A thread was given to somebody, or to nobody.
#[ComplexObject]
impl ConversationAssigned {
    /// Whether to draw your attention to it: somebody else has given it to you, and you want to hear of that
    /// (`CONVERSATION_ASSIGNED`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        notifies(ctx, NotificationKind::ConversationAssigned, self.concerns_viewer).await
    }
}

/// A text that came in has placed holds, or says when its writer does not want to be contacted. Both bind at once: a person confirms
/// or releases the holds, and withdraws a time that was not meant.
#[derive(SimpleObject)]
pub struct HoldsStated {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread as it is now; null when it is not yours to see any more.
    conversation: Option<Conversation>,
    /// The text; null when it is not yours to see any more.
    message: Option<Message>,
    /// The holds that it placed, on everybody whose number it came from; at most a hundred.
    holds: Vec<Hold>,
    /// The times that it calls inconvenient and that stand, of everybody whose number it came from; at most a hundred.
    inconvenient_times: Vec<InconvenientTime>,
}

/// The answer to a dispute or a complaint is due in three days, or overdue. Each is told once when it is due soon and once when
/// it is overdue.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AnswerDue {
    /// Resume `after` this.
    cursor: Cursor,
    /// Whose it is; null when the person is not yours to see.
    debtor: Option<Debtor>,
    /// The account that it is of; null where it is of no one account, or of one that is not yours to see.
    account: Option<Account>,
    /// The disputes, of the account or else of the person, that wait for an answer and of which that was told; at most a
    /// hundred.
    disputes: Vec<Dispute>,
    /// The complaints, likewise.
    complaints: Vec<Complaint>,
    /// Whether the account is the viewer's, or nobody's.
    #[graphql(skip)]
    concerns_viewer: bool,
}

/// The answer to a dispute or a complaint is due in three days, or overdue.
#[ComplexObject]
impl AnswerDue {
    /// Whether to draw your attention to it: the account is yours or nobody's, and you want to hear of that (`ANSWER_DUE`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        notifies(ctx, NotificationKind::AnswerDue, self.concerns_viewer).await
    }
}

/// Somebody is typing.
#[derive(SimpleObject)]
pub struct TypingChanged {
    /// The last cursor: typing has none of its own.
    cursor: Cursor,
    /// Who types.
    user: Option<User>,
}

/// Something in a thread.
#[derive(Union)]
pub enum ConversationEvent {
    MessageAdded(MessageAdded),
    MessageStatusChanged(MessageStatusChanged),
    ConversationUpdated(ConversationUpdated),
    ConversationAssigned(ConversationAssigned),
    TypingChanged(TypingChanged),
}

/// Something in one of the threads that you may see.
#[derive(Union)]
pub enum InboxEvent {
    MessageAdded(MessageAdded),
    MessageStatusChanged(MessageStatusChanged),
    ConversationCreated(ConversationCreated),
    ConversationUpdated(ConversationUpdated),
    ConversationAssigned(ConversationAssigned),
    ConversationEscalated(ConversationEscalated),
    HoldsStated(HoldsStated),
    AnswerDue(AnswerDue),
    MentionedInNote(MentionedInNote),
}

/// A parsed `after`.
pub struct FeedCursor;

impl FeedCursor {
    pub(super) fn parse(after: Option<Cursor>) -> async_graphql::Result<Option<i64>> {
        after
            .map(|cursor| {
                cursor.position().ok_or_else(|| {
                    bad_input("after: not a cursor of the live feed. Take it from feedCursor, inboxCursor or an event.")
                })
            })
            .transpose()
    }
}

/// Live events of conversations.
#[derive(Default)]
pub struct ConversationSubscriptions;

#[Subscription]
impl ConversationSubscriptions {
    /// Every message, status, typing and assignment change of one thread, in commit order. With `after` it first
    /// sends what was committed since; nothing is missed or doubled. An outdated cursor ends it with CURSOR_EXPIRED.
    async fn conversation_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`conv_…`")] conversation_id: ID,
        #[graphql(desc = "Resume after this cursor; from now on when left out.")] after: Option<Cursor>,
    ) -> async_graphql::Result<Payloads<ConversationEvent>> {
        if let Some(item) = source_event(ctx)? {
            return Ok(payload(conversation_event(ctx, item).await?));
        }
        let id = parse_id(IdKind::Conversation, "conversationId", &conversation_id)?;
        let after = FeedCursor::parse(after)?;
        let scope = ctx.scope()?;
        let items = feed::follow_conversation(scope.db(), scope.ctx(), id, after)
            .await
            .map_err(end)?;
        opened(ctx, items)
    }

    /// What changed for you, over all threads that you may see, in commit order. With `after` it first sends what was
    /// committed since. An outdated cursor ends it with CURSOR_EXPIRED, falling behind with RESYNC: subscribe again.
    async fn inbox_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Resume after this cursor; from now on when left out.")] after: Option<Cursor>,
    ) -> async_graphql::Result<Payloads<InboxEvent>> {
        if let Some(item) = source_event(ctx)? {
            return Ok(payload(inbox_event(ctx, item).await?));
        }
        let after = FeedCursor::parse(after)?;
        let (scope, readers) = (ctx.scope()?, ctx.data::<InboxReaders>()?);
        let items = feed::follow_inbox(scope.db(), readers, scope.ctx(), after)
            .await
            .map_err(end)?;
        opened(ctx, items)
    }
}

fn coded(code: ErrorCode, message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

/// Why the feed of a thread or an inbox ends, for the subscriber.
fn end(end: FeedEnd) -> Error {
    end_of("conversation", end)
}

/// Why the feed of some `thing` ends, for the subscriber.
pub(super) fn end_of(thing: &str, end: FeedEnd) -> Error {
    match end {
        FeedEnd::CursorExpired => coded(
            ErrorCode::CursorExpired,
            "Events after this cursor are no longer kept (72 hours). Load the present state and subscribe anew.",
        ),
        FeedEnd::Resync => coded(
            ErrorCode::Resync,
            "You fell behind. Subscribe again after your last cursor.",
        ),
        FeedEnd::CursorAhead => bad_input("after: this cursor is not of your business's feed."),
        FeedEnd::NotFound => not_found(thing),
        FeedEnd::Failed(error) => op_error(error),
    }
}

async fn conversation_event(
    ctx: &Context<'_>,
    item: Result<FeedItem, FeedEnd>,
) -> async_graphql::Result<Option<ConversationEvent>> {
    let event = match item.map_err(end)? {
        FeedItem::Event(event) => event,
        FeedItem::Typing { user_id, position } => {
            let user = User::load(ctx, user_id).await?;
            let cursor = Cursor::of(position);
            return Ok(Some(ConversationEvent::TypingChanged(TypingChanged {
                cursor,
                user,
            })));
        }
    };
    Ok(match event.kind.as_str() {
        "MESSAGE_ADDED" => Some(ConversationEvent::MessageAdded(message_added(ctx, &event).await?)),
        "MESSAGE_STATUS_CHANGED" => Some(ConversationEvent::MessageStatusChanged(
            status_changed(ctx, &event).await?,
        )),
        "CONVERSATION_UPDATED" | "CONVERSATION_ESCALATED" => Some(ConversationEvent::ConversationUpdated(
            updated(ctx, &event).await?,
        )),
        "CONVERSATION_ASSIGNED" => Some(ConversationEvent::ConversationAssigned(
            assigned(ctx, &event).await?,
        )),
        _ => None,
    })
}

async fn inbox_event(
    ctx: &Context<'_>,
    item: Result<FeedItem, FeedEnd>,
) -> async_graphql::Result<Option<InboxEvent>> {
    let FeedItem::Event(event) = item.map_err(end)? else {
        return Ok(None);
    };
    Ok(match event.kind.as_str() {
        "MESSAGE_ADDED" => Some(InboxEvent::MessageAdded(message_added(ctx, &event).await?)),
        "MESSAGE_STATUS_CHANGED" => Some(InboxEvent::MessageStatusChanged(
            status_changed(ctx, &event).await?,
        )),
        "CONVERSATION_CREATED" => Some(InboxEvent::ConversationCreated(created(ctx, &event).await?)),
        "CONVERSATION_UPDATED" => Some(InboxEvent::ConversationUpdated(updated(ctx, &event).await?)),
        "CONVERSATION_ASSIGNED" => Some(InboxEvent::ConversationAssigned(assigned(ctx, &event).await?)),
        "CONVERSATION_ESCALATED" => Some(InboxEvent::ConversationEscalated(escalated(ctx, &event).await?)),
        "MENTIONED_IN_NOTE" => mentioned(ctx, &event).await?.map(InboxEvent::MentionedInNote),
        "ANSWER_DUE" => Some(InboxEvent::AnswerDue(answer_due(ctx, &event).await?)),
        "HOLDS_STATED" => Some(InboxEvent::HoldsStated(holds_stated(ctx, &event).await?)),
        _ => None,
    })
}

pub(super) async fn load<T, F>(id: Option<Uuid>, load: F) -> async_graphql::Result<Option<T>>
where
    F: AsyncFnOnce(Uuid) -> async_graphql::Result<Option<T>>,
{
    match id {
        Some(id) => load(id).await,
        None => Ok(None),
    }
}

pub(super) async fn conversation(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<Option<Conversation>> {
    load(event.conversation_id, async |id| {
        Conversation::load(ctx, id).await
    })
    .await
}

pub(super) async fn created(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<ConversationCreated> {
    Ok(ConversationCreated {
        cursor: Cursor::of(event.position),
        conversation: conversation(ctx, event).await?,
    })
}

/// What it is of is the viewer's, or nobody's.
pub(super) fn is_theirs_or_nobodys(ctx: &Context<'_>, event: &FeedEvent) -> async_graphql::Result<bool> {
    let viewer = ctx.scope()?.ctx().user_id();
    Ok(event.assigned_agent_id.is_none() || event.assigned_agent_id == viewer)
}

pub(super) async fn message_added(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<MessageAdded> {
    let message = load(event.message_id, async |id| Message::load(ctx, id).await).await?;
    let came_in = message.as_ref().is_some_and(Message::came_in);
    Ok(MessageAdded {
        cursor: Cursor::of(event.position),
        conversation: conversation(ctx, event).await?,
        message,
        concerns_viewer: came_in && is_theirs_or_nobodys(ctx, event)?,
    })
}

async fn holds_stated(ctx: &Context<'_>, event: &FeedEvent) -> async_graphql::Result<HoldsStated> {
    let message = load(event.message_id, async |id| Message::load(ctx, id).await).await?;
    let (holds, inconvenient_times) = match event.message_id.filter(|_| message.is_some()) {
        Some(id) => (
            Hold::of_message(ctx, id).await?,
            InconvenientTime::of_message(ctx, id).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    Ok(HoldsStated {
        cursor: Cursor::of(event.position),
        conversation: conversation(ctx, event).await?,
        message,
        holds,
        inconvenient_times,
    })
}

async fn answer_due(ctx: &Context<'_>, event: &FeedEvent) -> async_graphql::Result<AnswerDue> {
    let cursor = Cursor::of(event.position);
    let debtor = load(event.debtor_id, async |id| Debtor::load(ctx, id).await).await?;
    let (disputes, complaints) = match event.debtor_id.filter(|_| debtor.is_some()) {
        Some(id) => (
            Dispute::due_of(ctx, id, event.account_id).await?,
            Complaint::due_of(ctx, id, event.account_id).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    Ok(AnswerDue {
        cursor,
        debtor,
        account: load(event.account_id, async |id| Account::load(ctx, id).await).await?,
        disputes,
        complaints,
        concerns_viewer: is_theirs_or_nobodys(ctx, event)?,
    })
}

pub(super) async fn status_changed(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<MessageStatusChanged> {
    Ok(MessageStatusChanged {
        cursor: Cursor::of(event.position),
        message: load(event.message_id, async |id| Message::load(ctx, id).await).await?,
    })
}

pub(super) async fn updated(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<ConversationUpdated> {
    Ok(ConversationUpdated {
        cursor: Cursor::of(event.position),
        conversation: conversation(ctx, event).await?,
    })
}

pub(super) async fn assigned(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<ConversationAssigned> {
    let id = event.conversation_id.unwrap_or_default();
    let viewer = ctx.scope()?.ctx().user_id();
    Ok(ConversationAssigned {
        cursor: Cursor::of(event.position),
        conversation_id: crate::platform::ids::encode(IdKind::Conversation, id).into(),
        conversation: conversation(ctx, event).await?,
        assigned_agent: load(event.assigned_agent_id, async |id| User::load(ctx, id).await).await?,
        concerns_viewer: event.assigned_agent_id == viewer && event.actor_id != viewer,
    })
}
