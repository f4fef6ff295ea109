//! All SQL of the ledger.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    ids,
};

/// One posted entry of an account.
#[derive(Clone, Debug)]
pub struct LedgerEntryRow {
    pub id: Uuid,
    pub kind: String,
    pub amount_minor: i64,
    pub currency: String,
    pub at: DateTime<Utc>,
}

pub(super) async fn insert_transaction(
    tx: &mut TenantTx,
    id: Uuid,
    kind: &str,
    intent: &str,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO ledger_transactions (business_id, id, kind, intent_key, at) VALUES ($1, $2, $3, $4, $5)",
        business,
        id,
        kind,
        intent,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The same, where an intent that was posted before is no error; whether it is new.
pub(super) async fn insert_transaction_once(
    tx: &mut TenantTx,
    id: Uuid,
    kind: &str,
    intent: &str,
) -> Result<bool, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let inserted = sqlx::query!(
        "INSERT INTO ledger_transactions (business_id, id, kind, intent_key, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (business_id, intent_key) DO NOTHING",
        business,
        id,
        kind,
        intent,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// `(ledger account, (debtor, account), signed amount)`.
type Entry<'a> = (&'a str, Option<(Uuid, Uuid)>, i64);

pub(super) async fn insert_entries(
    tx: &mut TenantTx,
    transaction_id: Uuid,
    currency: &str,
    entries: &[Entry<'_>],
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let ids: Vec<Uuid> = entries.iter().map(|_| ids::next()).collect();
    let ledger_accounts: Vec<String> = entries.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    let debtors: Vec<Option<Uuid>> = entries
        .iter()
        .map(|(_, owner, _)| owner.map(|(debtor, _)| debtor))
        .collect();
    let accounts: Vec<Option<Uuid>> = entries
        .iter()
        .map(|(_, owner, _)| owner.map(|(_, account)| account))
        .collect();
    let amounts: Vec<i64> = entries.iter().map(|(_, _, amount)| *amount).collect();
    sqlx::query!(
        "INSERT INTO ledger_entries (business_id, id, transaction_id, ledger_account, debtor_id, account_id,
             amount_minor, currency, at)
         SELECT $1, e.id, $2, e.ledger_account, e.debtor_id, e.account_id, e.amount, $3, $4
         FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::bigint[])
             AS e(id, ledger_account, debtor_id, account_id, amount)",
        business,
        transaction_id,
        currency,
        now,
        &ids,
        &ledger_accounts,
        &debtors as &[Option<Uuid>],
        &accounts as &[Option<Uuid>],
        &amounts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Entries by id.
///
/// # Errors
/// [`DbError`] as met.
pub async fn entries_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<LedgerEntryRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        LedgerEntryRow,
        "SELECT e.id, t.kind, e.amount_minor, e.currency, e.at
         FROM ledger_entries e JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
         WHERE e.business_id = $1 AND e.id = ANY($2)",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The newest entries of one account, newest first; `before` pages on.
///
/// # Errors
/// [`DbError`] as met.
pub async fn entries_of_account(
    tx: &mut TenantTx,
    account_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<LedgerEntryRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        LedgerEntryRow,
        "SELECT e.id, t.kind, e.amount_minor, e.currency, e.at
         FROM ledger_entries e JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
         WHERE e.business_id = $1 AND e.account_id = $2 AND ($3::uuid IS NULL OR e.id < $3)
         ORDER BY e.id DESC LIMIT $4",
        business,
        account_id,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}
