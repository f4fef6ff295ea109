//! Server-sent events: the "distinct connections mode" of graphql-sse, where one request is one operation.
//!
//! Each response is an event `next`; an event `complete` without data ends the operation. Errors of the document
//! arrive as `next` with status 200, since a browser's `EventSource` cannot read the body of a failed request; a
//! request that is refused before (login, media type, malformed parameters) is refused by its HTTP status.
//!
//! A stream that ends *without* `complete` (expired token, stopping service) is one that clients open again, with a
//! fresh token; a revoked session ends with an error and `complete`, so that they do not.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response as GraphqlResponse;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::sleep;

use super::connections::Admission;
use super::prepare::Prepared;
use super::{Engine, Origin, Refusal, Shared, SocketEnd, Transport, execute, status};
use crate::platform::error_code::ErrorCode;

/// The end of an operation. Its empty data line makes a browser's `EventSource` dispatch the event.
const COMPLETE: &str = "event: complete\ndata: \n\n";
/// A comment, which clients ignore.
const KEEP_ALIVE: &str = ":\n\n";

/// Tells nginx and its kind to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The stream of an operation that has only one, finished, response.
pub(super) fn single(response: &GraphqlResponse) -> Response {
    into_response(Body::from(next(response) + COMPLETE))
}

/// The stream of a subscription.
///
/// # Errors
/// UNAVAILABLE when the process, RATE_LIMITED when the caller has as many connections open as it may.
pub(super) fn subscription<E: Engine>(
    shared: &Arc<Shared<E>>,
    caller: E::Caller,
    prepared: Prepared,
    origin: &Origin,
) -> Result<Response, Refusal> {
    let limits = shared.engine.limits();
    let mut admission = shared
        .connections
        .admit(limits.max_connections)
        .ok_or_else(|| full(limits.max_connections))?;
    if !admission.claim(
        shared.engine.caller_key(&caller),
        limits.max_connections_per_caller,
    ) {
        return Err(too_many(limits.max_connections_per_caller));
    }
    let Prepared {
        request,
        document,
        cost,
        ..
    } = prepared;
    let meta = origin.meta(Transport::Sse, None, cost.cost);
    let responses = execute::subscribe(shared.engine.as_ref(), caller.clone(), request, document, meta);
    let engine = Arc::clone(&shared.engine);
    let end = async move { engine.socket_end(&caller).await }.boxed();
    let running = Running {
        responses,
        end,
        request_id: origin.request_id.0.clone(),
        keep_alive: limits.event_stream_keep_alive,
        _admission: admission,
    };
    Ok(into_response(Body::from_stream(events(running))))
}

/// The refusal of a connection beyond what the process holds.
pub(super) fn full(most: usize) -> Refusal {
    Refusal::new(
        ErrorCode::Unavailable,
        format!(
            "{most} connections are open, as many as this process holds (limit max_connections); try again"
        ),
    )
}

/// The refusal of a connection beyond what one caller may have.
pub(super) fn too_many(most: usize) -> Refusal {
    Refusal::new(
        ErrorCode::RateLimited,
        format!("you have {most} connections open, as many as allowed (limit max_connections_per_caller)"),
    )
}

struct Running {
    responses: BoxStream<'static, GraphqlResponse>,
    end: BoxFuture<'static, SocketEnd>,
    request_id: String,
    keep_alive: Duration,
    _admission: Admission,
}

/// The text of the stream, event by event.
fn events(running: Running) -> impl Stream<Item = Result<String, Infallible>> + Send {
    stream::unfold(Some(running), |running| async move {
        let (text, running) = running?.step().await?;
        Some((Ok(text), running))
    })
}

impl Running {
    /// The next text and what follows it; `None` where the stream breaks off.
    async fn step(mut self) -> Option<(String, Option<Self>)> {
        let response = tokio::select! {
            response = self.responses.next() => response,
            end = &mut self.end => match end {
                SocketEnd::TokenExpired | SocketEnd::Shutdown => return None,
                SocketEnd::Revoked => Some(status::to_response(&revoked())),
            },
            () = sleep(self.keep_alive) => return Some((KEEP_ALIVE.to_owned(), Some(self))),
        };
        let Some(mut response) = response else {
            return Some((COMPLETE.to_owned(), None));
        };
        status::finish(&mut response, &self.request_id);
        if status::ends_subscription(&response) {
            return Some((next(&response) + COMPLETE, None));
        }
        Some((next(&response), Some(self)))
    }
}

fn revoked() -> Refusal {
    Refusal::new(
        ErrorCode::Unauthenticated,
        "the session has been revoked: log in again",
    )
}

/// The event of one response. JSON text has no line breaks, so one data line holds it.
fn next(response: &GraphqlResponse) -> String {
    format!("event: next\ndata: {}\n\n", status::Body::of(response).to_json())
}

fn into_response(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}
