//! Runs operations so that neither a slow resolver nor a panicking one harms anything but its own operation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::timeout;

use super::{Engine, Refusal, RequestMeta, status};
use crate::platform::error_code::ErrorCode;

/// Executes a query or mutation within the time limit. The response is not yet finished for leaving.
pub(super) async fn run<E: Engine>(
    engine: &E,
    caller: E::Caller,
    request: Request,
    document: &ExecutableDocument,
    meta: RequestMeta,
) -> Response {
    let limit = engine.limits().operation_timeout;
    let request_id = meta.request_id.clone();
    let running =
        AssertUnwindSafe(async { engine.execute(caller, request, document, meta).await }).catch_unwind();
    match timeout(limit, running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => panicked(&request_id),
        Err(_elapsed) => status::to_response(&Refusal::new(
            ErrorCode::Unavailable,
            format!(
                "the operation took longer than {} s and was stopped (limit operation_timeout); repeat a mutation \
                 only with the same Idempotency-Key",
                limit.as_secs_f32()
            ),
        )),
    }
}

/// Starts a subscription. A panic becomes its last response.
pub(super) fn subscribe<E: Engine>(
    engine: &E,
    caller: E::Caller,
    request: Request,
    document: Arc<ExecutableDocument>,
    meta: RequestMeta,
) -> BoxStream<'static, Response> {
    let request_id = meta.request_id.clone();
    let started = std::panic::catch_unwind(AssertUnwindSafe(|| {
        engine.subscribe(caller, request, document, meta)
    }));
    match started {
        Ok(stream) => AssertUnwindSafe(stream)
            .catch_unwind()
            .map(move |item| item.unwrap_or_else(|_panic| panicked(&request_id)))
            .boxed(),
        Err(_panic) => stream::once(async move { panicked(&request_id) }).boxed(),
    }
}

/// Awaits one of the engine's own steps; a panic in it becomes an INTERNAL refusal.
pub(super) async fn guarded<T>(
    request_id: &str,
    step: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(result) => result,
        Err(_panic) => {
            tracing::error!(request_id, "authentication panicked");
            Err(Refusal::new(
                ErrorCode::Internal,
                "the login could not be checked; try again",
            ))
        }
    }
}

/// The panic's own message goes to the log through the process's panic hook.
pub(super) fn panicked(request_id: &str) -> Response {
    tracing::error!(request_id, "an operation panicked");
    status::to_response(&Refusal::new(ErrorCode::Internal, "the operation panicked"))
}
