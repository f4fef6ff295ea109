//! SQL of privacy requests.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus};
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
    keys::WrappedKey,
};

/// A request as the database holds it.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct PrivacyRequestRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) kind: String,
    pub(in crate::compliance) regime: String,
    pub(in crate::compliance) status: String,
    pub(in crate::compliance) reason_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) answer_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) received_at: DateTime<Utc>,
    pub(in crate::compliance) due_at: DateTime<Utc>,
    pub(in crate::compliance) recorded_by: Option<Uuid>,
    pub(in crate::compliance) decision: Option<serde_json::Value>,
    pub(in crate::compliance) kept_until: Option<NaiveDate>,
    pub(in crate::compliance) closed_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) closed_by: Option<Uuid>,
    /// The person's record key.
    pub(in crate::compliance) key: WrappedKey,
}

/// A request about to be written down.
pub(super) struct NewRow<'a> {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) kind: PrivacyRequestKind,
    pub(super) regime: PrivacyRegime,
    pub(super) status: PrivacyRequestStatus,
    pub(super) reason_cipher: Option<Vec<u8>>,
    pub(super) received_at: DateTime<Utc>,
    /// The account of the session in which the debtor asked for it themselves.
    pub(super) own_account: Option<Uuid>,
    pub(super) erasure: Option<&'a Erasure>,
}

/// What the rules said about an erasure.
pub(super) struct Erasure {
    pub(super) decision: serde_json::Value,
    pub(super) facts_cipher: Option<Vec<u8>>,
    pub(super) kept_until: Option<NaiveDate>,
}

pub(super) async fn insert(tx: &mut TenantTx, row: NewRow<'_>) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let closed_at = (row.status == PrivacyRequestStatus::Denied
        || row.status == PrivacyRequestStatus::Completed)
        .then_some(now);
    sqlx::query!(
        "INSERT INTO privacy_requests (business_id, id, debtor_id, kind, regime, status, reason_cipher, received_at, due_at,
             recorded_by, recorded_at, decision, facts_cipher, kept_until, closed_at, own_account_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        business,
        row.id,
        row.debtor_id,
        row.kind.as_str(),
        row.regime.as_str(),
        row.status.as_str(),
        row.reason_cipher,
        row.received_at,
        row.regime.due_at(row.kind, row.received_at),
        user,
        now,
        row.erasure.map(|erasure| &erasure.decision),
        row.erasure.and_then(|erasure| erasure.facts_cipher.as_deref()),
        row.erasure.and_then(|erasure| erasure.kept_until),
        closed_at,
        row.own_account,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes down how an erasure ended.
pub(super) async fn end_erasure(
    tx: &mut TenantTx,
    id: Uuid,
    status: PrivacyRequestStatus,
    erasure: &Erasure,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE privacy_requests SET status = $3, closed_at = $4, decision = $5, kept_until = $6,
             facts_cipher = coalesce($7, facts_cipher)
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        status.as_str(),
        now,
        erasure.decision,
        erasure.kept_until,
        erasure.facts_cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes a request that is open, or whose archive is not ready; false when it was answered, or is being done.
pub(super) async fn close(
    tx: &mut TenantTx,
    id: Uuid,
    status: PrivacyRequestStatus,
    answer_cipher: Option<&[u8]>,
) -> Result<bool, DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let closed = sqlx::query!(
        "UPDATE privacy_requests SET status = $3, closed_at = $4, closed_by = $5, answer_cipher = $6
         WHERE business_id = $1 AND id = $2 AND (status = 'OPEN' OR (status = 'RUNNING' AND kind <> 'ERASURE'))",
        business,
        id,
        status.as_str(),
        now,
        user,
        answer_cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(closed.rows_affected() > 0)
}

/// Which requests a list shows.
#[derive(Clone, Debug, Default)]
pub(in crate::compliance) struct PrivacyCriteria {
    pub(in crate::compliance) id: Option<Uuid>,
    /// Of this person, on whichever of their records.
    pub(in crate::compliance) debtor: Option<Uuid>,
    pub(in crate::compliance) kinds: Option<Vec<String>>,
    pub(in crate::compliance) statuses: Option<Vec<String>>,
    /// Only what is not answered and was due before.
    pub(in crate::compliance) due_before: Option<DateTime<Utc>>,
}

/// A page of requests, newest first.
pub(in crate::compliance) async fn privacy_requests(
    tx: &mut TenantTx,
    criteria: &PrivacyCriteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<PrivacyRequestRow>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT r.id, r.debtor_id, r.kind, r.regime, r.status, r.reason_cipher, r.answer_cipher, r.received_at, r.due_at,
                r.recorded_by, r.decision, r.kept_until, r.closed_at, r.closed_by, k.id AS key_id, k.business_key_version,
                k.wrapped
         FROM privacy_requests r
         JOIN debtors d ON d.business_id = r.business_id AND d.id = r.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE r.business_id = $1 AND ($2::uuid IS NULL OR r.id < $2) AND ($3::uuid IS NULL OR r.id = $3)
           AND ($4::uuid IS NULL OR r.debtor_id = ANY(ARRAY(
               SELECT g.id FROM debtors o JOIN debtors g ON g.business_id = o.business_id AND g.person_id = o.person_id
               WHERE o.business_id = $1 AND o.id = $4)))
           AND ($5::text[] IS NULL OR r.kind = ANY($5)) AND ($6::text[] IS NULL OR r.status = ANY($6))
           AND ($7::timestamptz IS NULL OR (r.closed_at IS NULL AND r.due_at < $7))
         ORDER BY r.id DESC LIMIT $8",
        business,
        past,
        criteria.id,
        criteria.debtor,
        criteria.kinds.as_deref(),
        criteria.statuses.as_deref(),
        criteria.due_before,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PrivacyRequestRow {
            id: row.id,
            debtor_id: row.debtor_id,
            kind: row.kind,
            regime: row.regime,
            status: row.status,
            reason_cipher: row.reason_cipher,
            answer_cipher: row.answer_cipher,
            received_at: row.received_at,
            due_at: row.due_at,
            recorded_by: row.recorded_by,
            decision: row.decision,
            kept_until: row.kept_until,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        })
        .collect())
}

/// One request.
pub(in crate::compliance) async fn privacy_request_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<PrivacyRequestRow>, DbError> {
    let criteria = PrivacyCriteria {
        id: Some(id),
        ..PrivacyCriteria::default()
    };
    let page = PageRequest::one();
    Ok(privacy_requests(tx, &criteria, &page, None).await?.pop())
}
