//! The one type of requester that everything above identity knows.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{access::Role, platform::context::TenantCtx};

/// Who sent a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody known.
    Anonymous { peer: IpAddr },
    /// A member of a business's staff, signed in.
    Member(Arc<Membership>),
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

impl Caller {
    /// The context of the caller's business, if there is one.
    pub fn tenant(&self) -> Option<&TenantCtx> {
        match self {
            Self::Member(membership) => Some(&membership.ctx),
            Self::Anonymous { .. } | Self::Platform { .. } => None,
        }
    }

    /// The session, if signed in.
    pub fn session_id(&self) -> Option<Uuid> {
        match self {
            Self::Anonymous { .. } => None,
            Self::Member(membership) => Some(membership.session_id),
            Self::Platform { session_id, .. } => Some(*session_id),
        }
    }

    /// When the access token ends (wall time), if signed in.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Anonymous { .. } => None,
            Self::Member(membership) => Some(membership.expires_at),
            Self::Platform { expires_at, .. } => Some(*expires_at),
        }
    }

    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous { .. })
    }
}
