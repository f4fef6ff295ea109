//! Answers that are owed: three days before one is due, and again when it is overdue, the inbox hears of it, each once.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    accounts::agent_of_account,
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        jobs::{Job, JobError},
    },
};

/// How long before an answer is due it is told.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(3);
/// Rows taken up per run and kind; what is left waits for the next.
const AT_MOST: i64 = 1000;

/// What an answer is owed to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Owed {
    Dispute,
    Complaint,
}

/// Tells the inbox of one answer that is due soon, or overdue. Idempotent: each is told once.
#[derive(Debug, Deserialize, Serialize)]
pub struct TellDue {
    owed: Owed,
    id: Uuid,
}

impl Job for TellDue {
    const NAME: &'static str = "compliance.tell_due";
}

/// Finds the answers that nobody has been told of, and enqueues that.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn find_due_answers(db: &Db) -> Result<(), JobError> {
    Ok(find(db).await?)
}

async fn find(db: &Db) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("answers about to be due", "job-find-due-answers");
    let mut tx = db.system(&ctx).await?;
    let now = tx.now();
    let due = sqlx::query!(
        r#"SELECT o.business_id AS "business_id!", o.id AS "id!", o.is_dispute AS "is_dispute!" FROM (
             (SELECT business_id, id, due_at, true AS is_dispute FROM disputes
               WHERE status IN ('OPEN', 'VERIFYING') AND told_overdue_at IS NULL AND due_at <= $1
                 AND (told_soon_at IS NULL OR due_at < $2)
               ORDER BY due_at LIMIT $3)
             UNION ALL
             (SELECT business_id, id, due_at, false FROM complaints
               WHERE status <> 'RESOLVED' AND told_overdue_at IS NULL AND due_at <= $1
                 AND (told_soon_at IS NULL OR due_at < $2)
               ORDER BY due_at LIMIT $3)) o
           ORDER BY o.due_at"#,
        now + TOLD_BEFORE,
        now,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let jobs = due.into_iter().map(|row| {
        let owed = match row.is_dispute {
            true => Owed::Dispute,
            false => Owed::Complaint,
        };
        (Some(row.business_id), TellDue { owed, id: row.id })
    });
    tx.enqueue_all(jobs).await?;
    tx.commit().await
}

/// Runs [`TellDue`]. Whoever writes down first that it is told, tells.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn tell_due(db: &Db, ctx: &TenantCtx, job: TellDue) -> Result<(), JobError> {
    let mut tx = db.tenant(ctx).await?;
    let Some(taken) = take(&mut tx, &job).await? else {
        return Ok(());
    };
    let agent = match taken.account_id {
        Some(account) => agent_of_account(&mut tx, account).await?,
        None => None,
    };
    let action = match job.owed {
        Owed::Dispute => "dispute.due_told",
        Owed::Complaint => "complaint.due_told",
    };
    let details = json!({ "due_at": taken.due_at, "overdue": taken.is_overdue });
    tx.audit(AuditEntry::plain(action, job.id, &details).about(Some(taken.debtor_id)));
    tx.emit(LiveEvent {
        kind: "ANSWER_DUE",
        account_id: taken.account_id,
        debtor_id: Some(taken.debtor_id),
        assigned_agent_id: agent,
        ..LiveEvent::default()
    });
    tx.commit().await?;
    Ok(())
}

struct Taken {
    debtor_id: Uuid,
    account_id: Option<Uuid>,
    due_at: DateTime<Utc>,
    is_overdue: bool,
}

/// Writes down that it is told, of a dispute or a complaint that is due and was not told of.
async fn take(tx: &mut TenantTx, job: &TellDue) -> Result<Option<Taken>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query_as!(
        Taken,
        r#"WITH dispute AS (
             UPDATE disputes SET told_soon_at = coalesce(told_soon_at, $3),
                 told_overdue_at = CASE WHEN due_at < $3 THEN $3 END
             WHERE $5 AND business_id = $1 AND id = $2 AND status IN ('OPEN', 'VERIFYING') AND told_overdue_at IS NULL
               AND due_at <= $4 AND (told_soon_at IS NULL OR due_at < $3)
             RETURNING debtor_id, account_id, due_at),
           complaint AS (
             UPDATE complaints SET told_soon_at = coalesce(told_soon_at, $3),
                 told_overdue_at = CASE WHEN due_at < $3 THEN $3 END
             WHERE NOT $5 AND business_id = $1 AND id = $2 AND status <> 'RESOLVED' AND told_overdue_at IS NULL
               AND due_at <= $4 AND (told_soon_at IS NULL OR due_at < $3)
             RETURNING debtor_id, account_id, due_at)
           SELECT t.debtor_id AS "debtor_id!", t.account_id, t.due_at AS "due_at!", t.due_at < $3 AS "is_overdue!"
           FROM (SELECT * FROM dispute UNION ALL SELECT * FROM complaint) t"#,
        business,
        job.id,
        now,
        now + TOLD_BEFORE,
        job.owed == Owed::Dispute,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}
