//! Commits an import, a slice to a job: first whom its rows say not to call, whatever becomes of the rows, then the rows
//! themselves, one chunk to a transaction; all or nothing is left to [`super::whole`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    AccountImports, end,
    finding::Finding,
    job_error,
    model::{AccountImportMode, AccountImportStatus, ImportRow, StagedRow, WAITS_FOR},
    place::{Candidate, Pass, Placing},
    read_ahead::{Nth, ReadAhead},
    staged,
    store::{self, Placed},
    tell,
    whole::PlaceWholeImport,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        jobs::{Job, JobError, Lane},
        keys::TenantKeys,
    },
};

/// How often a chunk is tried again at once after somebody took the same number at the same moment.
pub(super) const TRIES: u32 = 5;
/// Chunks in one job; the next job goes on behind the work of other businesses.
const SLICE: u32 = 4;

/// Commits a slice of an import.
#[derive(Debug, Deserialize, Serialize)]
pub struct CommitImport {
    import_id: Uuid,
    #[serde(default)]
    step: i32,
}

impl Job for CommitImport {
    const NAME: &'static str = "accounts.commit_import";
    const LANE: Lane = Lane::Bulk;
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
    // Whom its rows say not to call is recorded, though none of them becomes an account.
    if row.rows_valid == 0 && !staged::has_wishes(tx, id).await? {
        let message = "None of its rows can be imported: correct the file and upload it again.";
        return Err(conflict("importId", message.to_owned()).into());
    }
    if mode == AccountImportMode::AllOrNothing && left_out > 0 {
        let message = format!(
            "{left_out} of its rows cannot be imported: correct the file and upload it again, or import the valid rows only."
        );
        return Err(conflict("mode", message).into());
    }
    let makes_origins = authorize(tx.ctx(), Cell::CreditorCreate).is_ok();
    let limitations_by = if row.has_limitations {
        Some(vouching(tx)?)
    } else {
        None
    };
    store::set_mode(tx, id, mode.as_str(), makes_origins, limitations_by).await?;
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
    let step = store::next_step(tx, id).await?;
    tx.enqueue(&CommitImport { import_id: id, step });
    Ok(())
}

/// Whoever commits a file that says when limitation periods end vouches for it, as for what they record by hand.
fn vouching(tx: &TenantTx) -> Result<Uuid, UserError> {
    let may = authorize(tx.ctx(), Cell::SuitAuthorize).is_ok();
    tx.ctx().user_id().filter(|_| may).ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "importId",
            "A column of this file says when limitation periods end (LIMITATION_EXPIRES_ON), for which an administrator or \
             compliance officer vouches: have an administrator commit this import, or map the column to IGNORE with \
             remapAccountImport.",
        )
    })
}

/// Whether somebody else took an account number, a reference or a place among contacts at the same moment: then the
/// same rows, looked at again, are known to be there.
pub(super) fn lost_a_race(error: &OpError) -> bool {
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
    /// It is done; there may be more.
    Done,
    /// There is none left.
    NoneLeft,
    /// Another job goes on, or the import is not being committed any more.
    Stopped,
}

impl AccountImports {
    /// Runs the job. It goes on where an earlier run stopped.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn commit(&self, ctx: &TenantCtx, job: CommitImport) -> Result<(), JobError> {
        self.run_slice(ctx, &job).await.map_err(job_error)
    }

    async fn run_slice(&self, ctx: &TenantCtx, job: &CommitImport) -> Result<(), OpError> {
        let keys = Arc::new(self.keyring.business(&self.db, ctx.business_id()).await?);
        let mut ahead = ReadAhead::new(&self.db, ctx, &keys, job.import_id);
        let (mut done, mut tries) = (0, 0);
        while done < SLICE {
            let is_last = done + 1 == SLICE;
            match self.next_chunk(ctx, &keys, job, &mut ahead, is_last).await {
                Ok(Step::Done) => (done, tries) = (done + 1, 0),
                Ok(Step::NoneLeft) => return self.complete(ctx, &keys, job.import_id).await,
                Ok(Step::Stopped) => return Ok(()),
                Err(error) if lost_a_race(&error) && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next chunk, its effect and the mark behind it: all of it or nothing. With the last one of the slice comes the
    /// next job, by which a job that is run again knows that it has ended.
    async fn next_chunk(
        &self,
        ctx: &TenantCtx,
        keys: &TenantKeys,
        job: &CommitImport,
        ahead: &mut ReadAhead,
        is_last: bool,
    ) -> Result<Step, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let id = job.import_id;
        let row = store::lock_import(&mut tx, id).await?;
        let is_due =
            |row: &ImportRow| row.status() == AccountImportStatus::Committing && row.step == job.step;
        let Some(row) = row.filter(is_due) else {
            return Ok(Step::Stopped);
        };
        if !self.record_wishes(&mut tx, id).await? {
            if row.mode.as_deref().map(AccountImportMode::parse) == Some(AccountImportMode::AllOrNothing) {
                let step = store::next_step(&mut tx, id).await?;
                tx.enqueue(&PlaceWholeImport { import_id: id, step });
                tx.commit().await?;
                return Ok(Step::Stopped);
            }
            if !self.place_next(&mut tx, keys, ahead, &row).await? {
                return Ok(Step::NoneLeft);
            }
        }
        if is_last {
            let step = store::next_step(&mut tx, id).await?;
            tx.enqueue(&CommitImport { import_id: id, step });
        }
        tell(&mut tx, id);
        tx.commit().await?;
        Ok(Step::Done)
    }

    /// Puts the numbers of one chunk that are not to be called on the suppression list, whatever becomes of their rows;
    /// false when there are none left.
    pub(super) async fn record_wishes(&self, tx: &mut TenantTx, id: Uuid) -> Result<bool, OpError> {
        let Some(numbers) = staged::take_wishes(tx, id).await? else {
            return Ok(false);
        };
        self.bans.record_do_not_call(tx, &numbers).await?;
        Ok(true)
    }

    /// Places the next chunk; false when there is none left.
    async fn place_next(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        ahead: &mut ReadAhead,
        row: &ImportRow,
    ) -> Result<bool, OpError> {
        let next = Nth {
            nth: row.chunks_committed,
            of: row.chunks_analyzed,
        };
        let Some(rows) = ahead.chunk(tx, next).await? else {
            return Ok(false);
        };
        let processed = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        let (imported, findings) = self.place_rows(tx, keys, row, rows, Pass::Whole).await?;
        staged::insert_findings(tx, row.id, &findings).await?;
        let skipped = i32::try_from(findings.len()).unwrap_or(i32::MAX);
        let total = Placed {
            processed: row.rows_processed + processed,
            imported: row.rows_imported + imported,
            skipped: row.rows_skipped + skipped,
        };
        store::mark_committed(tx, row.id, row.chunks_committed + 1, total).await?;
        Ok(true)
    }

    /// Places what of these rows can be, and leaves an audit row of it.
    pub(super) async fn place_rows(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        import: &ImportRow,
        rows: Vec<StagedRow>,
        pass: Pass<'_>,
    ) -> Result<(i32, Vec<Finding>), OpError> {
        let (first, last) = (rows.first().map(|row| row.row), rows.last().map(|row| row.row));
        let candidates = rows.into_iter().filter_map(|row| {
            Some(Candidate {
                row: row.row,
                parsed: row.parsed?,
            })
        });
        let placing = Placing {
            import: import.id,
            keys,
            author: import.created_by,
            makes_origins: import.makes_origins,
            limitations: self.limitations.as_ref(),
            limitations_by: import.limitations_by,
        };
        let (imported, findings) = placing.place(tx, candidates.collect(), pass).await?;
        let details = json!({
            "first_row": first, "last_row": last, "imported": imported, "skipped": findings.len(),
        });
        tx.audit(AuditEntry::plain(
            "account_import.batch_committed",
            import.id,
            &details,
        ));
        Ok((imported, findings))
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
}

pub(super) fn completed(tx: &mut TenantTx, import: Uuid, imported: i32, skipped: i32) {
    let details = json!({ "imported": imported, "skipped": skipped });
    tx.audit(AuditEntry::plain("account_import.completed", import, &details));
}
