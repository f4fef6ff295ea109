//! SQL of files.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{FileRow, Purpose, Stored};
use crate::platform::{
    context::Actor,
    db::{DbError, TenantTx},
    keys::WrappedKey,
};

/// A row to be written.
pub(super) struct NewRow {
    pub(super) id: Uuid,
    pub(super) purpose: Purpose,
    /// `AWAITED` or `WRITING`.
    pub(super) state: &'static str,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) key_version: i32,
    pub(super) name_cipher: Vec<u8>,
    pub(super) media_type: &'static str,
    /// As announced.
    pub(super) size: Option<i64>,
    pub(super) expires_at: DateTime<Utc>,
}

pub(super) async fn insert(tx: &mut TenantTx, row: &NewRow) -> Result<(), DbError> {
    let (business, now, creator) = (tx.business_id(), tx.now(), tx.ctx().actor().id());
    sqlx::query!(
        "INSERT INTO files (business_id, id, purpose, state, wrapped_key, key_version, name_cipher, media_type, size,
             created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        business,
        row.id,
        row.purpose.as_str(),
        row.state,
        row.wrapped_key,
        row.key_version,
        row.name_cipher,
        row.media_type,
        row.size,
        creator,
        now,
        row.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Files by id; those that are not there (or not the business's) are missing in the answer.
///
/// # Errors
/// [`DbError`] as met.
pub async fn files_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<FileRow>, DbError> {
    let rows = match tx.ctx().debtor_id() {
        None => records(tx, ids).await?,
        Some(_) => own_records(tx, ids).await?,
    };
    Ok(rows.into_iter().filter_map(Record::into_row).collect())
}

/// A row, with the person's key that guards it.
struct Record {
    id: Uuid,
    purpose: String,
    state: String,
    media_type: String,
    size: Option<i64>,
    sha256: Option<Vec<u8>>,
    debtor_id: Option<Uuid>,
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    wrapped_key: Option<Vec<u8>>,
    key_version: i32,
    name_cipher: Option<Vec<u8>>,
    person_name_cipher: Option<Vec<u8>>,
    guard_id: Option<Uuid>,
    guard_version: Option<i32>,
    guard_wrapped: Option<Vec<u8>>,
}

impl Record {
    fn into_row(self) -> Option<FileRow> {
        let guard = match (self.guard_id, self.guard_version) {
            (Some(id), Some(business_key_version)) => Some(WrappedKey {
                id,
                business_key_version,
                wrapped: self.guard_wrapped,
            }),
            _ => None,
        };
        Some(FileRow {
            id: self.id,
            purpose: Purpose::parse(&self.purpose)?,
            media_type: self.media_type,
            size: self.size,
            sha256: self.sha256,
            debtor_id: self.debtor_id,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            state: self.state,
            wrapped_key: self.wrapped_key,
            key_version: self.key_version,
            name_cipher: self.name_cipher,
            person_name_cipher: self.person_name_cipher,
            guard,
        })
    }
}

async fn records(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Record>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Record,
        r#"SELECT f.id, f.purpose, f.state, f.media_type, f.size, f.sha256, f.debtor_id, f.created_by, f.created_at,
                f.expires_at, f.wrapped_key, f.key_version, f.name_cipher, f.person_name_cipher,
                k.id AS "guard_id?", k.business_key_version AS "guard_version?", k.wrapped AS guard_wrapped
         FROM files f
         LEFT JOIN data_keys k ON k.business_id = f.business_id AND k.id = f.data_key_id
         WHERE f.business_id = $1 AND f.id = ANY($2)"#,
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The same of what is shown to the debtor who asks: the table is staff's.
async fn own_records(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Record>, DbError> {
    Ok(sqlx::query_as!(
        Record,
        r#"SELECT f.id AS "id!", f.purpose AS "purpose!", f.state AS "state!", f.media_type AS "media_type!", f.size, f.sha256,
                f.debtor_id, f.created_by, f.created_at AS "created_at!", f.expires_at, f.wrapped_key,
                f.key_version AS "key_version!", f.name_cipher, f.person_name_cipher,
                k.id AS "guard_id?", k.business_key_version AS "guard_version?", k.wrapped AS guard_wrapped
         FROM app.own_files($1) f
         LEFT JOIN data_keys k ON k.business_id = f.business_id AND k.id = f.data_key_id"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether a document's file is shown to this debtor now: staff may have hidden it since they were given a link.
pub(super) async fn is_shown_to(tx: &mut TenantTx, file: Uuid, debtor: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM shown_documents s
             WHERE s.business_id = $1 AND s.file_id = $2 AND s.debtor_id = $3) AS "is_shown!""#,
        business,
        file,
        debtor,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Whether links of this actor are good now (wall time `wall`): a member who was suspended, a key that was revoked, a stay of
/// the platform's staff that ended and a debtor whose record was erased or merged reach nothing any more; a business that is
/// suspended, or deleted, is closed to all but the platform's own staff.
pub(super) async fn link_is_good(
    tx: &mut TenantTx,
    actor: Actor,
    wall: DateTime<Utc>,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT CASE $2
             WHEN 'PLATFORM' THEN EXISTS (SELECT FROM break_glass_sessions s
                 WHERE s.business_id = $1 AND s.id = $3 AND s.ended_at IS NULL AND s.expires_at > $4)
             WHEN 'USER' THEN status <> 'SUSPENDED' AND EXISTS (SELECT FROM users u
                 WHERE u.business_id = $1 AND u.id = $3 AND u.status = 'ACTIVE')
             WHEN 'SERVICE' THEN status <> 'SUSPENDED' AND EXISTS (SELECT FROM api_keys k
                 WHERE k.business_id = $1 AND k.id = $3 AND k.revoked_at IS NULL AND k.expires_at > $4)
             WHEN 'DEBTOR' THEN status <> 'SUSPENDED' AND EXISTS (SELECT FROM debtors d
                 WHERE d.business_id = $1 AND d.id = $3 AND d.erased_at IS NULL AND d.merged_into IS NULL)
             ELSE status <> 'SUSPENDED' END AS "good!"
           FROM businesses WHERE id = $1"#,
        business,
        actor.kind(),
        actor.id(),
        wall,
    )
    .fetch_optional(tx.conn())
    .await?
    .unwrap_or_default())
}

/// One file of the business.
///
/// # Errors
/// [`DbError`] as met.
pub async fn file_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<FileRow>, DbError> {
    Ok(files_by_ids(tx, &[id]).await?.pop())
}

/// Moves a file from one state to the next; false when it was in another.
pub(super) async fn advance(
    tx: &mut TenantTx,
    id: Uuid,
    from: &str,
    to: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    let moved = sqlx::query!(
        "UPDATE files SET state = $4, expires_at = $5 WHERE business_id = $1 AND id = $2 AND state = $3",
        business,
        id,
        from,
        to,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Writes down what was stored; false when the file was no longer being written.
pub(super) async fn settle(
    tx: &mut TenantTx,
    stored: &Stored,
    to: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let business = tx.business_id();
    let moved = sqlx::query!(
        "UPDATE files SET state = $3, size = $4, sha256 = $5, expires_at = $6
         WHERE business_id = $1 AND id = $2 AND state = 'WRITING'",
        business,
        stored.id,
        to,
        stored.size,
        stored.sha256.as_slice(),
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// What guards the file from now on: the person's key.
pub(super) struct Guard<'a> {
    pub(super) debtor: Uuid,
    pub(super) data_key: Uuid,
    pub(super) wrapped_key: &'a [u8],
    pub(super) name_cipher: Option<&'a [u8]>,
}

pub(super) async fn set_guard(tx: &mut TenantTx, id: Uuid, guard: &Guard<'_>) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE files SET debtor_id = $3, data_key_id = $4, wrapped_key = $5, name_cipher = NULL, person_name_cipher = $6
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        guard.debtor,
        guard.data_key,
        guard.wrapped_key,
        guard.name_cipher,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What guards the file's content from now on: the person's key. Its name stays as it is.
pub(super) async fn set_content_guard(
    tx: &mut TenantTx,
    id: Uuid,
    debtor: Uuid,
    data_key: Uuid,
    wrapped_key: &[u8],
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE files SET debtor_id = $3, data_key_id = $4, wrapped_key = $5 WHERE business_id = $1 AND id = $2",
        business,
        id,
        debtor,
        data_key,
        wrapped_key,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Destroys the keys of these files, and with them what they hold; those that still had one. The objects are removed
/// later, which `expires_at` says.
pub(super) async fn destroy(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<(Uuid, Option<Uuid>)>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let rows = sqlx::query!(
        "UPDATE files SET state = 'GONE', wrapped_key = NULL, name_cipher = NULL, person_name_cipher = NULL, expires_at = $3
         WHERE business_id = $1 AND id = ANY($2) AND state <> 'GONE' RETURNING id, debtor_id",
        business,
        ids,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.debtor_id)).collect())
}

/// The same for what has expired only: somebody may have taken a file into use since it was looked up.
pub(super) async fn destroy_expired(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Option<Uuid>)>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let rows = sqlx::query!(
        "UPDATE files SET state = 'GONE', wrapped_key = NULL, name_cipher = NULL, person_name_cipher = NULL
         WHERE business_id = $1 AND id = ANY($2) AND state <> 'GONE' AND expires_at <= $3 RETURNING id, debtor_id",
        business,
        ids,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.debtor_id)).collect())
}

/// Of these files, those whose object is to be removed.
pub(super) async fn gone(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM files WHERE business_id = $1 AND id = ANY($2) AND state = 'GONE' AND expires_at IS NOT NULL",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whom a file about many people tells of.
pub(super) async fn insert_debtors(tx: &mut TenantTx, file: Uuid, debtors: &[Uuid]) -> Result<(), DbError> {
    if debtors.is_empty() {
        return Ok(());
    }
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO file_debtors (business_id, file_id, debtor_id) SELECT $1, $2, d FROM unnest($3::uuid[]) AS d
         ON CONFLICT DO NOTHING",
        business,
        file,
        debtors,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn debtors_of(tx: &mut TenantTx, file: Uuid) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT debtor_id FROM file_debtors WHERE business_id = $1 AND file_id = $2",
        business,
        file,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Writes down that the objects are removed.
pub(super) async fn mark_removed(tx: &mut TenantTx, ids: &[Uuid]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM file_debtors WHERE business_id = $1 AND file_id = ANY($2)",
        business,
        ids,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE files SET expires_at = NULL WHERE business_id = $1 AND id = ANY($2) AND state = 'GONE'",
        business,
        ids,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many uploads the caller has begun and not used.
pub(super) async fn open_uploads(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (business, creator) = (tx.business_id(), tx.ctx().actor().id());
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM files
         WHERE business_id = $1 AND created_by IS NOT DISTINCT FROM $2 AND state IN ('AWAITED', 'WRITING', 'STORED')"#,
        business,
        creator,
    )
    .fetch_one(tx.conn())
    .await?)
}
