//! What a dispute has to do with the account that it is of: its dates, its owner, and the status DISPUTED.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::AccountStatus;
use crate::platform::{
    db::{AuditEntry, DbError, LiveEvent, TenantTx},
    error::OpError,
};

/// A debt that is disputed, or complained of.
#[derive(Clone, Copy, Debug)]
pub struct DisputedDebt {
    pub debtor_id: Uuid,
    /// Last day of its validation period (12 CFR 1006.34(b)(5)); none where no notice is on record.
    pub validation_period_ends_on: Option<NaiveDate>,
}

/// The debt, if it is the caller's.
///
/// # Errors
/// [`DbError`] as met.
pub async fn disputed_debt(tx: &mut TenantTx, account: Uuid) -> Result<Option<DisputedDebt>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        DisputedDebt,
        "SELECT debtor_id, validation_period_ends_on FROM accounts
         WHERE business_id = $1 AND id = $2 AND deleted_at IS NULL
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)",
        business,
        account,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Who works on the account; none where it is anybody's, or gone.
///
/// # Errors
/// [`DbError`] as met.
pub async fn agent_of_account(tx: &mut TenantTx, account: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT assigned_agent_id FROM accounts WHERE business_id = $1 AND id = $2",
        business,
        account,
    )
    .fetch_optional(tx.conn())
    .await?
    .flatten())
}

/// Gives an account that is worked on the status DISPUTED, and returns the one that it had; nothing where it has another
/// (with a court, paid, closed, or disputed already), which it keeps.
///
/// # Errors
/// [`DbError`] as met.
pub async fn mark_disputed(tx: &mut TenantTx, account: Uuid) -> Result<Option<AccountStatus>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let changed = sqlx::query!(
        "UPDATE accounts a SET status = 'DISPUTED', updated_at = $3
         FROM (SELECT id, status FROM accounts WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE) o
         WHERE a.business_id = $1 AND a.id = o.id AND o.status IN ('ACTIVE', 'IN_PAYMENT_PLAN')
         RETURNING o.status, a.debtor_id",
        business,
        account,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = changed else { return Ok(None) };
    tell(tx, account, row.debtor_id, &row.status);
    Ok(Some(AccountStatus::parse(&row.status)))
}

/// Gives an account with the status DISPUTED another one; any other stays as it is.
///
/// # Errors
/// [`DbError`] as met.
pub async fn end_disputed(tx: &mut TenantTx, account: Uuid, status: AccountStatus) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let debtor = sqlx::query_scalar!(
        "UPDATE accounts SET status = $4, updated_at = $3
         WHERE business_id = $1 AND id = $2 AND status = 'DISPUTED' RETURNING debtor_id",
        business,
        account,
        now,
        status.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(debtor) = debtor {
        tell(tx, account, debtor, "DISPUTED");
    }
    Ok(())
}

fn tell(tx: &mut TenantTx, account: Uuid, debtor: Uuid, status_before: &str) {
    let details = json!({ "changed": ["status"], "status_before": status_before });
    tx.audit(AuditEntry::plain("account.updated", account, &details).about(Some(debtor)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// Whether all of these are documents of the account.
///
/// # Errors
/// [`OpError`] as met.
pub async fn are_documents_of(tx: &mut TenantTx, account: Uuid, documents: &[Uuid]) -> Result<bool, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM unnest($3::uuid[]) AS asked(id) WHERE NOT EXISTS (
             SELECT FROM account_documents t
             WHERE t.business_id = $1 AND t.account_id = $2 AND t.id = asked.id AND t.deleted_at IS NULL)) AS "all!""#,
        business,
        account,
        documents,
    )
    .fetch_one(tx.conn())
    .await?)
}
