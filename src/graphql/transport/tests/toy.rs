//! A toy schema and a toy engine behind the transports, and a server on an ephemeral port.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    Context, Enum, Error, ErrorExtensions, Guard, InputValueError, InputValueResult, Object, Request,
    Response, Scalar, ScalarType, Schema, SimpleObject, Subscription, Value,
};
use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::graphql::transport::{
    Connections, Engine, Limits, Refusal, RequestMeta, SocketEnd, Transport, router_with_connections,
};
use crate::platform::error_code::ErrorCode;
use crate::platform::request_id::RequestIds;

/// The schema of the tests.
pub type ToySchema = Schema<Query, Mutation, Subscriptions>;

pub struct Query;
pub struct Mutation;
pub struct Subscriptions;

#[derive(SimpleObject)]
struct Thing {
    id: i32,
}

#[derive(SimpleObject)]
struct Things {
    nodes: Vec<Thing>,
}

/// A scalar whose text must be lower case.
struct Lower(#[expect(dead_code, reason = "only its parsing is looked at")] String);

#[Scalar]
impl ScalarType for Lower {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text == text.to_lowercase() => Ok(Self(text)),
            Value::String(_) => Err(InputValueError::custom("must be lower case")),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Mood {
    Calm,
}

struct Never;

impl Guard for Never {
    async fn check(&self, _: &Context<'_>) -> async_graphql::Result<()> {
        Err(coded("nobody may", ErrorCode::Forbidden))
    }
}

fn coded(message: &str, code: ErrorCode) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    /// Who asks, how, and under which ids.
    async fn meta(&self, context: &Context<'_>) -> String {
        let meta = context.data_unchecked::<RequestMeta>();
        let caller = &context.data_unchecked::<Caller>().0;
        let key = meta.idempotency_key.as_deref().unwrap_or("-");
        let agent = meta.user_agent.as_deref().unwrap_or("-");
        format!(
            "{caller} {:?} {} {key} {agent} {}",
            meta.transport, meta.peer, meta.request_id
        )
    }

    async fn echo(&self, text: String, times: Option<i32>) -> String {
        text.repeat(usize::try_from(times.unwrap_or(1)).unwrap_or_default())
    }

    async fn lower(&self, text: Lower) -> bool {
        let Lower(_) = text;
        true
    }

    async fn mood(&self, mood: Mood) -> Mood {
        mood
    }

    async fn things(&self, first: Option<i32>) -> Things {
        Things {
            nodes: (0..first.unwrap_or(20)).map(|id| Thing { id }).collect(),
        }
    }

    /// A fault whose text must not leave.
    async fn fault(&self) -> async_graphql::Result<String> {
        Err(std::io::Error::other("secret: the database at 10.0.0.5 refused").into())
    }

    async fn optional_fault(&self) -> async_graphql::Result<Option<String>> {
        Err(Error::new("secret"))
    }

    async fn missing(&self) -> async_graphql::Result<Option<String>> {
        Err(coded("there is no such thing", ErrorCode::NotFound))
    }

    #[graphql(guard = "Never")]
    async fn guarded(&self) -> i32 {
        1
    }

    async fn boom(&self) -> i32 {
        let wants_panic = true;
        assert!(!wants_panic, "secret: boom");
        1
    }

    async fn slow(&self) -> i32 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        1
    }
}

#[Object]
impl Mutation {
    async fn add(&self, number: i32) -> i32 {
        number + 1
    }
}

#[Subscription]
impl Subscriptions {
    /// Counts up to `to`, one number every `pause` milliseconds.
    async fn count(&self, to: i32, #[graphql(default = 0)] pause: i32) -> impl Stream<Item = i32> {
        let pause = Duration::from_millis(u64::try_from(pause).unwrap_or_default());
        stream::iter(1..=to).then(move |number| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            number
        })
    }

    /// Never stops and never pauses.
    async fn flood(&self, size: i32) -> impl Stream<Item = String> {
        let text = "x".repeat(usize::try_from(size).unwrap_or_default());
        stream::repeat(text)
    }

    async fn quiet(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// One number, then an error with this code, then more that must not arrive.
    async fn breaks(&self, code: String) -> impl Stream<Item = async_graphql::Result<i32>> {
        let error = Error::new("it broke").extend_with(|_, extensions| extensions.set("code", code.as_str()));
        stream::iter([Ok(1), Err(error), Ok(2)])
    }

    async fn refused(&self) -> async_graphql::Result<stream::Pending<i32>> {
        Err(coded("there is no such topic", ErrorCode::NotFound))
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter(1..=2).map(|number| {
            if number == 2 {
                panic!("secret: boom")
            } else {
                number
            }
        })
    }

    /// Events of which one field may fail without ending the stream.
    async fn events(&self) -> impl Stream<Item = Event> {
        stream::iter([Event { number: 1 }, Event { number: 2 }])
    }

    async fn meta(&self, context: &Context<'_>) -> impl Stream<Item = String> {
        let meta = context.data_unchecked::<RequestMeta>();
        let caller = &context.data_unchecked::<Caller>().0;
        let text = format!("{caller} {:?} {}", meta.transport, meta.request_id);
        stream::once(async move { text })
    }
}

struct Event {
    number: i32,
}

#[Object]
impl Event {
    async fn number(&self) -> async_graphql::Result<i32> {
        if self.number == 1 {
            Err(coded("number 1 is hidden", ErrorCode::Forbidden))
        } else {
            Ok(self.number)
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub String);

const ANONYMOUS: &str = "anonymous";

/// Knows the logins `good-<name>` and `expired`; everything else is wrong, nothing at all is anonymous.
pub struct ToyEngine {
    pub schema: ToySchema,
    pub limits: Limits,
    pub ids: RequestIds,
    pub end: watch::Sender<Option<SocketEnd>>,
    /// Each running subscription holds it too.
    pub running: Arc<()>,
}

impl ToyEngine {
    pub fn new(limits: Limits) -> Self {
        let schema = Schema::build(Query, Mutation, Subscriptions).finish();
        Self {
            schema,
            limits,
            ids: RequestIds::new(7),
            end: watch::Sender::new(None),
            running: Arc::default(),
        }
    }

    async fn login(&self, token: &str) -> Result<Caller, Refusal> {
        match token {
            "expired" => Err(Refusal::token_expired("the token has expired: log in again")),
            "busy" => Err(Refusal::new(ErrorCode::RateLimited, "too many logins")),
            "panic" => panic!("secret: login"),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Caller("slow".to_owned()))
            }
            _ => match token.strip_prefix("good-") {
                Some(name) => Ok(Caller(name.to_owned())),
                None => Err(Refusal::new(
                    ErrorCode::Unauthenticated,
                    "the token is not valid: log in again",
                )),
            },
        }
    }
}

#[async_trait]
impl Engine for ToyEngine {
    type Caller = Caller;

    async fn authenticate(&self, parts: &Parts, _: IpAddr) -> Result<Caller, Refusal> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookie = text(header::COOKIE).and_then(|value| value.strip_prefix("session="));
        match bearer.or(cookie) {
            Some(token) => self.login(token).await,
            None => Ok(Caller(ANONYMOUS.to_owned())),
        }
    }

    async fn authenticate_upgrade(&self, parts: &Parts, peer: IpAddr) -> Result<Caller, Refusal> {
        self.authenticate(parts, peer).await
    }

    async fn authenticate_socket(
        &self,
        params: Json,
        upgrade: &HeaderMap,
        _: IpAddr,
    ) -> Result<Caller, Refusal> {
        assert!(
            !upgrade.contains_key(header::COOKIE),
            "cookies log in only behind the check of the origin"
        );
        match params["token"].as_str() {
            Some(token) => self.login(token).await,
            None => Ok(Caller(ANONYMOUS.to_owned())),
        }
    }

    fn is_anonymous(&self, caller: &Caller) -> bool {
        caller.0 == ANONYMOUS
    }

    fn caller_key(&self, caller: &Caller) -> String {
        caller.0.clone()
    }

    async fn execute(
        &self,
        caller: Caller,
        request: Request,
        _: &ExecutableDocument,
        meta: RequestMeta,
    ) -> Response {
        assert_ne!(
            meta.transport,
            Transport::Socket,
            "queries and mutations stay off the socket"
        );
        self.schema.execute(request.data(meta).data(caller)).await
    }

    fn subscribe(
        &self,
        caller: Caller,
        request: Request,
        _: Arc<ExecutableDocument>,
        meta: RequestMeta,
    ) -> BoxStream<'static, Response> {
        let request = request.data(meta).data(caller).data(Arc::clone(&self.running));
        self.schema.execute_stream(request)
    }

    async fn socket_end(&self, _: &Caller) -> SocketEnd {
        let mut end = self.end.subscribe();
        let reached = end.wait_for(Option::is_some).await.map(|end| *end);
        match reached {
            Ok(Some(end)) => end,
            _ => SocketEnd::Shutdown,
        }
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn request_ids(&self) -> &RequestIds {
        &self.ids
    }
}

/// A toy engine that listens.
pub struct Toy {
    pub engine: Arc<ToyEngine>,
    pub connections: Connections,
    pub address: SocketAddr,
}

impl Toy {
    pub async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = Arc::new(ToyEngine::new(limits));
        let connections = Connections::default();
        let routes = router_with_connections(Arc::clone(&engine), connections.clone());
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self {
            engine,
            connections,
            address,
        }
    }

    /// Waits until this many connections are open.
    pub async fn until_open(&self, wanted: usize) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while self.connections.open() != wanted {
            let open = self.connections.open();
            assert!(
                tokio::time::Instant::now() < deadline,
                "{open} connections are open, not {wanted}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
