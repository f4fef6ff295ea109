//! The slice's face in the API.

mod mutations;
mod queries;
mod types;

pub use mutations::{IdentityMutations, RequestFacts};
pub use queries::IdentityQueries;
pub use types::{Business, IdentityLoaders, RoleName, User, Viewer};
