//! How an operation ends when it does not succeed.

use crate::platform::{
    db::DbError,
    gql::{UserError, UserErrorCode},
};

/// A message as a sentence of its own begins: with a capital letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The outcome of a use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// Something the person can act on: leaves as `userErrors` of the payload.
    #[error("refused with {} user error(s)", .0.len())]
    User(Vec<UserError>),
    /// The caller's role does not allow it: leaves as a top-level FORBIDDEN.
    #[error("{0}")]
    Forbidden(String),
    /// The database is away or a dependency does not answer: leaves as UNAVAILABLE.
    #[error("{0}")]
    Unavailable(String),
    /// Our fault: leaves as INTERNAL with the request id, and is logged whole.
    #[error(transparent)]
    Internal(anyhow::Error),
}

impl From<UserError> for OpError {
    fn from(error: UserError) -> Self {
        Self::User(vec![error])
    }
}

impl From<DbError> for OpError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) | DbError::Conflict | DbError::Busy => {
                Self::Unavailable(error.to_string())
            }
            DbError::OutOfRange => {
                let message = "A date or time lies too far in the past or the future: give one between the years 0 and 9999.";
                UserError::new(UserErrorCode::InvalidInput, message).into()
            }
            other => Self::Internal(other.into()),
        }
    }
}

impl From<sqlx::Error> for OpError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<anyhow::Error> for OpError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<crate::platform::crypto::CryptoError> for OpError {
    fn from(error: crate::platform::crypto::CryptoError) -> Self {
        Self::Internal(error.into())
    }
}
