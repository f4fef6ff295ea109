//! Who is calling: businesses, identities, memberships, sessions, second factors. Produces [`Caller`].
//!
//! Owns `businesses`, `identities`, `registrations`, `recovery_codes`, `one_time_tokens`, `password_resets`, `email_changes`,
//! `login_failures`, `users`, `custom_roles`, `work_schedules`, `work_hours`, `user_skills`, `notification_preferences`,
//! `invitations`, `break_glass_sessions`, `provider_approvals`, `sessions`, `refresh_tokens`, `debtor_sessions`,
//! `debtor_refresh_tokens`, `api_keys`, `business_counts`.
//! Identities have no one business, so this slice works through `SystemTx` with what is personal sealed under the
//! platform key. May import `platform`, `access`, `audit`, `files`.

mod accept_invitation;
mod account_mail;
mod activity;
mod api_key_store;
mod api_keys;
mod authenticate;
mod bar_admission;
mod break_glass;
mod break_glass_store;
mod business_store;
mod caller;
mod change_email;
mod change_password;
mod count_usage;
mod create_business;
mod credential_store;
mod debtor_session;
mod debtor_session_store;
mod delete_business;
mod device;
mod email_change_store;
mod expired_registrations;
mod failed_log_ins;
pub mod graphql;
mod idle;
mod invitation_store;
mod invite;
mod kept_keys;
mod key_warnings;
mod lockout;
mod login;
mod mail_reader;
mod mfa;
mod mfa_store;
mod notice_mail;
mod notifications;
mod overseers;
mod password;
mod password_policy;
mod photo;
mod platform_staff;
mod platform_store;
pub mod ports;
mod profile_store;
mod provider_approvals;
mod register;
mod registration_store;
mod replace_mfa;
mod reset_mfa;
mod reset_password;
mod revocations;
mod role_store;
mod roles;
mod session;
mod session_cookies;
mod session_holder;
mod store;
mod suspend_business;
mod switch_business;
mod team_store;
mod tokens;
mod update_profile;
mod update_user;
mod user_sessions;
mod verify_email;
mod work;

use std::sync::Arc;

pub use accept_invitation::{SendWelcomeMail, send_welcome_mail};
pub use account_mail::{SendAccountMail, send_account_mail};
pub use activity::{Activity, run_activity_recorder};
pub use authenticate::{AuthRefused, authenticate, authenticate_cookie, authenticate_socket, note_use};
pub use break_glass::{SendBreakGlassMail, send_break_glass_mail};
pub use business_store::{NewBusiness, NewMember, insert_business, insert_member};
pub use caller::{Caller, DebtorSession, Membership, Person, ServiceKey, Visit};
pub use change_email::{SendEmailChangeLink, send_email_change_link};
pub use count_usage::count_usage;
pub use debtor_session::DebtorOrigin;
pub use debtor_session_store::{
    end_debtor_sessions, end_link_sessions, forget_debtor_sessions, forget_debtor_tokens,
};
pub use expired_registrations::forget_expired_registrations;
pub use failed_log_ins::{TellOfLoginFailure, tell_of_login_failure};
pub use idle::{session_idle_minutes, set_session_idle_minutes};
pub use invite::{SendInvitationMail, send_invitation_mail};
pub use kept_keys::{SendKeptKeys, send_kept_keys};
pub use key_warnings::{SendKeyWarning, send_key_warning, warn_of_ending_keys};
pub use lockout::{Turn, forget_login_failures};
pub use notice_mail::{SendNotice, send_notice, tell_all_by_mail, tell_by_mail};
pub use notifications::NotificationKind;
pub use overseers::{compliance_officers, overseers, staff_address};
pub use platform_staff::{add_known_super_admin, create_super_admin, remove_super_admin};
pub use provider_approvals::{NewApproval, ProviderApprovalKind, insert_approval};
pub use register::{KnownMember, SendVerificationMail, add_known_member, send_verification_mail};
pub use revocations::{Revocations, look_for_revocations, run_revocation_poll};
pub use session::IssuedSession;
pub use session_cookies::SESSION_HEADER;
pub use session_holder::DebtorPlace;
pub use store::{NewIdentity, insert_identity, may_be_given_work, roles_of_active, user_names};
pub use tokens::TokenKeys;
pub use work::{
    Absence, Taker, absences, agents_set_own_availability, checked_skills, let_agents_set_own_availability,
    takers,
};

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
    pub(crate) activity: Arc<Activity>,
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
    /// How long a session may go unused before a refresh ends it.
    pub session_idle: chrono::TimeDelta,
    /// Whether passwords of fewer than twenty characters need all four kinds of them.
    pub password_classes_required: bool,
    /// How many log-ins may fail, per address and per account.
    pub rate_limits: RateLimits,
}
