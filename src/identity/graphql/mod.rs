//! The slice's face in the API.

mod activity;
mod api_keys;
mod approvals;
mod break_glass;
mod credentials;
mod email;
mod mfa;
mod mutations;
mod notifications;
mod photo;
mod platform;
mod platform_mutations;
mod profile;
mod queries;
mod registration;
mod roles;
mod team;
mod team_mutations;
mod team_queries;
mod types;
mod user;
mod work;

use async_graphql::MergedObject;

pub use mutations::{LoginPayload, MfaMethod, RequestFacts};
pub(crate) use mutations::{debtor_challenge_payload, login_payload, outcome};
pub use notifications::notifies;
pub use types::{Business, Viewer};
pub use user::{IdentityLoaders, RoleName, User};

/// Queries about yourself, your business, its staff and its keys.
#[derive(Default, MergedObject)]
pub struct IdentityQueries(
    queries::ViewerQueries,
    team_queries::TeamQueries,
    credentials::CredentialQueries,
    api_keys::ApiKeyQueries,
    roles::RoleQueries,
    break_glass::BreakGlassQueries,
    platform::PlatformQueries,
);

/// Mutations of sign-up, sign-in, staff, passwords, sessions and keys.
#[derive(Default, MergedObject)]
pub struct IdentityMutations(
    mutations::SignInMutations,
    registration::RegistrationMutations,
    team_mutations::TeamMutations,
    credentials::CredentialMutations,
    email::EmailMutations,
    mfa::MfaMutations,
    api_keys::ApiKeyMutations,
    profile::ProfileMutations,
    roles::RoleMutations,
    break_glass::BreakGlassMutations,
    platform_mutations::PlatformMutations,
    approvals::ApprovalMutations,
    photo::PhotoMutations,
    work::WorkMutations,
    notifications::NotificationMutations,
);
