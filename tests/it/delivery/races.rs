//! Two at once: one message goes once, and the last frequency slot is taken once.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, Row as _};

use super::queue::{count, waits_for_a_lock};
use crate::support::{Options, TestApp, data, send, send_refused};
use funnelchat::platform::ids::{self, IdKind};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

#[tokio::test]
async fn two_workers_and_four_jobs_for_one_message_make_one_attempt() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let business = app.business_id(&app.acme).await;
    let id = ids::decode(IdKind::Message, &message).unwrap();
    let mut superuser = app.superuser().await;
    for _ in 0..3 {
        sqlx::query("SELECT queue.enqueue_for($1, 'conversations.deliver_message', jsonb_build_object('message_id', $2))")
            .bind(business)
            .bind(id)
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    let second = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    tokio::join!(app.run_due_jobs(), second.run_due_jobs());
    app.run_jobs().await;
    second.run_jobs().await;

    assert_eq!(app.attempts(&message).await.len(), 1);
    let phone = app.acme.debtor_number(JAMES);
    assert_eq!(
        app.received_by(&phone).len() + second.received_by(&phone).len(),
        1
    );
    assert_eq!(app.slots_taken().await, 1);
    second.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn two_sends_for_the_last_slot_of_the_week_make_one_text_and_one_to_be_sent_again() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    for text in ["Good morning from Acme.", "Did you see my message?"] {
        send(&agent, &thread, text).await;
        app.run_jobs().await;
    }
    let (first, second) = tokio::join!(
        send(&agent, &thread, "This week's last text."),
        send(&agent, &thread, "And one more.")
    );
    app.run_jobs().await;

    let (mut gone, mut stopped) = (Vec::new(), Vec::new());
    for message in [&first, &second] {
        match app.status(message).await.as_str() {
            "DELIVERED" => gone.push(message.clone()),
            "BLOCKED" => stopped.push(message.clone()),
            other => panic!("neither sent nor stopped: {other}"),
        }
    }
    assert_eq!((gone.len(), stopped.len()), (1, 1));
    let phone = app.acme.debtor_number(JAMES);
    assert_eq!(app.received_by(&phone).len(), 3);
    assert_eq!(app.audited("message.deferred").await, 0);
    let rule = sqlx::query(
        "SELECT decision ->> 'rule' FROM decisions WHERE stage = 'DISPATCH' AND outcome = 'DEFER'",
    )
    .fetch_one(&mut app.superuser().await)
    .await
    .unwrap();
    assert_eq!(rule.get::<String, _>(0), "product-sms-3-per-week");
    let answer = agent
        .gql(
            "query($id: ID!) { node(id: $id) { ... on Message { failureCode failureReason } } }",
            json!({ "id": stopped[0] }),
        )
        .await;
    let told = &data(&answer)["node"];
    assert_eq!(told["failureCode"], "product-sms-3-per-week");
    let reason = told["failureReason"].as_str().unwrap();
    assert!(reason.contains("send it again from "), "{reason}");

    app.advance(TimeDelta::days(8)).await;
    app.run_jobs().await;
    assert_eq!(
        app.received_by(&phone).len(),
        3,
        "what was written a week ago is not said unasked"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_that_waits_for_the_person_holds_nothing_that_a_text_of_theirs_needs() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let (mut holder, mut watcher) = (app.superuser().await, app.superuser().await);
    let mut held = holder.begin().await.unwrap();
    held.execute("SELECT FROM debtors FOR NO KEY UPDATE")
        .await
        .unwrap();
    let meanwhile = async {
        waits_for_a_lock(&mut watcher).await;
        let all = count(&mut watcher, "SELECT count(*) FROM messages").await;
        let free = "SELECT count(*) FROM (SELECT FROM messages FOR UPDATE SKIP LOCKED) m";
        assert_eq!(count(&mut watcher, free).await, all);
        held.commit().await.unwrap();
    };
    tokio::join!(app.run_due_jobs(), meanwhile);
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    app.finish().await;
}

#[tokio::test]
async fn a_wish_to_be_left_alone_is_taken_while_somebody_works_on_the_person_and_binds_before_anything_leaves()
 {
    let app = TestApp::start_with(Options {
        settings: vec![("DATABASE_LOCK_TIMEOUT_SECONDS", "1".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let phone = app.acme.debtor_number(JAMES);
    let (mut holder, mut watcher) = (app.superuser().await, app.superuser().await);
    let mut held = holder.begin().await.unwrap();
    held.execute("SELECT FROM debtors FOR NO KEY UPDATE")
        .await
        .unwrap();
    let taken = app
        .text_arrives(&app.acme, &phone, "Stop contacting me. Never write to me again.")
        .await;
    assert_eq!(taken, 200);
    let holds = "SELECT count(*) FROM holds WHERE kind = 'CEASE' AND source = 'INBOUND_TEXT'";
    assert_eq!(count(&mut watcher, holds).await, 0, "it waits for its job");
    held.commit().await.unwrap();

    app.run_jobs().await;
    assert_eq!(count(&mut watcher, holds).await, 1);
    assert_eq!(app.status(&message).await, "BLOCKED");
    assert!(app.received_by(&phone).is_empty(), "nothing left meanwhile");
    app.finish().await;
}

#[tokio::test]
async fn a_start_that_is_read_late_does_not_undo_the_stop_that_came_after_it() {
    let app = TestApp::start_with(Options {
        settings: vec![("DATABASE_LOCK_TIMEOUT_SECONDS", "1".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    assert_eq!(app.text(&app.acme, &phone, "STOP").await, 200);
    let (mut holder, mut watcher) = (app.superuser().await, app.superuser().await);
    let mut held = holder.begin().await.unwrap();
    held.execute("SELECT FROM suppressions FOR UPDATE").await.unwrap();
    assert_eq!(app.text_arrives(&app.acme, &phone, "START").await, 200);
    held.commit().await.unwrap();
    let waiting = "SELECT count(*) FROM provider_events WHERE NOT is_acted_on";
    assert_eq!(count(&mut watcher, waiting).await, 1, "it waits for its job");
    assert_eq!(app.text_arrives(&app.acme, &phone, "STOP").await, 200);

    app.run_jobs().await;
    let refused = send_refused(&agent, &thread, "Does Friday suit you?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    app.finish().await;
}
