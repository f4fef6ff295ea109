//! A text is answered at most once, and by a person if they come first.

use sqlx::{Connection as _, Executor as _};

use super::{MARIA, assistant, last_text, look_at, sent_to, switch_on, turns};
use crate::support::{TestApp, eventually, send};
use funnelchat::assistant::{AnswerText, answer_text};

#[tokio::test]
async fn however_often_and_however_many_look_there_is_one_answer() {
    let app = TestApp::start().await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;
    switch_on(&app.acme).await;
    let message = last_text(&app).await;
    tokio::join!(
        look_at(&app, &app.acme, message),
        look_at(&app, &app.acme, message),
        look_at(&app, &app.acme, message),
    );
    app.run_jobs().await;
    look_at(&app, &app.acme, message).await;
    app.run_jobs().await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1);
    assert_eq!(turns(&app).await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_is_killed_between_leaves_nothing_and_the_next_answers_once() {
    let app = TestApp::start().await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;
    switch_on(&app.acme).await;
    let message_id = last_text(&app).await;
    // Whoever looks has written everything but the mark when it has to wait for this.
    let mut superuser = app.superuser().await;
    let mut held = superuser.begin().await.unwrap();
    held.execute("LOCK TABLE assistant_turns IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let ctx = app.service_ctx(&app.acme).await;
    let owner = assistant(&app);
    tokio::select! {
        done = answer_text(&owner, &ctx, AnswerText { message_id }) => panic!("it had to wait: {done:?}"),
        () = eventually("it waits", async || {
            let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'assistant_turns'::regclass")
                .fetch_one(&mut app.superuser().await).await.unwrap();
            (waiting > 0).then_some(())
        }) => {}
    }
    held.rollback().await.unwrap();
    app.run_jobs().await;
    assert_eq!(
        sent_to(&app, &app.acme, MARIA).len(),
        0,
        "nothing was left half done"
    );
    look_at(&app, &app.acme, message_id).await;
    app.run_jobs().await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_person_who_answered_first_has_answered() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;
    let message = last_text(&app).await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    send(&agent, &thread, "Let us look at it together.").await;
    switch_on(&app.acme).await;
    look_at(&app, &app.acme, message).await;
    app.run_jobs().await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1, "the agent's");
    assert!(turns(&app).await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn after_a_stop_nothing_leaves() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let maria = app.acme.debtor_number(MARIA);
    app.text_arrives(&app.acme, &maria, "How much do I owe?").await;
    app.text_arrives(&app.acme, &maria, "Please stop texting me")
        .await;
    app.run_jobs().await;
    for text in sent_to(&app, &app.acme, MARIA) {
        assert!(!text.body.contains("automated assistant"), "{}", text.body);
    }
    let turns = turns(&app).await;
    assert!(turns.iter().all(|turn| turn.0 != "ANSWERED"), "{turns:?}");
    app.finish().await;
}
