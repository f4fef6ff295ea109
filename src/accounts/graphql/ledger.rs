//! Postings to an account in the API.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::types::money;
use crate::{
    ledger,
    platform::gql::{AtHand, MoneyValue},
};

crate::relay_connection!(LedgerEntry, LedgerEntryConnection, LedgerEntryEdge);

/// One posting to an account.
#[derive(Clone, SimpleObject)]
pub struct LedgerEntry {
    /// The entry's id.
    id: ID,
    /// What caused it, for example `OPENING`.
    kind: String,
    /// How the balance changed: positive when the debtor owes more.
    amount: MoneyValue,
    /// When it was posted.
    at: DateTime<Utc>,
}

impl AtHand for LedgerEntry {}

impl LedgerEntry {
    pub(super) fn of(row: &ledger::LedgerEntryRow) -> async_graphql::Result<Self> {
        let amount = money(row.amount_minor, &row.currency)?;
        Ok(Self {
            id: row.id.to_string().into(),
            kind: row.kind.clone(),
            amount,
            at: row.at,
        })
    }
}
