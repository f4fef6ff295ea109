//! Who works on accounts. An agent takes those of nobody for themselves and gives back their own; managers give to
//! anyone.

use serde_json::json;
use uuid::Uuid;

use super::bulk::{Locked, lock_accounts, tell_of_each, updated};
use crate::{
    access::{Cell, authorize},
    identity,
    platform::{
        db::{LiveEvent, TenantTx},
        error::OpError,
        gql::UserError,
    },
};

/// Assigns the accounts to `agent`, or to nobody. Those that are theirs already stay untouched.
///
/// # Errors
/// User errors: NOT_FOUND for an account that is not there, or a user who is not or cannot sign in; FORBIDDEN for
/// whoever may not assign to anybody and names a colleague, or takes what a colleague has.
pub async fn assign_accounts(tx: &mut TenantTx, ids: &[Uuid], agent: Option<Uuid>) -> Result<(), OpError> {
    let forbidden = |denied: crate::access::Denied| OpError::Forbidden(denied.to_string());
    authorize(tx.ctx(), Cell::AccountAssignSelf).map_err(forbidden)?;
    let myself = tx.ctx().user_id();
    let may_any = authorize(tx.ctx(), Cell::AccountAssignAny);
    let names_a_colleague = agent.is_some() && agent != myself;
    if names_a_colleague {
        may_any.map_err(forbidden)?;
    }
    let accounts = lock_accounts(tx, ids).await?;
    // An agent does not see what a colleague has; who sees more (a role of the business's own, an API key) may still not
    // take it from them.
    let has_other =
        |account: &Locked| account.assigned_agent_id.is_some() && account.assigned_agent_id != myself;
    if accounts.iter().any(has_other) {
        may_any.map_err(forbidden)?;
    }
    if let Some(agent) = agent
        && !identity::may_be_given_work(tx, agent).await?
    {
        return Err(UserError::not_found("agentId", "user").into());
    }
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE accounts SET assigned_agent_id = $3, updated_at = $4
         WHERE business_id = $1 AND id = ANY($2) AND assigned_agent_id IS DISTINCT FROM $3",
        business,
        ids,
        agent,
        now,
    )
    .execute(tx.conn())
    .await?;
    tell_of_each(
        tx,
        "account.assigned",
        |account| json!({ "to": agent, "from": account.assigned_agent_id }),
        // Who loses it hears of that, and of nothing later.
        |account| LiveEvent {
            kind: "ACCOUNT_ASSIGNED",
            assigned_agent_id: agent,
            previous_agent_id: account.assigned_agent_id,
            ..updated(account)
        },
        accounts
            .iter()
            .filter(|account| account.assigned_agent_id != agent),
    );
    Ok(())
}
