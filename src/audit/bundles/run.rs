//! Writes a bundle. Run again after a death, it starts with a new file: what the first one left goes by itself, and of two
//! that run at once the first to finish wins. A page of rows is all that is held at once, and no transaction is open while
//! the object store works.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::KEPT;
use crate::{
    audit::{
        chain_store::Reader,
        checkpoint::CheckpointSigner,
        export::{Chain, Entry, Reading, Walked, entry_line, first_line, last_line},
    },
    files::{self, FileWriter, Files, NewFile, Purpose, Stored},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Db, DbError},
        error::OpError,
        jobs::{Job, JobError, Lane},
    },
};

/// Writes one bundle.
#[derive(Debug, Deserialize, Serialize)]
pub struct RunBundle {
    pub(super) id: Uuid,
}

impl Job for RunBundle {
    const NAME: &'static str = "audit.run_bundle";
    const LANE: Lane = Lane::Long;
}

/// What the job works with.
#[derive(Clone)]
pub struct Bundler {
    pub db: Db,
    pub files: Files,
    pub signer: Arc<CheckpointSigner>,
}

/// Why a bundle is not written.
enum Failed {
    /// Database or object store are away.
    ForNow(OpError),
    /// The trail is not whole.
    Broken(anyhow::Error),
}

impl From<OpError> for Failed {
    fn from(error: OpError) -> Self {
        Self::ForNow(error)
    }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::ForNow(error.into())
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<DbError>() {
            Ok(error) => error.into(),
            Err(other) => Self::Broken(other),
        }
    }
}

/// Runs [`RunBundle`].
///
/// # Errors
/// [`JobError::Retry`] while database or object store are away, [`JobError::Fatal`] where the trail is not whole: nothing is
/// signed over such a one.
pub async fn run_bundle(bundler: &Bundler, ctx: &TenantCtx, job: RunBundle) -> Result<(), JobError> {
    let retry = |error: OpError| JobError::Retry(format!("{error:#}"));
    match run(bundler, ctx, job.id).await {
        Ok(()) => Ok(()),
        Err(Failed::ForNow(error)) => Err(retry(error)),
        Err(Failed::Broken(error)) => {
            give_up(bundler, ctx, job.id).await.map_err(retry)?;
            metrics::counter!("audit_trails_broken_total").increment(1);
            Err(JobError::Fatal(format!(
                "an audit trail is not whole and was not bundled: {error:#}"
            )))
        }
    }
}

async fn run(bundler: &Bundler, ctx: &TenantCtx, id: Uuid) -> Result<(), Failed> {
    if !begin(bundler, ctx, id).await? {
        return Ok(());
    }
    let file = NewFile {
        purpose: Purpose::Export,
        name: format!("audit-{}.jsonl", bundler.db.clock().now().format("%Y-%m-%d-%H%M")),
        media_type: "application/x-ndjson",
    };
    let mut out = bundler.files.begin(ctx, file).await?;
    let walked = match write(bundler, ctx, id, &mut out).await {
        Ok(walked) => walked,
        Err(error) => {
            out.abandon().await;
            return Err(error);
        }
    };
    let stored = out.finish().await?;
    Ok(finish(bundler, ctx, id, &stored, &walked).await?)
}

/// False when it has ended already.
async fn begin(bundler: &Bundler, ctx: &TenantCtx, id: Uuid) -> Result<bool, DbError> {
    let mut tx = bundler.db.tenant(ctx).await?;
    let business = tx.business_id();
    let begun = sqlx::query!(
        "UPDATE audit_bundles SET state = 'RUNNING', rows_done = 0
         WHERE business_id = $1 AND id = $2 AND state IN ('QUEUED', 'RUNNING')",
        business,
        id,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(begun.rows_affected() == 1)
}

async fn write(bundler: &Bundler, ctx: &TenantCtx, id: Uuid, out: &mut FileWriter) -> Result<Walked, Failed> {
    let (chain, signer) = (Chain::Business(ctx), &bundler.signer);
    let trail = chain.trail();
    out.write(&first_line(trail, signer)?).await?;
    let mut reader = Reader::open(&bundler.db, chain).await?;
    let mut reading = Reading::begin(&mut reader, trail, bundler.db.clock().now()).await?;
    reader.close().await?;
    loop {
        let mut reader = Reader::open(&bundler.db, chain).await?;
        let entries = reading.next(&mut reader, signer.public()).await?;
        reader.close().await?;
        let Some(entries) = entries else { break };
        let mut done = 0;
        for entry in entries {
            if let Entry::Row(link) = &entry {
                done = link.position;
            }
            out.write(&entry_line(entry)?).await?;
        }
        note_progress(bundler, ctx, id, done).await?;
    }
    let walked = reading.end()?;
    out.write(&last_line(trail, signer, &walked)?).await?;
    Ok(walked)
}

async fn note_progress(bundler: &Bundler, ctx: &TenantCtx, id: Uuid, rows: i64) -> Result<(), DbError> {
    let mut tx = bundler.db.tenant(ctx).await?;
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE audit_bundles SET rows_done = $3, total_rows = greatest(total_rows, $3)
         WHERE business_id = $1 AND id = $2 AND state = 'RUNNING'",
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
    bundler: &Bundler,
    ctx: &TenantCtx,
    id: Uuid,
    stored: &Stored,
    walked: &Walked,
) -> Result<(), OpError> {
    let mut tx = bundler.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let won = sqlx::query!(
        "UPDATE audit_bundles SET state = 'READY', file_id = $3, size = $4, rows_done = $5, total_rows = $5,
             last_position = $5, head_hash = $6, checkpoints = $7, finished_at = $8
         WHERE business_id = $1 AND id = $2 AND state = 'RUNNING'",
        business,
        id,
        stored.id,
        stored.size,
        walked.rows,
        walked.hash,
        i32::try_from(walked.checkpoints).unwrap_or(i32::MAX),
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    if won.rows_affected() == 0 {
        // Another run was faster: this one's file goes.
        files::discard(&mut tx, &[stored.id]).await?;
    } else {
        files::keep(&mut tx, stored, Some(now + KEPT)).await?;
        let details = json!({ "rows": walked.rows, "bytes": stored.size, "file": stored.id });
        tx.audit(AuditEntry::plain("audit_bundle.finished", id, &details));
    }
    tx.commit().await?;
    Ok(())
}

/// Whoever asked is told that there will be none.
async fn give_up(bundler: &Bundler, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
    let mut tx = bundler.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let ended = sqlx::query!(
        "UPDATE audit_bundles SET state = 'FAILED', finished_at = $3
         WHERE business_id = $1 AND id = $2 AND state = 'RUNNING'",
        business,
        id,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    if ended.rows_affected() == 1 {
        tx.audit(AuditEntry::plain("audit_bundle.failed", id, &json!({})));
    }
    tx.commit().await?;
    Ok(())
}
