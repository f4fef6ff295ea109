//! What the assistant needs of a thread: the text that waits for an answer.

use uuid::Uuid;

use super::store::{ConversationRow, lock_conversation, unanswered_inbound};
use crate::{
    accounts::debtor_keys,
    platform::{db::TenantTx, error::OpError, keys::TenantKeys},
};

/// The newest text of a thread, which nobody has answered.
#[derive(Clone, Debug)]
pub struct UnansweredText {
    pub message: Uuid,
    pub conversation: Uuid,
    pub debtor: Option<Uuid>,
    pub account: Option<Uuid>,
    pub channel: String,
    /// Whether the thread is nobody's matter but the one who answers: not escalated, resolved or closed.
    pub is_active: bool,
    pub assigned_agent: Option<Uuid>,
    pub body: String,
}

/// Locks the thread of a received text, and gives what is in it; `None` where somebody has answered it, a newer one came, or it
/// cannot be opened any more.
///
/// # Errors
/// [`OpError`] as met.
pub async fn lock_unanswered_text(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    message: Uuid,
) -> Result<Option<UnansweredText>, OpError> {
    let business = tx.business_id();
    let conversation = sqlx::query_scalar!(
        "SELECT conversation_id FROM messages WHERE business_id = $1 AND id = $2 AND direction = 'INBOUND'",
        business,
        message
    )
    .fetch_optional(tx.conn())
    .await?;
    match conversation {
        Some(id) => match lock_newest(tx, keys, id).await? {
            Some(text) if text.message == message => Ok(Some(text)),
            _ => Ok(None),
        },
        None => Ok(None),
    }
}

async fn lock_newest(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    conversation: Uuid,
) -> Result<Option<UnansweredText>, OpError> {
    let Some(thread) = lock_conversation(tx, conversation).await? else {
        return Ok(None);
    };
    let Some((message, _)) = unanswered_inbound(tx, &thread).await? else {
        return Ok(None);
    };
    open(tx, keys, &thread, message).await
}

async fn open(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    thread: &ConversationRow,
    message: Uuid,
) -> Result<Option<UnansweredText>, OpError> {
    let stored = debtor_keys::load(tx, thread.record_key_id).await?;
    let Some(record) = stored.map(|key| keys.data_key(&key)).transpose()?.flatten() else {
        return Ok(None);
    };
    let business = tx.business_id();
    let cipher = sqlx::query_scalar!(
        "SELECT body_cipher FROM messages WHERE business_id = $1 AND id = $2",
        business,
        message
    )
    .fetch_one(tx.conn())
    .await?;
    let body = keys.open_text(&record, "messages", "body_cipher", message, &cipher)?;
    Ok(Some(UnansweredText {
        message,
        conversation: thread.id,
        debtor: thread.debtor_id,
        account: thread.account_id,
        channel: thread.channel.clone(),
        is_active: thread.status == "ACTIVE",
        assigned_agent: thread.assigned_agent_id,
        body: body.expose().clone(),
    }))
}
