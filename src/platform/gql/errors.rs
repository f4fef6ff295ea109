//! Errors that leave at the top level, each with a code of the closed list.

use async_graphql::{Error, ErrorExtensions as _};

use crate::platform::{error::OpError, error_code::ErrorCode};

fn coded(code: ErrorCode, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

/// An argument is malformed; `what` says which and why.
pub fn bad_input(what: impl Into<String>) -> Error {
    coded(ErrorCode::BadUserInput, what)
}

/// The object does not exist or is not the caller's.
pub fn not_found(noun: &str) -> Error {
    coded(ErrorCode::NotFound, format!("There is no such {noun}."))
}

/// The caller's role does not allow it.
pub fn forbidden(message: impl Into<String>) -> Error {
    coded(ErrorCode::Forbidden, message)
}

/// Maps what a read met. User errors have no place in a read's payload and become BAD_USER_INPUT.
pub fn op_error(error: OpError) -> Error {
    match error {
        OpError::User(errors) => bad_input(
            errors
                .into_iter()
                .map(|e| e.message)
                .collect::<Vec<_>>()
                .join(" "),
        ),
        OpError::Forbidden(message) => forbidden(message),
        OpError::Unavailable(cause) => {
            tracing::warn!(cause, "unavailable");
            coded(
                ErrorCode::Unavailable,
                "The service is busy or restarting. Try again in a moment.",
            )
        }
        OpError::Internal(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "internal error");
            coded(
                ErrorCode::Internal,
                "Something went wrong on our side. Quote the request id when you report it.",
            )
        }
    }
}
