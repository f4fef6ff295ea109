//! A message that waits to leave, as its delivery finds it: locked, and behind the earlier ones of its thread.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    compliance::Author,
    platform::{db::TenantTx, error::OpError},
};

/// What its delivery must know of a message.
pub(super) struct Waiting {
    pub(super) conversation_id: Uuid,
    pub(super) body_cipher: Vec<u8>,
    pub(super) secret_cipher: Option<Vec<u8>>,
    pub(super) in_reply_to: Option<DateTime<Utc>>,
    pub(super) sender_type: String,
    pub(super) sender_id: Option<Uuid>,
    pub(super) cease_notice: Option<String>,
    pub(super) dispute_answer: Option<String>,
    pub(super) is_template: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) attempts: i64,
    /// When an earlier text of the thread is due that has not left and is to leave soon; one at the vendor is due already.
    pub(super) earlier_due_at: Option<DateTime<Utc>>,
}

/// A thread reads in the order in which it was written: a text lets an earlier one go first that is due within so long.
const EARLIER_SOON: TimeDelta = TimeDelta::minutes(2);
/// But no longer than this after it was written. What confirms an opt-out must leave within five minutes (47 CFR
/// 64.1200(a)(12)).
const EARLIER_FIRST_FOR: TimeDelta = TimeDelta::minutes(4);
/// The earlier text may have left, or been stopped, before it was due.
const EARLIER_ASKED_AFTER: TimeDelta = TimeDelta::seconds(5);

/// So long a debtor waits for what they have asked for; what leaves later is a contact like any other.
const AWAITED: TimeDelta = TimeDelta::minutes(15);

impl Waiting {
    pub(super) fn author(&self, now: DateTime<Utc>) -> Author {
        let is_awaited = self.sender_id.is_some() && now - self.created_at <= AWAITED;
        match self.sender_type.as_str() {
            "AGENT" => Author::of(self.sender_id),
            "ASSISTANT" => Author::Assistant,
            "SYSTEM" if is_awaited => Author::Notice,
            _ => Author::Service,
        }
    }

    /// How long it lets an earlier text of its thread go first, before it is looked at again.
    pub(super) fn pause_behind_earlier(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let due = self.earlier_due_at?;
        Some((due - now).clamp(TimeDelta::zero(), EARLIER_ASKED_AFTER))
    }
}

/// Locks a message that waits and is due, unless it is at the vendor.
pub(super) async fn lock_waiting(tx: &mut TenantTx, message: Uuid) -> Result<Option<Waiting>, OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_as!(
        Waiting,
        r#"SELECT m.conversation_id, m.body_cipher, m.secret_cipher, r.created_at AS "in_reply_to?", m.sender_type, m.sender_id,
                m.cease_notice, m.dispute_answer, m.template_id IS NOT NULL AS "is_template!", m.created_at,
                (SELECT count(*) FROM delivery_attempts a WHERE a.business_id = $1 AND a.message_id = $2) AS "attempts!",
                (SELECT min(e.dispatch_due_at) FROM messages e
                 WHERE e.business_id = $1 AND e.conversation_id = m.conversation_id AND e.delivery_status = 'QUEUED'
                   AND e.sequence < m.sequence AND e.dispatch_due_at <= $4 AND m.created_at > $5) AS earlier_due_at
         FROM messages m
         LEFT JOIN messages r ON r.business_id = m.business_id AND r.id = m.reply_to_message_id
         WHERE m.business_id = $1 AND m.id = $2 AND m.delivery_status = 'QUEUED' AND m.dispatch_due_at <= $3 AND m.attempt_id IS NULL
         FOR NO KEY UPDATE OF m"#,
        business,
        message,
        now,
        now + EARLIER_SOON,
        now - EARLIER_FIRST_FOR,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The debtor of a queued message's thread; locks nothing.
pub(super) async fn debtor_of(tx: &mut TenantTx, message: Uuid) -> Result<Option<Uuid>, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT c.debtor_id FROM messages m
         JOIN conversations c ON c.business_id = m.business_id AND c.id = m.conversation_id
         WHERE m.business_id = $1 AND m.id = $2 AND m.delivery_status = 'QUEUED'",
        business,
        message,
    )
    .fetch_optional(tx.conn())
    .await?
    .flatten())
}
