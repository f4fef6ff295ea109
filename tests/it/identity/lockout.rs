//! Failed log-ins slow the next ones down, and tell the person; they never shut anybody out for good.

use chrono::TimeDelta;
use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{complete, log_in};
use crate::support::{Options, TestApp, data, totp_code, user_errors};

const AGENT: &str = "agent@acme.example";

/// The limiter lets everything pass: what is left is what the accounts remember.
async fn without_the_limiter() -> TestApp {
    let generous = |name| (name, "1000".to_owned());
    TestApp::start_with(Options {
        settings: vec![
            generous("RATE_LIMIT_LOGIN_FAILURES_PER_IP"),
            generous("RATE_LIMIT_LOGIN_FAILURES_PER_ACCOUNT"),
        ],
        ..Options::default()
    })
    .await
}

async fn rows(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM login_failures";
    app.superuser().await.fetch_one(sql).await.unwrap().get(0)
}

async fn alerts(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM platform_audit_events WHERE action = 'login.alert_raised'";
    app.superuser().await.fetch_one(sql).await.unwrap().get(0)
}

fn minutes(answer: &Value) -> u64 {
    assert_eq!(user_errors(answer), ["LOCKED"], "{answer}");
    let message = answer["userErrors"][0]["message"].as_str().unwrap();
    message
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap()
}

#[tokio::test]
async fn each_failure_doubles_the_wait_up_to_an_hour_for_known_and_unknown_alike() {
    let app = without_the_limiter().await;
    let client = app.anonymous();
    let mut waited = Vec::new();
    for failure in 1..=12 {
        for email in [AGENT, "nobody@acme.example"] {
            let answer = log_in(&client, email, "a guess").await;
            assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"], "{email} {failure}");
        }
        if failure < 5 {
            continue;
        }
        let known = minutes(&log_in(&client, AGENT, DEMO_PASSWORD).await);
        let unknown = minutes(&log_in(&client, "nobody@acme.example", "a guess").await);
        assert_eq!(known, unknown);
        waited.push(known);
        app.wall
            .advance(TimeDelta::minutes(i64::try_from(known).unwrap()));
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32, 60, 60]);

    // The wait is over: the person is in, and nothing is held against them any more.
    let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
    let done = complete(&client, &entered["mfaChallenge"]["token"], &totp_code(&app.wall)).await;
    assert!(done["session"]["accessToken"].is_string(), "{done}");
    assert_eq!(rows(&app).await, 1, "of the address that nobody has");
    app.advance(TimeDelta::hours(24)).await;
    assert_eq!(rows(&app).await, 0, "a day forgets");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn five_failures_in_an_hour_of_either_factor_are_told_to_the_person_once() {
    let app = without_the_limiter().await;
    let client = app.anonymous();
    for _ in 0..2 {
        log_in(&client, AGENT, "a guess").await;
    }
    let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
    let token = &entered["mfaChallenge"]["token"];
    for _ in 0..2 {
        assert_eq!(
            user_errors(&complete(&client, token, "123456").await),
            ["BAD_CREDENTIALS"]
        );
    }
    assert_eq!(alerts(&app).await, 0);
    complete(&client, token, "123456").await;
    assert_eq!(alerts(&app).await, 1);
    minutes(&complete(&client, token, &totp_code(&app.wall)).await);
    app.wall.advance(TimeDelta::minutes(1));
    log_in(&client, AGENT, "a guess").await;
    assert_eq!(alerts(&app).await, 1, "once an hour");
    // An address that nobody has raises it too, and no mail.
    for _ in 0..5 {
        log_in(&client, "nobody@acme.example", "a guess").await;
    }
    assert_eq!(alerts(&app).await, 2);
    app.run_jobs().await;
    let mails = app.sandbox.state().mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Somebody cannot sign in as you");
    app.finish().await;
}

#[tokio::test]
async fn parallel_guesses_do_not_slip_through() {
    let app = without_the_limiter().await;
    let client = app.anonymous();
    let guesses = (0..20).map(|_| log_in(&client, AGENT, "a guess"));
    let answers = futures_util::future::join_all(guesses).await;
    let tried = answers
        .iter()
        .filter(|answer| user_errors(answer) == ["BAD_CREDENTIALS"])
        .count();
    assert_eq!(tried, 5, "the others wait");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_by_mail_ends_every_wait_that_a_stranger_caused() {
    let app = TestApp::start_with(Options {
        settings: vec![("TRUSTED_PROXIES", "127.0.0.1/32".to_owned())],
        ..Options::default()
    })
    .await;
    let client = app.anonymous().calling_from("203.0.113.1");
    let stranger = app.anonymous().calling_from("198.51.100.7");
    for _ in 0..5 {
        log_in(&stranger, AGENT, "a guess").await;
    }
    minutes(&log_in(&client, AGENT, DEMO_PASSWORD).await);
    let ask = "mutation($e: EmailAddress!) { requestPasswordReset(input: { email: $e }) { accepted } }";
    data(&client.gql(ask, json!({ "e": AGENT })).await);
    app.run_jobs().await;
    let mails = app.sandbox.state().mails_to(AGENT);
    let text = mails
        .into_iter()
        .filter_map(|mail| mail.text)
        .find(|text| text.contains("token="));
    let token = text
        .unwrap()
        .split_once("token=")
        .unwrap()
        .1
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let reset = "mutation($t: String!) { resetPassword(input: { token: $t, newPassword: \"eleven quiet umbrellas melt\" }) { changed } }";
    assert_eq!(
        data(&client.gql(reset, json!({ "t": token })).await)["resetPassword"]["changed"],
        true
    );
    let entered = log_in(&client, AGENT, "eleven quiet umbrellas melt").await;
    assert!(entered["mfaChallenge"]["token"].is_string(), "{entered}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn another_process_knows_of_the_failures() {
    let app = without_the_limiter().await;
    let other = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    for _ in 0..5 {
        log_in(&app.anonymous(), AGENT, "a guess").await;
    }
    minutes(&log_in(&other.anonymous(), AGENT, DEMO_PASSWORD).await);
    app.run_jobs().await;
    other.finish().await;
    app.finish().await;
}
