//! Writing a notice down: its facts, complete, and the end of the period that will be printed on it.

use chrono::{Days, NaiveDate};
use serde_json::json;
use uuid::Uuid;

use super::{
    NoticeLanguage, WriteValidationNotice, conflict,
    draft::draft,
    facts::NoticeFacts,
    period::{Period, date_of},
    store::{self, NewRow},
};
use crate::{
    access::{Cell, authorize},
    compliance::ports::Letterhead,
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids::{self, IdKind},
        keys::TenantKeys,
    },
};

/// A notice may wait so long before it is provided.
const LONGEST_WAIT: Days = Days::new(30);

/// What notice is wanted.
#[derive(Clone, Debug)]
pub struct NewNotice<'a> {
    pub account_id: Uuid,
    /// The person's where none.
    pub language: Option<NoticeLanguage>,
    /// The last day on which it will be provided, on the business's clock; today where none.
    pub provide_by: Option<NaiveDate>,
    /// Whom the debt was owed to on the itemization date, where the account does not tell, or tells wrong.
    pub creditor_then: Option<&'a str>,
}

/// Writes a notice down, whose files a job makes, and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a debt that is not the caller's, CONFLICT for each thing that is missing, INVALID_INPUT for a day
/// that has passed or lies too far ahead, QUOTA_EXCEEDED for a debt of which fifty were written.
pub async fn generate_validation_notice(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    letterhead: &Letterhead,
    new: NewNotice<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ValidationNoticeManage)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let now = tx.now();
    let today = date_of(now, letterhead);
    let provide_by = new.provide_by.unwrap_or(today);
    let latest = today.checked_add_days(LONGEST_WAIT).unwrap_or(today);
    if provide_by < today || provide_by > latest {
        let message =
            format!("Give a day from {today} to {latest}: the end of the validation period follows from it.");
        return Err(UserError::invalid("provideBy", message).into());
    }
    check_name(new.creditor_then)?;
    let draft = draft(tx, keys, letterhead, new.account_id, new.creditor_then).await?;
    if store::count_of_account(tx, new.account_id).await? >= store::MOST {
        let message = "Fifty notices were written of this account: provide one of them.";
        return Err(UserError::at(UserErrorCode::QuotaExceeded, "accountId", message).into());
    }
    let language = new
        .language
        .unwrap_or_else(|| NoticeLanguage::parse(&draft.person.preferred_language));
    let period = Period::from(provide_by)?;
    let id = ids::next();
    let facts = NoticeFacts {
        reference: ids::encode(IdKind::ValidationNotice, id),
        written_at: now,
        written_on: today,
        collector: draft.collector,
        consumer: draft.consumer,
        creditor_then: draft.creditor_then,
        account_number: draft.account_number,
        creditor_now: draft.creditor_now,
        itemization_date: draft.itemization_date,
        itemization: draft.itemization,
        period_ends_on: period.ends_on,
    };
    let record = keys
        .data_key(&draft.person.keys.record)?
        .ok_or_else(|| conflict("accountId", "This person's records were destroyed."))?;
    let content = serde_json::to_vec(&facts).map_err(anyhow::Error::from)?;
    let row = NewRow {
        id,
        debtor_id: draft.person.id,
        account_id: new.account_id,
        language,
        content_cipher: keys.seal(&record, store::TABLE, store::CONTENT, id, &content)?,
        event: draft.event,
        facts: &facts,
        provide_by,
        rule_set_version: &period.rule_set_version,
    };
    store::insert(tx, &row).await?;
    let details = json!({
        "account": new.account_id, "language": language.as_str(), "provide_by": provide_by,
        "period_ends_on": period.ends_on, "rule_set_version": period.rule_set_version,
    });
    tx.audit(AuditEntry::plain("validation_notice.generated", id, &details).about(Some(draft.person.id)));
    tx.enqueue(&WriteValidationNotice { id });
    Ok(id)
}

fn check_name(creditor: Option<&str>) -> Result<(), UserError> {
    if creditor.is_none_or(|name| (1..=200).contains(&name.trim().chars().count())) {
        return Ok(());
    }
    let message = "Name the creditor in 1 to 200 characters, or leave this out.";
    Err(UserError::invalid("creditorOnItemizationDate", message))
}
