//! The slice's face in the API.

mod inputs;
mod mutations;
mod queries;
mod types;

pub use inputs::{
    AccountFilter, AccountOrder, AccountOrderField, CreateAccountInput, OrderDirection, UpdateAccountInput,
};
pub use mutations::AccountMutations;
pub use queries::AccountQueries;
pub use types::{Account, AccountConnection, ContactPoint, Debtor, DebtorConnection, LedgerEntry};
