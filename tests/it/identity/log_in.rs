//! Password, then second factor; what a guesser learns, and how soon they are stopped.

use chrono::TimeDelta;
use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{complete, log_in};
use crate::support::{Client, Options, TestApp, error_code, totp_code, user_errors};

const AGENT: &str = "agent@acme.example";

/// Callers say where they are through a proxy that is believed.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(Options {
        settings: vec![("TRUSTED_PROXIES", "127.0.0.1/32".to_owned())],
        ..Options::default()
    })
    .await
}

fn caller_at(app: &TestApp, address: &str) -> Client {
    app.anonymous().calling_from(address)
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let wrong = log_in(&client, AGENT, "not the password").await;
    let unknown = log_in(&client, "nobody@acme.example", "not the password").await;
    let malformed = log_in(&client, "not an address", "not the password").await;
    assert_eq!(user_errors(&wrong), ["BAD_CREDENTIALS"]);
    assert_eq!((&wrong, &wrong), (&unknown, &malformed));
    app.finish().await;
}

#[tokio::test]
async fn five_failures_lock_an_account_for_a_quarter_of_an_hour_and_nobody_elses() {
    let app = behind_a_proxy().await;
    for guess in 0..5 {
        let guesser = caller_at(&app, &format!("198.51.100.{guess}"));
        let answer = log_in(&guesser, AGENT, "a guess").await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"]);
    }
    let fresh = caller_at(&app, "203.0.113.1");
    let locked = log_in(&fresh, AGENT, DEMO_PASSWORD).await;
    assert_eq!(user_errors(&locked), ["LOCKED"], "the right password neither");
    assert!(
        locked["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("minute")
    );
    let other = log_in(&fresh, "manager@acme.example", DEMO_PASSWORD).await;
    assert!(other["mfaChallenge"]["token"].is_string());

    app.wall.advance(TimeDelta::minutes(17));
    let free = log_in(&fresh, AGENT, DEMO_PASSWORD).await;
    assert!(free["mfaChallenge"]["token"].is_string(), "{free}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn five_failures_lock_an_address_out_whatever_the_account() {
    let app = behind_a_proxy().await;
    let guesser = caller_at(&app, "198.51.100.7");
    for guess in 0..5 {
        // What is right counts nothing.
        let right = log_in(&guesser, "admin@acme.example", DEMO_PASSWORD).await;
        assert!(
            right["mfaChallenge"]["token"].is_string(),
            "after {guess} failures"
        );
        let answer = log_in(&guesser, &format!("user{guess}@acme.example"), "a guess").await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"]);
    }
    let locked = log_in(&guesser, AGENT, DEMO_PASSWORD).await;
    assert_eq!(user_errors(&locked), ["LOCKED"]);
    let elsewhere = log_in(&caller_at(&app, "198.51.100.8"), AGENT, DEMO_PASSWORD).await;
    assert!(elsewhere["mfaChallenge"]["token"].is_string());

    app.wall.advance(TimeDelta::minutes(17));
    let free = log_in(&guesser, AGENT, DEMO_PASSWORD).await;
    assert!(free["mfaChallenge"]["token"].is_string());
    app.finish().await;
}

#[tokio::test]
async fn guessed_codes_lock_the_second_factor_too() {
    let app = behind_a_proxy().await;
    let entered = log_in(&app.anonymous(), AGENT, DEMO_PASSWORD).await;
    let token = &entered["mfaChallenge"]["token"];
    for guess in 0..5 {
        let guesser = caller_at(&app, &format!("198.51.100.{guess}"));
        assert_eq!(
            user_errors(&complete(&guesser, token, "123456").await),
            ["BAD_CREDENTIALS"]
        );
    }
    let locked = complete(&caller_at(&app, "203.0.113.1"), token, &totp_code(&app.wall)).await;
    assert_eq!(user_errors(&locked), ["LOCKED"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_one_time_code_is_good_once() {
    let app = TestApp::start_with(Options {
        settings: vec![("TOTP_REUSE_ALLOWED", "false".to_owned())],
        ..Options::default()
    })
    .await;
    let client = app.anonymous();
    let code = totp_code(&app.wall);
    let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
    let token = &entered["mfaChallenge"]["token"];
    // Twice at the same moment: one of them is in.
    let (first, second) = tokio::join!(complete(&client, token, &code), complete(&client, token, &code));
    let mut errors = [user_errors(&first), user_errors(&second)];
    errors.sort();
    assert_eq!(errors, [vec![], vec!["BAD_CREDENTIALS"]]);

    let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
    let token = &entered["mfaChallenge"]["token"];
    assert_eq!(
        user_errors(&complete(&client, token, &code).await),
        ["BAD_CREDENTIALS"]
    );
    app.wall.advance(TimeDelta::seconds(30));
    let next = complete(&client, token, &totp_code(&app.wall)).await;
    assert_eq!(
        next["session"]["viewer"]["user"]["name"],
        "Agent of Acme Recovery"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_token_of_one_purpose_is_good_for_no_other() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let agent = app.acme.agent().await;
    let access = agent.access_token.clone().unwrap();
    let refresh_token = agent.refresh_token.clone().unwrap();
    let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
    let challenge = entered["mfaChallenge"]["token"].as_str().unwrap().to_owned();

    let mut forged = access.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    for bearer in [
        challenge.as_str(),
        refresh_token.as_str(),
        "nonsense",
        &forged[..forged.len() - 4],
    ] {
        let mut other = app.anonymous();
        other.access_token = Some(bearer.to_owned());
        let answer = other.gql("{ viewer { role } }", json!({})).await;
        assert_eq!(error_code(&answer), "UNAUTHENTICATED", "{bearer}");
    }
    for token in [access.as_str(), refresh_token.as_str(), "nonsense"] {
        let answer = complete(&client, &json!(token), &totp_code(&app.wall)).await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"], "{token}");
        let answer = super::refresh(&client, &json!(challenge)).await;
        assert_eq!(user_errors(&answer), ["BAD_CREDENTIALS"]);
    }
    let begun = client
        .gql(
            "mutation($t: String!) { beginMfaEnrollment(input: { token: $t }) { secret userErrors { code } } }",
            json!({ "t": challenge }),
        )
        .await;
    assert_eq!(
        user_errors(&begun["data"]["beginMfaEnrollment"]),
        ["BAD_CREDENTIALS"],
        "who has a second factor does not enrol another with the password alone"
    );

    // A challenge waits ten minutes, an access token is good for fifteen.
    app.wall.advance(TimeDelta::minutes(11));
    let late = complete(&client, &json!(challenge), &totp_code(&app.wall)).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    assert!(agent.gql("{ viewer { role } }", json!({})).await["errors"].is_null());
    app.wall.advance(TimeDelta::minutes(4));
    let expired = agent.gql("{ viewer { role } }", json!({})).await;
    assert_eq!(error_code(&expired), "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn a_hash_by_bcrypt_is_verified_and_made_anew_at_the_log_in() {
    let app = TestApp::start().await;
    let mut superuser = app.superuser().await;
    let hash = bcrypt::hash_with_salt(DEMO_PASSWORD, 4, [7; 16]).unwrap();
    let brought = hash.format_for_version(bcrypt::Version::TwoB);
    let sql = "UPDATE identities i SET password_hash = $1 FROM users u WHERE u.identity_id = i.id AND u.role = 'AGENT'";
    superuser.execute(sqlx::query(sql).bind(&brought)).await.unwrap();
    let hash = "SELECT i.password_hash FROM identities i JOIN users u ON u.identity_id = i.id
                JOIN businesses b ON b.id = u.business_id WHERE u.role = 'AGENT' AND b.slug = 'acme'";
    let client = app.anonymous();
    let wrong = log_in(&client, AGENT, "not the password").await;
    assert_eq!(user_errors(&wrong), ["BAD_CREDENTIALS"]);
    let kept: String = superuser.fetch_one(hash).await.unwrap().get(0);
    assert_eq!(kept, brought, "a wrong password renews nothing");
    for _ in 0..2 {
        let entered = log_in(&client, AGENT, DEMO_PASSWORD).await;
        let done = complete(&client, &entered["mfaChallenge"]["token"], &totp_code(&app.wall)).await;
        assert_eq!(user_errors(&done), Vec::<&str>::new());
        let renewed: String = superuser.fetch_one(hash).await.unwrap().get(0);
        assert!(renewed.starts_with("$argon2id$"), "{renewed}");
    }
    app.finish().await;
}
