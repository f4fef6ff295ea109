//! Disputes of debts, from the moment that somebody makes one to what became of it (15 USC 1692g(b); 12 CFR 1006.38), and
//! requests for the original creditor's name and address.
//!
//! The row of `disputes` is the one source: the gate reads it, and whatever marks the debt for people to see (the hold of
//! kind DISPUTE, the account's status DISPUTED) follows it. What was not answered stays disputed, even where the account is
//! closed over it: nothing but the answer, or the person themselves, lets collection go on.

mod answer;
mod changes;
mod facts;
mod file;
mod model;
mod pause;
mod resolve;
pub(super) mod steps;
pub(super) mod store;

pub use answer::{Sent, awaits_answer, record_verification_sent, start_verification};
pub(super) use facts::{DisputeJson, MarkedJson, unanswered, with_disputes};
pub(super) use file::{Found, file_found, file_repeated, file_request, has_asked};
pub use file::{NewDispute, OwnDispute, file_dispute, file_own_dispute};
pub use model::{DisputeAnswer, DisputeKind, DisputeOutcome, DisputeReason, DisputeStatus};
pub use pause::{MarkDispute, mark_dispute};
pub(super) use pause::{looked_at_hold, withdraw_with_hold};
pub use resolve::resolve_dispute;

use crate::platform::{
    error::OpError,
    gql::{UserError, UserErrorCode},
    keys::TenantKeys,
};
use uuid::Uuid;

fn conflict(field: &'static str, message: &str) -> OpError {
    UserError::at(UserErrorCode::Conflict, field, message).into()
}

/// A text of 1 to `most` characters, where there is one.
fn check_text(field: &'static str, text: Option<&str>, most: usize) -> Result<(), OpError> {
    if text.is_none_or(|text| (1..=most).contains(&text.trim().chars().count())) {
        return Ok(());
    }
    let message = format!("Write 1 to {most} characters, or leave it out.");
    Err(UserError::invalid(field, message).into())
}

/// Seals a text of a dispute under the person's record key.
fn seal(
    keys: &TenantKeys,
    record: &crate::platform::keys::WrappedKey,
    (table, column, row): (&'static str, &'static str, Uuid),
    text: Option<&str>,
) -> Result<Option<Vec<u8>>, OpError> {
    let Some(text) = text else { return Ok(None) };
    let key = keys
        .data_key(record)?
        .ok_or_else(|| conflict("accountId", "This person's records were destroyed."))?;
    Ok(Some(keys.seal(
        &key,
        table,
        column,
        row,
        text.trim().as_bytes(),
    )?))
}
