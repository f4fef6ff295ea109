//! The limits of the transports: settings with the defaults of production.

use std::time::Duration;

/// Every limit of the transports. Each is a setting; the defaults are those of production.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Most lexical tokens in a document.
    pub max_tokens: usize,
    /// Deepest nesting of fields, fragments expanded; `{ a { b } }` is 2 deep. Introspection counts like any other
    /// field: the usual introspection query of tools is 13 to 15 deep.
    pub max_depth: usize,
    /// Most aliases in an operation, fragments expanded.
    pub max_aliases: usize,
    /// Most fields at the root of an operation, fragments expanded.
    pub max_root_fields: usize,
    /// Most directives in a document, as written.
    pub max_directives: usize,
    /// Highest cost of an operation, see [`check_document`](super::check_document).
    pub max_cost: u64,
    /// The page size that a connection without `first` or `last` is taken to return.
    pub default_page: u64,
    /// Longest time that a query or mutation, or the arrival of a request's body, may take.
    pub operation_timeout: Duration,
    /// How often a silent event stream carries a comment, so that proxies keep it open.
    pub event_stream_keep_alive: Duration,
    /// Most sockets and event streams of this process.
    pub max_connections: usize,
    /// Most sockets and event streams of one caller.
    pub max_connections_per_caller: usize,
    /// Most operations at a time on one socket.
    pub max_operations_per_socket: usize,
    /// Largest message from a client on a socket, in bytes.
    pub max_socket_message_bytes: usize,
    /// Responses of a socket's operations that may wait for the writer before the operations themselves wait. Few,
    /// since one operation can take all free places in its turn: with 4, busy operations alternate one by one.
    pub socket_backlog: usize,
    /// How long a socket may take from the upgrade to the end of its authentication.
    pub socket_init_timeout: Duration,
    /// How often the server pings an open socket.
    pub socket_ping_interval: Duration,
    /// How long a socket may send nothing, not even an answer to a ping, before it is closed.
    pub socket_silence_timeout: Duration,
    /// How long one message may wait for the client to read before the socket is dropped.
    pub socket_send_timeout: Duration,
    /// The values of `Origin` from which a cookie may authenticate a socket, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 256 * 1024,
            max_tokens: 2_000,
            max_depth: 12,
            max_aliases: 30,
            max_root_fields: 20,
            max_directives: 50,
            max_cost: 15_000,
            default_page: 20,
            operation_timeout: Duration::from_secs(15),
            event_stream_keep_alive: Duration::from_secs(15),
            max_connections: 20_000,
            max_connections_per_caller: 50,
            max_operations_per_socket: 20,
            max_socket_message_bytes: 64 * 1024,
            socket_backlog: 4,
            socket_init_timeout: Duration::from_secs(10),
            socket_ping_interval: Duration::from_secs(20),
            socket_silence_timeout: Duration::from_secs(45),
            socket_send_timeout: Duration::from_secs(30),
            allowed_origins: Vec::new(),
        }
    }
}
