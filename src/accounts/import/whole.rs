//! All rows of an import or none: one transaction over all chunks, after which all are there at once; nobody sees a row
//! before, and a crash leaves none. How far it is stands in transactions of its own beside it.
//!
//! Such a transaction holds whatever it locks to its end. People whom it makes itself nobody waits for; those whom the
//! business has already may be written to or say STOP meanwhile. Their rows come last, and there is a bound on them.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AccountImports, Failure,
    commit::{TRIES, completed, lost_a_race},
    end,
    finding::Finding,
    job_error,
    model::{AccountImportStatus, ImportRow},
    place::Pass,
    read_ahead::{Nth, ReadAhead},
    staged,
    store::{self, Placed},
    tell,
};
use crate::platform::{
    context::TenantCtx,
    db::{DbError, TenantTx},
    error::OpError,
    jobs::{Job, JobError, Lane},
    keys::TenantKeys,
};

/// At most this many rows of people whom the business has already: as long as these take, nobody writes to them.
const MOST_OF_KNOWN_PEOPLE: usize = 5_000;

/// Places all rows of an import at once.
#[derive(Debug, Deserialize, Serialize)]
pub struct PlaceWholeImport {
    pub(super) import_id: Uuid,
    pub(super) step: i32,
}

impl Job for PlaceWholeImport {
    const NAME: &'static str = "accounts.place_whole_import";
    const LANE: Lane = Lane::Long;
}

/// How a try ended.
enum Ended {
    /// All rows are there, or somebody cancelled it meanwhile.
    Well,
    /// Nothing was imported, because of these.
    Refused(Vec<Finding>),
    /// Nothing was imported: too many rows are of people whom the business has already.
    TooManyKnown,
}

impl AccountImports {
    /// Runs the job. Run again after a death it begins anew: nothing of the first run is there.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn place_whole(&self, ctx: &TenantCtx, job: PlaceWholeImport) -> Result<(), JobError> {
        self.run_whole(ctx, &job).await.map_err(job_error)
    }

    async fn run_whole(&self, ctx: &TenantCtx, job: &PlaceWholeImport) -> Result<(), OpError> {
        let keys = Arc::new(self.keyring.business(&self.db, ctx.business_id()).await?);
        let mut tx = self.db.snapshot(ctx).await?;
        let row = store::imports_by_ids(&mut tx, &[job.import_id]).await?.pop();
        tx.finish_read().await?;
        let is_due =
            |row: &ImportRow| row.status() == AccountImportStatus::Committing && row.step == job.step;
        let Some(import) = row.filter(is_due) else {
            return Ok(());
        };
        let mut tries = 0;
        loop {
            match self.try_whole(ctx, &keys, &import).await {
                Ok(Ended::Well) => return Ok(()),
                Ok(Ended::Refused(findings)) => {
                    return self.refuse_whole(ctx, &keys, &import, &findings).await;
                }
                Ok(Ended::TooManyKnown) => {
                    return self.fail(ctx, import.id, &too_many_known(), None).await;
                }
                Err(error) if lost_a_race(&error) && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_whole(
        &self,
        ctx: &TenantCtx,
        keys: &Arc<TenantKeys>,
        import: &ImportRow,
    ) -> Result<Ended, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        if !only_run(&mut tx, import.id).await? {
            return Err(OpError::Unavailable("another run places this import".to_owned()));
        }
        let (mut total, mut chunks) = (Placed::default(), 0);
        let (mut made, mut left) = (HashSet::new(), BTreeSet::new());
        // Which chunks have rows left.
        let mut unfinished = Vec::new();
        let mut ahead = ReadAhead::new(&self.db, ctx, keys, import.id);
        let of = import.chunks_analyzed;
        while let Some(rows) = ahead.chunk(&mut tx, Nth { nth: chunks, of }).await? {
            let before = left.len();
            let pass = Pass::New {
                made: &mut made,
                left: &mut left,
            };
            let (imported, findings) = self.place_rows(&mut tx, keys, import, rows, pass).await?;
            if !findings.is_empty() {
                return Ok(Ended::Refused(findings));
            }
            if left.len() > MOST_OF_KNOWN_PEOPLE {
                return Ok(Ended::TooManyKnown);
            }
            if left.len() > before {
                unfinished.push(chunks);
            }
            check_deferred(&mut tx).await?;
            total.imported += imported;
            chunks += 1;
            if !self.show(ctx, import.id, total.imported).await? {
                // Cancelled: dropping the transaction takes everything back.
                return Ok(Ended::Well);
            }
        }
        for nth in unfinished {
            let mut rows = staged::chunk(&mut tx, keys, import.id, nth)
                .await?
                .unwrap_or_default();
            rows.retain(|row| left.contains(&row.row));
            let (imported, findings) = self.place_rows(&mut tx, keys, import, rows, Pass::Whole).await?;
            if !findings.is_empty() {
                return Ok(Ended::Refused(findings));
            }
            check_deferred(&mut tx).await?;
            total.imported += imported;
        }
        // The last statements, after which all rows are there at once.
        let row = store::lock_import(&mut tx, import.id).await?;
        let Some(row) = row.filter(|row| row.status() == AccountImportStatus::Committing) else {
            return Ok(Ended::Well);
        };
        total.processed = total.imported;
        store::mark_committed(&mut tx, import.id, chunks, total).await?;
        end(&mut tx, &row, AccountImportStatus::Completed, None).await?;
        completed(&mut tx, import.id, total.imported, 0);
        tx.commit().await?;
        Ok(Ended::Well)
    }

    /// Shows how far it is; false when it is not being committed any more. Nothing counts as imported yet.
    async fn show(&self, ctx: &TenantCtx, import: Uuid, processed: i32) -> Result<bool, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let shown = Placed {
            processed,
            ..Placed::default()
        };
        let goes_on = store::mark_committed(&mut tx, import, 0, shown).await?;
        tell(&mut tx, import);
        tx.commit().await?;
        Ok(goes_on)
    }

    /// The business has a row since the preview: nothing is imported.
    async fn refuse_whole(
        &self,
        ctx: &TenantCtx,
        keys: &TenantKeys,
        import: &ImportRow,
        findings: &[Finding],
    ) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        staged::insert_findings(&mut tx, import.id, findings).await?;
        tx.commit().await?;
        let columns = store::open_columns(keys, import)?;
        let report = self.write_report(ctx, keys, import.id, &columns).await?;
        let failure = Failure {
            code: "CHANGED_SINCE_PREVIEW",
            message: format!(
                "Nothing was imported: since the preview, row {} (and perhaps more) can be imported no longer. See the findings, correct the file and upload it again.",
                findings.first().map_or(0, |finding| finding.row)
            ),
        };
        self.fail(ctx, import.id, &failure, report).await
    }
}

fn too_many_known() -> Failure {
    Failure {
        code: "TOO_MANY_KNOWN_PEOPLE",
        message: format!(
            "Nothing was imported: more than {MOST_OF_KNOWN_PEOPLE} rows are of people whom your business has already, and nobody could be written to while all of them are added at once. Upload the file again and import the valid rows only, or split it."
        ),
    }
}

/// Whether no other run of the same import is under way. Held until the end of the transaction.
async fn only_run(tx: &mut TenantTx, import: Uuid) -> Result<bool, DbError> {
    let place = format!("account import {import}");
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "only!""#,
        place
    )
    .fetch_one(tx.conn())
    .await?)
}

/// What the foreign keys and the double entry still have to check is checked now, chunk by chunk: else the database would
/// keep a note of every row until the end.
async fn check_deferred(tx: &mut TenantTx) -> Result<(), DbError> {
    sqlx::query!("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(tx.conn())
        .await?;
    sqlx::query!("SET CONSTRAINTS ALL DEFERRED")
        .execute(tx.conn())
        .await?;
    Ok(())
}
