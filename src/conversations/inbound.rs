//! A received text, before it is answered to the vendor: one transaction stores it, acts on what it asks for and states, and
//! stops what waits to be sent to that number. Everything else is a job's; so is acting on it where somebody holds for too long
//! what it would bind, and until then nothing leaves for its number.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Conversations, process_inbound::ProcessInbound, queued_store, settle::emit_status, store};
use crate::{
    compliance::{ReceivedText, Silenced, act_on_text, prohibited::scanner, read_text},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids,
        keys::TenantKeys,
        phone::PhoneNumber,
    },
};

/// A text, as a verified webhook brought it.
#[derive(Debug)]
pub struct InboundText {
    /// The vendor's id of the message: a repeat changes nothing.
    pub provider_message_id: String,
    /// The sender's number.
    pub from: PhoneNumber,
    /// Our number.
    pub to: String,
    pub body: String,
    /// What the vendor itself made of it (Twilio `OptOutType`): STOP, START or HELP.
    pub vendor_keyword: Option<String>,
}

/// What is kept of the text until the job has moved it to its thread; sealed under the business's own key.
#[derive(Deserialize, Serialize)]
pub(super) struct Payload {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) body: String,
    /// The vendor has blocked the number for this word already.
    #[serde(default)]
    pub(super) is_stopped_by_vendor: bool,
}

/// Twilio answers these words itself, alone in a text and however they are written (its docs, "Twilio support for opt-out
/// keywords").
const STOP_WORDS: [&str; 8] = [
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
];

/// Who worded what Twilio has said to an opt-out word; none where it has said nothing. It names the word where Advanced Opt-Out is
/// on, and there alone.
fn opt_out_reply(text: &InboundText) -> Option<&'static str> {
    let word = text.body.trim();
    let is_stop = STOP_WORDS.iter().any(|stop| word.eq_ignore_ascii_case(stop));
    match text.vendor_keyword.as_deref() {
        Some("STOP") => Some("OWN"),
        Some(_) => None,
        None => is_stop.then_some("DEFAULT"),
    }
}

/// What confirms opt-outs at a number is for its business to see: the service does not hear the words, and cannot change them.
async fn note_opt_out_reply(tx: &mut TenantTx, text: &InboundText, at: DateTime<Utc>) -> Result<(), OpError> {
    if let Some(reply) = opt_out_reply(text) {
        sqlx::query!("SELECT app.note_opt_out_reply($1, $2, $3)", text.to, reply, at)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

impl Payload {
    fn of(text: &InboundText) -> Self {
        Self {
            from: text.from.as_e164().to_owned(),
            to: text.to.clone(),
            body: text.body.clone(),
            is_stopped_by_vendor: text.vendor_keyword.as_deref() == Some("STOP"),
        }
    }
}

/// When what a text asks for and states is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acting {
    /// In the transaction that stores it.
    Now,
    /// By the job that moves it to its thread.
    Later,
}

/// Stores the text; when this returns, nothing of it can be lost. A vendor does not send a text again: whatever goes wrong while
/// it is acted on, because somebody is merged, erased or imported at this moment or by a fault of ours, leaves that to its job.
///
/// # Errors
/// [`OpError`] as met: then nothing is stored.
pub async fn receive_text(slice: &Conversations, ctx: &TenantCtx, text: InboundText) -> Result<(), OpError> {
    // A card number is stored nowhere, sealed or not (PCI DSS 4.0.1).
    let text = InboundText {
        body: scanner().without_cards(&text.body),
        ..text
    };
    let received_at = slice.db.clock().now();
    match store_text(slice, ctx, (&text, received_at), Acting::Now).await {
        Ok(()) => Ok(()),
        Err(cause) => {
            tracing::warn!(
                cause = format!("{cause:#}"),
                "a received text is stored now and acted on by its job"
            );
            store_text(slice, ctx, (&text, received_at), Acting::Later).await
        }
    }
}

async fn store_text(
    slice: &Conversations,
    ctx: &TenantCtx,
    (text, received_at): (&InboundText, DateTime<Utc>),
    acting: Acting,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let event_id = ids::next();
    if !insert_event(&mut tx, &keys, (event_id, received_at), text, acting).await? {
        return Ok(());
    }
    if acting == Acting::Now {
        let received = (event_id, received_at);
        if act(&mut tx, &keys, received, &Payload::of(text), acting).await? {
            remember_to_confirm(&mut tx, event_id).await?;
        }
    }
    note_opt_out_reply(&mut tx, text, received_at).await?;
    tx.audit(AuditEntry::plain(
        "message.received",
        event_id,
        &json!({ "provider": "TWILIO" }),
    ));
    tx.enqueue(&ProcessInbound::new(event_id));
    tx.commit().await?;
    metrics::counter!("inbound_messages_total", "channel" => "SMS").increment(1);
    Ok(())
}

/// False when the vendor has sent this one before.
async fn insert_event(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    (event_id, received_at): (Uuid, DateTime<Utc>),
    text: &InboundText,
    acting: Acting,
) -> Result<bool, OpError> {
    let plain = serde_json::to_vec(&Payload::of(text)).map_err(|error| OpError::Internal(error.into()))?;
    let sealed = keys.seal(
        &keys.own_key(),
        "provider_events",
        "payload_cipher",
        event_id,
        &plain,
    )?;
    let (business, blind) = (tx.business_id(), keys.blind(text.from.as_e164()));
    let inserted = sqlx::query!(
        "INSERT INTO provider_events (business_id, id, provider, kind, event_id, peer_blind, payload_cipher, key_version, received_at, due_at,
             is_acted_on)
         VALUES ($1, $2, 'TWILIO', 'INBOUND_MESSAGE', $3, $4, $5, $6, $7, $7, $8)
         ON CONFLICT (business_id, provider, event_id) DO NOTHING",
        business,
        event_id,
        text.provider_message_id,
        blind.as_slice(),
        sealed,
        keys.blind_version(),
        received_at,
        acting == Acting::Now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn remember_to_confirm(tx: &mut TenantTx, event: Uuid) -> Result<(), OpError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE provider_events SET is_to_be_confirmed = true WHERE business_id = $1 AND id = $2",
        business,
        event,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the text asks for and states binds from here on, as of when it came. Whether an opt-out in it is to be confirmed, which
/// is the job's too.
pub(super) async fn act(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    (event_id, received_at): (Uuid, DateTime<Utc>),
    text: &Payload,
    acting: Acting,
) -> Result<bool, OpError> {
    let received = ReceivedText {
        event_id,
        number: &text.from,
        body: &text.body,
        is_stopped_by_vendor: text.is_stopped_by_vendor,
        received_at,
        is_late: acting == Acting::Later,
    };
    let read = read_text(tx, keys, &received).await?;
    if !read.binds() {
        return Ok(false);
    }
    let blinds = keys.blinds(&text.from);
    let account = match read.is_about_a_debt() {
        true => queued_store::account_of_open_thread(tx, "SMS", &text.to, &blinds).await?,
        false => None,
    };
    let acted = act_on_text(tx, keys, received, read, account).await?;
    let failure = match acted.silenced {
        None => return Ok(false),
        Some(Silenced::OptedOut) => ("reg-f-medium-opt-out", "The debtor opted out before it was sent."),
        Some(Silenced::WrongParty) => (
            "wrong-party-suppress",
            "Whoever has the number said that it is not the debtor's, before it was sent.",
        ),
    };
    stop_queued(tx, &blinds, failure).await?;
    Ok(acted.is_to_be_confirmed)
}

/// What waits to be sent to the address dies with their word.
pub(super) async fn stop_queued(
    tx: &mut TenantTx,
    blinds: &[Vec<u8>],
    failure: (&'static str, &'static str),
) -> Result<(), OpError> {
    for (message, conversation) in queued_store::block_queued(tx, blinds, failure).await? {
        let thread = store::conversations_by_ids(tx, &[conversation]).await?.pop();
        let debtor = thread.as_ref().and_then(|thread| thread.debtor_id);
        tx.audit(AuditEntry::plain("message.blocked", message, &json!({ "rule": failure.0 })).about(debtor));
        if let Some(thread) = thread {
            emit_status(tx, &thread, message);
        }
    }
    Ok(())
}
