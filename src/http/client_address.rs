//! Who really calls, and how often they may.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::HttpState;
use crate::{
    graphql::transport::Peer,
    platform::{error_code::ErrorCode, net::limit_subject, request_id::RequestId},
};

/// Establishes the caller's address behind trusted proxies, for everything inside.
pub(super) async fn establish(
    State(state): State<Arc<HttpState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let connected = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or([0, 0, 0, 0].into(), |info| info.0.ip());
    let forwarded: Vec<String> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect();
    let peer = state
        .trusted_proxies
        .client_address(connected, forwarded.iter().map(String::as_str));
    request.extensions_mut().insert(Peer(peer));
    next.run(request).await
}

/// The limits per address. Verified webhooks do not come by here: a vendor's burst is not an attack.
pub(super) async fn limit(State(state): State<Arc<HttpState>>, request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map(|peer| limit_subject(peer.0))
        .unwrap_or_default();
    let rules = [
        (state.rate_limits.ip_per_minute, peer.as_str()),
        (state.rate_limits.ip_per_hour, peer.as_str()),
    ];
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let verdict = state.limiter.check(&rules, state.wall.now()).await;
    if verdict.allowed {
        return next.run(request).await;
    }
    let seconds = verdict.retry_after.as_secs().max(1);
    let body = serde_json::json!({ "errors": [{
        "message": format!("Too many requests from your address. Try again in {seconds} s."),
        "extensions": { "code": ErrorCode::RateLimited.as_str(), "requestId": request_id },
    }] });
    let headers = [
        (header::RETRY_AFTER, seconds.to_string()),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response()
}
