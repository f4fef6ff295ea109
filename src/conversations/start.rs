//! Opens a thread with an account's debtor, or finds the one that is open.

use serde_json::json;
use uuid::Uuid;

use super::{
    route,
    store::{NewConversation, Whose, insert_conversation, lock_open_thread},
};
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, debtor_by_id, phones_of, scoped_debtor_of_account},
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
    },
};

/// Returns the thread's id; the caller takes a new one.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT (channel), CONFLICT (no number to write to or from).
pub async fn start_conversation(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    account: Uuid,
    channel: Channel,
) -> Result<Uuid, OpError> {
    if channel != Channel::Sms {
        return Err(UserError::invalid("channel", "Only SMS can be started so far.").into());
    }
    text_thread(tx, keyring, db, account, None).await
}

/// The thread of texts with an account's debtor, at the number `to` or at the first that takes texts.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT (no number to write to or from).
pub(super) async fn text_thread(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    account: Uuid,
    to: Option<&str>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ConversationStart).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let channel = Channel::Sms;
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "accountId", message);
    let no_account = || UserError::not_found("accountId", "account");
    let debtor_id = scoped_debtor_of_account(tx, account)
        .await?
        .ok_or_else(no_account)?;
    let debtor = debtor_by_id(tx, debtor_id).await?.ok_or_else(no_account)?;
    let our_address = route::numbers_of(db, tx.business_id())
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| {
            conflict(
                "Your business has no number to send from: an administrator connects one (connectNumber).",
            )
        })?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let erased = || conflict("This debtor's data was erased.");
    let record = keys.data_key(&debtor.keys.record)?.ok_or_else(erased)?;
    let phones = phones_of(tx, &keys, debtor_id).await?;
    let phone = phones
        .into_iter()
        .find(|phone| phone.takes_texts && to.is_none_or(|to| phone.number.expose() == to))
        .ok_or_else(|| conflict("This debtor has no phone number that takes texts. Add one first."))?
        .number;
    let open = lock_open_thread(
        tx,
        channel.as_str(),
        &our_address,
        &keys.blinds(phone.expose()),
        Whose::Account(account),
    )
    .await?;
    if let Some(thread) = open {
        let scope = tx.ctx().agent_scope();
        if scope.is_some() && thread.assigned_agent_id.is_some() && thread.assigned_agent_id != scope {
            return Err(conflict("A colleague has an open conversation with this debtor.").into());
        }
        return Ok(thread.id);
    }
    let id = ids::next();
    let peer_cipher = keys.seal(
        &record,
        "conversations",
        "peer_cipher",
        id,
        phone.expose().as_bytes(),
    )?;
    let thread = insert_conversation(
        tx,
        NewConversation {
            id,
            debtor_id: Some(debtor_id),
            account_id: Some(account),
            channel: channel.as_str(),
            our_address: &our_address,
            peer_cipher,
            peer_blind: keys.blind(phone.expose()).to_vec(),
            record_key_id: debtor.keys.record.id,
            assigned_agent_id: tx.ctx().user_id(),
        },
    )
    .await?;
    tx.audit(
        AuditEntry::plain(
            "conversation.started",
            id,
            &json!({ "account": account, "channel": "SMS" }),
        )
        .about(Some(debtor_id)),
    );
    tx.emit(thread.event("CONVERSATION_CREATED"));
    Ok(id)
}
