//! Postings to an account in the API.

use async_graphql::{Context, ID, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::types::money;
use crate::{
    access::{Cell, authorize},
    accounts::AccountLoaders,
    ledger,
    platform::gql::{AtHand, MoneyValue, ScopeExt as _, op_error},
};

crate::relay_connection!(LedgerEntry, LedgerEntryConnection, LedgerEntryEdge);

/// One posting to an account.
#[derive(Clone, SimpleObject)]
pub struct LedgerEntry {
    /// The entry's id.
    id: ID,
    /// What caused it: `OPENING`, `PAYMENT`, `REFUND` and `REFUND_FAILED` (it came back), `DISPUTE` (the payer's bank took it
    /// back) and `DISPUTE_WON`.
    kind: String,
    /// How the balance changed: positive when the debtor owes more.
    amount: MoneyValue,
    /// When it was posted.
    at: DateTime<Utc>,
}

impl AtHand for LedgerEntry {}

impl LedgerEntry {
    /// Looks an entry of an account up that the caller may see.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::LedgerRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<AccountLoaders>()?
            .entry(scope, id)
            .await
            .map_err(op_error)?;
        row.map(|row| Self::of(&row)).transpose()
    }

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
