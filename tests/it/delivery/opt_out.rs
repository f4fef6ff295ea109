//! The debtor says stop: what has not left dies with their word, and nothing leaves after it.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use crate::support::{Options, TestApp, Webhook, data, eventually, send, send_refused, user_errors};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

#[tokio::test]
async fn a_queued_message_dies_in_the_transaction_that_stores_the_stop() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let message = send(&agent, &thread, "Does Friday suit you?").await;

    // The webhook alone, before any job runs.
    let stop = app
        .sandbox
        .state()
        .receive_text(&phone, app.acme.demo.number, "STOP")
        .await
        .unwrap();
    assert_eq!(stop.webhook_status, Some(200));
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("reg-f-medium-opt-out"))
    );
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT action, request_id FROM audit_events ORDER BY position DESC LIMIT 4")
        .await
        .unwrap();
    let mut actions: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    actions.reverse();
    assert_eq!(
        actions,
        [
            "suppression.recorded",
            "consent.revoked",
            "message.blocked",
            "message.received"
        ]
    );
    let request: String = rows[0].get(1);
    assert!(
        rows.iter().all(|row| row.get::<String, _>(1) == request),
        "one request, one transaction"
    );

    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 0);
    let refused = send_refused(&agent, &thread, "Are you sure?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    app.finish().await;
}

#[tokio::test]
async fn a_stop_cannot_take_back_what_the_vendor_has() {
    let app = TestApp::start_with(Options {
        settings: vec![("PROVIDER_TIMEOUT_SECONDS", "30".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::Timeout, 1)
        .unwrap();
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    tokio::select! {
        () = app.run_due_jobs() => panic!("the vendor holds its answer: the job cannot end"),
        () = eventually("the vendor has the text", async || (!app.received_by(&phone).is_empty()).then_some(())) => {}
    }
    app.release_jobs_of_dead_workers().await;
    app.text(&app.acme, &phone, "STOP").await;
    assert_eq!(
        app.status(&message).await,
        "QUEUED",
        "its attempt is under way: it is not called blocked"
    );
    app.advance(TimeDelta::seconds(61)).await;
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    app.finish().await;
}

#[tokio::test]
async fn dispatch_waits_until_what_the_debtor_wrote_is_processed() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let text = app
        .sandbox
        .state()
        .receive_text(&phone, app.acme.demo.number, "Can I pay on Friday?");
    assert_eq!(text.await.unwrap().webhook_status, Some(200));
    // Its job is lost.
    app.superuser()
        .await
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    app.run_due_jobs().await;
    assert_eq!(app.status(&message).await, "QUEUED");
    assert_eq!(app.attempts(&message).await.len(), 0);
    assert_eq!(app.received_by(&phone).len(), 0);

    // The reconciler finds the text; then the message goes, within a minute or so.
    app.advance(TimeDelta::seconds(31)).await;
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(70)).await;
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    app.finish().await;
}

#[tokio::test]
async fn a_stop_from_a_number_that_nobody_knows_binds_whoever_gets_it_later() {
    let app = TestApp::start().await;
    let phone = "+13125550177";
    app.text(&app.acme, phone, "STOP").await;
    let manager = app.acme.sign_in("manager").await;
    let created = manager
        .gql(
            "mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id } userErrors { code message } } }",
            json!({ "input": {
                "firstName": "Olivia", "lastName": "Later", "accountNumber": "LATER-1", "phone": phone,
                "currentBalance": { "amount": "10.00", "currency": "USD" },
            } }),
        )
        .await;
    let account = data(&created)["createAccount"]["account"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let started = app
        .start_with_message(&manager, &account, "Good afternoon from Acme.")
        .await;
    assert_eq!(user_errors(&started), ["COMPLIANCE_BLOCKED"]);
    assert_eq!(started["decision"]["rule"], "reg-f-medium-opt-out");
    app.run_jobs().await;
    assert_eq!(app.received_by(phone).len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn start_restores_texts_and_an_ordinary_sentence_with_the_word_stop_ends_nothing() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "I could stop by the office on Monday")
        .await;
    send(&agent, &thread, "Please do.").await;
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);

    app.text(&app.acme, &phone, "STOP").await;
    send_refused(&agent, &thread, "Are you sure?").await;
    app.text(&app.acme, &phone, "START").await;
    let message = send(&agent, &thread, "Welcome back.").await;
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(app.audited("suppression.lifted").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn the_same_webhook_twice_changes_nothing() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(JAMES);
    let sid = "SM0123456789abcdef0123456789abcdef";
    let text = Webhook::text(&app.acme, &phone, "Can I pay in installments?", sid);
    let (first, answer) = text.post(&app).await;
    assert_eq!((first.as_u16(), answer.as_str()), (200, "<Response/>"));
    app.run_jobs().await;
    let before = counts(&app).await;
    let (second, _) = text.post(&app).await;
    assert_eq!(second, 200, "the vendor must not try a third time");
    app.run_jobs().await;
    assert_eq!(counts(&app).await, before);
    app.finish().await;
}

async fn counts(app: &TestApp) -> Vec<i64> {
    let row = app
        .superuser()
        .await
        .fetch_one(
            "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM conversations),
                    (SELECT count(*) FROM provider_events), (SELECT count(*) FROM audit_events),
                    (SELECT count(*) FROM live_events)",
        )
        .await
        .unwrap();
    (0..5).map(|column| row.get(column)).collect()
}
