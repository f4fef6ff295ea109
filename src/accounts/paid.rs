//! What the balance says of the status: an account that is paid off is PAID_IN_FULL, and one that owes again is worked on.

use serde_json::json;
use uuid::Uuid;

use crate::platform::{
    db::{AuditEntry, DbError, LiveEvent, TenantTx},
    money::{Currency, Money},
};

/// An account that money is paid to, locked.
#[derive(Clone, Copy, Debug)]
pub struct PayableAccount {
    pub id: Uuid,
    pub debtor_id: Uuid,
    /// The balance as the ledger sums it up.
    pub balance: Money,
    pub is_disputed: bool,
    pub is_closed: bool,
    pub assigned_agent_id: Option<Uuid>,
}

/// Locks an account for a payment, if it is the caller's: whoever else pays to it waits.
///
/// # Errors
/// [`DbError`] as met.
pub async fn lock_payable(tx: &mut TenantTx, account: Uuid) -> Result<Option<PayableAccount>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let row = sqlx::query!(
        "SELECT debtor_id, status, balance_minor, currency, assigned_agent_id FROM accounts
         WHERE business_id = $1 AND id = $2 AND deleted_at IS NULL
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)
         FOR NO KEY UPDATE",
        business,
        account,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| PayableAccount {
        id: account,
        debtor_id: row.debtor_id,
        balance: Money::from_minor(row.balance_minor, row.currency.parse().unwrap_or(Currency::USD)),
        is_disputed: row.status == "DISPUTED",
        is_closed: row.status == "CLOSED",
        assigned_agent_id: row.assigned_agent_id,
    }))
}

/// Locks an account whatever became of it since: money that moved is posted, also to one that was deleted or closed.
///
/// # Errors
/// [`DbError`] as met.
pub async fn lock_for_posting(tx: &mut TenantTx, account: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT assigned_agent_id FROM accounts WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        account,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| row.assigned_agent_id))
}

/// Lets the status follow what was just posted: nothing owed is PAID_IN_FULL, and what is owed again after that is ACTIVE. A
/// closed account stays closed.
///
/// # Errors
/// [`DbError`] as met.
pub async fn follow_balance(tx: &mut TenantTx, account: Uuid) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let changed = sqlx::query!(
        "UPDATE accounts a SET status = CASE WHEN o.balance_minor > 0 THEN 'ACTIVE' ELSE 'PAID_IN_FULL' END, updated_at = $3
         FROM (SELECT id, status, balance_minor FROM accounts WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE) o
         WHERE a.business_id = $1 AND a.id = o.id
           AND ((o.balance_minor <= 0 AND o.status NOT IN ('PAID_IN_FULL', 'CLOSED'))
                OR (o.balance_minor > 0 AND o.status = 'PAID_IN_FULL'))
         RETURNING o.status AS status_before, a.debtor_id",
        business,
        account,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = changed else { return Ok(()) };
    let details = json!({ "changed": ["status"], "status_before": row.status_before });
    tx.audit(AuditEntry::plain("account.updated", account, &details).about(Some(row.debtor_id)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(row.debtor_id),
        ..LiveEvent::default()
    });
    Ok(())
}
