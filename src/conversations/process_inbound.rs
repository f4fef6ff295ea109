//! Moves a received text into its thread: whose it is, which thread, the message, and word to the followers.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Conversations,
    deliver::{DeliverMessage, job_error},
    inbound::{Acting, Payload, act},
    pauses::Pauses,
    queued_store,
    routing::give_new_text,
    send_message::{NewMessage, SaidBy, send_message},
    store::{self, ConversationRow, NewConversation, NewMessageRow, Whose},
};
use crate::{
    accounts::{OpenAccount, PhoneOwner, debtor_by_id, debtor_keys, debtors_by_phone, open_accounts_of},
    compliance::{attribute_stated, may_be_confirmed, opt_out_confirmation},
    platform::{
        context::TenantCtx,
        crypto::DataKey,
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids,
        jobs::{Job, JobError},
        keys::TenantKeys,
    },
};

/// Processes one stored text, and before it those of the same number that came earlier and still wait: jobs run side
/// by side, a thread has an order. Idempotent: a processed one is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct ProcessInbound {
    event_id: Uuid,
}

impl ProcessInbound {
    pub(super) fn new(event_id: Uuid) -> Self {
        Self { event_id }
    }
}

impl Job for ProcessInbound {
    const NAME: &'static str = "conversations.process_inbound";
}

/// A text that cannot be processed is tried this often; then later ones of its number do not wait for it any more.
const MOST_TRIES: i16 = 5;
const BETWEEN_TRIES: Pauses = Pauses {
    first: TimeDelta::minutes(1),
    longest: TimeDelta::hours(1),
};
/// One that was set aside is tried this often: a key may be back.
const BETWEEN_TRIES_ASIDE: TimeDelta = TimeDelta::hours(24);

struct Waiting {
    id: Uuid,
    event_id: String,
    payload_cipher: Option<Vec<u8>>,
    key_version: i32,
    received_at: DateTime<Utc>,
    /// Whether what it asks for and states binds already.
    is_acted_on: bool,
    /// It opts out in words that nobody has confirmed yet.
    is_to_be_confirmed: bool,
}

/// Runs [`ProcessInbound`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn process_inbound(
    slice: &Conversations,
    ctx: &TenantCtx,
    job: ProcessInbound,
) -> Result<(), JobError> {
    process(slice, ctx, job.event_id).await.map_err(job_error)
}

async fn process(slice: &Conversations, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
    while process_next(slice, ctx, id).await?.is_some_and(|done| done != id) {}
    Ok(())
}

/// The oldest text that waits, of the number that sent `upto`, and not later than it. Whoever works on it holds its
/// lock; the others wait for that and then take the next. One that was set aside is for its own job only.
async fn lock_next(tx: &mut TenantTx, upto: Uuid) -> Result<Option<Waiting>, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Waiting,
        "SELECT w.id, w.event_id, w.payload_cipher, w.key_version, w.received_at, w.is_acted_on, w.is_to_be_confirmed
         FROM provider_events mine
         JOIN provider_events w ON w.business_id = mine.business_id AND w.peer_blind = mine.peer_blind
             AND w.kind = 'INBOUND_MESSAGE' AND (w.received_at, w.id) <= (mine.received_at, mine.id)
         WHERE mine.business_id = $1 AND mine.id = $2 AND w.processed_at IS NULL
           AND (w.quarantined_at IS NULL OR w.id = mine.id)
         ORDER BY w.received_at, w.id LIMIT 1 FOR UPDATE OF w",
        business,
        upto
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Processes one text and says which it was.
async fn process_next(slice: &Conversations, ctx: &TenantCtx, upto: Uuid) -> Result<Option<Uuid>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let Some(waiting) = lock_next(&mut tx, upto).await? else {
        return Ok(None);
    };
    let id = waiting.id;
    match move_to_thread(slice, tx, &keys, waiting).await {
        Ok(()) => Ok(Some(id)),
        Err(error) => {
            // A database that is away says nothing about the text.
            if !matches!(error, OpError::Unavailable(_)) {
                note_failure(slice, ctx, id).await?;
            }
            Err(error)
        }
    }
}

/// The message, its thread, and the mark that the text is processed, in the transaction that holds its lock.
async fn move_to_thread(
    slice: &Conversations,
    mut tx: TenantTx,
    keys: &TenantKeys,
    waiting: Waiting,
) -> Result<(), OpError> {
    let (business, id) = (tx.business_id(), waiting.id);
    let payload = open_payload(keys, id, &waiting)?;
    let received_at = waiting.received_at;
    let is_to_be_confirmed = match waiting.is_acted_on {
        true => waiting.is_to_be_confirmed,
        false => act(&mut tx, keys, (id, received_at), &payload, Acting::Later).await?,
    };
    let (mut thread, record) = find_or_open_thread(&mut tx, keys, &payload).await?;
    let message = ids::next();
    let body_cipher = keys.seal(
        &record,
        "messages",
        "body_cipher",
        message,
        payload.body.as_bytes(),
    )?;
    let sender_id = thread.debtor_id;
    store::append_message(
        &mut tx,
        &mut thread,
        NewMessageRow {
            id: message,
            inbound: true,
            sender_type: "DEBTOR",
            sender_id,
            body_cipher,
            secret_cipher: None,
            decision_id: None,
            reply_to_message_id: None,
            provider_message_id: Some(waiting.event_id),
            received_at: Some(received_at),
            made_of: None,
            cease_notice: None,
            dispute_answer: None,
        },
    )
    .await?;
    let now = tx.now();
    sqlx::query!(
        "UPDATE provider_events SET processed_at = $3, due_at = NULL, payload_cipher = NULL, is_acted_on = true WHERE business_id = $1 AND id = $2",
        business,
        id,
        now
    )
    .execute(tx.conn())
    .await?;
    let held = attribute_stated(&mut tx, id, message).await?;
    let waiting = queued_store::recheck_queued(&mut tx, &held).await?;
    tx.enqueue_all(
        waiting
            .into_iter()
            .map(|message_id| DeliverMessage { message_id }),
    );
    let details = json!({ "conversation": thread.id, "matched": thread.debtor_id.is_some() });
    tx.audit(AuditEntry::plain("message.added", message, &details).about(thread.debtor_id));
    // Before it is told of, so that it is told whom it concerns. What has still to ask the gate is given by the next run of
    // `find_waiting`: nothing is waited for under the lock of routing.
    if !is_to_be_confirmed {
        give_new_text(&mut tx, &mut thread).await?;
    }
    let mut event = thread.event("MESSAGE_ADDED");
    event.message_id = Some(message);
    tx.emit(event);
    if !held.is_empty() {
        let mut stated = thread.event("HOLDS_STATED");
        stated.message_id = Some(message);
        tx.emit(stated);
    }
    if is_to_be_confirmed {
        confirm_opt_out(slice, &mut tx, &thread, received_at).await?;
    } else if thread.debtor_id.is_some() {
        slice.listener.text_added(&mut tx, message).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Says once that they are left alone from now on, to whom the number is known to belong. Where it cannot be said, it is not.
async fn confirm_opt_out(
    slice: &Conversations,
    tx: &mut TenantTx,
    thread: &ConversationRow,
    received_at: DateTime<Utc>,
) -> Result<(), OpError> {
    let Some(debtor) = thread
        .debtor_id
        .filter(|_| may_be_confirmed(received_at, tx.now()))
    else {
        return Ok(());
    };
    let Some(person) = debtor_by_id(tx, debtor).await? else {
        return Ok(());
    };
    let message = NewMessage {
        conversation_id: thread.id,
        content: opt_out_confirmation(&person.preferred_language).to_owned(),
        after_sequence: None,
        secret: None,
        said_by: SaidBy::OptOutConfirmation,
        made_of: None,
        cease_notice: None,
        dispute_answer: None,
    };
    match send_message(tx, &slice.keyring, &slice.db, message).await {
        Ok(_) | Err(OpError::User(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves the instant of the next try away, so that the text does not stand before others for ever, and sets it aside when
/// it failed too often. Nothing leaves for its number while it is there: what it says is not known.
async fn note_failure(slice: &Conversations, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "SELECT failed_tries, quarantined_at FROM provider_events
         WHERE business_id = $1 AND id = $2 AND processed_at IS NULL FOR UPDATE",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(()) };
    let tries = row.failed_tries.saturating_add(1);
    let aside = tries >= MOST_TRIES;
    let pause = if aside {
        BETWEEN_TRIES_ASIDE
    } else {
        BETWEEN_TRIES.after(tries)
    };
    sqlx::query!(
        "UPDATE provider_events SET failed_tries = $3, due_at = $4,
             quarantined_at = CASE WHEN $5 THEN coalesce(quarantined_at, $6) END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        tries,
        now + pause,
        aside,
        now,
    )
    .execute(tx.conn())
    .await?;
    if aside && row.quarantined_at.is_none() {
        tracing::error!(event = %id, tries, "a received text cannot be processed and was set aside");
        metrics::counter!("inbound_messages_quarantined_total").increment(1);
        tx.audit(AuditEntry::plain(
            "message.quarantined",
            id,
            &json!({ "tries": tries }),
        ));
    }
    tx.commit().await?;
    Ok(())
}

fn open_payload(keys: &TenantKeys, id: Uuid, waiting: &Waiting) -> Result<Payload, OpError> {
    let key = keys
        .own_key_of(waiting.key_version)
        .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?;
    let cipher = waiting.payload_cipher.as_deref().unwrap_or_default();
    let text = keys.open_text(&key, "provider_events", "payload_cipher", id, cipher)?;
    serde_json::from_str(text.expose()).map_err(|error| OpError::Internal(error.into()))
}

/// The newest open thread with the number, of who has it now; else a new one, with the person whom the number
/// identifies. A number of several people, or of nobody we know, gets a thread without a person: it waits for somebody
/// to match it, and nothing is disclosed or answered until then. A number that was taken off somebody is such a number:
/// who writes from it may be a stranger, who must not hear of that debt (15 USC 1692c(b)).
async fn find_or_open_thread(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    payload: &Payload,
) -> Result<(ConversationRow, DataKey), OpError> {
    let blinds = keys.blinds(&payload.from);
    let owners = debtors_by_phone(tx, &blinds).await?;
    let people: Vec<Uuid> = owners.iter().map(|owner| owner.person_id).collect();
    let whose = Whose::People(&people);
    if let Some(thread) = store::lock_open_thread(tx, "SMS", &payload.to, &blinds, whose).await? {
        let record = debtor_keys::unwrapped(tx, keys, thread.record_key_id).await?;
        return Ok((thread, record));
    }
    let id = ids::next();
    let holder = holder(&owners);
    let account = match holder {
        Some(debtor) => only_open_account(tx, debtor).await?,
        None => None,
    };
    let owner = match account.as_ref().map(|account| account.debtor_id).or(holder) {
        Some(debtor) => debtor_by_id(tx, debtor).await?,
        None => None,
    };
    let known = match &owner {
        Some(debtor) => keys.data_key(&debtor.keys.record)?.map(|key| (debtor, key)),
        None => None,
    };
    let (debtor_id, account_id, record_key_id, record) = match known {
        Some((debtor, record)) => (
            Some(debtor.id),
            account.map(|account| account.id),
            debtor.keys.record.id,
            record,
        ),
        None => {
            let new = keys.new_data_key()?;
            debtor_keys::insert(tx, &new, None, "RECORD").await?;
            (None, None, new.id, new.key)
        }
    };
    let peer_cipher = keys.seal(
        &record,
        "conversations",
        "peer_cipher",
        id,
        payload.from.as_bytes(),
    )?;
    let thread = store::insert_conversation(
        tx,
        NewConversation {
            id,
            debtor_id,
            account_id,
            channel: "SMS",
            our_address: &payload.to,
            peer_cipher,
            peer_blind: keys.blind(&payload.from).to_vec(),
            record_key_id,
            assigned_agent_id: None,
        },
    )
    .await?;
    tx.audit(
        AuditEntry::plain(
            "conversation.opened",
            id,
            &json!({ "matched": debtor_id.is_some() }),
        )
        .about(debtor_id),
    );
    tx.emit(thread.event("CONVERSATION_CREATED"));
    Ok((thread, record))
}

/// Whose number it is, when it is one person's: the record of theirs on which it stands.
fn holder(owners: &[PhoneOwner]) -> Option<Uuid> {
    let first = owners.first()?;
    let is_one_person = owners.iter().all(|owner| owner.person_id == first.person_id);
    is_one_person.then_some(first.debtor_id)
}

/// The account, when there is no doubt which one is meant. With several records of one person, each account is on one.
async fn only_open_account(tx: &mut TenantTx, debtor: Uuid) -> Result<Option<OpenAccount>, OpError> {
    let mut accounts = open_accounts_of(tx, debtor).await?;
    let only = accounts.pop();
    Ok(if accounts.is_empty() { only } else { None })
}
