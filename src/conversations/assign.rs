//! Who answers a thread. An agent takes one of nobody's for themselves; managers give to anyone.

use serde_json::json;
use uuid::Uuid;

use super::store::{ConversationRow, lock_conversation};
use crate::{
    access::{Cell, authorize},
    identity::{self, NotificationKind},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Assigns the thread to `user`, or to nobody.
///
/// # Errors
/// User errors: NOT_FOUND for a thread or user that is not there, CONFLICT when somebody else has it.
pub async fn assign_conversation(tx: &mut TenantTx, id: Uuid, user: Option<Uuid>) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ConversationAssignSelf)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let mut thread = lock_conversation(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    let myself = tx.ctx().user_id();
    let names_a_colleague = user.is_some() && user != myself;
    let takes_from_other = thread.assigned_agent_id.is_some() && thread.assigned_agent_id != myself;
    let may_any = authorize(tx.ctx(), Cell::ConversationAssignAny);
    if names_a_colleague || takes_from_other {
        may_any.map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    }
    if let Some(user) = user
        && !identity::may_be_given_work(tx, user).await?
    {
        return Err(UserError::not_found("userId", "user").into());
    }
    if thread.status == "CLOSED" {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "This conversation is closed.",
        )
        .into());
    }
    if thread.assigned_agent_id == user {
        return Ok(());
    }
    assign_to(tx, &mut thread, user).await?;
    Ok(())
}

/// Who is to have a thread, whose lock the caller holds.
pub(super) struct Assignment {
    pub(super) thread: ConversationRow,
    pub(super) to: Option<Uuid>,
    /// The rule that says so, if it is one.
    pub(super) rule: Option<Uuid>,
}

/// Writes the assignment with its audit row and event; the caller holds the thread's lock.
pub(super) async fn assign_to(
    tx: &mut TenantTx,
    thread: &mut ConversationRow,
    user: Option<Uuid>,
) -> Result<(), DbError> {
    let mut one = [Assignment {
        thread: thread.clone(),
        to: user,
        rule: None,
    }];
    assign_all(tx, &mut one).await?;
    let [one] = one;
    *thread = one.thread;
    tell_assigned(tx, &[user]).await
}

/// Writes assignments with their audit rows and events, in one statement; whom it is told by mail, is the caller's to say
/// ([`tell_assigned`]).
pub(super) async fn assign_all(tx: &mut TenantTx, assignments: &mut [Assignment]) -> Result<(), DbError> {
    if assignments.is_empty() {
        return Ok(());
    }
    let (business, now) = (tx.business_id(), tx.now());
    let threads: Vec<Uuid> = assignments.iter().map(|one| one.thread.id).collect();
    let users: Vec<Option<Uuid>> = assignments.iter().map(|one| one.to).collect();
    sqlx::query!(
        "UPDATE conversations c SET assigned_agent_id = g.user_id, updated_at = $4,
             assigned_at = CASE WHEN g.user_id IS NULL THEN NULL ELSE $4::timestamptz END
         FROM unnest($2::uuid[], $3::uuid[]) AS g(thread, user_id)
         WHERE c.business_id = $1 AND c.id = g.thread",
        business,
        &threads,
        &users as &[Option<Uuid>],
        now,
    )
    .execute(tx.conn())
    .await?;
    for one in assignments {
        let before = one.thread.assigned_agent_id;
        one.thread.assigned_agent_id = one.to;
        one.thread.assigned_at = one.to.map(|_| now);
        let mut details = json!({ "to": one.to, "from": before });
        if let Some(rule) = one.rule {
            details["rule"] = json!(rule);
        }
        tx.audit(
            AuditEntry::plain("conversation.assigned", one.thread.id, &details).about(one.thread.debtor_id),
        );
        let mut event = one.thread.event("CONVERSATION_ASSIGNED");
        event.previous_agent_id = before;
        tx.emit(event);
    }
    Ok(())
}

/// Has those told by mail who got a thread, if they want to be: each once.
pub(super) async fn tell_assigned(tx: &mut TenantTx, users: &[Option<Uuid>]) -> Result<(), DbError> {
    let users: Vec<Uuid> = users.iter().copied().flatten().collect();
    identity::tell_all_by_mail(tx, &users, NotificationKind::ConversationAssigned).await
}
