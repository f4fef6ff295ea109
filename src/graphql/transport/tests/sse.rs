//! Server-sent events: one request, one operation, one stream.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::toy::Toy;
use crate::graphql::transport::{Limits, SocketEnd};

/// Sends the operation over a connection of its own and reads the answer as it comes.
struct Reader {
    connection: TcpStream,
    text: String,
}

impl Reader {
    async fn open(toy: &Toy, query: &str, token: &str) -> Self {
        let body = json!({ "query": query }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: toy\r\nconnection: close\r\ncontent-type: application/json\r\n\
             accept: text/event-stream\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut connection = TcpStream::connect(toy.address).await.unwrap();
        connection
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        Self {
            connection,
            text: String::new(),
        }
    }

    /// Reads until the text has come, and returns all that has come.
    async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            assert!(
                self.read().await,
                "the stream ended without {wanted:?}: {}",
                self.text
            );
        }
        &self.text
    }

    async fn into_end(mut self) -> String {
        while self.read().await {}
        self.text
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(10), self.connection.read(&mut buffer));
        let length = read.await.expect("nothing came for 10 s").unwrap();
        self.text += std::str::from_utf8(&buffer[..length]).unwrap();
        length > 0
    }
}

/// The JSON of every `next` event.
fn events(text: &str) -> Vec<Json> {
    let mut events = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "event: next" {
            let data = lines.next().and_then(|line| line.strip_prefix("data: ")).unwrap();
            events.push(serde_json::from_str(data).unwrap());
        }
    }
    events
}

const COMPLETE: &str = "event: complete\ndata: \n\n";

#[tokio::test]
async fn a_subscription_is_a_stream_of_next_and_a_complete() {
    let toy = Toy::start(Limits::default()).await;
    let text = Reader::open(&toy, "subscription { count(to: 3, pause: 5) }", "good-ann")
        .await
        .into_end()
        .await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    let numbers: Vec<_> = events(&text)
        .iter()
        .map(|event| event["data"]["count"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(text.contains(COMPLETE), "{text}");
    toy.until_open(0).await;
}

#[tokio::test]
async fn queries_mutations_and_wrong_documents_are_one_next_and_a_complete() {
    let toy = Toy::start(Limits::default()).await;
    for (query, expected) in [
        ("{ hello }", json!("world")),
        ("mutation { hello: add(number: 1) }", json!(2)),
    ] {
        let text = Reader::open(&toy, query, "good-ann").await.into_end().await;
        assert_eq!(events(&text)[0]["data"]["hello"], expected, "{text}");
        assert!(text.contains(COMPLETE), "{text}");
    }
    for (query, code) in [
        ("{ nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
    ] {
        let text = Reader::open(&toy, query, "good-ann").await.into_end().await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        assert_eq!(events(&text)[0]["errors"][0]["extensions"]["code"], code);
        assert!(text.contains(COMPLETE), "{text}");
    }
    let refused = Reader::open(&toy, "{ hello }", "stolen").await.into_end().await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

#[tokio::test]
async fn an_error_that_ends_a_subscription_is_its_last_event() {
    let toy = Toy::start(Limits::default()).await;
    for code in ["CURSOR_EXPIRED", "RESYNC"] {
        let query = format!("subscription {{ breaks(code: \"{code}\") }}");
        let text = Reader::open(&toy, &query, "good-ann").await.into_end().await;
        let events = events(&text);
        assert_eq!(events.len(), 2, "{text}");
        assert_eq!(events[1]["errors"][0]["extensions"]["code"], code);
        assert!(text.contains(COMPLETE), "{text}");
    }
    let text = Reader::open(&toy, "subscription { panics }", "good-ann")
        .await
        .into_end()
        .await;
    assert_eq!(
        events(&text)[1]["errors"][0]["extensions"]["code"],
        "INTERNAL",
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_stream_that_clients_should_reopen_breaks_off_and_a_revoked_one_completes() {
    for (end, completes) in [
        (SocketEnd::TokenExpired, false),
        (SocketEnd::Shutdown, false),
        (SocketEnd::Revoked, true),
    ] {
        let toy = Toy::start(Limits::default()).await;
        let reader = Reader::open(&toy, "subscription { quiet }", "good-ann").await;
        toy.until_open(1).await;
        toy.engine.end.send_replace(Some(end));
        let text = reader.into_end().await;
        assert_eq!(text.contains(COMPLETE), completes, "{end:?}: {text}");
        let told = events(&text)
            .first()
            .map(|event| event["errors"][0]["extensions"]["code"].clone());
        assert_eq!(told, completes.then(|| json!("UNAUTHENTICATED")), "{end:?}");
    }
}

#[tokio::test]
async fn silence_is_filled_with_comments_and_a_client_that_leaves_is_forgotten() {
    let limits = Limits {
        event_stream_keep_alive: Duration::from_millis(20),
        ..Limits::default()
    };
    let toy = Toy::start(limits).await;
    let mut reader = Reader::open(&toy, "subscription { quiet }", "good-ann").await;
    reader.until("\n:\n").await;
    toy.until_open(1).await;
    drop(reader);
    toy.until_open(0).await;
}

#[tokio::test]
async fn streams_count_as_connections_of_their_caller() {
    let toy = Toy::start(Limits {
        max_connections_per_caller: 1,
        ..Limits::default()
    })
    .await;
    let _first = Reader::open(&toy, "subscription { quiet }", "good-ann").await;
    toy.until_open(1).await;
    let second = Reader::open(&toy, "subscription { quiet }", "good-ann")
        .await
        .into_end()
        .await;
    assert!(second.starts_with("HTTP/1.1 429"), "{second}");
    let text = Reader::open(&toy, "subscription { count(to: 1) }", "good-bob")
        .await
        .into_end()
        .await;
    assert!(text.contains(COMPLETE), "{text}");
}
