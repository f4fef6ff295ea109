//! Who is calling: businesses, identities, memberships, sessions, second factors. Produces [`Caller`].
//!
//! Owns `businesses`, `identities`, `recovery_codes`, `one_time_tokens`, `users`, `invitations`, `sessions`,
//! `refresh_tokens`.
//! Identities have no one business, so this slice works through `SystemTx` with what is personal sealed under the
//! platform key. May import `platform`, `access`, `audit`.

mod accept_invitation;
mod authenticate;
mod caller;
pub mod graphql;
mod invite;
mod login;
mod mfa;
mod password;
pub mod ports;
mod register;
mod revocations;
mod session;
mod signing_keys;
mod store;
mod switch_business;
mod team_store;
mod tokens;
mod update_user;

use std::sync::Arc;

pub use accept_invitation::{SendWelcomeMail, send_welcome_mail};
pub use authenticate::{AuthRefused, authenticate};
pub use caller::{Caller, Membership};
pub use invite::{SendInvitationMail, send_invitation_mail};
pub use register::{KnownMember, SendVerificationMail, add_known_member, send_verification_mail};
pub use revocations::{Revocations, run_revocation_poll};
pub use signing_keys::{SigningKeysError, TokenSigningKey, TokenSigningKeys};
pub use store::{
    NewBusiness, NewIdentity, NewMember, insert_business, insert_identity, insert_member, user_names,
};
pub use tokens::TokenKeys;

pub use password::hash_password;

use crate::{
    access::AccessTable,
    platform::{
        clock::WallClock,
        db::Db,
        keys::Keyring,
        rate_limit::{RateLimiter, RateLimits},
    },
};

/// What the slice works with; made once in `app.rs`.
#[derive(Clone)]
pub struct Identity {
    pub(crate) db: Db,
    pub(crate) keyring: Keyring,
    pub(crate) access: Arc<AccessTable>,
    pub(crate) tokens: Arc<TokenKeys>,
    pub(crate) wall: Arc<dyn WallClock>,
    pub(crate) limiter: Arc<RateLimiter>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) settings: IdentitySettings,
}

/// Settings of the slice.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// Where links in mails lead, without a trailing slash.
    pub public_base_url: String,
    /// A one-time code is good once (RFC 6238 section 5.2). Development lifts this
    /// (`TOTP_REUSE_ALLOWED`), because its demo users share one secret and one visitor tries them all within half a
    /// minute.
    pub totp_reuse_allowed: bool,
    /// How many log-ins may fail, per address and per account.
    pub rate_limits: RateLimits,
}
