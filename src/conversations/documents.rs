//! Documents of a thread: what the debtor has sent by other ways, or what they are written to about.

use uuid::Uuid;

use super::store::lock_conversation;
use crate::{
    access::{Cell, authorize},
    accounts::{DocumentPlace, NewDocument, keep_document},
    platform::{
        db::{Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::Keyring,
    },
};

/// Keeps an upload of the caller's as a document of the thread, and of its account where it has one. Returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a thread or upload that is not the caller's, INVALID_INPUT for what does not fit, CONFLICT for a
/// thread of nobody's, an upload that was used, and a person whose data was erased.
pub async fn add_conversation_document(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    conversation: Uuid,
    new: NewDocument,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ConversationRead).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let thread = lock_conversation(tx, conversation)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    let Some(debtor) = thread.debtor_id else {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "Nobody knows yet who this is: match the thread to a debtor before you keep documents of theirs.",
        )
        .into());
    };
    let place = DocumentPlace {
        account: thread.account_id,
        conversation: Some(conversation),
        debtor,
        field: "conversationId",
    };
    let id = keep_document(tx, keyring, db, place, new).await?;
    tx.emit(thread.event("CONVERSATION_UPDATED"));
    Ok(id)
}
