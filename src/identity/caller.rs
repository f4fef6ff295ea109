//! The one type of requester that everything above identity knows.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::session_holder::{DebtorPlace, Holder};
use crate::{access::Role, platform::context::TenantCtx};

/// Who sent a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody known.
    Anonymous { peer: IpAddr },
    /// A member of a business's staff, signed in.
    Member(Arc<Membership>),
    /// A program that acts for its business by an API key.
    Service(Arc<ServiceKey>),
    /// A super admin who broke the glass: inside a business, to read.
    Visitor(Arc<Visit>),
    /// A debtor, signed in by a link to one of their accounts.
    Debtor(Arc<DebtorSession>),
    /// A super admin, inside no business.
    Platform {
        identity_id: Uuid,
        session_id: Uuid,
        expires_at: DateTime<Utc>,
    },
}

/// A signed-in member of a business.
#[derive(Clone, Debug)]
pub struct Membership {
    pub identity_id: Uuid,
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub role: Role,
    pub ctx: TenantCtx,
    /// When the access token ends (wall time).
    pub expires_at: DateTime<Utc>,
}

/// An API key that acts for its business.
#[derive(Clone, Debug)]
pub struct ServiceKey {
    pub key_id: Uuid,
    pub ctx: TenantCtx,
    /// When the key ends (wall time).
    pub expires_at: DateTime<Utc>,
}

/// A debtor's session about one account.
#[derive(Clone, Debug)]
pub struct DebtorSession {
    pub session_id: Uuid,
    pub debtor_id: Uuid,
    pub account_id: Uuid,
    /// By which they came in.
    pub link_id: Uuid,
    pub ctx: TenantCtx,
    /// When the access token ends (wall time).
    pub expires_at: DateTime<Utc>,
}

/// A super admin's stay inside a business.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The stay; it stands for the session.
    pub id: Uuid,
    pub ctx: TenantCtx,
    /// When it ends (wall time).
    pub expires_at: DateTime<Utc>,
}

/// A person who is signed in, and by which session.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub identity_id: Uuid,
    pub session_id: Uuid,
}

impl Caller {
    /// The context of the caller's business, if there is one.
    pub fn tenant(&self) -> Option<&TenantCtx> {
        match self {
            Self::Member(membership) => Some(&membership.ctx),
            Self::Service(key) => Some(&key.ctx),
            Self::Visitor(visit) => Some(&visit.ctx),
            Self::Debtor(session) => Some(&session.ctx),
            Self::Anonymous { .. } | Self::Platform { .. } => None,
        }
    }

    /// The person, if one is signed in: not a program, and not during a stay, which is no session of theirs.
    pub fn person(&self) -> Option<Person> {
        let (identity_id, session_id) = match self {
            Self::Anonymous { .. } | Self::Service(_) | Self::Visitor(_) | Self::Debtor(_) => return None,
            Self::Member(membership) => (membership.identity_id, membership.session_id),
            Self::Platform {
                identity_id,
                session_id,
                ..
            } => (*identity_id, *session_id),
        };
        Some(Person {
            identity_id,
            session_id,
        })
    }

    /// Whose session it is: a person's or a debtor's, neither a program's nor a stay.
    pub(super) fn holder(&self) -> Option<Holder> {
        match self {
            Self::Debtor(session) => Some(Holder::Debtor(DebtorPlace {
                business_id: session.ctx.business_id(),
                debtor_id: session.debtor_id,
                account_id: session.account_id,
                link_id: session.link_id,
            })),
            other => other.person().map(|person| Holder::Person {
                identity_id: person.identity_id,
                business_id: other.tenant().map(TenantCtx::business_id),
            }),
        }
    }

    /// The session or API key, if there is one: with its end ends what was begun with it.
    pub fn session_id(&self) -> Option<Uuid> {
        match self {
            Self::Anonymous { .. } => None,
            Self::Service(key) => Some(key.key_id),
            Self::Visitor(visit) => Some(visit.id),
            Self::Debtor(session) => Some(session.session_id),
            Self::Member(membership) => Some(membership.session_id),
            Self::Platform { session_id, .. } => Some(*session_id),
        }
    }

    /// When the access token or API key ends (wall time), if there is one.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Anonymous { .. } => None,
            Self::Service(key) => Some(key.expires_at),
            Self::Visitor(visit) => Some(visit.expires_at),
            Self::Debtor(session) => Some(session.expires_at),
            Self::Member(membership) => Some(membership.expires_at),
            Self::Platform { expires_at, .. } => Some(*expires_at),
        }
    }

    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous { .. })
    }
}
