//! What marks a disputed debt for people to see, and follows its disputes: the hold of kind DISPUTE, and the account's status.
//! The gate needs neither.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    DisputeOutcome, changes, seal,
    store::{self, DisputeRow, Step},
};
use crate::{
    accounts::{AccountStatus, end_disputed, lock_person, mark_disputed},
    compliance::{
        holds::{HoldKind, HoldSource},
        place_hold::{Placement, lift_hold, place_hold},
    },
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        keys::TenantKeys,
    },
};

/// A dispute that is to be marked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) is_dispute: bool,
}

/// Marks what a debtor has filed in the portal. Idempotent: what is marked, answered or withdrawn is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct MarkDispute {
    dispute_id: Uuid,
}

impl MarkDispute {
    pub(super) fn new(dispute_id: Uuid) -> Self {
        Self { dispute_id }
    }
}

impl Job for MarkDispute {
    const NAME: &'static str = "compliance.mark_dispute";
}

/// Runs [`MarkDispute`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn mark_dispute(db: &Db, ctx: &TenantCtx, job: MarkDispute) -> Result<(), JobError> {
    let retry = |error: OpError| JobError::Retry(error.to_string());
    let mut tx = db.tenant(ctx).await?;
    let found = store::dispute_by_id(&mut tx, job.dispute_id).await?;
    let Some(row) = found else { return Ok(()) };
    lock_person(&mut tx, row.debtor_id).await?;
    // As it is once nobody else changes it.
    let Some(row) = store::dispute_by_id(&mut tx, job.dispute_id).await? else {
        return Ok(());
    };
    if row.hold_id.is_some() || !row.waits() {
        return Ok(());
    }
    mark(&mut tx, &row.marked(), HoldSource::Portal)
        .await
        .map_err(retry)?;
    tx.commit().await?;
    Ok(())
}

/// Places the hold, or takes the one that stands for another dispute of the debt, and marks the account.
pub(super) async fn mark(tx: &mut TenantTx, dispute: &Marked, source: HoldSource) -> Result<(), OpError> {
    let placement = Placement {
        account_id: dispute.account_id,
        ..Placement::new(dispute.debtor_id, HoldKind::Dispute, source)
    };
    let mut hold = placement.id;
    if !place_hold(tx, placement).await? {
        hold = changes::standing_mark(tx, dispute.debtor_id, dispute.account_id).await?;
    }
    settle_mark(tx, dispute, hold).await
}

/// Writes down which hold marks the dispute, and gives the account its status.
pub(super) async fn settle_mark(tx: &mut TenantTx, dispute: &Marked, hold: Uuid) -> Result<(), OpError> {
    let before = match dispute.account_id.filter(|_| dispute.is_dispute) {
        Some(account) => mark_disputed(tx, account).await?,
        None => None,
    };
    changes::set_mark(tx, dispute.id, hold, before).await?;
    Ok(())
}

/// The dispute was answered or is over: its hold goes, unless another dispute that waits rests on it.
pub(super) async fn unmark(tx: &mut TenantTx, dispute: &DisputeRow) -> Result<(), OpError> {
    if let Some(hold) = dispute.hold_id
        && !changes::is_mark_needed(tx, hold).await?
    {
        lift_hold(tx, hold).await?;
    }
    Ok(())
}

/// The dispute is over: the account has the status again that it had, or is closed, unless another dispute of it is not over.
pub(super) async fn restore_status(
    tx: &mut TenantTx,
    dispute: &DisputeRow,
    outcome: DisputeOutcome,
) -> Result<(), OpError> {
    let Some(account) = dispute.account_id.filter(|_| dispute.is_dispute()) else {
        return Ok(());
    };
    if outcome == DisputeOutcome::ClosedAccount {
        end_disputed(tx, account, AccountStatus::Closed).await?;
    } else if let Some(before) = changes::status_when_over(tx, account).await? {
        end_disputed(tx, account, AccountStatus::parse(&before)).await?;
    }
    Ok(())
}

/// Somebody has confirmed the hold: they have looked at its disputes, and collection pauses for them whatever the dates say.
pub(in crate::compliance) async fn looked_at_hold(tx: &mut TenantTx, hold: Uuid) -> Result<(), OpError> {
    changes::set_looked_at(tx, (None, Some(hold)), true).await?;
    Ok(())
}

/// Somebody has released the hold and said why: whatever of its disputes was not answered counts as taken back.
pub(in crate::compliance) async fn withdraw_with_hold(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    hold: Uuid,
    reason: &str,
) -> Result<(), OpError> {
    for row in changes::unanswered_of_hold(tx, hold).await? {
        let place = ("disputes", "resolution_cipher", row.id);
        let sealed = seal(keys, &row.key(), place, Some(reason))?;
        changes::set_resolved(tx, row.id, DisputeOutcome::Withdrawn, sealed).await?;
        let step = Step {
            outcome: Some(DisputeOutcome::Withdrawn),
            ..Step::new(row.id, row.debtor_id, row.account_id, "RESOLVED", tx.now())
        };
        store::insert_step(tx, &step).await?;
        restore_status(tx, &row, DisputeOutcome::Withdrawn).await?;
        let details = json!({ "outcome": "WITHDRAWN", "by": "HOLD_RELEASED", "account": row.account_id });
        tx.audit(AuditEntry::plain("dispute.resolved", row.id, &details).about(Some(row.debtor_id)));
        tell(tx, &row);
    }
    Ok(())
}

pub(super) fn tell(tx: &mut TenantTx, row: &DisputeRow) {
    tx.emit(LiveEvent {
        kind: "DISPUTE_UPDATED",
        account_id: row.account_id,
        debtor_id: Some(row.debtor_id),
        ..LiveEvent::default()
    });
}
