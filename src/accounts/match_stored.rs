//! People who were stored before they were known by name, date of birth and postal code: what they are known again by is
//! written once, from what is stored of them. Whoever changes one of the three writes it anew (`update_debtor`).

use serde_json::json;
use uuid::Uuid;

use super::{DebtorPatch, store::debtors_by_ids, update_debtor::match_blind};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::{AuditEntry, Db, DbError, TenantTx},
    error::OpError,
    jobs::JobError,
    keys::{Keyring, TenantKeys},
};

/// People in one transaction.
const BATCH: i64 = 500;
/// Transactions in one run; the next run goes on.
const MOST_BATCHES: usize = 40;

/// Writes what is missing.
///
/// # Errors
/// [`JobError::Retry`] while the database is away; [`JobError::Fatal`] where something stored cannot be read.
pub async fn match_stored_people(db: &Db, keyring: &Keyring) -> Result<(), JobError> {
    for _ in 0..MOST_BATCHES {
        let Some(business) = next_business(db).await? else {
            return Ok(());
        };
        write_batch(db, keyring, business)
            .await
            .map_err(|error| match error {
                OpError::Unavailable(cause) => JobError::Retry(cause),
                other => JobError::Fatal(format!("{other:#}")),
            })?;
    }
    Ok(())
}

/// One that has such people.
async fn next_business(db: &Db) -> Result<Option<Uuid>, DbError> {
    let ctx = SystemCtx::for_reason("people to be known again", "job-match-stored-people");
    let mut tx = db.system(&ctx).await?;
    let found = sqlx::query_scalar!("SELECT app.business_with_unmatched_people()")
        .fetch_one(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(found)
}

async fn write_batch(db: &Db, keyring: &Keyring, business: Uuid) -> Result<(), OpError> {
    let keys = keyring.business(db, business).await?;
    let ctx = TenantCtx::for_service(business, "job-match-stored-people");
    let mut tx = db.tenant(&ctx).await?;
    let due = sqlx::query_scalar!(
        "SELECT id FROM debtors WHERE business_id = $1 AND match_due ORDER BY id LIMIT $2 FOR NO KEY UPDATE",
        business,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?;
    let blinds = blinds_of(&mut tx, &keys, &due).await?;
    sqlx::query!(
        "UPDATE debtors d SET match_blind = m.blind, match_due = false FROM unnest($2::uuid[], $3::bytea[]) AS m(id, blind)
         WHERE d.business_id = $1 AND d.id = m.id",
        business,
        &due,
        &blinds as &[Option<Vec<u8>>],
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "records": due.len(), "known": blinds.iter().flatten().count() });
    tx.audit(AuditEntry::plain(
        "debtors.match_keys_written",
        business,
        &details,
    ));
    tx.commit().await?;
    Ok(())
}

/// By what each of these is known again; none of whom one of the three is not known, or who was erased.
async fn blinds_of(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[Uuid],
) -> Result<Vec<Option<Vec<u8>>>, OpError> {
    let rows = debtors_by_ids(tx, ids).await?;
    let mut blinds = vec![None; ids.len()];
    for row in rows {
        let Some(profile) = keys.data_key(&row.keys.profile)? else {
            continue;
        };
        if let Some(nth) = ids.iter().position(|id| *id == row.id) {
            blinds[nth] = match_blind(keys, &profile, &row, &DebtorPatch::default())?;
        }
    }
    Ok(blinds)
}
