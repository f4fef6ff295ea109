//! What came of handing a message over: settles the attempt once, moves the message's status on and never back, and
//! learns what a refusal tells of the number. Shared by the answer itself, the callbacks and the look-ups.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{
    model::DeliveryStatus,
    ports::RefusalKind,
    store::{self, ConversationRow},
};
use crate::{
    accounts::mark_phone_unreachable,
    compliance::{
        AddressKind, Asked, SuppressionReason, earliest_date_anywhere, reading::OptOutReach, record_opt_out,
        release_slot, retake_slot,
    },
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        keys::TenantKeys,
        phone::PhoneNumber,
    },
};

/// How long an answer may take before the attempt is looked up at the vendor.
pub(super) const LOOK_UP_AFTER: TimeDelta = TimeDelta::seconds(60);
/// A vendor that took a text reports what became of it; when it has not by then, it is asked.
pub(super) const ASK_FOR_STATUS_AFTER: TimeDelta = TimeDelta::minutes(15);

/// The vendor is presumed never to have had it: every look-up came back empty.
pub(super) const LOST: &str = "LOST";
/// The vendor could not be asked for so long that nobody tries any more.
pub(super) const UNANSWERED: &str = "UNANSWERED";

/// Tells the followers that a message's status is another one now.
pub(super) fn emit_status(tx: &mut TenantTx, thread: &ConversationRow, message: Uuid) {
    let mut event = thread.event("MESSAGE_STATUS_CHANGED");
    event.message_id = Some(message);
    tx.emit(event);
}

/// The message will not go out.
pub(super) async fn fail(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    message: Uuid,
    code: &str,
    reason: &str,
) -> Result<(), OpError> {
    store::set_status(tx, message, DeliveryStatus::Failed, Some((code, reason))).await?;
    tx.audit(AuditEntry::plain("message.failed", message, &json!({ "code": code })).about(thread.debtor_id));
    emit_status(tx, thread, message);
    Ok(())
}

/// It must not go, for a reason that needs no rule.
pub(super) async fn block(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    message: Uuid,
    code: &str,
    reason: &str,
) -> Result<(), OpError> {
    store::set_status(tx, message, DeliveryStatus::Blocked, Some((code, reason))).await?;
    let details = json!({ "code": code });
    tx.audit(AuditEntry::plain("message.blocked", message, &details).about(thread.debtor_id));
    emit_status(tx, thread, message);
    Ok(())
}

/// The thread of a message.
pub(super) async fn thread_of(tx: &mut TenantTx, message: Uuid) -> Result<Option<ConversationRow>, OpError> {
    let business = tx.business_id();
    let id = sqlx::query_scalar!(
        "SELECT conversation_id FROM messages WHERE business_id = $1 AND id = $2",
        business,
        message
    )
    .fetch_optional(tx.conn())
    .await?;
    match id {
        Some(id) => Ok(store::conversations_by_ids(tx, &[id]).await?.pop()),
        None => Ok(None),
    }
}

/// The vendor has it. Also called when a look-up or a callback proves it: then what had been presumed of the message is
/// taken back.
pub(super) async fn accept(
    tx: &mut TenantTx,
    message: Uuid,
    attempt: Uuid,
    provider_message_id: &str,
) -> Result<(), OpError> {
    settle(tx, attempt, "ACCEPTED", Some(provider_message_id), None).await?;
    let business = tx.business_id();
    let presumed = [LOST, UNANSWERED].map(str::to_owned);
    sqlx::query!(
        "UPDATE messages SET provider_message_id = coalesce(provider_message_id, $3),
             delivery_status = CASE WHEN delivery_status = 'FAILED' AND failure_code = ANY($4) THEN 'UNKNOWN'
                 ELSE delivery_status END,
             failure_code = CASE WHEN failure_code = ANY($4) THEN NULL ELSE failure_code END,
             failure_reason = CASE WHEN failure_code = ANY($4) THEN NULL ELSE failure_reason END
         WHERE business_id = $1 AND id = $2",
        business,
        message,
        provider_message_id,
        &presumed,
    )
    .execute(tx.conn())
    .await?;
    if let Some(thread) = thread_of(tx, message).await? {
        note_first_communication(tx, &thread, attempt).await?;
    }
    move_status(tx, message, DeliveryStatus::Sent, None).await
}

/// 12 CFR 1006.34(a)(1) counts from the initial communication: from the day on which it was sent, not on which that came out,
/// and the earliest that it may have been where the debtor is. A thread of no one debt is about all that are open: they are
/// taken in the order of their ids, as by all who take several.
async fn note_first_communication(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    attempt: Uuid,
) -> Result<(), OpError> {
    let business = tx.business_id();
    let sent_at = sqlx::query_scalar!(
        "SELECT started_at FROM delivery_attempts WHERE business_id = $1 AND id = $2",
        business,
        attempt
    )
    .fetch_one(tx.conn())
    .await?;
    sqlx::query!(
        "WITH told AS (
             SELECT id FROM accounts
             WHERE business_id = $1 AND (initial_communication_on IS NULL OR initial_communication_on > $4)
               AND id = ANY(CASE WHEN $2::uuid IS NOT NULL THEN ARRAY[$2::uuid] ELSE ARRAY(
                   SELECT a.id FROM debtors d
                   JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
                   JOIN accounts a ON a.business_id = g.business_id AND a.debtor_id = g.id
                   WHERE d.business_id = $1 AND d.id = $3 AND a.deleted_at IS NULL
                     AND a.status NOT IN ('PAID_IN_FULL', 'CLOSED')) END)
             ORDER BY id FOR NO KEY UPDATE)
         UPDATE accounts a SET initial_communication_on = $4 FROM told WHERE a.business_id = $1 AND a.id = told.id",
        business,
        thread.account_id,
        thread.debtor_id,
        earliest_date_anywhere(sent_at),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves a message's status on if the report does, and tells the followers.
pub(super) async fn move_status(
    tx: &mut TenantTx,
    message: Uuid,
    reported: DeliveryStatus,
    failure: Option<(&str, &str)>,
) -> Result<(), OpError> {
    let business = tx.business_id();
    let current = sqlx::query_scalar!(
        "SELECT delivery_status FROM messages WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        message
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(current) = current.map(|text| DeliveryStatus::parse(&text)) else {
        return Ok(());
    };
    if !current.moves_to(reported) {
        return Ok(());
    }
    store::set_status(tx, message, reported, failure).await?;
    if reported != DeliveryStatus::Sent {
        store::stop_asking(tx, message).await?;
    }
    if let Some(thread) = thread_of(tx, message).await? {
        let details = json!({ "from": current.as_str(), "to": reported.as_str(), "code": failure.map(|(code, _)| code) });
        tx.audit(AuditEntry::plain("message.status_changed", message, &details).about(thread.debtor_id));
        emit_status(tx, &thread, message);
    }
    Ok(())
}

/// No answer came: the message may have gone. The slot stays taken and the reconciler looks.
pub(super) async fn lose_sight(
    tx: &mut TenantTx,
    message: Uuid,
    attempt: Uuid,
    cause: &str,
) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let lost = sqlx::query!(
        "UPDATE delivery_attempts SET state = 'UNKNOWN', error_code = $3, lookup_due_at = $4
         WHERE business_id = $1 AND id = $2 AND state = 'STARTED'",
        business,
        attempt,
        cause,
        now + LOOK_UP_AFTER,
    )
    .execute(tx.conn())
    .await?;
    if lost.rows_affected() == 1
        && store::lock_unsent(tx, message).await?
        && let Some(thread) = thread_of(tx, message).await?
    {
        store::set_status(tx, message, DeliveryStatus::Unknown, None).await?;
        tx.audit(
            AuditEntry::plain("message.unknown", message, &json!({ "cause": cause })).about(thread.debtor_id),
        );
        emit_status(tx, &thread, message);
    }
    Ok(())
}

/// Closes an attempt once; one that was presumed lost may turn out to be accepted. What the vendor accepted is asked for
/// later, if its callbacks do not come.
pub(super) async fn settle(
    tx: &mut TenantTx,
    attempt: Uuid,
    state: &str,
    provider_message_id: Option<&str>,
    error_code: Option<&str>,
) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE delivery_attempts SET state = $3, provider_message_id = coalesce(provider_message_id, $4),
             error_code = coalesce($5, error_code), settled_at = $6, failed_lookups = 0,
             lookup_due_at = CASE WHEN $3 = 'ACCEPTED' THEN $7::timestamptz END
         WHERE business_id = $1 AND id = $2 AND (settled_at IS NULL OR (state = 'LOST' AND $3 = 'ACCEPTED'))",
        business,
        attempt,
        state,
        provider_message_id,
        error_code,
        now,
        now + ASK_FOR_STATUS_AFTER,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The contact did not happen.
pub(super) async fn give_slot_back(tx: &mut TenantTx, attempt: Uuid) -> Result<(), OpError> {
    if let Some(decision) = decision_of(tx, attempt).await? {
        release_slot(tx, decision).await?;
    }
    Ok(())
}

/// The contact that was presumed not to have happened did happen.
pub(super) async fn take_slot_again(tx: &mut TenantTx, attempt: Uuid) -> Result<(), OpError> {
    if let Some(decision) = decision_of(tx, attempt).await? {
        retake_slot(tx, decision).await?;
    }
    Ok(())
}

/// The decision whose permit an attempt spent.
async fn decision_of(tx: &mut TenantTx, attempt: Uuid) -> Result<Option<Uuid>, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT decision_id FROM delivery_attempts WHERE business_id = $1 AND id = $2",
        business,
        attempt
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// What a refusal tells of the number: that its owner opted out at the vendor, or that texts cannot reach it.
pub(super) async fn learn_from_refusal(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    message: Uuid,
    to: &PhoneNumber,
    code: &str,
    kind: RefusalKind,
) -> Result<(), OpError> {
    let Some(debtor) = thread_of(tx, message).await?.and_then(|thread| thread.debtor_id) else {
        return Ok(());
    };
    match kind {
        RefusalKind::OptedOut => {
            let number = keys.blind(to.as_e164());
            let address = (AddressKind::Phone, number.as_slice());
            let asked = Asked {
                reach: OptOutReach::Channel,
                reason: SuppressionReason::VendorBlocked,
                at: tx.now(),
            };
            record_opt_out(tx, address, &[debtor], asked).await?;
        }
        RefusalKind::Unreachable => {
            mark_phone_unreachable(tx, debtor, &keys.blinds(to.as_e164()), code).await?;
        }
        RefusalKind::Configuration => {
            tracing::error!(code, "a vendor refuses our configuration");
            metrics::counter!("provider_configuration_errors_total", "provider" => "twilio").increment(1);
        }
        RefusalKind::Other => {}
    }
    Ok(())
}
