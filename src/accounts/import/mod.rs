//! Accounts from a file, in two steps: a preview, which looks at every row, and a commit, which places them. Both are
//! jobs that show how far they are and go on after a crash.
//!
//! ```text
//! previewAccountImport -> NEEDS_MAPPING -> remapAccountImport -> ANALYZING -> READY -> commitAccountImport -> COMMITTING -> COMPLETED
//!                                                                                             FAILED, CANCELLED, EXPIRED
//! ```
//!
//! The analysis reads the file and stages its rows, some hundred to a chunk, sealed under the business's key. The commit
//! first puts the numbers that are not to be called on the suppression list, then places one chunk in one transaction and
//! moves its mark in the same one, so that it goes on exactly where it stopped. Both are cut into slices, each a job that
//! enqueues the next, so that the imports of several businesses take turns. All or nothing is one job and one transaction
//! over all chunks; people whom the business has already, and whom others may have to lock, come last in it. Memory holds
//! one chunk, whatever the file's size. The staged rows go when the import ends, or after a day.

mod analyze;
mod batch;
mod cancel;
mod columns;
mod commit;
mod components;
mod expire;
mod field;
mod finding;
mod model;
mod origins;
mod people;
mod place;
mod preview;
mod progress;
mod read_ahead;
mod reader;
mod report;
mod row;
mod staged;
mod staged_number;
mod store;
mod taken;
mod template;
mod values;
mod whole;

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

pub use analyze::AnalyzeImport;
pub use cancel::cancel_import;
pub(super) use columns::{Choice, Column, missing};
pub use commit::{CommitImport, commit_import};
pub use field::AccountImportField;
pub use finding::ImportFindingCode;
pub(super) use model::ImportRow;
pub use model::{AccountImportMode, AccountImportStatus};
pub(super) use preview::{Preview, Source};
pub(super) use progress::{ProgressEnd, follow_import};
pub(super) use staged::{FindingRow, findings_past};
pub(super) use store::{imports_by_ids, newest_imports, open_columns};
pub use template::AccountImportTemplate;
pub(super) use values::parse_date;
pub use whole::PlaceWholeImport;

use self::{model::REMEMBERED_FOR, report::Report};
use super::ports::{ContactBans, Limitations};
use crate::{
    files::{self, Files},
    identity::{self, NotificationKind},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        jobs::JobError,
        keys::Keyring,
    },
};

/// What imports work with; made once in `app.rs`. Cheap to clone.
#[derive(Clone)]
pub struct AccountImports {
    db: Db,
    keyring: Keyring,
    files: Files,
    bans: Arc<dyn ContactBans>,
    limitations: Arc<dyn Limitations>,
}

/// Why an import ends without success.
#[derive(Clone, Debug)]
struct Failure {
    code: &'static str,
    message: String,
}

impl AccountImports {
    pub fn new(
        db: Db,
        keyring: Keyring,
        files: Files,
        bans: Arc<dyn ContactBans>,
        limitations: Arc<dyn Limitations>,
    ) -> Self {
        Self {
            db,
            keyring,
            files,
            bans,
            limitations,
        }
    }

    /// Ends an import without success: what was staged goes, nothing more of it is imported.
    async fn fail(
        &self,
        ctx: &TenantCtx,
        import: Uuid,
        failure: &Failure,
        report: Option<Report>,
    ) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let Some(row) = store::lock_import(&mut tx, import).await? else {
            return Ok(());
        };
        let status = row.status();
        if !matches!(
            status,
            AccountImportStatus::Analyzing | AccountImportStatus::Committing
        ) {
            return Ok(());
        }
        store::set_failure(&mut tx, import, failure.code, &failure.message).await?;
        if status == AccountImportStatus::Analyzing {
            staged::drop_findings(&mut tx, import).await?;
        }
        end(&mut tx, &row, AccountImportStatus::Failed, report).await?;
        tx.audit(AuditEntry::plain(
            "account_import.failed",
            import,
            &json!({ "code": failure.code, "imported": row.rows_imported }),
        ));
        tx.commit().await?;
        Ok(())
    }
}

/// Tells followers that something of an import has changed.
fn tell(tx: &mut TenantTx, import: Uuid) {
    tx.emit(LiveEvent {
        kind: "ACCOUNT_IMPORT_CHANGED",
        object_id: Some(import),
        ..LiveEvent::default()
    });
}

/// Ends a locked import: staged rows and the uploaded file go, a new report takes the place of the old one.
async fn end(
    tx: &mut TenantTx,
    row: &ImportRow,
    status: AccountImportStatus,
    report: Option<Report>,
) -> Result<(), OpError> {
    let forgotten_at = tx.now() + REMEMBERED_FOR;
    store::advance(tx, row.id, row.status(), status, forgotten_at).await?;
    staged::drop_rows(tx, row.id).await?;
    let mut discarded = vec![row.file_id];
    if let Some(report) = report {
        discarded.extend(row.report_file_id);
        report.keep(tx, row.id).await?;
    }
    files::discard(tx, &discarded).await?;
    tell(tx, row.id);
    if let Some(user) = row.created_by.filter(|_| status.is_over()) {
        identity::tell_by_mail(tx, user, NotificationKind::ImportFinished).await?;
    }
    Ok(())
}

/// How a job ends when its work did not succeed.
fn job_error(error: OpError) -> JobError {
    match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    }
}
