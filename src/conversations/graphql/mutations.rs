//! Mutations of the slice: parse, call, map.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{Conversation, Message};
use crate::{
    accounts::Channel,
    compliance::{
        CeaseNotice, DisputeAnswer,
        graphql::{ComplianceDecision, ContentFinding},
    },
    conversations::{
        NewMessage, SaidBy, Sent, assign_conversation, escalate_conversation, mark_read,
        message_from_template, model::ConversationStatus, send_message, set_typing, start_conversation,
        update_conversation,
    },
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{Done, OpScope, Outcome, UserError, UserErrorCode, input_id, mutate},
        ids::IdKind,
    },
    templates::ports::DebtorLinks,
};

/// A thread with an account's debtor.
#[derive(Debug, InputObject)]
pub struct StartConversationInput {
    /// The account that it is about.
    account_id: ID,
    /// The channel; SMS so far.
    channel: Channel,
    /// A first message, sent through the gate like any other.
    message: Option<String>,
}

/// A message to the debtor.
#[derive(Debug, InputObject)]
pub struct SendMessageInput {
    /// The thread.
    conversation_id: ID,
    /// Your words; what the law requires is appended. Give one of this, `templateId` and `ceaseNotice`.
    content: Option<String>,
    /// A template (`tmpl_…`) whose words take their place, with the values of the thread's account. It has to be active, for
    /// this channel, in the debtor's language, and a FIRST_CONTACT where nothing has been said to them of the debt yet. Show
    /// it with previewTemplate first.
    template_id: Option<ID>,
    /// The newest message that you have seen: a thread that moved on refuses with STALE_THREAD.
    after_sequence: Option<i32>,
    /// One of the three notices that may still go to a debtor who asked to be left alone (hold CEASE_CONTACT), each once, by a
    /// person: its approved words in the debtor's language take the place of yours. The two of a remedy name a lawsuit, which the
    /// gate lets through where recordSuitAuthority says that it is meant.
    cease_notice: Option<CeaseNotice>,
    /// That it answers the dispute of the thread's account, or the request for its original creditor, which waits for that: by a
    /// person, and without a word of paying, it is no collection and goes out while collection pauses (12 CFR 1006.38(c), (d)(2)).
    /// By text it takes the debtor's consent to electronic notices (purpose ELECTRONIC_NOTICES, 12 CFR 1006.42(b)). What was sent,
    /// with its documents, is written down with recordVerificationSent once it has arrived.
    dispute_answer: Option<DisputeAnswer>,
}

/// Who is to answer a thread.
#[derive(Debug, InputObject)]
pub struct AssignConversationInput {
    /// The thread.
    conversation_id: ID,
    /// The member of staff; null for nobody. An agent may name only themselves.
    user_id: Option<ID>,
}

/// A thread for somebody with more authority.
#[derive(Debug, InputObject)]
pub struct EscalateConversationInput {
    /// The thread; not a closed one.
    conversation_id: ID,
    /// Why, 1 to 500 characters: internal, never shown to the debtor.
    reason: String,
    /// The colleague who is to take it: an active agent, manager or administrator who may answer threads and see its account.
    /// Left out, it is nobody's, and all who may take it are told.
    user_id: Option<ID>,
}

/// A change of where a thread stands.
#[derive(Debug, InputObject)]
pub struct UpdateConversationInput {
    /// The thread.
    conversation_id: ID,
    /// The new state; ESCALATED is set by escalateConversation.
    status: Option<ConversationStatus>,
    /// How it was settled, at most 500 characters.
    resolution: Option<String>,
}

/// How far you have read.
#[derive(Debug, InputObject)]
pub struct MarkConversationReadInput {
    /// The thread.
    conversation_id: ID,
    /// Up to this message; the newest one when left out.
    sequence: Option<i32>,
}

/// Where you are typing.
#[derive(Debug, InputObject)]
pub struct SetTypingInput {
    /// The thread.
    conversation_id: ID,
}

macro_rules! conversation_payloads {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// The conversation as it is now; null when there are user errors.
            conversation: Option<Conversation>,
            /// What to put right; empty on success.
            user_errors: Vec<UserError>,
        }

        impl $name {
            async fn of(ctx: &Context<'_>, outcome: Outcome) -> async_graphql::Result<Self> {
                let conversation = match outcome.object {
                    Some(id) => Conversation::load(ctx, id).await?,
                    None => None,
                };
                Ok(Self { conversation, user_errors: outcome.user_errors })
            }
        }
    )*};
}

conversation_payloads! {
    /// What assignConversation answers.
    AssignConversationPayload;
    /// What escalateConversation answers: no conversation where it has gone to a colleague and you see your own only.
    EscalateConversationPayload;
    /// What updateConversation answers.
    UpdateConversationPayload;
    /// What markConversationRead answers.
    MarkConversationReadPayload;
    /// What setTyping answers.
    SetTypingPayload;
}

/// What startConversation answers.
#[derive(SimpleObject)]
pub struct StartConversationPayload {
    /// The thread; present even when its first message was refused.
    conversation: Option<Conversation>,
    /// The first message, when one was queued.
    message: Option<Message>,
    /// What the gate decided about the first message.
    decision: Option<ComplianceDecision>,
    /// Where the first message was refused for what it says: the words, the rule, what to change. Empty where it was
    /// refused for something else, null where it was not refused. Not stored.
    findings: Option<Vec<ContentFinding>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What sendMessage answers.
#[derive(SimpleObject)]
pub struct SendMessagePayload {
    /// The queued message with its final content; null when it was refused.
    message: Option<Message>,
    /// What the gate decided; when it refused: which rule, its citation, and what would change the answer.
    decision: Option<ComplianceDecision>,
    /// Where it was refused for what it says: the words, the rule, what to change. Empty where it was
    /// refused for something else, null where it was not refused. Not stored.
    findings: Option<Vec<ContentFinding>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of conversations.
#[derive(Default)]
pub struct ThreadMutations;

#[Object]
impl ThreadMutations {
    /// Opens a thread with an account's debtor, or returns the one that is open; with a first message if you like.
    async fn start_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With whom, on which channel.")] input: StartConversationInput,
    ) -> async_graphql::Result<StartConversationPayload> {
        let mut sent = None;
        let first = input.message.clone();
        let outcome = mutate(ctx, async |tx, scope| {
            let account = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let id = start_conversation(tx, scope.keyring(), scope.db(), account, input.channel).await?;
            let mut done = Done::from(id);
            if let Some(content) = input.message {
                let new = NewMessage {
                    conversation_id: id,
                    content,
                    after_sequence: None,
                    secret: None,
                    said_by: SaidBy::Caller,
                    made_of: None,
                    cease_notice: None,
                    dispute_answer: None,
                };
                let result = send_message(tx, scope.keyring(), scope.db(), new).await?;
                done.user_errors = refusal_errors(&result);
                sent = Some(result);
            }
            Ok(done)
        })
        .await?;
        let conversation = match outcome.object {
            Some(id) => Conversation::load(ctx, id).await?,
            None => None,
        };
        let (message, decision) = match sent {
            Some(Sent::Queued { message }) => {
                let message = Message::load(ctx, message).await?;
                let decision = match &message {
                    Some(message) => message.decision(ctx).await?,
                    None => None,
                };
                (message, decision)
            }
            Some(Sent::Refused { decision, .. }) => (None, ComplianceDecision::load(ctx, decision).await?),
            None => (None, None),
        };
        let findings = match (&conversation, &message, &decision, first) {
            (Some(conversation), None, Some(_), Some(body)) => {
                Some(conversation.words_refused(ctx, &body).await?)
            }
            _ => None,
        };
        Ok(StartConversationPayload {
            conversation,
            message,
            decision,
            findings,
            user_errors: outcome.user_errors,
        })
    }

    /// Sends a message to the debtor of a thread, if the law, consent and the vendor's rules allow it now. The text
    /// that the law requires is appended; the payload has the final content. Answering a thread of nobody's takes it.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which thread, and your words.")] input: SendMessageInput,
    ) -> async_graphql::Result<SendMessagePayload> {
        let thread = input.conversation_id.clone();
        let links = ctx.data::<Arc<dyn DebtorLinks>>()?;
        let mut body = input.content.clone();
        let outcome = mutate(ctx, async |tx, scope| {
            let new = new_message(tx, links.as_ref(), input).await?;
            body = Some(new.content.clone());
            send(tx, scope, new).await
        })
        .await?;
        // The object is the message, or the decision that refused it.
        let Some(id) = outcome.object else {
            return Ok(SendMessagePayload {
                message: None,
                decision: None,
                findings: None,
                user_errors: outcome.user_errors,
            });
        };
        if outcome.user_errors.is_empty() {
            let message = Message::load(ctx, id).await?;
            let decision = match &message {
                Some(message) => message.decision(ctx).await?,
                None => None,
            };
            return Ok(SendMessagePayload {
                message,
                decision,
                findings: None,
                user_errors: Vec::new(),
            });
        }
        let decision = ComplianceDecision::load(ctx, id).await?;
        let thread = match conversation_id(&thread) {
            Ok(thread) => Conversation::load(ctx, thread).await?,
            Err(_) => None,
        };
        let findings = match (thread, body) {
            (Some(thread), Some(body)) => Some(thread.words_refused(ctx, &body).await?),
            _ => None,
        };
        Ok(SendMessagePayload {
            message: None,
            decision,
            findings,
            user_errors: outcome.user_errors,
        })
    }

    /// Gives a thread to a member of staff, or to nobody. An agent may take one of nobody's and give back their own.
    async fn assign_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which thread, and who is to have it.")] input: AssignConversationInput,
    ) -> async_graphql::Result<AssignConversationPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = conversation_id(&input.conversation_id)?;
            let user = input
                .user_id
                .as_ref()
                .map(|user| input_id(IdKind::User, "userId", user))
                .transpose()?;
            assign_conversation(tx, id, user).await?;
            Ok(Done::from(id))
        })
        .await?;
        AssignConversationPayload::of(ctx, outcome).await
    }

    /// Hands a thread to somebody with more authority, with the reason: to a colleague, or to all who may take it, who are
    /// told (`ConversationEscalated` in inboxEvents; by mail, who asked for it). Whoever takes it is given it by
    /// assignConversation; updateConversation with ACTIVE ends the escalation.
    async fn escalate_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which thread, why, and to whom.")] input: EscalateConversationInput,
    ) -> async_graphql::Result<EscalateConversationPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = conversation_id(&input.conversation_id)?;
            let user = input
                .user_id
                .as_ref()
                .map(|user| input_id(IdKind::User, "userId", user))
                .transpose()?;
            escalate_conversation(tx, scope.keyring(), scope.db(), id, &input.reason, user).await?;
            Ok(Done::from(id))
        })
        .await?;
        EscalateConversationPayload::of(ctx, outcome).await
    }

    /// Changes where a thread stands: resolved, closed or active again.
    async fn update_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which thread, and what changes.")] input: UpdateConversationInput,
    ) -> async_graphql::Result<UpdateConversationPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = conversation_id(&input.conversation_id)?;
            let (keyring, db) = (scope.keyring(), scope.db());
            update_conversation(tx, keyring, db, id, input.status, input.resolution).await?;
            Ok(Done::from(id))
        })
        .await?;
        UpdateConversationPayload::of(ctx, outcome).await
    }

    /// Marks a thread read for you. Not audited: it changes nothing for anybody else.
    async fn mark_conversation_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which thread, and how far.")] input: MarkConversationReadInput,
    ) -> async_graphql::Result<MarkConversationReadPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = conversation_id(&input.conversation_id)?;
            mark_read(tx, id, input.sequence).await?;
            Ok(Done::from(id))
        })
        .await?;
        MarkConversationReadPayload::of(ctx, outcome).await
    }

    /// Tells the thread's other followers that you are typing. Not audited; call it every few seconds while true.
    async fn set_typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where you are typing.")] input: SetTypingInput,
    ) -> async_graphql::Result<SetTypingPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = conversation_id(&input.conversation_id)?;
            set_typing(tx, scope.db(), id).await?;
            Ok(Done::from(id))
        })
        .await?;
        SetTypingPayload::of(ctx, outcome).await
    }
}

fn conversation_id(id: &ID) -> Result<Uuid, UserError> {
    input_id(IdKind::Conversation, "conversationId", id)
}

/// The sender's own words, or a template's.
async fn new_message(
    tx: &mut TenantTx,
    links: &dyn DebtorLinks,
    input: SendMessageInput,
) -> Result<NewMessage, OpError> {
    let conversation_id = conversation_id(&input.conversation_id)?;
    let template = input
        .template_id
        .map(|id| input_id(IdKind::Template, "templateId", &id))
        .transpose()?;
    // A template that is not there is said first, whatever is wrong beside it.
    let from_template = match template {
        Some(id) => Some(message_from_template(tx, links, conversation_id, id, input.after_sequence).await?),
        None => None,
    };
    let own = |content, cease_notice| NewMessage {
        conversation_id,
        content,
        after_sequence: input.after_sequence,
        secret: None,
        said_by: SaidBy::Caller,
        made_of: None,
        cease_notice,
        dispute_answer: None,
    };
    if input.dispute_answer.is_some() && input.cease_notice.is_some() {
        let message = "It is one of the two: leave ceaseNotice or disputeAnswer out.";
        return Err(UserError::invalid("disputeAnswer", message).into());
    }
    let message: Result<NewMessage, OpError> = match (input.content, from_template, input.cease_notice) {
        (Some(content), None, None) => Ok(own(content, None)),
        (None, Some(message), None) => Ok(message),
        (None, None, Some(notice)) => Ok(own(String::new(), Some(notice))),
        (_, _, Some(_)) => {
            let message =
                "This notice goes out in its approved words alone: leave content and templateId out.";
            Err(UserError::invalid("ceaseNotice", message).into())
        }
        _ => Err(UserError::invalid("content", "Give your own words or a template: one of the two.").into()),
    };
    Ok(NewMessage {
        dispute_answer: input.dispute_answer,
        ..message?
    })
}

async fn send(tx: &mut TenantTx, scope: &OpScope, new: NewMessage) -> Result<Done, OpError> {
    let sent = send_message(tx, scope.keyring(), scope.db(), new).await?;
    let object = match &sent {
        Sent::Queued { message } => *message,
        Sent::Refused { decision, .. } => *decision,
    };
    Ok(Done {
        object: Some(object),
        user_errors: refusal_errors(&sent),
    })
}

fn refusal_errors(sent: &Sent) -> Vec<UserError> {
    match sent {
        Sent::Queued { .. } => Vec::new(),
        Sent::Refused { reason, .. } => {
            vec![UserError::new(UserErrorCode::ComplianceBlocked, reason.clone())]
        }
    }
}
