//! Answering a dispute: somebody looks at it and obtains what verifies the debt; what was sent is written down, and lets
//! collection go on (12 CFR 1006.38(c), (d)(2)).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    DisputeAnswer, DisputeStatus, changes, check_text, conflict,
    file::check_earlier,
    pause::{tell, unmark},
    seal,
    store::{self, DisputeRow, Sealed, Step},
};
use crate::{
    access::{Cell, authorize},
    accounts::{are_documents_of, lock_person},
    compliance::intake_channel::IntakeChannel,
    platform::{
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::UserError,
        ids,
        keys::Keyring,
    },
};

/// Most documents of one answer.
const MOST_DOCUMENTS: usize = 20;

/// What was sent to the person, and how.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    pub dispute_id: Uuid,
    /// What was sent, one or several.
    pub answers: &'a [DisputeAnswer],
    pub channel: IntakeChannel,
    /// When it was sent (business time); now when none.
    pub sent_at: Option<DateTime<Utc>>,
    /// Documents of the account that were sent; verification needs one at least.
    pub documents: &'a [Uuid],
    /// For the notice that it is duplicative: the answered dispute that it repeats, unless that is on record.
    pub duplicate_of: Option<Uuid>,
    pub note: Option<&'a str>,
}

/// Somebody has looked at the dispute and begins to obtain what verifies the debt. From now on the law's dates say whether
/// collection pauses; with `hold_collection` it does until the answer.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is under way or over, INVALID_INPUT for a note that does not fit.
pub async fn start_verification(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    (hold_collection, note): (bool, Option<&str>),
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DisputeAnswer).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("note", note, 1_000)?;
    let row = locked(tx, id).await?;
    if row.status() != DisputeStatus::Open {
        return Err(conflict(
            "disputeId",
            "Its verification was begun before, or it is over.",
        ));
    }
    changes::set_looked_at(tx, (Some(id), None), hold_collection).await?;
    changes::set_verifying(tx, id).await?;
    let step = Step::new(id, row.debtor_id, row.account_id, "VERIFYING", tx.now());
    write_step(tx, keyring, db, &row, step, note).await?;
    let details = json!({ "account": row.account_id, "hold_collection": hold_collection });
    tx.audit(AuditEntry::plain("dispute.verification_started", id, &details).about(Some(row.debtor_id)));
    tell(tx, &row);
    Ok(())
}

/// Writes down what was sent in answer. Once everything that is owed was sent, collection may go on.
///
/// # Errors
/// User errors: NOT_FOUND for a dispute that is not the caller's; INVALID_INPUT for documents that are not of its account, or
/// lacking, an instant that lies ahead or before the dispute, a notice without the dispute that is repeated; CONFLICT for one
/// that is over or does not say which debt it is of.
pub async fn record_verification_sent(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    sent: Sent<'_>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DisputeAnswer).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("note", sent.note, 1_000)?;
    let row = locked(tx, sent.dispute_id).await?;
    if row.status() == DisputeStatus::Resolved {
        return Err(conflict("disputeId", "This dispute is over."));
    }
    let sent_at = check_sent(tx, &row, &sent).await?;
    let duplicate_of = sent
        .duplicate_of
        .filter(|_| sent.answers.contains(&DisputeAnswer::DuplicativeNotice));
    let answered = row.owed().with(sent.answers, sent_at).is_answered();
    changes::set_looked_at(tx, (Some(row.id), None), false).await?;
    changes::set_sent(tx, &row, sent.answers, (sent_at, duplicate_of, answered)).await?;
    for (nth, answer) in sent.answers.iter().enumerate() {
        let step = Step {
            happened_at: sent_at,
            channel: Some(sent.channel),
            // The documents are one letter's, whatever it answers.
            documents: if nth == 0 { sent.documents } else { &[] },
            ..Step::new(row.id, row.debtor_id, row.account_id, answer.step(), tx.now())
        };
        write_step(tx, keyring, db, &row, step, sent.note.filter(|_| nth == 0)).await?;
    }
    if answered {
        unmark(tx, &row).await?;
    }
    let steps: Vec<&str> = sent.answers.iter().map(|answer| answer.step()).collect();
    let details = json!({
        "account": row.account_id, "sent": steps, "channel": sent.channel.as_str(), "sent_at": sent_at,
        "documents": sent.documents, "answered": answered,
    });
    tx.audit(AuditEntry::plain("dispute.answer_sent", row.id, &details).about(Some(row.debtor_id)));
    tell(tx, &row);
    Ok(())
}

/// Whether a person waits for this answer about an account, or about any of theirs where none is named. The gate asks the same of what
/// it reads.
///
/// # Errors
/// [`DbError`] as met.
pub async fn awaits_answer(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
    answer: DisputeAnswer,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM debtors d
             JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
             JOIN disputes p ON p.business_id = g.business_id AND p.debtor_id = g.id
             WHERE d.business_id = $1 AND d.id = $2 AND p.status <> 'RESOLVED'
               AND ($3::uuid IS NULL OR p.account_id IS NULL OR p.account_id = $3)
               AND CASE $4 WHEN 'ORIGINAL_CREDITOR' THEN p.requests_original_creditor AND p.original_creditor_sent_at IS NULL
                   ELSE p.kind = 'DISPUTE' AND p.verification_sent_at IS NULL AND p.duplicative_notice_sent_at IS NULL
                    AND ($4 = 'VERIFICATION' OR p.duplicate_of IS NOT NULL) END) AS "awaits!""#,
        business,
        debtor,
        account,
        answer.as_str(),
    )
    .fetch_one(tx.conn())
    .await?)
}

async fn check_sent(tx: &mut TenantTx, row: &DisputeRow, sent: &Sent<'_>) -> Result<DateTime<Utc>, OpError> {
    let Some(account) = row.account_id else {
        let message = "It does not say which debt it is of: file it anew on the debt that is meant, and withdraw this one.";
        return Err(conflict("disputeId", message));
    };
    let distinct: HashSet<&DisputeAnswer> = sent.answers.iter().collect();
    if distinct.is_empty() || distinct.len() != sent.answers.len() {
        return Err(UserError::invalid("sent", "Name what was sent, each once.").into());
    }
    let sent_at = sent.sent_at.unwrap_or_else(|| tx.now());
    if sent_at > tx.now() || sent_at < row.received_at {
        let message = "Give an instant after the dispute was received that does not lie ahead.";
        return Err(UserError::invalid("sentAt", message).into());
    }
    if sent.documents.len() > MOST_DOCUMENTS {
        return Err(UserError::invalid("documentIds", "Name at most 20 documents.").into());
    }
    if sent.answers.contains(&DisputeAnswer::Verification) && sent.documents.is_empty() {
        let message = "Name the documents of the account that verify the debt and were sent.";
        return Err(UserError::invalid("documentIds", message).into());
    }
    if !are_documents_of(tx, account, sent.documents).await? {
        return Err(UserError::not_found("documentIds", "document of this account").into());
    }
    if let Some(earlier) = sent.duplicate_of {
        check_earlier(tx, earlier, account).await?;
    }
    let repeats = sent
        .duplicate_of
        .or(row.duplicate_of)
        .filter(|earlier| *earlier != row.id);
    if sent.answers.contains(&DisputeAnswer::DuplicativeNotice) && repeats.is_none() {
        return Err(UserError::invalid("duplicateOf", "Say which answered dispute it repeats.").into());
    }
    Ok(sent_at)
}

/// The dispute as it is once nobody else changes it or contacts the person.
pub(super) async fn locked(tx: &mut TenantTx, id: Uuid) -> Result<DisputeRow, OpError> {
    let no_dispute = || UserError::not_found("disputeId", "dispute");
    let row = store::dispute_by_id(tx, id).await?.ok_or_else(no_dispute)?;
    lock_person(tx, row.debtor_id).await?;
    Ok(store::dispute_by_id(tx, id).await?.ok_or_else(no_dispute)?)
}

/// Writes a step with its note sealed.
pub(super) async fn write_step(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    row: &DisputeRow,
    step: Step<'_>,
    note: Option<&str>,
) -> Result<(), OpError> {
    let keys = keyring.business(db, tx.business_id()).await?;
    let id = ids::next();
    let place = ("dispute_steps", "note_cipher", id);
    let note = seal(&keys, &row.key(), place, note)?;
    let step = Step {
        sealed: Some(Sealed { id, note }),
        ..step
    };
    store::insert_step(tx, &step).await?;
    Ok(())
}
