//! The id under which one request is found in the answer, in the log and in a bug report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header in which a request id arrives and leaves.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request, 8 to 64 characters of `[A-Za-z0-9_-]`. Travels as an axum extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// Takes over an id that the caller, or a proxy in front of us, has given; `None` when it is not a sane one,
    /// since it goes into logs as it is.
    pub fn accept(given: &str) -> Option<Self> {
        let sane = (8..=64).contains(&given.len())
            && given
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        sane.then(|| Self(given.to_owned()))
    }

    /// The id that the headers carry, if it is a sane one.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        headers
            .get(REQUEST_ID_HEADER)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::accept)
    }

    /// The id as a header value; `None` only for an id that was built by hand from other characters.
    pub fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

/// Makes request ids: a number that is random per process, and a counter. They are unique, not secret.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    counter: AtomicU64,
}

impl RequestIds {
    /// A source of ids for this process. `process` is a random number, which keeps the ids of two processes, and
    /// of one process before and after a restart, apart.
    pub const fn new(process: u64) -> Self {
        Self {
            process,
            counter: AtomicU64::new(0),
        }
    }

    /// The next id, such as `req_8f14e45fceea167a_2b`.
    pub fn next(&self) -> RequestId {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("req_{:016x}_{number:x}", self.process))
    }
}

/// Middleware that gives every request a [`RequestId`] extension, its caller's own where that is a sane one, and
/// writes it into the response's `x-request-id`. Use with `axum::middleware::from_fn_with_state`.
pub async fn assign_request_id(
    State(ids): State<Arc<RequestIds>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::from_headers(request.headers()).unwrap_or_else(|| ids.next());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Some(value) = id.header_value() {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::extract::Extension;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(given: Option<&str>) -> (String, String) {
        let app = Router::new()
            .route(
                "/",
                get(|Extension(id): Extension<RequestId>| async move { id.0 }),
            )
            .layer(axum::middleware::from_fn_with_state(
                Arc::new(RequestIds::new(7)),
                assign_request_id,
            ));
        let mut request = Request::builder().uri("/");
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let header = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        (header, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_sane_id_of_the_caller_is_kept() {
        let (header, seen) = ask(Some("proxy-1234_abc")).await;
        assert_eq!(header, "proxy-1234_abc");
        assert_eq!(seen, "proxy-1234_abc");
    }

    #[tokio::test]
    async fn an_id_that_is_short_long_or_odd_is_replaced() {
        let long = "a".repeat(65);
        for odd in [
            None,
            Some("short"),
            Some(long.as_str()),
            Some("with space here"),
            Some("quote\"12345"),
        ] {
            let (header, seen) = ask(odd).await;
            assert_eq!(header, "req_0000000000000007_0", "for {odd:?}");
            assert_eq!(header, seen);
        }
    }

    #[test]
    fn made_ids_differ_and_would_be_accepted_themselves() {
        let ids = RequestIds::new(u64::MAX);
        let (first, second) = (ids.next(), ids.next());
        assert_ne!(first, second);
        assert_eq!(RequestId::accept(&first.0), Some(first));
    }
}
