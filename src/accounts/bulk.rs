//! What is done to many accounts at once: all of them or none, in as many statements for five hundred as for one.

use std::collections::HashSet;

use uuid::Uuid;

use crate::platform::{
    db::{AuditEntry, LiveEvent, TenantTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// At most this many accounts at once.
pub(super) const MOST_ACCOUNTS: usize = 500;

/// One of the accounts, locked.
pub(super) struct Locked {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) assigned_agent_id: Option<Uuid>,
    pub(super) creditor_id: Option<Uuid>,
    pub(super) placement_id: Option<Uuid>,
}

/// Locks the accounts in the order of their ids, so that two who ask for the same ones never wait for each other.
///
/// # Errors
/// INVALID_INPUT for none or too many, NOT_FOUND with the place of the first that is not the caller's.
pub(super) async fn lock_accounts(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Locked>, OpError> {
    if !(1..=MOST_ACCOUNTS).contains(&ids.len()) {
        let message = format!("Name 1 to {MOST_ACCOUNTS} accounts; do more in several requests.");
        return Err(UserError::invalid("accountIds", message).into());
    }
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let locked = sqlx::query_as!(
        Locked,
        "SELECT id, debtor_id, assigned_agent_id, creditor_id, placement_id FROM accounts
         WHERE business_id = $1 AND id = ANY($2) AND deleted_at IS NULL
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)
         ORDER BY id FOR NO KEY UPDATE",
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    let found: HashSet<Uuid> = locked.iter().map(|account| account.id).collect();
    if let Some(at) = ids.iter().position(|id| !found.contains(id)) {
        let message = format!(
            "Number {} of the accounts is not there, so none was changed.",
            at + 1
        );
        return Err(UserError::at(UserErrorCode::NotFound, "accountIds", message).into());
    }
    Ok(locked)
}

/// Leaves an audit row and an event of each, so that every account tells its own story.
pub(super) fn tell_of_each<'a>(
    tx: &mut TenantTx,
    action: &'static str,
    details: impl Fn(&Locked) -> serde_json::Value,
    event: impl Fn(&Locked) -> LiveEvent,
    accounts: impl Iterator<Item = &'a Locked>,
) {
    for account in accounts {
        tx.audit(AuditEntry::plain(action, account.id, &details(account)).about(Some(account.debtor_id)));
        tx.emit(event(account));
    }
}

/// That something of the account is another now.
pub(super) fn updated(account: &Locked) -> LiveEvent {
    LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account.id),
        debtor_id: Some(account.debtor_id),
        ..LiveEvent::default()
    }
}
