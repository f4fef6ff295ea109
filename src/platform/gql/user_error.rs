//! Errors that the person who called can act on.

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};

/// Why a mutation was refused. The list is closed: a client may switch on it.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserErrorCode {
    /// A value is malformed or out of range; `field` names it.
    InvalidInput,
    /// What was named does not exist or is not yours.
    NotFound,
    /// It clashes with what is there, for example an account number that is taken.
    Conflict,
    /// The law, a vendor's policy or a missing consent forbids the contact; `decision` says which rule.
    ComplianceBlocked,
    /// The business's quota is used up.
    QuotaExceeded,
    /// The thread has moved on since you looked: read it and decide again.
    StaleThread,
    /// The secret was handed out when this request was first made and cannot be shown again.
    AlreadyIssued,
    /// E-mail, password, code or token is not right.
    BadCredentials,
    /// The e-mail address must be verified first.
    EmailNotVerified,
    /// Too many failed attempts: wait and try again.
    Locked,
    /// The account, business or membership is suspended or inactive.
    Suspended,
}

/// One thing to put right.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, SimpleObject)]
pub struct UserError {
    /// What kind of problem it is.
    pub code: UserErrorCode,
    /// Path of the input field that caused it, for example `["input", "phone"]`; null when no single field did.
    pub field: Option<Vec<String>>,
    /// A sentence for the person, saying what to do next.
    pub message: String,
}

impl UserError {
    /// An error of no single field.
    pub fn new(code: UserErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
        }
    }

    /// A malformed or unsuitable value of `input.<field>`.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::at(UserErrorCode::InvalidInput, field, message)
    }

    /// An error of `input.<field>` (a dotted path goes deeper).
    pub fn at(code: UserErrorCode, field: &str, message: impl Into<String>) -> Self {
        let path = std::iter::once("input")
            .chain(field.split('.'))
            .map(str::to_owned)
            .collect();
        Self {
            code,
            field: Some(path),
            message: message.into(),
        }
    }

    /// What `input.<field>` names does not exist or is not the caller's: the two look the same.
    pub fn not_found(field: &str, noun: &str) -> Self {
        Self::at(
            UserErrorCode::NotFound,
            field,
            format!("There is no such {noun}."),
        )
    }
}
