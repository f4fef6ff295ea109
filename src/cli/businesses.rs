//! Which businesses a command is about.

use anyhow::Context as _;
use uuid::Uuid;

use crate::{
    app::App,
    platform::{
        context::{SystemCtx, TenantCtx},
        ids::{self, IdKind},
    },
};

/// The businesses that are meant, by slug or id, or all of them; each with the context in which the command reads.
pub(super) async fn businesses(
    app: &App,
    which: Option<&str>,
    reason: &'static str,
    command: &'static str,
) -> anyhow::Result<Vec<(String, TenantCtx)>> {
    let id: Option<Uuid> = which.and_then(|text| {
        let by_uuid = text.parse().ok();
        by_uuid.or_else(|| ids::decode(IdKind::Business, text).ok())
    });
    let mut tx = app.db.system(&SystemCtx::for_reason(reason, command)).await?;
    let rows = sqlx::query!(
        "SELECT id, slug FROM businesses WHERE $1::text IS NULL OR slug = $1 OR id = $2 ORDER BY slug",
        which,
        id,
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    if let Some(which) = which {
        rows.first()
            .with_context(|| format!("there is no business {which}"))?;
    }
    Ok(rows
        .into_iter()
        .map(|row| (row.slug, TenantCtx::for_service(row.id, command)))
        .collect())
}
