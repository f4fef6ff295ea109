//! Hands a queued message to the vendor: decide again, reserve, store the attempt, commit; call with no transaction
//! open; record what came of it. A crash anywhere leaves an attempt that the reconciler finds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Conversations,
    model::DeliveryStatus,
    pauses::Pauses,
    ports::{OutboundSms, SendOutcome, SmsRoute, status_callback},
    ready::{Addressee, is_ready},
    route,
    send_message::{open_peer, open_whole},
    settle::{
        LOOK_UP_AFTER, accept, emit_status, fail, give_slot_back, learn_from_refusal, lose_sight, settle,
        thread_of,
    },
    store::{self, ConversationRow},
    waiting::{debtor_of, lock_waiting},
};
use crate::{
    accounts::{Channel, debtor_keys, lock_person},
    compliance::{
        CeaseNotice, Contact, Decided, DisputeAnswer, Outcome, Permit, Reservation, decide_to_dispatch,
    },
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Committed, TenantTx},
        error::OpError,
        ids,
        jobs::{Job, JobError},
        phone::PhoneNumber,
    },
};

/// Between the tries of a vendor that does not take a message.
const BETWEEN_TRIES: Pauses = Pauses {
    first: TimeDelta::seconds(5),
    longest: TimeDelta::minutes(15),
};
/// A vendor may ask for a longer pause (RFC 9110, section 10.2.3), up to this.
const LONGEST_ASKED: TimeDelta = TimeDelta::hours(6);
/// A message that cannot be made ready is tried this often; then a person decides.
const MOST_FAILURES: i16 = 8;
const BETWEEN_FAILURES: Pauses = Pauses {
    first: TimeDelta::minutes(1),
    longest: TimeDelta::hours(1),
};
/// A job for an instant comes this much later: queue and service have clocks of their own, and one that comes too early
/// finds nothing due.
const LATER: TimeDelta = TimeDelta::seconds(1);

/// Hands one message over. Idempotent: a message that is not waiting, or has an attempt under way, is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct DeliverMessage {
    pub(super) message_id: Uuid,
}

impl Job for DeliverMessage {
    const NAME: &'static str = "conversations.deliver_message";
}

/// Everything the vendor call needs, and what becomes the permit to make it.
struct Departure {
    attempt: Uuid,
    reservation: Reservation,
    committed: Committed,
    route: SmsRoute,
    sms: OutboundSms,
}

/// Runs [`DeliverMessage`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away; what the vendor says is never an error of the job.
pub async fn deliver(slice: &Conversations, ctx: &TenantCtx, job: DeliverMessage) -> Result<(), JobError> {
    let departure = match prepare(slice, ctx, job.message_id).await {
        Ok(Some(departure)) => departure,
        Ok(None) => return Ok(()),
        Err(error) => {
            // A database that is away says nothing about the message.
            if !matches!(error, OpError::Unavailable(_)) {
                note_failure(slice, ctx, job.message_id)
                    .await
                    .map_err(job_error)?;
            }
            return Err(job_error(error));
        }
    };
    let Departure {
        attempt,
        reservation,
        committed,
        route,
        sms,
    } = departure;
    let permit = confirm(slice, ctx, reservation, &committed)
        .await
        .map_err(job_error)?;
    let outcome = match permit {
        Some(permit) => slice.sms.send(permit, &route, &sms, slice.db.clock().now()).await,
        None => SendOutcome::PermitRevoked,
    };
    record(slice, ctx, job.message_id, attempt, &sms.to, outcome)
        .await
        .map_err(job_error)
}

/// The last look before the vendor is called.
async fn confirm(
    slice: &Conversations,
    ctx: &TenantCtx,
    reservation: Reservation,
    committed: &Committed,
) -> Result<Option<Permit>, OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let permit = reservation.confirm(committed, &mut tx).await?;
    tx.finish_read().await?;
    Ok(permit)
}

pub(super) fn job_error(error: OpError) -> JobError {
    match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    }
}

async fn prepare(
    slice: &Conversations,
    ctx: &TenantCtx,
    message: Uuid,
) -> Result<Option<Departure>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    // The person first and their messages after them, as whoever acts on a received text takes them: in two orders the two
    // would wait for each other, and the text could be the one that is lost.
    let lock = match debtor_of(&mut tx, message).await? {
        Some(debtor) => Some(lock_person(&mut tx, debtor).await?),
        None => None,
    };
    let Some(waiting) = lock_waiting(&mut tx, message).await? else {
        return Ok(None);
    };
    if let Some(pause) = waiting.pause_behind_earlier(tx.now()) {
        send_later(&mut tx, message, pause).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let thread = store::lock_conversation(&mut tx, waiting.conversation_id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("a queued message without its thread"))?;
    let (debtor_id, lock) = thread
        .debtor_id
        .zip(lock)
        .ok_or_else(|| anyhow::anyhow!("a queued message of nobody's thread"))?;
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    let blinds = keys.blinds(&peer);
    let addressee = Addressee {
        debtor: debtor_id,
        blinds: &blinds,
    };
    if !is_ready(&mut tx, &keys, &thread, message, &addressee).await? {
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
            "Your business has disconnected the number of this conversation. Start a new one, or have an administrator connect \
             the number again (connectNumber).",
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
        mode: None,
        author: waiting.author(tx.now()),
        cease_notice: waiting.cease_notice.as_deref().and_then(CeaseNotice::parse),
        dispute_answer: waiting.dispute_answer.as_deref().and_then(DisputeAnswer::parse),
        is_template: waiting.is_template,
    };
    let Some((decided, reservation)) = decide_to_dispatch(&mut tx, &keys, &lock, &contact).await? else {
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
        let last = waiting.created_at + slice.give_up_after;
        stop(&mut tx, &thread, (message, last), &decided).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let attempt = NewAttempt {
        message,
        debtor_id,
        decided: &decided,
        earlier: waiting.attempts,
        provider_account: route.provider_account,
    };
    let attempt = insert_attempt(&mut tx, attempt).await?;
    let committed = tx.commit().await?;
    let sms = OutboundSms {
        to,
        body,
        status_callback: status_callback(&slice.public_base_url, attempt),
    };
    Ok(Some(Departure {
        attempt,
        reservation,
        committed,
        route: route.sms,
        sms,
    }))
}

/// The message is due after `pause` and has its job then. What finds it earlier leaves it alone, so that jobs for it never
/// become more.
pub(super) async fn send_later(tx: &mut TenantTx, message: Uuid, pause: TimeDelta) -> Result<(), OpError> {
    let due = tx.now() + pause;
    store::requeue(tx, message, due).await?;
    let delay = (pause + LATER).to_std().unwrap_or_default();
    tx.enqueue_after(&DeliverMessage { message_id: message }, delay);
    Ok(())
}

/// It could not be made ready, by a fault of ours: later, and not for ever.
async fn note_failure(slice: &Conversations, ctx: &TenantCtx, message: Uuid) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let failures = sqlx::query_scalar!(
        r#"UPDATE messages SET dispatch_failures = dispatch_failures + 1
         WHERE business_id = $1 AND id = $2 AND delivery_status = 'QUEUED' AND attempt_id IS NULL AND dispatch_due_at <= $3
         RETURNING dispatch_failures"#,
        business,
        message,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(failures) = failures else { return Ok(()) };
    if failures < MOST_FAILURES {
        store::requeue(&mut tx, message, now + BETWEEN_FAILURES.after(failures)).await?;
    } else if let Some(thread) = thread_of(&mut tx, message).await? {
        let reason = "It could not be made ready to be sent. Send it again; if that fails too, tell support.";
        fail(&mut tx, &thread, message, "NOT_READY", reason).await?;
    }
    tx.commit().await?;
    Ok(())
}

struct NewAttempt<'a> {
    message: Uuid,
    debtor_id: Uuid,
    decided: &'a Decided,
    earlier: i64,
    provider_account: Uuid,
}

async fn insert_attempt(tx: &mut TenantTx, new: NewAttempt<'_>) -> Result<Uuid, OpError> {
    let (business, now, attempt) = (tx.business_id(), tx.now(), ids::next());
    sqlx::query!(
        "INSERT INTO delivery_attempts (business_id, id, message_id, debtor_id, decision_id, number, state, started_at,
             lookup_due_at, provider_account_id)
         VALUES ($1, $2, $3, $4, $5, $6, 'STARTED', $7, $8, $9)",
        business,
        attempt,
        new.message,
        new.debtor_id,
        new.decided.id,
        i16::try_from(new.earlier + 1).unwrap_or(i16::MAX),
        now,
        now + LOOK_UP_AFTER,
        new.provider_account,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE messages SET attempt_id = $3 WHERE business_id = $1 AND id = $2",
        business,
        new.message,
        attempt
    )
    .execute(tx.conn())
    .await?;
    let details = new.decided.in_trail(json!({ "attempt": attempt }));
    tx.audit(AuditEntry::plain("message.dispatched", new.message, &details).about(Some(new.debtor_id)));
    Ok(attempt)
}

/// The gate said no at the last moment: wait where it names an instant not later than `last`, else never send. What somebody
/// wrote days ago, to a debtor who has written since or paid, is not said now: whoever still means it sends it again.
async fn stop(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    (message, last): (Uuid, DateTime<Utc>),
    decided: &Decided,
) -> Result<(), OpError> {
    let decision = &decided.decision;
    let until = decision
        .next_permitted_at
        .filter(|_| decision.outcome == Outcome::Defer);
    let details = decided.in_trail(json!({ "until": until, "rule": decision.rule }));
    if let Some(until) = until.filter(|until| *until <= last) {
        store::requeue(tx, message, until).await?;
        tx.audit(AuditEntry::plain("message.deferred", message, &details).about(thread.debtor_id));
        return Ok(());
    }
    let again = until.map(|until| {
        let from = until.format("%Y-%m-%d %H:%M UTC");
        format!(" It waits no longer than its vendor is tried: send it again from {from} on.")
    });
    let reason = format!("{}{}", decision.reason, again.unwrap_or_default());
    let failure = Some((decision.rule.as_str(), reason.as_str()));
    store::set_status(tx, message, DeliveryStatus::Blocked, failure).await?;
    tx.audit(AuditEntry::plain("message.blocked", message, &details).about(thread.debtor_id));
    emit_status(tx, thread, message);
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
            try_again_later(&mut tx, slice.give_up_after, message, attempt, retry_after).await?;
        }
        SendOutcome::PermitExpired | SendOutcome::PermitRevoked => {
            let code = match outcome {
                SendOutcome::PermitExpired => "PERMIT_EXPIRED",
                _ => "PERMIT_REVOKED",
            };
            settle(&mut tx, attempt, "REFUSED", None, Some(code)).await?;
            give_slot_back(&mut tx, attempt).await?;
            try_again_later(&mut tx, slice.give_up_after, message, attempt, None).await?;
        }
        SendOutcome::Refused { code, reason, kind } => {
            settle(&mut tx, attempt, "REFUSED", None, Some(&code)).await?;
            give_slot_back(&mut tx, attempt).await?;
            learn_from_refusal(&mut tx, &keys, message, to, &code, kind).await?;
            if store::lock_unsent(&mut tx, message).await?
                && let Some(thread) = thread_of(&mut tx, message).await?
            {
                fail(&mut tx, &thread, message, &code, reason).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Nothing went out: the message is due again, after a pause that grows, but not for ever. When its time comes it is
/// decided anew. A report on an earlier attempt may have settled it meanwhile: then nothing is left to send.
async fn try_again_later(
    tx: &mut TenantTx,
    give_up_after: TimeDelta,
    message: Uuid,
    attempt: Uuid,
    asked: Option<Duration>,
) -> Result<(), OpError> {
    if !store::lock_unsent(tx, message).await? {
        return Ok(());
    }
    let (business, now) = (tx.business_id(), tx.now());
    let tried = sqlx::query!(
        r#"SELECT number, (SELECT min(f.started_at) FROM delivery_attempts f
                           WHERE f.business_id = $1 AND f.message_id = a.message_id) AS "since!"
         FROM delivery_attempts a WHERE a.business_id = $1 AND a.id = $2"#,
        business,
        attempt
    )
    .fetch_one(tx.conn())
    .await?;
    if now - tried.since < give_up_after {
        let asked = asked
            .map(|asked| TimeDelta::from_std(asked).map_or(LONGEST_ASKED, |asked| asked.min(LONGEST_ASKED)));
        let pause = BETWEEN_TRIES.after(tried.number).max(asked.unwrap_or_default());
        send_later(tx, message, pause).await?;
    } else if let Some(thread) = thread_of(tx, message).await? {
        let hours = give_up_after.num_hours();
        let reason = format!("The vendor did not take it within {hours} hours. Send it again later.");
        fail(tx, &thread, message, "BUSY", &reason).await?;
    }
    Ok(())
}
