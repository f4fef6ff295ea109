//! The contents of a person's documents, and who read their data.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{pack::Pack, run::Archivist, sections::Selection};
use crate::{
    files,
    platform::{context::TenantCtx, db::DbError, db::TenantTx, error::OpError, keys::TenantKeys},
};

/// Rows of the access log that are looked at in one statement.
const LOOKED_AT: i64 = 5_000;

/// Packs the content of one file; what was erased or has expired has none.
pub(super) async fn pack_content(
    archivist: &Archivist,
    ctx: &TenantCtx,
    keys: &TenantKeys,
    pack: &mut Pack<'_>,
    id: Uuid,
) -> Result<(), OpError> {
    let (row, reader) = match archivist.files.open(ctx, id).await {
        Ok(found) => found,
        // There is no content any more.
        Err(OpError::User(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let name = row.name(keys)?.unwrap_or_default();
    // The id keeps two of one name apart, and leads, so that the name is no path.
    pack.begin(&format!("documents/{id}-{}", files::sanitised(&name)))?;
    let mut pieces = reader.into_stream();
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|error| OpError::Unavailable(format!("a document cannot be read: {error}")))?;
        pack.add(&piece).await?;
    }
    pack.end(None);
    Ok(())
}

/// The reads of the person's data among the next rows of the log past `past`, and the last row that was looked at. The log is
/// in order of time and not of people, hence it is read through.
pub(super) async fn reads(
    tx: &mut TenantTx,
    of: &Selection,
    past: Uuid,
) -> Result<(Vec<Value>, Option<Uuid>), DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT l.id, l.at, l.operation, l.actor_id, l.request_id, l.debtor_ids && $2 AS "concerns!"
         FROM access_log l WHERE l.business_id = $1 AND l.id > $3 ORDER BY l.id LIMIT $4"#,
        business,
        &of.members,
        past,
        LOOKED_AT,
    )
    .fetch_all(tx.conn())
    .await?;
    let last = rows.last().map(|row| row.id);
    let found = rows.into_iter().filter(|row| row.concerns);
    let found = found.map(|row| {
        json!({ "at": row.at, "fields": row.operation, "reader": row.actor_id, "request_id": row.request_id })
    });
    Ok((found.collect(), last))
}
