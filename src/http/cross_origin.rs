//! Browsers on other origins: which may read our answers, and send cookies (Fetch standard, "CORS protocol").

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{identity::SESSION_HEADER, platform::request_id::REQUEST_ID_HEADER};

/// How long a browser remembers the answer to a preflight.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(3600);

/// Lets scripts of these origins use the API; those of any other get no answer that they can read.
pub(super) fn layer(allowed_origins: &[String]) -> CorsLayer {
    let origins = allowed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(SESSION_HEADER),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("graphql-require-preflight"),
            HeaderName::from_static("graphql-cost"),
        ])
        .expose_headers([REQUEST_ID_HEADER, header::RETRY_AFTER])
        .max_age(PREFLIGHT_LIFETIME)
}
