//! What a vendor reports of a message it has: callbacks come doubled, late and out of order.

use uuid::Uuid;

use super::{
    Conversations,
    deliver::{accept, give_slot_back, learn_from_refusal, move_status},
    model::{self, DeliveryStatus},
    ports::RefusalKind,
};
use crate::platform::{context::TenantCtx, db::TenantTx, error::OpError, ids, phone::PhoneNumber};

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

/// Why a message did not arrive.
#[derive(Debug)]
pub struct Failure {
    pub code: String,
    pub reason: &'static str,
    pub kind: RefusalKind,
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
    let Some((attempt, message, settled)) = find_attempt(&mut tx, &report).await? else {
        // Not one of ours (a message sent from the vendor's own console): kept, not applied.
        tx.commit().await?;
        return Ok(());
    };
    if !settled {
        accept(&mut tx, message, attempt, &report.provider_message_id).await?;
    }
    if let Some(reported) = model::of_twilio(&report.status) {
        let failure = report
            .failure
            .as_ref()
            .filter(|_| reported == DeliveryStatus::Failed);
        move_status(
            &mut tx,
            message,
            reported,
            failure.map(|f| (f.code.as_str(), f.reason)),
        )
        .await?;
        if let Some(failure) = failure {
            learn_from_refusal(&mut tx, &keys, message, &report.to, &failure.code, failure.kind).await?;
            if failure.kind == RefusalKind::OptedOut {
                give_slot_back(&mut tx, attempt).await?;
            }
        }
    }
    tx.commit().await?;
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

/// The attempt by its own id, else by the vendor's id; with whether it is settled.
async fn find_attempt(
    tx: &mut TenantTx,
    report: &StatusReport,
) -> Result<Option<(Uuid, Uuid, bool)>, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT id, message_id, settled_at IS NOT NULL AS "settled!" FROM delivery_attempts
         WHERE business_id = $1 AND (id = $2 OR ($2::uuid IS NULL AND provider_message_id = $3))
           AND (provider_message_id IS NULL OR provider_message_id = $3)
         LIMIT 1"#,
        business,
        report.attempt,
        report.provider_message_id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.message_id, row.settled)))
}
