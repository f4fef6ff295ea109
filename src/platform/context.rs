//! Who acts, for which business, and what they may see. Opaque ids only: the floor knows no business noun.
//!
//! A [`TenantCtx`] is made in two places: by authentication and by the dispatch of a job. Whoever holds one
//! can open a [`TenantTx`](crate::platform::db::TenantTx); nothing else can.

use std::{ops::Deref, sync::Arc};

use uuid::Uuid;

use crate::platform::request_origin::RequestOrigin;

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

    /// The role that the actor has whatever their place in the business: of a member of staff it is looked up.
    pub fn role(self) -> Option<&'static str> {
        match self {
            Self::User(_) | Self::System => None,
            Self::Debtor(_) => Some("DEBTOR"),
            Self::Service(_) => Some("SERVICE"),
            Self::Platform(_) => Some("SUPER_ADMIN"),
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

/// Which request acts, and, where that is to stand in the audit trail, from where it came.
#[derive(Clone, Debug)]
pub struct RequestMark {
    id: Arc<str>,
    origin: Option<RequestOrigin>,
}

impl RequestMark {
    /// From where it came, as it is kept with what `actor` did: not of debtors, whose data have keys of their own.
    pub(super) fn origin_of(&self, actor: Actor) -> Option<&RequestOrigin> {
        self.origin
            .as_ref()
            .filter(|_| !matches!(actor, Actor::Debtor(_)))
    }

    /// A request that came from there.
    pub fn from_origin(id: impl Into<Arc<str>>, origin: RequestOrigin) -> Self {
        Self {
            id: id.into(),
            origin: Some(origin),
        }
    }
}

impl Deref for RequestMark {
    type Target = str;

    fn deref(&self) -> &str {
        &self.id
    }
}

impl From<Arc<str>> for RequestMark {
    fn from(id: Arc<str>) -> Self {
        Self { id, origin: None }
    }
}

impl From<&str> for RequestMark {
    fn from(id: &str) -> Self {
        Arc::<str>::from(id).into()
    }
}

impl From<String> for RequestMark {
    fn from(id: String) -> Self {
        Arc::<str>::from(id).into()
    }
}

impl From<&Self> for RequestMark {
    fn from(mark: &Self) -> Self {
        mark.clone()
    }
}

/// One authenticated actor inside one business.
#[derive(Clone, Debug)]
pub struct TenantCtx {
    business_id: Uuid,
    audience: Audience,
    actor: Actor,
    grants: GrantSet,
    agent_scope: Option<Uuid>,
    role: Option<&'static str>,
    request: RequestMark,
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
            role: None,
            request: request_id.into(),
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
    pub fn with_request(mut self, request: impl Into<RequestMark>) -> Self {
        self.request = request.into();
        self
    }

    /// For `identity::authenticate` alone: the role in which a member of staff acts, as the audit trail names it.
    #[must_use]
    pub fn in_role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
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
        &self.request.id
    }

    /// The request, with what is known of where it came from.
    pub fn request(&self) -> &RequestMark {
        &self.request
    }

    /// The role in which the actor acts.
    pub fn role(&self) -> Option<&'static str> {
        self.role.or(self.actor.role())
    }

    pub fn idempotency(&self) -> Option<&IdempotencyKey> {
        self.idempotency.as_ref()
    }
}

/// Work outside any one business, with the reason for it: reached through [`Db::system`](crate::platform::db::Db::system).
#[derive(Clone, Debug)]
pub struct SystemCtx {
    reason: &'static str,
    request: RequestMark,
}

impl SystemCtx {
    /// `reason` is a fixed phrase that a reviewer can search for.
    pub fn for_reason(reason: &'static str, request: impl Into<RequestMark>) -> Self {
        Self {
            reason,
            request: request.into(),
        }
    }

    pub fn reason(&self) -> &'static str {
        self.reason
    }

    pub fn request_id(&self) -> &Arc<str> {
        &self.request.id
    }

    /// The request, with what is known of where it came from.
    pub fn request(&self) -> &RequestMark {
        &self.request
    }
}
