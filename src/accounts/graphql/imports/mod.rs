//! Imports of files in the API.

mod mutations;
mod progress;
mod queries;
mod types;

pub use mutations::ImportMutations;
pub use progress::ImportSubscriptions;
pub use queries::ImportQueries;
pub use types::AccountImport;
