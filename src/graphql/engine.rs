//! What every operation goes through, whatever transport brought it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_graphql::{
    Request, Response,
    parser::types::{ExecutableDocument, OperationType},
};
use async_trait::async_trait;
use axum::http::{HeaderMap, header, request::Parts};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    charges::{Meter, Weight},
    debtor_guard,
    execution::{Admitted, Execution, refused},
    field_merging,
    field_types::root_type,
    root_fields::RootFields,
    transport::{Engine, Limits, Measures, Refusal, RequestMeta, SocketEnd, document::select_operation},
    without_key::refusal_of_key,
};
use crate::{
    access::{
        Denied, authorize,
        operations::{Needs, needs},
    },
    identity::{
        AuthRefused, Caller, Identity, SESSION_HEADER, authenticate, authenticate_cookie,
        authenticate_socket, graphql::RequestFacts, note_use,
    },
    platform::{
        clock::WallClock,
        context::{IdempotencyKey, RequestMark, TenantCtx},
        error::capitalised,
        error_code::ErrorCode,
        gql::MayWrite,
        live::Ring,
        net::limit_subject,
        request_id::{RequestId, RequestIds},
        request_origin::RequestOrigin,
    },
};

/// The service behind the transports.
pub struct GraphqlEngine {
    pub(crate) execution: Arc<Execution>,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) request_ids: Arc<RequestIds>,
    pub(crate) meter: Meter,
    pub(crate) wall: Arc<dyn WallClock>,
    /// Fires when the process begins to stop.
    pub(crate) stopping: CancellationToken,
}

/// What an operation is about to do.
struct Plan {
    kind: OperationType,
    fields: Vec<String>,
    introspects: bool,
    /// Whether lists may be answered as text.
    may_write: MayWrite,
}

impl GraphqlEngine {
    fn refusal(refused: AuthRefused) -> Refusal {
        let AuthRefused {
            code,
            message,
            expired,
        } = refused;
        if expired {
            Refusal::token_expired(message)
        } else {
            Refusal::new(code, message)
        }
    }

    /// Whether the caller may select these root fields, and not too often.
    async fn admit(&self, caller: &Caller, plan: &Plan, meta: &RequestMeta) -> Result<(), Refusal> {
        if plan.introspects && caller.is_anonymous() && !self.execution.open_introspection {
            let message = "Sign in to introspect the schema, or read it at /schema.graphql.";
            return Err(Refusal::new(ErrorCode::Unauthenticated, message));
        }
        let root = root_type(plan.kind);
        let mut public = 0;
        for field in &plan.fields {
            match needs(root, field) {
                None => self.refuse_unlisted(root, field)?,
                Some(Needs::Nothing) => public += 1,
                Some(_) if caller.is_anonymous() => {
                    return Err(Refusal::new(
                        ErrorCode::Unauthenticated,
                        "Sign in first: call login, then send the access token as a bearer token.",
                    ));
                }
                Some(Needs::SignIn) => {}
                Some(Needs::Platform) if matches!(caller, Caller::Platform { .. }) => {}
                Some(Needs::Platform) => {
                    let message = "Only the platform's own staff may do this, outside every business.";
                    return Err(Refusal::new(ErrorCode::Forbidden, message));
                }
                Some(Needs::Permission(cell)) => {
                    let allowed = caller
                        .tenant()
                        .map_or(Err(Denied(cell)), |ctx| authorize(ctx, cell));
                    allowed.map_err(forbidden)?;
                }
            }
        }
        let weight = Weight {
            kind: plan.kind,
            public,
            fields: plan.fields.len(),
            cost: meta.cost,
        };
        let peer = limit_subject(meta.peer);
        self.meter
            .charge(caller, (&peer, self.signed_in_key(caller)), weight)
            .await
    }

    /// Who is counted as a user.
    fn signed_in_key(&self, caller: &Caller) -> Option<String> {
        caller.session_id().map(|_| self.caller_key(caller))
    }

    /// Counts a subscription that is about to begin: it costs the user a request, and the service a transaction.
    fn charge_subscription(&self, caller: &Caller, cost: u64) -> BoxFuture<'static, Result<(), Refusal>> {
        let (meter, caller, user) = (self.meter.clone(), caller.clone(), self.signed_in_key(caller));
        let weight = Weight {
            kind: OperationType::Subscription,
            public: 0,
            fields: 1,
            cost,
        };
        async move { meter.charge(&caller, ("", user), weight).await }.boxed()
    }

    /// A field that exists and is not listed is open to nobody; one that does not exist is validation's to refuse.
    fn refuse_unlisted(&self, root: &str, field: &str) -> Result<(), Refusal> {
        if self.execution.field_types.get(root, field).is_none() {
            return Ok(());
        }
        tracing::error!(root, field, "a root field is missing in access::operations");
        Err(Refusal::new(
            ErrorCode::Forbidden,
            format!("Nobody may call {field} yet."),
        ))
    }

    /// The caller as this operation knows them: to what is open to everybody a debtor comes as nobody, so that it can tell
    /// nothing of them; of all else they get what is theirs to see.
    fn as_known(
        &self,
        caller: Caller,
        plan: &Plan,
        document: &ExecutableDocument,
        request: &Request,
        peer: IpAddr,
    ) -> Result<Caller, Refusal> {
        if !matches!(caller, Caller::Debtor(_)) {
            return Ok(caller);
        }
        let root = root_type(plan.kind);
        // Whose session is to end has to be known, though it is open to everybody.
        let is_public = |field: &String| needs(root, field) == Some(Needs::Nothing) && field != "logout";
        if !plan.fields.is_empty() && plan.fields.iter().all(is_public) {
            return Ok(Caller::Anonymous { peer });
        }
        if let Ok(operation) = select_operation(document, request.operation_name.as_deref()) {
            debtor_guard::check(&self.execution.field_types, document, &operation.node)?;
        }
        Ok(caller)
    }

    /// What resolvers know of the request, and with it from where it came: who acts by it is named with that in the audit trail.
    fn facts(&self, meta: RequestMeta) -> RequestFacts {
        let user_agent: Option<Arc<str>> = meta.user_agent.map(Into::into);
        let origin = RequestOrigin::new(&self.identity.keyring, meta.peer, user_agent.clone());
        RequestFacts {
            request_id: RequestMark::from_origin(meta.request_id, origin),
            peer: meta.peer,
            user_agent,
            cookies: meta.cookies,
        }
    }

    /// The context of this operation, with its request id and, for a mutation, its idempotency key.
    fn tenant_ctx(
        caller: &Caller,
        request: &Request,
        plan: &Plan,
        (mark, key): (&RequestMark, Option<String>),
    ) -> Option<TenantCtx> {
        let ctx = caller.tenant()?.clone().with_request(mark);
        let key = key.filter(|_| plan.kind == OperationType::Mutation);
        Some(match key {
            None => ctx,
            Some(key) => {
                let variables = serde_json::to_string(&request.variables).unwrap_or_default();
                let mut hash = Sha256::new();
                for part in [
                    request.query.as_str(),
                    request.operation_name.as_deref().unwrap_or(""),
                    &variables,
                ] {
                    hash.update(part.len().to_le_bytes());
                    hash.update(part.as_bytes());
                }
                ctx.with_idempotency(IdempotencyKey {
                    key: key.into(),
                    request_hash: hash.finalize().into(),
                })
            }
        })
    }
}

/// Whether an `Idempotency-Key` has its effect here: one that had none would be trusted in vain.
fn check_key(plan: &Plan, meta: &RequestMeta) -> Result<(), Refusal> {
    if meta.idempotency_key.is_none() || plan.kind != OperationType::Mutation {
        return Ok(());
    }
    let [mutation] = plan.fields.as_slice() else {
        let message = "An Idempotency-Key covers exactly one mutation field: send one per request.";
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    };
    match refusal_of_key(mutation) {
        Some(message) => Err(Refusal::new(ErrorCode::BadUserInput, message)),
        None => Ok(()),
    }
}

fn forbidden(denied: Denied) -> Refusal {
    Refusal::new(ErrorCode::Forbidden, capitalised(&denied.to_string()))
}

fn plan(request: &Request, document: &ExecutableDocument) -> Option<Plan> {
    let operation = select_operation(document, request.operation_name.as_deref()).ok()?;
    let RootFields {
        kind,
        names,
        introspects,
    } = RootFields::of(document, operation);
    Some(Plan {
        kind,
        fields: names,
        introspects,
        may_write: MayWrite(!field_merging::merges_objects(document, &operation.node)),
    })
}

#[async_trait]
impl Engine for GraphqlEngine {
    type Caller = Caller;

    async fn authenticate(&self, parts: &Parts, peer: IpAddr) -> Result<Caller, Refusal> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = text(header::AUTHORIZATION);
        let request_id = parts.extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        let cookies = self.session_cookies(&parts.headers);
        if let Some(cookies) = cookies.filter(|_| authorization.is_none()) {
            let caller = authenticate_cookie(&self.identity, cookies, peer, request_id);
            note_use(&self.identity, &caller);
            return Ok(caller);
        }
        authenticate(&self.identity, authorization, peer, request_id)
            .await
            .map_err(Self::refusal)
    }

    async fn authenticate_upgrade(&self, parts: &Parts, peer: IpAddr) -> Result<Caller, Refusal> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        // A socket cannot say where its session is. An open page connects anew by itself: no use of the session.
        if let (None, Some(cookies)) = (text(header::AUTHORIZATION), text(header::COOKIE)) {
            let request_id = parts.extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
            return Ok(authenticate_cookie(&self.identity, cookies, peer, request_id));
        }
        self.authenticate(parts, peer).await
    }

    async fn authenticate_socket(
        &self,
        params: serde_json::Value,
        _upgrade: &HeaderMap,
        peer: IpAddr,
    ) -> Result<Caller, Refusal> {
        let header = ["authorization", "Authorization"]
            .iter()
            .find_map(|name| params.get(name)?.as_str());
        let caller = authenticate_socket(&self.identity, header, peer, "socket")
            .await
            .map_err(Self::refusal)?;
        if caller.is_anonymous() {
            return Err(Refusal::new(
                ErrorCode::Unauthenticated,
                "Send the access token: connectionParams { authorization: \"Bearer …\" }.",
            ));
        }
        Ok(caller)
    }

    fn session_cookies<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        text(SESSION_HEADER).filter(|value| *value == "cookie")?;
        // Without a cookie yet, the client still wants one.
        Some(text(header::COOKIE.as_str()).unwrap_or_default())
    }

    fn is_anonymous(&self, caller: &Caller) -> bool {
        caller.is_anonymous()
    }

    fn caller_key(&self, caller: &Caller) -> String {
        match caller {
            Caller::Anonymous { peer } => format!("ip {}", limit_subject(*peer)),
            Caller::Member(membership) => format!("user {}", membership.user_id),
            Caller::Service(key) => format!("key {}", key.key_id),
            Caller::Visitor(visit) => format!("visit {}", visit.id),
            Caller::Debtor(session) => format!("debtor {} {}", session.debtor_id, session.account_id),
            Caller::Platform { identity_id, .. } => format!("identity {identity_id}"),
        }
    }

    fn check_document(&self, document: &ExecutableDocument) -> Result<(), Refusal> {
        field_merging::check(&self.execution.field_types, document)
    }

    fn measures(&self) -> &dyn Measures {
        &*self.execution.field_types
    }

    async fn execute(
        &self,
        caller: Caller,
        request: Request,
        document: &ExecutableDocument,
        mut meta: RequestMeta,
    ) -> Response {
        let Some(plan) = plan(&request, document) else {
            return self.execution.schema.execute(request).await;
        };
        let caller = match self.as_known(caller, &plan, document, &request, meta.peer) {
            Ok(caller) => caller,
            Err(refusal) => return refused(&refusal),
        };
        if let Err(refusal) = check_key(&plan, &meta) {
            return refused(&refusal);
        }
        if let Err(refusal) = self.admit(&caller, &plan, &meta).await {
            return refused(&refusal);
        }
        let key = meta.idempotency_key.take();
        let facts = self.facts(meta);
        let admitted = Admitted {
            ctx: Self::tenant_ctx(&caller, &request, &plan, (&facts.request_id, key)),
            caller,
            facts,
            operation_name: request.operation_name.clone(),
            fields: plan.fields.join(","),
        };
        self.execution
            .once(&admitted, request.data(plan.may_write), document)
            .await
    }

    fn subscribe(
        &self,
        caller: Caller,
        request: Request,
        document: Arc<ExecutableDocument>,
        meta: RequestMeta,
    ) -> BoxStream<'static, Response> {
        let refuse = |refusal: Refusal| futures_util::stream::iter([refused(&refusal)]).boxed();
        let Some(plan) = plan(&request, &document) else {
            return self.execution.schema.execute_stream(request).boxed();
        };
        let caller = match self.as_known(caller, &plan, &document, &request, meta.peer) {
            Ok(caller) => caller,
            Err(refusal) => return refuse(refusal),
        };
        let cost = meta.cost;
        let facts = self.facts(meta);
        let Some(ctx) = Self::tenant_ctx(&caller, &request, &plan, (&facts.request_id, None)) else {
            return refuse(Refusal::new(
                ErrorCode::Unauthenticated,
                "Sign in to a business first.",
            ));
        };
        for field in &plan.fields {
            let allowed = match needs("Subscription", field) {
                None => self.refuse_unlisted("Subscription", field),
                Some(Needs::Permission(cell)) => authorize(&ctx, cell).map_err(forbidden),
                Some(Needs::Platform) => self.refuse_unlisted("Subscription", field),
                Some(Needs::Nothing | Needs::SignIn) => Ok(()),
            };
            if let Err(refusal) = allowed {
                return refuse(refusal);
            }
        }
        let charged = self.charge_subscription(&caller, cost);
        let admitted = Admitted {
            caller,
            ctx: Some(ctx),
            facts,
            operation_name: request.operation_name,
            fields: plan.fields.join(","),
        };
        self.execution
            .clone()
            .follow(admitted, document, request.variables, charged)
    }

    async fn socket_end(&self, caller: &Caller) -> SocketEnd {
        let mut rings = self.identity.db.live().control();
        let session = caller.session_id();
        // It may have ended between the log-in of the socket and this moment.
        if session.is_some_and(|id| self.identity.revocations.contains(id)) {
            return SocketEnd::Revoked;
        }
        // Tokens live on wall time; the remaining life is slept once.
        let left = caller.expires_at().map_or(Duration::MAX, |at| {
            (at - self.wall.now()).to_std().unwrap_or_default()
        });
        let expiry = tokio::time::sleep(left.min(Duration::from_secs(24 * 3600)));
        tokio::pin!(expiry);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return SocketEnd::Shutdown,
                () = &mut expiry => return SocketEnd::TokenExpired,
                ring = rings.recv() => match ring {
                    Ok(Ring::SessionEnded { session_id }) if Some(session_id) == session => return SocketEnd::Revoked,
                    Ok(_) => {}
                    // Rings were missed: the revocation list knows.
                    Err(_) if session.is_some_and(|id| self.identity.revocations.contains(id)) => return SocketEnd::Revoked,
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn request_ids(&self) -> &RequestIds {
        &self.request_ids
    }
}
