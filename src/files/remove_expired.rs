//! What expired, was never finished, never used, or was discarded goes: first the key, then the object.

use std::collections::BTreeMap;

use object_store::ObjectStoreExt as _;
use serde_json::json;
use uuid::Uuid;

use super::{Files, objects::object_path, store};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::{AuditEntry, DbError},
    error::OpError,
    jobs::JobError,
};

/// At most this many files in one run.
const BATCH: i64 = 1_000;

impl Files {
    /// Removes what is due.
    ///
    /// # Errors
    /// [`JobError::Retry`] while database or object store are away.
    pub async fn remove_expired(&self) -> Result<(), JobError> {
        for (business, files) in self.due().await? {
            self.remove(business, &files)
                .await
                .map_err(|error| JobError::Retry(error.to_string()))?;
        }
        Ok(())
    }

    async fn due(&self) -> Result<BTreeMap<Uuid, Vec<Uuid>>, DbError> {
        let ctx = SystemCtx::for_reason("expired files", "job-remove-expired-files");
        let mut tx = self.db.system(&ctx).await?;
        let now = tx.now();
        let rows = sqlx::query!(
            "SELECT business_id, id FROM files WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
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

    async fn remove(&self, business: Uuid, files: &[Uuid]) -> Result<(), OpError> {
        let ctx = TenantCtx::for_service(business, "job-remove-expired-files");
        let mut tx = self.db.tenant(&ctx).await?;
        for (id, debtor) in store::destroy_expired(&mut tx, files).await? {
            tx.audit(AuditEntry::plain("file.expired", id, &json!({})).about(debtor));
        }
        let gone = store::gone(&mut tx, files).await?;
        tx.commit().await?;
        for file in &gone {
            match self.store.delete(&object_path(business, *file)).await {
                // Never written, or removed by a run that stopped before it could say so.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(OpError::Unavailable(format!("the object store failed: {error}"))),
            }
        }
        let mut tx = self.db.tenant(&ctx).await?;
        store::mark_removed(&mut tx, &gone).await?;
        tx.commit().await?;
        Ok(())
    }
}
