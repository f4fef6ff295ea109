//! The slice's face in the API.

mod mutations;
mod queries;
mod team;
mod team_mutations;
mod team_queries;
mod types;

use async_graphql::MergedObject;

pub use mutations::RequestFacts;
pub use types::{Business, IdentityLoaders, RoleName, User, Viewer};

/// Queries about yourself, your business and its staff.
#[derive(Default, MergedObject)]
pub struct IdentityQueries(queries::ViewerQueries, team_queries::TeamQueries);

/// Mutations of sign-up, sign-in and staff.
#[derive(Default, MergedObject)]
pub struct IdentityMutations(mutations::SignInMutations, team_mutations::TeamMutations);
