//! `GET /graphql/ws`: subscriptions over a WebSocket with the sub-protocol `graphql-transport-ws`.
//!
//! | Close code | When                                                      | What npm `graphql-ws` does |
//! |------------|-----------------------------------------------------------|----------------------------|
//! | 4400       | a message that is not of the protocol, or too long        | gives up                   |
//! | 4401       | bad login, revoked session, `subscribe` before the login  | gives up                   |
//! | 4403       | the token has expired                                     | reconnects, fresh token    |
//! | 4406       | another sub-protocol, or none                             | gives up                   |
//! | 4408       | no login in time, or silence                              | reconnects                 |
//! | 4409       | the id of an operation that is still running              | gives up                   |
//! | 4429       | a second `connection_init`                                | gives up                   |
//! | 4500       | a fault of the service at the login                       | gives up                   |
//! | 1012       | the process stops                                         | reconnects                 |
//! | 1013       | too many connections of the caller, login not checkable   | reconnects                 |
//!
//! A socket is one task ([`connection`]), which alone reads and writes; each operation is a task of its own
//! ([`operation`]) and hands its responses to the socket's task through one bounded channel, whose places are given
//! in the order of asking. So a busy stream waits behind a quiet one, never the other way round for longer than the
//! backlog, and a client that reads slowly slows its own operations down until the socket is dropped.

mod connection;
mod operation;
mod protocol;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use tokio::time::Instant;

use self::connection::{Connection, Upgrade};
use self::protocol::SUB_PROTOCOL;
use super::http::Rejection;
use super::negotiation::MediaType;
use super::{Engine, Origin, Refusal, Shared, execute, sse};
use crate::platform::error_code::ErrorCode;
use crate::platform::request_id::REQUEST_ID_HEADER;

/// Clients send little; the buffer grows for a longer message.
const READ_BUFFER_BYTES: usize = 512;
/// The greatest amount that waits for a slow client inside the socket: one large response.
const MAX_WRITE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Answers the upgrade request and hands the socket to its task.
pub(super) async fn upgrade<E: Engine>(
    State(shared): State<Arc<Shared<E>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let origin = Origin::of(shared.engine.as_ref(), &parts);
    let request_id = origin.request_id.clone();
    let mut response = match Box::pin(accept(shared, upgrade, parts, origin)).await {
        Ok(response) => response,
        Err(rejection) => rejection.into_response(MediaType::Json, &request_id),
    };
    if let Some(value) = request_id.header_value() {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

async fn accept<E: Engine>(
    shared: Arc<Shared<E>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    mut parts: Parts,
    origin: Origin,
) -> Result<Response, Rejection> {
    let upgrade = upgrade.map_err(|_| not_an_upgrade())?;
    let limits = shared.engine.limits();
    let admission = shared.connections.admit(limits.max_connections);
    let admission = admission.ok_or_else(|| sse::full(limits.max_connections))?;
    let caller = authenticate_cookie(shared.engine.as_ref(), &parts, &origin).await?;

    let upgrade = upgrade
        .protocols([SUB_PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(limits.max_socket_message_bytes)
        .max_frame_size(limits.max_socket_message_bytes);
    parts.headers.remove(header::COOKIE);
    let headers = parts.headers;
    let head = Box::new(Upgrade { caller, headers });
    Ok(upgrade.on_upgrade(async move |socket| {
        let connection = Box::new(Connection {
            socket,
            shared,
            admission,
            origin,
            last_heard: Instant::now(),
        });
        // On a task of its own: the one that waited for the upgrade keeps the room for that as long as it lives.
        tokio::spawn(connection.run(head));
    }))
}

fn not_an_upgrade() -> Rejection {
    let message =
        format!("this resource is a WebSocket: connect a client with the sub-protocol {SUB_PROTOCOL}");
    Rejection::new(
        StatusCode::UPGRADE_REQUIRED,
        Refusal::new(ErrorCode::BadRequest, message),
    )
}

/// The caller whose cookie comes with the upgrade, if it has logged in. A browser sends cookies with a socket that
/// any site opens, so the origin must be an allowed one. A cookie that is no login any more leaves the login to
/// `connection_init`.
async fn authenticate_cookie<E: Engine>(
    engine: &E,
    parts: &Parts,
    origin: &Origin,
) -> Result<Option<E::Caller>, Refusal> {
    if !parts.headers.contains_key(header::COOKIE) {
        return Ok(None);
    }
    let authenticating = async { engine.authenticate_upgrade(parts, origin.peer).await };
    match execute::guarded(&origin.request_id.0, authenticating).await {
        Ok(caller) if engine.is_anonymous(&caller) => Ok(None),
        Ok(caller) => {
            check_origin(&parts.headers, &engine.limits().allowed_origins)?;
            Ok(Some(caller))
        }
        Err(refusal) if refusal.code == ErrorCode::Unauthenticated => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if origin.is_some_and(|origin| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::Forbidden,
        "a cookie logs a socket in only from an allowed Origin: connect from the application's own site, or \
         without cookies and with a token in connectionParams",
    ))
}
