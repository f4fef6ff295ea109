//! Filing, changing and ending a complaint.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    ComplaintAbout, ComplaintOutcome, ComplaintStatus, Regulator,
    store::{ComplaintRow, complaint_by_id},
};
use crate::{
    access::{Cell, authorize},
    compliance::{answer_days, intake_channel::IntakeChannel, record_of::record_of},
    platform::{
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, WrappedKey},
    },
};

/// Most characters of the person's words.
const MOST_WORDS: usize = 10_000;

/// A complaint as it was received.
#[derive(Clone, Debug)]
pub struct NewComplaint<'a> {
    /// Who complains; when none, whose the account is.
    pub debtor_id: Option<Uuid>,
    /// The debt that it is about, where it is about one.
    pub account_id: Option<Uuid>,
    pub about: ComplaintAbout,
    pub channel: IntakeChannel,
    /// The person's own words; sealed.
    pub words: &'a str,
    pub regulator: Option<Regulator>,
    /// The regulator's case number; sealed.
    pub reference: Option<&'a str>,
    /// When the business received it (business time); now when none.
    pub received_at: Option<DateTime<Utc>>,
    /// Until when it is to be answered; as the business's term says when none.
    pub due_at: Option<DateTime<Utc>>,
}

/// What changes on a complaint: each `Some` is new.
#[derive(Clone, Copy, Debug, Default)]
pub struct ComplaintPatch<'a> {
    pub about: Option<ComplaintAbout>,
    /// OPEN or IN_PROGRESS.
    pub status: Option<ComplaintStatus>,
    pub due_at: Option<DateTime<Utc>>,
    pub regulator: Option<Regulator>,
    pub reference: Option<&'a str>,
}

/// Writes a complaint down, and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a person or account that is not the caller's, INVALID_INPUT for what does not fit, CONFLICT for
/// a person whose records were destroyed.
pub async fn file_complaint(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewComplaint<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ComplaintFile).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("words", new.words, MOST_WORDS)?;
    check_reference(new.regulator, new.reference)?;
    let now = tx.now();
    let received_at = new.received_at.unwrap_or(now);
    if received_at > now {
        return Err(UserError::invalid("receivedAt", "This instant lies ahead.").into());
    }
    let term = answer_days(tx).await?.for_complaints();
    let due_at = new.due_at.unwrap_or(received_at + term);
    check_due(received_at, due_at)?;
    let debtor = record_of(
        tx,
        new.debtor_id,
        new.account_id,
        "Say who complains: give a debtor or one of their accounts.",
    )
    .await?;
    let id = ids::next();
    let key = &debtor.keys.record;
    let words = seal(tx, keyring, db, (key, "words_cipher", id), new.words).await?;
    let reference = match new.reference {
        Some(reference) => Some(seal(tx, keyring, db, (key, "reference_cipher", id), reference).await?),
        None => None,
    };
    let (business, user) = (tx.business_id(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO complaints (business_id, id, debtor_id, account_id, about, channel, regulator, reference_cipher,
             words_cipher, received_at, status, due_at, filed_by, filed_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'OPEN', $11, $12, $13, $13)",
        business,
        id,
        debtor.id,
        new.account_id,
        new.about.as_str(),
        new.channel.as_str(),
        new.regulator.map(Regulator::as_str),
        reference,
        words,
        received_at,
        due_at,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({
        "account": new.account_id, "about": new.about.as_str(), "channel": new.channel.as_str(),
        "regulator": new.regulator.map(Regulator::as_str), "due_at": due_at,
    });
    tx.audit(AuditEntry::plain("complaint.filed", id, &details).about(Some(debtor.id)));
    tell(tx, "COMPLAINT_FILED", debtor.id, new.account_id);
    Ok(id)
}

/// Changes what is known of a complaint, and how far it has come.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is over, INVALID_INPUT for what does not fit and where nothing is given.
pub async fn update_complaint(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    patch: ComplaintPatch<'_>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ComplaintFile).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = locked(tx, id).await?;
    let is_empty = patch.about.is_none()
        && patch.status.is_none()
        && patch.due_at.is_none()
        && patch.regulator.is_none()
        && patch.reference.is_none();
    if is_empty {
        return Err(UserError::invalid("status", "Say what is to be changed.").into());
    }
    if patch.status == Some(ComplaintStatus::Resolved) {
        let message = "A complaint is ended by resolveComplaint, which asks what became of it.";
        return Err(UserError::invalid("status", message).into());
    }
    let known = row.regulator.as_deref().and_then(Regulator::parse);
    check_reference(patch.regulator.or(known), patch.reference)?;
    if let Some(due_at) = patch.due_at {
        check_due(row.received_at, due_at)?;
    }
    let reference = match patch.reference {
        Some(text) => Some(seal(tx, keyring, db, (&row.key(), "reference_cipher", id), text).await?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    // A new term is told of anew.
    sqlx::query!(
        "UPDATE complaints SET about = coalesce($3, about), status = coalesce($4, status),
             due_at = coalesce($5, due_at), regulator = coalesce($6, regulator),
             reference_cipher = coalesce($7, reference_cipher), updated_at = $8,
             told_soon_at = CASE WHEN $5 > due_at THEN NULL ELSE told_soon_at END,
             told_overdue_at = CASE WHEN $5 > due_at THEN NULL ELSE told_overdue_at END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        patch.about.map(ComplaintAbout::as_str),
        patch.status.map(ComplaintStatus::as_str),
        patch.due_at,
        patch.regulator.map(Regulator::as_str),
        reference,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({
        "about": patch.about.map(ComplaintAbout::as_str), "status": patch.status.map(ComplaintStatus::as_str),
        "due_at": patch.due_at, "regulator": patch.regulator.map(Regulator::as_str),
        "reference": patch.reference.is_some(),
    });
    tx.audit(AuditEntry::plain("complaint.updated", id, &details).about(Some(row.debtor_id)));
    tell(tx, "COMPLAINT_UPDATED", row.debtor_id, row.account_id);
    Ok(())
}

/// Ends a complaint with what became of it and what was answered.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is over, INVALID_INPUT for an answer that does not fit.
pub async fn resolve_complaint(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    (outcome, answer): (ComplaintOutcome, &str),
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ComplaintResolve).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("resolution", answer, MOST_WORDS)?;
    let row = locked(tx, id).await?;
    let sealed = seal(tx, keyring, db, (&row.key(), "resolution_cipher", id), answer).await?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE complaints SET status = 'RESOLVED', outcome = $3, resolved_at = $4, resolved_by = $5, resolution_cipher = $6,
             updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        outcome.as_str(),
        now,
        user,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "outcome": outcome.as_str() });
    tx.audit(AuditEntry::plain("complaint.resolved", id, &details).about(Some(row.debtor_id)));
    tell(tx, "COMPLAINT_UPDATED", row.debtor_id, row.account_id);
    Ok(())
}

/// The complaint as it is once nobody else changes it; one that is over changes no more.
async fn locked(tx: &mut TenantTx, id: Uuid) -> Result<ComplaintRow, OpError> {
    let no_complaint = || UserError::not_found("complaintId", "complaint");
    complaint_by_id(tx, id).await?.ok_or_else(no_complaint)?;
    let business = tx.business_id();
    sqlx::query!(
        "SELECT id FROM complaints WHERE business_id = $1 AND id = $2 FOR UPDATE",
        business,
        id,
    )
    .fetch_one(tx.conn())
    .await?;
    let row = complaint_by_id(tx, id).await?.ok_or_else(no_complaint)?;
    if row.status == ComplaintStatus::Resolved.as_str() {
        return Err(UserError::at(UserErrorCode::Conflict, "complaintId", "This complaint is over.").into());
    }
    Ok(row)
}

fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), UserError> {
    if (1..=most).contains(&text.trim().chars().count()) {
        return Ok(());
    }
    Err(UserError::invalid(
        field,
        format!("Write 1 to {most} characters."),
    ))
}

fn check_reference(regulator: Option<Regulator>, reference: Option<&str>) -> Result<(), UserError> {
    match reference {
        Some(text) => {
            check_text("regulatorReference", text, 100)?;
            if regulator.is_none() {
                return Err(UserError::invalid("regulator", "Say whose case number it is."));
            }
            Ok(())
        }
        None => Ok(()),
    }
}

fn check_due(received_at: DateTime<Utc>, due_at: DateTime<Utc>) -> Result<(), UserError> {
    if due_at < received_at || due_at > received_at + TimeDelta::days(366) {
        let message = "Give an instant within a year after the complaint was received.";
        return Err(UserError::invalid("dueAt", message));
    }
    Ok(())
}

/// Seals a text under the person's record key.
async fn seal(
    tx: &TenantTx,
    keyring: &Keyring,
    db: &Db,
    (record, column, id): (&WrappedKey, &'static str, Uuid),
    text: &str,
) -> Result<Vec<u8>, OpError> {
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys.data_key(record)?.ok_or_else(|| {
        let message = "This person's records were destroyed.";
        UserError::at(UserErrorCode::Conflict, "debtorId", message)
    })?;
    Ok(keys.seal(&record, "complaints", column, id, text.trim().as_bytes())?)
}

fn tell(tx: &mut TenantTx, kind: &'static str, debtor: Uuid, account: Option<Uuid>) {
    tx.emit(LiveEvent {
        kind,
        account_id: account,
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}
