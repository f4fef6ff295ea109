//! The control API and the page: how a person or a test plays the debtor, reads what the service sent, makes
//! the vendors misbehave and moves the clock.
//!
//! | request | does |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /control/numbers` | the businesses' numbers |
//! | `GET /control/phones` | known debtors' numbers |
//! | `POST /control/sms` `{from, to, body}` | texts a business; answers when its webhook was answered |
//! | `GET /control/sms?number=+1…` | a phone's thread, oldest first |
//! | `GET /control/email?to=…` | a mailbox, oldest first; all of them without `to` |
//! | `POST /control/twilio/tokens` `{account_sid, auth_token}` | a second auth token, or a new account |
//! | `POST /control/twilio/numbers` `{account_sid, number, sms_url}` | buys an account a number; its texts go nowhere without `sms_url` |
//! | `POST /control/twilio/opt_out` `{number, advanced}` | gives a number Advanced Opt-Out, or Twilio's default words again |
//! | `GET`, `POST /control/stripe/payments` `{id, act}` | payments at Stripe; plays their payers and banks (see `Act` below) |
//! | `GET`, `POST /control/faults` `{provider, fault, count}` | faults that wait; adds some |
//! | `GET`, `POST /control/clock` `{advance_seconds}` | the time; moves it forward |
//! | `GET /control/deliveries` | webhooks and what came of them, newest first, the last 100 |
//! | `GET /control/requests?provider=twilio` | the service's API requests, one JSON object per line |
//!
//! POSTs need `Content-Type: application/json`, which a foreign web page cannot send without permission.

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{self, Fault, Provider};
use super::mail::Mail;
use super::state::SandboxState;
use super::twilio::inbound::InboundError;
use super::twilio::message::{MessageStatus, Origin, SmsMessage};
use super::twilio::number_from_query;
use super::twilio::webhook::WebhookDelivery;

/// The longest step of the clock: ten years, in seconds.
const LONGEST_ADVANCE: i64 = 10 * 366 * 86_400;

/// How many deliveries are listed.
const DELIVERIES_SHOWN: usize = 100;

/// The page needs its own inline style and script and nothing from elsewhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A refused control request: a status and the words for the person.
struct ControlError(StatusCode, String);

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<JsonRejection> for ControlError {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

type ControlResult<T> = Result<Json<T>, ControlError>;
type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn router() -> Router<SandboxState> {
    Router::new()
        .route("/", get(page))
        .route("/control/numbers", get(numbers))
        .route("/control/phones", get(phones))
        .route("/control/sms", get(thread).post(text))
        .route("/control/email", get(mailbox))
        .route("/control/twilio/tokens", post(issue_token))
        .route("/control/twilio/numbers", post(buy_number))
        .route("/control/twilio/opt_out", post(set_opt_out))
        .route("/control/stripe/payments", get(payments).post(act))
        .route("/control/faults", get(waiting_faults).post(add_faults))
        .route("/control/clock", get(clock).post(advance))
        .route("/control/deliveries", get(deliveries))
        .route("/control/requests", get(requests))
}

async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, include_str!("page.html")).into_response()
}

async fn numbers(State(state): State<SandboxState>) -> Json<Value> {
    let numbers: Vec<Value> = state
        .accounts()
        .iter()
        .flat_map(|account| {
            account.numbers.iter().map(
                |number| json!({ "account_sid": account.sid, "number": number.e164, "label": number.label }),
            )
        })
        .collect();
    Json(numbers.into())
}

async fn phones(State(state): State<SandboxState>) -> Json<Value> {
    let phones: Vec<Value> = state
        .debtor_numbers()
        .iter()
        .map(|(number, name)| json!({ "number": number, "name": name }))
        .collect();
    Json(phones.into())
}

#[derive(Deserialize)]
struct TokenRequest {
    account_sid: String,
    auth_token: String,
}

async fn issue_token(State(state): State<SandboxState>, body: Body<TokenRequest>) -> ControlResult<Value> {
    let Json(request) = body?;
    state.issue_token(&request.account_sid, &request.auth_token);
    Ok(Json(json!({ "account_sid": request.account_sid })))
}

#[derive(Deserialize)]
struct NumberRequest {
    account_sid: String,
    number: String,
    #[serde(default)]
    sms_url: String,
}

async fn buy_number(State(state): State<SandboxState>, body: Body<NumberRequest>) -> ControlResult<Value> {
    let Json(request) = body?;
    if !state.buy_number(
        &request.account_sid,
        request.number.trim(),
        request.sms_url.trim(),
    ) {
        let text = "the account must exist, and the number be in E.164 form and nobody's";
        return Err(ControlError(StatusCode::UNPROCESSABLE_ENTITY, text.to_owned()));
    }
    Ok(Json(
        json!({ "account_sid": request.account_sid, "number": request.number.trim() }),
    ))
}

#[derive(Deserialize)]
struct OptOutRequest {
    number: String,
    advanced: bool,
}

async fn set_opt_out(State(state): State<SandboxState>, body: Body<OptOutRequest>) -> ControlResult<Value> {
    let Json(request) = body?;
    let number = request.number.trim();
    state.set_advanced_opt_out(number, request.advanced);
    Ok(Json(json!({ "number": number, "advanced": request.advanced })))
}

#[derive(Deserialize)]
struct TextRequest {
    from: String,
    to: String,
    body: String,
}

async fn text(State(state): State<SandboxState>, body: Body<TextRequest>) -> ControlResult<Value> {
    let Json(request) = body?;
    // In a task of its own: a client that hangs up must not take the webhook with it.
    let background = state.clone();
    let received = tokio::spawn(async move {
        let receive = background.receive_text(request.from.trim(), request.to.trim(), &request.body);
        background.stopping().run_until_cancelled(receive).await
    });
    let stopped = || {
        ControlError(
            StatusCode::SERVICE_UNAVAILABLE,
            "the sandbox is stopping".to_owned(),
        )
    };
    let received = received.await.ok().flatten().ok_or_else(stopped)?;
    let result = received.map_err(|err| {
        let status = match err {
            InboundError::UnknownNumber { .. } => StatusCode::NOT_FOUND,
            InboundError::BadSender(_) | InboundError::BadBody => StatusCode::UNPROCESSABLE_ENTITY,
        };
        ControlError(status, err.to_string())
    })?;
    Ok(Json(
        json!({ "message_sid": result.message_sid, "webhook_status": result.webhook_status }),
    ))
}

#[derive(Deserialize)]
struct ThreadQuery {
    number: String,
}

/// A text as the page shows it.
#[derive(Serialize)]
struct TextView {
    sid: String,
    /// From the service's point of view: `inbound` came from a phone, `outbound` went to one.
    direction: &'static str,
    from: String,
    to: String,
    body: String,
    at: DateTime<Utc>,
    status: MessageStatus,
    /// Twilio's own reply to a keyword, which the service did not send.
    from_twilio: bool,
}

impl From<SmsMessage> for TextView {
    fn from(message: SmsMessage) -> Self {
        Self {
            sid: message.sid,
            direction: if message.origin == Origin::Phone {
                "inbound"
            } else {
                "outbound"
            },
            from: message.from,
            to: message.to,
            body: message.body,
            at: message.created_at,
            status: message.status,
            from_twilio: message.origin == Origin::TwilioReply,
        }
    }
}

async fn thread(State(state): State<SandboxState>, Query(query): Query<ThreadQuery>) -> Json<Vec<TextView>> {
    Json(
        state
            .thread(&number_from_query(&query.number))
            .into_iter()
            .map(TextView::from)
            .collect(),
    )
}

#[derive(Deserialize)]
struct MailboxQuery {
    to: Option<String>,
}

async fn mailbox(State(state): State<SandboxState>, Query(query): Query<MailboxQuery>) -> Json<Vec<Mail>> {
    match query.to.as_deref().map(str::trim) {
        Some(to) if !to.is_empty() => Json(state.mails_to(to)),
        _ => Json(state.mails()),
    }
}

/// A payment at Stripe as the page shows it.
#[derive(Serialize)]
struct PaymentView {
    id: String,
    account: String,
    /// In the currency's minor units.
    amount: i64,
    currency: String,
    status: String,
    payment_method: Option<String>,
    refunded: i64,
}

async fn payments(State(state): State<SandboxState>) -> Json<Vec<PaymentView>> {
    let intents = state.stripe_intents().into_iter().rev().take(DELIVERIES_SHOWN);
    Json(
        intents
            .map(|intent| PaymentView {
                id: intent.id,
                account: intent.account,
                amount: intent.amount,
                currency: intent.currency,
                status: intent.status,
                payment_method: intent.payment_method,
                refunded: intent.refunded,
            })
            .collect(),
    )
}

/// What a payer or a bank does.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    /// The payer's browser pays with a card that is taken.
    Pay,
    /// The payer confirms with their bank (3-D Secure).
    Authenticate,
    /// The payer does not.
    FailAuthentication,
    /// A bank debit arrives.
    SettleDebit,
    /// A bank debit comes back.
    ReturnDebit,
    /// The payer's bank takes the payment back.
    Dispute,
}

#[derive(Deserialize)]
struct ActRequest {
    id: String,
    act: Act,
}

async fn act(State(state): State<SandboxState>, body: Body<ActRequest>) -> ControlResult<Value> {
    let Json(ActRequest { id, act }) = body?;
    match act {
        Act::Pay => state.stripe_confirm(&id, "pm_card_visa"),
        Act::Authenticate => state.stripe_authenticate(&id, true),
        Act::FailAuthentication => state.stripe_authenticate(&id, false),
        Act::SettleDebit => state.stripe_settle_debit(&id, true),
        Act::ReturnDebit => state.stripe_settle_debit(&id, false),
        Act::Dispute => state.stripe_dispute(&id),
    }
    let found = state.stripe_intents().into_iter().find(|intent| intent.id == id);
    let found = found.ok_or_else(|| ControlError(StatusCode::NOT_FOUND, "no such payment".to_owned()))?;
    Ok(Json(json!({ "id": id, "status": found.status })))
}

#[derive(Serialize)]
struct WaitingFault {
    provider: Provider,
    fault: Fault,
}

fn waiting(state: &SandboxState) -> Json<Vec<WaitingFault>> {
    let waiting = state.waiting_faults().into_iter();
    Json(
        waiting
            .map(|(provider, fault)| WaitingFault { provider, fault })
            .collect(),
    )
}

async fn waiting_faults(State(state): State<SandboxState>) -> Json<Vec<WaitingFault>> {
    waiting(&state)
}

#[derive(Deserialize)]
struct FaultRequest {
    provider: String,
    fault: String,
    #[serde(default = "once")]
    count: usize,
}

fn once() -> usize {
    1
}

async fn add_faults(
    State(state): State<SandboxState>,
    body: Body<FaultRequest>,
) -> ControlResult<Vec<WaitingFault>> {
    let Json(request) = body?;
    faults::parse(&request.provider, &request.fault)
        .and_then(|(provider, fault)| state.add_fault(provider, fault, request.count))
        .map_err(|err| ControlError(StatusCode::UNPROCESSABLE_ENTITY, err.to_string()))?;
    Ok(waiting(&state))
}

async fn clock(State(state): State<SandboxState>) -> Json<Value> {
    Json(json!({ "now": state.now(), "simulated": state.clock().is_simulated() }))
}

#[derive(Deserialize)]
struct AdvanceRequest {
    advance_seconds: i64,
}

async fn advance(State(state): State<SandboxState>, body: Body<AdvanceRequest>) -> ControlResult<Value> {
    let Json(AdvanceRequest { advance_seconds }) = body?;
    if !(1..=LONGEST_ADVANCE).contains(&advance_seconds) {
        let text =
            format!("advance_seconds must be from 1 to {LONGEST_ADVANCE}: the clock only goes forward");
        return Err(ControlError(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let advanced = state.clock().advance(TimeDelta::seconds(advance_seconds)).await;
    let now = advanced.map_err(|reason| ControlError(StatusCode::CONFLICT, reason))?;
    Ok(Json(json!({ "now": now })))
}

async fn deliveries(State(state): State<SandboxState>) -> Json<Vec<WebhookDelivery>> {
    Json(
        state
            .deliveries()
            .into_iter()
            .rev()
            .take(DELIVERIES_SHOWN)
            .collect(),
    )
}

#[derive(Deserialize)]
struct RequestsQuery {
    provider: Option<String>,
}

async fn requests(
    State(state): State<SandboxState>,
    Query(query): Query<RequestsQuery>,
) -> Result<Response, ControlError> {
    let mut lines = String::new();
    for request in state.requests() {
        if query
            .provider
            .as_deref()
            .is_none_or(|provider| provider == request.provider.name())
        {
            let line = serde_json::to_string(&request)
                .map_err(|err| ControlError(StatusCode::INTERNAL_SERVER_ERROR, err.to_string()))?;
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}
