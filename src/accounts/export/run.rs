//! Writes an export. Run again after a death, it starts with a new file: what the first one left goes by itself, and of
//! two that run at once the first to finish wins.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{ExportLimit, KEPT, Request, columns::Surroundings, table::Table};
use crate::{
    accounts::{
        list::ids_of_all,
        store::{AccountRow, accounts_by_ids},
    },
    audit::{AccessEntry, AccessLog},
    files::{self, FileWriter, Files, NewFile, Purpose, Stored},
    platform::{
        context::{Actor, GrantSet, TenantCtx},
        db::{AuditEntry, Db},
        error::OpError,
        jobs::{Job, JobError, Lane},
        keys::Keyring,
    },
};

/// Accounts that are read at a time.
const PAGE: usize = 500;

/// Writes one export.
#[derive(Debug, Deserialize, Serialize)]
pub struct RunExport {
    pub(super) id: Uuid,
}

impl Job for RunExport {
    const NAME: &'static str = "accounts.run_export";
    const LANE: Lane = Lane::Long;
}

/// What the job works with.
#[derive(Clone)]
pub struct Exporter {
    pub db: Db,
    pub keyring: Keyring,
    pub files: Files,
    pub access_log: AccessLog,
    pub limit: ExportLimit,
}

/// What there is to do.
struct Task {
    id: Uuid,
    requester: Uuid,
    request: Request,
}

/// Runs [`RunExport`].
///
/// # Errors
/// [`JobError::Retry`] while database or object store are away.
pub async fn run_export(exporter: &Exporter, ctx: &TenantCtx, job: RunExport) -> Result<(), JobError> {
    run(exporter, ctx, &job)
        .await
        .map_err(|error| JobError::Retry(format!("{error:#}")))
}

async fn run(exporter: &Exporter, ctx: &TenantCtx, job: &RunExport) -> Result<(), OpError> {
    let Some(task) = begin(exporter, ctx, job.id).await? else {
        return Ok(());
    };
    let format = task.request.format;
    let name = format!(
        "accounts-{}.{}",
        exporter.db.clock().now().format("%Y-%m-%d-%H%M"),
        format.extension()
    );
    let file = NewFile {
        purpose: Purpose::Export,
        name,
        media_type: format.media_type(),
    };
    let mut out = exporter.files.begin(ctx, file).await?;
    let rows = match write(exporter, ctx, &task, &mut out).await {
        Ok(rows) => rows,
        Err(error) => {
            out.abandon().await;
            return Err(error);
        }
    };
    let stored = out.finish().await?;
    finish(exporter, ctx, &task, &stored, rows).await
}

/// Nothing when it has ended already.
async fn begin(exporter: &Exporter, ctx: &TenantCtx, id: Uuid) -> Result<Option<Task>, OpError> {
    let keys = exporter.keyring.business(&exporter.db, ctx.business_id()).await?;
    let mut tx = exporter.db.tenant(ctx).await?;
    let business = tx.business_id();
    let row = sqlx::query!(
        "UPDATE exports SET state = 'RUNNING', rows_done = 0
         WHERE business_id = $1 AND id = $2 AND state IN ('QUEUED', 'RUNNING')
         RETURNING requested_by, request_cipher, key_version",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let key = keys
        .own_key_of(row.key_version)
        .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?;
    let text = keys.open_text(&key, "exports", "request_cipher", id, &row.request_cipher)?;
    Ok(Some(Task {
        id,
        requester: row.requested_by,
        request: serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?,
    }))
}

/// Writes all lines. Which accounts, and in which order, is settled first, in one snapshot: what moves in the list meanwhile
/// neither goes missing nor stands twice. The lines are read page by page, each in a transaction of its own, so that none
/// is open while the object store works; what was deleted meanwhile, or assigned to somebody else, is left out.
async fn write(
    exporter: &Exporter,
    ctx: &TenantCtx,
    task: &Task,
    out: &mut FileWriter,
) -> Result<i64, OpError> {
    let ExportLimit(most) = exporter.limit;
    let columns = &task.request.columns;
    let reader = TenantCtx::authenticated(
        ctx.business_id(),
        Actor::User(task.requester),
        GrantSet::default(),
        task.request.agent_scope,
        ctx.request_id().clone(),
    );
    let keys = exporter.keyring.business(&exporter.db, ctx.business_id()).await?;
    let mut table = Table::begin(task.request.format, columns, out).await?;
    let mut tx = exporter.db.snapshot(&reader).await?;
    let wanted = ids_of_all(&mut tx, &task.request.list, most).await?;
    tx.finish_read().await?;
    let mut rows = 0;
    for page in wanted.chunks(PAGE) {
        name_debtors(exporter, ctx, out.id(), page).await?;
        let mut tx = exporter.db.snapshot(&reader).await?;
        let mut found = accounts_by_ids(&mut tx, page).await?;
        let surroundings = Surroundings::of(&mut tx, &keys, columns, &found).await?;
        tx.finish_read().await?;
        log_reads(exporter, &reader, &found).await?;
        let places: HashMap<Uuid, usize> = page.iter().copied().zip(0..).collect();
        found.sort_by_key(|row| places.get(&row.id).copied());
        let lines = found
            .iter()
            .map(|row| {
                columns
                    .iter()
                    .map(|column| surroundings.value(*column, row))
                    .collect()
            })
            .collect::<Result<Vec<_>, OpError>>()?;
        table.add(&lines, out).await?;
        rows += i64::try_from(found.len()).unwrap_or(i64::MAX);
        note_progress(exporter, ctx, task.id, rows).await?;
    }
    table.end(out).await?;
    Ok(rows)
}

/// Writes down whom a page tells of, all records of each person, before it is read: whoever is erased from then on takes
/// the file along.
async fn name_debtors(
    exporter: &Exporter,
    ctx: &TenantCtx,
    file: Uuid,
    accounts: &[Uuid],
) -> Result<(), OpError> {
    let mut tx = exporter.db.tenant(ctx).await?;
    let business = tx.business_id();
    // Looked up one by one: joined as the planner likes, by statistics from before an import, each was compared with all.
    let debtors = sqlx::query_scalar!(
        r#"SELECT DISTINCT g.id AS "id!" FROM unnest($2::uuid[]) AS w(id)
         CROSS JOIN LATERAL (SELECT a.debtor_id FROM accounts a WHERE a.business_id = $1 AND a.id = w.id OFFSET 0) a
         CROSS JOIN LATERAL (
             SELECT d.person_id FROM debtors d WHERE d.business_id = $1 AND d.id = a.debtor_id OFFSET 0) p
         CROSS JOIN LATERAL (SELECT d.id FROM debtors d WHERE d.business_id = $1 AND d.person_id = p.person_id OFFSET 0) g"#,
        business,
        accounts,
    )
    .fetch_all(tx.conn())
    .await?;
    files::tells_of(&mut tx, file, &debtors).await?;
    tx.commit().await?;
    Ok(())
}

/// Whose data leaves is on record before it does.
async fn log_reads(exporter: &Exporter, reader: &TenantCtx, page: &[AccountRow]) -> Result<(), OpError> {
    let mut debtors: Vec<Uuid> = page.iter().map(|row| row.debtor_id).collect();
    debtors.sort_unstable();
    debtors.dedup();
    if let Some(entry) = AccessEntry::of(reader, "exportAccounts", debtors)
        && !exporter.access_log.record(entry).await
    {
        let message = "the access log cannot be written".to_owned();
        return Err(OpError::Unavailable(message));
    }
    Ok(())
}

async fn note_progress(exporter: &Exporter, ctx: &TenantCtx, id: Uuid, rows: i64) -> Result<(), OpError> {
    let mut tx = exporter.db.tenant(ctx).await?;
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE exports SET rows_done = $3 WHERE business_id = $1 AND id = $2 AND state = 'RUNNING'",
        business,
        id,
        rows,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn finish(
    exporter: &Exporter,
    ctx: &TenantCtx,
    task: &Task,
    stored: &Stored,
    rows: i64,
) -> Result<(), OpError> {
    let mut tx = exporter.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let won = sqlx::query!(
        "UPDATE exports SET state = 'READY', file_id = $3, rows_done = $4, finished_at = $5
         WHERE business_id = $1 AND id = $2 AND state = 'RUNNING'",
        business,
        task.id,
        stored.id,
        rows,
        now,
    )
    .execute(tx.conn())
    .await?;
    if won.rows_affected() == 0 {
        // Another run was faster: this one's file goes.
        files::discard(&mut tx, &[stored.id]).await?;
    } else {
        // Gone already where somebody in it was erased meanwhile: then it is written anew, without them.
        files::keep(&mut tx, stored, Some(now + KEPT)).await?;
        let details = json!({ "rows": rows, "bytes": stored.size, "file": stored.id });
        tx.audit(AuditEntry::plain("export.finished", task.id, &details));
    }
    tx.commit().await?;
    Ok(())
}
