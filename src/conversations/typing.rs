//! Somebody types: no row, only a ring. Unaudited on purpose.

use uuid::Uuid;

use super::store::conversations_by_ids;
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{Db, TenantTx},
        error::OpError,
        gql::UserError,
        live::Ring,
    },
};

/// Tells the thread's followers that the caller types.
///
/// # Errors
/// NOT_FOUND as a user error; [`OpError`] otherwise.
pub async fn set_typing(tx: &mut TenantTx, db: &Db, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ConversationSend).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if conversations_by_ids(tx, &[id]).await?.is_empty() {
        return Err(UserError::not_found("conversationId", "conversation").into());
    }
    if let Some(user_id) = tx.ctx().user_id() {
        db.live().ring(Ring::Typing {
            business_id: tx.business_id(),
            conversation_id: id,
            user_id,
        });
    }
    Ok(())
}
