//! A message whose words are a template's, with the values of the thread's account.

use uuid::Uuid;

use super::{
    send_message::{MadeOf, NewMessage, SECRET_MARK, SaidBy},
    store::conversations_by_ids,
};
use crate::{
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
    templates::{TemplateType, compose, ports::DebtorLinks},
};

/// Makes the message; it is sent as any other, through the gate. A personal link in it is shown to nobody but its reader.
///
/// # Errors
/// User errors: NOT_FOUND; CONFLICT for a thread without an account, and for a template that does not fit.
pub async fn message_from_template(
    tx: &mut TenantTx,
    links: &dyn DebtorLinks,
    conversation_id: Uuid,
    template_id: Uuid,
    after_sequence: Option<i32>,
) -> Result<NewMessage, OpError> {
    let thread = conversations_by_ids(tx, &[conversation_id])
        .await?
        .pop()
        .ok_or_else(|| UserError::not_found("conversationId", "conversation"))?;
    let account = thread.account_id.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "conversationId",
            "This thread is about no account yet, so a template has no values: match it first, or write it yourself.",
        )
    })?;
    let kind = TemplateType::parse(&thread.channel).ok_or_else(|| {
        UserError::invalid(
            "conversationId",
            "This channel cannot be written to with templates yet.",
        )
    })?;
    let composed = compose(tx, template_id, kind, account, SECRET_MARK).await?;
    let secret = match composed.has_link {
        true => Some(links.address(tx, account).await?),
        false => None,
    };
    Ok(NewMessage {
        conversation_id,
        content: composed.text,
        after_sequence,
        secret,
        said_by: SaidBy::Caller,
        made_of: Some(MadeOf {
            template: composed.template,
            version: composed.version,
        }),
        cease_notice: None,
        dispute_answer: None,
    })
}
