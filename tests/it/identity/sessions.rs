//! Sessions live by rotating refresh tokens; one that comes back after it was spent ends everything.

use chrono::TimeDelta;
use funnelchat::platform::clock::WallClock as _;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::refresh;
use crate::support::{Client, Options, TestApp, data, error_code, user_errors};

async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none() || {
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
        false
    }
}

fn with_token(app: &TestApp, session: &Value) -> Client {
    let mut client = app.anonymous();
    client.access_token = session["accessToken"].as_str().map(str::to_owned);
    client
}

async fn revoked_for(app: &TestApp) -> Vec<String> {
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_spent_refresh_token_that_comes_back_ends_the_whole_family() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let client = app.anonymous();
    let first = json!(agent.refresh_token);
    let renewed = refresh(&client, &first).await;
    let session = &renewed["session"];
    assert_ne!(session["refreshToken"], first, "it rotates");
    let newer = with_token(&app, session);
    assert!(may_act(&agent).await && may_act(&newer).await);
    let mut socket = newer.socket().await;
    let bystander = app.acme.sign_in("manager").await;

    let stolen = refresh(&client, &first).await;
    assert_eq!(user_errors(&stolen), ["BAD_CREDENTIALS"]);
    assert!(stolen["session"].is_null());
    assert!(
        !may_act(&agent).await && !may_act(&newer).await,
        "access tokens end at once"
    );
    assert_eq!(socket.close_code().await, 4401);
    let newest = refresh(&client, &session["refreshToken"]).await;
    assert_eq!(user_errors(&newest), ["BAD_CREDENTIALS"], "the newest token too");
    assert!(may_act(&bystander).await);
    assert_eq!(revoked_for(&app).await, ["REUSE"]);
    app.finish().await;
}

#[tokio::test]
async fn a_session_lives_seven_days_from_its_last_refresh() {
    // Idle log-out comes earlier by default.
    let app = TestApp::start_with(Options {
        settings: vec![("SESSION_IDLE_SECONDS", "604800".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let client = app.anonymous();
    app.wall.advance(TimeDelta::days(6));
    assert!(!may_act(&agent).await, "the access token is long gone");
    let renewed = refresh(&client, &json!(agent.refresh_token)).await;
    assert!(may_act(&with_token(&app, &renewed["session"])).await);
    app.wall.advance(TimeDelta::days(7));
    for _ in 0..2 {
        let late = refresh(&client, &renewed["session"]["refreshToken"]).await;
        assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    }
    assert_eq!(revoked_for(&app).await, ["EXPIRED"]);
    app.finish().await;
}

#[tokio::test]
async fn a_log_out_ends_the_refresh_token_too() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let ended = agent.gql("mutation { logout { ended } }", json!({})).await;
    assert_eq!(data(&ended)["logout"]["ended"], true);
    assert!(!may_act(&agent).await);
    let late = refresh(&app.anonymous(), &json!(agent.refresh_token)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    assert_eq!(revoked_for(&app).await, ["LOGOUT"]);
    app.finish().await;
}

#[tokio::test]
async fn a_process_that_starts_knows_at_once_which_sessions_have_ended() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let ended = agent.gql("mutation { logout { ended } }", json!({})).await;
    assert_eq!(data(&ended)["logout"]["ended"], true);
    let second = TestApp::start_with(Options {
        database: Some(app.database()),
        wall: Some(app.wall.now()),
        ..Options::default()
    })
    .await;
    let mut there = second.anonymous();
    there.access_token.clone_from(&agent.access_token);
    assert!(!may_act(&there).await);
    second.finish().await;
    app.finish().await;
}
