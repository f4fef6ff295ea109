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
    if thread.status == "CLOSED" && status.is_some_and(|status| status != ConversationStatus::Closed) {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "status",
            "A closed conversation stays closed. Start a new one with startConversation.",
        )
        .into());
    }
    let resolution_cipher = match resolution {
        Some(text) => Some(seal_resolution(tx, keyring, db, &thread, &text).await?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    let before = thread.status.clone();
    if let Some(status) = status {
        status.as_str().clone_into(&mut thread.status);
    }
    sqlx::query!(
        "UPDATE conversations SET status = $3, resolution_cipher = coalesce($4, resolution_cipher), updated_at = $5,
             closed_at = CASE WHEN $3 = 'CLOSED' THEN coalesce(closed_at, $5) END
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

/// How a thread was settled tells something of the person: their erasure takes it along.
async fn seal_resolution(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    thread: &ConversationRow,
    text: &str,
) -> Result<Vec<u8>, OpError> {
    let keys = keyring.business(db, tx.business_id()).await?;
    let stored = debtor_keys::load(tx, thread.record_key_id).await?;
    let key = stored.map(|stored| keys.data_key(&stored)).transpose()?.flatten();
    let key = key.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "resolution",
            "This debtor's data was erased: nothing more is written down here.",
        )
    })?;
    Ok(keys.seal(
        &key,
        "conversations",
        "resolution_cipher",
        thread.id,
        text.as_bytes(),
    )?)
}
