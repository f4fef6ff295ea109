//! SQL of what an import holds on its way: staged rows, sealed, and what is to be said of them.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    finding::{Finding, ImportFindingCode},
    model::StagedRow,
};
use crate::platform::{
    crypto::DataKey,
    db::{DbError, TenantTx},
    error::OpError,
    ids,
    keys::TenantKeys,
};

pub(super) async fn drop_rows(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM account_import_chunks WHERE business_id = $1 AND import_id = $2",
        business,
        id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn drop_findings(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM account_import_findings WHERE business_id = $1 AND import_id = $2",
        business,
        id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Rows to be staged together.
pub(super) struct NewChunk<'a> {
    /// From 0.
    pub(super) nth: i32,
    pub(super) rows: &'a [StagedRow],
    /// Blind indexes of numbers that are not to be called.
    pub(super) do_not_call: &'a [Vec<u8>],
    /// What tells those of the rows apart that are no duplicates, and their numbers.
    pub(super) identities: &'a [(Identity, u32)],
}

/// The beginning of a hash of what tells a row apart: of the same length, whatever the row holds.
pub(super) type Identity = [u8; 16];

/// Stages rows, sealed together.
pub(super) async fn insert_chunk(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: Uuid,
    chunk: &NewChunk<'_>,
) -> Result<(), OpError> {
    let (business, id) = (tx.business_id(), ids::next());
    let text = serde_json::to_vec(chunk.rows).map_err(anyhow::Error::from)?;
    let mut identities = Vec::with_capacity(chunk.identities.len() * IDENTITY_BYTES);
    for (identity, row) in chunk.identities {
        identities.extend_from_slice(identity);
        identities.extend_from_slice(&row.to_be_bytes());
    }
    let seal = |column, plain: &[u8]| keys.seal(&keys.own_key(), "account_import_chunks", column, id, plain);
    let (rows, identities) = (
        seal("rows_cipher", &text)?,
        seal("identities_cipher", &identities)?,
    );
    sqlx::query!(
        "INSERT INTO account_import_chunks (business_id, import_id, nth, id, rows_cipher, key_version, do_not_call,
             identities_cipher)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        business,
        import,
        chunk.nth,
        id,
        rows,
        keys.blind_version(),
        chunk.do_not_call,
        identities,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

const IDENTITY_BYTES: usize = 20;

/// What tells the staged rows of an import apart, and their numbers: twenty bytes a row.
pub(super) async fn identities(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: Uuid,
) -> Result<HashMap<Identity, u32>, OpError> {
    let business = tx.business_id();
    let chunks = sqlx::query!(
        r#"SELECT id, identities_cipher AS "sealed!", key_version FROM account_import_chunks
         WHERE business_id = $1 AND import_id = $2 AND identities_cipher IS NOT NULL"#,
        business,
        import,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found = HashMap::new();
    for chunk in chunks {
        let key = own_key(keys, chunk.key_version)?;
        let plain = keys.open(
            &key,
            "account_import_chunks",
            "identities_cipher",
            chunk.id,
            &chunk.sealed,
        )?;
        for entry in plain.chunks_exact(IDENTITY_BYTES) {
            let (mut identity, mut row) = ([0; 16], [0; 4]);
            identity.copy_from_slice(&entry[..16]);
            row.copy_from_slice(&entry[16..]);
            found.insert(identity, u32::from_be_bytes(row));
        }
    }
    Ok(found)
}

fn own_key(keys: &TenantKeys, version: i32) -> Result<DataKey, OpError> {
    Ok(keys
        .own_key_of(version)
        .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?)
}

/// Whether numbers that are not to be called still have to be put on the suppression list.
pub(super) async fn has_wishes(tx: &mut TenantTx, import: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM account_import_chunks
             WHERE business_id = $1 AND import_id = $2 AND do_not_call <> '{}') AS "has!""#,
        business,
        import,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Takes the numbers (blind indexes) of one chunk that are not to be called, and are to be put on the suppression list in
/// the same transaction; none when there is no chunk left with any.
pub(super) async fn take_wishes(tx: &mut TenantTx, import: Uuid) -> Result<Option<Vec<Vec<u8>>>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"UPDATE account_import_chunks c SET do_not_call = '{}'
         FROM (SELECT nth, do_not_call FROM account_import_chunks
               WHERE business_id = $1 AND import_id = $2 AND do_not_call <> '{}' ORDER BY nth LIMIT 1) w
         WHERE c.business_id = $1 AND c.import_id = $2 AND c.nth = w.nth RETURNING w.do_not_call AS "numbers!""#,
        business,
        import,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Staged rows in clear; none past the last.
pub(super) async fn chunk(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: Uuid,
    nth: i32,
) -> Result<Option<Vec<StagedRow>>, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT id, rows_cipher, key_version FROM account_import_chunks
         WHERE business_id = $1 AND import_id = $2 AND nth = $3",
        business,
        import,
        nth,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let key = own_key(keys, row.key_version)?;
    let text = keys.open_text(
        &key,
        "account_import_chunks",
        "rows_cipher",
        row.id,
        &row.rows_cipher,
    )?;
    Ok(Some(
        serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?,
    ))
}

/// Stores what is to be said of rows, behind what was said of them before.
pub(super) async fn insert_findings(
    tx: &mut TenantTx,
    import: Uuid,
    findings: &[Finding],
) -> Result<(), DbError> {
    if findings.is_empty() {
        return Ok(());
    }
    let business = tx.business_id();
    let rows: Vec<i32> = findings
        .iter()
        .map(|f| i32::try_from(f.row).unwrap_or(i32::MAX))
        .collect();
    let columns: Vec<Option<i16>> = findings
        .iter()
        .map(|f| f.column.and_then(|column| i16::try_from(column).ok()))
        .collect();
    let codes: Vec<String> = findings.iter().map(|f| f.code.as_str().to_owned()).collect();
    let messages: Vec<String> = findings.iter().map(|f| f.message.clone()).collect();
    sqlx::query!(
        "INSERT INTO account_import_findings (business_id, import_id, row_number, ordinal, column_index, code, message)
         SELECT $1, $2, f.row_number,
             (coalesce(k.last, -1) + row_number() OVER (PARTITION BY f.row_number ORDER BY f.nth))::smallint,
             f.column_index, f.code, f.message
         FROM unnest($3::int[], $4::smallint[], $5::text[], $6::text[]) WITH ORDINALITY
             AS f(row_number, column_index, code, message, nth)
         LEFT JOIN LATERAL (
             SELECT max(ordinal) AS last FROM account_import_findings e
             WHERE e.business_id = $1 AND e.import_id = $2 AND e.row_number = f.row_number) k ON true",
        business,
        import,
        &rows,
        &columns as &[Option<i16>],
        &codes,
        &messages,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A finding as it is read.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct FindingRow {
    pub(in crate::accounts) row_number: i32,
    pub(in crate::accounts) ordinal: i16,
    pub(in crate::accounts) column_index: Option<i16>,
    pub(in crate::accounts) code: String,
    pub(in crate::accounts) message: String,
}

/// Findings in the order of the file, past one of them.
pub(in crate::accounts) async fn findings_past(
    tx: &mut TenantTx,
    import: Uuid,
    code: Option<ImportFindingCode>,
    past: (i32, i16),
    limit: i64,
) -> Result<Vec<FindingRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        FindingRow,
        "SELECT row_number, ordinal, column_index, code, message FROM account_import_findings
         WHERE business_id = $1 AND import_id = $2 AND (row_number, ordinal) > ($3, $4::smallint)
           AND ($5::text IS NULL OR code = $5)
         ORDER BY row_number, ordinal LIMIT $6",
        business,
        import,
        past.0,
        past.1,
        code.map(ImportFindingCode::as_str),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Findings of these rows, in order.
pub(super) async fn findings_of_rows(
    tx: &mut TenantTx,
    import: Uuid,
    first: u32,
    last: u32,
) -> Result<Vec<FindingRow>, DbError> {
    let business = tx.business_id();
    let bound = |row: u32| i32::try_from(row).unwrap_or(i32::MAX);
    Ok(sqlx::query_as!(
        FindingRow,
        "SELECT row_number, ordinal, column_index, code, message FROM account_import_findings
         WHERE business_id = $1 AND import_id = $2 AND row_number BETWEEN $3 AND $4 ORDER BY row_number, ordinal",
        business,
        import,
        bound(first),
        bound(last),
    )
    .fetch_all(tx.conn())
    .await?)
}
