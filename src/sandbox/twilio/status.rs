//! The way of an accepted message to the phone, and its status callbacks.

use super::super::TwilioAccount;
use super::super::faults::Fault;
use super::super::state::SandboxState;
use super::message::{MessageStatus, SmsMessage};
use super::webhook::{self, Webhook};
use super::{API_VERSION, sid};

/// Starts the message on its way in the background; `fault` says how its callbacks misbehave.
pub(super) fn start(
    state: &SandboxState,
    account: &TwilioAccount,
    message: SmsMessage,
    fault: Option<Fault>,
) {
    let (background, auth_token) = (state.clone(), account.auth_token.clone());
    state.spawn(async move { travel(&background, &auth_token, message, fault).await });
}

async fn travel(state: &SandboxState, auth_token: &str, message: SmsMessage, fault: Option<Fault>) {
    let delays = state.delays();
    let callback = async |status: MessageStatus| call_back(state, auth_token, &message, status, fault).await;

    tokio::time::sleep(delays.sent).await;
    state.set_message_status(&message.sid, MessageStatus::Sent);
    if fault != Some(Fault::ReorderCallbacks) {
        callback(MessageStatus::Sent).await;
    }
    tokio::time::sleep(delays.delivered).await;
    state.set_message_status(&message.sid, MessageStatus::Delivered);
    callback(MessageStatus::Delivered).await;
    if fault == Some(Fault::ReorderCallbacks) {
        callback(MessageStatus::Sent).await;
    }
}

async fn call_back(
    state: &SandboxState,
    auth_token: &str,
    message: &SmsMessage,
    status: MessageStatus,
    fault: Option<Fault>,
) {
    let Some(url) = &message.status_callback else {
        return;
    };
    let times = match fault {
        Some(Fault::Timeout | Fault::DropCallback) => 0,
        Some(Fault::DuplicateCallback) => 2,
        _ => 1,
    };
    let callback = Webhook {
        message_sid: message.sid.clone(),
        event: format!("status {}", status.name()),
        url: url.clone(),
        params: params(state, message, status),
        auth_token: auth_token.to_owned(),
        idempotency_token: sid::idempotency_token(),
    };
    for _ in 0..times {
        webhook::deliver(state, &callback).await;
    }
}

fn params(state: &SandboxState, message: &SmsMessage, status: MessageStatus) -> Vec<(String, String)> {
    let mut params = vec![
        ("MessageSid", message.sid.clone()),
        ("SmsSid", message.sid.clone()),
        ("MessageStatus", status.name().to_owned()),
        ("SmsStatus", status.name().to_owned()),
        ("To", message.to.clone()),
        ("From", message.from.clone()),
        ("AccountSid", message.account_sid.clone()),
        ("ApiVersion", API_VERSION.to_owned()),
    ];
    if status == MessageStatus::Delivered {
        // The carrier's own delivery time, to the minute.
        params.push(("RawDlrDoneDate", state.now().format("%y%m%d%H%M").to_string()));
    }
    params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
