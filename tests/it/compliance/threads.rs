//! What the gate makes of a thread: about no one debt, of what answers the debtor and of what does not.

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{account, create, holds::JAMES, new_account},
    support::{Client, TestApp, data, recipes::uuid_of, send, send_refused},
};

/// James owes a second debt, so that what he writes is about neither alone.
async fn second_debt(app: &TestApp, admin: &Client) {
    let first = app.account_id(&app.acme, JAMES).await;
    let debtor = account(admin, &first, "debtor { id }").await["debtor"]["id"].clone();
    let mut second = new_account("J-2");
    second["debtorId"] = debtor;
    create(admin, second).await;
}

/// The thread that his text has opened.
async fn thread_of(client: &Client) -> String {
    let seen = client
        .gql(
            "{ conversations(first: 5) { edges { node { id account { id } } } } }",
            json!({}),
        )
        .await;
    let node = &data(&seen)["conversations"]["edges"][0]["node"];
    assert_eq!(node["account"], Value::Null, "about no one debt: {seen}");
    node["id"].as_str().unwrap().to_owned()
}

async fn told_on(app: &TestApp) -> Vec<Option<NaiveDate>> {
    let rows = app
        .superuser()
        .await
        .fetch_all(
            "SELECT initial_communication_on FROM accounts WHERE account_number IN ('J-2', 'ACME-10002')
             ORDER BY account_number",
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_thread_of_no_one_debt_is_about_all_that_are_open() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    second_debt(&app, &admin).await;
    // He has heard of neither.
    app.superuser()
        .await
        .execute(
            "UPDATE accounts SET initial_communication_on = NULL, validation_notice_on = NULL, validation_period_ends_on = NULL
             WHERE account_number = 'ACME-10002'",
        )
        .await
        .unwrap();
    assert_eq!(told_on(&app).await, [None, None]);
    // He writes at eleven in the evening of 10 June, when the day is another one in UTC.
    app.advance(TimeDelta::hours(11)).await;
    let agent = app.acme.agent().await;
    app.text(
        &app.acme,
        &app.acme.debtor_number(JAMES),
        "Is this about my card?",
    )
    .await;
    let thread = thread_of(&agent).await;
    let answer = send(&agent, &thread, "We will look it up.").await;
    app.run_jobs().await;
    assert_eq!(app.status(&answer).await, "DELIVERED");
    let that_day = NaiveDate::from_ymd_opt(2026, 6, 10);
    assert_eq!(
        told_on(&app).await,
        [that_day, that_day],
        "of both he was told on his own day"
    );

    // The notices fall due five days later, and nothing but they go out then.
    app.advance(TimeDelta::days(6) + TimeDelta::hours(13)).await;
    let agent = app.acme.agent().await;
    let refused = send_refused(&agent, &thread, "Did you find it?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-validation-notice");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_collected_in_a_thread_once_every_debt_is_paid_or_closed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    second_debt(&app, &admin).await;
    let agent = app.acme.agent().await;
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "Hello?")
        .await;
    let thread = thread_of(&agent).await;
    send(&agent, &thread, "How can we help?").await;
    app.run_jobs().await;
    send(&agent, &thread, "Can we talk about it tomorrow?").await;
    app.run_jobs().await;
    app.superuser()
        .await
        .execute(
            "UPDATE accounts SET status = CASE account_number WHEN 'J-2' THEN 'CLOSED' ELSE 'PAID_IN_FULL' END
             WHERE account_number IN ('J-2', 'ACME-10002')",
        )
        .await
        .unwrap();
    let refused = send_refused(&agent, &thread, "There is one thing more.").await;
    assert_eq!(refused["decision"]["rule"], "paid-debt-no-collect");
    app.finish().await;
}

/// Of each slot that is taken, whether it was taken by an answer; the oldest first.
async fn answers(app: &TestApp) -> Vec<bool> {
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT reply FROM contact_slots WHERE released_at IS NULL ORDER BY reserved_at")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_message_is_answered_within_a_day_and_what_comes_later_counts_like_any_other_text() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let (thread, phone) = (
        app.thread_with(&agent, &app.acme, JAMES).await,
        app.acme.debtor_number(JAMES),
    );
    app.text(&app.acme, &phone, "ok").await;
    app.advance(TimeDelta::hours(23)).await;
    let agent = app.acme.agent().await;
    send(&agent, &thread, "Thank you.").await;
    app.run_jobs().await;
    app.text(&app.acme, &phone, "ok").await;
    app.advance(TimeDelta::hours(24) + TimeDelta::seconds(1)).await;
    let agent = app.acme.agent().await;
    send(&agent, &thread, "Does Friday suit you?").await;
    app.run_jobs().await;
    assert_eq!(answers(&app).await, [true, false]);
    app.finish().await;
}

#[tokio::test]
async fn what_never_went_and_what_the_service_sends_by_itself_is_no_answer() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let (thread, phone) = (
        app.thread_with(&agent, &app.acme, JAMES).await,
        app.acme.debtor_number(JAMES),
    );
    app.text(&app.acme, &phone, "How much is it?").await;
    let first = send(&agent, &thread, "We will look it up.").await;
    app.run_jobs().await;
    assert_eq!(answers(&app).await, [true]);
    let mut superuser = app.superuser().await;
    let id = uuid_of(&first);
    for (statement, why) in [
        (
            "UPDATE messages SET delivery_status = 'FAILED' WHERE id = $1",
            "it did not go",
        ),
        (
            "UPDATE messages SET delivery_status = 'DELIVERED', sender_type = 'SYSTEM' WHERE id = $1",
            "a notice of the service",
        ),
    ] {
        superuser.execute(sqlx::query(statement).bind(id)).await.unwrap();
        superuser.execute("DELETE FROM contact_slots").await.unwrap();
        let second = send(&agent, &thread, "We have found it.").await;
        app.run_jobs().await;
        assert_eq!(answers(&app).await, [true], "{why}");
        let gone = uuid_of(&second);
        let undo = sqlx::query("UPDATE messages SET delivery_status = 'FAILED' WHERE id = $1").bind(gone);
        superuser.execute(undo).await.unwrap();
    }
    app.finish().await;
}

#[tokio::test]
async fn a_card_number_that_somebody_texts_is_kept_nowhere() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "Take it from 4111 1111 1111 1111, cvv 123")
        .await;
    let seen = agent
        .gql(
            "query($c: ID!) { conversation(id: $c) { messages(last: 1) { edges { node { content } } } } }",
            json!({ "c": thread }),
        )
        .await;
    let content = &data(&seen)["conversation"]["messages"]["edges"][0]["node"]["content"];
    assert_eq!(content, "Take it from **** **** **** 1111, cvv ***");
    app.finish().await;
}
