//! Where a thread stands: resolved, escalated, closed, active again.

use serde_json::json;
use uuid::Uuid;

use super::{model::ConversationStatus, store::lock_conversation};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Changes status and resolution. A closed thread stays closed: a new message opens a new one.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT, CONFLICT.
pub async fn update_conversation(
    tx: &mut TenantTx,
    id: Uuid,
    status: Option<ConversationStatus>,
    resolution: Option<String>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ConversationUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let mut thread = lock_conversation(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    if resolution.as_ref().is_some_and(|text| text.chars().count() > 500) {
        return Err(UserError::invalid("resolution", "At most 500 characters.").into());
    }
    if thread.status == "CLOSED" && status.is_some_and(|status| status != ConversationStatus::Closed) {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "status",
            "A closed conversation stays closed. Start a new one with startConversation.",
        )
        .into());
    }
    let (business, now) = (tx.business_id(), tx.now());
    let before = thread.status.clone();
    if let Some(status) = status {
        status.as_str().clone_into(&mut thread.status);
    }
    sqlx::query!(
        "UPDATE conversations SET status = $3, resolution = coalesce($4, resolution), updated_at = $5,
             closed_at = CASE WHEN $3 = 'CLOSED' THEN coalesce(closed_at, $5) END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        thread.status,
        resolution,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": before, "to": thread.status });
    tx.audit(AuditEntry::plain("conversation.updated", id, &details).about(thread.debtor_id));
    tx.emit(thread.event("CONVERSATION_UPDATED"));
    Ok(())
}
