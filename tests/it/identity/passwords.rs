//! Passwords are forgotten, guessed, leaked and replaced.

use chrono::TimeDelta;
use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{complete, log_in, refresh};
use crate::support::{Client, Options, TestApp, data, error_code, totp_code, user_errors};

const AGENT: &str = "agent@acme.example";
const NEW: &str = "eleven quiet umbrellas melt";

const ASK: &str = "mutation($email: EmailAddress!) {
  requestPasswordReset(input: { email: $email }) { accepted userErrors { code field message } } }";
const RESET: &str = "mutation($token: String!, $password: String!) {
  resetPassword(input: { token: $token, newPassword: $password }) { changed userErrors { code field message } } }";
const CHANGE: &str = "mutation($current: String!, $password: String!) {
  changePassword(input: { currentPassword: $current, newPassword: $password }) { changed userErrors { code field message } } }";

async fn ask(client: &Client, email: &str) -> Value {
    data(&client.gql(ASK, json!({ "email": email })).await)["requestPasswordReset"].clone()
}

async fn reset(client: &Client, token: &str, password: &str) -> Value {
    let answer = client
        .gql(RESET, json!({ "token": token, "password": password }))
        .await;
    data(&answer)["resetPassword"].clone()
}

async fn change(client: &Client, current: &str, password: &str) -> Value {
    let answer = client
        .gql(CHANGE, json!({ "current": current, "password": password }))
        .await;
    data(&answer)["changePassword"].clone()
}

fn subjects(app: &TestApp, email: &str) -> Vec<String> {
    let mails = app.sandbox.state().mails_to(email);
    mails.into_iter().map(|mail| mail.subject).collect()
}

/// The tokens of the links that were mailed, oldest first.
fn links(app: &TestApp, email: &str) -> Vec<String> {
    let texts = app
        .sandbox
        .state()
        .mails_to(email)
        .into_iter()
        .filter_map(|mail| mail.text);
    texts
        .filter_map(|text| {
            let (_, token) = text.split_once("/reset-password?token=")?;
            token.split_whitespace().next().map(str::to_owned)
        })
        .collect()
}

async fn link(app: &TestApp) -> String {
    assert_eq!(ask(&app.anonymous(), AGENT).await["accepted"], true);
    app.run_jobs().await;
    links(app, AGENT).pop().expect("a link")
}

async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail_and_ends_every_session() {
    let app = TestApp::start().await;
    let (agent, elsewhere) = (app.acme.agent().await, app.acme.agent().await);
    let manager = app.acme.sign_in("manager").await;
    let mut socket = elsewhere.socket().await;
    let client = app.anonymous();
    let token = link(&app).await;
    let stored: Vec<u8> = app
        .superuser()
        .await
        .fetch_one("SELECT token_hash FROM password_resets")
        .await
        .unwrap()
        .get(0);
    assert!(!token.is_empty() && stored.len() == 32, "only its hash is kept");

    // A password that breaks a rule does not cost the link.
    let weak = reset(&client, &token, "Acme-Recovery-2026").await;
    assert_eq!(user_errors(&weak), ["INVALID_INPUT"]);
    assert_eq!(weak["userErrors"][0]["field"], json!(["input", "newPassword"]));
    assert!(may_act(&agent).await);

    let done = reset(&client, &token, NEW).await;
    assert_eq!(done, json!({ "changed": true, "userErrors": [] }));
    assert!(!may_act(&agent).await && !may_act(&elsewhere).await);
    assert_eq!(socket.close_code().await, 4401);
    let late = refresh(&client, &json!(agent.refresh_token)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    assert!(may_act(&manager).await, "nobody else's end");

    let old = log_in(&client, AGENT, DEMO_PASSWORD).await;
    assert_eq!(user_errors(&old), ["BAD_CREDENTIALS"]);
    let new = log_in(&client, AGENT, NEW).await;
    assert!(new["session"].is_null(), "the second factor stays: {new}");
    let entered = complete(&client, &new["mfaChallenge"]["token"], &totp_code(&app.wall)).await;
    assert_eq!(entered["session"]["viewer"]["role"], "AGENT");
    app.run_jobs().await;
    assert_eq!(
        subjects(&app, AGENT),
        ["Choose a new password", "Your password was changed"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_good_once_for_an_hour_and_until_the_next_one() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let refused = async |token: &str| {
        let answer = reset(&client, token, NEW).await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"], "{answer}");
        answer
    };
    let forged = refused("fcp_nobody").await;
    let first = link(&app).await;
    let second = link(&app).await;
    assert_eq!(refused(&first).await, forged, "replaced");
    app.wall.advance(TimeDelta::minutes(60));
    assert_eq!(refused(&second).await, forged, "expired");
    let third = link(&app).await;
    // Two at once: one has it.
    let (one, other) = tokio::join!(
        reset(&client, &third, NEW),
        reset(&client, &third, "nine loud umbrellas freeze")
    );
    let won = [&one, &other]
        .iter()
        .filter(|answer| answer["changed"] == true)
        .count();
    assert_eq!(won, 1, "{one} {other}");
    assert_eq!(refused(&third).await, forged, "used");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn whether_an_address_is_known_shows_nowhere() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let jobs = async || -> i64 {
        let sql = "SELECT count(*) FROM queue._private_jobs";
        app.superuser().await.fetch_one(sql).await.unwrap().get(0)
    };
    for nth in 1..=5 {
        let known = ask(&client, AGENT).await;
        let unknown = ask(&client, "nobody@acme.example").await;
        assert_eq!(known, unknown);
        assert_eq!(jobs().await, nth * 2, "the same work");
    }
    app.run_jobs().await;
    assert_eq!(links(&app, AGENT).len(), 3, "three an hour");
    assert_eq!(app.sandbox.state().mails().len(), 3, "and none to nobody");
    app.wall.advance(TimeDelta::minutes(67));
    ask(&client, "Agent@ACME.example").await;
    app.run_jobs().await;
    assert_eq!(links(&app, AGENT).len(), 4);
    let malformed = ask(&client, "not an address").await;
    assert_eq!(user_errors(&malformed), ["INVALID_INPUT"]);
    app.finish().await;
}

#[tokio::test]
async fn who_changes_a_password_proves_the_old_one_and_signs_in_anew() {
    let app = TestApp::start().await;
    let (agent, elsewhere) = (app.acme.agent().await, app.acme.agent().await);
    let link = link(&app).await;
    let challenge = log_in(&app.anonymous(), AGENT, DEMO_PASSWORD).await["mfaChallenge"]["token"].clone();
    let wrong = change(&agent, "not the password", NEW).await;
    assert_eq!(user_errors(&wrong), ["BAD_CREDENTIALS"]);
    assert_eq!(
        wrong["userErrors"][0]["field"],
        json!(["input", "currentPassword"])
    );
    for (password, why) in [
        (DEMO_PASSWORD, "the same again, and a common one"),
        ("Short1!", "short"),
        ("Password-2026", "common"),
        ("agent@acme.example!", "the address"),
    ] {
        let answer = change(&agent, DEMO_PASSWORD, password).await;
        assert_eq!(user_errors(&answer), ["INVALID_INPUT"], "{why}");
        assert_eq!(answer["userErrors"][0]["field"], json!(["input", "newPassword"]));
    }
    assert!(may_act(&agent).await && may_act(&elsewhere).await);

    // With a second factor twelve characters of four kinds do.
    let done = change(&agent, DEMO_PASSWORD, "Kv7#mQ2!xTzp").await;
    assert_eq!(done, json!({ "changed": true, "userErrors": [] }));
    assert!(!may_act(&agent).await && !may_act(&elsewhere).await);
    let stale = complete(&app.anonymous(), &challenge, &totp_code(&app.wall)).await;
    assert_eq!(
        user_errors(&stale),
        ["BAD_CREDENTIALS"],
        "a log-in half done with the old password"
    );
    let late = reset(&app.anonymous(), &link, NEW).await;
    assert_eq!(
        user_errors(&late),
        ["BAD_CREDENTIALS"],
        "and a link asked for before"
    );
    let back = app.anonymous().signing_in(&app.wall, AGENT, "Kv7#mQ2!xTzp").await;
    assert!(may_act(&back).await);
    app.run_jobs().await;
    assert_eq!(subjects(&app, AGENT).pop().unwrap(), "Your password was changed");
    let reasons: Vec<String> = app
        .superuser()
        .await
        .fetch_all("SELECT DISTINCT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL")
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(reasons, ["PASSWORD_CHANGED"]);
    app.finish().await;
}

#[tokio::test]
async fn an_open_browser_is_no_place_to_guess_the_password() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    for _ in 0..5 {
        let answer = change(&agent, "a guess", NEW).await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"]);
    }
    let locked = change(&agent, DEMO_PASSWORD, NEW).await;
    assert_eq!(user_errors(&locked), ["LOCKED"], "the right one neither");
    app.run_jobs().await;
    assert_eq!(subjects(&app, AGENT), ["Somebody cannot sign in as you"]);
    app.finish().await;
}

#[tokio::test]
async fn four_kinds_of_characters_are_a_setting() {
    let app = TestApp::start_with(Options {
        settings: vec![("PASSWORD_CLASSES_REQUIRED", "false".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let done = change(&agent, DEMO_PASSWORD, "lamp violin frost").await;
    assert_eq!(done["changed"], true, "{done}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_changes_a_password_without_signing_in() {
    let app = TestApp::start().await;
    let answer = app
        .anonymous()
        .gql(CHANGE, json!({ "current": DEMO_PASSWORD, "password": NEW }))
        .await;
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    app.finish().await;
}
