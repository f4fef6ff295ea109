//! `POST /graphql` and `GET /graphql`: one operation per request.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as GraphqlResponse, value};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::negotiation::{self, Accepted, MediaType};
use super::params::Params;
use super::prepare::{Prepared, prepare};
use super::{Engine, Limits, Origin, Refusal, Shared, Transport, execute, sse, status};
use crate::platform::error_code::ErrorCode;
use crate::platform::request_id::{REQUEST_ID_HEADER, RequestId};

const GRAPHQL_COST: HeaderName = HeaderName::from_static("graphql-cost");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers one request to `/graphql`, whatever its method.
pub(super) async fn handle<E: Engine>(State(shared): State<Arc<Shared<E>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let origin = Origin::of(shared.engine.as_ref(), &parts);
    let accepted = negotiation::accepted(&parts.headers);
    let media_type = accepted.as_ref().map_or(MediaType::Json, Accepted::media_type);
    let answered = match accepted {
        Ok(accepted) => Box::pin(answer(&shared, &parts, body, &origin, accepted)).await,
        Err(refusal) => Err(Rejection::new(StatusCode::NOT_ACCEPTABLE, refusal)),
    };
    let mut response =
        answered.unwrap_or_else(|rejection| rejection.into_response(media_type, &origin.request_id));
    set_common_headers(response.headers_mut(), &origin.request_id);
    response
}

async fn answer<E: Engine>(
    shared: &Arc<Shared<E>>,
    parts: &Parts,
    body: Body,
    origin: &Origin,
    accepted: Accepted,
) -> Result<Response, Rejection> {
    let engine = shared.engine.as_ref();
    check_method_and_site(parts)?;
    let idempotency_key = idempotency_key(&parts.headers)?;
    let authenticating = async { engine.authenticate(parts, origin.peer).await };
    let caller = execute::guarded(&origin.request_id.0, authenticating).await?;
    let params = read_params(parts, body, engine.limits()).await?;

    let streamed = accepted.prefers_stream();
    let transport = if streamed { Transport::Sse } else { Transport::Http };
    let prepared = match prepare(
        params,
        engine.limits(),
        engine.measures(),
        &shared.documents,
        |document| engine.check_document(document),
    ) {
        Ok(prepared) => prepared,
        Err(errors) => {
            let mut response = GraphqlResponse::from_errors(errors);
            status::finish(&mut response, &origin.request_id.0);
            return Ok(if streamed {
                sse::single(&response)
            } else {
                encode(response, accepted.media_type())
            });
        }
    };
    check_kind(prepared.kind, &parts.method, accepted)?;
    if prepared.kind == OperationType::Subscription {
        return sse::subscription(shared, caller, prepared, origin).map_err(Rejection::from);
    }
    let wants_cost = parts.headers.get(GRAPHQL_COST).is_some_and(|value| value == "1");
    let Prepared {
        request,
        document,
        cost,
        ..
    } = prepared;
    let meta = origin.meta(transport, idempotency_key, cost.cost);
    let mut response = execute::run(engine, caller, request, &document, meta).await;
    status::finish(&mut response, &origin.request_id.0);
    if wants_cost {
        response
            .extensions
            .insert("cost".to_owned(), value!({"requestedQueryCost": (cost.cost)}));
    }
    Ok(if streamed {
        sse::single(&response)
    } else {
        encode(response, accepted.media_type())
    })
}

fn check_method_and_site(parts: &Parts) -> Result<(), Rejection> {
    match parts.method {
        Method::POST => negotiation::check_content_type(&parts.headers)
            .map_err(|refusal| Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal)),
        Method::GET => negotiation::check_same_site(&parts.headers).map_err(Rejection::from),
        _ => Err(Rejection::method(
            "GET, POST",
            format!("{} is not a method of this resource", parts.method),
        )),
    }
}

/// Which kinds of operation this request may carry.
fn check_kind(kind: OperationType, method: &Method, accepted: Accepted) -> Result<(), Rejection> {
    match kind {
        OperationType::Mutation if *method == Method::GET => Err(Rejection::method(
            "POST",
            "a mutation must be sent with POST".to_owned(),
        )),
        OperationType::Subscription if !accepted.takes_stream() => Err(Rejection::from(Refusal::new(
            ErrorCode::BadRequest,
            "a subscription needs a stream: send this request with Accept: text/event-stream, or connect a \
             WebSocket to /graphql/ws with the sub-protocol graphql-transport-ws",
        ))),
        _ => Ok(()),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let sane = (1..=255).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if sane => Ok(Some(key.to_owned())),
        _ => Err(Refusal::new(
            ErrorCode::BadRequest,
            "the Idempotency-Key must have 1 to 255 visible ASCII characters",
        )),
    }
}

async fn read_params(parts: &Parts, body: Body, limits: &Limits) -> Result<Params, Rejection> {
    if parts.method == Method::GET {
        return Ok(Params::from_query_string(parts.uri.query().unwrap_or_default())?);
    }
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced = length.and_then(|length| length.parse::<usize>().ok());
    if let Some(found) = announced.filter(|length| *length > limits.max_body_bytes) {
        return Err(too_large(&format!("has {found} bytes"), limits));
    }
    let read = timeout(limits.operation_timeout, to_bytes(body, limits.max_body_bytes));
    match read.await {
        Ok(Ok(bytes)) => Ok(Params::from_body(&bytes)?),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large("is longer than it may be", limits)),
        Ok(Err(_)) => Err(Refusal::new(ErrorCode::BadRequest, "the request's body broke off").into()),
        Err(_elapsed) => Err(Rejection::new(
            StatusCode::REQUEST_TIMEOUT,
            Refusal::new(
                ErrorCode::BadRequest,
                "the request's body did not arrive in time (limit operation_timeout)",
            ),
        )),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn too_large(found: &str, limits: &Limits) -> Rejection {
    let message = format!(
        "the request's body {found}, but at most {} bytes are allowed (limit max_body_bytes)",
        limits.max_body_bytes
    );
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::new(ErrorCode::BadRequest, message),
    )
}

/// A finished response as an HTTP response, with the headers that the engine has set.
fn encode(response: GraphqlResponse, media_type: MediaType) -> Response {
    let body = status::Body::of(&response).to_json();
    let mut encoded = (status::http_status(&response, media_type), body).into_response();
    encoded.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type.content_type()),
    );
    let mut name = None;
    for (next, value) in response.http_headers {
        name = next.or(name);
        if let Some(name) = &name {
            encoded.headers_mut().append(name, value);
        }
    }
    encoded
}

fn set_common_headers(headers: &mut HeaderMap, request_id: &RequestId) {
    if let Some(value) = request_id.header_value() {
        headers.insert(REQUEST_ID_HEADER, value);
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// A request that is refused by HTTP's own means, before there is an operation.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    refusal: Refusal,
    /// The methods that the resource does take, where the method was wrong.
    allow: Option<&'static str>,
}

impl Rejection {
    /// A rejection whose status says more than its code does.
    pub fn new(status: StatusCode, refusal: Refusal) -> Self {
        Self {
            status,
            refusal,
            allow: None,
        }
    }

    fn method(allow: &'static str, message: String) -> Self {
        let refusal = Refusal::new(ErrorCode::BadRequest, message);
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            refusal,
            allow: Some(allow),
        }
    }

    /// The rejection as a GraphQL response without data.
    pub fn into_response(self, media_type: MediaType, request_id: &RequestId) -> Response {
        let mut response = status::to_response(&self.refusal);
        status::finish(&mut response, &request_id.0);
        let mut encoded = encode(response, media_type);
        *encoded.status_mut() = self.status;
        if let Some(allow) = self.allow {
            encoded
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            encoded
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        set_common_headers(encoded.headers_mut(), request_id);
        encoded
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code.http_status(), refusal)
    }
}
