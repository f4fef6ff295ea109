//! Threads in which a debtor waits and that nobody could be given to when they wrote, or whose agent went away since. What is
//! looked at moves its next look away, so that it does not stand before others for ever.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    choice::Choice,
    give::{Routing, facts_of},
};
use crate::{
    conversations::{
        Conversations,
        assign::{Assignment, assign_all, tell_assigned},
        deliver::job_error,
        store::ConversationRow,
    },
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{DbError, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
    },
};

/// Threads looked at per run; what is left waits a minute.
const AT_MOST: i64 = 200;
/// One that somebody has is looked at again after this: whether they still work.
const HELD: TimeDelta = TimeDelta::minutes(5);

/// Looks at the threads of one business that are due.
#[derive(Debug, Deserialize, Serialize)]
pub struct RouteWaiting {}

impl Job for RouteWaiting {
    const NAME: &'static str = "conversations.route_waiting";
}

/// Finds the businesses that have such threads.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn find_waiting(slice: &Conversations) -> Result<(), JobError> {
    find(slice).await.map_err(job_error)
}

async fn find(slice: &Conversations) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("threads that wait for an agent", "find-waiting");
    let mut tx = slice.db.system(&ctx).await?;
    let now = tx.now();
    let businesses = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM app.businesses_to_route($1) AS id"#,
        now
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    tx.enqueue_all(
        businesses
            .into_iter()
            .map(|business| (Some(business), RouteWaiting {})),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Runs [`RouteWaiting`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn route_waiting(slice: &Conversations, ctx: &TenantCtx) -> Result<(), JobError> {
    route(slice, ctx).await.map_err(job_error)
}

async fn route(slice: &Conversations, ctx: &TenantCtx) -> Result<(), OpError> {
    let mut tx = slice.db.tenant(ctx).await?;
    let threads = lock_due(&mut tx).await?;
    if threads.is_empty() {
        return Ok(());
    }
    let mut routing = Routing::begin(&mut tx).await?;
    let facts = facts_of(&mut tx, &threads).await?;
    let ids: Vec<Uuid> = threads.iter().map(|thread| thread.id).collect();
    let mut assignments = Vec::new();
    for thread in threads {
        let choice = match facts.get(&thread.id) {
            Some(facts) => routing.choose(&tx, facts),
            None => Choice::Stay,
        };
        let (to, rule) = match choice {
            Choice::Give { rule, to } => (Some(to), rule),
            Choice::TakeBack { rule } => (None, rule),
            Choice::Stay => continue,
        };
        assignments.push(Assignment {
            thread,
            to,
            rule: Some(rule),
        });
    }
    assign_all(&mut tx, &mut assignments).await?;
    let given: Vec<Option<Uuid>> = assignments.iter().map(|one| one.to).collect();
    tell_assigned(&mut tx, &given).await?;
    routing.end(&mut tx).await?;
    look_later(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(())
}

/// Those that are due, who wait longest coming first. One on which somebody works at this moment is left for the next run: to
/// wait for it under the lock of routing could be for ever.
async fn lock_due(tx: &mut TenantTx) -> Result<Vec<ConversationRow>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let mut rows = sqlx::query_as!(
        ConversationRow,
        "SELECT id, debtor_id, account_id, channel, status, resolution_cipher, our_address, peer_cipher,
                record_key_id, assigned_agent_id, assigned_at, last_sequence, last_inbound_sequence, created_at,
                updated_at, closed_at, waiting_since, escalation_reason_cipher, escalated_at, escalated_by
         FROM conversations
         WHERE business_id = $1 AND status = 'ACTIVE' AND debtor_id IS NOT NULL AND route_due_at <= $2
         ORDER BY route_due_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED",
        business,
        now,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.sort_by_key(|row| (row.waiting_since, row.id));
    Ok(rows)
}

/// What nobody has is due again at the next run, behind those that were not looked at.
async fn look_later(tx: &mut TenantTx, threads: &[Uuid]) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let held = now + HELD;
    sqlx::query!(
        "UPDATE conversations SET route_due_at = CASE WHEN assigned_agent_id IS NULL THEN $3 ELSE $4::timestamptz END
         WHERE business_id = $1 AND id = ANY($2) AND route_due_at IS NOT NULL",
        business,
        threads,
        now,
        held,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
