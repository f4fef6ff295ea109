//! What a vendor reports of a message it has: callbacks come doubled, late and out of order.

use uuid::Uuid;

pub use super::ports::Failure;
use super::{
    Conversations,
    model::{self, DeliveryStatus},
    ports::RefusalKind,
    settle::{accept, give_slot_back, learn_from_refusal, move_status, take_slot_again},
};
use crate::platform::{
    context::TenantCtx, db::TenantTx, error::OpError, ids, keys::TenantKeys, phone::PhoneNumber,
};

/// A verified report.
#[derive(Debug)]
pub struct StatusReport {
    pub provider_message_id: String,
    /// The vendor's word.
    pub status: String,
    /// The attempt named in the callback's address.
    pub attempt: Option<Uuid>,
    /// The debtor's number.
    pub to: PhoneNumber,
    /// Why it failed, when it did.
    pub failure: Option<Failure>,
}

/// Applies a report in one transaction with its own row, so that a repeat changes nothing. Proves, if need be, that
/// an attempt whose answer was lost did reach the vendor.
///
/// # Errors
/// [`OpError`] as met: then nothing is stored and the vendor may report again.
pub async fn receive_status(
    slice: &Conversations,
    ctx: &TenantCtx,
    report: StatusReport,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    if !insert_event(&mut tx, &report).await? {
        return Ok(());
    }
    let Some((attempt, message, state)) = find_attempt(&mut tx, &report).await? else {
        // Not one of ours (a message sent from the vendor's own console): kept, not applied.
        tx.commit().await?;
        return Ok(());
    };
    // The report proves that the vendor has it, whatever we knew or presumed.
    if matches!(state.as_str(), "STARTED" | "UNKNOWN" | "LOST") {
        accept(&mut tx, message, attempt, &report.provider_message_id).await?;
    }
    if state == "LOST" {
        take_slot_again(&mut tx, attempt).await?;
        metrics::counter!("delivery_attempts_found_late_total").increment(1);
    }
    if let Some(reported) = model::of_twilio(&report.status) {
        let news = News {
            message,
            attempt,
            to: &report.to,
            status: reported,
            failure: report.failure.as_ref(),
        };
        apply(&mut tx, &keys, news).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What became of a text that the vendor has, by callback or by look-up.
pub(super) struct News<'a> {
    pub(super) message: Uuid,
    pub(super) attempt: Uuid,
    pub(super) to: &'a PhoneNumber,
    pub(super) status: DeliveryStatus,
    pub(super) failure: Option<&'a Failure>,
}

/// Moves the status on, and takes what a failure tells of the number.
pub(super) async fn apply(tx: &mut TenantTx, keys: &TenantKeys, news: News<'_>) -> Result<(), OpError> {
    let failure = news.failure.filter(|_| news.status == DeliveryStatus::Failed);
    let reason = failure.map(|failure| (failure.code.as_str(), failure.reason));
    move_status(tx, news.message, news.status, reason).await?;
    if let Some(failure) = failure {
        learn_from_refusal(tx, keys, news.message, news.to, &failure.code, failure.kind).await?;
        if failure.kind == RefusalKind::OptedOut {
            give_slot_back(tx, news.attempt).await?;
        }
    }
    Ok(())
}

async fn insert_event(tx: &mut TenantTx, report: &StatusReport) -> Result<bool, OpError> {
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let event_id = format!("{}:{}", report.provider_message_id, report.status);
    let inserted = sqlx::query!(
        "INSERT INTO provider_events (business_id, id, provider, kind, event_id, key_version, received_at, processed_at)
         VALUES ($1, $2, 'TWILIO', 'MESSAGE_STATUS', $3, 0, $4, $4)
         ON CONFLICT (business_id, provider, event_id) DO NOTHING",
        business,
        id,
        event_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The attempt by its own id, else by the vendor's id, locked; with its state.
async fn find_attempt(
    tx: &mut TenantTx,
    report: &StatusReport,
) -> Result<Option<(Uuid, Uuid, String)>, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT id, message_id, state FROM delivery_attempts
         WHERE business_id = $1 AND (id = $2 OR ($2::uuid IS NULL AND provider_message_id = $3))
           AND (provider_message_id IS NULL OR provider_message_id = $3)
         LIMIT 1 FOR UPDATE",
        business,
        report.attempt,
        report.provider_message_id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.message_id, row.state)))
}
