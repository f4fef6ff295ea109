//! The ledger: double entry, append-only, in integer minor units. A balance is the sum of its entries: an account is made
//! with its opening balance, which the database compares with the opening entry, and is only ever posted to from then on.
//! It knows no provider and no plan; it posts and sums.
//!
//! Owns `ledger_transactions`, `ledger_entries` and, through their trigger, `accounts.balance_minor`. May import
//! `platform` only.

mod opening;
mod openings;
mod postings;
mod store;

use uuid::Uuid;

pub use opening::opening_of;
pub use openings::{Opening, post_openings};
pub use postings::{Clearing, Posting, PostingKind, post};
pub use store::{LedgerEntryRow, entries_by_ids, entries_of_account};

use crate::platform::{
    db::{DbError, TenantTx},
    ids,
    money::Money,
};

/// Posts what is owed when an account is placed: the receivable against the placement. The account was inserted with this
/// balance in the same transaction: another amount is refused by `account_balance`.
///
/// Posting the same account twice is refused by the intent key (`ledger_transactions_business_id_intent_key_key`).
///
/// # Errors
/// [`DbError`] as met; a currency that is not the account's is refused by `ledger_entry_currency`.
pub async fn post_opening(
    tx: &mut TenantTx,
    account_id: Uuid,
    debtor_id: Uuid,
    amount: Money,
) -> Result<(), DbError> {
    let transaction_id = ids::next();
    store::insert_transaction(
        tx,
        transaction_id,
        "OPENING",
        &format!("account:{account_id}:opening"),
    )
    .await?;
    let receivable = amount.minor();
    let Some(placement) = receivable.checked_neg() else {
        return Err(DbError::Constraint("ledger_amount_range".to_owned()));
    };
    store::insert_entries(
        tx,
        transaction_id,
        amount.currency().code(),
        &[
            ("RECEIVABLE", Some((debtor_id, account_id)), receivable),
            ("PLACEMENT", None, placement),
        ],
    )
    .await
}
