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

/// Writes the assignment with its audit row and event; the caller holds the thread's lock.
pub(super) async fn assign_to(
    tx: &mut TenantTx,
    thread: &mut ConversationRow,
    user: Option<Uuid>,
) -> Result<(), DbError> {
    let (business, now, before) = (tx.business_id(), tx.now(), thread.assigned_agent_id);
    sqlx::query!(
        "UPDATE conversations SET assigned_agent_id = $3, assigned_at = CASE WHEN $3::uuid IS NULL THEN NULL ELSE $4::timestamptz END,
             updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        thread.id,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    thread.assigned_agent_id = user;
    let details = json!({ "to": user, "from": before });
    tx.audit(AuditEntry::plain("conversation.assigned", thread.id, &details).about(thread.debtor_id));
    let mut event = thread.event("CONVERSATION_ASSIGNED");
    event.previous_agent_id = before;
    tx.emit(event);
    if let Some(user) = user {
        identity::tell_by_mail(tx, user, NotificationKind::ConversationAssigned).await?;
    }
    Ok(())
}
