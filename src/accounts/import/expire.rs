//! Gives up imports that nobody committed, and forgets those that ended long ago.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::{AccountImports, Failure, ImportRow, end, job_error, model::AccountImportStatus, staged, store};
use crate::{
    files,
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, DbError},
        error::OpError,
        jobs::JobError,
    },
};

/// At most this many imports in one run.
const BATCH: i64 = 500;

impl AccountImports {
    /// Takes care of the imports that are due.
    ///
    /// # Errors
    /// [`JobError::Retry`] while the database is away.
    pub async fn expire(&self) -> Result<(), JobError> {
        for (business, imports) in self.due().await? {
            let ctx = TenantCtx::for_service(business, "job-expire-imports");
            for import in imports {
                self.expire_one(&ctx, import).await.map_err(job_error)?;
            }
        }
        Ok(())
    }

    async fn due(&self) -> Result<BTreeMap<Uuid, Vec<Uuid>>, DbError> {
        let ctx = SystemCtx::for_reason("expired imports", "job-expire-imports");
        let mut tx = self.db.system(&ctx).await?;
        let now = tx.now();
        let rows = sqlx::query!(
            "SELECT business_id, id FROM account_imports WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
            now,
            BATCH,
        )
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        let mut due: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for row in rows {
            due.entry(row.business_id).or_default().push(row.id);
        }
        Ok(due)
    }

    async fn expire_one(&self, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let row = store::lock_import(&mut tx, id).await?;
        let now = tx.now();
        let Some(row) = row.filter(|row| row.expires_at <= now) else {
            return Ok(());
        };
        match row.status() {
            AccountImportStatus::Committing => {
                drop(tx);
                self.record_all_wishes(ctx, id).await?;
                return self.fail(ctx, id, &stopped(&row), None).await;
            }
            status if status.has_ended() => {
                staged::drop_findings(&mut tx, id).await?;
                files::discard(&mut tx, row.report_file_id.as_slice()).await?;
                store::delete_imports(&mut tx, &[id]).await?;
                tx.audit(AuditEntry::plain("account_import.forgotten", id, &json!({})));
            }
            _ => {
                end(&mut tx, &row, AccountImportStatus::Expired, None).await?;
                tx.audit(AuditEntry::plain("account_import.expired", id, &json!({})));
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// What the job could not come to: whom the rows of a committed file say not to call.
    async fn record_all_wishes(&self, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
        loop {
            let mut tx = self.db.tenant(ctx).await?;
            if !self.record_wishes(&mut tx, id).await? {
                return Ok(());
            }
            tx.commit().await?;
        }
    }
}

/// Its job failed for good a day ago, or has not come to its end since.
fn stopped(row: &ImportRow) -> Failure {
    Failure {
        code: "STOPPED",
        message: format!(
            "The import stopped after {} imported rows: upload the file again, what is there is recognised.",
            row.rows_imported
        ),
    }
}
