//! The accounts that were deleted and can be brought back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// A deleted account.
#[derive(Clone, Debug)]
pub(super) struct DeletedRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_number: String,
    pub(super) status: String,
    pub(super) currency: String,
    pub(super) balance_minor: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) deleted_at: DateTime<Utc>,
}

/// Those within the caller's scope, what was deleted last first.
pub(super) async fn page_of_deleted(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<(DateTime<Utc>, Uuid)>,
) -> Result<Vec<DeletedRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let (at, id) = past.unzip();
    Ok(sqlx::query_as!(
        DeletedRow,
        r#"SELECT id, debtor_id, account_number, status, currency, balance_minor, created_at, deleted_at AS "deleted_at!"
           FROM accounts
           WHERE business_id = $1 AND deleted_at IS NOT NULL
             AND ($2::timestamptz IS NULL OR (deleted_at, id) < ($2, $3))
             AND ($4::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $4)
           ORDER BY deleted_at DESC, id DESC LIMIT $5"#,
        business,
        at,
        id,
        scope,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
