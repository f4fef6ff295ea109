//! Vendor credentials go in and never come out.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::only_error;
use crate::support::{Client, TestApp, Webhook, data, error_code};

const SET: &str = "mutation($s: String!, $t: String!) {
  setProviderCredentials(input: { twilio: { accountSid: $s, authToken: $t } }) {
    providerAccount { id externalId secretEndsWith previousSecretUntil setBy { name } } userErrors { code field message } } }";

async fn set(client: &Client, sid: &str, token: &str) -> Value {
    let answer = client.gql(SET, json!({ "s": sid, "t": token })).await;
    data(&answer)["setProviderCredentials"].clone()
}

#[tokio::test]
async fn a_rotated_token_is_good_at_once_and_the_one_before_for_a_day() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let sid = app.acme.demo.twilio_sid();
    let token = "00112233445566778899aabbccddbeef";
    app.sandbox.state().issue_token(&sid, token);
    let rotated = set(&admin, &sid, token).await;
    assert_eq!(rotated["userErrors"], json!([]));
    assert_eq!(rotated["providerAccount"]["secretEndsWith"], "beef");
    assert!(rotated["providerAccount"]["previousSecretUntil"].is_string());
    let listed = admin
        .gql(
            "{ providerAccounts { externalId secretEndsWith setAt setBy { name } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&listed)["providerAccounts"].as_array().unwrap().len(),
        1,
        "rotated, not added"
    );
    assert_eq!(
        data(&listed)["providerAccounts"][0]["setBy"]["name"],
        "Admin of Acme Recovery"
    );

    let from = app.acme.debtor_number(0);
    let signed = |sid: &str, token: &str| Webhook {
        token: Some(token.to_owned()),
        ..Webhook::text(&app.acme, &from, "Hello", sid)
    };
    let before = app.acme.demo.twilio_token();
    assert_eq!(signed("SM01", token).post(&app).await.0, 200);
    assert_eq!(
        signed("SM02", &before).post(&app).await.0,
        200,
        "while the rotation lasts"
    );
    assert_eq!(signed("SM03", &"9".repeat(32)).post(&app).await.0, 403);
    app.run_jobs().await;
    app.advance(TimeDelta::hours(25)).await;
    assert_eq!(signed("SM04", &before).post(&app).await.0, 403, "a day later");
    assert_eq!(signed("SM05", token).post(&app).await.0, 200);
    app.run_jobs().await;

    // Nowhere in clear, in no row of any table.
    let mut superuser = app.superuser().await;
    for table in [
        "provider_accounts",
        "audit_events",
        "idempotency_keys",
        "platform_audit_events",
    ] {
        let rows = superuser
            .fetch_all(sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t")))
            .await
            .unwrap();
        let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
        for text in rows.iter().map(|row| row.get::<String, _>(0)) {
            assert!(!text.contains(token) && !text.contains(&hex), "{table}");
        }
    }
    assert_eq!(app.audited("provider_account.rotated").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn an_account_belongs_to_one_business_and_nobody_learns_to_which() {
    let app = TestApp::start().await;
    let globex = app.globex.sign_in("admin").await;
    // Who does not know the token cannot occupy the account; who knows it still cannot take it over.
    let acmes = app.acme.demo.twilio_sid();
    let (code, place, message) = only_error(&set(&globex, &acmes, &"a".repeat(32)).await);
    assert_eq!(
        (code.as_str(), place.as_str()),
        ("INVALID_INPUT", "input.twilio.authToken")
    );
    assert!(message.contains("Twilio does not take this pair"), "{message}");
    let nobodys = format!("AC{}", "e".repeat(32));
    assert_eq!(
        only_error(&set(&globex, &nobodys, &"a".repeat(32)).await).0,
        "INVALID_INPUT"
    );
    let taken = set(&globex, &acmes, &app.acme.demo.twilio_token()).await;
    let (code, place, message) = only_error(&taken);
    assert_eq!(
        (code.as_str(), place.as_str()),
        ("CONFLICT", "input.twilio.accountSid")
    );
    assert!(!message.to_lowercase().contains("acme"), "{message}");
    for (sid, token, place) in [
        ("AC12".to_owned(), "a".repeat(32), "input.twilio.accountSid"),
        (
            format!("AC{}", "c".repeat(32)),
            "short".to_owned(),
            "input.twilio.authToken",
        ),
    ] {
        let (code, found, message) = only_error(&set(&globex, &sid, &token).await);
        assert_eq!((code.as_str(), found.as_str()), ("INVALID_INPUT", place));
        assert!(!message.contains("short"), "a secret is never told back");
    }
    let new = format!("AC{}", "c".repeat(32));
    app.sandbox.state().issue_token(&new, &"d".repeat(32));
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::Error500, 1)
        .unwrap();
    let away = globex.gql(SET, json!({ "s": new, "t": "d".repeat(32) })).await;
    assert_eq!(error_code(&away), "UNAVAILABLE");
    assert_eq!(set(&globex, &new, &"d".repeat(32)).await["userErrors"], json!([]));
    for login in ["manager", "agent", "compliance"] {
        let other = app.globex.sign_in(login).await;
        assert_eq!(
            error_code(&other.gql("{ providerAccounts { id } }", json!({})).await),
            "FORBIDDEN"
        );
        let answer = other.gql(SET, json!({ "s": new, "t": "d".repeat(32) })).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{login}");
    }
    app.finish().await;
}
