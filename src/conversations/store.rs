//! SQL of threads and messages.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{model::DeliveryStatus, send_message::MadeOf};
use crate::{
    compliance::{CeaseNotice, DisputeAnswer},
    platform::{
        db::{DbError, LiveEvent, TenantTx},
        keys::WrappedKey,
    },
};

/// A thread.
#[derive(Clone, Debug)]
pub struct ConversationRow {
    pub id: Uuid,
    pub debtor_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub channel: String,
    pub status: String,
    pub resolution_cipher: Option<Vec<u8>>,
    pub our_address: String,
    pub peer_cipher: Option<Vec<u8>>,
    pub record_key_id: Uuid,
    pub assigned_agent_id: Option<Uuid>,
    pub assigned_at: Option<DateTime<Utc>>,
    pub last_sequence: i32,
    pub last_inbound_sequence: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Since when the debtor waits for a person's answer.
    pub waiting_since: Option<DateTime<Utc>>,
    pub escalation_reason_cipher: Option<Vec<u8>>,
    pub escalated_at: Option<DateTime<Utc>>,
    pub escalated_by: Option<Uuid>,
}

impl ConversationRow {
    /// A live event of this thread, as it stands now.
    pub(super) fn event(&self, kind: &'static str) -> LiveEvent {
        LiveEvent {
            kind,
            conversation_id: Some(self.id),
            account_id: self.account_id,
            debtor_id: self.debtor_id,
            assigned_agent_id: self.assigned_agent_id,
            ..LiveEvent::default()
        }
    }
}

/// A message, with the key that opens its body.
#[derive(Clone, Debug)]
pub struct MessageRow {
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub debtor_id: Option<Uuid>,
    pub sequence: i32,
    pub direction: String,
    pub sender_type: String,
    pub sender_id: Option<Uuid>,
    pub body_cipher: Vec<u8>,
    pub delivery_status: String,
    pub failure_code: Option<String>,
    pub failure_reason: Option<String>,
    pub decision_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    pub template_id: Option<Uuid>,
    pub template_version: Option<i32>,
    pub key: WrappedKey,
}

/// Threads by id, within the caller's scope.
pub(super) async fn conversations_by_ids(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<Vec<ConversationRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        ConversationRow,
        "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
         FROM conversations
         WHERE business_id = $1 AND id = ANY($2)
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)",
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One thread, locked: whoever adds a message or changes its state holds this.
pub(super) async fn lock_conversation(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<ConversationRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        ConversationRow,
        "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
         FROM conversations
         WHERE business_id = $1 AND id = $2
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)
         FOR NO KEY UPDATE",
        business,
        id,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Which of the open threads with an address are looked for.
pub(super) enum Whose<'a> {
    /// Those of this account.
    Account(Uuid),
    /// Those of nobody yet, and of these people (by the records that stand for them): who holds the address now.
    People(&'a [Uuid]),
}

/// The newest thread with this address that is not closed, locked. Until the transaction ends nobody else looks for a
/// thread with it, so that two who find none do not both open one.
pub(super) async fn lock_open_thread(
    tx: &mut TenantTx,
    channel: &str,
    our_address: &str,
    peer_blinds: &[Vec<u8>],
    whose: Whose<'_>,
) -> Result<Option<ConversationRow>, DbError> {
    let business = tx.business_id();
    let place = format!("{business} {channel} {our_address}");
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || encode($2, 'hex'), 0))",
        place,
        peer_blinds.first().map(Vec::as_slice).unwrap_or_default(),
    )
    .execute(tx.conn())
    .await?;
    let (account, people) = match whose {
        Whose::Account(account) => (Some(account), None),
        Whose::People(people) => (None, Some(people)),
    };
    Ok(sqlx::query_as!(
        ConversationRow,
        "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
         FROM conversations c
         WHERE business_id = $1 AND channel = $2 AND our_address = $3 AND peer_blind = ANY($4) AND status <> 'CLOSED'
           AND ($5::uuid IS NULL OR account_id = $5)
           AND ($6::uuid[] IS NULL OR debtor_id IS NULL OR EXISTS (
               SELECT FROM debtors d WHERE d.business_id = $1 AND d.id = c.debtor_id AND d.person_id = ANY($6)))
         ORDER BY updated_at DESC, id DESC LIMIT 1 FOR NO KEY UPDATE",
        business,
        channel,
        our_address,
        peer_blinds,
        account,
        people,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A thread about to be opened.
pub(super) struct NewConversation<'a> {
    pub(super) id: Uuid,
    pub(super) debtor_id: Option<Uuid>,
    pub(super) account_id: Option<Uuid>,
    pub(super) channel: &'a str,
    pub(super) our_address: &'a str,
    pub(super) peer_cipher: Vec<u8>,
    pub(super) peer_blind: Vec<u8>,
    pub(super) record_key_id: Uuid,
    pub(super) assigned_agent_id: Option<Uuid>,
}

pub(super) async fn insert_conversation(
    tx: &mut TenantTx,
    new: NewConversation<'_>,
) -> Result<ConversationRow, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let assigned_at = new.assigned_agent_id.map(|_| now);
    Ok(sqlx::query_as!(
        ConversationRow,
        "INSERT INTO conversations (business_id, id, debtor_id, account_id, channel, status, our_address, peer_cipher,
             peer_blind, record_key_id, assigned_agent_id, assigned_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6, $7, $8, $9, $10, $11, $12, $12)
         RETURNING id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by",
        business,
        new.id,
        new.debtor_id,
        new.account_id,
        new.channel,
        new.our_address,
        new.peer_cipher,
        new.peer_blind,
        new.record_key_id,
        new.assigned_agent_id,
        assigned_at,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A message about to be stored at the end of a locked thread.
pub(super) struct NewMessageRow {
    pub(super) id: Uuid,
    pub(super) inbound: bool,
    pub(super) sender_type: &'static str,
    pub(super) sender_id: Option<Uuid>,
    pub(super) body_cipher: Vec<u8>,
    pub(super) secret_cipher: Option<Vec<u8>>,
    pub(super) decision_id: Option<Uuid>,
    pub(super) reply_to_message_id: Option<Uuid>,
    pub(super) provider_message_id: Option<String>,
    /// When it was received; a message of ours is dated now.
    pub(super) received_at: Option<DateTime<Utc>>,
    pub(super) made_of: Option<MadeOf>,
    pub(super) cease_notice: Option<CeaseNotice>,
    pub(super) dispute_answer: Option<DisputeAnswer>,
}

/// Appends a message and moves the thread on; the caller holds the thread's lock.
pub(super) async fn append_message(
    tx: &mut TenantTx,
    thread: &mut ConversationRow,
    new: NewMessageRow,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    thread.last_sequence += 1;
    let (direction, status) = if new.inbound {
        ("INBOUND", "RECEIVED")
    } else {
        ("OUTBOUND", "QUEUED")
    };
    if new.inbound {
        thread.last_inbound_sequence = thread.last_sequence;
        if thread.status == "RESOLVED" {
            "ACTIVE".clone_into(&mut thread.status);
        }
        thread.waiting_since = thread.waiting_since.or(Some(now));
    } else if new.sender_type != "SYSTEM" {
        thread.waiting_since = None;
    }
    sqlx::query!(
        "INSERT INTO messages (business_id, id, conversation_id, debtor_id, sequence, direction, sender_type, sender_id,
             body_cipher, delivery_status, decision_id, reply_to_message_id, provider_message_id, dispatch_due_at, created_at,
             secret_cipher, template_id, template_version, cease_notice, dispute_answer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        business,
        new.id,
        thread.id,
        thread.debtor_id,
        thread.last_sequence,
        direction,
        new.sender_type,
        new.sender_id,
        new.body_cipher,
        status,
        new.decision_id,
        new.reply_to_message_id,
        new.provider_message_id,
        (!new.inbound).then_some(now),
        new.received_at.unwrap_or(now),
        new.secret_cipher,
        new.made_of.map(|of| of.template),
        new.made_of.map(|of| of.version),
        new.cease_notice.map(CeaseNotice::as_str),
        new.dispute_answer.map(DisputeAnswer::as_str),
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE conversations SET last_sequence = $3, last_inbound_sequence = $4, status = $5, last_message_at = $6,
             updated_at = $6, waiting_since = $7, route_due_at = CASE WHEN $7::timestamptz IS NULL THEN NULL
                 WHEN $8 THEN $6 ELSE route_due_at END
         WHERE business_id = $1 AND id = $2",
        business,
        thread.id,
        thread.last_sequence,
        thread.last_inbound_sequence,
        thread.status,
        now,
        thread.waiting_since,
        new.inbound,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves a message's status on. The caller has checked that it may.
pub(super) async fn set_status(
    tx: &mut TenantTx,
    message: Uuid,
    status: DeliveryStatus,
    failure: Option<(&str, &str)>,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let arrived = matches!(status, DeliveryStatus::Delivered | DeliveryStatus::Read);
    let gone = arrived || status == DeliveryStatus::Sent;
    sqlx::query!(
        "UPDATE messages SET delivery_status = $3, dispatch_due_at = NULL, attempt_id = NULL,
             failure_code = coalesce($4, failure_code), failure_reason = coalesce($5, failure_reason),
             sent_at = CASE WHEN $6 THEN coalesce(sent_at, $9) ELSE sent_at END,
             delivered_at = CASE WHEN $7 THEN coalesce(delivered_at, $9) ELSE delivered_at END,
             read_at = CASE WHEN $8 THEN coalesce(read_at, $9) ELSE read_at END
         WHERE business_id = $1 AND id = $2",
        business,
        message,
        status.as_str(),
        failure.map(|(code, _)| code),
        failure.map(|(_, reason)| reason),
        gone,
        arrived,
        status == DeliveryStatus::Read,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts a message (back) into the queue for `due`.
pub(super) async fn requeue(tx: &mut TenantTx, message: Uuid, due: DateTime<Utc>) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE messages SET delivery_status = 'QUEUED', dispatch_due_at = $3, attempt_id = NULL WHERE business_id = $1 AND id = $2",
        business,
        message,
        due,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks a message and says whether it is still to be sent, or not known to have gone: nobody has told anything final.
pub(super) async fn lock_unsent(tx: &mut TenantTx, message: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    let status = sqlx::query_scalar!(
        "SELECT delivery_status FROM messages WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        message
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(status
        .map(|text| DeliveryStatus::parse(&text))
        .is_some_and(|status| matches!(status, DeliveryStatus::Queued | DeliveryStatus::Unknown)))
}

/// There is nothing more to learn of a message: its attempts are not looked up any more.
pub(super) async fn stop_asking(tx: &mut TenantTx, message: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE delivery_attempts SET lookup_due_at = NULL
         WHERE business_id = $1 AND message_id = $2 AND settled_at IS NOT NULL AND lookup_due_at IS NOT NULL",
        business,
        message,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest message from the debtor in the thread that nobody has answered yet. What did not go is no answer, and neither is
/// what the service sends by itself.
pub(super) async fn unanswered_inbound(
    tx: &mut TenantTx,
    thread: &ConversationRow,
) -> Result<Option<(Uuid, DateTime<Utc>)>, DbError> {
    if thread.last_inbound_sequence == 0 {
        return Ok(None);
    }
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT m.id, m.created_at FROM messages m
         WHERE m.business_id = $1 AND m.conversation_id = $2 AND m.sequence = $3
           AND NOT EXISTS (SELECT FROM messages o WHERE o.business_id = $1 AND o.conversation_id = $2 AND o.sequence > $3
             AND o.direction = 'OUTBOUND' AND o.sender_type <> 'SYSTEM' AND o.delivery_status NOT IN ('FAILED', 'BLOCKED'))",
        business,
        thread.id,
        thread.last_inbound_sequence,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.created_at)))
}

/// Which threads a list shows.
#[derive(Clone, Debug, Default)]
pub(super) struct ConversationCriteria {
    pub(super) statuses: Option<Vec<String>>,
    pub(super) channels: Option<Vec<String>>,
    pub(super) account_id: Option<Uuid>,
    pub(super) assigned_to: Option<Uuid>,
    pub(super) unassigned: bool,
    pub(super) unmatched: bool,
}

/// A page of threads by last change.
pub(super) async fn page_of_conversations(
    tx: &mut TenantTx,
    criteria: &ConversationCriteria,
    descending: bool,
    past: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<ConversationRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let (past_at, past_id) = (past.map(|(at, _)| at), past.map(|(_, id)| id));
    let rows = if descending {
        sqlx::query_as!(
            ConversationRow,
            "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                    record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                    updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
             FROM conversations
             WHERE business_id = $1
               AND ($2::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $2)
               AND ($3::text[] IS NULL OR status = ANY($3)) AND ($4::text[] IS NULL OR channel = ANY($4))
               AND ($5::uuid IS NULL OR account_id = $5) AND ($6::uuid IS NULL OR assigned_agent_id = $6)
               AND (NOT $7 OR assigned_agent_id IS NULL) AND (NOT $8 OR debtor_id IS NULL)
               AND ($9::timestamptz IS NULL OR (updated_at, id) < ($9, $10))
             ORDER BY updated_at DESC, id DESC LIMIT $11",
            business,
            scope,
            criteria.statuses.as_deref(),
            criteria.channels.as_deref(),
            criteria.account_id,
            criteria.assigned_to,
            criteria.unassigned,
            criteria.unmatched,
            past_at,
            past_id,
            limit,
        )
        .fetch_all(tx.conn())
        .await?
    } else {
        sqlx::query_as!(
            ConversationRow,
            "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                    record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                    updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
             FROM conversations
             WHERE business_id = $1
               AND ($2::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $2)
               AND ($3::text[] IS NULL OR status = ANY($3)) AND ($4::text[] IS NULL OR channel = ANY($4))
               AND ($5::uuid IS NULL OR account_id = $5) AND ($6::uuid IS NULL OR assigned_agent_id = $6)
               AND (NOT $7 OR assigned_agent_id IS NULL) AND (NOT $8 OR debtor_id IS NULL)
               AND ($9::timestamptz IS NULL OR (updated_at, id) > ($9, $10))
             ORDER BY updated_at ASC, id ASC LIMIT $11",
            business,
            scope,
            criteria.statuses.as_deref(),
            criteria.channels.as_deref(),
            criteria.account_id,
            criteria.assigned_to,
            criteria.unassigned,
            criteria.unmatched,
            past_at,
            past_id,
            limit,
        )
        .fetch_all(tx.conn())
        .await?
    };
    Ok(rows)
}
