//! Refusals in the form of Twilio's REST API.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refused request: HTTP status, Twilio's error code and the words for the developer.
/// Codes: <https://www.twilio.com/docs/api/errors>.
#[derive(Debug)]
pub(super) struct TwilioError {
    status: StatusCode,
    code: u32,
    message: String,
    /// Seconds, for the header of that name.
    retry_after: Option<u32>,
}

impl TwilioError {
    /// A 400 with one of the codes for invalid parameters.
    pub(super) fn invalid(code: u32, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_credentials() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: 20003,
            message: "Authenticate".to_owned(),
            retry_after: None,
        }
    }

    pub(super) fn not_found(path: &str) -> Self {
        let message = format!("The requested resource {path} was not found");
        Self {
            status: StatusCode::NOT_FOUND,
            code: 20404,
            message,
            retry_after: None,
        }
    }

    pub(super) fn opted_out() -> Self {
        Self::invalid(
            21610,
            "Attempt to send to a recipient who has opted out of texts from this number",
        )
    }

    pub(super) fn too_many_requests(retry_after: Option<u32>) -> Self {
        let message = "Too many requests".to_owned();
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: 20429,
            message,
            retry_after,
        }
    }

    pub(super) fn internal() -> Self {
        let message = "An internal server error has occurred".to_owned();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: 20500,
            message,
            retry_after: None,
        }
    }
}

impl IntoResponse for TwilioError {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        let mut answer = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}
