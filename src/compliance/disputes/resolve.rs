//! The end of a dispute.

use serde_json::json;
use uuid::Uuid;

use super::{
    DisputeOutcome, DisputeStatus,
    answer::{locked, write_step},
    changes, conflict,
    pause::{restore_status, tell, unmark},
    seal,
    store::{DisputeRow, Step},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::UserError,
        keys::Keyring,
    },
};

/// Ends a dispute. What the law owes has to have been sent, but where the person took it back or the account is closed over it.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is over or lacks its answer, INVALID_INPUT for a reason that does not fit.
pub async fn resolve_dispute(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    (outcome, reason): (DisputeOutcome, &str),
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DisputeResolve).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !(1..=1_000).contains(&reason.trim().chars().count()) {
        return Err(UserError::invalid("reason", "Say why in 1 to 1,000 characters.").into());
    }
    let row = locked(tx, id).await?;
    check(&row, outcome)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let sealed = seal(
        &keys,
        &row.key(),
        ("disputes", "resolution_cipher", id),
        Some(reason),
    )?;
    changes::set_resolved(tx, id, outcome, sealed).await?;
    let step = Step {
        outcome: Some(outcome),
        ..Step::new(id, row.debtor_id, row.account_id, "RESOLVED", tx.now())
    };
    write_step(tx, keyring, db, &row, step, None).await?;
    // What was not answered stays disputed, and its mark says so.
    if outcome != DisputeOutcome::ClosedAccount || row.owed().is_answered() {
        unmark(tx, &row).await?;
    }
    restore_status(tx, &row, outcome).await?;
    let details = json!({ "account": row.account_id, "outcome": outcome.as_str() });
    tx.audit(AuditEntry::plain("dispute.resolved", id, &details).about(Some(row.debtor_id)));
    tell(tx, &row);
    Ok(())
}

fn check(row: &DisputeRow, outcome: DisputeOutcome) -> Result<(), OpError> {
    if row.status() == DisputeStatus::Resolved {
        return Err(conflict("disputeId", "This dispute is over."));
    }
    let lacks = |what: &str| -> Result<(), OpError> {
        let message = format!("{what} Record first what was sent (recordVerificationSent).");
        Err(UserError::at(crate::platform::gql::UserErrorCode::Conflict, "outcome", message).into())
    };
    match outcome {
        DisputeOutcome::Verified | DisputeOutcome::Corrected => {
            if row.is_dispute() && row.verification_sent_at.is_none() {
                return lacks("Verification was not sent.");
            }
            if !row.owed().is_answered() {
                return lacks("The original creditor's name and address were not sent.");
            }
        }
        DisputeOutcome::Duplicative if row.duplicate_of.is_none() || !row.owed().is_answered() => {
            return lacks("Neither the notice that it is duplicative nor verification was sent.");
        }
        DisputeOutcome::Duplicative | DisputeOutcome::ClosedAccount | DisputeOutcome::Withdrawn => {}
    }
    Ok(())
}
