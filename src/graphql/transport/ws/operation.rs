//! One operation on a socket: a task that turns a subscription's responses into messages.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::protocol;
use crate::graphql::transport::params::Params;
use crate::graphql::transport::prepare::prepare;
use crate::graphql::transport::{Engine, Refusal, RequestMeta, Shared, execute, status};
use crate::platform::error_code::ErrorCode;

/// A message of an operation on its way to the socket.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Which operation of the socket speaks: its number, since a client may use an id again.
    pub number: u64,
    pub id: Arc<str>,
    /// The message as JSON.
    pub text: String,
    /// Whether it is the operation's last one.
    pub last: bool,
}

/// One operation.
pub(super) struct Operation {
    pub request_id: String,
    pub number: u64,
    pub id: Arc<str>,
    /// Boxed, since the channel sets aside room for a block of messages on every socket.
    pub socket: mpsc::Sender<Box<Outgoing>>,
}

impl Operation {
    /// Runs the operation to its end. Returns early when the socket is gone.
    ///
    /// An operation whose source fails, or whose subscriber must load anew (CURSOR_EXPIRED, RESYNC), ends with
    /// `error`: graphql-ws hands its payload to the subscriber's `error` callback and forgets the operation, while
    /// errors inside a `next` would look like one event among others.
    #[expect(
        clippy::manual_async_fn,
        reason = "the state of an async fn has room for its arguments twice, on thousands of sockets"
    )]
    pub fn run(self, mut responses: BoxStream<'static, Response>) -> impl Future<Output = ()> + Send {
        async move {
            loop {
                let message = self.message(responses.next().await);
                let last = message.last;
                if self.socket.send(message).await.is_err() || last {
                    return;
                }
            }
        }
    }

    /// What the client is told of the next response, or of their end.
    fn message(&self, response: Option<Response>) -> Box<Outgoing> {
        let (text, last) = match response {
            None => (protocol::complete(&self.id), true),
            Some(mut response) => {
                status::finish(&mut response, &self.request_id);
                let last = status::ends_subscription(&response);
                let to_text = if last { protocol::error } else { protocol::next };
                (to_text(&self.id, &response), last)
            }
        };
        Box::new(Outgoing {
            number: self.number,
            id: Arc::clone(&self.id),
            text,
            last,
        })
    }
}

/// The responses of an operation; one that fails before its execution has one response. A panic is a response too:
/// this runs on the socket's own task, whose other operations go on.
pub(super) fn start<E: Engine>(
    shared: &Shared<E>,
    caller: E::Caller,
    params: Params,
    meta: RequestMeta,
) -> BoxStream<'static, Response> {
    let request_id = meta.request_id.clone();
    let starting = AssertUnwindSafe(|| subscribe(shared, caller, params, meta));
    catch_unwind(starting).unwrap_or_else(|_panic| stream::iter([execute::panicked(&request_id)]).boxed())
}

fn subscribe<E: Engine>(
    shared: &Shared<E>,
    caller: E::Caller,
    params: Params,
    mut meta: RequestMeta,
) -> BoxStream<'static, Response> {
    let engine = shared.engine.as_ref();
    let failed = match prepare(
        params,
        engine.limits(),
        engine.measures(),
        &shared.documents,
        |document| engine.check_document(document),
    ) {
        Ok(prepared) if prepared.kind == OperationType::Subscription => {
            meta.cost = prepared.cost.cost;
            return execute::subscribe(engine, caller, prepared.request, prepared.document, meta);
        }
        Ok(_) => status::to_response(&not_a_subscription()),
        Err(errors) => Response::from_errors(errors),
    };
    stream::iter([failed]).boxed()
}

fn not_a_subscription() -> Refusal {
    Refusal::new(
        ErrorCode::BadRequest,
        "only subscriptions run on the socket: send queries and mutations with POST /graphql",
    )
}
