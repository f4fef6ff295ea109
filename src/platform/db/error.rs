//! What can go wrong with the database, as the layers above need to tell it apart.

use thiserror::Error;

/// A failed statement or connection. Its text never reaches a client.
#[derive(Debug, Error)]
pub enum DbError {
    /// A named constraint refused the write: the caller maps the name to a user error.
    #[error("constraint {0} refused the write")]
    Constraint(String),
    /// A serialization failure or deadlock: the whole transaction may be tried again.
    #[error("the transaction met another one and may be tried again")]
    Conflict,
    /// The database is away, refuses connections or the pool is exhausted.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A statement waited too long for what another transaction holds, or ran too long: it may be tried again.
    #[error("the database was busy for too long")]
    Busy,
    /// A date or time lies outside what the database stores (4713 BC to AD 294276).
    #[error("a date or time lies too far in the past or the future")]
    OutOfRange,
    /// Anything else is our fault.
    #[error(transparent)]
    Other(sqlx::Error),
}

impl DbError {
    /// Whether `name` is the constraint that refused the write.
    pub fn is_constraint(&self, name: &str) -> bool {
        matches!(self, Self::Constraint(found) if found == name)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) => match (db.code().as_deref(), db.constraint()) {
                // 40001 serialization_failure, 40P01 deadlock_detected.
                (Some("40001" | "40P01"), _) => Self::Conflict,
                // 55P03 lock_not_available (lock_timeout), 57014 query_canceled (statement_timeout).
                (Some("55P03" | "57014"), _) => Self::Busy,
                // 57P01-57P03: shutting down or starting up; 53300: too many connections.
                (Some("57P01" | "57P02" | "57P03" | "53300"), _) => Self::Unavailable(error),
                // datetime_field_overflow
                (Some("22008"), _) => Self::OutOfRange,
                (_, Some(name)) => Self::Constraint(name.to_owned()),
                _ => Self::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}
