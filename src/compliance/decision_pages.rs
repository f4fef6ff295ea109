//! Stored decisions, page by page, and the facts that they were made of.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::{PageOf, PagesOf},
    platform::{
        db::{DbError, TenantTx},
        keys::WrappedKey,
    },
};

/// A stored decision, as it is read.
#[derive(Clone, Debug)]
pub(super) struct DecisionRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) decision: serde_json::Value,
    pub(super) decided_at: DateTime<Utc>,
}

/// The same, with the number of the page that it stands on.
struct PagedDecision {
    nth: i64,
    id: Uuid,
    debtor_id: Uuid,
    decision: serde_json::Value,
    decided_at: DateTime<Utc>,
}

impl PagedDecision {
    fn with_page(self) -> (i64, DecisionRow) {
        let Self {
            nth,
            id,
            debtor_id,
            decision,
            decided_at,
        } = self;
        let row = DecisionRow {
            id,
            debtor_id,
            decision,
            decided_at,
        };
        (nth, row)
    }
}

/// The decisions of one page.
pub(super) type Decisions = Arc<Vec<DecisionRow>>;

/// What was decided last comes first. The accounts were read within the caller's scope; of a message in a colleague's thread an agent sees no decision, whosever the account is.
pub(super) async fn decisions_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Decisions>, DbError> {
    let (business, agent) = (tx.business_id(), tx.ctx().agent_scope());
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query_as!(
            PagedDecision,
            r#"SELECT p.nth AS "nth!", d.id AS "id!", d.debtor_id AS "debtor_id!", d.decision AS "decision!",
                    d.decided_at AS "decided_at!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(account_id, past, nth)
             CROSS JOIN LATERAL (
                SELECT x.id, x.debtor_id, x.decision, x.decided_at FROM decisions x
                WHERE x.business_id = $1 AND x.account_id = p.account_id AND (p.past IS NULL OR x.id < p.past)
                  AND NOT EXISTS (SELECT FROM app.colleagues_threads(x.business_id, x.debtor_id, x.id, $4))
                ORDER BY x.id DESC LIMIT $5) d
             ORDER BY p.nth, d.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            agent,
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        found.extend(group.filled(rows.into_iter().map(PagedDecision::with_page)));
    }
    Ok(found)
}

/// What was decided of contacts with people, on whichever of their records, the last first. The people were read within the
/// caller's scope; an agent sees nothing of a colleague's account, nor of a message in a colleague's thread.
pub(super) async fn decisions_of_people(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Decisions>, DbError> {
    let (business, agent) = (tx.business_id(), tx.ctx().agent_scope());
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query_as!(
            PagedDecision,
            r#"SELECT p.nth AS "nth!", d.id AS "id!", d.debtor_id AS "debtor_id!", d.decision AS "decision!",
                    d.decided_at AS "decided_at!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(debtor_id, past, nth)
             JOIN debtors o ON o.business_id = $1 AND o.id = p.debtor_id
             CROSS JOIN LATERAL (
                SELECT y.id, y.debtor_id, y.decision, y.decided_at FROM debtors g
                CROSS JOIN LATERAL (
                    SELECT x.id, x.debtor_id, x.decision, x.decided_at FROM decisions x
                    WHERE x.business_id = $1 AND x.debtor_id = g.id AND (p.past IS NULL OR x.id < p.past)
                      AND ($4::uuid IS NULL OR NOT EXISTS (
                          SELECT FROM accounts a
                          WHERE a.business_id = x.business_id AND a.id = x.account_id AND a.assigned_agent_id <> $4))
                      AND NOT EXISTS (SELECT FROM app.colleagues_threads(x.business_id, x.debtor_id, x.id, $4))
                    ORDER BY x.id DESC LIMIT $5) y
                WHERE g.business_id = $1 AND g.person_id = o.person_id
                ORDER BY y.id DESC LIMIT $5) d
             ORDER BY p.nth, d.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            agent,
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        found.extend(group.filled(rows.into_iter().map(PagedDecision::with_page)));
    }
    Ok(found)
}

/// Facts, sealed under the person's record key.
#[derive(Clone, Debug)]
pub(super) struct SealedFacts {
    pub(super) cipher: Vec<u8>,
    pub(super) key: WrappedKey,
}

/// The facts of these decisions, which were read within the caller's scope.
pub(super) async fn facts_of(
    tx: &mut TenantTx,
    decisions: &[Uuid],
) -> Result<HashMap<Uuid, Arc<SealedFacts>>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT d.id, d.facts_cipher, k.id AS key_id, k.business_key_version, k.wrapped
         FROM decisions d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.key_id
         WHERE d.business_id = $1 AND d.id = ANY($2)",
        business,
        decisions,
    )
    .fetch_all(tx.conn())
    .await?;
    let facts = rows.into_iter().map(|row| {
        let key = WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        };
        let cipher = row.facts_cipher;
        (row.id, Arc::new(SealedFacts { cipher, key }))
    });
    Ok(facts.collect())
}
