//! Nobody is written to at night, wherever the evidence says that they may be; but who writes gets one answer.

use chrono::TimeDelta;
use funnelchat::{
    accounts::Channel,
    compliance::{ConsentSource, NewConsent, record_consent},
    platform::ids::{self, IdKind},
};
use serde_json::json;
use sqlx::Row as _;

use crate::support::{TestApp, data, send, send_refused, user_errors};

const MARIA: usize = 0;

#[tokio::test]
async fn at_half_past_nine_in_the_evening_only_a_prompt_answer_may_go() {
    let app = TestApp::start().await;
    // From 13:00 to 21:30 in New York.
    app.advance(TimeDelta::minutes(8 * 60 + 30)).await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let refused = send_refused(&agent, &thread, "Can we talk about your balance?").await;
    let decision = &refused["decision"];
    assert_eq!(decision["outcome"], "DEFER");
    assert_eq!(decision["rule"], "reg-f-quiet-hours");
    let eight: chrono::DateTime<chrono::Utc> = decision["nextPermittedAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        eight.to_rfc3339(),
        "2026-06-11T12:00:00+00:00",
        "08:00 in New York"
    );

    let phone = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &phone, "Are you there? I want to pay.").await;
    let answer = send(&agent, &thread, "Yes, gladly.").await;
    app.run_jobs().await;
    assert_eq!(app.status(&answer).await, "DELIVERED");
    send_refused(&agent, &thread, "And another thing.").await;
    assert_eq!(
        app.received_by(&phone).len(),
        1,
        "one answer, and nothing else, at night"
    );
    app.finish().await;
}

#[tokio::test]
async fn without_any_evidence_of_where_somebody_is_they_are_not_written_to() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let created = manager
        .gql(
            "mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id debtor { id } } userErrors { code field message } } }",
            json!({ "input": {
                "firstName": "Nowhere", "lastName": "Known", "accountNumber": "NOWHERE-1", "phone": "+18005550123",
                "currentBalance": { "amount": "10.00", "currency": "USD" },
            } }),
        )
        .await;
    let created = &data(&created)["createAccount"];
    assert_eq!(user_errors(created), Vec::<&str>::new(), "{created}");
    let debtor = ids::decode(
        IdKind::Debtor,
        created["account"]["debtor"]["id"].as_str().unwrap(),
    )
    .unwrap();
    let point: uuid::Uuid = sqlx::query("SELECT id FROM contact_points WHERE debtor_id = $1")
        .bind(debtor)
        .fetch_one(&mut app.superuser().await)
        .await
        .unwrap()
        .get(0);
    let mut tx = app
        .app
        .db
        .tenant(&app.service_ctx(&app.acme).await)
        .await
        .unwrap();
    let keys = app
        .app
        .keyring
        .business(&app.app.db, tx.business_id())
        .await
        .unwrap();
    let consent = NewConsent::granted(point, Channel::Sms, ConsentSource::WebForm);
    record_consent(&mut tx, &keys, consent).await.unwrap();
    tx.commit().await.unwrap();

    let account = created["account"]["id"].as_str().unwrap();
    let started = app
        .start_with_message(&manager, account, "Good afternoon from Acme.")
        .await;
    assert_eq!(user_errors(&started), ["COMPLIANCE_BLOCKED"]);
    assert_eq!(started["decision"]["outcome"], "DENY");
    assert_eq!(started["decision"]["rule"], "location-evidence-required");
    app.run_jobs().await;
    assert_eq!(app.sandbox.state().messages().len(), 0);
    app.finish().await;
}
