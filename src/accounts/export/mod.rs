//! Accounts leave as a file: a list, as `accounts` shows it, written by a job and kept for three days, for whoever asked
//! for it alone.

mod columns;
mod people;
mod run;
mod table;
mod workbook;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub(super) use columns::Column;
pub use run::{Exporter, RunExport, run_export};
pub(super) use table::Format;

use super::{
    list::{AccountList, count_all},
    views::check_references,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys},
    },
};

/// How long the file is kept.
const KEPT: TimeDelta = TimeDelta::hours(72);
/// One that has not ended by then has failed, whatever its row says.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// At most this many of one business at once.
const MOST_AT_ONCE: i64 = 3;

/// The most accounts that one export may hold (`EXPORT_MAX_ROWS`).
#[derive(Clone, Copy, Debug)]
pub struct ExportLimit(pub i64);

/// What is to be exported.
#[derive(Clone, Debug)]
pub(super) struct NewExport {
    pub(super) list: AccountList,
    /// The filter as it was given, for the trail.
    pub(super) filter: serde_json::Value,
    pub(super) format: Format,
    /// All of them where empty.
    pub(super) columns: Vec<Column>,
}

/// What the job works from; sealed, because who searches means a person.
#[derive(Debug, Deserialize, Serialize)]
struct Request {
    list: AccountList,
    columns: Vec<Column>,
    format: Format,
    /// Whose assignments the requester was limited to.
    agent_scope: Option<Uuid>,
}

/// An export as the database holds it.
#[derive(Clone, Debug)]
pub(super) struct ExportRow {
    pub(super) id: Uuid,
    pub(super) format: String,
    state: String,
    pub(super) total_rows: i64,
    pub(super) rows_done: i64,
    pub(super) file_id: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    /// Whether its file is there: it goes when one of those whom it tells of is erased.
    file_there: bool,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExportState {
    Queued,
    Running,
    Ready,
    Failed,
    Expired,
}

impl ExportRow {
    /// Where it stands now: time alone makes it fail or expire.
    pub(super) fn state(&self, now: DateTime<Utc>) -> ExportState {
        match self.state.as_str() {
            "READY" if self.file_there && self.expires_at().is_some_and(|end| end > now) => {
                ExportState::Ready
            }
            "READY" => ExportState::Expired,
            "FAILED" => ExportState::Failed,
            _ if self.created_at + LONGEST <= now => ExportState::Failed,
            "RUNNING" => ExportState::Running,
            _ => ExportState::Queued,
        }
    }

    /// When its file goes.
    pub(super) fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(|at| at + KEPT)
    }
}

/// Asks for an export and returns its id.
///
/// # Errors
/// User errors: INVALID_INPUT for more accounts than an export may hold, QUOTA_EXCEEDED while three are being written.
pub(super) async fn request_export(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    limit: ExportLimit,
    mut new: NewExport,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::AccountExport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let requester = tx
        .ctx()
        .actor()
        .id()
        .ok_or_else(|| OpError::Forbidden("somebody has to ask for an export".to_owned()))?;
    check_references(tx, &new.list.criteria).await?;
    let ExportLimit(most) = limit;
    let total = count_all(tx, &new.list, most + 1).await?;
    if total > most {
        let message =
            format!("These are more than {most} accounts: narrow the filter, and export them in parts.");
        return Err(UserError::invalid("filter", message).into());
    }
    if running(tx).await? >= MOST_AT_ONCE {
        let message = "Three exports are being written: wait until one of them is ready.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    if new.columns.is_empty() {
        new.columns = Column::ALL.to_vec();
    }
    let request = Request {
        list: new.list,
        columns: new.columns,
        format: new.format,
        agent_scope: tx.ctx().agent_scope(),
    };
    let keys = keyring.business(db, tx.business_id()).await?;
    let id = ids::next();
    let sealed = seal_request(&keys, id, &request)?;
    let (business, now, key_version) = (tx.business_id(), tx.now(), keys.blind_version());
    sqlx::query!(
        "INSERT INTO exports (business_id, id, requested_by, format, state, request_cipher, key_version, total_rows,
             rows_done, created_at)
         VALUES ($1, $2, $3, $4, 'QUEUED', $5, $6, $7, 0, $8)",
        business,
        id,
        requester,
        request.format.as_str(),
        sealed,
        key_version,
        total,
        now,
    )
    .execute(tx.conn())
    .await?;
    let columns: Vec<&str> = request.columns.iter().map(|column| column.title()).collect();
    let details = json!({
        "format": request.format.as_str(),
        "rows": total,
        "filter": new.filter,
        "searched": request.list.search.is_some(),
        "columns": columns,
    });
    tx.audit(AuditEntry::plain("export.requested", id, &details));
    tx.enqueue(&RunExport { id });
    Ok(id)
}

fn seal_request(keys: &TenantKeys, id: Uuid, request: &Request) -> Result<Vec<u8>, OpError> {
    let text = serde_json::to_vec(request).map_err(anyhow::Error::from)?;
    Ok(keys.seal(&keys.own_key(), "exports", "request_cipher", id, &text)?)
}

async fn running(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (business, horizon) = (tx.business_id(), tx.now() - LONGEST);
    // One after the other, so that no two take the last place.
    let place = format!("{business} exports");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM exports
         WHERE business_id = $1 AND state IN ('QUEUED', 'RUNNING') AND created_at > $2"#,
        business,
        horizon,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// An export of the caller's own.
pub(super) async fn export_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<ExportRow>, DbError> {
    let (business, requester) = (tx.business_id(), tx.ctx().actor().id());
    Ok(sqlx::query_as!(
        ExportRow,
        r#"SELECT id, format, state, total_rows, rows_done, file_id, created_at, finished_at,
             EXISTS (SELECT FROM files f WHERE f.business_id = $1 AND f.id = e.file_id AND f.state = 'CLAIMED')
                 AS "file_there!"
         FROM exports e WHERE business_id = $1 AND id = $2 AND requested_by = $3"#,
        business,
        id,
        requester,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The caller's own exports, newest first.
pub(super) async fn own_exports(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<ExportRow>, DbError> {
    let (business, requester) = (tx.business_id(), tx.ctx().actor().id());
    Ok(sqlx::query_as!(
        ExportRow,
        r#"SELECT id, format, state, total_rows, rows_done, file_id, created_at, finished_at,
             EXISTS (SELECT FROM files f WHERE f.business_id = $1 AND f.id = e.file_id AND f.state = 'CLAIMED')
                 AS "file_there!"
         FROM exports e WHERE business_id = $1 AND requested_by = $2 AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4"#,
        business,
        requester,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
