//! Stripe's webhook about connected accounts: signature over the raw body first, account second. Nothing is stored of what is
//! not proven, and what is proven is stored before it is answered.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;

use super::HttpState;
use crate::{
    graphql::transport::Peer,
    payments::receive_event,
    platform::{context::TenantCtx, error::OpError, rate_limit::Rule, request_id::RequestId},
    providers::stripe::{event, signature},
};

/// Why a report is not taken.
enum Refused {
    /// No signature of ours fits.
    NotProven,
    /// Proven, but no event, or one of the other kind of money than the platform's key is for.
    Malformed,
    /// Proven, but about no account of a business of ours.
    UnknownAccount,
    /// Too many unproven ones from this address.
    TooMany,
    /// Our fault: Stripe tries again.
    Failed(OpError),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (reason, status) = match &self {
            Self::NotProven => ("signature", StatusCode::FORBIDDEN),
            Self::Malformed => ("malformed", StatusCode::BAD_REQUEST),
            Self::UnknownAccount => ("account", StatusCode::NOT_FOUND),
            Self::TooMany => ("rate", StatusCode::TOO_MANY_REQUESTS),
            Self::Failed(OpError::Unavailable(_)) => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Failed(_) => ("failed", StatusCode::INTERNAL_SERVER_ERROR),
        };
        metrics::counter!("webhooks_refused_total", "provider" => "stripe", "reason" => reason).increment(1);
        match self {
            Self::Failed(error) => {
                tracing::error!(error = format!("{error:#}"), "a webhook could not be stored")
            }
            _ => tracing::warn!(reason, "a webhook was refused"),
        }
        let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        (status, content_type, format!("refused: {reason}\n")).into_response()
    }
}

/// A signature is cheap to check; who sends many that do not fit is told to stop. What is proven is never limited.
const UNPROVEN_PER_MINUTE: Rule = Rule::new("unproven_webhooks_minute", 60, Duration::from_secs(60));

/// What Stripe reports. Durable before it is answered.
pub(super) async fn receive(
    State(state): State<Arc<HttpState>>,
    request_id: Option<axum::Extension<RequestId>>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request_id = request_id.map_or_else(String::new, |id| id.0.0);
    let peer = peer.map_or_else(String::new, |peer| peer.0.0.to_string());
    match take(&state, &peer, &headers, &body, &request_id).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn take(
    state: &HttpState,
    peer: &str,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<(), Refused> {
    if !is_proven(state, headers, body) {
        let rules = [(UNPROVEN_PER_MINUTE, peer)];
        let may_try = state.limiter.peek(&rules, state.wall.now()).await.allowed;
        state.limiter.record_failure(&rules, state.wall.now()).await;
        return Err(if may_try {
            Refused::NotProven
        } else {
            Refused::TooMany
        });
    }
    let received = event::read(body).ok_or(Refused::Malformed)?;
    if received.is_live != state.stripe_is_live {
        return Err(Refused::Malformed);
    }
    let named = received.account.ok_or(Refused::UnknownAccount)?;
    let account = state
        .payments
        .stripe_account(&named)
        .await
        .map_err(Refused::Failed)?;
    let account = account.ok_or(Refused::UnknownAccount)?;
    let ctx = TenantCtx::for_service(account.business_id, request_id);
    receive_event(&state.payments, &ctx, &received.event)
        .await
        .map_err(Refused::Failed)
}

/// Signature ages are of the wall's time.
fn is_proven(state: &HttpState, headers: &HeaderMap, body: &[u8]) -> bool {
    let given = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        state
            .stripe_webhook_secrets
            .iter()
            .any(|secret| signature::is_valid(secret.expose_secret(), given, body, state.wall.now()))
    })
}
