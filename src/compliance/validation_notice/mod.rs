//! The validation notice (15 USC 1692g(a); 12 CFR 1006.34): written from what is on record, provided, and taken back where it
//! came back. What an account says of its notice, and with it what the gate reads, follows the notices here.
//!
//! A notice is what its facts say (`facts`): from them the letter is made (`wording`), from the letter the files (`write`). The
//! facts are sealed with the row, so that the same files can be made again, to the byte.

mod consent;
mod draft;
pub(super) mod due;
mod facts;
mod generate;
mod model;
mod period;
mod provide;
mod returned;
pub(super) mod store;
mod wording;
mod write;

pub use generate::{NewNotice, generate_validation_notice};
pub use model::{NoticeLanguage, NoticeMethod, NoticeStatus};
pub use provide::{Provision, record_provided};
pub use returned::record_returned;
pub use write::{NoticeWriter, WriteValidationNotice, write_validation_notice};

#[cfg(test)]
mod tests;

use crate::platform::{
    error::OpError,
    gql::{UserError, UserErrorCode},
};

fn conflict(field: &str, message: impl Into<String>) -> OpError {
    UserError::at(UserErrorCode::Conflict, field, message).into()
}
