//! How a subscription ends: its cursor is too old or not of this feed, the thread goes to somebody else, the session
//! is over, the process stops. And who hears of typing.

use chrono::TimeDelta;
use serde_json::json;

use super::{INBOX, THREAD, ended_with, newest_cursor, next};
use crate::support::{Client, Socket, TestApp, data, error_code, user_errors};

const VIEWER: &str = "{ viewer { user { id name } } }";

async fn follow(client: &Client, thread: &str) -> Socket {
    let mut socket = client.socket().await;
    let after = newest_cursor(client).await;
    socket
        .subscribe(THREAD, json!({ "c": thread, "after": after }))
        .await;
    socket
}

#[tokio::test]
async fn a_cursor_older_than_what_is_kept_says_so_and_one_of_another_feed_too() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, 1).await;
    let old = newest_cursor(&agent).await;
    app.text(&app.acme, &app.acme.debtor_number(1), "Hello there")
        .await;
    let newer = newest_cursor(&agent).await;
    app.advance(TimeDelta::hours(73)).await;

    let agent = app.acme.agent().await;
    let mut socket = agent.socket().await;
    let inbox = async |socket: &mut Socket, after: serde_json::Value| {
        socket.subscribe(INBOX, json!({ "after": after })).await;
        ended_with(socket).await
    };
    assert_eq!(inbox(&mut socket, old.clone()).await, "CURSOR_EXPIRED");
    socket
        .subscribe(THREAD, json!({ "c": thread, "after": old }))
        .await;
    assert_eq!(ended_with(&mut socket).await, "CURSOR_EXPIRED");
    for foreign in ["live1_99999999", "live1_-1", "nonsense", ""] {
        assert_eq!(
            inbox(&mut socket, json!(foreign)).await,
            "BAD_USER_INPUT",
            "{foreign:?}"
        );
    }

    // Whoever has seen everything has lost nothing: that cursor is good, though all its events are gone.
    assert_eq!(newest_cursor(&agent).await, newer);
    socket
        .subscribe(THREAD, json!({ "c": thread, "after": newer }))
        .await;
    app.text(&app.acme, &app.acme.debtor_number(1), "Still there?")
        .await;
    assert_eq!(next(&mut socket).await["message"]["content"], "Still there?");
    app.finish().await;
}

#[tokio::test]
async fn who_loses_a_thread_hears_of_that_and_of_nothing_later() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let manager = app.acme.sign_in("manager").await;
    let thread = app.thread_with(&agent, &app.acme, 1).await;
    let mut following = follow(&agent, &thread).await;
    let mut inbox = agent.socket().await;
    inbox
        .subscribe(INBOX, json!({ "after": newest_cursor(&agent).await }))
        .await;

    let myself = manager.gql(VIEWER, json!({})).await;
    let assigned = manager
        .gql(
            "mutation($c: ID!, $u: ID!) { assignConversation(input: { conversationId: $c, userId: $u }) { userErrors { code } } }",
            json!({ "c": thread, "u": data(&myself)["viewer"]["user"]["id"] }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&assigned)["assignConversation"]),
        Vec::<&str>::new()
    );
    for socket in [&mut following, &mut inbox] {
        let told = next(socket).await;
        assert_eq!(told["__typename"], "ConversationAssigned");
        assert_eq!(told["conversationId"], thread.as_str());
        assert_eq!(told["assignedAgent"]["name"], "Manager of Acme Recovery");
        assert!(
            told["conversation"].is_null(),
            "it is not theirs to see any more: {told}"
        );
    }
    assert_eq!(ended_with(&mut following).await, "NOT_FOUND");

    app.text(&app.acme, &app.acme.debtor_number(1), "For the manager's eyes")
        .await;
    app.text(&app.acme, &app.acme.debtor_number(2), "For anybody")
        .await;
    let told = next(&mut inbox).await;
    assert_eq!(told["__typename"], "ConversationCreated");
    assert_ne!(told["conversation"]["id"], thread.as_str());
    assert_eq!(next(&mut inbox).await["message"]["content"], "For anybody");
    following
        .subscribe(THREAD, json!({ "c": thread, "after": null }))
        .await;
    assert_eq!(ended_with(&mut following).await, "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn typing_is_told_to_the_others_and_not_to_oneself() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let thread = app.thread_with(&agent, &app.acme, 1).await;
    let (mut agents, mut managers) = (follow(&agent, &thread).await, follow(&manager, &thread).await);
    // Both follow once they hear of this.
    app.text(&app.acme, &app.acme.debtor_number(1), "Hello there")
        .await;
    for socket in [&mut agents, &mut managers] {
        assert_eq!(next(socket).await["message"]["content"], "Hello there");
    }
    for typist in [&agent, &manager] {
        let typed = typist
            .gql(
                "mutation($c: ID!) { setTyping(input: { conversationId: $c }) { userErrors { code } } }",
                json!({ "c": thread }),
            )
            .await;
        data(&typed);
        let (other, name) = if std::ptr::eq(typist, &agent) {
            (&mut managers, "Agent of Acme Recovery")
        } else {
            (&mut agents, "Manager of Acme Recovery")
        };
        let told = next(other).await;
        assert_eq!(
            (told["__typename"].as_str(), told["user"]["name"].as_str()),
            (Some("TypingChanged"), Some(name)),
            "one's own typing would have come first"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_log_out_closes_the_sessions_sockets_and_ends_its_token() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let (mut first, mut second, mut managers) =
        (agent.socket().await, agent.socket().await, manager.socket().await);
    let ended = agent
        .gql("mutation { logout { ended userErrors { code } } }", json!({}))
        .await;
    assert_eq!(data(&ended)["logout"]["ended"], true);
    assert_eq!(first.close_code().await, 4401);
    assert_eq!(second.close_code().await, 4401);
    assert_eq!(error_code(&agent.gql(VIEWER, json!({})).await), "UNAUTHENTICATED");
    let mut late = Socket::open(app.addr).await;
    let token = format!("Bearer {}", agent.access_token.as_deref().unwrap());
    late.send(json!({ "type": "connection_init", "payload": { "authorization": token } }))
        .await;
    assert_eq!(late.close_code().await, 4401);

    managers.send(json!({ "type": "ping" })).await;
    assert_eq!(
        managers.message().await.unwrap()["type"],
        "pong",
        "another's session goes on"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    // A second is left of the fifteen minutes.
    app.wall.advance(TimeDelta::seconds(15 * 60 - 1));
    let mut socket = agent.socket().await;
    assert_eq!(
        socket.close_code().await,
        4403,
        "clients come back with a fresh token"
    );

    app.wall.advance(TimeDelta::seconds(1));
    let mut late = Socket::open(app.addr).await;
    let token = format!("Bearer {}", agent.access_token.as_deref().unwrap());
    late.send(json!({ "type": "connection_init", "payload": { "authorization": token } }))
        .await;
    assert_eq!(late.close_code().await, 4403);
    app.finish().await;
}

#[tokio::test]
async fn a_process_that_stops_sends_its_sockets_elsewhere() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let mut socket = agent.socket().await;
    app.app.stopping.cancel();
    assert_eq!(socket.close_code().await, 1012);
    app.finish().await;
}
