//! Records the API requests that the service makes, in the form that the vendors' published contracts are
//! checked against: one JSON object per line.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::faults::Provider;
use super::state::SandboxState;

/// The largest request body that the stand-ins read, in bytes. A message has at most 1600 characters.
const BODY_LIMIT: usize = 256 * 1024;

/// One request to a vendor's API as the vendor would have seen it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// The vendor.
    pub provider: Provider,
    /// The HTTP method.
    pub method: String,
    /// The URL at the real vendor, with the query.
    pub url: String,
    /// The headers by lower-case name; credentials are masked, their scheme is kept.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// Middleware for the routes under `/twilio`: records the request and passes it on.
pub(super) async fn record_twilio(
    State(state): State<SandboxState>,
    request: Request,
    next: Next,
) -> Response {
    let host = ("https://api.twilio.com", "/twilio");
    record(&state, Provider::Twilio, host, request, next).await
}

/// The same for the routes under `/stripe`.
pub(super) async fn record_stripe(
    State(state): State<SandboxState>,
    request: Request,
    next: Next,
) -> Response {
    let host = ("https://api.stripe.com", "/stripe");
    record(&state, Provider::Stripe, host, request, next).await
}

async fn record(
    state: &SandboxState,
    provider: Provider,
    (host, prefix): (&str, &str),
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is over {BODY_LIMIT} bytes"),
        )
            .into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    state.record_request(RecordedRequest {
        provider,
        method: parts.method.to_string(),
        url: format!("{host}{}", path.strip_prefix(prefix).unwrap_or(path)),
        headers: masked(&parts.headers),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    });
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn masked(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if name == header::AUTHORIZATION {
                format!("{} x", value.split(' ').next().unwrap_or_default())
            } else {
                value.into_owned()
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}
