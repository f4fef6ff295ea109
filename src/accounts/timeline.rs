//! What happened to an account, of all kinds in one order: by the ids, which are of the instants in which things were made.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::page_of::{PageOf, PagesOf};
use crate::{
    access::{Cell, authorize},
    platform::db::{DbError, TenantTx},
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct TimelineRow {
    pub(super) account_id: Uuid,
    /// Which table it stands in.
    pub(super) kind: String,
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
}

/// What happened on one page.
pub(super) type Timeline = Arc<Vec<TimelineRow>>;

/// What was made last comes first. The accounts were read within the caller's scope; of each kind only what the caller may read, and nothing of a colleague's threads. Each kind is read in
/// the order of its index, no further than the page; messages, a whole thread at most.
pub(super) async fn timelines(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Timeline>, DbError> {
    let (business, agent) = (tx.business_id(), tx.ctx().agent_scope());
    let may = |cell| authorize(tx.ctx(), cell).is_ok();
    let (ledger, disputes, decisions, threads) = (
        may(Cell::LedgerRead),
        may(Cell::DisputeRead),
        may(Cell::DecisionRead),
        may(Cell::ConversationRead),
    );
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query!(
            r#"SELECT p.nth AS "nth!", t.kind AS "kind!", t.id AS "id!", t.at AS "at!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(account_id, past, nth)
             CROSS JOIN LATERAL (SELECT * FROM (
                (SELECT 'NOTE' AS kind, n.id, n.created_at AS at FROM account_notes n
                 WHERE n.business_id = $1 AND n.account_id = p.account_id AND (p.past IS NULL OR n.id < p.past)
                 ORDER BY n.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'DOCUMENT', d.id, d.created_at FROM account_documents d
                 WHERE d.business_id = $1 AND d.account_id = p.account_id AND d.deleted_at IS NULL
                   AND (p.past IS NULL OR d.id < p.past)
                 ORDER BY d.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'LEDGER_ENTRY', e.id, e.at FROM ledger_entries e
                 WHERE $6 AND e.business_id = $1 AND e.account_id = p.account_id AND (p.past IS NULL OR e.id < p.past)
                 ORDER BY e.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'DISPUTE', s.id, s.received_at FROM disputes s
                 WHERE $7 AND s.business_id = $1 AND s.account_id = p.account_id AND (p.past IS NULL OR s.id < p.past)
                 ORDER BY s.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'DECISION', x.id, x.decided_at FROM decisions x
                 WHERE $8 AND x.business_id = $1 AND x.account_id = p.account_id AND (p.past IS NULL OR x.id < p.past)
                   AND ($4::uuid IS NULL OR NOT EXISTS (
                       SELECT FROM conversations c
                       JOIN messages m ON m.business_id = c.business_id AND m.conversation_id = c.id
                       WHERE c.business_id = x.business_id AND c.debtor_id = x.debtor_id AND c.assigned_agent_id <> $4
                         AND (m.decision_id = x.id OR EXISTS (
                             SELECT FROM delivery_attempts t
                             WHERE t.business_id = m.business_id AND t.message_id = m.id AND t.decision_id = x.id))))
                 ORDER BY x.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'CONVERSATION', c.id, c.created_at FROM conversations c
                 WHERE $9 AND c.business_id = $1 AND c.account_id = p.account_id AND (p.past IS NULL OR c.id < p.past)
                   AND ($4::uuid IS NULL OR c.assigned_agent_id IS NULL OR c.assigned_agent_id = $4)
                 ORDER BY c.id DESC LIMIT $5)
                UNION ALL
                (SELECT 'MESSAGE', m.id, m.created_at FROM conversations c
                 CROSS JOIN LATERAL (
                    SELECT v.id, v.created_at FROM messages v
                    WHERE v.business_id = $1 AND v.conversation_id = c.id AND (p.past IS NULL OR v.id < p.past) OFFSET 0) m
                 WHERE $9 AND c.business_id = $1 AND c.account_id = p.account_id
                   AND ($4::uuid IS NULL OR c.assigned_agent_id IS NULL OR c.assigned_agent_id = $4)
                 ORDER BY m.id DESC LIMIT $5)) AS all_kinds
                ORDER BY id DESC LIMIT $5) t
             ORDER BY p.nth, t.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            agent,
            group.limit,
            ledger,
            disputes,
            decisions,
            threads,
        )
        .fetch_all(tx.conn())
        .await?;
        let rows = rows.into_iter().filter_map(|row| {
            let item = TimelineRow {
                account_id: group.owner(row.nth)?,
                kind: row.kind,
                id: row.id,
                at: row.at,
            };
            Some((row.nth, item))
        });
        let rows: Vec<_> = rows.collect();
        found.extend(group.filled(rows));
    }
    Ok(found)
}
