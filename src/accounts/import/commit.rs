//! Places the staged rows: one chunk to a transaction, or all in one.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    AccountImports, Failure, end,
    finding::Finding,
    job_error,
    model::{AccountImportMode, AccountImportStatus, ImportRow, StagedRow, WAITS_FOR},
    place::{Candidate, Placing},
    staged,
    store::{self, Placed},
    tell,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        jobs::{Job, JobError},
        keys::TenantKeys,
    },
};

/// How often a chunk is tried again at once after somebody took the same number at the same moment.
const TRIES: u32 = 5;

/// Places the rows of an import.
#[derive(Debug, Deserialize, Serialize)]
pub struct CommitImport {
    import_id: Uuid,
}

impl Job for CommitImport {
    const NAME: &'static str = "accounts.commit_import";
}

/// Begins to commit an import that is ready.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for an import that is not ready, has nothing to import, or has rows that all or nothing
/// cannot take.
pub async fn commit_import(tx: &mut TenantTx, id: Uuid, mode: AccountImportMode) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountImport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = store::lock_import(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("importId", "import"))?;
    let conflict = |field: &str, message: String| UserError::at(UserErrorCode::Conflict, field, message);
    if row.status() != AccountImportStatus::Ready {
        return Err(conflict("importId", row.status().refusal().to_owned()).into());
    }
    let left_out = row.rows_invalid + row.rows_duplicate_in_file + row.rows_duplicate_in_business;
    if row.rows_valid == 0 {
        let message = "None of its rows can be imported: correct the file and upload it again.";
        return Err(conflict("importId", message.to_owned()).into());
    }
    if mode == AccountImportMode::AllOrNothing && left_out > 0 {
        let message = format!(
            "{left_out} of its rows cannot be imported: correct the file and upload it again, or import the valid rows only."
        );
        return Err(conflict("mode", message).into());
    }
    store::set_mode(tx, id, mode.as_str()).await?;
    let expires_at = tx.now() + WAITS_FOR;
    store::advance(
        tx,
        id,
        AccountImportStatus::Ready,
        AccountImportStatus::Committing,
        expires_at,
    )
    .await?;
    let details = json!({ "mode": mode.as_str(), "rows": row.rows_valid });
    tx.audit(AuditEntry::plain("account_import.commit_started", id, &details));
    tell(tx, id);
    tx.enqueue(&CommitImport { import_id: id }).await?;
    Ok(())
}

/// Whether somebody else took an account number, a reference or a place among contacts at the same moment: then the
/// same rows, looked at again, are known to be there.
fn lost_a_race(error: &OpError) -> bool {
    let OpError::Internal(cause) = error else {
        return false;
    };
    let constraints = [
        "accounts_business_id_account_number_key",
        "debtors_business_id_external_reference_key",
        "contact_points_business_id_debtor_id_kind_ordinal_key",
    ];
    cause
        .downcast_ref::<DbError>()
        .is_some_and(|error| constraints.iter().any(|name| error.is_constraint(name)))
}

/// What became of a chunk.
enum Step {
    /// It is placed; there may be more.
    Placed,
    /// There is none left.
    NoneLeft,
    /// The import is not being committed any more.
    Stopped,
}

impl AccountImports {
    /// Runs the job. It goes on where an earlier run stopped; all or nothing begins anew.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn commit(&self, ctx: &TenantCtx, job: CommitImport) -> Result<(), JobError> {
        self.run_commit(ctx, job.import_id).await.map_err(job_error)
    }

    async fn run_commit(&self, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let mut tx = self.db.snapshot(ctx).await?;
        let row = store::imports_by_ids(&mut tx, &[id]).await?.pop();
        tx.finish_read().await?;
        let Some(row) = row.filter(|row| row.status() == AccountImportStatus::Committing) else {
            return Ok(());
        };
        match row.mode.as_deref().map(AccountImportMode::parse) {
            Some(AccountImportMode::AllOrNothing) => self.place_all(ctx, &keys, row).await,
            _ => self.place_valid(ctx, &keys, id).await,
        }
    }

    async fn place_valid(&self, ctx: &TenantCtx, keys: &TenantKeys, id: Uuid) -> Result<(), OpError> {
        let mut tries = 0;
        loop {
            match self.place_next(ctx, keys, id).await {
                Ok(Step::Placed) => tries = 0,
                Ok(Step::NoneLeft) => return self.complete(ctx, keys, id).await,
                Ok(Step::Stopped) => return Ok(()),
                Err(error) if lost_a_race(&error) && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The next chunk, its effect and the mark behind it: all of it or nothing.
    async fn place_next(&self, ctx: &TenantCtx, keys: &TenantKeys, id: Uuid) -> Result<Step, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let row = store::lock_import(&mut tx, id).await?;
        let Some(row) = row.filter(|row| row.status() == AccountImportStatus::Committing) else {
            return Ok(Step::Stopped);
        };
        let Some(rows) = staged::chunk(&mut tx, keys, id, row.chunks_committed).await? else {
            return Ok(Step::NoneLeft);
        };
        let (placed, findings) = self.place_rows(&mut tx, keys, &row, rows).await?;
        staged::insert_findings(&mut tx, id, &findings).await?;
        let total = Placed {
            processed: row.rows_processed + placed.processed,
            imported: row.rows_imported + placed.imported,
            skipped: row.rows_skipped + placed.skipped,
        };
        store::mark_committed(&mut tx, id, row.chunks_committed + 1, total).await?;
        tell(&mut tx, id);
        tx.commit().await?;
        Ok(Step::Placed)
    }

    /// Places what of a chunk can be, and leaves its audit row.
    async fn place_rows(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        import: &ImportRow,
        rows: Vec<StagedRow>,
    ) -> Result<(Placed, Vec<Finding>), OpError> {
        let (first, last) = (rows.first().map(|row| row.row), rows.last().map(|row| row.row));
        let processed = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        let candidates: Vec<Candidate> = rows
            .into_iter()
            .filter_map(|row| {
                Some(Candidate {
                    row: row.row,
                    parsed: row.parsed?,
                })
            })
            .collect();
        let placing = Placing {
            import: import.id,
            keys,
            bans: &*self.bans,
            author: import.created_by,
        };
        let (imported, findings) = placing.place(tx, &candidates).await?;
        let details = json!({
            "first_row": first, "last_row": last, "imported": imported, "skipped": findings.len(),
        });
        tx.audit(AuditEntry::plain(
            "account_import.batch_committed",
            import.id,
            &details,
        ));
        let placed = Placed {
            processed,
            imported,
            skipped: i32::try_from(findings.len()).unwrap_or(i32::MAX),
        };
        Ok((placed, findings))
    }

    async fn complete(&self, ctx: &TenantCtx, keys: &TenantKeys, id: Uuid) -> Result<(), OpError> {
        let mut tx = self.db.snapshot(ctx).await?;
        let row = store::imports_by_ids(&mut tx, &[id]).await?.pop();
        tx.finish_read().await?;
        let Some(row) = row else { return Ok(()) };
        // The report of the preview still says everything unless rows were skipped since.
        let report = if row.rows_skipped > 0 {
            let columns = store::open_columns(keys, &row)?;
            self.write_report(ctx, keys, id, &columns).await?
        } else {
            None
        };
        let mut tx = self.db.tenant(ctx).await?;
        let row = store::lock_import(&mut tx, id).await?;
        let Some(row) = row.filter(|row| row.status() == AccountImportStatus::Committing) else {
            return Ok(());
        };
        end(&mut tx, &row, AccountImportStatus::Completed, report).await?;
        completed(&mut tx, id, row.rows_imported, row.rows_skipped);
        tx.commit().await?;
        Ok(())
    }

    /// One transaction over all chunks: nobody sees a row before all are there, and a crash leaves none. How far it is
    /// stands in transactions of its own beside it.
    async fn place_all(&self, ctx: &TenantCtx, keys: &TenantKeys, import: ImportRow) -> Result<(), OpError> {
        let mut tries = 0;
        loop {
            match self.try_place_all(ctx, keys, &import).await {
                Err(error) if lost_a_race(&error) && tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    async fn try_place_all(
        &self,
        ctx: &TenantCtx,
        keys: &TenantKeys,
        import: &ImportRow,
    ) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        if !only_run(&mut tx, import.id).await? {
            return Err(OpError::Unavailable("another run places this import".to_owned()));
        }
        let (mut total, mut nth) = (Placed::default(), 0);
        while let Some(rows) = staged::chunk(&mut tx, keys, import.id, nth).await? {
            let (placed, findings) = self.place_rows(&mut tx, keys, import, rows).await?;
            if !findings.is_empty() {
                drop(tx);
                return self.refuse_all(ctx, keys, import, &findings).await;
            }
            // What the foreign keys and the double entry still have to check is checked now, chunk by chunk: else the
            // database would keep a note of every row until the end.
            check_deferred(&mut tx).await?;
            total.processed += placed.processed;
            total.imported += placed.imported;
            nth += 1;
            if !self.show(ctx, import.id, total).await? {
                // Cancelled: dropping the transaction takes everything back.
                return Ok(());
            }
        }
        // The last statements, after which all rows are there at once.
        let row = store::lock_import(&mut tx, import.id).await?;
        let Some(row) = row.filter(|row| row.status() == AccountImportStatus::Committing) else {
            return Ok(());
        };
        store::mark_committed(&mut tx, import.id, nth, total).await?;
        end(&mut tx, &row, AccountImportStatus::Completed, None).await?;
        completed(&mut tx, import.id, total.imported, 0);
        tx.commit().await?;
        Ok(())
    }

    /// Shows how far it is; false when it is not being committed any more. Nothing counts as imported yet.
    async fn show(&self, ctx: &TenantCtx, import: Uuid, total: Placed) -> Result<bool, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let shown = Placed {
            processed: total.processed,
            ..Placed::default()
        };
        let goes_on = store::mark_committed(&mut tx, import, 0, shown).await?;
        tell(&mut tx, import);
        tx.commit().await?;
        Ok(goes_on)
    }

    /// The business has a row since the preview: nothing is imported.
    async fn refuse_all(
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

fn completed(tx: &mut TenantTx, import: Uuid, imported: i32, skipped: i32) {
    let details = json!({ "imported": imported, "skipped": skipped });
    tx.audit(AuditEntry::plain("account_import.completed", import, &details));
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

async fn check_deferred(tx: &mut TenantTx) -> Result<(), DbError> {
    sqlx::query!("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(tx.conn())
        .await?;
    sqlx::query!("SET CONSTRAINTS ALL DEFERRED")
        .execute(tx.conn())
        .await?;
    Ok(())
}
