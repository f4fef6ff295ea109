//! How GraphQL travels: queries and mutations over HTTP, subscriptions over a WebSocket or server-sent events.
//!
//! | Route               | What it speaks                                                                        |
//! |---------------------|---------------------------------------------------------------------------------------|
//! | `POST /graphql`     | GraphQL-over-HTTP; with `Accept: text/event-stream` graphql-sse "distinct connections" |
//! | `GET /graphql`      | the same for queries (and, with `text/event-stream`, subscriptions)                    |
//! | `GET /graphql/ws`   | `graphql-transport-ws`, subscriptions only                                             |
//!
//! The transports know nothing of the schema or of logins: they ask an [`Engine`]. What they guarantee to every
//! engine behind them: the document is within the [`Limits`], the operation's kind fits the transport, a panic is
//! an INTERNAL error and nothing more, an operation ends in time, and every error that leaves carries a code from
//! [`ErrorCode`] and the request id.
//!
//! Files: [`limits`] (the settings), `lexer` (the scan before parsing), [`document`] and `weight` (depth, cost and
//! the like), `text` (the character that cannot be stored), `params` (the request's JSON or query string), `prepare` (from parameters to a checked request),
//! `negotiation` (Accept, Content-Type, cross-site requests), `execute` (time limit and panics), `status` (codes,
//! masking, HTTP statuses), `http`, `sse`, `ws` (the transports), [`connections`] (who is connected).

pub mod connections;
pub mod document;
mod execute;
mod http;
mod lexer;
pub mod limits;
mod negotiation;
mod omitted;
mod params;
mod parsed;
mod prepare;
mod sse;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod weight;
mod ws;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response};
use async_trait::async_trait;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::routing::any;
use futures_util::stream::BoxStream;
use secrecy::SecretString;

pub use self::connections::Connections;
pub use self::document::{DocumentCost, check_document};
pub use self::limits::Limits;
use self::parsed::ParsedDocuments;
use crate::platform::error_code::ErrorCode;
use crate::platform::request_id::{RequestId, RequestIds};

/// What the transports need of the service behind them.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// An authenticated or anonymous caller.
    type Caller: Clone + Send + Sync + 'static;

    /// Authenticates a plain HTTP request, whatever its headers say of upgrades.
    ///
    /// # Errors
    /// UNAUTHENTICATED for a login that is present and wrong; no login at all is an anonymous caller, if the service
    /// knows such.
    async fn authenticate(&self, parts: &Parts, peer: IpAddr) -> Result<Self::Caller, Refusal>;

    /// Authenticates the request that opens a WebSocket and carries a cookie, whose origin is checked afterwards: the
    /// one request whose cookies count by themselves.
    ///
    /// # Errors
    /// As above.
    async fn authenticate_upgrade(&self, parts: &Parts, peer: IpAddr) -> Result<Self::Caller, Refusal>;

    /// Authenticates the payload of a socket's `connection_init` (`null` when there was none). `upgrade` are the
    /// headers of the upgrade request without its cookies, which have had their chance in
    /// [`Engine::authenticate_upgrade`], behind the check of the origin.
    ///
    /// # Errors
    /// As above; mark an expired token with [`Refusal::token_expired`], so that the client fetches a fresh one.
    async fn authenticate_socket(
        &self,
        params: serde_json::Value,
        upgrade: &HeaderMap,
        peer: IpAddr,
    ) -> Result<Self::Caller, Refusal>;

    /// The cookies of a request whose sender says that its session is in them.
    fn session_cookies<'a>(&self, _headers: &'a HeaderMap) -> Option<&'a str> {
        None
    }

    /// Whether the caller has not logged in.
    fn is_anonymous(&self, caller: &Self::Caller) -> bool;

    /// The name under which this caller's open connections are counted: the user, the API key; for an anonymous
    /// caller something that the caller cannot choose, such as the address.
    fn caller_key(&self, caller: &Self::Caller) -> String;

    /// Whether a document follows the rules that need the schema and that execution relies on, beyond what the
    /// library validates. Asked once per text while the text is remembered; the document is within the limits.
    ///
    /// # Errors
    /// GRAPHQL_VALIDATION_FAILED.
    fn check_document(&self, _document: &ExecutableDocument) -> Result<(), Refusal> {
        Ok(())
    }

    /// What the schema says of its fields, for the cost of an operation.
    fn measures(&self) -> &dyn Measures {
        &Unmeasured
    }

    /// Executes a query or mutation whose `document` is already parsed and within the limits. Errors of the response
    /// carry `extensions.code`; a resolver's error without one leaves as INTERNAL, masked.
    async fn execute(
        &self,
        caller: Self::Caller,
        request: Request,
        document: &ExecutableDocument,
        meta: RequestMeta,
    ) -> Response;

    /// Starts a subscription. The stream's end completes the operation. A response whose only errors are the root
    /// field's own, or one with CURSOR_EXPIRED or RESYNC, ends it with that error; other errors belong to one event.
    fn subscribe(
        &self,
        caller: Self::Caller,
        request: Request,
        document: Arc<ExecutableDocument>,
        meta: RequestMeta,
    ) -> BoxStream<'static, Response>;

    /// Resolves when this caller's connection must end. It is dropped when the connection ends by itself.
    async fn socket_end(&self, caller: &Self::Caller) -> SocketEnd;

    /// The limits in force.
    fn limits(&self) -> &Limits;

    /// Where the ids of requests come from that no middleware has given one.
    fn request_ids(&self) -> &RequestIds;
}

/// What the weight of an operation needs to know of the schema.
pub trait Measures: Sync {
    /// The named type of a field's values, and how many a list without arguments for its size is taken to hold (1 for
    /// everything else); `None` for a field that the type does not have, or that has nothing below it.
    fn field(&self, ty: &str, field: &str) -> Option<(&str, u64)>;
}

/// A schema of which nothing is known: no list of it has a size of its own.
#[derive(Clone, Copy, Debug)]
pub struct Unmeasured;

impl Measures for Unmeasured {
    fn field(&self, _ty: &str, _field: &str) -> Option<(&str, u64)> {
        None
    }
}

/// Why a request, a connection or an operation is refused, in words for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal it is.
    pub code: ErrorCode,
    /// What was wrong and what to do, without internal detail.
    pub message: String,
    /// Whether a fresh token would help; decides between 4403, which clients retry, and 4401, which they do not.
    pub token_expired: bool,
    /// How long until the same may be tried again, where waiting helps: the header `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that a fresh token would not cure.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            token_expired: false,
            retry_after: None,
        }
    }

    /// The same, which may be tried again after a while.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self {
            retry_after: Some(pause),
            ..self
        }
    }

    /// An UNAUTHENTICATED refusal of a token that was good and has expired.
    pub fn token_expired(message: impl Into<String>) -> Self {
        Self {
            token_expired: true,
            ..Self::new(ErrorCode::Unauthenticated, message)
        }
    }
}

/// Why a caller's connection must end although the client did nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEnd {
    /// The token with which the connection was opened has expired: close code 4403, clients return with a new one.
    TokenExpired,
    /// The session or key was revoked, or its rights have changed: close code 4401, clients stay away.
    Revoked,
    /// This process stops, as at a deploy: close code 1012, clients reconnect to another one.
    Shutdown,
}

/// Which transport an operation came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A plain HTTP request with a JSON answer.
    Http,
    /// An operation on a WebSocket.
    Socket,
    /// An HTTP request with a stream of server-sent events as its answer.
    Sse,
}

/// What an operation needs to know of the request that brought it.
#[derive(Clone, Debug)]
pub struct RequestMeta {
    /// The id of this operation; on a socket the socket's id with the operation's number behind it.
    pub request_id: String,
    /// The caller's address.
    pub peer: IpAddr,
    /// The client's name for itself, at most 512 bytes.
    pub user_agent: Option<String>,
    /// The `Cookie` header, of a client that says that it keeps its session in cookies. Set for a plain HTTP request only.
    pub cookies: Option<SecretString>,
    /// The `Idempotency-Key` header, 1 to 255 visible ASCII characters. Never set on a socket.
    pub idempotency_key: Option<String>,
    /// How the operation came.
    pub transport: Transport,
    /// What the operation costs, by [`check_document`].
    pub cost: u64,
}

/// The caller's address as an outer middleware has established it from a trusted proxy's headers. An axum
/// extension; without it the address of the TCP connection counts.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The routes of the transports: `POST` and `GET /graphql`, `GET /graphql/ws`.
pub fn router<E: Engine>(engine: Arc<E>) -> Router {
    router_with_connections(engine, Connections::default())
}

/// As [`router`], counting open sockets and event streams in `connections`, so that a process that stops can wait
/// for them ([`Connections::drained`]) after its engine has answered [`SocketEnd::Shutdown`].
pub fn router_with_connections<E: Engine>(engine: Arc<E>, connections: Connections) -> Router {
    let shared = Arc::new(Shared {
        engine,
        connections,
        documents: Arc::default(),
    });
    Router::new()
        .route("/graphql", any(http::handle::<E>))
        .route("/graphql/ws", any(ws::upgrade::<E>))
        .with_state(shared)
}

/// What every request of every transport needs.
struct Shared<E: Engine> {
    engine: Arc<E>,
    connections: Connections,
    documents: Arc<ParsedDocuments>,
}

/// What is known of a request from its head alone.
#[derive(Clone, Debug)]
struct Origin {
    request_id: RequestId,
    peer: IpAddr,
    user_agent: Option<String>,
    cookies: Option<SecretString>,
}

impl Origin {
    fn of<E: Engine>(engine: &E, parts: &Parts) -> Self {
        let given = parts.extensions.get::<RequestId>().cloned();
        Self {
            request_id: given.unwrap_or_else(|| engine.request_ids().next()),
            peer: peer(parts),
            user_agent: user_agent(&parts.headers),
            cookies: engine.session_cookies(&parts.headers).map(SecretString::from),
        }
    }

    fn meta(&self, transport: Transport, idempotency_key: Option<String>, cost: u64) -> RequestMeta {
        RequestMeta {
            request_id: self.request_id.0.clone(),
            peer: self.peer,
            user_agent: self.user_agent.clone(),
            // What lasts would keep them for as long, and opens no session.
            cookies: self.cookies.clone().filter(|_| transport == Transport::Http),
            idempotency_key,
            transport,
            cost,
        }
    }
}

/// The caller's address: the outer middleware's word, else the connection's, else 0.0.0.0 where the server was
/// started without connection info.
fn peer(parts: &Parts) -> IpAddr {
    let stated = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let connected = || {
        parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip())
    };
    stated
        .or_else(connected)
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    const MOST_BYTES: usize = 512;
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(MOST_BYTES).collect())
}
