//! The protocol on a socket: login, operations, and every close code.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::toy::Toy;
use crate::graphql::transport::{Limits, SocketEnd};

/// What a client sees next.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    Message(Json),
    Ping,
    Closed(u16, String),
    /// The connection ended without a close frame.
    Lost,
}

/// A client that speaks the protocol by hand.
pub(super) struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Connects with these headers, besides those of a WebSocket.
    ///
    /// # Errors
    /// The status of a refused upgrade and its body.
    pub async fn dial(toy: &Toy, headers: &[(&str, &str)]) -> Result<Self, (u16, String)> {
        let mut request = format!("ws://{}/graphql/ws", toy.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, response)) => {
                assert!(response.headers().contains_key("x-request-id"));
                Ok(Self { socket })
            }
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects with another sub-protocol. The client library would refuse an answer without it, so the handshake is
    /// made by hand.
    async fn dial_with_protocol(toy: &Toy, protocol: &str) -> Self {
        let mut stream = TcpStream::connect(toy.address).await.unwrap();
        let request = format!(
            "GET /graphql/ws HTTP/1.1\r\nhost: toy\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: {protocol}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        let stream = MaybeTlsStream::Plain(stream);
        Self {
            socket: WebSocketStream::from_raw_socket(stream, Role::Client, None).await,
        }
    }

    /// Connects with the right sub-protocol.
    pub async fn connect(toy: &Toy) -> Self {
        Self::dial(toy, &[("sec-websocket-protocol", "graphql-transport-ws")])
            .await
            .unwrap()
    }

    /// Connects and logs in.
    pub async fn login(toy: &Toy, name: &str) -> Self {
        let mut client = Self::connect(toy).await;
        client
            .send(json!({"type": "connection_init", "payload": {"token": format!("good-{name}")}}))
            .await;
        client.expect(json!({"type": "connection_ack"})).await;
        client
    }

    pub async fn send(&mut self, message: Json) {
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
            .await;
    }

    pub async fn see(&mut self) -> Seen {
        let seen = tokio::time::timeout(Duration::from_secs(10), self.socket.next());
        match seen.await.expect("nothing came for 10 s") {
            Some(Ok(Message::Text(text))) => Seen::Message(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Ping(_))) => Seen::Ping,
            Some(Ok(Message::Close(Some(frame)))) => {
                Seen::Closed(frame.code.into(), frame.reason.to_string())
            }
            Some(Ok(other)) => panic!("{other:?}"),
            Some(Err(_)) | None => Seen::Lost,
        }
    }

    pub async fn message(&mut self) -> Json {
        loop {
            match self.see().await {
                Seen::Message(message) => return message,
                Seen::Ping => {}
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    pub async fn expect(&mut self, message: Json) {
        assert_eq!(self.message().await, message);
    }

    /// Skips what comes before the close; returns its code and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.see().await {
                Seen::Closed(code, reason) => return (code, reason),
                Seen::Lost => panic!("the connection was lost"),
                Seen::Message(_) | Seen::Ping => {}
            }
        }
    }
}

fn next(id: &str, data: Json) -> Json {
    json!({"id": id, "type": "next", "payload": {"data": data}})
}

#[tokio::test]
async fn a_client_logs_in_subscribes_and_receives_until_the_end() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { count(to: 2) }").await;
    client.expect(next("a", json!({"count": 1}))).await;
    client.expect(next("a", json!({"count": 2}))).await;
    client.expect(json!({"id": "a", "type": "complete"})).await;

    client.subscribe("a", "subscription { count(to: 1) }").await;
    client.expect(next("a", json!({"count": 1}))).await;
    client.expect(json!({"id": "a", "type": "complete"})).await;

    client.socket.close(None).await.unwrap();
    toy.until_open(0).await;
}

#[tokio::test]
async fn variables_and_operation_names_come_along() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    let query = "subscription A($n: Int!) { count(to: $n) } subscription B { quiet }";
    let payload = json!({"query": query, "operationName": "A", "variables": {"n": 1}, "extensions": {}});
    client
        .send(json!({"type": "subscribe", "id": "a", "payload": payload}))
        .await;
    client.expect(next("a", json!({"count": 1}))).await;
}

#[tokio::test]
async fn every_operation_has_a_request_id_of_its_own() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    for number in 1..=2 {
        client.subscribe("a", "subscription { meta }").await;
        let seen = client.message().await;
        assert_eq!(
            seen["payload"]["data"]["meta"],
            format!("ann Socket req_0000000000000007_0-{number}")
        );
        client.expect(json!({"id": "a", "type": "complete"})).await;
    }
}

#[tokio::test]
async fn pings_are_answered_before_and_after_the_login() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::connect(&toy).await;
    client.send(json!({"type": "ping"})).await;
    client.expect(json!({"type": "pong"})).await;
    client.send(json!({"type": "connection_init"})).await;
    client.expect(json!({"type": "connection_ack"})).await;
    client.send(json!({"type": "ping", "payload": {"at": 5}})).await;
    client.expect(json!({"type": "pong", "payload": {"at": 5}})).await;
}

#[tokio::test]
async fn a_completed_operation_falls_silent_and_frees_its_id() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { flood(size: 10) }").await;
    client.message().await;
    client.send(json!({"type": "complete", "id": "a"})).await;
    client.subscribe("a", "subscription { count(to: 1) }").await;
    let mut seen = client.message().await;
    while seen["payload"]["data"]["flood"].is_string() {
        seen = client.message().await;
    }
    assert_eq!(
        seen,
        next("a", json!({"count": 1})),
        "the old operation does not speak under the new one's id"
    );
    client.expect(json!({"id": "a", "type": "complete"})).await;
}

#[tokio::test]
async fn errors_of_the_document_end_only_their_operation() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    for (query, code) in [
        ("subscription { nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { quiet count(to: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello }", "BAD_REQUEST"),
        ("mutation { add(number: 1) }", "BAD_REQUEST"),
        ("subscription { refused }", "NOT_FOUND"),
    ] {
        client.subscribe("a", query).await;
        let seen = client.message().await;
        assert_eq!(
            (&seen["type"], &seen["id"]),
            (&json!("error"), &json!("a")),
            "{query}: {seen}"
        );
        assert_eq!(seen["payload"][0]["extensions"]["code"], code, "{query}: {seen}");
        assert!(
            seen["payload"][0]["extensions"]["requestId"].is_string(),
            "{query}: {seen}"
        );
    }
    client.subscribe("a", "subscription { count(to: 1) }").await;
    client.expect(next("a", json!({"count": 1}))).await;
}

#[tokio::test]
async fn a_subscriber_that_must_load_anew_gets_an_error_and_the_socket_lives_on() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("quiet", "subscription { quiet }").await;
    for code in ["CURSOR_EXPIRED", "RESYNC"] {
        client
            .subscribe("a", &format!("subscription {{ breaks(code: \"{code}\") }}"))
            .await;
        client.expect(next("a", json!({"breaks": 1}))).await;
        let seen = client.message().await;
        assert_eq!(
            (&seen["type"], &seen["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!(code))
        );
    }
    client.subscribe("b", "subscription { count(to: 1) }").await;
    client.expect(next("b", json!({"count": 1}))).await;
}

#[tokio::test]
async fn an_error_within_one_event_does_not_end_the_subscription() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { events { number } }").await;
    let seen = client.message().await;
    assert_eq!(
        (&seen["type"], &seen["payload"]["errors"][0]["extensions"]["code"]),
        (&json!("next"), &json!("FORBIDDEN"))
    );
    client.expect(next("a", json!({"events": {"number": 2}}))).await;
    client.expect(json!({"id": "a", "type": "complete"})).await;
}

#[tokio::test]
async fn a_panic_ends_its_operation_and_nothing_else() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { panics }").await;
    client.expect(next("a", json!({"panics": 1}))).await;
    let seen = client.message().await;
    assert_eq!(
        (&seen["type"], &seen["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("INTERNAL"))
    );
    assert!(!seen.to_string().contains("secret"), "{seen}");
    client.subscribe("a", "subscription { count(to: 1) }").await;
    client.expect(next("a", json!({"count": 1}))).await;
}

#[tokio::test]
async fn another_sub_protocol_or_none_is_closed_with_4406() {
    let toy = Toy::start(Limits::default()).await;
    assert_eq!(Client::dial(&toy, &[]).await.ok().unwrap().closed().await.0, 4406);
    assert_eq!(
        Client::dial_with_protocol(&toy, "graphql-ws")
            .await
            .closed()
            .await
            .0,
        4406
    );
}

#[tokio::test]
async fn messages_that_are_not_of_the_protocol_are_closed_with_4400() {
    let toy = Toy::start(Limits {
        max_socket_message_bytes: 1_000,
        ..Limits::default()
    })
    .await;
    let long = json!({"type": "ping", "payload": {"x": "x".repeat(2_000)}}).to_string();
    for message in [
        Message::text("{"),
        Message::text(r#"{"type":"start","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{"query":5}}"#),
        Message::binary(vec![1, 2, 3]),
        Message::text(long),
    ] {
        let mut client = Client::login(&toy, "ann").await;
        client.socket.send(message.clone()).await.unwrap();
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4400, "{message:?}");
        assert!(!reason.is_empty());
    }
    toy.until_open(0).await;
}

#[tokio::test]
async fn a_refused_login_closes_with_the_code_that_tells_clients_what_to_do() {
    let toy = Toy::start(Limits::default()).await;
    for (token, code) in [
        ("stolen", 4401),
        ("expired", 4403),
        ("busy", 1013),
        ("panic", 4500),
    ] {
        let mut client = Client::connect(&toy).await;
        client
            .send(json!({"type": "connection_init", "payload": {"token": token}}))
            .await;
        let (found, reason) = client.closed().await;
        assert_eq!(found, code, "{token}");
        assert!(!reason.is_empty() && !reason.contains("secret"), "{reason}");
    }
}

#[tokio::test]
async fn subscribing_before_the_acknowledgement_is_closed_with_4401() {
    let toy = Toy::start(Limits::default()).await;
    let mut hasty = Client::connect(&toy).await;
    hasty.subscribe("a", "subscription { quiet }").await;
    assert_eq!(hasty.closed().await.0, 4401);

    let mut during = Client::connect(&toy).await;
    during
        .send(json!({"type": "connection_init", "payload": {"token": "slow"}}))
        .await;
    during.subscribe("a", "subscription { quiet }").await;
    assert_eq!(during.closed().await.0, 4401);
}

#[tokio::test]
async fn a_second_init_is_closed_with_4429() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.send(json!({"type": "connection_init"})).await;
    assert_eq!(client.closed().await.0, 4429);

    let mut during = Client::connect(&toy).await;
    during
        .send(json!({"type": "connection_init", "payload": {"token": "slow"}}))
        .await;
    during.send(json!({"type": "connection_init"})).await;
    assert_eq!(during.closed().await.0, 4429);
}

#[tokio::test]
async fn the_id_of_a_running_operation_is_closed_with_4409() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { quiet }").await;
    client.subscribe("a", "subscription { quiet }").await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4409);
    assert!(reason.contains('a'), "{reason}");
}

#[tokio::test]
async fn the_engine_ends_sockets_with_the_code_for_its_reason() {
    for (end, code) in [
        (SocketEnd::TokenExpired, 4403),
        (SocketEnd::Revoked, 4401),
        (SocketEnd::Shutdown, 1012),
    ] {
        let toy = Toy::start(Limits::default()).await;
        let mut client = Client::login(&toy, "ann").await;
        client.subscribe("a", "subscription { quiet }").await;
        toy.engine.end.send_replace(Some(end));
        assert_eq!(client.closed().await.0, code, "{end:?}");
        drop(client);
        tokio::time::timeout(Duration::from_secs(10), toy.connections.drained())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_cookie_logs_in_from_an_allowed_origin_only() {
    let toy = Toy::start(Limits {
        allowed_origins: vec!["https://app.test".to_owned()],
        ..Limits::default()
    })
    .await;
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    let cookie = ("cookie", "session=good-ann");

    let mut client = Client::dial(&toy, &[protocol, cookie, ("origin", "https://app.test")])
        .await
        .ok()
        .unwrap();
    client.send(json!({"type": "connection_init"})).await;
    client.expect(json!({"type": "connection_ack"})).await;
    client.subscribe("a", "subscription { meta }").await;
    assert!(client.message().await.to_string().contains("ann Socket"));

    for origin in [&[("origin", "https://evil.test")] as &[_], &[]] {
        let headers: Vec<_> = [protocol, cookie]
            .into_iter()
            .chain(origin.iter().copied())
            .collect();
        let (status, body) = Client::dial(&toy, &headers).await.err().unwrap();
        assert_eq!(status, 403, "{origin:?}");
        assert!(body.contains("FORBIDDEN") && body.contains("Origin"), "{body}");
    }

    let stale = [
        protocol,
        ("cookie", "session=gone"),
        ("origin", "https://evil.test"),
    ];
    let mut client = Client::dial(&toy, &stale).await.ok().unwrap();
    client
        .send(json!({"type": "connection_init", "payload": {"token": "good-bob"}}))
        .await;
    client.expect(json!({"type": "connection_ack"})).await;
    client.subscribe("a", "subscription { meta }").await;
    assert!(
        client.message().await.to_string().contains("bob Socket"),
        "a cookie that is no login does no harm"
    );
}
