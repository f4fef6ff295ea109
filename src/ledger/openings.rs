//! Opens many accounts at once, in as many statements as one.

use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    ids,
    money::Money,
};

/// What is owed on an account when it is placed.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub account: Uuid,
    pub debtor: Uuid,
    pub amount: Money,
}

/// [`super::post_opening`] for each of them: all are posted, or none.
///
/// # Errors
/// [`DbError`] as met; a currency that is not the account's is refused by `ledger_entry_currency`.
pub async fn post_openings(tx: &mut TenantTx, openings: &[Opening]) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let transactions: Vec<Uuid> = openings.iter().map(|_| ids::next()).collect();
    let intents: Vec<String> = openings
        .iter()
        .map(|opening| format!("account:{}:opening", opening.account))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger_transactions (business_id, id, kind, intent_key, at)
         SELECT $1, t.id, 'OPENING', t.intent_key, $2 FROM unnest($3::uuid[], $4::text[]) AS t(id, intent_key)",
        business,
        now,
        &transactions,
        &intents,
    )
    .execute(tx.conn())
    .await?;
    let entries: Vec<Uuid> = openings.iter().map(|_| ids::next()).collect();
    let others: Vec<Uuid> = openings.iter().map(|_| ids::next()).collect();
    let accounts: Vec<Uuid> = openings.iter().map(|opening| opening.account).collect();
    let debtors: Vec<Uuid> = openings.iter().map(|opening| opening.debtor).collect();
    let currencies: Vec<String> = openings
        .iter()
        .map(|opening| opening.amount.currency().code().to_owned())
        .collect();
    let amounts: Vec<i64> = openings.iter().map(|opening| opening.amount.minor()).collect();
    // The other side is the negative: an amount that has none, the smallest of all, is refused by bigint itself.
    sqlx::query!(
        "INSERT INTO ledger_entries (business_id, id, transaction_id, ledger_account, debtor_id, account_id,
             amount_minor, currency, at)
         SELECT $1, side.id, o.transaction_id, side.ledger_account, side.debtor_id, side.account_id, side.amount,
             o.currency, $2
         FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[], $9::text[])
             AS o(transaction_id, entry_id, other_id, debtor_id, account_id, amount, currency)
         CROSS JOIN LATERAL (VALUES
             (o.entry_id, 'RECEIVABLE', o.debtor_id, o.account_id, o.amount),
             (o.other_id, 'PLACEMENT', NULL::uuid, NULL::uuid, -o.amount))
             AS side(id, ledger_account, debtor_id, account_id, amount)",
        business,
        now,
        &transactions,
        &entries,
        &others,
        &debtors,
        &accounts,
        &amounts,
        &currencies,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
