//! The REST API: create, list and fetch messages, fetch an account. Its numbers are in [`numbers`].

use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use subtle::ConstantTimeEq;
use url::Url;

use super::super::TwilioAccount;
use super::super::connection::Connection;
use super::super::faults::{Fault, Provider};
use super::super::recorder::record_twilio;
use super::super::state::SandboxState;
use super::error::TwilioError;
use super::list::ListQuery;
use super::message::{NewMessage, Origin, SmsMessage};
use super::{API_VERSION, BODY_LIMIT, is_e164, numbers, status};

/// How long a request under the timeout fault is held at most.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// The routes below `/twilio`; every request is recorded.
pub(in crate::sandbox) fn router(state: &SandboxState) -> Router<SandboxState> {
    Router::new()
        .route(
            "/2010-04-01/Accounts/{account}/Messages.json",
            get(list).post(create),
        )
        .route("/2010-04-01/Accounts/{account}", get(fetch_account))
        .route("/2010-04-01/Accounts/{account}/Messages/{file}", get(fetch))
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
            get(numbers::list),
        )
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{file}",
            post(numbers::update),
        )
        .fallback(async |OriginalUri(uri): OriginalUri| TwilioError::not_found(uri.path()))
        .layer(middleware::from_fn_with_state(state.clone(), record_twilio))
}

async fn create(
    State(state): State<SandboxState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, TwilioError> {
    let account = authenticate(&state, &account, &headers)?;
    let request = CreateRequest::parse(&body)?;
    request.check(&state, &account)?;
    let fault = state.take_fault(Provider::Twilio);
    match fault {
        Some(Fault::Error500) => return Err(TwilioError::internal()),
        Some(Fault::RateLimit) => return Err(TwilioError::too_many_requests(None)),
        Some(Fault::RateLimitHour) => return Err(TwilioError::too_many_requests(Some(3600))),
        _ => {}
    }
    let message = SmsMessage::new(NewMessage {
        account_sid: &account.sid,
        from: &request.from,
        to: &request.to,
        body: &request.body,
        origin: Origin::Service,
        status_callback: request.status_callback,
        at: state.now(),
    });
    let answer = (StatusCode::CREATED, Json(message.to_json())).into_response();
    state.add_message(message.clone());
    status::start(&state, &account, message, fault);
    if fault == Some(Fault::Timeout) {
        hold(&state, &connection).await;
    }
    Ok(answer)
}

async fn list(
    State(state): State<SandboxState>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, TwilioError> {
    let account = authenticate(&state, &account, &headers)?;
    let query = ListQuery::parse(&query.unwrap_or_default())?;
    let mut messages = state.messages();
    messages.retain(|message| message.account_sid == account.sid);
    let path = format!("/{API_VERSION}/Accounts/{}/Messages.json", account.sid);
    Ok(Json(query.page(&path, &messages)).into_response())
}

async fn fetch(
    State(state): State<SandboxState>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, TwilioError> {
    let account = authenticate(&state, &account, &headers)?;
    file.strip_suffix(".json")
        .and_then(|sid| state.find_message(&account.sid, sid))
        .filter(|message| message.origin != Origin::TwilioReply)
        .map(|message| Json(message.to_json()).into_response())
        .ok_or_else(|| TwilioError::not_found(&format!("/Accounts/{}/Messages/{file}", account.sid)))
}

/// The account, for whoever authenticates as it.
async fn fetch_account(
    State(state): State<SandboxState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, TwilioError> {
    let not_found = || TwilioError::not_found(&format!("/Accounts/{file}"));
    let sid = file.strip_suffix(".json").ok_or_else(not_found)?;
    let token = authentic_token(&state, sid, &headers)?;
    refuse_by_fault(&state)?;
    let at = state.now().to_rfc2822();
    Ok(Json(json!({
        "auth_token": token,
        "date_created": at,
        "date_updated": at,
        "friendly_name": format!("Account {sid}"),
        "owner_account_sid": sid,
        "sid": sid,
        "status": "active",
        "subresource_uris": { "messages": format!("/{API_VERSION}/Accounts/{sid}/Messages.json") },
        "type": "Full",
        "uri": format!("/{API_VERSION}/Accounts/{sid}.json"),
    }))
    .into_response())
}

/// Plays the fault that waits, where it is one that refuses.
pub(super) fn refuse_by_fault(state: &SandboxState) -> Result<(), TwilioError> {
    match state.take_fault(Provider::Twilio) {
        Some(Fault::Error500) => Err(TwilioError::internal()),
        Some(Fault::RateLimit) => Err(TwilioError::too_many_requests(None)),
        Some(Fault::RateLimitHour) => Err(TwilioError::too_many_requests(Some(3600))),
        _ => Ok(()),
    }
}

/// Basic authentication with the SID in the path and one of that account's tokens.
pub(super) fn authenticate(
    state: &SandboxState,
    path_sid: &str,
    headers: &HeaderMap,
) -> Result<TwilioAccount, TwilioError> {
    authentic_token(state, path_sid, headers)?;
    state.account(path_sid).ok_or_else(TwilioError::bad_credentials)
}

/// The token with which the request authenticates.
fn authentic_token(state: &SandboxState, sid: &str, headers: &HeaderMap) -> Result<String, TwilioError> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value).ok());
    let given = given.ok_or_else(TwilioError::bad_credentials)?;
    let fits = |token: &String| bool::from(given.ct_eq(format!("{sid}:{token}").as_bytes()));
    let found = state.tokens_of(sid).into_iter().find(fits);
    found.ok_or_else(TwilioError::bad_credentials)
}

/// Holds the request until the client gives up (which drops this future), the time is over or the sandbox
/// stops; then cuts the connection, so that no answer goes out.
async fn hold(state: &SandboxState, connection: &Connection) {
    let _ = tokio::time::timeout(LONGEST_HOLD, state.stopping().cancelled()).await;
    connection.cut();
}

/// The parameters of a new message that the sandbox understands; others are ignored, as Twilio does.
#[derive(Default)]
struct CreateRequest {
    to: String,
    from: String,
    body: String,
    status_callback: Option<String>,
}

impl CreateRequest {
    /// Reads the form and checks what can be checked without knowing the account.
    fn parse(form: &str) -> Result<Self, TwilioError> {
        let mut request = Self::default();
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            match name.as_ref() {
                "To" => request.to = value.into_owned(),
                "From" => request.from = value.into_owned(),
                "Body" => request.body = value.into_owned(),
                "StatusCallback" if !value.is_empty() => request.status_callback = Some(value.into_owned()),
                _ => {}
            }
        }
        if request.to.is_empty() {
            return Err(TwilioError::invalid(21604, "A 'To' phone number is required."));
        }
        if !is_e164(&request.to) {
            return Err(TwilioError::invalid(
                21211,
                format!("Invalid 'To' Phone Number: {}", request.to),
            ));
        }
        if request.from.is_empty() {
            let message = "A 'From' phone number is required; the sandbox has no Messaging Services.";
            return Err(TwilioError::invalid(21603, message));
        }
        if request.body.is_empty() {
            return Err(TwilioError::invalid(
                21602,
                "Message body is required; the sandbox takes no media.",
            ));
        }
        if request.body.chars().count() > BODY_LIMIT {
            let message = format!("The message body exceeds the {BODY_LIMIT} character limit.");
            return Err(TwilioError::invalid(21617, message));
        }
        if request
            .status_callback
            .as_deref()
            .is_some_and(|url| Url::parse(url).is_err())
        {
            return Err(TwilioError::invalid(
                21609,
                "The 'StatusCallback' URL is not a valid URL.",
            ));
        }
        Ok(request)
    }

    /// Checks what depends on the account and the recipient.
    fn check(&self, state: &SandboxState, account: &TwilioAccount) -> Result<(), TwilioError> {
        if !account.numbers.iter().any(|number| number.e164 == self.from) {
            let message = format!("The 'From' number {} is not a number of your account.", self.from);
            return Err(TwilioError::invalid(21606, message));
        }
        if self.from == self.to {
            return Err(TwilioError::invalid(
                21266,
                "'To' and 'From' number cannot be the same.",
            ));
        }
        if state.is_opted_out(&self.from, &self.to) {
            return Err(TwilioError::opted_out());
        }
        Ok(())
    }
}
