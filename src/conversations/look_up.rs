//! Looks an attempt up at the vendor: adopts what the vendor has of one whose answer was lost, and after two empty
//! look-ups allows one new attempt. Of one that the vendor accepted, it asks for the status.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Conversations,
    deliver::{DeliverMessage, job_error},
    model::DeliveryStatus,
    pauses::Pauses,
    ports::SmsRoute,
    route,
    send_message::{open_peer, open_whole},
    settle::{LOOK_UP_AFTER, LOST, UNANSWERED, accept, emit_status, give_slot_back, settle, thread_of},
    status::{News, apply},
    status_look_up::look_up_status,
    store,
};
use crate::{
    accounts::debtor_keys,
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        phone::PhoneNumber,
    },
};

/// Two empty look-ups a minute apart prove that the vendor never had it.
const EMPTY_LOOK_UPS: i16 = 2;
/// A message is lost at most this often: after the first time there is one new attempt.
const MOST_LOSSES: i64 = 2;
/// Between look-ups that the vendor does not answer. The first is longer than a call may last.
const BETWEEN_FAILURES: Pauses = Pauses {
    first: LOOK_UP_AFTER,
    longest: TimeDelta::hours(1),
};
/// Nobody asks about an attempt that is older.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);

/// Looks one attempt up at the vendor.
#[derive(Debug, Deserialize, Serialize)]
pub struct LookUpAttempt {
    pub(super) attempt_id: Uuid,
}

impl Job for LookUpAttempt {
    const NAME: &'static str = "conversations.look_up_attempt";
}

/// An attempt whose look-up is under way: it is due again at `due`, whatever becomes of this one.
pub(super) struct Claimed {
    pub(super) attempt: Uuid,
    pub(super) message: Uuid,
    pub(super) thread: Uuid,
    /// The vendor's id, if it has accepted it.
    pub(super) accepted_as: Option<String>,
    /// The business's account at the vendor that it went through; none of an attempt that was made before this was kept.
    pub(super) provider_account: Option<Uuid>,
    pub(super) due: DateTime<Utc>,
    body_cipher: Vec<u8>,
    secret_cipher: Option<Vec<u8>>,
    empty_lookups: i16,
    started_at: DateTime<Utc>,
}

/// Runs [`LookUpAttempt`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away. A vendor that does not answer is no error of the job: the attempt is
/// due again by then.
pub async fn look_up_attempt(
    slice: &Conversations,
    ctx: &TenantCtx,
    job: LookUpAttempt,
) -> Result<(), JobError> {
    let Some(claimed) = claim(slice, ctx, job.attempt_id).await.map_err(job_error)? else {
        return Ok(());
    };
    if claimed.accepted_as.is_some() {
        return look_up_status(slice, ctx, &claimed).await.map_err(job_error);
    }
    search_vendor(slice, ctx, &claimed).await.map_err(job_error)
}

/// Takes an attempt up that is due, and moves its due instant away before anything can fail.
async fn claim(slice: &Conversations, ctx: &TenantCtx, attempt: Uuid) -> Result<Option<Claimed>, OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "SELECT a.message_id, a.provider_message_id, a.failed_lookups, a.empty_lookups, a.started_at,
                a.provider_account_id, m.body_cipher, m.secret_cipher, m.conversation_id
         FROM delivery_attempts a JOIN messages m ON m.business_id = a.business_id AND m.id = a.message_id
         WHERE a.business_id = $1 AND a.id = $2 AND a.lookup_due_at <= $3
           AND (a.settled_at IS NULL OR (a.state = 'ACCEPTED' AND a.provider_message_id IS NOT NULL))
         FOR UPDATE OF a",
        business,
        attempt,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let gives_up = now - row.started_at > GIVE_UP_AFTER;
    let failures = row.failed_lookups.saturating_add(1);
    let next = (!gives_up).then(|| now + BETWEEN_FAILURES.after(failures));
    let due = sqlx::query_scalar!(
        "UPDATE delivery_attempts SET failed_lookups = $3, lookup_due_at = $4 WHERE business_id = $1 AND id = $2
         RETURNING lookup_due_at",
        business,
        attempt,
        failures,
        next,
    )
    .fetch_one(tx.conn())
    .await?;
    if gives_up && row.provider_message_id.is_none() {
        stop_looking(&mut tx, row.message_id).await?;
    }
    tx.commit().await?;
    Ok(due.map(|due| Claimed {
        attempt,
        message: row.message_id,
        thread: row.conversation_id,
        accepted_as: row.provider_message_id,
        provider_account: row.provider_account_id,
        due,
        body_cipher: row.body_cipher,
        secret_cipher: row.secret_cipher,
        empty_lookups: row.empty_lookups,
        started_at: row.started_at,
    }))
}

/// The vendor could not be asked for days: the message may have gone, its slot stays taken, and nobody finds out any more
/// unless the vendor itself reports.
async fn stop_looking(tx: &mut TenantTx, message: Uuid) -> Result<(), OpError> {
    tracing::error!(%message, "whether a message went out could not be found out");
    metrics::counter!("delivery_attempts_unanswered_total").increment(1);
    if !store::lock_unsent(tx, message).await? {
        return Ok(());
    }
    let reason = "The vendor could not be asked for days whether it went. It may have arrived.";
    store::set_status(tx, message, DeliveryStatus::Unknown, Some((UNANSWERED, reason))).await?;
    if let Some(thread) = thread_of(tx, message).await? {
        let details = json!({ "cause": UNANSWERED });
        tx.audit(AuditEntry::plain("message.unknown", message, &details).about(thread.debtor_id));
        emit_status(tx, &thread, message);
    }
    Ok(())
}

/// Says that the vendor could not be asked, and why.
pub(super) fn note_silence(reason: &str) {
    tracing::warn!(reason, "an attempt could not be looked up: later");
    metrics::counter!("delivery_look_ups_failed_total").increment(1);
}

struct Search {
    message: Uuid,
    empty_lookups: i16,
    route: SmsRoute,
    to: PhoneNumber,
    body: String,
    since: DateTime<Utc>,
}

/// Looks for an attempt whose answer was lost.
async fn search_vendor(slice: &Conversations, ctx: &TenantCtx, claimed: &Claimed) -> Result<(), OpError> {
    let Some(search) = begin(slice, ctx, claimed).await? else {
        // Nobody to ask, and so no proof that it did not go: it stays unknown, for a person to settle.
        note_silence("the account that it went through is not known");
        return Ok(());
    };
    let found = slice
        .sms
        .find(&search.route, &search.to, &search.body, search.since)
        .await;
    match found {
        Ok(found) => conclude(slice, ctx, claimed.attempt, &search, found).await,
        Err(_) => {
            note_silence("the vendor does not answer");
            Ok(())
        }
    }
}

async fn begin(slice: &Conversations, ctx: &TenantCtx, claimed: &Claimed) -> Result<Option<Search>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let thread = store::conversations_by_ids(&mut tx, &[claimed.thread])
        .await?
        .pop()
        .ok_or_else(|| anyhow::anyhow!("an attempt without its thread"))?;
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    let secret = claimed.secret_cipher.as_deref();
    let body = open_whole(&keys, &record, claimed.message, &claimed.body_cipher, secret)?;
    tx.finish_read().await?;
    let (business, account) = (ctx.business_id(), claimed.provider_account);
    let route =
        route::look_up_route(&slice.db, &slice.keyring, business, account, &thread.our_address).await?;
    let Some(route) = route else { return Ok(None) };
    let to = PhoneNumber::parse_e164(&peer).map_err(|error| OpError::Internal(error.into()))?;
    Ok(Some(Search {
        message: claimed.message,
        empty_lookups: claimed.empty_lookups,
        route,
        to,
        body,
        since: claimed.started_at,
    }))
}

async fn conclude(
    slice: &Conversations,
    ctx: &TenantCtx,
    attempt: Uuid,
    search: &Search,
    found: Vec<super::ports::VendorMessage>,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    // A callback may have settled it while we looked.
    if !lock_open(&mut tx, attempt).await? {
        return Ok(());
    }
    let known = known_ids(&mut tx, &found).await?;
    match found
        .into_iter()
        .find(|message| !known.contains(&message.provider_message_id))
    {
        Some(adopted) => {
            accept(&mut tx, search.message, attempt, &adopted.provider_message_id).await?;
            if let Some(status) = adopted.status {
                let news = News {
                    message: search.message,
                    attempt,
                    to: &search.to,
                    status,
                    failure: adopted.failure.as_ref(),
                };
                apply(&mut tx, &keys, news).await?;
            }
            metrics::counter!("delivery_attempts_adopted_total").increment(1);
        }
        None => count_empty(&mut tx, attempt, search).await?,
    }
    tx.commit().await?;
    Ok(())
}

async fn lock_open(tx: &mut TenantTx, attempt: Uuid) -> Result<bool, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT id FROM delivery_attempts WHERE business_id = $1 AND id = $2 AND settled_at IS NULL FOR UPDATE",
        business,
        attempt
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.is_some())
}

/// Which of these the vendor's ids belong to other attempts already.
async fn known_ids(tx: &mut TenantTx, found: &[super::ports::VendorMessage]) -> Result<Vec<String>, OpError> {
    let business = tx.business_id();
    let ids: Vec<String> = found
        .iter()
        .map(|message| message.provider_message_id.clone())
        .collect();
    Ok(sqlx::query_scalar!(
        r#"SELECT provider_message_id AS "id!" FROM delivery_attempts
         WHERE business_id = $1 AND provider_message_id = ANY($2)"#,
        business,
        &ids
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn count_empty(tx: &mut TenantTx, attempt: Uuid, search: &Search) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    if search.empty_lookups + 1 < EMPTY_LOOK_UPS {
        sqlx::query!(
            "UPDATE delivery_attempts SET empty_lookups = empty_lookups + 1, failed_lookups = 0, lookup_due_at = $3
             WHERE business_id = $1 AND id = $2",
            business,
            attempt,
            now + LOOK_UP_AFTER,
        )
        .execute(tx.conn())
        .await?;
        return Ok(());
    }
    settle(tx, attempt, "LOST", None, None).await?;
    give_slot_back(tx, attempt).await?;
    metrics::counter!("delivery_attempts_lost_total").increment(1);
    let thread = thread_of(tx, search.message).await?;
    let debtor = thread.as_ref().and_then(|thread| thread.debtor_id);
    let losses = sqlx::query_scalar!(
        r#"SELECT count(*) AS "losses!" FROM delivery_attempts WHERE business_id = $1 AND message_id = $2 AND state = 'LOST'"#,
        business,
        search.message,
    )
    .fetch_one(tx.conn())
    .await?;
    if !store::lock_unsent(tx, search.message).await? {
        return Ok(());
    }
    if losses < MOST_LOSSES {
        store::requeue(tx, search.message, now).await?;
        tx.audit(
            AuditEntry::plain("message.requeued", search.message, &json!({ "attempt": attempt }))
                .about(debtor),
        );
        tx.enqueue(&DeliverMessage {
            message_id: search.message,
        });
    } else {
        let failure = (LOST, "The vendor never received it, twice. Send it again.");
        store::set_status(tx, search.message, DeliveryStatus::Failed, Some(failure)).await?;
        tx.audit(AuditEntry::plain("message.failed", search.message, &json!({ "code": LOST })).about(debtor));
    }
    if let Some(thread) = thread {
        emit_status(tx, &thread, search.message);
    }
    Ok(())
}
