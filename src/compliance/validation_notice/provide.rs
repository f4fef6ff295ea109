//! A notice was provided: when it is taken as received, and until when the person may dispute.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    NoticeMethod, NoticeStatus, conflict,
    consent::{check_address, check_consent},
    period::{Period, date_of},
    store::{NoticeRow, notice_by_id},
};
use crate::{
    access::{Cell, authorize},
    accounts::{ValidationDates, debtor_by_id, lock_person, lock_validation_dates, set_validation_dates},
    compliance::ports::Letterhead,
    platform::{
        db::{AuditEntry, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::UserError,
        keys::TenantKeys,
    },
};

/// How and when a notice was provided.
#[derive(Clone, Copy, Debug)]
pub struct Provision {
    pub notice_id: Uuid,
    pub method: NoticeMethod,
    /// Business time; now where none.
    pub provided_at: Option<DateTime<Utc>>,
    /// The address to which an e-mail went.
    pub contact_point_id: Option<Uuid>,
}

/// Records that a notice was provided. The account's validation period is this notice's from now on: one that was sent again
/// begins it anew (12 CFR 1006.34(b)(5)).
///
/// # Errors
/// User errors: NOT_FOUND for a notice or an address that is not there, CONFLICT for one that was provided already or whose
/// printed end is too early by now, INVALID_INPUT for an instant that lies ahead or before the notice, COMPLIANCE_BLOCKED for an
/// e-mail without consent.
pub async fn record_provided(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    letterhead: &Letterhead,
    provision: Provision,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ValidationNoticeManage)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (notice, dates) = locked(tx, provision.notice_id).await?;
    match notice.status() {
        Some(NoticeStatus::Ready) => {}
        Some(NoticeStatus::Queued) => {
            let message = "Its files are being written: try again in a moment.";
            return Err(conflict("noticeId", message));
        }
        _ => {
            let message = "This notice was provided already: to send it again, generate a new one, which names the new end of \
                           the period.";
            return Err(conflict("noticeId", message));
        }
    }
    let provided_at = provision.provided_at.unwrap_or(tx.now());
    let provided_on = date_of(provided_at, letterhead);
    if provided_at > tx.now() || provided_on < date_of(notice.generated_at, letterhead) {
        let message = "Give an instant between the day on which the notice was generated and now.";
        return Err(UserError::invalid("providedAt", message).into());
    }
    let period = Period::from(provided_on)?;
    if period.ends_on > notice.period_ends_on {
        let message = format!(
            "The notice says that the validation period ends on {}; provided on {provided_on}, it ends on {}. Generate a new \
             one.",
            notice.period_ends_on, period.ends_on
        );
        return Err(conflict("providedAt", message));
    }
    check_method(tx, keys, &notice, (provision, provided_at), dates).await?;
    settle(
        tx,
        &notice,
        &provision,
        (provided_at, provided_on, &period),
        dates,
    )
    .await?;
    let began_on = dates
        .initial_communication_on
        .map_or(provided_on, |on| on.min(provided_on));
    let provided = ValidationDates {
        initial_communication_on: Some(began_on),
        notice_on: Some(provided_on),
        // As printed: later than the law's end, never earlier.
        period_ends_on: Some(notice.period_ends_on),
    };
    // One that is recorded late does not undo a later one.
    if dates.notice_on.is_none_or(|on| on <= provided_on) {
        set_validation_dates(tx, notice.account_id, provided).await?;
    } else if dates.initial_communication_on != Some(began_on) {
        let earlier = ValidationDates {
            initial_communication_on: Some(began_on),
            ..dates
        };
        set_validation_dates(tx, notice.account_id, earlier).await?;
    }
    let details = json!({
        "account": notice.account_id, "method": provision.method.as_str(), "provided_at": provided_at,
        "contact_point": provision.contact_point_id, "assumed_received_on": period.assumed_received_on,
        "period_ends_on": notice.period_ends_on, "rule_set_version": period.rule_set_version,
    });
    tx.audit(
        AuditEntry::plain("validation_notice.provided", notice.id, &details).about(Some(notice.debtor_id)),
    );
    tell(tx, &notice);
    Ok(())
}

/// The notice with its account's dates, both locked behind the person.
pub(super) async fn locked(tx: &mut TenantTx, id: Uuid) -> Result<(NoticeRow, ValidationDates), OpError> {
    let no_notice = || UserError::not_found("noticeId", "validation notice");
    let found = notice_by_id(tx, id).await?.ok_or_else(no_notice)?;
    lock_person(tx, found.debtor_id).await?;
    let dates = lock_validation_dates(tx, found.account_id)
        .await?
        .ok_or_else(no_notice)?;
    // Whoever changes a notice holds these locks.
    let notice = notice_by_id(tx, id).await?.ok_or_else(no_notice)?;
    Ok((notice, dates))
}

/// Tells those who look at the account.
pub(super) fn tell(tx: &mut TenantTx, notice: &NoticeRow) {
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(notice.account_id),
        debtor_id: Some(notice.debtor_id),
        ..LiveEvent::default()
    });
}

/// 12 CFR 1006.42: what goes by e-mail tells how to answer electronically, and goes with consent unless it is itself the initial
/// communication.
async fn check_method(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    notice: &NoticeRow,
    (provision, at): (Provision, DateTime<Utc>),
    dates: ValidationDates,
) -> Result<(), OpError> {
    let is_email = provision.method == NoticeMethod::Email;
    let Some(point) = provision.contact_point_id else {
        let message = "Say to which e-mail address of the person it went.";
        return match is_email {
            true => Err(UserError::invalid("contactPointId", message).into()),
            false => Ok(()),
        };
    };
    let person = debtor_by_id(tx, notice.debtor_id)
        .await?
        .ok_or_else(|| UserError::not_found("noticeId", "validation notice"))?;
    check_address(tx, &person, point).await?;
    if !is_email {
        let message = "Leave this out: it is for e-mail.";
        return Err(UserError::invalid("contactPointId", message).into());
    }
    if !notice.names_electronic_means {
        let message = "This notice does not say how to dispute electronically, as one by e-mail must (12 CFR \
                       1006.34(c)(3)(v)): give the business an e-mail address with updateBusinessSettings(company.email), \
                       then generate a new one.";
        return Err(conflict("method", message));
    }
    if dates.initial_communication_on.is_none() {
        return Ok(());
    }
    check_consent(tx, keys, point, at).await
}

async fn settle(
    tx: &mut TenantTx,
    notice: &NoticeRow,
    provision: &Provision,
    (provided_at, provided_on, period): (DateTime<Utc>, NaiveDate, &Period),
    before: ValidationDates,
) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE validation_notices SET status = 'PROVIDED', method = $3, contact_point_id = $4, provided_at = $5,
             provided_on = $6, assumed_received_on = $7, provision_recorded_by = $8, provision_recorded_at = $9,
             initial_communication_before = $10, notice_before = $11, period_end_before = $12
         WHERE business_id = $1 AND id = $2 AND status = 'READY'",
        business,
        notice.id,
        provision.method.as_str(),
        provision.contact_point_id,
        provided_at,
        provided_on,
        period.assumed_received_on,
        user,
        now,
        before.initial_communication_on,
        before.notice_on,
        before.period_ends_on,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
