//! The closed list of `extensions.code` values that a top-level GraphQL error can carry.
//!
//! Outcomes of a mutation (validation of its input, conflicts, refusals, quotas) are `userErrors` with a list of
//! their own; these codes are for transport, authentication, permission, limits and faults of the service.

use std::fmt;

use axum::http::StatusCode;

/// What kind of failure a top-level error reports. Clients branch on [`ErrorCode::as_str`]; the list only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document is GraphQL, but does not fit the schema or exceeds a document limit.
    GraphqlValidationFailed,
    /// A variable or an argument has a value that its type does not allow.
    BadUserInput,
    /// The request itself is malformed, or asks this transport for something that it does not do.
    BadRequest,
    /// There is no valid login, token or key with the request.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// The object does not exist, or is not the caller's to see.
    NotFound,
    /// Too many requests, connections or operations; try again later.
    RateLimited,
    /// The operation's computed cost is above what one operation may cost.
    CostLimitExceeded,
    /// The same idempotency key came with a different operation.
    IdempotencyKeyReused,
    /// The events after this cursor are no longer kept; load the current state and subscribe anew.
    CursorExpired,
    /// The subscriber fell behind; subscribe again from the last cursor received.
    Resync,
    /// The service cannot answer at the moment, or took too long.
    Unavailable,
    /// A fault of the service. The message says nothing of its cause; the request id finds it in the log.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order in which the API's description lists them.
    pub const ALL: [ErrorCode; 14] = [
        ErrorCode::GraphqlParseFailed,
        ErrorCode::GraphqlValidationFailed,
        ErrorCode::BadUserInput,
        ErrorCode::BadRequest,
        ErrorCode::Unauthenticated,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
        ErrorCode::RateLimited,
        ErrorCode::CostLimitExceeded,
        ErrorCode::IdempotencyKeyReused,
        ErrorCode::CursorExpired,
        ErrorCode::Resync,
        ErrorCode::Unavailable,
        ErrorCode::Internal,
    ];

    /// The code as clients see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            ErrorCode::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            ErrorCode::BadUserInput => "BAD_USER_INPUT",
            ErrorCode::BadRequest => "BAD_REQUEST",
            ErrorCode::Unauthenticated => "UNAUTHENTICATED",
            ErrorCode::Forbidden => "FORBIDDEN",
            ErrorCode::NotFound => "NOT_FOUND",
            ErrorCode::RateLimited => "RATE_LIMITED",
            ErrorCode::CostLimitExceeded => "COST_LIMIT_EXCEEDED",
            ErrorCode::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            ErrorCode::CursorExpired => "CURSOR_EXPIRED",
            ErrorCode::Resync => "RESYNC",
            ErrorCode::Unavailable => "UNAVAILABLE",
            ErrorCode::Internal => "INTERNAL",
        }
    }

    /// The code that a client would read as `text`, or `None` when it is not in the list.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The HTTP status of a request that failed as a whole with this code. Where the draft of GraphQL-over-HTTP
    /// and the audits of npm `graphql-http` differ (400 or 422 for validation), the audited status stands.
    pub const fn http_status(self) -> StatusCode {
        match self {
            ErrorCode::GraphqlParseFailed
            | ErrorCode::GraphqlValidationFailed
            | ErrorCode::BadUserInput
            | ErrorCode::BadRequest
            | ErrorCode::CostLimitExceeded => StatusCode::BAD_REQUEST,
            ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorCode::CursorExpired => StatusCode::GONE,
            ErrorCode::Resync => StatusCode::CONFLICT,
            ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_reads_back_as_itself() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            assert!(code.http_status().is_client_error() || code.http_status().is_server_error());
        }
        assert_eq!(
            ErrorCode::parse("QUOTA_EXCEEDED"),
            None,
            "a userError code is not a top-level code"
        );
    }
}
