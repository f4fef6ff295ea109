//! What providers have approved for a business: that a route carries texts about debts, the registration of its brand and
//! campaign, collection over WhatsApp. Of most of them no vendor tells by an API: the platform's staff records what the
//! provider wrote, and the gate asks for what stands at the instant of its decision.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Identity,
    platform_staff::authorize_operator,
    platform_store::lock_business,
    suspend_business::{check_reason, conflict, record},
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    db::{DbError, SystemTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
    ids,
};

/// Approvals of one business, those that ended too.
const MOST: usize = 100;

/// What was approved.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ProviderApprovalKind {
    /// That the provider of text messages carries those of a collector for others (Twilio errors 30460 and 30863). Without
    /// it such a business texts nobody.
    SmsRoute,
    /// The registration of brand and campaign for text messages with the carriers (TCR; for a toll-free number, its
    /// verification). Without it no business texts anybody.
    #[graphql(name = "SMS_CAMPAIGN_10DLC")]
    SmsCampaign10Dlc,
    /// Meta's approval of collection over WhatsApp, which its policy forbids otherwise.
    #[graphql(name = "WHATSAPP")]
    WhatsApp,
    /// The agreement with this platform as a business associate (45 CFR 164.504(e)), with its reference. Without it nobody is
    /// contacted about a medical debt.
    BusinessAssociateAgreement,
}

impl ProviderApprovalKind {
    const ALL: [Self; 4] = [
        Self::SmsRoute,
        Self::SmsCampaign10Dlc,
        Self::WhatsApp,
        Self::BusinessAssociateAgreement,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SmsRoute => "SMS_ROUTE",
            Self::SmsCampaign10Dlc => "SMS_CAMPAIGN_10DLC",
            Self::WhatsApp => "WHATSAPP",
            Self::BusinessAssociateAgreement => "BUSINESS_ASSOCIATE_AGREEMENT",
        }
    }

    /// The reverse of [`ProviderApprovalKind::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An approval about to be recorded.
#[derive(Clone, Debug)]
pub struct NewApproval<'a> {
    pub business: Uuid,
    pub kind: ProviderApprovalKind,
    /// The provider's own name for it.
    pub reference: &'a str,
    pub valid_from: DateTime<Utc>,
    /// From then on it counts no more; none where it has no end.
    pub valid_until: Option<DateTime<Utc>>,
}

/// An approval as it stands.
#[derive(Clone, Debug)]
pub(super) struct ApprovalRow {
    pub(super) id: Uuid,
    pub(super) business_id: Uuid,
    pub(super) kind: String,
    pub(super) reference: String,
    pub(super) valid_from: DateTime<Utc>,
    pub(super) valid_until: Option<DateTime<Utc>>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
    pub(super) withdrawal_reason: Option<String>,
}

impl ApprovalRow {
    /// Whether the gate counts it at this instant.
    pub(super) fn stands_at(&self, now: DateTime<Utc>) -> bool {
        let has_ended = self.valid_until.is_some_and(|until| until <= now);
        self.withdrawn_at.is_none() && self.valid_from <= now && !has_ended
    }

    /// Whether it speaks of the same approval at the same time.
    fn overlaps(&self, new: &NewApproval<'_>) -> bool {
        let ends_before = self.valid_until.is_some_and(|until| until <= new.valid_from);
        let begins_after = new.valid_until.is_some_and(|until| until <= self.valid_from);
        self.withdrawn_at.is_none()
            && self.kind == new.kind.as_str()
            && self.reference == new.reference
            && !ends_before
            && !begins_after
    }
}

/// Records what a provider has approved. Returns its id.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND, CONFLICT for a deleted business and for what stands on record already,
/// QUOTA_EXCEEDED past a hundred.
pub(super) async fn record_approval<'a>(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    business: Uuid,
    asked: impl FnOnce(DateTime<Utc>) -> NewApproval<'a>,
) -> Result<Uuid, OpError> {
    let ctx = SystemCtx::for_reason("approval of a provider", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = lock_business(&mut tx, business)
        .await?
        .ok_or_else(|| UserError::not_found("businessId", "business"))?;
    if found.deleted_at.is_some() {
        return Err(conflict("This business is deleted: restore it first."));
    }
    let new = checked(asked(tx.now()), tx.now())?;
    let known = approvals_of(tx.conn(), &[business]).await?;
    if known.iter().any(|row| row.overlaps(&new)) {
        let message = "This approval stands on record for that time: let another begin where it ends, or withdraw it first.";
        return Err(UserError::at(UserErrorCode::Conflict, "reference", message).into());
    }
    if known.len() >= MOST {
        let message = "A hundred approvals of this business are on record.";
        return Err(UserError::at(UserErrorCode::QuotaExceeded, "businessId", message).into());
    }
    let id = insert_approval(&mut tx, &new, Some(operator)).await?;
    let details = json!({
        "approval": id, "kind": new.kind.as_str(), "reference": new.reference, "valid_from": new.valid_from,
        "valid_until": new.valid_until,
    });
    record(
        &mut tx,
        operator,
        business,
        "provider_approval.recorded",
        &details,
    );
    tx.commit().await?;
    Ok(id)
}

/// Withdraws an approval: from the next decision on it counts no more. That it stood stays on record.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND, CONFLICT for one that was withdrawn.
pub(super) async fn withdraw_approval(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    (business, id): (Uuid, Uuid),
    reason: &str,
) -> Result<(), OpError> {
    let reason = check_reason(reason)?;
    let ctx = SystemCtx::for_reason("withdrawal of a provider's approval", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    lock_business(&mut tx, business)
        .await?
        .ok_or_else(|| UserError::not_found("businessId", "business"))?;
    let known = approvals_of(tx.conn(), &[business]).await?;
    let found = known.iter().find(|row| row.id == id);
    let found = found.ok_or_else(|| UserError::not_found("approvalId", "approval"))?;
    if found.withdrawn_at.is_some() {
        let message = "This approval was withdrawn already.";
        return Err(UserError::at(UserErrorCode::Conflict, "approvalId", message).into());
    }
    let now = tx.now();
    sqlx::query!(
        "UPDATE provider_approvals SET withdrawn_at = $3, withdrawn_by = $4, withdrawal_reason = $5
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
        operator,
        reason,
    )
    .execute(tx.conn())
    .await?;
    let details =
        json!({ "approval": id, "kind": found.kind, "reference": found.reference, "reason": reason });
    record(
        &mut tx,
        operator,
        business,
        "provider_approval.withdrawn",
        &details,
    );
    Ok(tx.commit().await?)
}

fn checked(new: NewApproval<'_>, now: DateTime<Utc>) -> Result<NewApproval<'_>, UserError> {
    let reference = new.reference.trim();
    let is_plain = reference.chars().all(|c| !c.is_control());
    if !(1..=200).contains(&reference.chars().count()) || !is_plain {
        let message = "Give the provider's own name for it, such as the id of a case or a campaign, in 1 to 200 characters.";
        return Err(UserError::invalid("reference", message));
    }
    if new
        .valid_until
        .is_some_and(|until| until <= new.valid_from || until <= now)
    {
        let message = "It would have ended before it begins, or already.";
        return Err(UserError::invalid("validUntil", message));
    }
    Ok(NewApproval { reference, ..new })
}

/// Stores an approval; by nobody where the service itself makes it, for demo and tests.
///
/// # Errors
/// [`DbError`] as met.
pub async fn insert_approval(
    tx: &mut SystemTx,
    new: &NewApproval<'_>,
    by: Option<Uuid>,
) -> Result<Uuid, DbError> {
    let (id, now) = (ids::next(), tx.now());
    sqlx::query!(
        "INSERT INTO provider_approvals (business_id, id, kind, reference, valid_from, valid_until, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.business,
        id,
        new.kind.as_str(),
        new.reference,
        new.valid_from,
        new.valid_until,
        now,
        by,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// All approvals of these businesses, newest first.
pub(super) async fn approvals_of(
    connection: &mut PgConnection,
    businesses: &[Uuid],
) -> Result<Vec<ApprovalRow>, DbError> {
    Ok(sqlx::query_as!(
        ApprovalRow,
        "SELECT business_id, id, kind, reference, valid_from, valid_until, recorded_at, withdrawn_at, withdrawal_reason
         FROM provider_approvals WHERE business_id = ANY($1) ORDER BY id DESC",
        businesses,
    )
    .fetch_all(connection)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> DateTime<Utc> {
        chrono::TimeZone::with_ymd_and_hms(&Utc, 2026, 11, day, 12, 0, 0).unwrap()
    }

    fn row(from: u32, until: Option<u32>) -> ApprovalRow {
        ApprovalRow {
            id: Uuid::nil(),
            business_id: Uuid::nil(),
            kind: "SMS_ROUTE".to_owned(),
            reference: "Case 1".to_owned(),
            valid_from: at(from),
            valid_until: until.map(at),
            recorded_at: at(1),
            withdrawn_at: None,
            withdrawal_reason: None,
        }
    }

    #[test]
    fn an_approval_stands_from_its_beginning_until_its_end_and_not_at_it() {
        let dated = row(10, Some(20));
        let stands: Vec<bool> = [9, 10, 19, 20].map(|day| dated.stands_at(at(day))).into();
        assert_eq!(stands, [false, true, true, false]);
        assert!(row(10, None).stands_at(at(28)));
        let withdrawn = ApprovalRow {
            withdrawn_at: Some(at(12)),
            ..row(10, None)
        };
        assert!(!withdrawn.stands_at(at(13)));
    }

    #[test]
    fn a_renewal_begins_where_the_one_before_ends() {
        let new = |from, until: Option<u32>, reference| NewApproval {
            business: Uuid::nil(),
            kind: ProviderApprovalKind::SmsRoute,
            reference,
            valid_from: at(from),
            valid_until: until.map(at),
        };
        let known = row(10, Some(20));
        assert!(!known.overlaps(&new(20, None, "Case 1")));
        assert!(!known.overlaps(&new(5, Some(10), "Case 1")));
        assert!(known.overlaps(&new(19, None, "Case 1")));
        assert!(!known.overlaps(&new(19, None, "Case 2")));
        assert!(row(10, None).overlaps(&new(25, None, "Case 1")));
    }
}
