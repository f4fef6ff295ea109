//! What a socket may take: time, silence, operations, connections, and how slowly a client may read.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::socket::{Client, Seen};
use super::toy::Toy;
use crate::graphql::transport::Limits;

#[tokio::test]
async fn a_client_that_does_not_log_in_in_time_is_closed_with_4408() {
    let toy = Toy::start(Limits {
        socket_init_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    assert_eq!(Client::connect(&toy).await.closed().await.0, 4408);

    let mut slow = Client::connect(&toy).await;
    slow.send(json!({"type": "connection_init", "payload": {"token": "slow"}}))
        .await;
    assert_eq!(slow.closed().await.0, 4408, "the time for authentication counts");
}

/// The silence allowed is long beside what a busy machine holds a task up.
fn quick_heartbeat() -> Limits {
    Limits {
        socket_ping_interval: Duration::from_millis(200),
        socket_silence_timeout: Duration::from_millis(1_500),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let toy = Toy::start(quick_heartbeat()).await;
    let mut client = Client::login(&toy, "ann").await;
    // As many as fit into twice the silence that is allowed.
    for _ in 0..15 {
        assert_eq!(client.see().await, Seen::Ping, "reading answers the ping");
    }
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let toy = Toy::start(quick_heartbeat()).await;
    let mut client = Client::login(&toy, "ann").await;
    // While nothing is read, the client library answers no ping.
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(client.closed().await.0, 4408);
    drop(client);
    toy.until_open(0).await;
}

#[tokio::test]
async fn an_operation_too_many_is_an_error_of_that_operation() {
    let toy = Toy::start(Limits {
        max_operations_per_socket: 2,
        ..Limits::default()
    })
    .await;
    let mut client = Client::login(&toy, "ann").await;
    for id in ["a", "b", "c"] {
        client.subscribe(id, "subscription { quiet }").await;
    }
    let seen = client.message().await;
    assert_eq!((&seen["type"], &seen["id"]), (&json!("error"), &json!("c")));
    assert_eq!(seen["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    client.send(json!({"type": "complete", "id": "a"})).await;
    client.subscribe("c", "subscription { count(to: 1) }").await;
    assert_eq!(
        client.message().await["payload"]["data"]["count"],
        1,
        "there is room again"
    );
}

#[tokio::test]
async fn a_full_process_refuses_the_upgrade() {
    let toy = Toy::start(Limits {
        max_connections: 1,
        ..Limits::default()
    })
    .await;
    let first = Client::login(&toy, "ann").await;
    let (status, body) = Client::dial(&toy, &[]).await.err().unwrap();
    assert_eq!(status, 503);
    assert!(
        body.contains("UNAVAILABLE") && body.contains("max_connections"),
        "{body}"
    );
    drop(first);
    toy.until_open(0).await;
    Client::login(&toy, "ann").await;
}

#[tokio::test]
async fn one_caller_has_so_many_sockets_and_others_have_theirs() {
    let toy = Toy::start(Limits {
        max_connections_per_caller: 1,
        ..Limits::default()
    })
    .await;
    let _first = Client::login(&toy, "ann").await;
    let mut second = Client::connect(&toy).await;
    second
        .send(json!({"type": "connection_init", "payload": {"token": "good-ann"}}))
        .await;
    let (code, reason) = second.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("max_connections_per_caller"), "{reason}");
    Client::login(&toy, "bob").await;
}

#[tokio::test]
async fn a_busy_stream_does_not_starve_a_quiet_one() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    for id in ["flood-1", "flood-2", "flood-3"] {
        client.subscribe(id, "subscription { flood(size: 100) }").await;
    }
    client.subscribe("count", "subscription { count(to: 20) }").await;
    let mut others = 0;
    let mut counted = 0;
    while counted < 20 {
        let seen = client.message().await;
        if seen["id"] == "count" {
            counted += 1;
        } else if counted > 0 {
            others += 1;
        }
    }
    assert!(
        others < 200,
        "{others} messages of the busy streams came before 20 of the quiet one"
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let toy = Toy::start(Limits {
        socket_send_timeout: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { flood(size: 60000) }").await;
    toy.until_open(1).await;
    toy.until_open(0).await;
}

#[tokio::test]
async fn a_slow_reader_is_waited_for() {
    let limits = Limits {
        socket_ping_interval: Duration::from_millis(500),
        socket_silence_timeout: Duration::from_secs(4),
        socket_send_timeout: Duration::from_secs(20),
        ..Limits::default()
    };
    let toy = Toy::start(limits).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { flood(size: 60000) }").await;
    // Longer than the silence that is allowed, while the server is stuck in a write and cannot hear.
    sleep(Duration::from_millis(4_500)).await;
    for _ in 0..50 {
        assert_eq!(client.message().await["type"], "next");
    }
    assert_eq!(toy.connections.open(), 1);
}

#[tokio::test]
async fn an_ended_socket_stops_its_operations() {
    let toy = Toy::start(Limits::default()).await;
    let mut client = Client::login(&toy, "ann").await;
    client.subscribe("a", "subscription { flood(size: 10) }").await;
    client.message().await;
    assert_eq!(std::sync::Arc::strong_count(&toy.engine.running), 2);
    drop(client);
    toy.until_open(0).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::sync::Arc::strong_count(&toy.engine.running) > 1 {
        assert!(Instant::now() < deadline, "the operation still runs");
        sleep(Duration::from_millis(5)).await;
    }
}
