//! Queues a text: the law's words are appended, the gate is asked, and only an allowed message gets a row.

use serde_json::json;
use uuid::Uuid;

use super::{
    deliver::DeliverMessage,
    numbers::sends_from,
    store::{ConversationRow, NewMessageRow, append_message, lock_conversation, unanswered_inbound},
};
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, debtor_keys, has_phone},
    compliance::{
        Author, CeaseNotice, Contact, Decided, DisputeAnswer, awaits_answer, cease_notice_text,
        decide_to_queue, required_text, unsigned_text,
    },
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys},
    },
};

/// Twilio takes at most 1,600 characters (its Messages API, `Body`).
const MOST_CHARACTERS: usize = 1600;

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// Whoever calls.
    Caller,
    /// The service itself, which answers nobody.
    Service,
    /// The service itself, to somebody who has opted out: that it is honoured, and not a word more.
    OptOutConfirmation,
    /// The service itself, to this debtor, who has shown a link of theirs and waits for it.
    ServiceForDebtor(Uuid),
    /// The assistant, which answers what the debtor has written.
    Assistant,
}

impl SaidBy {
    /// As the message has it: its sender's type and id, and who wrote it for the gate.
    fn stored(self, tx: &TenantTx) -> (&'static str, Option<Uuid>, Author) {
        match self {
            Self::Caller => ("AGENT", tx.ctx().user_id(), Author::of(tx.ctx().user_id())),
            Self::Service | Self::OptOutConfirmation => ("SYSTEM", None, Author::Service),
            Self::ServiceForDebtor(debtor) => ("SYSTEM", Some(debtor), Author::Notice),
            Self::Assistant => ("ASSISTANT", None, Author::Assistant),
        }
    }
}

/// What somebody wants to say.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub conversation_id: Uuid,
    /// Empty for a cease notice, whose words are the approved ones.
    pub content: String,
    /// The newest message that the sender has seen; a thread that moved on refuses.
    pub after_sequence: Option<i32>,
    /// What takes the place of [`SECRET_MARK`] when it leaves, and is shown to nobody.
    pub secret: Option<String>,
    pub said_by: SaidBy,
    /// The template that its words are of.
    pub made_of: Option<MadeOf>,
    /// What it is to somebody who asked to be left alone.
    pub cease_notice: Option<CeaseNotice>,
    /// The answer to a dispute that it is.
    pub dispute_answer: Option<DisputeAnswer>,
}

/// A version of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeOf {
    pub template: Uuid,
    pub version: i32,
}

/// What staff and debtor see of a text's secret.
pub const SECRET_MARK: &str = "••••••";

/// The text as it leaves.
pub(super) fn with_secret(content: &str, secret: Option<&str>) -> String {
    secret.map_or_else(
        || content.to_owned(),
        |secret| content.replacen(SECRET_MARK, secret, 1),
    )
}

/// Opens a message's text as it leaves.
pub(super) fn open_whole(
    keys: &TenantKeys,
    record: &crate::platform::crypto::DataKey,
    message: Uuid,
    body_cipher: &[u8],
    secret_cipher: Option<&[u8]>,
) -> Result<String, OpError> {
    let body = keys.open_text(record, "messages", "body_cipher", message, body_cipher)?;
    let secret = match secret_cipher {
        Some(cipher) => Some(keys.open_text(record, "messages", "secret_cipher", message, cipher)?),
        None => None,
    };
    Ok(with_secret(
        body.expose(),
        secret.as_ref().map(|text| text.expose().as_str()),
    ))
}

/// What became of it: a message, or a stored refusal.
#[derive(Clone, Debug)]
pub enum Sent {
    Queued { message: Uuid },
    Refused { decision: Uuid, reason: String },
}

/// Queues the message, or stores the decision that refuses it. An unassigned thread is assigned to its sender.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT, STALE_THREAD, CONFLICT; [`OpError`] otherwise.
pub async fn send_message(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewMessage,
) -> Result<Sent, OpError> {
    authorize(tx.ctx(), Cell::ConversationSend).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let mut thread = lock_conversation(tx, new.conversation_id)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    check(&thread, &new)?;
    let Some(debtor) = thread.debtor_id else {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "Nobody knows yet who this is: match the thread to a debtor before answering.",
        )
        .into());
    };
    if !sends_from(tx, &thread.our_address).await? {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "Your business has disconnected the number of this conversation. Start a new one, which goes out from a number \
             that is connected, or have an administrator connect this number again (connectNumber).",
        )
        .into());
    }
    if let Some(answer) = new.dispute_answer
        && !awaits_answer(tx, debtor, thread.account_id, answer).await?
    {
        let message = "Nobody waits for this answer about this account: look at its disputes, and send other words without it.";
        return Err(UserError::at(UserErrorCode::Conflict, "disputeAnswer", message).into());
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = debtor_keys::unwrapped(tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    if !has_phone(tx, debtor, &keys.blinds(&peer)).await? {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "The number of this conversation was taken off the debtor: it may be somebody else's now. Start a \
             conversation with a number of theirs, or add this one to them again if it is theirs.",
        )
        .into());
    }
    let shown = match (new.said_by, new.cease_notice) {
        // 12 CFR 1006.14(h)(2)(i): it has nothing in it but what it confirms.
        (SaidBy::OptOutConfirmation, _) => new.content.clone(),
        (_, Some(notice)) => cease_notice_text(tx, debtor, thread.account_id, notice).await?,
        (SaidBy::Caller | SaidBy::Assistant, None) => {
            required_text(tx, debtor, thread.account_id, new.content.trim()).await?
        }
        (SaidBy::Service | SaidBy::ServiceForDebtor(_), None) => {
            unsigned_text(tx, debtor, thread.account_id, new.content.trim()).await?
        }
    };
    let content = with_secret(&shown, new.secret.as_deref());
    if content.chars().count() > MOST_CHARACTERS {
        let room = MOST_CHARACTERS
            - (content.chars().count() - new.content.trim().chars().count()).min(MOST_CHARACTERS);
        return Err(UserError::invalid(
            "content",
            format!("Too long: with what the law requires, a text holds {room} characters of your own."),
        )
        .into());
    }
    let (sender_type, sender_id, author) = new.said_by.stored(tx);
    // What the service sends by itself answers nothing that the person wrote.
    let answers = match new.said_by {
        SaidBy::Caller | SaidBy::Assistant => unanswered_inbound(tx, &thread).await?,
        SaidBy::Service | SaidBy::OptOutConfirmation | SaidBy::ServiceForDebtor(_) => None,
    };
    let contact = Contact {
        debtor_id: debtor,
        account_id: thread.account_id,
        channel: Channel::parse(&thread.channel).unwrap_or(Channel::Sms),
        recipient: &peer,
        content: &content,
        in_reply_to: answers.map(|(_, at)| at),
        mode: None,
        author,
        cease_notice: new.cease_notice,
        dispute_answer: new.dispute_answer,
        is_template: new.made_of.is_some(),
    };
    let decided = decide_to_queue(tx, &keys, &contact).await?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "The account of this thread was deleted: have it restored before you write.",
        )
    })?;
    if !decided.allows() {
        return Ok(refuse(tx, &thread, decided));
    }
    claim_if_unassigned(tx, &mut thread).await?;
    let message = ids::next();
    let body_cipher = keys.seal(&record, "messages", "body_cipher", message, shown.as_bytes())?;
    let secret_cipher = match &new.secret {
        Some(secret) => Some(keys.seal(&record, "messages", "secret_cipher", message, secret.as_bytes())?),
        None => None,
    };
    let row = NewMessageRow {
        id: message,
        inbound: false,
        sender_type,
        sender_id,
        body_cipher,
        secret_cipher,
        decision_id: Some(decided.id),
        reply_to_message_id: answers.map(|(id, _)| id),
        provider_message_id: None,
        received_at: None,
        made_of: new.made_of,
        cease_notice: new.cease_notice,
        dispute_answer: new.dispute_answer,
    };
    append_message(tx, &mut thread, row).await?;
    let made_of = new
        .made_of
        .map(|of| json!({ "id": of.template, "version": of.version }));
    let notice = new.cease_notice.map(CeaseNotice::as_str);
    let answer = new.dispute_answer.map(DisputeAnswer::as_str);
    let details = decided.in_trail(
        json!({ "conversation": thread.id, "template": made_of, "cease_notice": notice,
        "dispute_answer": answer }),
    );
    tx.audit(AuditEntry::plain("message.queued", message, &details).about(thread.debtor_id));
    let mut event = thread.event("MESSAGE_ADDED");
    event.message_id = Some(message);
    tx.emit(event);
    tx.enqueue(&DeliverMessage { message_id: message });
    Ok(Sent::Queued { message })
}

fn check(thread: &ConversationRow, new: &NewMessage) -> Result<(), UserError> {
    if thread.status == "CLOSED" {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "This conversation is closed. Start a new one with startConversation.",
        ));
    }
    if new.content.trim().is_empty() && new.cease_notice.is_none() {
        return Err(UserError::invalid("content", "Write something first."));
    }
    if new.after_sequence.is_some_and(|seen| seen < thread.last_sequence) {
        return Err(UserError::at(
            UserErrorCode::StaleThread,
            "afterSequence",
            format!(
                "The thread has moved on to message {}. Read it, then send again.",
                thread.last_sequence
            ),
        ));
    }
    if thread.channel != "SMS" {
        return Err(UserError::invalid(
            "conversationId",
            "This channel cannot be written to yet.",
        ));
    }
    Ok(())
}

/// The debtor's address of this thread.
pub(super) fn open_peer(
    keys: &TenantKeys,
    record: &crate::platform::crypto::DataKey,
    thread: &ConversationRow,
) -> Result<String, OpError> {
    let cipher = thread
        .peer_cipher
        .as_deref()
        .ok_or_else(|| anyhow::anyhow!("the thread's address was erased"))?;
    Ok(keys
        .open_text(record, "conversations", "peer_cipher", thread.id, cipher)?
        .expose()
        .clone())
}

fn refuse(tx: &mut TenantTx, thread: &ConversationRow, decided: Decided) -> Sent {
    let details = decided.in_trail(json!({ "conversation": thread.id, "rule": decided.decision.rule }));
    tx.audit(AuditEntry::plain("message.refused", decided.id, &details).about(thread.debtor_id));
    Sent::Refused {
        decision: decided.id,
        reason: decided.decision.reason,
    }
}

/// Whoever answers a thread of nobody's takes it.
async fn claim_if_unassigned(tx: &mut TenantTx, thread: &mut ConversationRow) -> Result<(), OpError> {
    let Some(user) = tx.ctx().user_id().filter(|_| thread.assigned_agent_id.is_none()) else {
        return Ok(());
    };
    Ok(super::assign::assign_to(tx, thread, Some(user)).await?)
}
