//! SQL of what changes on a dispute, and of its marks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    DisputeAnswer, DisputeOutcome, DisputeStatus,
    store::{DisputeCriteria, DisputeRow, disputes},
};
use crate::{
    accounts::AccountStatus,
    platform::db::{DbError, TenantTx},
};

/// The hold that marks the debt, or the person, as disputed.
pub(super) async fn standing_mark(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
) -> Result<Uuid, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM holds WHERE business_id = $1 AND debtor_id = $2 AND account_id IS NOT DISTINCT FROM $3
           AND kind = 'DISPUTE' AND lifted_at IS NULL",
        business,
        debtor,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Whether an unanswered dispute of the debt, or of all of the person's, stops collection until its answer: it is in writing
/// and in time (12 CFR 1006.38(d)), or held on by the business, or nobody there has looked at it.
pub(super) async fn is_ceased(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM disputes
             WHERE business_id = $1 AND debtor_id = $2 AND (account_id IS NULL OR account_id = $3) AND kind = 'DISPUTE'
               AND verification_sent_at IS NULL AND duplicative_notice_sent_at IS NULL
               AND outcome IS DISTINCT FROM 'WITHDRAWN'
               AND (held_by_choice OR looked_at IS NULL OR (written AND within_validation_period))) AS "ceased!""#,
        business,
        debtor,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Whether an unanswered request for the original creditor of the debt, or of all of the person's, stops collection until its
/// answer (12 CFR 1006.38(c)), as [`is_ceased`] says it of disputes.
pub(super) async fn is_asked(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM disputes
             WHERE business_id = $1 AND debtor_id = $2 AND (account_id IS NULL OR account_id = $3)
               AND requests_original_creditor AND original_creditor_sent_at IS NULL AND outcome IS DISTINCT FROM 'WITHDRAWN'
               AND (held_by_choice OR looked_at IS NULL OR (written AND within_validation_period))) AS "asked!""#,
        business,
        debtor,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The dispute's hold, and the status that its account had. Of an account that was disputed already, what it had before that.
pub(super) async fn set_mark(
    tx: &mut TenantTx,
    id: Uuid,
    hold: Uuid,
    before: Option<AccountStatus>,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE disputes t SET hold_id = $3, status_before = coalesce($4, (
             SELECT e.status_before FROM disputes e
             WHERE e.business_id = $1 AND e.account_id = t.account_id AND e.status <> 'RESOLVED'
               AND e.status_before IS NOT NULL AND e.id <> t.id
             ORDER BY e.id DESC LIMIT 1))
         WHERE t.business_id = $1 AND t.id = $2",
        business,
        id,
        hold,
        before.map(AccountStatus::as_str),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a dispute that wait for an answer, or never got one, rests on the hold.
pub(super) async fn is_mark_needed(tx: &mut TenantTx, hold: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM disputes WHERE business_id = $1 AND hold_id = $2 AND (status IN ('OPEN', 'VERIFYING')
             OR (outcome = 'CLOSED_ACCOUNT' AND verification_sent_at IS NULL AND duplicative_notice_sent_at IS NULL)))
           AS "needed!""#,
        business,
        hold,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The disputes of a hold that were never answered, those among them over which the account was closed.
pub(super) async fn unanswered_of_hold(tx: &mut TenantTx, hold: Uuid) -> Result<Vec<DisputeRow>, DbError> {
    let business = tx.business_id();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM disputes WHERE business_id = $1 AND hold_id = $2 AND (status IN ('OPEN', 'VERIFYING')
           OR (outcome = 'CLOSED_ACCOUNT' AND verification_sent_at IS NULL AND duplicative_notice_sent_at IS NULL))
         ORDER BY id LIMIT 100",
        business,
        hold,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let criteria = DisputeCriteria {
            id: Some(id),
            ..DisputeCriteria::default()
        };
        rows.extend(disputes(tx, &criteria, 1).await?);
    }
    Ok(rows)
}

/// The status that the account is to have now that a dispute of it is over; nothing while another one is not.
pub(super) async fn status_when_over(tx: &mut TenantTx, account: Uuid) -> Result<Option<String>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM disputes WHERE business_id = $1 AND account_id = $2 AND kind = 'DISPUTE'
                    AND status <> 'RESOLVED') AS "others!",
                (SELECT status_before FROM disputes WHERE business_id = $1 AND account_id = $2 AND status_before IS NOT NULL
                 ORDER BY id DESC LIMIT 1) AS before"#,
        business,
        account,
    )
    .fetch_one(tx.conn())
    .await?;
    let before = row
        .before
        .unwrap_or_else(|| AccountStatus::Active.as_str().to_owned());
    Ok((!row.others).then_some(before))
}

/// A person of the business has looked at the dispute, or at those of the hold; and with that at what the hold's text says.
/// With `hold_collection` collection pauses until the answer, whatever the dates say.
pub(super) async fn set_looked_at(
    tx: &mut TenantTx,
    (id, hold): (Option<Uuid>, Option<Uuid>),
    hold_collection: bool,
) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let holds = sqlx::query_scalar!(
        "UPDATE disputes SET looked_at = coalesce(looked_at, $4), held_by_choice = held_by_choice OR $5
         WHERE business_id = $1 AND (id = $2 OR hold_id = $3) AND status IN ('OPEN', 'VERIFYING') RETURNING hold_id",
        business,
        id,
        hold,
        now,
        hold_collection,
    )
    .fetch_all(tx.conn())
    .await?;
    let holds: Vec<Uuid> = holds.into_iter().flatten().collect();
    sqlx::query!(
        "UPDATE holds SET confirmed_at = $3, confirmed_by = $4
         WHERE business_id = $1 AND id = ANY($2) AND source = 'INBOUND_TEXT' AND confirmed_at IS NULL AND lifted_at IS NULL",
        business,
        &holds,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_verifying(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE disputes SET status = 'VERIFYING' WHERE business_id = $1 AND id = $2",
        business,
        id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was sent, when first; which dispute it repeats; and whether that is all that is owed.
pub(super) async fn set_sent(
    tx: &mut TenantTx,
    row: &DisputeRow,
    answers: &[DisputeAnswer],
    (sent_at, duplicate_of, answered): (DateTime<Utc>, Option<Uuid>, bool),
) -> Result<(), DbError> {
    let business = tx.business_id();
    let when = |answer: DisputeAnswer| answers.contains(&answer).then_some(sent_at);
    let status = if answered {
        DisputeStatus::VerificationSent
    } else {
        row.status()
    };
    sqlx::query!(
        "UPDATE disputes SET verification_sent_at = coalesce(verification_sent_at, $3),
             duplicative_notice_sent_at = coalesce(duplicative_notice_sent_at, $4),
             original_creditor_sent_at = coalesce(original_creditor_sent_at, $5),
             duplicate_of = coalesce(duplicate_of, $6), status = $7
         WHERE business_id = $1 AND id = $2",
        business,
        row.id,
        when(DisputeAnswer::Verification),
        when(DisputeAnswer::DuplicativeNotice),
        when(DisputeAnswer::OriginalCreditor),
        duplicate_of,
        status.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_resolved(
    tx: &mut TenantTx,
    id: Uuid,
    outcome: DisputeOutcome,
    reason: Option<Vec<u8>>,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE disputes SET status = 'RESOLVED', outcome = $3, resolved_at = $4,
             resolution_cipher = coalesce($5, resolution_cipher)
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        outcome.as_str(),
        now,
        reason,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
