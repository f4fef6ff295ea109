//! A thread that waits for somebody with more authority: whoever has it says why, and names a colleague or the whole team.

use serde_json::json;
use uuid::Uuid;

use super::{
    assign::{Assignment, assign_all},
    store::{ConversationRow, lock_conversation},
    update::seal_of_thread,
};
use crate::{
    access::{Cell, Role, authorize},
    accounts::agent_of_account,
    identity::{self, NotificationKind, Taker},
    platform::{
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::Keyring,
    },
};

/// Whoever may read and answer threads.
const MAY_TAKE: [Role; 3] = [Role::Agent, Role::Manager, Role::BusinessAdmin];

/// Escalates the thread to `user`, or to everybody who may take it: then it is nobody's.
///
/// # Errors
/// User errors: NOT_FOUND for a thread or colleague that is not there, INVALID_INPUT for a reason that does not fit or for
/// oneself, CONFLICT for a thread that is closed, and for a colleague who may not see its account.
pub async fn escalate_conversation(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    reason: &str,
    user: Option<Uuid>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ConversationUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let mut thread = lock_conversation(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    let reason = reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(UserError::invalid("reason", "Say why, in 1 to 500 characters.").into());
    }
    if thread.status == "CLOSED" {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "This conversation is closed. Start a new one with startConversation.",
        )
        .into());
    }
    let takers = identity::takers(tx, &MAY_TAKE).await?;
    if let Some(user) = user {
        check_taker(tx, &thread, &takers, user).await?;
    }
    let sealed = seal_of_thread(
        tx,
        (keyring, db),
        &thread,
        ("reason", "escalation_reason_cipher"),
        reason,
    )
    .await?;
    let before = thread.status.clone();
    "ESCALATED".clone_into(&mut thread.status);
    let (business, now, by) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE conversations SET status = 'ESCALATED', escalation_reason_cipher = $3, escalated_at = $4, escalated_by = $5,
             updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        now,
        by,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": before, "to": user });
    tx.audit(AuditEntry::plain("conversation.escalated", id, &details).about(thread.debtor_id));
    if thread.assigned_agent_id != user {
        let mut given = [Assignment {
            thread,
            to: user,
            rule: None,
        }];
        // Whom it was given to hears why: one mail, not two.
        assign_all(tx, &mut given).await?;
        let [given] = given;
        thread = given.thread;
    }
    tx.emit(thread.event("CONVERSATION_ESCALATED"));
    Ok(tell(tx, &takers, user).await?)
}

/// Hands a thread that the assistant does not answer to everybody who may take it. The debtor goes on waiting for a person.
///
/// # Errors
/// As [`escalate_conversation`].
pub async fn hand_over(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    reason: &str,
) -> Result<(), OpError> {
    escalate_conversation(tx, keyring, db, id, reason, None).await?;
    let (business, now) = (tx.business_id(), tx.now());
    // What the assistant said to it was no person's answer.
    sqlx::query!(
        "UPDATE conversations SET waiting_since = coalesce(waiting_since, $3), route_due_at = coalesce(route_due_at, $3)
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn check_taker(
    tx: &mut TenantTx,
    thread: &ConversationRow,
    takers: &[Taker],
    user: Uuid,
) -> Result<(), OpError> {
    if tx.ctx().user_id() == Some(user) {
        let message = "Name a colleague, or leave this out: then everybody who may take it is told.";
        return Err(UserError::invalid("userId", message).into());
    }
    let taker = takers
        .iter()
        .find(|taker| taker.user == user)
        .ok_or_else(|| UserError::not_found("userId", "colleague who may answer conversations"))?;
    let owner = match thread.account_id {
        Some(account) => agent_of_account(tx, account).await?,
        None => None,
    };
    if taker.is_scoped && owner.is_some_and(|owner| owner != user) {
        let message = "The account of this conversation is another agent's, so that this colleague could not see it: name a \
                       manager, or have the account assigned to them first (assignAccounts).";
        return Err(UserError::at(UserErrorCode::Conflict, "userId", message).into());
    }
    Ok(())
}

/// By mail, whoever was named; else those who work now, and where nobody does, all who may take it.
async fn tell(tx: &mut TenantTx, takers: &[Taker], user: Option<Uuid>) -> Result<(), DbError> {
    let users_of = |on_duty_only: bool| -> Vec<Uuid> {
        let takers = takers.iter().filter(|taker| taker.is_on_duty || !on_duty_only);
        takers.map(|taker| taker.user).collect()
    };
    let told = match user {
        Some(user) => vec![user],
        None => Some(users_of(true))
            .filter(|working| !working.is_empty())
            .unwrap_or_else(|| users_of(false)),
    };
    identity::tell_all_by_mail(tx, &told, NotificationKind::ConversationEscalated).await
}
