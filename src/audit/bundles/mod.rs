//! A business's own trail as a bundle in the store of files, for whoever may read the trail: written by a job, kept for three
//! days. It is always the whole trail, from its first row: a part would verify against nothing that its reader has.

mod run;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

pub use run::{Bundler, RunBundle, run_bundle};

use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
    },
};

/// How long the file is kept.
const KEPT: TimeDelta = TimeDelta::hours(72);
/// One that has not ended by then has failed, whatever its row says.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// At most this many of one business at once.
const MOST_AT_ONCE: i64 = 3;

/// Where a bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BundleState {
    Queued,
    Running,
    Ready,
    Failed,
    Expired,
}

/// A bundle as the database holds it.
#[derive(Clone, Debug)]
pub(super) struct BundleRow {
    pub(super) id: Uuid,
    pub(super) requested_by: Uuid,
    state: String,
    pub(super) total_rows: i64,
    pub(super) rows_done: i64,
    pub(super) last_position: Option<i64>,
    pub(super) head_hash: Option<Vec<u8>>,
    pub(super) checkpoints: Option<i32>,
    pub(super) size: Option<i64>,
    pub(super) file_id: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

impl BundleRow {
    /// Where it stands now: time alone makes it fail or expire.
    pub(super) fn state(&self, now: DateTime<Utc>) -> BundleState {
        match self.state.as_str() {
            "READY" if self.expires_at().is_some_and(|end| end > now) => BundleState::Ready,
            "READY" => BundleState::Expired,
            "FAILED" => BundleState::Failed,
            _ if self.created_at + LONGEST <= now => BundleState::Failed,
            "RUNNING" => BundleState::Running,
            _ => BundleState::Queued,
        }
    }

    /// When its file goes.
    pub(super) fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.file_id.and(self.finished_at).map(|at| at + KEPT)
    }
}

/// Asks for a bundle of the caller's business and returns its id.
///
/// # Errors
/// User errors: QUOTA_EXCEEDED while three are being written.
pub(super) async fn request_bundle(tx: &mut TenantTx) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::AuditExport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let requester = tx
        .ctx()
        .actor()
        .id()
        .ok_or_else(|| OpError::Forbidden("somebody has to ask for a bundle".to_owned()))?;
    if running(tx).await? >= MOST_AT_ONCE {
        let message = "Three bundles are being written: wait until one of them is ready.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let total = sqlx::query_scalar!(
        "INSERT INTO audit_bundles (business_id, id, requested_by, state, total_rows, rows_done, created_at)
         SELECT $1, $2, $3, 'QUEUED', h.audit_position, 0, $4 FROM business_head h WHERE h.business_id = $1
         RETURNING total_rows",
        business,
        id,
        requester,
        now,
    )
    .fetch_one(tx.conn())
    .await
    .map_err(DbError::from)?;
    let details = json!({ "rows": total });
    tx.audit(AuditEntry::plain("audit_bundle.requested", id, &details));
    tx.enqueue(&RunBundle { id });
    Ok(id)
}

async fn running(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (business, horizon) = (tx.business_id(), tx.now() - LONGEST);
    // One after the other, so that no two take the last place.
    let place = format!("{business} audit bundles");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_bundles
         WHERE business_id = $1 AND state IN ('QUEUED', 'RUNNING') AND created_at > $2"#,
        business,
        horizon,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The business's bundles, newest first, or one of them. What they hold is the trail, which whoever sees them may read.
pub(super) async fn bundles(
    tx: &mut TenantTx,
    id: Option<Uuid>,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<BundleRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        BundleRow,
        "SELECT id, requested_by, state, total_rows, rows_done, last_position, head_hash, checkpoints, size, file_id,
             created_at, finished_at
         FROM audit_bundles
         WHERE business_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        business,
        id,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One of them.
pub(super) async fn bundle_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<BundleRow>, DbError> {
    let page = PageRequest::one();
    Ok(bundles(tx, Some(id), &page, None).await?.pop())
}
