//! The messages of `graphql-transport-ws` (enisdenjo/graphql-ws, PROTOCOL.md), and how a socket ends.

use std::borrow::Cow;

use async_graphql::Response;
use axum::extract::ws::{CloseFrame, Message};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::graphql::transport::params::Params;
use crate::graphql::transport::status::{Body, to_json};
use crate::graphql::transport::{Refusal, SocketEnd};
use crate::platform::error_code::ErrorCode;

/// The one sub-protocol that is spoken.
pub(super) const SUB_PROTOCOL: &str = "graphql-transport-ws";

/// The longest id that a client may give an operation, in bytes.
const MAX_ID_BYTES: usize = 128;

/// A message from the client.
#[derive(Debug, PartialEq)]
pub(super) enum ClientMessage {
    /// The login; `null` when there is no payload.
    ConnectionInit(Json),
    /// With the payload that the answer repeats.
    Ping(Option<Json>),
    Pong,
    Subscribe {
        id: String,
        params: Box<Params>,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// Reads a text message.
    ///
    /// # Errors
    /// What is wrong with it, as the reason of a close with 4400.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json = serde_json::from_str(text).map_err(|error| format!("the message is not JSON: {error}"))?;
        let Json::Object(mut object) = json else {
            return Err("the message is not a JSON object".to_owned());
        };
        let kind = match object.remove("type") {
            Some(Json::String(kind)) => kind,
            _ => return Err("the message has no type".to_owned()),
        };
        match kind.as_str() {
            "connection_init" => Ok(Self::ConnectionInit(payload(&mut object)?.unwrap_or(Json::Null))),
            "ping" => Ok(Self::Ping(payload(&mut object)?)),
            "pong" => Ok(Self::Pong),
            "complete" => Ok(Self::Complete { id: id(&mut object)? }),
            "subscribe" => {
                let id = id(&mut object)?;
                let payload = object.remove("payload").ok_or("subscribe has no payload")?;
                let params = Params::from_json(payload).map_err(|refusal| refusal.message)?;
                Ok(Self::Subscribe {
                    id,
                    params: Box::new(params),
                })
            }
            _ => Err("the message has an unknown type".to_owned()),
        }
    }
}

/// The optional payload, which must be an object.
fn payload(object: &mut Map<String, Json>) -> Result<Option<Json>, String> {
    match object.remove("payload") {
        None | Some(Json::Null) => Ok(None),
        Some(payload @ Json::Object(_)) => Ok(Some(payload)),
        Some(_) => Err("the payload is not an object".to_owned()),
    }
}

fn id(object: &mut Map<String, Json>) -> Result<String, String> {
    match object.remove("id") {
        Some(Json::String(id)) if (1..=MAX_ID_BYTES).contains(&id.len()) => Ok(id),
        _ => Err(format!("the id must be a string of 1 to {MAX_ID_BYTES} bytes")),
    }
}

#[derive(Serialize)]
struct Outgoing<'a, P: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

/// `connection_ack`
pub(super) fn ack() -> String {
    to_json(&Outgoing::<()> {
        id: None,
        kind: "connection_ack",
        payload: None,
    })
}

/// `pong`, with the payload of the ping.
pub(super) fn pong(payload: Option<Json>) -> String {
    to_json(&Outgoing {
        id: None,
        kind: "pong",
        payload,
    })
}

/// `next`: one response of an operation.
pub(super) fn next(id: &str, response: &Response) -> String {
    let (id, payload) = (to_json(&id), Body::of(response).to_json());
    format!("{{\"id\":{id},\"type\":\"next\",\"payload\":{payload}}}")
}

/// `error`: the errors with which an operation ends.
pub(super) fn error(id: &str, response: &Response) -> String {
    to_json(&Outgoing {
        id: Some(id),
        kind: "error",
        payload: Some(&response.errors),
    })
}

/// `complete`
pub(super) fn complete(id: &str) -> String {
    to_json(&Outgoing::<()> {
        id: Some(id),
        kind: "complete",
        payload: None,
    })
}

/// How a socket ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// We close it, with a code and a reason.
    Close(u16, Cow<'static, str>),
    /// The client has closed it.
    Left,
    /// The client cannot be reached any more.
    Lost,
}

impl End {
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Close(4400, reason.into())
    }

    /// The close for a login that is refused.
    pub fn refused(refusal: Refusal) -> Self {
        let code = match refusal.code {
            ErrorCode::Unauthenticated if refusal.token_expired => 4403,
            ErrorCode::RateLimited | ErrorCode::Unavailable => 1013,
            ErrorCode::Internal => 4500,
            _ => 4401,
        };
        Self::Close(code, refusal.message.into())
    }
}

impl From<SocketEnd> for End {
    fn from(end: SocketEnd) -> Self {
        match end {
            SocketEnd::TokenExpired => Self::Close(4403, "the token has expired".into()),
            SocketEnd::Revoked => Self::Close(4401, "the session has been revoked".into()),
            SocketEnd::Shutdown => Self::Close(1012, "the service restarts".into()),
        }
    }
}

/// A close frame; its reason has at most 123 bytes (RFC 6455, section 5.5).
pub(super) fn close_frame(code: u16, reason: &str) -> Message {
    const MOST_BYTES: usize = 123;
    let length = (0..=reason.len().min(MOST_BYTES))
        .rev()
        .find(|&at| reason.is_char_boundary(at))
        .unwrap_or(0);
    Message::Close(Some(CloseFrame {
        code,
        reason: reason[..length].into(),
    }))
}

#[cfg(test)]
mod tests {
    use async_graphql::value;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_messages_of_the_protocol_are_understood() {
        use ClientMessage::{Complete, ConnectionInit, Ping, Pong, Subscribe};
        let parse = |json: Json| ClientMessage::parse(&json.to_string()).unwrap();
        assert_eq!(
            parse(json!({"type": "connection_init"})),
            ConnectionInit(Json::Null)
        );
        let login = json!({"type": "connection_init", "payload": {"token": "x"}});
        assert_eq!(parse(login), ConnectionInit(json!({"token": "x"})));
        assert_eq!(
            parse(json!({"type": "ping", "payload": {"a": 1}})),
            Ping(Some(json!({"a": 1})))
        );
        assert_eq!(parse(json!({"type": "pong", "payload": null})), Pong);
        assert_eq!(
            parse(json!({"type": "complete", "id": "1"})),
            Complete { id: "1".to_owned() }
        );
        let subscribe = parse(json!({"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}));
        assert!(matches!(subscribe, Subscribe { id, params } if id == "1" && params.query == "{ a }"));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for (text, reason) in [
            ("{", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "has no type"),
            (r#"{"type":"start"}"#, "unknown type"),
            (r#"{"type":"complete"}"#, "the id must be"),
            (r#"{"type":"complete","id":""}"#, "the id must be"),
            (r#"{"type":"subscribe","id":"1"}"#, "no payload"),
            (
                r#"{"type":"subscribe","id":"1","payload":{}}"#,
                "query is missing",
            ),
            (
                r#"{"type":"connection_init","payload":"token"}"#,
                "payload is not an object",
            ),
        ] {
            let found = ClientMessage::parse(text).unwrap_err();
            assert!(found.contains(reason), "{text} gave {found:?}");
        }
    }

    #[test]
    fn what_is_sent_has_the_form_of_the_protocol() {
        assert_eq!(ack(), r#"{"type":"connection_ack"}"#);
        assert_eq!(
            pong(Some(json!({"a": 1}))),
            r#"{"type":"pong","payload":{"a":1}}"#
        );
        assert_eq!(complete("1"), r#"{"id":"1","type":"complete"}"#);
        let response = Response::new(value!({"a": 1}));
        assert_eq!(
            next("1", &response),
            r#"{"id":"1","type":"next","payload":{"data":{"a":1}}}"#
        );
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let Message::Close(Some(frame)) = close_frame(4400, &"ü".repeat(200)) else {
            panic!("not a close")
        };
        assert_eq!(frame.reason.len(), 122);
        assert_eq!(frame.code, 4400);
    }
}
