//! A text that could not be acted on when it came: until its job has done so nothing leaves for the person, on any of their
//! numbers, and what it asks for and states counts as of when it came.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, Row as _};

use super::queue::count;
use crate::support::{Options, TestApp, data, send};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;
/// His other number.
const SECOND: &str = "+13125550177";

/// A service whose transactions wait for nobody longer than a second.
async fn impatient() -> TestApp {
    TestApp::start_with(Options {
        settings: vec![("DATABASE_LOCK_TIMEOUT_SECONDS", "1".to_owned())],
        ..Options::default()
    })
    .await
}

/// Somebody works on everybody's records while the text comes: it is stored, and waits for its job.
async fn text_meanwhile(app: &TestApp, from: &str, text: &str) {
    let mut holder = app.superuser().await;
    let mut held = holder.begin().await.unwrap();
    held.execute("SELECT FROM debtors FOR NO KEY UPDATE")
        .await
        .unwrap();
    assert_eq!(app.text_arrives(&app.acme, from, text).await, 200);
    held.commit().await.unwrap();
    let waiting = "SELECT count(*) FROM provider_events WHERE NOT is_acted_on";
    assert_eq!(count(&mut app.superuser().await, waiting).await, 1);
}

/// The job of a stored text is lost until the reconciler finds it.
async fn lose_jobs(app: &TestApp) {
    app.superuser()
        .await
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn until_a_text_is_acted_on_nothing_leaves_for_the_persons_other_numbers_either() {
    let app = impatient().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let seen = agent
        .gql(
            "query($c: ID!) { conversation(id: $c) { debtor { id } } }",
            json!({ "c": thread }),
        )
        .await;
    let added = agent
        .gql(
            "mutation($i: AddContactPointInput!) { addContactPoint(input: $i) { userErrors { code message } } }",
            json!({ "i": { "debtorId": data(&seen)["conversation"]["debtor"]["id"], "phone": SECOND } }),
        )
        .await;
    assert_eq!(data(&added)["addContactPoint"]["userErrors"], json!([]));
    text_meanwhile(&app, SECOND, "Stop contacting me. Never write to me again.").await;
    lose_jobs(&app).await;

    let message = send(&agent, &thread, "Does Friday suit you?").await;
    app.run_due_jobs().await;
    assert_eq!(app.status(&message).await, "QUEUED");
    assert!(app.attempts(&message).await.is_empty());

    app.advance(TimeDelta::seconds(61)).await;
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(61)).await;
    app.run_jobs().await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("reg-f-cease-communication"))
    );
    assert!(app.received_by(&app.acme.debtor_number(JAMES)).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_dispute_of_the_last_day_counts_however_late_it_is_acted_on() {
    let app = impatient().await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE accounts SET validation_notice_on = '2026-05-05', validation_period_ends_on = '2026-06-10' WHERE account_number = 'ACME-10002'")
        .await
        .unwrap();
    let phone = app.acme.debtor_number(JAMES);
    let arrived = app.app.clock.now();
    text_meanwhile(&app, &phone, "I dispute this debt.").await;
    lose_jobs(&app).await;
    app.advance(TimeDelta::days(3)).await;
    app.run_jobs().await;

    let filed = "SELECT d.received_at, d.within_validation_period, d.due_at, h.placed_at, d.filed_at
                 FROM disputes d JOIN holds h ON h.id = d.hold_id";
    let filed = superuser.fetch_one(filed).await.unwrap();
    assert_eq!(filed.get::<DateTime<Utc>, _>("received_at"), arrived);
    assert!(filed.get::<bool, _>("within_validation_period"));
    assert_eq!(
        filed.get::<DateTime<Utc>, _>("due_at"),
        arrived + TimeDelta::days(30)
    );
    assert_eq!(filed.get::<DateTime<Utc>, _>("placed_at"), arrived);
    assert!(filed.get::<DateTime<Utc>, _>("filed_at") >= arrived + TimeDelta::days(3));
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_late_was_taken_back_when_the_text_came() {
    let app = impatient().await;
    let phone = app.acme.debtor_number(JAMES);
    let arrived = app.app.clock.now();
    text_meanwhile(&app, &phone, "Never contact me again, on any channel.").await;
    lose_jobs(&app).await;
    app.advance(TimeDelta::hours(5)).await;
    app.run_jobs().await;
    let mut superuser = app.superuser().await;
    for since in [
        "SELECT created_at FROM suppressions WHERE reason = 'OPT_OUT'",
        "SELECT said_at FROM consents WHERE status = 'REVOKED'",
        "SELECT placed_at FROM holds WHERE kind = 'CEASE'",
    ] {
        let row = superuser.fetch_one(since).await.unwrap();
        assert_eq!(row.get::<DateTime<Utc>, _>(0), arrived, "{since}");
    }
    app.finish().await;
}
