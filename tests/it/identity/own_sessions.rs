//! Where one is signed in, and how that ends: by hand, or by itself when nothing is done.

use chrono::TimeDelta;
use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{log_in, refresh};
use crate::support::{Client, Options, TestApp, data, eventually, totp_code, user_errors};

const SESSIONS: &str = "{ sessions { id device address createdAt lastUsedAt isCurrent } }";
const REVOKE: &str = "mutation($id: ID!) { revokeSession(input: { id: $id }) { sessionId userErrors { code field message } } }";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn sessions(client: &Client) -> Vec<Value> {
    let answer = client.gql(SESSIONS, json!({})).await;
    data(&answer)["sessions"].as_array().unwrap().clone()
}

async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none()
}

#[tokio::test]
async fn one_sees_ones_own_sessions_and_ends_what_one_does_not_know() {
    let app = TestApp::start_with(Options {
        settings: vec![("TRUSTED_PROXIES", "127.0.0.1/32".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let manager = app.acme.sign_in("manager").await;
    let browser = app.anonymous().calling_from("203.0.113.9");
    let entered = log_in(&browser, "agent@acme.example", DEMO_PASSWORD).await;
    let complete = "mutation($t: String!, $c: String!) { completeMfa(input: { token: $t, code: $c }) { session { accessToken refreshToken } } }";
    let variables = json!({ "t": entered["mfaChallenge"]["token"], "c": totp_code(&app.wall) });
    let entered = browser
        .gql_with(complete, variables, &[("user-agent", FIREFOX)])
        .await;
    let mut browser = browser;
    browser.access_token = data(&entered)["completeMfa"]["session"]["accessToken"]
        .as_str()
        .map(str::to_owned);
    let mut socket = browser.socket().await;

    let seen = sessions(&agent).await;
    let told: Vec<(&str, &str, bool)> = seen
        .iter()
        .map(|session| {
            (
                session["device"].as_str().unwrap(),
                session["address"].as_str().unwrap(),
                session["isCurrent"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Firefox on Windows", "203.0.113.9", false),
            ("Unknown device", "127.0.0.1", true)
        ],
        "newest first, one's own only"
    );
    let stored = app
        .superuser()
        .await
        .fetch_one("SELECT string_agg(s::text, ' ') FROM sessions s")
        .await
        .unwrap()
        .get::<String, _>(0);
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(!stored.contains(&hex("203.0.113.9")) && !stored.contains(&hex("Firefox")));

    let id = seen[0]["id"].clone();
    let foreign = manager.gql(REVOKE, json!({ "id": id })).await;
    assert_eq!(user_errors(&data(&foreign)["revokeSession"]), ["NOT_FOUND"]);
    assert!(may_act(&browser).await);
    let ended = agent.gql(REVOKE, json!({ "id": id })).await;
    assert_eq!(
        data(&ended)["revokeSession"],
        json!({ "sessionId": id, "userErrors": [] })
    );
    assert!(!may_act(&browser).await);
    assert_eq!(socket.close_code().await, 4401);
    assert_eq!(sessions(&agent).await.len(), 1);
    let again = agent.gql(REVOKE, json!({ "id": id })).await;
    assert_eq!(user_errors(&data(&again)["revokeSession"]), ["NOT_FOUND"]);
    app.finish().await;
}

#[tokio::test]
async fn all_others_end_at_once_and_everywhere() {
    let app = TestApp::start().await;
    let other_process = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    let (agent, first, second) = (
        app.acme.agent().await,
        app.acme.agent().await,
        other_process.acme.agent().await,
    );
    let ended = agent
        .gql(
            "mutation { revokeOtherSessions { count userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&ended)["revokeOtherSessions"],
        json!({ "count": 2, "userErrors": [] })
    );
    assert!(may_act(&agent).await && !may_act(&first).await);
    eventually("the other process hears of it", async || {
        (!may_act(&second).await).then_some(())
    })
    .await;
    let late = refresh(&other_process.anonymous(), &json!(second.refresh_token)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    other_process.finish().await;
    app.finish().await;
}

/// When the only session was written down as used last, in minutes since noon.
async fn recorded(app: &TestApp) -> i64 {
    let sql = "SELECT (extract(epoch FROM last_used_at - created_at) / 60)::bigint FROM sessions";
    app.superuser().await.fetch_one(sql).await.unwrap().get(0)
}

#[tokio::test]
async fn half_an_hour_without_use_ends_a_session_however_often_it_is_refreshed() {
    let app = TestApp::start().await;
    let mut client = app.acme.agent().await;
    for _ in 0..2 {
        app.wall.advance(TimeDelta::minutes(14));
        assert!(may_act(&client).await);
        client = refreshed(&app, &client).await;
    }
    eventually("the use is written down", async || {
        (recorded(&app).await == 28).then_some(())
    })
    .await;
    // From here on the page is open, and nobody sits before it.
    app.wall.advance(TimeDelta::minutes(14));
    client = refreshed(&app, &client).await;
    let _socket = client.socket().await;
    app.wall.advance(TimeDelta::minutes(16));
    client = refreshed(&app, &client).await;
    app.wall.advance(TimeDelta::seconds(1));
    let late = refresh(&app.anonymous(), &json!(client.refresh_token)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    assert!(!may_act(&client).await, "its access token ends too");
    let reason: String = app
        .superuser()
        .await
        .fetch_one("SELECT revoked_reason FROM sessions")
        .await
        .unwrap()
        .get(0);
    assert_eq!((reason.as_str(), recorded(&app).await), ("EXPIRED", 28));
    app.finish().await;
}

#[tokio::test]
async fn a_setting_lowers_the_half_hour_to_a_quarter() {
    let app = TestApp::start_with(Options {
        settings: vec![("SESSION_IDLE_SECONDS", "900".to_owned())],
        ..Options::default()
    })
    .await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    app.wall.advance(TimeDelta::minutes(15));
    refreshed(&app, &agent).await;
    app.wall.advance(TimeDelta::minutes(1));
    let late = refresh(&app.anonymous(), &json!(manager.refresh_token)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    app.finish().await;
}

#[tokio::test]
async fn use_is_written_down_once_a_minute_and_known_to_other_processes() {
    let app = TestApp::start().await;
    let mut client = app.acme.agent().await;
    app.wall.advance(TimeDelta::seconds(59));
    assert!(may_act(&client).await);
    assert_eq!(sessions(&client).await.len(), 1);
    assert_eq!(recorded(&app).await, 0, "not within the minute");
    app.wall.advance(TimeDelta::minutes(13));
    assert!(may_act(&client).await);
    eventually("the use is written down", async || {
        (recorded(&app).await == 14).then_some(())
    })
    .await;
    client = refreshed(&app, &client).await;
    let other = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    other.wall.advance(TimeDelta::minutes(43));
    let renewed = refresh(&other.anonymous(), &json!(client.refresh_token)).await;
    assert!(renewed["session"]["accessToken"].is_string(), "{renewed}");
    other.finish().await;
    app.finish().await;
}

async fn refreshed(app: &TestApp, client: &Client) -> Client {
    let answer = refresh(&app.anonymous(), &json!(client.refresh_token)).await;
    let session = &answer["session"];
    let mut renewed = app.anonymous();
    renewed.access_token = session["accessToken"].as_str().map(str::to_owned);
    renewed.refresh_token = session["refreshToken"].as_str().map(str::to_owned);
    assert!(renewed.access_token.is_some(), "{answer}");
    renewed
}
