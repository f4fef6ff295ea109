//! Hands a queued message to the vendor: decide again, reserve, store the attempt, commit; call with no transaction
//! open; record what came of it. A crash anywhere leaves an attempt that the reconciler finds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Conversations,
    model::DeliveryStatus,
    ports::{OutboundSms, SendOutcome, SmsRoute, status_callback},
    route,
    send_message::{open_peer, open_whole},
    settle::{
        LOOK_UP_AFTER, accept, emit_status, fail, give_slot_back, learn_from_refusal, lose_sight, settle,
        thread_of,
    },
    store::{self, ConversationRow},
};
use crate::{
    accounts::{Channel, debtor_keys},
    compliance::{Contact, Decided, Outcome, Permit, decide_to_dispatch},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids,
        jobs::{Job, JobError},
        phone::PhoneNumber,
    },
};

/// A busy vendor is tried this often; then a person decides.
const MOST_TRIES: i16 = 20;
/// How long dispatch waits for an inbound text of the same number to be processed.
const WAIT_FOR_INBOUND: Duration = Duration::from_secs(2);

/// Hands one message over. Idempotent: a message that is not waiting, or has an attempt under way, is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct DeliverMessage {
    pub(super) message_id: Uuid,
}

impl Job for DeliverMessage {
    const NAME: &'static str = "conversations.deliver_message";
}

/// Everything the vendor call needs, with the permit to make it.
struct Departure {
    attempt: Uuid,
    permit: Permit,
    route: SmsRoute,
    sms: OutboundSms,
}

/// Runs [`DeliverMessage`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away; what the vendor says is never an error of the job.
pub async fn deliver(slice: &Conversations, ctx: &TenantCtx, job: DeliverMessage) -> Result<(), JobError> {
    let departure = prepare(slice, ctx, job.message_id).await.map_err(job_error)?;
    let Some(departure) = departure else { return Ok(()) };
    let now = slice.db.clock().now();
    let outcome = slice
        .sms
        .send(departure.permit, &departure.route, &departure.sms, now)
        .await;
    record(
        slice,
        ctx,
        job.message_id,
        departure.attempt,
        &departure.sms.to,
        outcome,
    )
    .await
    .map_err(job_error)
}

pub(super) fn job_error(error: OpError) -> JobError {
    match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    }
}

struct Waiting {
    conversation_id: Uuid,
    body_cipher: Vec<u8>,
    secret_cipher: Option<Vec<u8>>,
    in_reply_to: Option<chrono::DateTime<chrono::Utc>>,
    attempts: i64,
}

async fn lock_waiting(tx: &mut TenantTx, message: Uuid) -> Result<Option<Waiting>, OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_as!(
        Waiting,
        r#"SELECT m.conversation_id, m.body_cipher, m.secret_cipher, r.created_at AS "in_reply_to?",
                (SELECT count(*) FROM delivery_attempts a WHERE a.business_id = $1 AND a.message_id = $2) AS "attempts!"
         FROM messages m
         LEFT JOIN messages r ON r.business_id = m.business_id AND r.id = m.reply_to_message_id
         WHERE m.business_id = $1 AND m.id = $2 AND m.delivery_status = 'QUEUED' AND m.dispatch_due_at <= $3 AND m.attempt_id IS NULL
         FOR NO KEY UPDATE OF m"#,
        business,
        message,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

async fn prepare(
    slice: &Conversations,
    ctx: &TenantCtx,
    message: Uuid,
) -> Result<Option<Departure>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let Some(waiting) = lock_waiting(&mut tx, message).await? else {
        return Ok(None);
    };
    let Some(thread) = store::lock_conversation(&mut tx, waiting.conversation_id).await? else {
        return Ok(None);
    };
    let Some(debtor_id) = thread.debtor_id else {
        return Ok(None);
    };
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    if inbound_is_waiting(&mut tx, &keys.blinds(&peer)).await? {
        // Its words may forbid what is about to be sent.
        tx.enqueue_after(&DeliverMessage { message_id: message }, WAIT_FOR_INBOUND)
            .await?;
        tx.commit().await?;
        return Ok(None);
    }
    let secret = waiting.secret_cipher.as_deref();
    let body = open_whole(&keys, &record, message, &waiting.body_cipher, secret)?;
    let Some(route) =
        route::sms_route(&slice.db, &slice.keyring, ctx.business_id(), &thread.our_address).await?
    else {
        fail(
            &mut tx,
            &thread,
            message,
            "NO_ROUTE",
            "The number of this conversation is not connected any more.",
        )
        .await?;
        tx.commit().await?;
        return Ok(None);
    };
    let to = PhoneNumber::parse_e164(&peer).map_err(|error| OpError::Internal(error.into()))?;
    let contact = Contact {
        debtor_id,
        account_id: thread.account_id,
        channel: Channel::Sms,
        recipient: &peer,
        content: &body,
        in_reply_to: waiting.in_reply_to,
    };
    let Some((decided, reservation)) = decide_to_dispatch(&mut tx, &keys, &contact).await? else {
        fail(
            &mut tx,
            &thread,
            message,
            "ACCOUNT_DELETED",
            "The account was deleted before the message was sent.",
        )
        .await?;
        tx.commit().await?;
        return Ok(None);
    };
    let Some(reservation) = reservation else {
        stop(&mut tx, &thread, message, &decided).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let attempt = insert_attempt(&mut tx, message, debtor_id, &decided, waiting.attempts).await?;
    let committed = tx.commit().await?;
    let sms = OutboundSms {
        to,
        body,
        status_callback: status_callback(&slice.public_base_url, attempt),
    };
    Ok(Some(Departure {
        attempt,
        permit: reservation.after(&committed),
        route,
        sms,
    }))
}

async fn inbound_is_waiting(tx: &mut TenantTx, peer_blinds: &[Vec<u8>]) -> Result<bool, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM provider_events WHERE business_id = $1 AND peer_blind = ANY($2) AND processed_at IS NULL) AS "waiting!""#,
        business,
        peer_blinds,
    )
    .fetch_one(tx.conn())
    .await?)
}

async fn insert_attempt(
    tx: &mut TenantTx,
    message: Uuid,
    debtor: Uuid,
    decided: &Decided,
    earlier: i64,
) -> Result<Uuid, OpError> {
    let (business, now, attempt) = (tx.business_id(), tx.now(), ids::next());
    sqlx::query!(
        "INSERT INTO delivery_attempts (business_id, id, message_id, debtor_id, decision_id, number, state, started_at, lookup_due_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'STARTED', $7, $8)",
        business,
        attempt,
        message,
        debtor,
        decided.id,
        i16::try_from(earlier + 1).unwrap_or(i16::MAX),
        now,
        now + LOOK_UP_AFTER,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE messages SET attempt_id = $3 WHERE business_id = $1 AND id = $2",
        business,
        message,
        attempt
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "attempt": attempt, "decision": decided.id });
    tx.audit(AuditEntry::plain("message.dispatched", message, &details).about(Some(debtor)));
    Ok(attempt)
}

/// The gate said no at the last moment: wait when it names an instant, else never send.
async fn stop(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    message: Uuid,
    decided: &Decided,
) -> Result<(), OpError> {
    match (decided.decision.outcome, decided.decision.next_permitted_at) {
        (Outcome::Defer, Some(until)) => {
            store::requeue(tx, message, until).await?;
            let details = json!({ "until": until, "rule": decided.decision.rule });
            tx.audit(AuditEntry::plain("message.deferred", message, &details).about(thread.debtor_id));
        }
        _ => {
            let failure = Some((decided.decision.rule.as_str(), decided.decision.reason.as_str()));
            store::set_status(tx, message, DeliveryStatus::Blocked, failure).await?;
            let details = json!({ "rule": decided.decision.rule, "decision": decided.id });
            tx.audit(AuditEntry::plain("message.blocked", message, &details).about(thread.debtor_id));
            emit_status(tx, thread, message);
        }
    }
    Ok(())
}

/// Settles the attempt by what the vendor said. A callback may have settled it first: then nothing is left to do.
async fn record(
    slice: &Conversations,
    ctx: &TenantCtx,
    message: Uuid,
    attempt: Uuid,
    to: &PhoneNumber,
    outcome: SendOutcome,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    match outcome {
        SendOutcome::Accepted { provider_message_id } => {
            accept(&mut tx, message, attempt, &provider_message_id).await?
        }
        SendOutcome::Unknown { cause } => lose_sight(&mut tx, message, attempt, cause).await?,
        SendOutcome::Busy { retry_after } => {
            settle(&mut tx, attempt, "REFUSED", None, Some("BUSY")).await?;
            give_slot_back(&mut tx, attempt).await?;
            try_again_later(&mut tx, message, attempt, retry_after).await?;
        }
        SendOutcome::Refused { code, reason, kind } => {
            settle(&mut tx, attempt, "REFUSED", None, Some(&code)).await?;
            give_slot_back(&mut tx, attempt).await?;
            learn_from_refusal(&mut tx, &keys, message, to, &code, kind).await?;
            if let Some(thread) = thread_of(&mut tx, message).await? {
                fail(&mut tx, &thread, message, &code, reason).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Nothing went out: the message is due again, but not for ever.
async fn try_again_later(
    tx: &mut TenantTx,
    message: Uuid,
    attempt: Uuid,
    pause: Duration,
) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let tries = sqlx::query_scalar!(
        "SELECT number FROM delivery_attempts WHERE business_id = $1 AND id = $2",
        business,
        attempt
    )
    .fetch_one(tx.conn())
    .await?;
    if tries < MOST_TRIES {
        store::requeue(tx, message, now).await?;
        tx.enqueue_after(&DeliverMessage { message_id: message }, pause)
            .await?;
    } else if let Some(thread) = thread_of(tx, message).await? {
        let reason = "The vendor did not take it for too long. Send it again later.";
        fail(tx, &thread, message, "BUSY", reason).await?;
    }
    Ok(())
}
