//! Who acts, for which business, and what they may see. Opaque ids only: the floor knows no business noun.
//!
//! A [`TenantCtx`] is made in two places: by authentication and by the dispatch of a job. Whoever holds one
//! can open a [`TenantTx`](crate::platform::db::TenantTx); nothing else can.

use std::sync::Arc;

use uuid::Uuid;

/// The audience that row-level security compares with (`app.audience`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Staff of the business and the service itself.
    Staff,
    /// One debtor: sees only the rows that carry their id, and of those about a debt only that of their session.
    Debtor { debtor: Uuid, account: Option<Uuid> },
}

/// Who is named in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member of the business's staff, by user id.
    User(Uuid),
    /// A debtor.
    Debtor(Uuid),
    /// An API key of the business.
    Service(Uuid),
    /// The platform's staff: in a business's trail by the id of the stay, in the platform's by the person's.
    Platform(Uuid),
    /// funnelchat itself: a job, a webhook, a reconciler.
    System,
}

impl Actor {
    /// The value stored in `audit_events.actor_kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "USER",
            Self::Debtor(_) => "DEBTOR",
            Self::Service(_) => "SERVICE",
            Self::Platform(_) => "PLATFORM",
            Self::System => "SYSTEM",
        }
    }

    /// The actor's id, where it has one.
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::User(id) | Self::Debtor(id) | Self::Service(id) | Self::Platform(id) => Some(id),
            Self::System => None,
        }
    }
}

/// A set of permission cells as bits; `access` gives the bits their meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantSet(u128);

impl GrantSet {
    /// Every cell: what the service itself may do.
    pub const ALL: Self = Self(u128::MAX);

    /// The set with `bit` added.
    #[must_use]
    pub fn with(self, bit: u32) -> Self {
        Self(self.0 | (1_u128 << bit))
    }

    /// Whether `bit` is in the set.
    pub fn has(self, bit: u32) -> bool {
        self.0 & (1_u128 << bit) != 0
    }
}

/// An `Idempotency-Key` with the hash of the request that it covers.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// As sent by the caller, 1 to 255 characters.
    pub key: Arc<str>,
    /// SHA-256 of document and variables: the same key with another request is refused.
    pub request_hash: [u8; 32],
}

/// One authenticated actor inside one business.
#[derive(Clone, Debug)]
pub struct TenantCtx {
    business_id: Uuid,
    audience: Audience,
    actor: Actor,
    grants: GrantSet,
    agent_scope: Option<Uuid>,
    request_id: Arc<str>,
    idempotency: Option<IdempotencyKey>,
}

impl TenantCtx {
    /// For `identity::authenticate` alone. `agent_scope` limits an agent to what is assigned to them or nobody.
    pub fn authenticated(
        business_id: Uuid,
        actor: Actor,
        grants: GrantSet,
        agent_scope: Option<Uuid>,
        request_id: Arc<str>,
    ) -> Self {
        let audience = match actor {
            Actor::Debtor(debtor) => Audience::Debtor {
                debtor,
                account: None,
            },
            _ => Audience::Staff,
        };
        Self {
            business_id,
            audience,
            actor,
            grants,
            agent_scope,
            request_id,
            idempotency: None,
        }
    }

    /// For `identity::authenticate` alone: a debtor in a session about one of their accounts.
    pub fn for_debtor(
        business_id: Uuid,
        debtor: Uuid,
        account: Uuid,
        grants: GrantSet,
        request_id: Arc<str>,
    ) -> Self {
        let actor = Actor::Debtor(debtor);
        Self {
            audience: Audience::Debtor {
                debtor,
                account: Some(account),
            },
            ..Self::authenticated(business_id, actor, grants, None, request_id)
        }
    }

    /// For the dispatch of jobs, webhooks and reconcilers: the service acts for the business.
    pub fn for_service(business_id: Uuid, request_id: impl Into<Arc<str>>) -> Self {
        Self::authenticated(business_id, Actor::System, GrantSet::ALL, None, request_id.into())
    }

    /// The same context for another request of the same caller (an operation on a socket).
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<Arc<str>>) -> Self {
        self.request_id = request_id.into();
        self
    }

    /// The same context for a request that carries an `Idempotency-Key`.
    #[must_use]
    pub fn with_idempotency(mut self, key: IdempotencyKey) -> Self {
        self.idempotency = Some(key);
        self
    }

    pub fn business_id(&self) -> Uuid {
        self.business_id
    }

    pub fn audience(&self) -> Audience {
        self.audience
    }

    pub fn actor(&self) -> Actor {
        self.actor
    }

    pub fn grants(&self) -> GrantSet {
        self.grants
    }

    /// The id of the user who acts, if a member of staff does.
    pub fn user_id(&self) -> Option<Uuid> {
        match self.actor {
            Actor::User(id) => Some(id),
            _ => None,
        }
    }

    /// The debtor who acts, if one does.
    pub fn debtor_id(&self) -> Option<Uuid> {
        match self.audience {
            Audience::Debtor { debtor, .. } => Some(debtor),
            Audience::Staff => None,
        }
    }

    /// `Some(user)` when only what is assigned to that user or to nobody may be seen. Statements bind it as
    /// `$scope` in `($scope::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $scope)`.
    pub fn agent_scope(&self) -> Option<Uuid> {
        self.agent_scope
    }

    pub fn request_id(&self) -> &Arc<str> {
        &self.request_id
    }

    pub fn idempotency(&self) -> Option<&IdempotencyKey> {
        self.idempotency.as_ref()
    }
}

/// Work outside any one business, with the reason for it: reached through [`Db::system`](crate::platform::db::Db::system).
#[derive(Clone, Debug)]
pub struct SystemCtx {
    reason: &'static str,
    request_id: Arc<str>,
}

impl SystemCtx {
    /// `reason` is a fixed phrase that a reviewer can search for.
    pub fn for_reason(reason: &'static str, request_id: impl Into<Arc<str>>) -> Self {
        Self {
            reason,
            request_id: request_id.into(),
        }
    }

    pub fn reason(&self) -> &'static str {
        self.reason
    }

    pub fn request_id(&self) -> &Arc<str> {
        &self.request_id
    }
}
