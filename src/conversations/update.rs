//! Where a thread stands: resolved, escalated, closed, active again.

use serde_json::json;
use uuid::Uuid;

use super::{
    model::ConversationStatus,
    store::{ConversationRow, lock_conversation},
};
use crate::{
    access::{Cell, authorize},
    accounts::debtor_keys,
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::Keyring,
    },
};

/// Changes status and resolution. A closed thread stays closed: a new message opens a new one.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT, CONFLICT.
pub async fn update_conversation(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
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
    if status == Some(ConversationStatus::Escalated) && thread.status != "ESCALATED" {
        return Err(UserError::invalid(
            "status",
            "Escalate a conversation with escalateConversation, which takes the reason and tells who may take it.",
        )
        .into());
    }
    if thread.status == "CLOSED" && status.is_some_and(|status| status != ConversationStatus::Closed) {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "status",
            "A closed conversation stays closed. Start a new one with startConversation.",
        )
        .into());
    }
    let resolution_cipher = match resolution {
        Some(text) => {
            let place = ("resolution", "resolution_cipher");
            Some(seal_of_thread(tx, (keyring, db), &thread, place, &text).await?)
        }
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    let before = thread.status.clone();
    if let Some(status) = status {
        status.as_str().clone_into(&mut thread.status);
    }
    sqlx::query!(
        "UPDATE conversations SET status = $3, resolution_cipher = coalesce($4, resolution_cipher), updated_at = $5,
             closed_at = CASE WHEN $3 = 'CLOSED' THEN coalesce(closed_at, $5) END,
             waiting_since = CASE WHEN $3 IN ('ACTIVE', 'ESCALATED') THEN waiting_since END,
             route_due_at = CASE WHEN $3 IN ('ACTIVE', 'ESCALATED') THEN route_due_at END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        thread.status,
        resolution_cipher,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": before, "to": thread.status });
    tx.audit(AuditEntry::plain("conversation.updated", id, &details).about(thread.debtor_id));
    tx.emit(thread.event("CONVERSATION_UPDATED"));
    Ok(())
}

/// What is noted of a thread tells something of the person: their erasure takes it along. `place` is the input's field, and
/// the column.
pub(super) async fn seal_of_thread(
    tx: &mut TenantTx,
    (keyring, db): (&Keyring, &Db),
    thread: &ConversationRow,
    (field, column): (&str, &'static str),
    text: &str,
) -> Result<Vec<u8>, OpError> {
    let keys = keyring.business(db, tx.business_id()).await?;
    let stored = debtor_keys::load(tx, thread.record_key_id).await?;
    let key = stored.map(|stored| keys.data_key(&stored)).transpose()?.flatten();
    let key = key.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            field,
            "This debtor's data was erased: nothing more is written down here.",
        )
    })?;
    Ok(keys.seal(&key, "conversations", column, thread.id, text.as_bytes())?)
}
