//! Texts of the service itself to a debtor: a link, a one-time code. They go the way of every text, through the gate; what is
//! secret in them is shown to nobody but their reader.

use uuid::Uuid;

use super::{
    send_message::{NewMessage, SaidBy, Sent, send_message},
    start::text_thread,
};
use crate::platform::{
    db::{Db, TenantTx},
    error::OpError,
    keys::Keyring,
};

/// A text of the service.
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    pub account: Uuid,
    /// One of the debtor's numbers; the first that takes texts when none.
    pub to: Option<&'a str>,
    /// The words, with [`SECRET_MARK`](super::SECRET_MARK) where the secret belongs.
    pub words: &'a str,
    pub secret: String,
    /// The debtor who has shown a link of theirs and waits for it: it comes at any hour. None for what anybody may ask for who
    /// knows a number; that is a contact like any other.
    pub asked_by: Option<Uuid>,
}

/// Queues the text, or stores the decision that refuses it.
///
/// # Errors
/// User errors where there is no number to write to or from; [`OpError`] otherwise.
pub async fn send_notice(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    notice: Notice<'_>,
) -> Result<Sent, OpError> {
    let thread = text_thread(tx, keyring, db, notice.account, notice.to).await?;
    let message = NewMessage {
        conversation_id: thread,
        content: notice.words.to_owned(),
        after_sequence: None,
        secret: Some(notice.secret),
        said_by: notice.asked_by.map_or(SaidBy::Service, SaidBy::ServiceForDebtor),
        made_of: None,
        cease_notice: None,
        dispute_answer: None,
    };
    send_message(tx, keyring, db, message).await
}
