//! A notice came back, by post or as a bounce: it was not provided (12 CFR 1006.42(a); comment 42(a)(2)).

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    NoticeMethod, NoticeStatus, conflict,
    provide::{locked, tell},
};
use crate::{
    access::{Cell, authorize},
    accounts::{ValidationDates, set_validation_dates},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::UserError,
    },
};

/// Records that a notice came back. What the account says goes back to the last notice that was provided, or to what it said
/// before the first of them.
///
/// # Errors
/// User errors: NOT_FOUND for a notice that is not there, CONFLICT for one that was not provided or was handed over, INVALID_INPUT
/// for an instant that lies ahead or before it was provided.
pub async fn record_returned(
    tx: &mut TenantTx,
    id: Uuid,
    returned_at: Option<DateTime<Utc>>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ValidationNoticeManage)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (notice, dates) = locked(tx, id).await?;
    let provided_at = match (notice.status(), notice.provided_at) {
        (Some(NoticeStatus::Provided), Some(at)) => at,
        _ => {
            let message = "Only a notice that was provided comes back, once.";
            return Err(conflict("noticeId", message));
        }
    };
    if notice.method.as_deref() == Some(NoticeMethod::InPerson.as_str()) {
        return Err(conflict("noticeId", "What was handed over does not come back."));
    }
    let returned_at = returned_at.unwrap_or(tx.now());
    if returned_at > tx.now() || returned_at < provided_at {
        let message = "Give an instant between its sending and now.";
        return Err(UserError::invalid("returnedAt", message).into());
    }
    settle(tx, id, returned_at).await?;
    let standing = standing(tx, notice.account_id).await?;
    if standing != dates {
        set_validation_dates(tx, notice.account_id, standing).await?;
    }
    let details = json!({
        "account": notice.account_id, "method": notice.method, "returned_at": returned_at,
        "counts_now": standing.notice_on,
    });
    tx.audit(AuditEntry::plain("validation_notice.returned", id, &details).about(Some(notice.debtor_id)));
    tell(tx, &notice);
    Ok(())
}

async fn settle(tx: &mut TenantTx, id: Uuid, returned_at: DateTime<Utc>) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE validation_notices SET status = 'RETURNED', returned_at = $3, return_recorded_by = $4, return_recorded_at = $5
         WHERE business_id = $1 AND id = $2 AND status = 'PROVIDED'",
        business,
        id,
        returned_at,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the account says once this notice came back: the newest notice that stands, else what it said before the first. A
/// notice that nobody got told nobody of the debt, so that another notice or message may be the initial communication now.
async fn standing(tx: &mut TenantTx, account: Uuid) -> Result<ValidationDates, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ValidationDates,
        r#"WITH provided AS (
             SELECT * FROM validation_notices
             WHERE business_id = $1 AND account_id = $2 AND status IN ('PROVIDED', 'RETURNED')),
           first AS (SELECT * FROM provided ORDER BY provision_recorded_at, id LIMIT 1),
           newest AS (SELECT * FROM provided WHERE status = 'PROVIDED' ORDER BY provided_on DESC, id DESC LIMIT 1)
           SELECT least(first.initial_communication_before,
                    (SELECT min(p.provided_on) FROM provided p WHERE p.status = 'PROVIDED'),
                    -- UTC-12 is the last to leave a day: the debtor's own date is no earlier.
                    (SELECT min((t.started_at AT TIME ZONE 'UTC' - interval '12 hours')::date) FROM accounts a
                     JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
                     JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
                     JOIN conversations c ON c.business_id = g.business_id AND c.debtor_id = g.id
                     JOIN messages m ON m.business_id = c.business_id AND m.conversation_id = c.id
                     JOIN delivery_attempts t ON t.business_id = m.business_id AND t.message_id = m.id
                     WHERE a.business_id = $1 AND a.id = $2 AND m.direction = 'OUTBOUND' AND m.sent_at IS NOT NULL
                       AND t.state = 'ACCEPTED'
                       AND (c.account_id = a.id OR c.account_id IS NULL AND t.started_at >= a.created_at)))
                    AS initial_communication_on,
                CASE WHEN newest.id IS NULL THEN first.notice_before ELSE newest.provided_on END AS notice_on,
                CASE WHEN newest.id IS NULL THEN first.period_end_before ELSE newest.period_ends_on END AS period_ends_on
           FROM first LEFT JOIN newest ON true"#,
        business,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}
