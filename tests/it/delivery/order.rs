//! A thread reads in the order in which it was written: an earlier text that the vendor made wait goes first, if it goes soon.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};

use super::faults::Story;
use crate::support::{TestApp, send};

#[tokio::test]
async fn a_text_waits_for_the_earlier_one_of_its_thread_which_the_vendor_made_wait() {
    let story = Story::begin(&[Fault::RateLimit]).await;
    let app = &story.app;
    let first = send(&story.agent, &story.thread, "A payment of $50 would do.").await;
    let second = send(&story.agent, &story.thread, "Does Friday suit you?").await;
    app.run_jobs().await;
    assert_eq!(story.states(&first).await, ["REFUSED"]);
    assert!(story.states(&second).await.is_empty(), "it has not been tried");
    assert_eq!(app.status(&second).await, "QUEUED");
    assert_eq!(story.on_the_phone(), 0);

    story.wait_out(TimeDelta::seconds(5)).await;
    for message in [&first, &second] {
        assert_eq!(app.status(message).await, "DELIVERED");
    }
    let heard: Vec<String> = app
        .received_by(&story.phone)
        .into_iter()
        .map(|text| text.body)
        .collect();
    assert_eq!(heard.len(), 2);
    assert!(heard[0].starts_with("A payment"), "{heard:?}");
    assert!(heard[1].starts_with("Does Friday"), "{heard:?}");
    story.app.finish().await;
}

#[tokio::test]
async fn a_text_waits_for_no_earlier_one_that_is_due_late_and_for_none_of_another_thread() {
    let story = Story::begin(&[Fault::RateLimitHour]).await;
    let app = &story.app;
    let first = story.send().await;
    assert_eq!(story.states(&first).await, ["REFUSED"]);
    let second = story.send().await;
    assert_eq!(app.status(&second).await, "DELIVERED");
    assert_eq!(app.status(&first).await, "QUEUED");

    // One that waits a minute in this thread holds up nobody else's.
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::RateLimit, 1)
        .unwrap();
    let third = story.send().await;
    let other = app.thread_with(&story.agent, &app.acme, 2).await;
    let elsewhere = send(&story.agent, &other, "Does Friday suit you?").await;
    app.run_jobs().await;
    assert_eq!(app.status(&third).await, "QUEUED");
    assert_eq!(app.status(&elsewhere).await, "DELIVERED");
    story.pass(TimeDelta::hours(1)).await;
    story.app.finish().await;
}

/// The oldest text that waits is due in a minute.
async fn put_off_the_first(app: &TestApp) {
    sqlx::query(
        "UPDATE messages SET dispatch_due_at = $1
         WHERE sequence = (SELECT min(sequence) FROM messages WHERE delivery_status = 'QUEUED')",
    )
    .bind(app.app.clock.now() + TimeDelta::minutes(1))
    .execute(&mut app.superuser().await)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_text_goes_anyway_once_it_has_waited_minutes_for_an_earlier_one() {
    let story = Story::begin(&[]).await;
    let app = &story.app;
    let first = send(&story.agent, &story.thread, "A payment of $50 would do.").await;
    let second = send(&story.agent, &story.thread, "Does Friday suit you?").await;
    for _ in 0..5 {
        put_off_the_first(app).await;
        app.run_jobs().await;
        assert_eq!(app.status(&second).await, "QUEUED");
        app.advance(TimeDelta::seconds(50)).await;
    }
    put_off_the_first(app).await;
    app.run_jobs().await;
    assert_eq!(app.status(&second).await, "DELIVERED");
    assert_eq!(app.status(&first).await, "QUEUED");
    story.pass(TimeDelta::minutes(5)).await;
    assert_eq!(app.status(&first).await, "DELIVERED");
    story.app.finish().await;
}
