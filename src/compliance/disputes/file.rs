//! Filing a dispute: by staff, by the debtor in the portal, by a text that states one. Whoever files it, collection pauses as
//! the law asks with the transaction that stores it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    DisputeKind, DisputeReason, changes, check_text, conflict,
    model::is_within_period,
    pause::{MarkDispute, Marked, mark},
    seal,
    store::{self, NewRow, Step},
};
use crate::{
    access::{Cell, authorize},
    accounts::{debtor_by_id, disputed_debt, lock_person},
    compliance::{answer_days, holds::HoldSource, intake_channel::IntakeChannel},
    platform::{
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::UserError,
        ids,
        keys::Keyring,
    },
};

/// Most disputes of one person that wait for an answer.
const MOST_WAITING: i64 = 50;
/// Most characters of the person's words.
const MOST_WORDS: usize = 10_000;

/// A dispute that staff file, or an integrator.
#[derive(Clone, Debug)]
pub struct NewDispute<'a> {
    pub account_id: Uuid,
    pub kind: DisputeKind,
    pub reason: Option<DisputeReason>,
    pub requests_original_creditor: bool,
    /// The person's own words; sealed.
    pub words: Option<&'a str>,
    /// When the business received it (business time); now when none.
    pub received_at: Option<DateTime<Utc>>,
    pub channel: IntakeChannel,
    /// Whether it is in writing; as the channel says when none.
    pub written: Option<bool>,
    /// Pause collection until it is answered, whatever the law asks for.
    pub hold_collection: bool,
    /// The answered dispute that it repeats.
    pub duplicate_of: Option<Uuid>,
    /// Until when it is to be answered; as the business's term says when none.
    pub due_at: Option<DateTime<Utc>>,
}

/// A dispute that the debtor files themselves, signed in.
#[derive(Clone, Debug)]
pub struct OwnDispute<'a> {
    pub account_id: Uuid,
    pub kind: DisputeKind,
    pub reason: Option<DisputeReason>,
    pub requests_original_creditor: bool,
    pub words: Option<&'a str>,
}

/// A dispute that a hold was placed for.
#[derive(Clone, Copy, Debug)]
pub(in crate::compliance) struct Found {
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) account_id: Option<Uuid>,
    pub(in crate::compliance) hold_id: Uuid,
    /// The received text that says so, and when it came; none where a person set the hold, who then holds collection whatever
    /// the law asks for.
    pub(in crate::compliance) text: Option<(Uuid, DateTime<Utc>)>,
}

/// Files a dispute that staff received, and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for an account or an earlier dispute that is not the caller's, INVALID_INPUT for what does not fit,
/// CONFLICT for a person whose records were destroyed, of whom too many disputes wait, or an earlier dispute that was not
/// answered.
pub async fn file_dispute(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewDispute<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::DisputeFile).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (now, term) = (tx.now(), answer_days(tx).await?.for_disputes());
    let received_at = new.received_at.unwrap_or(now);
    // Before anything is counted from it: the calendar ends.
    if received_at > now {
        return Err(UserError::invalid("receivedAt", "This instant lies ahead.").into());
    }
    let due_at = new.due_at.unwrap_or(received_at + term);
    if due_at < received_at || due_at > received_at + TimeDelta::days(366) {
        let message = "Give an instant within a year after the dispute was received.";
        return Err(UserError::invalid("dueAt", message).into());
    }
    let row = Filing {
        account_id: new.account_id,
        kind: new.kind,
        reason: new.reason,
        requests_original_creditor: new.requests_original_creditor,
        words: new.words,
        received_at,
        channel: new.channel,
        written: new.written.unwrap_or_else(|| new.channel.is_in_writing()),
        held_by_choice: new.hold_collection,
        looked_at: Some(now),
        duplicate_of: new.duplicate_of,
        due_at,
    };
    let filed = file(tx, keyring, db, row).await?;
    mark(tx, &filed, HoldSource::Person).await?;
    Ok(filed.id)
}

/// Files a dispute of the debtor's own, signed in, and returns its id. Until somebody at the business has looked at it, it
/// counts as what stops most. Its marks for staff are placed by a job: what staff see is not a debtor's to write.
///
/// # Errors
/// As [`file_dispute`]; FORBIDDEN for anybody who is no debtor.
pub async fn file_own_dispute(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    own: OwnDispute<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::DisputeFile).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if tx.ctx().debtor_id().is_none() {
        return Err(OpError::Forbidden(
            "Only a debtor files this of themselves.".to_owned(),
        ));
    }
    let (now, term) = (tx.now(), answer_days(tx).await?.for_disputes());
    let row = Filing {
        account_id: own.account_id,
        kind: own.kind,
        reason: own.reason,
        requests_original_creditor: own.requests_original_creditor,
        words: own.words,
        received_at: now,
        channel: IntakeChannel::Portal,
        written: true,
        held_by_choice: false,
        looked_at: None,
        duplicate_of: None,
        due_at: now + term,
    };
    let filed = file(tx, keyring, db, row).await?;
    tx.enqueue(&MarkDispute::new(filed.id));
    Ok(filed.id)
}

/// Files the dispute that a hold stands for. The caller holds the person's lock, and the hold is placed.
pub(in crate::compliance) async fn file_found(tx: &mut TenantTx, found: Found) -> Result<(), OpError> {
    file_of_kind(tx, found, DisputeKind::Dispute).await
}

/// Whether such a request waits for its answer.
pub(in crate::compliance) async fn has_asked(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
) -> Result<bool, OpError> {
    Ok(changes::is_asked(tx, debtor, account).await?)
}

/// Files that a text asks for the original creditor's name and address (12 CFR 1006.38(c)). It is marked by the hold that was
/// placed for it, or by the one that stood already.
pub(in crate::compliance) async fn file_request(
    tx: &mut TenantTx,
    found: Found,
    is_new_hold: bool,
) -> Result<(), OpError> {
    let hold_id = match is_new_hold {
        true => found.hold_id,
        false => changes::standing_mark(tx, found.debtor_id, found.account_id).await?,
    };
    file_of_kind(
        tx,
        Found { hold_id, ..found },
        DisputeKind::OriginalCreditorRequest,
    )
    .await
}

async fn file_of_kind(tx: &mut TenantTx, found: Found, kind: DisputeKind) -> Result<(), OpError> {
    let (now, term) = (tx.now(), answer_days(tx).await?.for_disputes());
    let debt = match found.account_id {
        Some(account) => disputed_debt(tx, account).await?,
        None => None,
    };
    let is_text = found.text.is_some();
    let received_at = found.text.map_or(now, |(_, received_at)| received_at);
    let period_ends_on = debt.and_then(|debt| debt.validation_period_ends_on);
    let id = ids::next();
    let row = NewRow {
        id,
        debtor_id: found.debtor_id,
        account_id: found.account_id,
        kind,
        reason: None,
        requests_original_creditor: kind == DisputeKind::OriginalCreditorRequest,
        words_cipher: None,
        received_at,
        channel: if is_text {
            IntakeChannel::Sms
        } else {
            IntakeChannel::Agent
        },
        written: true,
        within_validation_period: is_within_period(received_at, period_ends_on),
        held_by_choice: !is_text,
        looked_at: (!is_text).then_some(now),
        duplicate_of: None,
        due_at: received_at + term,
        event_id: found.text.map(|(event, _)| event),
    };
    store::insert(tx, &row).await?;
    note_filed(tx, &row, None).await?;
    let filed = Marked {
        id,
        debtor_id: found.debtor_id,
        account_id: found.account_id,
        is_dispute: kind == DisputeKind::Dispute,
    };
    super::pause::settle_mark(tx, &filed, found.hold_id).await
}

/// Files what a text says of a debt whose mark stands already. What marks it may be a dispute made orally, or too late, or one
/// that was answered, none of which stops collection as one in writing does (12 CFR 1006.38(d)). Where an unanswered one stops
/// it as much, a repetition adds nothing.
pub(in crate::compliance) async fn file_repeated(tx: &mut TenantTx, found: Found) -> Result<(), OpError> {
    let (debtor, account) = (found.debtor_id, found.account_id);
    if changes::is_ceased(tx, debtor, account).await? {
        return Ok(());
    }
    let hold_id = changes::standing_mark(tx, debtor, account).await?;
    file_found(tx, Found { hold_id, ..found }).await
}

/// A dispute as somebody files it.
struct Filing<'a> {
    account_id: Uuid,
    kind: DisputeKind,
    reason: Option<DisputeReason>,
    requests_original_creditor: bool,
    words: Option<&'a str>,
    received_at: DateTime<Utc>,
    channel: IntakeChannel,
    written: bool,
    held_by_choice: bool,
    looked_at: Option<DateTime<Utc>>,
    duplicate_of: Option<Uuid>,
    due_at: DateTime<Utc>,
}

impl Filing<'_> {
    fn check(&self) -> Result<(), OpError> {
        check_text("words", self.words, MOST_WORDS)?;
        if self.kind == DisputeKind::OriginalCreditorRequest && self.reason.is_some() {
            let message = "A request for the original creditor disputes nothing: leave the reason out, or file a dispute.";
            return Err(UserError::invalid("reason", message).into());
        }
        if self.reason == Some(DisputeReason::Other) && self.words.is_none() {
            return Err(UserError::invalid("words", "Say what the dispute is about.").into());
        }
        Ok(())
    }
}

async fn file(tx: &mut TenantTx, keyring: &Keyring, db: &Db, filing: Filing<'_>) -> Result<Marked, OpError> {
    filing.check()?;
    let no_account = || UserError::not_found("accountId", "account");
    let owner = disputed_debt(tx, filing.account_id)
        .await?
        .ok_or_else(no_account)?
        .debtor_id;
    // Whoever decides over a contact with the person stands before this, or sees it.
    lock_person(tx, owner).await?;
    let debt = disputed_debt(tx, filing.account_id)
        .await?
        .ok_or_else(no_account)?;
    let debtor = debtor_by_id(tx, debt.debtor_id).await?.ok_or_else(no_account)?;
    if let Some(earlier) = filing.duplicate_of {
        check_earlier(tx, earlier, filing.account_id).await?;
    }
    if store::waiting_count(tx, debtor.id).await? >= MOST_WAITING {
        let message = "Fifty disputes of this person wait for an answer: answer those first.";
        return Err(conflict("accountId", message));
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let id = ids::next();
    let place = ("disputes", "words_cipher", id);
    let row = NewRow {
        id,
        debtor_id: debtor.id,
        account_id: Some(filing.account_id),
        kind: filing.kind,
        reason: filing.reason,
        requests_original_creditor: filing.requests_original_creditor
            || filing.kind == DisputeKind::OriginalCreditorRequest,
        words_cipher: seal(&keys, &debtor.keys.record, place, filing.words)?,
        received_at: filing.received_at,
        channel: filing.channel,
        written: filing.written,
        within_validation_period: is_within_period(filing.received_at, debt.validation_period_ends_on),
        held_by_choice: filing.held_by_choice,
        looked_at: filing.looked_at,
        duplicate_of: filing.duplicate_of,
        due_at: filing.due_at,
        event_id: None,
    };
    store::insert(tx, &row).await?;
    note_filed(tx, &row, Some(filing.account_id)).await?;
    Ok(Marked {
        id,
        debtor_id: debtor.id,
        account_id: Some(filing.account_id),
        is_dispute: filing.kind == DisputeKind::Dispute,
    })
}

/// 12 CFR 1006.38(a)(1): only a dispute that was answered can be repeated.
pub(super) async fn check_earlier(tx: &mut TenantTx, earlier: Uuid, account: Uuid) -> Result<(), OpError> {
    let row = store::dispute_by_id(tx, earlier)
        .await?
        .filter(|row| row.account_id == Some(account))
        .ok_or_else(|| UserError::not_found("duplicateOf", "dispute of this account"))?;
    if row.verification_sent_at.is_none() && row.duplicative_notice_sent_at.is_none() {
        let message = "That dispute was not answered: answer it, it cannot be repeated before.";
        return Err(conflict("duplicateOf", message));
    }
    Ok(())
}

async fn note_filed(tx: &mut TenantTx, row: &NewRow, told_account: Option<Uuid>) -> Result<(), OpError> {
    let step = Step {
        happened_at: row.received_at,
        channel: Some(row.channel),
        ..Step::new(row.id, row.debtor_id, row.account_id, "FILED", tx.now())
    };
    store::insert_step(tx, &step).await?;
    let details = json!({
        "account": row.account_id, "kind": row.kind.as_str(), "reason": row.reason.map(DisputeReason::as_str),
        "channel": row.channel.as_str(), "written": row.written,
        "within_validation_period": row.within_validation_period, "held_by_choice": row.held_by_choice,
    });
    tx.audit(AuditEntry::plain("dispute.filed", row.id, &details).about(Some(row.debtor_id)));
    // A debtor's transaction tells of the person alone; the job that follows tells of the debt.
    let is_staff = tx.ctx().debtor_id().is_none();
    tx.emit(LiveEvent {
        kind: "DISPUTE_FILED",
        account_id: told_account.filter(|_| is_staff),
        debtor_id: Some(row.debtor_id),
        ..LiveEvent::default()
    });
    Ok(())
}
