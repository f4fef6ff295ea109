//! Requests that a person answers: access, portability, rectification, and that nothing be sold, each with the day by which the law wants an answer.
//! What is put right is put right with `updateDebtor` and `updateContactPoint`; here stands that it was asked and answered.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus},
    store::{self, NewRow, PrivacyRequestRow, privacy_request_by_id},
};
use crate::{
    access::{Cell, authorize},
    accounts::debtor_by_id,
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::TenantKeys,
    },
};

/// What a person asked.
#[derive(Clone, Debug)]
pub struct NewPrivacyRequest<'a> {
    pub debtor_id: Uuid,
    /// Anything but an erasure, which the service does itself.
    pub kind: PrivacyRequestKind,
    pub regime: PrivacyRegime,
    /// When it was received; now when left out, never later.
    pub received_at: Option<DateTime<Utc>>,
    /// What they asked, in 1 to 1,000 characters; sealed.
    pub reason: &'a str,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    Completed,
    Denied,
}

/// Writes a request down and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for what does not fit, CONFLICT for a person
/// whose records were destroyed.
pub async fn record_request(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: NewPrivacyRequest<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::PrivacyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("reason", new.reason)?;
    if new.kind == PrivacyRequestKind::Erasure {
        let message = "An erasure is asked for with eraseDebtor, which decides and does it.";
        return Err(UserError::invalid("kind", message).into());
    }
    let received_at = new.received_at.unwrap_or_else(|| tx.now());
    if received_at > tx.now() {
        return Err(UserError::invalid("receivedAt", "It cannot have been received later than now.").into());
    }
    let debtor = debtor_by_id(tx, new.debtor_id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    let record = keys.data_key(&debtor.keys.record)?.ok_or_else(destroyed)?;
    let id = ids::next();
    let reason = keys.seal(
        &record,
        "privacy_requests",
        "reason_cipher",
        id,
        new.reason.trim().as_bytes(),
    )?;
    let row = NewRow {
        id,
        debtor_id: debtor.id,
        kind: new.kind,
        regime: new.regime,
        status: PrivacyRequestStatus::Open,
        reason_cipher: Some(reason),
        received_at,
        own_account: None,
        erasure: None,
    };
    store::insert(tx, row).await?;
    let details =
        json!({ "kind": new.kind.as_str(), "regime": new.regime.as_str(), "received_at": received_at });
    tx.audit(AuditEntry::plain("privacy.requested", id, &details).about(Some(debtor.id)));
    Ok(id)
}

/// Answers an open request.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT for an answer that does not fit, CONFLICT for a request that is not open.
pub async fn close_request(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: Uuid,
    closing: Closing,
    answer: &str,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::PrivacyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("answer", answer)?;
    let request = privacy_request_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "privacy request"))?;
    let sealed = seal_answer(keys, &request, answer)?;
    let status = match closing {
        Closing::Completed => PrivacyRequestStatus::Completed,
        Closing::Denied => PrivacyRequestStatus::Denied,
    };
    if !store::close(tx, id, status, sealed.as_deref()).await? {
        let message = "This request is answered already, or the service is at it.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    let details = json!({ "kind": request.kind, "status": status.as_str() });
    tx.audit(AuditEntry::plain("privacy.answered", id, &details).about(Some(request.debtor_id)));
    Ok(())
}

/// Of a person whose records are destroyed nothing is written down any more.
fn seal_answer(
    keys: &TenantKeys,
    request: &PrivacyRequestRow,
    answer: &str,
) -> Result<Option<Vec<u8>>, OpError> {
    let Some(record) = keys.data_key(&request.key)? else {
        return Ok(None);
    };
    let text = answer.trim().as_bytes();
    Ok(Some(keys.seal(
        &record,
        "privacy_requests",
        "answer_cipher",
        request.id,
        text,
    )?))
}

pub(super) fn destroyed() -> UserError {
    UserError::at(
        UserErrorCode::Conflict,
        "debtorId",
        "This person's records were destroyed: nothing is kept of them any more.",
    )
}

pub(super) fn check_text(field: &str, text: &str) -> Result<(), UserError> {
    if (1..=1_000).contains(&text.trim().chars().count()) {
        return Ok(());
    }
    Err(UserError::invalid(field, "Write 1 to 1,000 characters."))
}
