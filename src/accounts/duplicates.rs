//! The queue of people who are probably one: pairs that a job finds whenever a record is new or has changed, until somebody merges
//! them or says that they are two.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    match_suggestions::{MatchReason, suggestions_for},
    merge::{known, person},
    store::lock_persons,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        jobs::JobError,
        keys::{Keyring, TenantKeys},
    },
};

/// Records in one transaction.
const BATCH: i64 = 200;
/// Transactions in one run; the next run goes on.
const MOST_BATCHES: usize = 100;

/// A place in the queue: when the pair was found, and the pair.
pub(super) type DuplicateKey = (DateTime<Utc>, Uuid, Uuid);

/// Two people who are probably one.
#[derive(Clone, Debug)]
pub(super) struct DuplicateRow {
    pub(super) one: Uuid,
    pub(super) other: Uuid,
    pub(super) reasons: Vec<MatchReason>,
    pub(super) found_at: DateTime<Utc>,
}

impl DuplicateRow {
    pub(super) fn key(&self) -> DuplicateKey {
        (self.found_at, self.one, self.other)
    }
}

/// Whether these say that it is probably one person: the number by which a state knows them, or the name with something that
/// namesakes rarely share. Households share a telephone, an e-mail address, and a postal code.
fn is_probable(reasons: &[MatchReason]) -> bool {
    let has = |reason| reasons.contains(&reason);
    has(MatchReason::NationalId)
        || has(MatchReason::NameAndBirthDate)
        || (has(MatchReason::NameAndPostalCode) && (has(MatchReason::Phone) || has(MatchReason::Email)))
}

/// Pairs that wait for somebody, what was found last first.
pub(super) async fn page_of_duplicates(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<DuplicateKey>,
) -> Result<Vec<DuplicateRow>, DbError> {
    let business = tx.business_id();
    let (at, one, other) = past.map_or((None, None, None), |(at, one, other)| {
        (Some(at), Some(one), Some(other))
    });
    let rows = sqlx::query!(
        "SELECT s.one_id, s.other_id, s.reasons, s.found_at
         FROM duplicate_suggestions s
         JOIN debtors a ON a.business_id = s.business_id AND a.id = s.one_id
         JOIN debtors b ON b.business_id = s.business_id AND b.id = s.other_id
         WHERE s.business_id = $1 AND s.dismissed_at IS NULL
           AND ($2::timestamptz IS NULL OR (s.found_at, s.one_id, s.other_id) < ($2, $3::uuid, $4::uuid))
           -- Merged or erased since they were found; the job takes them away.
           AND a.person_id <> b.person_id AND a.erased_at IS NULL AND b.erased_at IS NULL
         ORDER BY s.found_at DESC, s.one_id DESC, s.other_id DESC LIMIT $5",
        business,
        at,
        one,
        other,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DuplicateRow {
            one: row.one_id,
            other: row.other_id,
            reasons: row
                .reasons
                .iter()
                .filter_map(|reason| MatchReason::parse(reason))
                .collect(),
            found_at: row.found_at,
        })
        .collect())
}

/// Says that two records are of two people: neither is suggested for the other any more, nor are other records of theirs.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, CONFLICT for two records of one person.
pub(super) async fn mark_distinct(tx: &mut TenantTx, one: Uuid, other: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DebtorMerge).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    for (field, id) in [("debtorId", one), ("otherDebtorId", other)] {
        known(tx, field, id).await?;
    }
    lock_persons(tx, &[one, other]).await?;
    let one = person(tx, "debtorId", one).await?;
    let other = person(tx, "otherDebtorId", other).await?;
    if one.id == other.id {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "otherDebtorId",
            "These two are one person: undo the merge where that is wrong.",
        )
        .into());
    }
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO duplicate_suggestions (business_id, one_id, other_id, reasons, found_at, dismissed_at, dismissed_by)
         SELECT $1, least(a.id, b.id), greatest(a.id, b.id), '{}', $4, $4, $5
         FROM debtors a, debtors b
         WHERE a.business_id = $1 AND a.person_id = $2 AND b.business_id = $1 AND b.person_id = $3
         ON CONFLICT (business_id, one_id, other_id) DO UPDATE SET dismissed_at = $4, dismissed_by = $5
         WHERE duplicate_suggestions.dismissed_at IS NULL",
        business,
        one.id,
        other.id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "one": one.id, "other": other.id });
    for debtor in [one.id, other.id] {
        tx.audit(AuditEntry::plain("debtor.marked_distinct", debtor, &details).about(Some(debtor)));
    }
    Ok(())
}

/// Whom somebody has told apart from these people, by person.
pub(super) async fn told_apart(
    tx: &mut TenantTx,
    persons: &[Uuid],
) -> Result<HashSet<(Uuid, Uuid)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT r.person_id AS "person_id!", o.person_id AS "other_id!"
           FROM debtors r
           CROSS JOIN LATERAL (
               SELECT s.other_id AS id FROM duplicate_suggestions s
               WHERE s.business_id = $1 AND s.one_id = r.id AND s.dismissed_at IS NOT NULL
               UNION ALL
               SELECT s.one_id FROM duplicate_suggestions s
               WHERE s.business_id = $1 AND s.other_id = r.id AND s.dismissed_at IS NOT NULL) p
           JOIN debtors o ON o.business_id = $1 AND o.id = p.id
           WHERE r.business_id = $1 AND r.person_id = ANY($2)"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.person_id, row.other_id))
        .collect())
}

/// Looks for pairs among the people whose records are new or have changed, in every business.
///
/// # Errors
/// [`JobError::Retry`] while the database is away; [`JobError::Fatal`] where something stored cannot be read.
pub async fn find_duplicates(db: &Db, keyring: &Keyring) -> Result<(), JobError> {
    for _ in 0..MOST_BATCHES {
        let Some(business) = next_business(db).await? else {
            return Ok(());
        };
        let looked_at = look_at_batch(db, keyring, business)
            .await
            .map_err(|error| match error {
                OpError::Unavailable(cause) => JobError::Retry(cause),
                other => JobError::Fatal(format!("{other:#}")),
            })?;
        // Another process is at what is left.
        if looked_at == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// One that has such records.
async fn next_business(db: &Db) -> Result<Option<Uuid>, DbError> {
    let ctx = SystemCtx::for_reason("people who may be one", "job-find-duplicates");
    let mut tx = db.system(&ctx).await?;
    let found = sqlx::query_scalar!("SELECT business_id FROM duplicate_checks ORDER BY business_id LIMIT 1")
        .fetch_optional(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(found)
}

async fn look_at_batch(db: &Db, keyring: &Keyring, business: Uuid) -> Result<usize, OpError> {
    let keys = keyring.business(db, business).await?;
    let ctx = TenantCtx::for_service(business, "job-find-duplicates");
    let mut tx = db.tenant(&ctx).await?;
    let due = sqlx::query_scalar!(
        "SELECT debtor_id FROM duplicate_checks WHERE business_id = $1 ORDER BY debtor_id LIMIT $2
         FOR UPDATE SKIP LOCKED",
        business,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    if !due.is_empty() {
        replace_pairs(&mut tx, &keys, &due).await?;
        sqlx::query!(
            "DELETE FROM duplicate_checks WHERE business_id = $1 AND debtor_id = ANY($2)",
            business,
            &due,
        )
        .execute(tx.conn())
        .await
        .map_err(DbError::from)?;
    }
    tx.commit().await?;
    Ok(due.len())
}

/// Puts what is found now of the people behind these records in the place of what was found of them before.
async fn replace_pairs(tx: &mut TenantTx, keys: &TenantKeys, due: &[Uuid]) -> Result<(), OpError> {
    let business = tx.business_id();
    let records = sqlx::query!(
        r#"SELECT r.id, r.person_id AS "person_id!", r.erased_at IS NOT NULL AS "is_erased!"
           FROM debtors r WHERE r.business_id = $1 AND r.person_id = ANY(ARRAY(
               SELECT d.person_id FROM debtors d WHERE d.business_id = $1 AND d.id = ANY($2)))"#,
        business,
        due,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let persons: Vec<Uuid> = records
        .iter()
        .filter(|record| record.id == record.person_id && !record.is_erased)
        .map(|record| record.id)
        .collect();
    // Of a record that was merged away, too, what was found before.
    let mut all: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    all.extend_from_slice(due);
    let found = pairs_of(suggestions_for(tx, keys, &persons).await?);
    let ones: Vec<Uuid> = found.keys().map(|(one, _)| *one).collect();
    let others: Vec<Uuid> = found.keys().map(|(_, other)| *other).collect();
    let reasons: Vec<String> = found.values().cloned().collect();
    let now = tx.now();
    sqlx::query!(
        "DELETE FROM duplicate_suggestions s
         WHERE s.business_id = $1 AND (s.one_id = ANY($2) OR s.other_id = ANY($2)) AND s.dismissed_at IS NULL
           AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::uuid[]) AS f(one_id, other_id)
                           WHERE f.one_id = s.one_id AND f.other_id = s.other_id)",
        business,
        &all,
        &ones,
        &others,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    sqlx::query!(
        "INSERT INTO duplicate_suggestions (business_id, one_id, other_id, reasons, found_at)
         SELECT $1, f.one_id, f.other_id, string_to_array(f.reasons, ','), $5
         FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS f(one_id, other_id, reasons)
         ORDER BY f.one_id, f.other_id
         ON CONFLICT (business_id, one_id, other_id) DO UPDATE SET reasons = EXCLUDED.reasons
         WHERE duplicate_suggestions.dismissed_at IS NULL AND duplicate_suggestions.reasons <> EXCLUDED.reasons",
        business,
        &ones,
        &others,
        &reasons,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(())
}

/// What is probable of it, each pair once, with its reasons.
fn pairs_of(found: HashMap<Uuid, super::match_suggestions::Suggestions>) -> BTreeMap<(Uuid, Uuid), String> {
    let mut pairs = BTreeMap::new();
    for (person, suggestions) in found {
        for suggestion in suggestions.iter().filter(|found| is_probable(&found.reasons)) {
            let pair = (person.min(suggestion.person_id), person.max(suggestion.person_id));
            let reasons: Vec<&str> = suggestion.reasons.iter().map(|reason| reason.as_str()).collect();
            pairs.insert(pair, reasons.join(","));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_not_one_person_and_a_name_with_a_birth_date_is() {
        use MatchReason::{Email, NameAndBirthDate, NameAndPostalCode, NationalId, Phone};
        for probable in [
            vec![NationalId],
            vec![NameAndBirthDate],
            vec![Phone, NameAndPostalCode],
            vec![Email, NameAndPostalCode],
        ] {
            assert!(is_probable(&probable), "{probable:?}");
        }
        for other in [vec![], vec![Phone, Email], vec![NameAndPostalCode]] {
            assert!(!is_probable(&other), "{other:?}");
        }
    }
}
