//! What members of staff work on, in numbers; each stops at 10,000.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::platform::db::{DbError, TenantTx};

/// Where no beginning is given.
const LOOK_BACK: TimeDelta = TimeDelta::days(30);

/// Of whom, and in which time: until now, and from thirty days before, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AgentTime {
    pub user: Uuid,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// What they work on, and did in that time.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentWork {
    pub open_threads: i64,
    pub messages_sent: i64,
    pub accounts_worked: i64,
}

/// One statement for all who are asked for in the same time.
pub(super) async fn work_of(
    tx: &mut TenantTx,
    asked: Vec<AgentTime>,
) -> Result<HashMap<AgentTime, AgentWork>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let mut times: HashMap<_, Vec<Uuid>> = HashMap::new();
    for time in asked {
        times.entry((time.from, time.until)).or_default().push(time.user);
    }
    let mut found = HashMap::new();
    for ((from, until), users) in times {
        let end = until.unwrap_or(now);
        let start = from.or_else(|| end.checked_sub_signed(LOOK_BACK)).unwrap_or(end);
        let rows = sqlx::query!(
            r#"SELECT u.id AS "id!", t.threads AS "threads!", w.messages AS "messages!", w.accounts AS "accounts!"
               FROM unnest($2::uuid[]) AS u(id)
               CROSS JOIN LATERAL (
                   SELECT count(*) AS threads FROM (
                       SELECT FROM conversations c
                       WHERE c.business_id = $1 AND c.assigned_agent_id = u.id AND c.status IN ('ACTIVE', 'ESCALATED')
                       LIMIT 10000) few) t
               CROSS JOIN LATERAL (
                   SELECT count(*) AS messages, count(DISTINCT s.account_id) AS accounts FROM (
                       SELECT c.account_id FROM messages m
                       JOIN conversations c ON c.business_id = m.business_id AND c.id = m.conversation_id
                       WHERE m.business_id = $1 AND m.sender_id = u.id AND m.sender_type = 'AGENT'
                         AND m.created_at >= $3 AND m.created_at <= $4 AND m.delivery_status NOT IN ('BLOCKED', 'FAILED')
                       ORDER BY m.created_at DESC LIMIT 10000) s) w"#,
            business,
            &users,
            start,
            end,
        )
        .fetch_all(tx.conn())
        .await?;
        found.extend(rows.into_iter().map(|row| {
            let work = AgentWork {
                open_threads: row.threads,
                messages_sent: row.messages,
                accounts_worked: row.accounts,
            };
            (
                AgentTime {
                    user: row.id,
                    from,
                    until,
                },
                work,
            )
        }));
    }
    Ok(found)
}
