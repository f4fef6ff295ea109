//! SQL of complaints, read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    keys::WrappedKey,
};

/// A complaint, its texts sealed.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct ComplaintRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) account_id: Option<Uuid>,
    pub(in crate::compliance) about: String,
    pub(in crate::compliance) channel: String,
    pub(in crate::compliance) regulator: Option<String>,
    pub(in crate::compliance) reference_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) words_cipher: Vec<u8>,
    pub(in crate::compliance) resolution_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) received_at: DateTime<Utc>,
    pub(in crate::compliance) status: String,
    pub(in crate::compliance) due_at: DateTime<Utc>,
    pub(in crate::compliance) outcome: Option<String>,
    pub(in crate::compliance) resolved_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) resolved_by: Option<Uuid>,
    pub(in crate::compliance) filed_by: Option<Uuid>,
    pub(in crate::compliance) filed_at: DateTime<Utc>,
    pub(in crate::compliance) updated_at: DateTime<Utc>,
    pub(in crate::compliance) key_id: Uuid,
    pub(in crate::compliance) key_version: i32,
    pub(in crate::compliance) wrapped: Option<Vec<u8>>,
}

impl ComplaintRow {
    /// The person's record key.
    pub(in crate::compliance) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }
}

/// Which complaints a list shows.
#[derive(Clone, Debug, Default)]
pub(in crate::compliance) struct ComplaintCriteria {
    pub(in crate::compliance) id: Option<Uuid>,
    pub(in crate::compliance) statuses: Option<Vec<String>>,
    pub(in crate::compliance) about: Option<Vec<String>>,
    /// Those that are not over and due before.
    pub(in crate::compliance) due_before: Option<DateTime<Utc>>,
    pub(in crate::compliance) account: Option<Uuid>,
    /// Of all records of the person.
    pub(in crate::compliance) debtor: Option<Uuid>,
    /// Those of which it was told that they are due soon, or overdue.
    pub(in crate::compliance) told: bool,
    pub(in crate::compliance) past: Option<Uuid>,
}

/// Complaints within the caller's scope, newest first.
pub(in crate::compliance) async fn complaints(
    tx: &mut TenantTx,
    criteria: &ComplaintCriteria,
    limit: i64,
) -> Result<Vec<ComplaintRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        ComplaintRow,
        r#"SELECT t.id, t.debtor_id, t.account_id, t.about, t.channel, t.regulator, t.reference_cipher, t.words_cipher,
                t.resolution_cipher, t.received_at, t.status, t.due_at, t.outcome, t.resolved_at, t.resolved_by, t.filed_by,
                t.filed_at, t.updated_at, k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM complaints t
         JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         LEFT JOIN accounts a ON a.business_id = t.business_id AND a.id = t.account_id
         WHERE t.business_id = $1
           AND ($2::uuid IS NULL OR t.id = $2) AND ($3::text[] IS NULL OR t.status = ANY($3))
           AND ($4::text[] IS NULL OR t.about = ANY($4))
           AND ($5::timestamptz IS NULL OR (t.due_at < $5 AND t.status <> 'RESOLVED'))
           AND ($6::uuid IS NULL OR t.account_id = $6)
           AND ($7::uuid IS NULL OR t.debtor_id = ANY(ARRAY(
               SELECT g.id FROM debtors q JOIN debtors g ON g.business_id = q.business_id AND g.person_id = q.person_id
               WHERE q.business_id = $1 AND q.id = $7)))
           AND (NOT $8 OR (t.status <> 'RESOLVED' AND (t.told_soon_at IS NOT NULL OR t.told_overdue_at IS NOT NULL)))
           AND ($9::uuid IS NULL OR t.id < $9)
           -- Of no one debt: whoever sees one of the person's debts sees it.
           AND ($10::uuid IS NULL OR (t.account_id IS NOT NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $10))
             OR (t.account_id IS NULL AND EXISTS (
               SELECT FROM debtors g JOIN accounts v ON v.business_id = g.business_id AND v.debtor_id = g.id
               WHERE g.business_id = $1 AND g.person_id = d.person_id AND v.deleted_at IS NULL
                 AND (v.assigned_agent_id IS NULL OR v.assigned_agent_id = $10))))
         ORDER BY t.id DESC LIMIT $11"#,
        business,
        criteria.id,
        criteria.statuses.as_deref(),
        criteria.about.as_deref(),
        criteria.due_before,
        criteria.account,
        criteria.debtor,
        criteria.told,
        criteria.past,
        scope,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One complaint within the caller's scope.
pub(in crate::compliance) async fn complaint_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<ComplaintRow>, DbError> {
    let criteria = ComplaintCriteria {
        id: Some(id),
        ..ComplaintCriteria::default()
    };
    Ok(complaints(tx, &criteria, 1).await?.pop())
}
