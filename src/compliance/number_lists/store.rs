//! The tables of a business: its access to the registry, the answers that it imported.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::{NewAccess, reassigned_file::Answer};
use crate::platform::{
    db::{DbError, SystemTx, TenantTx},
    ids,
    keys::TenantKeys,
};

/// An import is read within minutes, and the queue gives its job up within half a day.
const OVERDUE: TimeDelta = TimeDelta::days(1);

/// A recorded subscription.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct AccessRow {
    pub(in crate::compliance) account_number: String,
    pub(in crate::compliance) area_codes: Option<Vec<i32>>,
    pub(in crate::compliance) valid_from: NaiveDate,
    pub(in crate::compliance) valid_until: NaiveDate,
    pub(in crate::compliance) recorded_at: DateTime<Utc>,
    pub(in crate::compliance) recorded_by: Option<Uuid>,
}

/// The copy of an area code.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct AreaRow {
    pub(in crate::compliance) area_code: i32,
    pub(in crate::compliance) as_of: NaiveDate,
    pub(in crate::compliance) numbers: i64,
}

pub(super) async fn put_access(tx: &mut TenantTx, new: &NewAccess) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO do_not_call_access (business_id, account_number, area_codes, valid_from, valid_until, recorded_at,
             recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (business_id) DO UPDATE SET account_number = excluded.account_number,
             area_codes = excluded.area_codes, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
             recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        business,
        new.account_number,
        new.area_codes.as_deref(),
        new.valid_from,
        new.valid_until,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The subscription that the business recorded, be it over.
pub(in crate::compliance) async fn access_of(tx: &mut TenantTx) -> Result<Option<AccessRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        AccessRow,
        "SELECT account_number, area_codes, valid_from, valid_until, recorded_at, recorded_by
         FROM do_not_call_access WHERE business_id = $1",
        business,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The copies of the area codes to which the business has access today: at most 800.
pub(in crate::compliance) async fn areas_of(tx: &mut TenantTx) -> Result<Vec<AreaRow>, DbError> {
    let today = tx.now().date_naive();
    Ok(sqlx::query_as!(
        AreaRow,
        r#"SELECT area_code AS "area_code!", as_of AS "as_of!", numbers AS "numbers!"
         FROM app.own_do_not_call_areas($1)"#,
        today,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// An import of answers.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct ImportRow {
    pub(in crate::compliance) id: Uuid,
    pub(super) file_id: Uuid,
    pub(super) queried_on: Option<NaiveDate>,
    pub(super) asked_since: Option<NaiveDate>,
    pub(in crate::compliance) status: String,
    pub(in crate::compliance) rows_read: i32,
    pub(in crate::compliance) reassigned: i32,
    pub(in crate::compliance) not_reassigned: i32,
    pub(in crate::compliance) no_data: i32,
    pub(in crate::compliance) queried_first: Option<NaiveDate>,
    pub(in crate::compliance) queried_last: Option<NaiveDate>,
    pub(in crate::compliance) failure: Option<String>,
    pub(in crate::compliance) created_at: DateTime<Utc>,
    pub(in crate::compliance) created_by: Option<Uuid>,
    pub(in crate::compliance) ended_at: Option<DateTime<Utc>>,
}

pub(super) async fn insert_import(
    tx: &mut TenantTx,
    id: Uuid,
    file: Uuid,
    (queried_on, asked_since): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO reassigned_imports (business_id, id, file_id, queried_on, asked_since, status, rows_read, reassigned,
             not_reassigned, no_data, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, 'WAITING', 0, 0, 0, 0, $6, $7)",
        business,
        id,
        file,
        queried_on,
        asked_since,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Imports of the business that have not ended.
pub(super) async fn open_imports(tx: &mut TenantTx) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "open!" FROM (SELECT FROM reassigned_imports
             WHERE business_id = $1 AND ended_at IS NULL LIMIT 100) o"#,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Imports of all businesses that have not ended a day after they began, the oldest first: business and import.
pub(super) async fn overdue_imports(tx: &mut SystemTx, most: i64) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let before = tx.now() - OVERDUE;
    let rows = sqlx::query!(
        "SELECT business_id, id FROM reassigned_imports WHERE ended_at IS NULL AND created_at <= $1
         ORDER BY created_at LIMIT $2",
        before,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.business_id, row.id)).collect())
}

/// One import.
pub(in crate::compliance) async fn import_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<ImportRow>, DbError> {
    Ok(imports(tx, Some(id), 1).await?.pop())
}

/// The newest imports.
pub(in crate::compliance) async fn newest_imports(
    tx: &mut TenantTx,
    most: i64,
) -> Result<Vec<ImportRow>, DbError> {
    imports(tx, None, most).await
}

async fn imports(tx: &mut TenantTx, id: Option<Uuid>, most: i64) -> Result<Vec<ImportRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ImportRow,
        "SELECT id, file_id, queried_on, asked_since, status, rows_read, reassigned, not_reassigned, no_data, queried_first,
                queried_last, failure, created_at, created_by, ended_at
         FROM reassigned_imports WHERE business_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id DESC LIMIT $3",
        business,
        id,
        most,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The newest day on which the database was asked, of the imports that came to an end.
pub(in crate::compliance) async fn newest_query(tx: &mut TenantTx) -> Result<Option<NaiveDate>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT max(queried_last) FROM reassigned_imports WHERE business_id = $1",
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Says how far the reading is; false when the import has ended.
pub(super) async fn show_rows(tx: &mut TenantTx, id: Uuid, rows: i32) -> Result<bool, DbError> {
    let business = tx.business_id();
    let shown = sqlx::query!(
        "UPDATE reassigned_imports SET status = 'LOADING', rows_read = $3
         WHERE business_id = $1 AND id = $2 AND ended_at IS NULL",
        business,
        id,
        rows,
    )
    .execute(tx.conn())
    .await?;
    Ok(shown.rows_affected() > 0)
}

/// How an import ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub(super) failure: Option<String>,
    pub(super) rows: i32,
    /// Yes, no, no data.
    pub(super) counts: [i32; 3],
    pub(super) queried: Option<(NaiveDate, NaiveDate)>,
}

/// Ends an import once; false when another run has.
pub(super) async fn end_import(tx: &mut TenantTx, id: Uuid, ending: &Ending) -> Result<bool, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let ended = sqlx::query!(
        "UPDATE reassigned_imports SET status = CASE WHEN $3::text IS NULL THEN 'COMPLETED' ELSE 'FAILED' END, failure = $3,
             rows_read = $4, reassigned = $5, not_reassigned = $6, no_data = $7, queried_first = $8, queried_last = $9,
             ended_at = $10
         WHERE business_id = $1 AND id = $2 AND ended_at IS NULL",
        business,
        id,
        ending.failure.as_deref(),
        ending.rows,
        ending.counts[0],
        ending.counts[1],
        ending.counts[2],
        ending.queried.map(|(first, _)| first),
        ending.queried.map(|(_, last)| last),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Writes answers down, of each number the print under the current key.
pub(super) async fn insert_answers(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: Uuid,
    answers: &[Answer],
) -> Result<(), DbError> {
    let business = tx.business_id();
    let new: Vec<Uuid> = answers.iter().map(|_| ids::next()).collect();
    let blinds: Vec<Vec<u8>> = answers
        .iter()
        .map(|answer| keys.blind(&answer.number).to_vec())
        .collect();
    let statuses: Vec<String> = answers
        .iter()
        .map(|answer| answer.status.as_str().to_owned())
        .collect();
    let since: Vec<Option<NaiveDate>> = answers.iter().map(|answer| answer.asked_since).collect();
    let gone: Vec<Option<NaiveDate>> = answers.iter().map(|answer| answer.disconnected_on).collect();
    let queried: Vec<NaiveDate> = answers.iter().map(|answer| answer.queried_on).collect();
    sqlx::query!(
        "INSERT INTO reassigned_checks (business_id, id, import_id, number_blind, status, asked_since, disconnected_on,
             queried_on)
         SELECT $1, a.id, $2, a.blind, a.status, a.since, a.gone, a.queried
         FROM unnest($3::uuid[], $4::bytea[], $5::text[], $6::date[], $7::date[], $8::date[])
             AS a(id, blind, status, since, gone, queried)",
        business,
        import,
        &new,
        &blinds,
        &statuses,
        since.as_slice() as &[Option<NaiveDate>],
        gone.as_slice() as &[Option<NaiveDate>],
        &queried,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
