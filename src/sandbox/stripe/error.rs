//! Stripe's errors.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An answer that refuses.
#[derive(Clone, Debug)]
pub(super) struct StripeError {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl StripeError {
    fn new(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Self {
        Self {
            status,
            body: json!({ "error": { "type": kind, "code": code, "message": message } }),
        }
    }

    pub(super) fn invalid(code: &str, message: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            Some(code),
            message,
        )
    }

    pub(super) fn missing(what: &str) -> Self {
        let message = format!("No such {what}");
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("resource_missing"),
            &message,
        )
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            None,
            "Invalid API Key provided.",
        )
    }

    pub(super) fn no_account() -> Self {
        let message = "The provided key does not have access to account (or that account does not exist).";
        Self::new(
            StatusCode::FORBIDDEN,
            "invalid_request_error",
            Some("account_invalid"),
            message,
        )
    }

    pub(super) fn other_parameters() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            None,
            "An unknown error occurred.",
        )
    }

    pub(super) fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            Some("rate_limit"),
            "Too many requests.",
        )
    }

    /// A decline: the payment comes along.
    pub(super) fn declined(code: &str, decline_code: &str, intent: Value) -> Self {
        Self {
            status: StatusCode::PAYMENT_REQUIRED,
            body: json!({ "error": {
                "type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card was declined.",
                "payment_intent": intent,
            } }),
        }
    }
}

impl IntoResponse for StripeError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
