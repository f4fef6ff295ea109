//! Two records that turned out to be of one person. Nothing is moved: keys, contact points, consents, decisions and
//! debts stay with the record on which they were written down, which from now on is read together with the others of
//! the person. So taking it out again is exact.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::store::{DebtorRow, debtor_by_id, lock_persons};
use crate::{
    access::{Cell, authorize},
    identity::end_debtor_sessions,
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys, WrappedKey},
    },
};

/// At most this many records are of one person.
const MOST_RECORDS: usize = 20;

/// A merge, its reason sealed.
#[derive(Clone, Debug)]
pub(super) struct MergeRow {
    pub(super) id: Uuid,
    pub(super) survivor_id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) reason_cipher: Vec<u8>,
    pub(super) merged_at: DateTime<Utc>,
    pub(super) merged_by: Option<Uuid>,
    pub(super) unmerge_reason_cipher: Option<Vec<u8>>,
    pub(super) unmerged_at: Option<DateTime<Utc>>,
    pub(super) unmerged_by: Option<Uuid>,
    pub(super) key: WrappedKey,
}

/// The standing merges of one person.
pub(super) type Merges = Arc<Vec<Arc<MergeRow>>>;

/// A merge that was made, and the sessions that ended with it: to be forgotten once it is committed.
#[derive(Debug)]
pub struct Merged {
    pub id: Uuid,
    pub ended_sessions: Vec<Uuid>,
}

/// Makes `survivor` stand for `merged` too. Where one of them was merged before, the record that stands for it is meant.
/// Nobody is signed in (wall time `wall`) by what was merged any more: a debtor sees the record that stands for them.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for a reason that does not fit, CONFLICT
/// for two that are one person already, for too many records, and for one whose data was erased.
pub async fn merge_debtors(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    survivor: Uuid,
    merged: Uuid,
    reason: &str,
    wall: DateTime<Utc>,
) -> Result<Merged, OpError> {
    authorize(tx.ctx(), Cell::DebtorMerge).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_reason(reason)?;
    for (field, id) in [("survivorId", survivor), ("mergedId", merged)] {
        known(tx, field, id).await?;
    }
    lock_persons(tx, &[survivor, merged]).await?;
    let survivor = person(tx, "survivorId", survivor).await?;
    let merged = person(tx, "mergedId", merged).await?;
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "mergedId", message);
    if survivor.id == merged.id {
        return Err(conflict("These two are one person already.").into());
    }
    if survivor.members.len() + merged.members.len() > MOST_RECORDS {
        return Err(conflict("A person has at most 20 records.").into());
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let erased = || {
        conflict("The data of one of them was erased: nothing tells any more whether it was the same person.")
    };
    for row in [&survivor, &merged] {
        keys.data_key(&row.keys.profile)?.ok_or_else(erased)?;
    }
    let id = ids::next();
    insert(tx, &keys, id, &survivor, &merged, reason).await?;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtors SET merged_into = $3, updated_at = $4 WHERE business_id = $1 AND person_id = $2",
        business,
        merged.id,
        survivor.id,
        now,
    )
    .execute(tx.conn())
    .await?;
    // Whoever is signing in by one of these waited for its row, or was waited for.
    let ended_sessions = end_debtor_sessions(tx, &merged.members, None, wall).await?;
    tell(tx, "debtor.merged", "DEBTOR_MERGED", id, survivor.id, merged.id);
    Ok(Merged { id, ended_sessions })
}

/// Undoes a merge: the record leaves the person with all that had been merged into it before. What was written down on
/// a record meanwhile stays with it.
///
/// # Errors
/// User errors: NOT_FOUND for a merge that is not the caller's, INVALID_INPUT for a reason that does not fit, CONFLICT
/// for one that was undone before or a person whose records were destroyed.
pub async fn unmerge_debtors(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    reason: &str,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DebtorMerge).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_reason(reason)?;
    let merge = merge_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("mergeId", "merge"))?;
    lock_persons(tx, &[merge.debtor_id]).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys.data_key(&merge.key)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "mergeId",
            "This person's records were destroyed.",
        )
    })?;
    let sealed = keys.seal(
        &record,
        "debtor_merges",
        "unmerge_reason_cipher",
        id,
        reason.as_bytes(),
    )?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let undone = sqlx::query!(
        "UPDATE debtor_merges SET unmerged_at = $3, unmerged_by = $4, unmerge_reason_cipher = $5
         WHERE business_id = $1 AND id = $2 AND unmerged_at IS NULL",
        business,
        id,
        now,
        user,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    if undone.rows_affected() == 0 {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "mergeId",
            "This merge was undone before.",
        )
        .into());
    }
    // All that stands below the record, and itself, which from now on stands for them.
    sqlx::query!(
        "WITH RECURSIVE part (id) AS (
             SELECT $2::uuid
             UNION
             SELECT m.debtor_id FROM part p
             JOIN debtor_merges m ON m.business_id = $1 AND m.survivor_id = p.id AND m.unmerged_at IS NULL)
         UPDATE debtors d SET merged_into = nullif($2, d.id), updated_at = $3
         FROM part WHERE d.business_id = $1 AND d.id = part.id",
        business,
        merge.debtor_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    tell(
        tx,
        "debtor.unmerged",
        "DEBTOR_UNMERGED",
        id,
        merge.survivor_id,
        merge.debtor_id,
    );
    Ok(())
}

fn check_reason(reason: &str) -> Result<(), UserError> {
    if (1..=1_000).contains(&reason.trim().chars().count()) {
        return Ok(());
    }
    Err(UserError::invalid("reason", "Say why in 1 to 1,000 characters."))
}

pub(super) async fn known(tx: &mut TenantTx, field: &str, id: Uuid) -> Result<DebtorRow, OpError> {
    Ok(debtor_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found(field, "debtor"))?)
}

/// The record that stands for the person; the caller holds their lock.
pub(super) async fn person(tx: &mut TenantTx, field: &str, id: Uuid) -> Result<DebtorRow, OpError> {
    let row = known(tx, field, id).await?;
    if row.person_id == row.id {
        return Ok(row);
    }
    known(tx, field, row.person_id).await
}

async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: Uuid,
    survivor: &DebtorRow,
    merged: &DebtorRow,
    reason: &str,
) -> Result<(), OpError> {
    let record = keys.data_key(&merged.keys.record)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "mergedId",
            "This person's records were destroyed.",
        )
    })?;
    let sealed = keys.seal(&record, "debtor_merges", "reason_cipher", id, reason.as_bytes())?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO debtor_merges (business_id, id, survivor_id, debtor_id, reason_cipher, merged_at, merged_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        business,
        id,
        survivor.id,
        merged.id,
        sealed,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One line in the trail for each of the two, so that either is found by it.
fn tell(
    tx: &mut TenantTx,
    action: &'static str,
    event: &'static str,
    id: Uuid,
    survivor: Uuid,
    merged: Uuid,
) {
    let details = json!({ "survivor": survivor, "merged": merged });
    for debtor in [survivor, merged] {
        tx.audit(AuditEntry::plain(action, id, &details).about(Some(debtor)));
        tx.emit(LiveEvent {
            kind: event,
            debtor_id: Some(debtor),
            ..LiveEvent::default()
        });
    }
}

/// One merge, standing or undone, of a person within the caller's scope.
pub(super) async fn merge_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<MergeRow>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT m.id, m.survivor_id, m.debtor_id, m.reason_cipher, m.merged_at, m.merged_by, m.unmerge_reason_cipher,
                m.unmerged_at, m.unmerged_by, k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtor_merges m
         JOIN debtors d ON d.business_id = m.business_id AND d.id = m.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE m.business_id = $1 AND m.id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let is_seen = debtor_by_id(tx, row.debtor_id).await?.is_some();
    Ok(is_seen.then_some(MergeRow {
        id: row.id,
        survivor_id: row.survivor_id,
        debtor_id: row.debtor_id,
        reason_cipher: row.reason_cipher,
        merged_at: row.merged_at,
        merged_by: row.merged_by,
        unmerge_reason_cipher: row.unmerge_reason_cipher,
        unmerged_at: row.unmerged_at,
        unmerged_by: row.unmerged_by,
        key: WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        },
    }))
}

/// The merges that stand, by the record that stands for the person, oldest first. The people were read within the
/// caller's scope.
pub(super) async fn merges_of(tx: &mut TenantTx, persons: &[Uuid]) -> Result<HashMap<Uuid, Merges>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT d.person_id AS "person_id!", m.id, m.survivor_id, m.debtor_id, m.reason_cipher, m.merged_at, m.merged_by,
                k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors d
         JOIN debtor_merges m ON m.business_id = d.business_id AND m.debtor_id = d.id AND m.unmerged_at IS NULL
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE d.business_id = $1 AND d.person_id = ANY($2)
         ORDER BY m.merged_at, m.id"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<Uuid, Vec<Arc<MergeRow>>> = HashMap::new();
    for row in rows {
        found.entry(row.person_id).or_default().push(Arc::new(MergeRow {
            id: row.id,
            survivor_id: row.survivor_id,
            debtor_id: row.debtor_id,
            reason_cipher: row.reason_cipher,
            merged_at: row.merged_at,
            merged_by: row.merged_by,
            unmerge_reason_cipher: None,
            unmerged_at: None,
            unmerged_by: None,
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        }));
    }
    Ok(found.into_iter().map(|(id, rows)| (id, Arc::new(rows))).collect())
}
