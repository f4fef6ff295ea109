//! The live feed: everything that is committed is told, in commit order, once, to whoever may see it, until the
//! session ends.

mod accounts;
mod ends;
mod readers;
mod redis;
mod resume;

use funnelchat::platform::gql::Cursor;
use serde_json::{Value, json};

use crate::support::{Client, Socket, data};

const INBOX: &str = "subscription($after: Cursor) { inboxEvents(after: $after) {
  __typename
  ... on MessageAdded { cursor conversation { id } message { content } }
  ... on ConversationCreated { cursor conversation { id } }
  ... on ConversationUpdated { cursor conversation { id } }
  ... on MessageStatusChanged { cursor message { deliveryStatus } }
  ... on ConversationAssigned { cursor conversationId conversation { id } assignedAgent { name } } } }";

const THREAD: &str =
    "subscription($c: ID!, $after: Cursor) { conversationEvents(conversationId: $c, after: $after) {
  __typename
  ... on MessageAdded { cursor message { content } }
  ... on MessageStatusChanged { cursor message { deliveryStatus } }
  ... on ConversationUpdated { cursor conversation { id } }
  ... on ConversationAssigned { cursor conversationId conversation { id } assignedAgent { name } }
  ... on TypingChanged { cursor user { name } } } }";

/// Where the feed of the caller's business stands.
async fn newest_cursor(client: &Client) -> Value {
    let viewer = client.gql("{ viewer { inboxCursor } }", json!({})).await;
    data(&viewer)["viewer"]["inboxCursor"].clone()
}

/// The position that an event's cursor stands for.
fn position(event: &Value) -> i64 {
    let cursor = event["cursor"]
        .as_str()
        .unwrap_or_else(|| panic!("no cursor: {event}"));
    Cursor(cursor.to_owned()).position().unwrap()
}

/// The next event of the socket's one subscription.
async fn next(socket: &mut Socket) -> Value {
    let event = socket.event().await;
    event.as_object().unwrap().values().next().unwrap().clone()
}

/// The code of the error with which a subscription ends.
async fn ended_with(socket: &mut Socket) -> String {
    let message = socket
        .message()
        .await
        .expect("an error, not the end of the socket");
    assert_eq!(message["type"], "error", "{message}");
    message["payload"][0]["extensions"]["code"]
        .as_str()
        .unwrap()
        .to_owned()
}
