//! A span and a figure for every request. Neither holds a query string, a header or a body: those carry secrets and
//! personal data.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::HttpState;
use crate::platform::request_id::RequestId;

/// Requests slower than this are worth a line of their own.
const SLOW: Duration = Duration::from_secs(2);

/// Wraps a request. Routes, not paths, name it: a path may hold an id.
pub(super) async fn observe(State(state): State<Arc<HttpState>>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str)
        .to_owned();
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let span = tracing::info_span!("request", request_id, method = %request.method(), route);
    let started = state.wall.now();
    let response = next.run(request).instrument(span.clone()).await;
    let took = (state.wall.now() - started).to_std().unwrap_or_default();
    let status = response.status().as_u16();
    metrics::histogram!("http_request_seconds", "route" => route, "status" => status.to_string())
        .record(took.as_secs_f64());
    span.in_scope(|| {
        if response.status().is_server_error() {
            tracing::warn!(status, took_ms = took.as_millis(), "failed");
        } else if took > SLOW {
            tracing::info!(status, took_ms = took.as_millis(), "slow");
        } else {
            tracing::debug!(status, took_ms = took.as_millis(), "done");
        }
    });
    response
}
