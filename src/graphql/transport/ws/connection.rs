//! One socket: the login, then operations until somebody ends it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use axum::http::HeaderMap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::operation::{self, Operation, Outgoing};
use super::protocol::{self, ClientMessage, End};
use crate::graphql::transport::connections::Admission;
use crate::graphql::transport::params::Params;
use crate::graphql::transport::{Engine, Origin, Refusal, Shared, Transport, execute, sse, status};
use crate::platform::error_code::ErrorCode;

/// How long the client has for its half of the closing handshake.
const CLOSING: Duration = Duration::from_secs(2);

/// A WebSocket, from the upgrade to its end.
pub(super) struct Connection<E: Engine> {
    pub socket: WebSocket,
    pub shared: Arc<Shared<E>>,
    pub admission: Admission,
    pub origin: Origin,
    /// When the client last gave a sign of life.
    pub last_heard: Instant,
}

/// What the upgrade request says of who opens the socket.
pub(super) struct Upgrade<E: Engine> {
    /// Whom its cookie has logged in.
    pub caller: Option<E::Caller>,
    pub headers: HeaderMap,
}

impl<E: Engine> Connection<E> {
    /// Serves the socket.
    ///
    /// In boxes, because each future that passes something on by value has room for it as long as it lives, and there
    /// are thousands of sockets.
    pub async fn run(mut self: Box<Self>, upgrade: Box<Upgrade<E>>) {
        let end = match Box::pin(self.greet(upgrade)).await {
            Ok(caller) => self.serve(caller).await,
            Err(end) => end,
        };
        tracing::debug!(request_id = self.origin.request_id.0, ?end, "a socket ended");
        Box::pin(self.close(end)).await;
    }

    /// The login: waits for `connection_init`, authenticates, acknowledges.
    async fn greet(&mut self, upgrade: Box<Upgrade<E>>) -> Result<Arc<E::Caller>, End> {
        if self
            .socket
            .protocol()
            .is_none_or(|protocol| protocol != protocol::SUB_PROTOCOL)
        {
            return Err(End::Close(
                4406,
                "the sub-protocol must be graphql-transport-ws".into(),
            ));
        }
        let limits = self.shared.engine.limits();
        let (init_timeout, most) = (limits.socket_init_timeout, limits.max_connections_per_caller);
        let logging_in = self.log_in(upgrade.caller, upgrade.headers);
        let caller = timeout(init_timeout, logging_in)
            .await
            .unwrap_or_else(|_| Err(End::Close(4408, "connection_init did not come in time".into())))?;
        if !self.admission.claim(self.shared.engine.caller_key(&caller), most) {
            return Err(End::refused(sse::too_many(most)));
        }
        self.write(protocol::ack()).await?;
        Ok(Arc::new(caller))
    }

    async fn log_in(&mut self, caller: Option<E::Caller>, upgrade: HeaderMap) -> Result<E::Caller, End> {
        let params = loop {
            match self.receive().await? {
                ClientMessage::ConnectionInit(params) => break params,
                message => self.before_login(message).await?,
            }
        };
        let mut authenticating = match caller {
            Some(caller) => return Ok(caller),
            None => self.authenticate(params, upgrade),
        };
        loop {
            let message = tokio::select! {
                result = &mut authenticating => return result.map_err(End::refused),
                message = self.receive() => message?,
            };
            self.before_login(message).await?;
        }
    }

    fn authenticate(
        &self,
        params: serde_json::Value,
        upgrade: HeaderMap,
    ) -> BoxFuture<'static, Result<E::Caller, Refusal>> {
        let engine = Arc::clone(&self.shared.engine);
        let (peer, request_id) = (self.origin.peer, self.origin.request_id.0.clone());
        async move {
            let authenticating = async { engine.authenticate_socket(params, &upgrade, peer).await };
            execute::guarded(&request_id, authenticating).await
        }
        .boxed()
    }

    /// What a client may say while it is not logged in.
    async fn before_login(&mut self, message: ClientMessage) -> Result<(), End> {
        match message {
            ClientMessage::Ping(payload) => self.write(protocol::pong(payload)).await,
            ClientMessage::Pong | ClientMessage::Complete { .. } => Ok(()),
            ClientMessage::ConnectionInit(_) => Err(second_init()),
            ClientMessage::Subscribe { .. } => Err(End::Close(
                4401,
                "subscribe came before the connection was acknowledged".into(),
            )),
        }
    }

    /// Operations, until the client leaves or the socket must end.
    async fn serve(&mut self, caller: Arc<E::Caller>) -> End {
        let shared = Arc::clone(&self.shared);
        let engine = shared.engine.as_ref();
        let mut socket_end = engine.socket_end(&caller);
        let (sender, mut outgoing) = mpsc::channel(engine.limits().socket_backlog);
        let mut operations = Operations::new(Arc::clone(&caller), sender);
        let (interval, patience) = (
            engine.limits().socket_ping_interval,
            engine.limits().socket_silence_timeout,
        );
        let mut next_ping = Instant::now() + interval;
        self.last_heard = Instant::now();
        loop {
            let event = tokio::select! {
                incoming = self.socket.recv() => Event::Incoming(incoming),
                Some(message) = outgoing.recv() => Event::Outgoing(message),
                () = sleep_until(next_ping.min(self.last_heard + patience)) => Event::Beat,
                end = &mut socket_end => return End::from(end),
            };
            let step = match event {
                Event::Incoming(incoming) => {
                    self.last_heard = Instant::now();
                    match decode(incoming) {
                        Ok(Some(message)) => self.act(message, &mut operations).await,
                        Ok(None) => Ok(()),
                        Err(end) => Err(end),
                    }
                }
                Event::Outgoing(message) => self.deliver(message, &mut operations).await,
                Event::Beat if self.last_heard.elapsed() >= patience => {
                    Err(End::Close(4408, "the client has been silent for too long".into()))
                }
                Event::Beat => {
                    next_ping = Instant::now() + interval;
                    self.send(Message::Ping(Bytes::new())).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn act(&mut self, message: ClientMessage, operations: &mut Operations<E>) -> Result<(), End> {
        match message {
            ClientMessage::Subscribe { id, params } => self.start(id, *params, operations).await,
            ClientMessage::Complete { id } => {
                operations.running.remove(id.as_str());
                Ok(())
            }
            ClientMessage::Ping(payload) => self.write(protocol::pong(payload)).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::ConnectionInit(_) => Err(second_init()),
        }
    }

    async fn start(&mut self, id: String, params: Params, operations: &mut Operations<E>) -> Result<(), End> {
        if operations.running.contains_key(id.as_str()) {
            return Err(End::Close(
                4409,
                format!("the operation {id} is still running").into(),
            ));
        }
        operations.started += 1;
        // What it costs is known once it is read.
        let mut meta = self.origin.meta(Transport::Socket, None, 0);
        meta.request_id = operation_request_id(&self.origin, operations.started);
        let most = self.shared.engine.limits().max_operations_per_socket;
        if operations.running.len() >= most {
            let mut response = status::to_response(&Refusal::new(
                ErrorCode::RateLimited,
                format!(
                    "{most} operations run on this socket, as many as allowed (limit max_operations_per_socket)"
                ),
            ));
            status::finish(&mut response, &meta.request_id);
            return self.write(protocol::error(&id, &response)).await;
        }
        let id: Arc<str> = id.into();
        let operation = Operation {
            request_id: meta.request_id.clone(),
            number: operations.started,
            id: Arc::clone(&id),
            socket: operations.sender.clone(),
        };
        let caller = E::Caller::clone(&operations.caller);
        let responses = operation::start(&self.shared, caller, params, meta);
        let task = AbortOnDropHandle::new(tokio::spawn(operation.run(responses)));
        operations.running.insert(
            id,
            Running {
                number: operations.started,
                _task: task,
            },
        );
        Ok(())
    }

    /// Writes an operation's message, unless the client has completed the operation meanwhile.
    async fn deliver(&mut self, message: Box<Outgoing>, operations: &mut Operations<E>) -> Result<(), End> {
        let current = operations.running.get(&message.id);
        if current.is_none_or(|running| running.number != message.number) {
            return Ok(());
        }
        if message.last {
            operations.running.remove(&message.id);
        }
        self.write(message.text).await
    }

    /// The next message of the protocol.
    async fn receive(&mut self) -> Result<ClientMessage, End> {
        loop {
            if let Some(message) = decode(self.socket.recv().await)? {
                return Ok(message);
            }
        }
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        self.send(Message::Text(text.into())).await
    }

    /// Writes one message. One that had to wait for room and then goes through shows that the client reads, which
    /// counts as a sign of life: its answer to a ping may be far behind.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let limit = self.shared.engine.limits().socket_send_timeout;
        let mut sending = pin!(self.socket.send(message));
        if let Some(sent) = sending.as_mut().now_or_never() {
            return sent.map_err(|_| End::Lost);
        }
        match timeout(limit, sending).await {
            Ok(Ok(())) => {
                self.last_heard = Instant::now();
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(End::Lost),
        }
    }

    /// Says why, and gives the client a moment to say goodbye: dropping the socket at once could reset the
    /// connection before the close frame is read.
    async fn close(mut self: Box<Self>, end: End) {
        if let End::Close(code, reason) = &end
            && self.send(protocol::close_frame(*code, reason)).await.is_err()
        {
            return;
        }
        if end == End::Lost {
            return;
        }
        let deadline = Instant::now() + CLOSING;
        while let Ok(Some(Ok(_))) = timeout_at(deadline, self.socket.recv()).await {}
    }
}

/// What a socket's task wakes up for.
enum Event {
    Incoming(Option<Result<Message, axum::Error>>),
    Outgoing(Box<Outgoing>),
    Beat,
}

/// The operations of a socket. Dropping them stops their tasks.
struct Operations<E: Engine> {
    caller: Arc<E::Caller>,
    sender: mpsc::Sender<Box<Outgoing>>,
    running: HashMap<Arc<str>, Running>,
    /// How many the client has asked for so far.
    started: u64,
}

impl<E: Engine> Operations<E> {
    fn new(caller: Arc<E::Caller>, sender: mpsc::Sender<Box<Outgoing>>) -> Self {
        Self {
            caller,
            sender,
            running: HashMap::new(),
            started: 0,
        }
    }
}

struct Running {
    number: u64,
    _task: AbortOnDropHandle<()>,
}

/// A message of the protocol; `None` for one of the WebSocket's own.
fn decode(incoming: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, End> {
    match incoming {
        Some(Ok(Message::Text(text))) => ClientMessage::parse(&text).map(Some).map_err(End::bad_request),
        Some(Ok(Message::Binary(_))) => Err(End::bad_request("messages must be text")),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) => Err(End::Left),
        None => Err(End::Lost),
        Some(Err(_)) => Err(End::bad_request(
            "the message is malformed or too long (limit max_socket_message_bytes)",
        )),
    }
}

fn second_init() -> End {
    End::Close(4429, "connection_init came twice".into())
}

/// The socket's id, cut so that ids stay within 64 characters, and the operation's number.
fn operation_request_id(origin: &Origin, number: u64) -> String {
    let socket: String = origin.request_id.0.chars().take(43).collect();
    format!("{socket}-{number}")
}
