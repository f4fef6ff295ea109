//! Asks "what should have happened by now?": attempts without an answer, messages overdue for dispatch, received
//! texts that nobody processed, and what has outlived its keeping. Finds the rows, then enqueues idempotent jobs.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Conversations,
    deliver::{DeliverMessage, job_error},
    model::DeliveryStatus,
    ports::SmsRoute,
    process_inbound::ProcessInbound,
    route,
    send_message::{open_peer, open_whole},
    settle::{LOOK_UP_AFTER, accept, emit_status, give_slot_back, settle, thread_of},
    status::{News, apply},
    status_look_up::look_up_status,
    store,
};
use crate::{
    accounts::debtor_keys,
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        phone::PhoneNumber,
    },
};

/// Rows taken up per run and kind; what is left waits a minute.
const AT_MOST: i64 = 1000;
/// A queued job usually runs within a second; what is this late was lost.
const OVERDUE: TimeDelta = TimeDelta::seconds(30);
/// How long live events are kept.
const LIVE_EVENTS_KEPT: TimeDelta = TimeDelta::hours(72);
/// Two empty look-ups a minute apart prove that the vendor never had it.
const EMPTY_LOOK_UPS: i16 = 2;
/// A message is lost at most this often: after the first time there is one new attempt.
const MOST_LOSSES: i64 = 2;

/// Looks one attempt up at the vendor.
#[derive(Debug, Deserialize, Serialize)]
pub struct LookUpAttempt {
    attempt_id: Uuid,
}

impl Job for LookUpAttempt {
    const NAME: &'static str = "conversations.look_up_attempt";
}

/// Finds what is due and enqueues it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn reconcile(slice: &Conversations) -> Result<(), JobError> {
    find_due(slice).await.map_err(job_error)
}

async fn find_due(slice: &Conversations) -> Result<(), OpError> {
    let mut tx = slice
        .db
        .system(&SystemCtx::for_reason("reconcile deliveries", "reconcile"))
        .await?;
    let now = tx.now();
    let attempts = sqlx::query!(
        "SELECT business_id, id FROM delivery_attempts WHERE lookup_due_at <= $1 ORDER BY lookup_due_at LIMIT $2",
        now,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    for row in attempts {
        tx.enqueue(Some(row.business_id), &LookUpAttempt { attempt_id: row.id })
            .await?;
    }
    let messages = sqlx::query!(
        "SELECT business_id, id FROM messages
         WHERE delivery_status = 'QUEUED' AND attempt_id IS NULL AND dispatch_due_at <= $1
         ORDER BY dispatch_due_at LIMIT $2",
        now - OVERDUE,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    for row in messages {
        tx.enqueue(Some(row.business_id), &DeliverMessage { message_id: row.id })
            .await?;
    }
    let texts = sqlx::query!(
        "SELECT business_id, id FROM provider_events WHERE processed_at IS NULL AND received_at <= $1
         ORDER BY received_at LIMIT $2",
        now - OVERDUE,
        AT_MOST
    )
    .fetch_all(tx.conn())
    .await?;
    for row in texts {
        tx.enqueue(Some(row.business_id), &ProcessInbound::new(row.id))
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets live events that are older than three days, and says in the head up to where.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn prune_live_events(slice: &Conversations) -> Result<(), JobError> {
    let mut tx = slice
        .db
        .system(&SystemCtx::for_reason("prune live events", "prune"))
        .await?;
    let horizon = tx.now() - LIVE_EVENTS_KEPT;
    sqlx::query!(
        "WITH gone AS (DELETE FROM live_events WHERE at < $1 RETURNING business_id, position),
              floors AS (SELECT business_id, max(position) AS floor FROM gone GROUP BY business_id)
         UPDATE business_head h SET live_floor = greatest(h.live_floor, f.floor)
         FROM floors f WHERE h.business_id = f.business_id",
        horizon
    )
    .execute(tx.conn())
    .await
    .map_err(crate::platform::db::DbError::from)?;
    tx.commit().await?;
    Ok(())
}

/// Runs [`LookUpAttempt`]: adopts what the vendor has, and after two empty look-ups allows one new attempt. Of an
/// attempt that the vendor accepted, it asks for the status.
///
/// # Errors
/// [`JobError::Retry`] while database or vendor are away.
pub async fn look_up_attempt(
    slice: &Conversations,
    ctx: &TenantCtx,
    job: LookUpAttempt,
) -> Result<(), JobError> {
    let Some(search) = begin(slice, ctx, job.attempt_id).await.map_err(job_error)? else {
        return look_up_status(slice, ctx, job.attempt_id).await;
    };
    let found = slice
        .sms
        .find(&search.route, &search.to, &search.body, search.since)
        .await
        .map_err(|error| JobError::Retry(format!("the vendor does not answer: {error}")))?;
    conclude(slice, ctx, job.attempt_id, &search, found)
        .await
        .map_err(job_error)
}

struct Search {
    message: Uuid,
    empty_lookups: i16,
    route: SmsRoute,
    to: PhoneNumber,
    body: String,
    since: chrono::DateTime<chrono::Utc>,
}

async fn begin(slice: &Conversations, ctx: &TenantCtx, attempt: Uuid) -> Result<Option<Search>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "SELECT a.message_id, a.empty_lookups, a.started_at, m.body_cipher, m.secret_cipher, m.conversation_id
         FROM delivery_attempts a JOIN messages m ON m.business_id = a.business_id AND m.id = a.message_id
         WHERE a.business_id = $1 AND a.id = $2 AND a.settled_at IS NULL AND a.lookup_due_at <= $3",
        business,
        attempt,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(thread) = store::conversations_by_ids(&mut tx, &[row.conversation_id])
        .await?
        .pop()
    else {
        return Ok(None);
    };
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    let secret = row.secret_cipher.as_deref();
    let body = open_whole(&keys, &record, row.message_id, &row.body_cipher, secret)?;
    tx.finish_read().await?;
    let Some(route) =
        route::sms_route(&slice.db, &slice.keyring, ctx.business_id(), &thread.our_address).await?
    else {
        return Err(anyhow::anyhow!("the number of an open attempt is not connected any more").into());
    };
    let to = PhoneNumber::parse_e164(&peer).map_err(|error| OpError::Internal(error.into()))?;
    Ok(Some(Search {
        message: row.message_id,
        empty_lookups: row.empty_lookups,
        route,
        to,
        body,
        since: row.started_at,
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
        r#"SELECT provider_message_id AS "id!" FROM messages WHERE business_id = $1 AND provider_message_id = ANY($2)"#,
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
            "UPDATE delivery_attempts SET empty_lookups = empty_lookups + 1, lookup_due_at = $3 WHERE business_id = $1 AND id = $2",
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
    if losses < MOST_LOSSES {
        store::requeue(tx, search.message, now).await?;
        tx.audit(
            AuditEntry::plain("message.requeued", search.message, &json!({ "attempt": attempt }))
                .about(debtor),
        );
        tx.enqueue(&DeliverMessage {
            message_id: search.message,
        })
        .await?;
    } else {
        let failure = ("LOST", "The vendor never received it, twice. Send it again.");
        store::set_status(tx, search.message, DeliveryStatus::Failed, Some(failure)).await?;
        tx.audit(
            AuditEntry::plain("message.failed", search.message, &json!({ "code": "LOST" })).about(debtor),
        );
    }
    if let Some(thread) = thread {
        emit_status(tx, &thread, search.message);
    }
    Ok(())
}
