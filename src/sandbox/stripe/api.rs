//! The REST API: PaymentIntents and Refunds.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

use super::{
    error::StripeError,
    event::tell,
    store::{Changed, NewIntent, NewRefund, Replay, StripeMemory},
};
use crate::sandbox::{
    connection::Connection,
    faults::{Fault, Provider},
    recorder::record_stripe,
    state::SandboxState,
};

/// How long a request under a timeout fault is held at most.
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// The longest page.
const LONGEST_PAGE: usize = 100;

/// The routes below `/stripe`; every request is recorded.
pub(in crate::sandbox) fn router(state: &SandboxState) -> Router<SandboxState> {
    Router::new()
        .route("/v1/payment_intents", get(list).post(create))
        .route("/v1/payment_intents/{id}", get(fetch))
        .route("/v1/payment_intents/{id}/confirm", post(confirm))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", get(list_refunds).post(refund))
        .fallback(async || StripeError::missing("route"))
        .layer(middleware::from_fn_with_state(state.clone(), record_stripe))
}

/// A form or a query by its names.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    fn metadata(&self) -> Map<String, Value> {
        let inside = |name: &str| Some(name.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned());
        self.0
            .iter()
            .filter_map(|(name, value)| Some((inside(name)?, Value::String(value.clone()))))
            .collect()
    }

    /// Parameters that Stripe has taken out of its API.
    fn check_removed(&self) -> Result<(), StripeError> {
        if self.0.keys().any(|name| name.starts_with("payment_method_types")) {
            let message = "payment_method_types is no longer supported.";
            return Err(StripeError::invalid(
                "payment_method_types_no_longer_supported",
                message,
            ));
        }
        Ok(())
    }
}

/// The connected account, for whoever authenticates with the platform's key.
fn authenticate(state: &SandboxState, headers: &HeaderMap) -> Result<String, StripeError> {
    let platform = state.stripe_platform();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let fits = given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(platform.secret_key.as_bytes())));
    if !fits {
        return Err(StripeError::unauthorized());
    }
    let account = text("stripe-account").unwrap_or_default();
    let known = platform.accounts.iter().find(|known| *known == account);
    known.cloned().ok_or_else(StripeError::no_account)
}

/// A request that changes something.
struct Change<'a> {
    state: &'a SandboxState,
    connection: &'a Connection,
    account: &'a str,
    path: &'a str,
    headers: &'a HeaderMap,
    body: &'a str,
}

impl Change<'_> {
    /// Does it, but once under one key; answers, and tells of it, as the fault wants it.
    async fn run(self, work: impl FnOnce(&mut StripeMemory) -> Changed) -> Response {
        let key = self
            .headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok());
        let request = format!("{} {}", self.path, self.body);
        let known = key.and_then(|key| self.state.with_stripe(|memory| memory.replay(self.account, key)));
        if let Some(replay) = known {
            if replay.request != request {
                return StripeError::other_parameters().into_response();
            }
            let headers = [("Idempotent-Replayed", "true")];
            return (replay.status, headers, Json(replay.body)).into_response();
        }
        let fault = self.state.take_fault(Provider::Stripe);
        match fault {
            Some(Fault::Error500) => return StripeError::internal().into_response(),
            Some(Fault::RateLimit) => return StripeError::too_many().into_response(),
            Some(Fault::TimeoutBefore) => {
                hold(self.state, self.connection).await;
                return StripeError::internal().into_response();
            }
            _ => {}
        }
        let (status, body, events) = self.state.with_stripe(|memory| {
            let (status, body, events) = match work(memory) {
                Ok((body, events)) => (StatusCode::OK, body, events),
                Err((error, events)) => (error.status, error.body, events),
            };
            // What was not even begun may be sent again under the same key.
            if let Some(key) = key.filter(|_| status != StatusCode::BAD_REQUEST) {
                let replay = Replay {
                    request,
                    status,
                    body: body.clone(),
                };
                memory.remember(self.account, key, replay);
            }
            (status, body, events)
        });
        tell(self.state, events, fault);
        match fault {
            Some(Fault::Timeout) => hold(self.state, self.connection).await,
            Some(Fault::LostAnswer | Fault::Silence) => self.connection.cut(),
            _ => {}
        }
        (status, Json(body)).into_response()
    }
}

/// Holds the request until the client gives up (which drops this future), the time is over or the sandbox stops; then cuts the
/// connection, so that no answer goes out.
async fn hold(state: &SandboxState, connection: &Connection) {
    let _ = tokio::time::timeout(LONGEST_HOLD, state.stopping().cancelled()).await;
    connection.cut();
}

async fn create(
    State(state): State<SandboxState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let fields = Fields::parse(&body);
    fields.check_removed()?;
    let missing =
        |name: &str| StripeError::invalid("parameter_missing", &format!("Missing required param: {name}."));
    let new = NewIntent {
        account: account.clone(),
        amount: fields.number("amount").ok_or_else(|| missing("amount"))?,
        currency: fields
            .get("currency")
            .ok_or_else(|| missing("currency"))?
            .to_owned(),
        metadata: fields.metadata(),
        method: fields.get("payment_method").map(str::to_owned),
        confirm: fields.get("confirm") == Some("true"),
        at: state.now().timestamp(),
    };
    let change = Change {
        state: &state,
        connection: &connection,
        account: &account,
        path: "/v1/payment_intents",
        headers: &headers,
        body: &body,
    };
    Ok(change.run(|memory| memory.create(new)).await)
}

async fn confirm(
    State(state): State<SandboxState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let fields = Fields::parse(&body);
    let known = state.with_stripe(|memory| {
        memory
            .intent(&account, &id)
            .map(|intent| intent.payment_method.clone())
    });
    let known = known.ok_or_else(|| StripeError::missing("payment_intent"))?;
    let method = fields
        .get("payment_method")
        .map(str::to_owned)
        .or(known)
        .unwrap_or_default();
    let path = format!("/v1/payment_intents/{id}/confirm");
    let change = Change {
        state: &state,
        connection: &connection,
        account: &account,
        path: &path,
        headers: &headers,
        body: &body,
    };
    Ok(change.run(|memory| memory.confirm(&id, &method)).await)
}

async fn cancel(
    State(state): State<SandboxState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let path = format!("/v1/payment_intents/{id}/cancel");
    let change = Change {
        state: &state,
        connection: &connection,
        account: &account,
        path: &path,
        headers: &headers,
        body: &body,
    };
    Ok(change.run(|memory| memory.cancel(&account, &id)).await)
}

async fn refund(
    State(state): State<SandboxState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let fields = Fields::parse(&body);
    let new = NewRefund {
        account: account.clone(),
        payment_intent: fields.get("payment_intent").unwrap_or_default().to_owned(),
        amount: fields.number("amount"),
        reason: fields.get("reason").map(str::to_owned),
        metadata: fields.metadata(),
        at: state.now().timestamp(),
    };
    let change = Change {
        state: &state,
        connection: &connection,
        account: &account,
        path: "/v1/refunds",
        headers: &headers,
        body: &body,
    };
    Ok(change.run(|memory| memory.refund(new)).await)
}

async fn fetch(
    State(state): State<SandboxState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let found = state.with_stripe(|memory| memory.intent(&account, &id).map(|intent| intent.json()));
    found
        .map(|intent| Json(intent).into_response())
        .ok_or_else(|| StripeError::missing("payment_intent"))
}

/// Newest first.
async fn list(
    State(state): State<SandboxState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let query = Fields::parse(&query.unwrap_or_default());
    let (from, to) = (query.number("created[gte]"), query.number("created[lte]"));
    let found: Vec<(String, Value)> = state.with_stripe(|memory| {
        memory
            .intents
            .iter()
            .rev()
            .filter(|intent| intent.account == account)
            .filter(|intent| from.is_none_or(|from| intent.created >= from))
            .filter(|intent| to.is_none_or(|to| intent.created <= to))
            .map(|intent| (intent.id.clone(), intent.json()))
            .collect()
    });
    Ok(page(&query, found, "/v1/payment_intents"))
}

/// Newest first.
async fn list_refunds(
    State(state): State<SandboxState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, StripeError> {
    let account = authenticate(&state, &headers)?;
    let query = Fields::parse(&query.unwrap_or_default());
    let intent = query.get("payment_intent").map(str::to_owned);
    let found: Vec<(String, Value)> = state.with_stripe(|memory| {
        memory
            .refunds
            .iter()
            .rev()
            .filter(|refund| refund.account == account)
            .filter(|refund| {
                intent
                    .as_ref()
                    .is_none_or(|intent| *intent == refund.payment_intent)
            })
            .map(|refund| (refund.id.clone(), refund.json()))
            .collect()
    });
    Ok(page(&query, found, "/v1/refunds"))
}

fn page(query: &Fields, found: Vec<(String, Value)>, url: &str) -> Response {
    let limit = query
        .number("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(10);
    let limit = limit.clamp(1, LONGEST_PAGE);
    let skip = query.get("starting_after").map_or(0, |after| {
        found
            .iter()
            .position(|(id, _)| id == after)
            .map_or(found.len(), |place| place + 1)
    });
    let has_more = found.len() > skip + limit;
    let data: Vec<Value> = found
        .into_iter()
        .skip(skip)
        .take(limit)
        .map(|(_, object)| object)
        .collect();
    Json(json!({ "object": "list", "data": data, "has_more": has_more, "url": url })).into_response()
}
