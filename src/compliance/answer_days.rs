//! How long a business gives itself to answer disputes and complaints.

use chrono::TimeDelta;

use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    gql::UserError,
};

/// Days to answer a dispute. The law sets no term: until the answer, collection may not go on.
const FOR_DISPUTES: i32 = 30;
/// Days to answer a complaint: those that the CFPB gives a company for the complaints that it passes on (12 USC 5534(b) asks for
/// a timely response).
const FOR_COMPLAINTS: i32 = 15;
/// Most days of either.
const MOST: i32 = 60;

/// How long the business gives itself to answer, in days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnswerDays {
    pub disputes: i32,
    pub complaints: i32,
}

impl AnswerDays {
    pub(super) fn for_disputes(self) -> TimeDelta {
        TimeDelta::days(i64::from(self.disputes))
    }

    pub(super) fn for_complaints(self) -> TimeDelta {
        TimeDelta::days(i64::from(self.complaints))
    }
}

/// What the business has chosen, or the service's 30 and 15 days.
///
/// # Errors
/// [`DbError`] as met.
pub async fn answer_days(tx: &mut TenantTx) -> Result<AnswerDays, DbError> {
    let business = tx.business_id();
    let chosen = sqlx::query!(
        "SELECT dispute_answer_days, complaint_answer_days FROM businesses WHERE id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(AnswerDays {
        disputes: chosen.dispute_answer_days.unwrap_or(FOR_DISPUTES),
        complaints: chosen.complaint_answer_days.unwrap_or(FOR_COMPLAINTS),
    })
}

/// Chooses the days; the service's own where `None`. What was filed before keeps its term. That the caller may is for whoever
/// asks to check, as is the audit row.
///
/// # Errors
/// INVALID_INPUT outside 1 to 60 days.
pub async fn set_answer_days(
    tx: &mut TenantTx,
    disputes: Option<Option<i32>>,
    complaints: Option<Option<i32>>,
) -> Result<(), OpError> {
    for (field, days) in [
        ("disputeAnswerDays", disputes),
        ("complaintAnswerDays", complaints),
    ] {
        if days.flatten().is_some_and(|days| !(1..=MOST).contains(&days)) {
            let message = "Give 1 to 60 days, or null for the service's own setting.";
            return Err(UserError::invalid(field, message).into());
        }
    }
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE businesses SET dispute_answer_days = CASE WHEN $2 THEN $3 ELSE dispute_answer_days END,
             complaint_answer_days = CASE WHEN $4 THEN $5 ELSE complaint_answer_days END, updated_at = $6
         WHERE id = $1",
        business,
        disputes.is_some(),
        disputes.flatten(),
        complaints.is_some(),
        complaints.flatten(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
