//! What waits: jobs for it do not become more, what fails stands before nobody for ever, and a permit that grew old in a
//! queue costs no message.

use chrono::TimeDelta;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::support::{TestApp, Webhook, eventually, send};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

pub(super) async fn count(superuser: &mut PgConnection, sql: &'static str) -> i64 {
    superuser.fetch_one(sql).await.unwrap().get(0)
}

#[tokio::test]
async fn a_message_that_waits_for_an_unread_text_has_one_job_however_long_it_waits() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let text = Webhook::text(
        &app.acme,
        &phone,
        "Can I pay on Friday?",
        "SM0123456789abcdef0123456789abcdef",
    );
    assert_eq!(text.post(&app).await.0, 200);
    let mut superuser = app.superuser().await;
    // Its job is lost, and the reconciler does not find it yet.
    superuser
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
    superuser
        .execute("UPDATE provider_events SET due_at = due_at + interval '1 hour' WHERE processed_at IS NULL")
        .await
        .unwrap();
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    app.run_due_jobs().await;
    for _ in 0..12 {
        app.advance(TimeDelta::minutes(1)).await;
        app.run_due_jobs().await;
        assert_eq!(
            count(&mut superuser, "SELECT count(*) FROM queue._private_jobs").await,
            1
        );
    }
    assert_eq!(
        (app.status(&message).await.as_str(), app.received_by(&phone).len()),
        ("QUEUED", 0)
    );

    superuser
        .execute("UPDATE provider_events SET due_at = received_at WHERE processed_at IS NULL")
        .await
        .unwrap();
    for _ in 0..3 {
        app.advance(TimeDelta::seconds(61)).await;
        app.run_jobs().await;
    }
    assert_eq!(app.status(&message).await, "DELIVERED");
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_made_ready_steps_back_each_time_and_fails_in_the_end() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE messages SET body_cipher = '\\x00' WHERE direction = 'OUTBOUND'")
        .await
        .unwrap();
    app.run_jobs().await;
    let mut before = app.message_state(&message).await.due.unwrap();
    assert!(before > app.app.clock.now(), "it does not stand before others");
    for _ in 0..6 {
        app.advance(TimeDelta::minutes(62)).await;
        app.run_jobs().await;
        let state = app.message_state(&message).await;
        assert_eq!(state.status, "QUEUED");
        assert!(state.due.unwrap() > before);
        before = state.due.unwrap();
    }
    app.advance(TimeDelta::minutes(62)).await;
    app.run_jobs().await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("FAILED", Some("NOT_READY"))
    );
    app.advance(TimeDelta::hours(5)).await;
    app.run_jobs().await;
    assert_eq!(
        count(&mut superuser, "SELECT count(*) FROM queue.failed_jobs").await,
        8
    );
    app.stop().await;
}

#[tokio::test]
async fn a_text_that_cannot_be_read_is_set_aside_and_later_ones_do_not_wait_for_it() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(JAMES);
    let mut superuser = app.superuser().await;
    let damaged = Webhook::text(
        &app.acme,
        &phone,
        "What do I owe by now?",
        &format!("SM{:032x}", 1),
    );
    assert_eq!(damaged.post(&app).await.0, 200);
    superuser
        .execute("UPDATE provider_events SET payload_cipher = '\\x00'")
        .await
        .unwrap();
    let later = Webhook::text(
        &app.acme,
        &phone,
        "Hello? Are you there?",
        &format!("SM{:032x}", 2),
    );
    assert_eq!(later.post(&app).await.0, 200);
    for _ in 0..6 {
        app.run_jobs().await;
        app.advance(TimeDelta::minutes(20)).await;
    }
    app.run_jobs().await;
    let inbound = "SELECT count(*) FROM messages WHERE direction = 'INBOUND'";
    assert_eq!(
        count(&mut superuser, inbound).await,
        1,
        "the later one has arrived"
    );
    let aside =
        "SELECT count(*) FROM provider_events WHERE quarantined_at IS NOT NULL AND processed_at IS NULL";
    assert_eq!(count(&mut superuser, aside).await, 1);
    assert_eq!(app.audited("message.quarantined").await, 1);
    assert!(app.log().contains("set aside"), "somebody hears of it");

    // Nobody knows what it asks for: nothing leaves for the number.
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    app.run_jobs().await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("UNREAD_TEXT"))
    );
    let failed = count(&mut superuser, "SELECT count(*) FROM queue.failed_jobs").await;
    app.advance(TimeDelta::hours(3)).await;
    app.run_jobs().await;
    assert_eq!(
        count(&mut superuser, "SELECT count(*) FROM queue.failed_jobs").await,
        failed,
        "it is tried once a day from now on"
    );
    app.stop().await;
}

/// Returns once somebody waits for a lock.
pub(super) async fn waits_for_a_lock(watcher: &mut PgConnection) {
    eventually("somebody waits for the lock", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (count(watcher, waiting).await > 0).then_some(())
    })
    .await;
}

/// Lets the delivery of one message wait for a lock, for longer than a permit is good.
async fn deliver_behind(app: &TestApp, lock: &'static str) -> String {
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let mut holder = app.superuser().await;
    let mut held = holder.begin().await.unwrap();
    held.execute(lock).await.unwrap();
    let mut watcher = app.superuser().await;
    let waits = async {
        waits_for_a_lock(&mut watcher).await;
        app.wall.advance(TimeDelta::seconds(61));
        held.commit().await.unwrap();
    };
    tokio::join!(app.run_due_jobs(), waits);
    app.sandbox.idle().await;
    message
}

#[tokio::test]
async fn the_permits_minute_begins_when_the_lock_on_the_person_is_there() {
    let app = TestApp::start().await;
    let message = deliver_behind(&app, "SELECT FROM debtors FOR NO KEY UPDATE").await;
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(app.attempts(&message).await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_permit_that_grew_old_before_its_turn_gives_the_slot_back_and_the_message_goes_later() {
    let app = TestApp::start().await;
    let message = deliver_behind(&app, "SELECT FROM business_head FOR UPDATE").await;
    assert_eq!(app.status(&message).await, "QUEUED");
    assert_eq!(
        app.attempts(&message).await,
        [("REFUSED".to_owned(), Some("PERMIT_EXPIRED".to_owned()))]
    );
    assert_eq!(app.slots_taken().await, 0);
    app.advance(TimeDelta::seconds(6)).await;
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(app.slots_taken().await, 1);
    app.finish().await;
}
