//! Twilio's webhooks: account first, signature second, number third. Nothing is stored of what is not proven.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;

use super::HttpState;
use crate::{
    conversations::{
        inbound::{InboundText, receive_text},
        route::ProviderAccount,
        status::{Failure, StatusReport, receive_status},
    },
    graphql::transport::Peer,
    platform::{
        context::TenantCtx,
        error::OpError,
        ids::{self, IdKind},
        phone::PhoneNumber,
        rate_limit::Rule,
        request_id::RequestId,
    },
    providers::twilio::{error_codes::classify, signature},
};

/// Why a webhook is not taken.
enum Refused {
    /// Unknown account or wrong signature: the two look the same from outside.
    NotProven,
    /// Proven, but the number is not that account's.
    UnknownNumber,
    /// Proven, but a parameter is missing or malformed.
    Malformed(&'static str),
    /// Too many unproven ones from this address.
    TooMany,
    /// Our fault: the vendor tries again.
    Failed(OpError),
}

impl From<OpError> for Refused {
    fn from(error: OpError) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (reason, status) = match &self {
            Self::NotProven => ("signature", StatusCode::FORBIDDEN),
            Self::UnknownNumber => ("number", StatusCode::NOT_FOUND),
            Self::Malformed(_) => ("malformed", StatusCode::BAD_REQUEST),
            Self::TooMany => ("rate", StatusCode::TOO_MANY_REQUESTS),
            Self::Failed(OpError::Unavailable(_)) => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Failed(_) => ("failed", StatusCode::INTERNAL_SERVER_ERROR),
        };
        metrics::counter!("webhooks_refused_total", "provider" => "twilio", "reason" => reason).increment(1);
        match self {
            Self::Failed(error) => {
                tracing::error!(error = format!("{error:#}"), "a webhook could not be stored")
            }
            Self::Malformed(field) => tracing::warn!(field, "a signed webhook is malformed"),
            Self::NotProven | Self::UnknownNumber | Self::TooMany => {
                tracing::warn!(reason, "a webhook was refused")
            }
        }
        (
            status,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            format!("refused: {reason}\n"),
        )
            .into_response()
    }
}

/// A form whose signature fits, with the account it belongs to.
struct Verified {
    account: Arc<ProviderAccount>,
    params: Vec<(String, String)>,
    ctx: TenantCtx,
}

impl Verified {
    fn get(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &'static str) -> Result<&str, Refused> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or(Refused::Malformed(name))
    }

    /// A vendor's own id: letters and digits.
    fn sid(&self, name: &'static str) -> Result<String, Refused> {
        let sid = self.need(name)?;
        let fits = sid.len() <= 64 && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits {
            Ok(sid.to_owned())
        } else {
            Err(Refused::Malformed(name))
        }
    }

    fn phone(&self, name: &'static str) -> Result<PhoneNumber, Refused> {
        PhoneNumber::parse_e164(self.need(name)?).map_err(|_| Refused::Malformed(name))
    }
}

/// What is not proven may cost us a look-up, so an address may try only so often. What is proven is never limited: a
/// vendor does not send a text again, and behind a proxy that we do not know everybody has the same address.
const UNPROVEN_PER_MINUTE: Rule = Rule::new("unproven_webhooks_minute", 60, Duration::from_secs(60));

async fn verify(
    state: &HttpState,
    peer: &str,
    uri: &OriginalUri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<Verified, Refused> {
    let verified = prove(state, peer, uri, headers, body, request_id).await;
    if matches!(verified, Err(Refused::NotProven)) {
        let may_try = may_try(state, peer).await;
        let rules = [(UNPROVEN_PER_MINUTE, peer)];
        state.limiter.record_failure(&rules, state.wall.now()).await;
        if !may_try {
            return Err(Refused::TooMany);
        }
    }
    verified
}

/// Whether the address has sent few enough that were not proven.
async fn may_try(state: &HttpState, peer: &str) -> bool {
    let rules = [(UNPROVEN_PER_MINUTE, peer)];
    state.limiter.peek(&rules, state.wall.now()).await.allowed
}

/// The account that is named. One not named lately is looked up; for an address that tries too much only if it exists,
/// so that whoever makes ids up cannot make us look up without end.
async fn account(state: &HttpState, peer: &str, named: &str) -> Result<Arc<ProviderAccount>, Refused> {
    if let Some(known) = state.conversations.remembered_twilio_account(named) {
        return Ok(known);
    }
    if !may_try(state, peer).await && !state.conversations.has_twilio_account(named).await? {
        return Err(Refused::TooMany);
    }
    let found = state.conversations.twilio_account(named).await?;
    found.ok_or(Refused::NotProven)
}

async fn prove(
    state: &HttpState,
    peer: &str,
    uri: &OriginalUri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<Verified, Refused> {
    let given = headers
        .get("x-twilio-signature")
        .and_then(|value| value.to_str().ok())
        .ok_or(Refused::NotProven)?;
    let params: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let named = params
        .iter()
        .find(|(key, _)| key == "AccountSid")
        .map(|(_, value)| value)
        .ok_or(Refused::NotProven)?;
    let account = account(state, peer, named).await?;
    // The public URL, never the Host header or the socket's scheme.
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", state.public_base_url);
    let fits = account
        .secrets_at(state.db.clock().now())
        .any(|secret| signature::is_valid(secret.expose_secret(), &url, &params, given));
    if !fits {
        return Err(Refused::NotProven);
    }
    let ctx = TenantCtx::for_service(account.business_id, request_id);
    Ok(Verified { account, params, ctx })
}

/// A text from a debtor. Durable before it is answered.
pub(super) async fn inbound(
    State(state): State<Arc<HttpState>>,
    uri: OriginalUri,
    request_id: Option<axum::Extension<RequestId>>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request_id = request_id.map_or_else(String::new, |id| id.0.0);
    let peer = peer.map_or_else(String::new, |peer| peer.0.0.to_string());
    match take_text(&state, &peer, &uri, &headers, &body, &request_id).await {
        // An empty TwiML document: nothing is said back.
        Ok(()) => ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], "<Response/>").into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn take_text(
    state: &HttpState,
    peer: &str,
    uri: &OriginalUri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<(), Refused> {
    let verified = verify(state, peer, uri, headers, body, request_id).await?;
    let to = verified.need("To")?;
    if !verified.account.numbers.iter().any(|number| number == to) {
        return Err(Refused::UnknownNumber);
    }
    let provider_message_id = verified.sid("MessageSid")?;
    let from = verified.need("From")?;
    if has_no_telephone(from) {
        metrics::counter!("webhooks_ignored_total", "provider" => "twilio", "reason" => "sender")
            .increment(1);
        tracing::info!("a text of a sender without a telephone number is not kept");
        return Ok(());
    }
    let text = InboundText {
        provider_message_id,
        from: PhoneNumber::parse_e164(from).map_err(|_| Refused::Malformed("From"))?,
        to: to.to_owned(),
        body: verified.get("Body").unwrap_or_default().to_owned(),
        vendor_keyword: verified.get("OptOutType").map(str::to_owned),
    };
    Ok(receive_text(&state.conversations, &verified.ctx, text).await?)
}

/// A short code, or a name in place of a number: a machine's, which no debtor has and which no answer reaches.
fn has_no_telephone(sender: &str) -> bool {
    const SHORT_CODE: std::ops::RangeInclusive<usize> = 3..=8;
    const LONGEST_NAME: usize = 11;
    let is_short_code =
        SHORT_CODE.contains(&sender.len()) && sender.bytes().all(|byte| byte.is_ascii_digit());
    let fits_name = |character: char| character.is_ascii_alphanumeric() || " +-_&.".contains(character);
    let is_name = sender.len() <= LONGEST_NAME
        && sender.chars().all(fits_name)
        && sender.chars().any(|character| character.is_ascii_alphabetic());
    is_short_code || is_name
}

/// What became of a text of ours.
pub(super) async fn status(
    State(state): State<Arc<HttpState>>,
    uri: OriginalUri,
    request_id: Option<axum::Extension<RequestId>>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request_id = request_id.map_or_else(String::new, |id| id.0.0);
    let peer = peer.map_or_else(String::new, |peer| peer.0.0.to_string());
    match take_status(&state, &peer, &uri, &headers, &body, &request_id).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn take_status(
    state: &HttpState,
    peer: &str,
    uri: &OriginalUri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<(), Refused> {
    let verified = verify(state, peer, uri, headers, body, request_id).await?;
    let attempt = uri.query().and_then(|query| {
        let (_, id) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "attempt")?;
        ids::decode(IdKind::DeliveryAttempt, &id).ok()
    });
    let failure = verified
        .get("ErrorCode")
        .filter(|code| !code.is_empty() && *code != "0")
        .map(|code| {
            let (kind, reason) = classify(code);
            Failure {
                code: code.chars().take(16).collect(),
                reason,
                kind,
            }
        });
    let report = StatusReport {
        provider_message_id: verified.sid("MessageSid")?,
        status: verified.sid("MessageStatus")?,
        attempt,
        to: verified.phone("To")?,
        failure,
    };
    Ok(receive_status(&state.conversations, &verified.ctx, report).await?)
}
