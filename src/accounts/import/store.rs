//! SQL of imports, their staged rows and their findings.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    columns::Column,
    model::{AccountImportStatus, Columns, Counts, ImportRow},
    template::AccountImportTemplate,
};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    keys::TenantKeys,
};

/// A new import.
pub(super) struct NewImport<'a> {
    pub(super) id: Uuid,
    pub(super) file_id: Uuid,
    pub(super) status: AccountImportStatus,
    pub(super) template: AccountImportTemplate,
    pub(super) columns: &'a [Column],
    /// Whether creditors and placements that are new may be made.
    pub(super) makes_origins: bool,
    pub(super) expires_at: DateTime<Utc>,
}

fn seal_columns(keys: &TenantKeys, id: Uuid, columns: &[Column]) -> Result<Vec<u8>, OpError> {
    let text = serde_json::to_vec(&Columns(columns.to_vec())).map_err(anyhow::Error::from)?;
    Ok(keys.seal(&keys.own_key(), "account_imports", "columns_cipher", id, &text)?)
}

/// The columns of an import in clear.
pub(in crate::accounts) fn open_columns(
    keys: &TenantKeys,
    import: &ImportRow,
) -> Result<Vec<Column>, OpError> {
    let key = keys
        .own_key_of(import.key_version)
        .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?;
    let text = keys.open_text(
        &key,
        "account_imports",
        "columns_cipher",
        import.id,
        &import.columns_cipher,
    )?;
    let Columns(columns) = serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?;
    Ok(columns)
}

pub(super) async fn insert_import(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: &NewImport<'_>,
) -> Result<(), OpError> {
    let (business, now, creator) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO account_imports (business_id, id, file_id, created_by, status, template, columns_cipher, key_version,
             created_at, updated_at, expires_at, makes_origins)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        business,
        new.id,
        new.file_id,
        creator,
        new.status.as_str(),
        new.template.as_str(),
        seal_columns(keys, new.id, new.columns)?,
        keys.blind_version(),
        now,
        new.expires_at,
        new.makes_origins,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts another mapping in place and begins anew.
pub(super) async fn set_mapping(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    changed: &NewImport<'_>,
) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE account_imports SET status = $3, template = $4, columns_cipher = $5, key_version = $6, updated_at = $7,
             expires_at = $8, makes_origins = $9, has_limitations = false, step = step + 1, chunks_analyzed = 0, rows_analyzed = 0, rows_total = NULL, rows_valid = 0, rows_invalid = 0,
             rows_duplicate_in_file = 0, rows_duplicate_in_business = 0, rows_suppressed = 0, report_file_id = NULL
         WHERE business_id = $1 AND id = $2",
        business,
        changed.id,
        changed.status.as_str(),
        changed.template.as_str(),
        seal_columns(keys, changed.id, changed.columns)?,
        keys.blind_version(),
        now,
        changed.expires_at,
        changed.makes_origins,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Imports by id.
pub(in crate::accounts) async fn imports_by_ids(
    tx: &mut TenantTx,
    wanted: &[Uuid],
) -> Result<Vec<ImportRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ImportRow,
        "SELECT id, file_id, created_by, status, template, mode, columns_cipher, key_version, makes_origins, has_limitations,
             limitations_by, step, chunks_analyzed,
             rows_analyzed, rows_total,
             rows_valid, rows_invalid, rows_duplicate_in_file, rows_duplicate_in_business, rows_suppressed,
             chunks_committed, rows_processed, rows_imported, rows_skipped, failure_code, failure_message,
             (SELECT f.id FROM files f WHERE f.business_id = $1 AND f.id = i.report_file_id AND f.state = 'CLAIMED')
                 AS report_file_id,
             created_at, expires_at
         FROM account_imports i WHERE business_id = $1 AND id = ANY($2)",
        business,
        wanted,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The newest imports first, past one of them.
pub(in crate::accounts) async fn newest_imports(
    tx: &mut TenantTx,
    past: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ImportRow>, DbError> {
    let business = tx.business_id();
    let wanted = sqlx::query_scalar!(
        "SELECT id FROM account_imports WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        business,
        past,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut rows = imports_by_ids(tx, &wanted).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    Ok(rows)
}

/// Locks an import for its next step.
pub(super) async fn lock_import(tx: &mut TenantTx, id: Uuid) -> Result<Option<ImportRow>, DbError> {
    let business = tx.business_id();
    let locked = sqlx::query_scalar!(
        "SELECT id FROM account_imports WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        id,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(imports_by_ids(tx, &locked).await?.pop())
}

/// The next slice of the work begins: its number, by which its job is known.
pub(super) async fn next_step(tx: &mut TenantTx, id: Uuid) -> Result<i32, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "UPDATE account_imports SET step = step + 1 WHERE business_id = $1 AND id = $2 RETURNING step",
        business,
        id,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A chunk that was looked at.
pub(super) struct Analyzed {
    pub(super) step: i32,
    /// From 0.
    pub(super) nth: i32,
    pub(super) rows: i32,
    pub(super) counts: Counts,
    /// Whether a row says when a limitation period ends.
    pub(super) has_limitations: bool,
}

/// Adds what a chunk of the analysis found; false when another job did this chunk, or the import has moved on.
pub(super) async fn count_analyzed(
    tx: &mut TenantTx,
    import: Uuid,
    chunk: &Analyzed,
) -> Result<bool, DbError> {
    let (business, now, counts) = (tx.business_id(), tx.now(), chunk.counts);
    let counted = sqlx::query!(
        "UPDATE account_imports SET chunks_analyzed = chunks_analyzed + 1, rows_analyzed = rows_analyzed + $4,
             rows_valid = rows_valid + $5, rows_invalid = rows_invalid + $6,
             rows_duplicate_in_file = rows_duplicate_in_file + $7,
             rows_duplicate_in_business = rows_duplicate_in_business + $8, rows_suppressed = rows_suppressed + $9,
             updated_at = $10, has_limitations = has_limitations OR $12
         WHERE business_id = $1 AND id = $2 AND step = $3 AND status = 'ANALYZING' AND chunks_analyzed = $11",
        business,
        import,
        chunk.step,
        chunk.rows,
        counts.valid,
        counts.invalid,
        counts.duplicate_in_file,
        counts.duplicate_in_business,
        counts.suppressed,
        now,
        chunk.nth,
        chunk.has_limitations,
    )
    .execute(tx.conn())
    .await?;
    Ok(counted.rows_affected() == 1)
}

/// What a chunk of the commit did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placed {
    pub(super) processed: i32,
    pub(super) imported: i32,
    pub(super) skipped: i32,
}

/// Moves the mark behind `chunks` chunks and sets the counts; false when the import is not being committed any more.
pub(super) async fn mark_committed(
    tx: &mut TenantTx,
    import: Uuid,
    chunks: i32,
    total: Placed,
) -> Result<bool, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let marked = sqlx::query!(
        "UPDATE account_imports SET chunks_committed = $3, rows_processed = $4, rows_imported = $5, rows_skipped = $6,
             updated_at = $7
         WHERE business_id = $1 AND id = $2 AND status = 'COMMITTING'",
        business,
        import,
        chunks,
        total.processed,
        total.imported,
        total.skipped,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Moves an import from one status to the next; false when it was in another.
pub(super) async fn advance(
    tx: &mut TenantTx,
    import: Uuid,
    from: AccountImportStatus,
    to: AccountImportStatus,
    expires_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let moved = sqlx::query!(
        "UPDATE account_imports SET status = $4, updated_at = $5, expires_at = $6
         WHERE business_id = $1 AND id = $2 AND status = $3",
        business,
        import,
        from.as_str(),
        to.as_str(),
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// How it is committed, whether whoever commits it may make creditors, as whoever previewed it had to be, and who vouches for
/// what it says of limitation periods.
pub(super) async fn set_mode(
    tx: &mut TenantTx,
    import: Uuid,
    mode: &str,
    makes_origins: bool,
    limitations_by: Option<Uuid>,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE account_imports SET mode = $3, makes_origins = makes_origins AND $4, limitations_by = $5
         WHERE business_id = $1 AND id = $2",
        business,
        import,
        mode,
        makes_origins,
        limitations_by,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_total(tx: &mut TenantTx, import: Uuid, rows: i32) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE account_imports SET rows_total = $3 WHERE business_id = $1 AND id = $2",
        business,
        import,
        rows,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_report(tx: &mut TenantTx, import: Uuid, file: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE account_imports SET report_file_id = $3 WHERE business_id = $1 AND id = $2",
        business,
        import,
        file,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_failure(
    tx: &mut TenantTx,
    import: Uuid,
    code: &str,
    message: &str,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE account_imports SET failure_code = $3, failure_message = $4 WHERE business_id = $1 AND id = $2",
        business,
        import,
        code,
        message,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets imports that ended long ago.
pub(super) async fn delete_imports(tx: &mut TenantTx, ended: &[Uuid]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM account_imports WHERE business_id = $1 AND id = ANY($2)",
        business,
        ended,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many imports of the business have not ended.
pub(super) async fn open_imports(tx: &mut TenantTx) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM account_imports
         WHERE business_id = $1 AND status IN ('NEEDS_MAPPING', 'ANALYZING', 'READY', 'COMMITTING')"#,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}
