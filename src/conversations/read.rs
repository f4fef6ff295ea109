//! How far each member of staff has read. Unaudited on purpose: it changes nothing for anybody else.

use uuid::Uuid;

use super::store::conversations_by_ids;
use crate::{
    access::{Cell, authorize},
    platform::{db::TenantTx, error::OpError, gql::UserError},
};

/// Marks the thread read up to `sequence` (or its end); never moves back.
///
/// # Errors
/// NOT_FOUND as a user error; [`OpError`] otherwise.
pub async fn mark_read(tx: &mut TenantTx, id: Uuid, sequence: Option<i32>) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ConversationRead).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let thread = conversations_by_ids(tx, &[id])
        .await?
        .pop()
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    let Some(user) = tx.ctx().user_id() else {
        return Ok(());
    };
    let upto = sequence
        .unwrap_or(thread.last_sequence)
        .clamp(0, thread.last_sequence);
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO conversation_reads (business_id, conversation_id, user_id, last_read_sequence)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (business_id, conversation_id, user_id)
         DO UPDATE SET last_read_sequence = greatest(conversation_reads.last_read_sequence, excluded.last_read_sequence)",
        business,
        id,
        user,
        upto,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
