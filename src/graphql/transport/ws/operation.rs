//! One operation on a socket: a task that turns a subscription's responses into messages.

use std::sync::Arc;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::protocol;
use crate::graphql::transport::params::Params;
use crate::graphql::transport::prepare::prepare;
use crate::graphql::transport::{Engine, ParsedDocuments, Refusal, RequestMeta, execute, status};
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
pub(super) struct Operation<E: Engine> {
    pub engine: Arc<E>,
    pub documents: Arc<ParsedDocuments>,
    pub caller: E::Caller,
    pub meta: RequestMeta,
    pub number: u64,
    pub id: Arc<str>,
    /// Boxed, since the channel sets aside room for a block of messages on every socket.
    pub socket: mpsc::Sender<Box<Outgoing>>,
}

impl<E: Engine> Operation<E> {
    /// Runs the operation to its end. Returns early when the socket is gone.
    ///
    /// An operation whose source fails, or whose subscriber must load anew (CURSOR_EXPIRED, RESYNC), ends with
    /// `error`: graphql-ws hands its payload to the subscriber's `error` callback and forgets the operation, while
    /// errors inside a `next` would look like one event among others.
    pub async fn run(self, params: Params) {
        let mut responses = self.start(params);
        loop {
            let message = self.message(responses.next().await);
            let last = message.last;
            if self.socket.send(message).await.is_err() || last {
                return;
            }
        }
    }

    /// The responses of the operation; one that fails before its execution has one response.
    ///
    /// Not a part of [`Operation::run`], whose state would then have room for a request as long as it runs.
    fn start(&self, params: Params) -> BoxStream<'static, Response> {
        let engine = self.engine.as_ref();
        let failed = match prepare(params, engine.limits(), &self.documents, |document| {
            engine.check_document(document)
        }) {
            Ok(prepared) if prepared.kind == OperationType::Subscription => {
                let (caller, meta) = (self.caller.clone(), self.meta.clone());
                return execute::subscribe(engine, caller, prepared.request, meta);
            }
            Ok(_) => status::to_response(&not_a_subscription()),
            Err(errors) => Response::from_errors(errors),
        };
        stream::iter([failed]).boxed()
    }

    /// What the client is told of the next response, or of their end.
    fn message(&self, response: Option<Response>) -> Box<Outgoing> {
        let (text, last) = match response {
            None => (protocol::complete(&self.id), true),
            Some(mut response) => {
                status::finish(&mut response, &self.meta.request_id);
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

fn not_a_subscription() -> Refusal {
    Refusal::new(
        ErrorCode::BadRequest,
        "only subscriptions run on the socket: send queries and mutations with POST /graphql",
    )
}
