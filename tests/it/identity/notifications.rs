//! What members of staff want to hear of, and what they hear of all the same.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::log_in;
use crate::support::{Client, TestApp, data, user_errors};

async fn set(client: &Client, wanted: Value) -> Value {
    let answer = client
        .gql(
            "mutation($p: [NotificationPreferenceInput!]!) { updateNotificationPreferences(input: { preferences: $p }) {
               viewer { notificationPreferences { kind channel enabled canChange } } userErrors { code field message } } }",
            json!({ "p": wanted }),
        )
        .await;
    data(&answer)["updateNotificationPreferences"].clone()
}

#[tokio::test]
async fn a_mail_that_is_not_wanted_is_not_sent_and_one_that_guards_is() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let before = admin
        .gql(
            "{ viewer { notificationPreferences { kind channel enabled canChange } } }",
            json!({}),
        )
        .await;
    let all = data(&before)["viewer"]["notificationPreferences"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(all.len(), 7);
    assert!(all.iter().all(|one| one["enabled"] == true), "{before}");
    let guards: Vec<&str> = all
        .iter()
        .filter(|one| one["canChange"] == false)
        .filter_map(|one| one["kind"].as_str())
        .collect();
    assert_eq!(
        guards,
        ["PASSWORD_CHANGED", "PLATFORM_ACCESS", "SIGN_IN_FAILURES"]
    );

    // A second administrator, who still wants to hear of everything.
    let made = super::invite(&admin, "second@acme.example", "BUSINESS_ADMIN").await;
    assert_eq!(user_errors(&made), Vec::<&str>::new());
    app.run_jobs().await;
    let token = super::link_token(&app, "second@acme.example");
    super::accept(&app, &token, &json!("a long and private phrase")).await;
    app.run_jobs().await;

    let off = set(
        &admin,
        json!([{ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": false }]),
    )
    .await;
    assert_eq!(
        off["viewer"]["notificationPreferences"][0],
        json!({ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": false, "canChange": true }),
        "{off}"
    );
    for (wanted, code) in [
        (
            json!([{ "kind": "PASSWORD_CHANGED", "channel": "EMAIL", "enabled": false }]),
            "CONFLICT",
        ),
        (
            json!([{ "kind": "MESSAGE_RECEIVED", "channel": "EMAIL", "enabled": true }]),
            "INVALID_INPUT",
        ),
        (
            json!([{ "kind": "IMPORT_FINISHED", "channel": "IN_APP", "enabled": false },
                { "kind": "IMPORT_FINISHED", "channel": "IN_APP", "enabled": true }]),
            "INVALID_INPUT",
        ),
    ] {
        assert_eq!(user_errors(&set(&admin, wanted).await), [code]);
    }

    let key = admin
        .gql(
            "mutation { createApiKey(input: { name: \"K\", scopes: [\"account:read\"], expiresInDays: 10 }) { apiKey { id } userErrors { code } } }",
            json!({}),
        )
        .await;
    assert!(data(&key)["createApiKey"]["apiKey"]["id"].is_string());
    let mails = |address: &str| app.sandbox.state().mails_to(address).len();
    let heard = (mails("admin@acme.example"), mails("second@acme.example"));
    app.advance(TimeDelta::days(1)).await;
    app.run_jobs().await;
    assert_eq!(
        (mails("admin@acme.example"), mails("second@acme.example")),
        (heard.0, heard.1 + 1),
        "one of the two is told that the key ends"
    );
    let admin = app.acme.sign_in("admin").await;
    let on = set(
        &admin,
        json!([{ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": true }]),
    )
    .await;
    assert_eq!(on["viewer"]["notificationPreferences"][0]["enabled"], true);
    app.advance(TimeDelta::days(7)).await;
    app.run_jobs().await;
    assert_eq!(
        mails("admin@acme.example"),
        heard.0 + 1,
        "three days before its end"
    );
    // Nobody turns off what a stranger at their log-in would.
    for _ in 0..5 {
        log_in(&app.anonymous(), "admin@acme.example", "wrong, wrong, wrong").await;
    }
    app.run_jobs().await;
    assert_eq!(mails("admin@acme.example"), heard.0 + 2);
    assert_eq!(app.audited("user.notifications_set").await, 2);
    app.finish().await;
}
