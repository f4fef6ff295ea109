//! What was owed when an account was placed.

use uuid::Uuid;

use crate::platform::{db::TenantTx, error::OpError, money::Money};

/// The opening balance of an account; `None` when nothing was posted yet.
///
/// # Errors
/// [`OpError`] as met.
pub async fn opening_of(tx: &mut TenantTx, account: Uuid) -> Result<Option<Money>, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT e.amount_minor, e.currency FROM ledger_entries e
         JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
         WHERE e.business_id = $1 AND e.account_id = $2 AND t.kind = 'OPENING'",
        business,
        account,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        let currency = row.currency.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Money::from_minor(row.amount_minor, currency))
    })
    .transpose()
}
