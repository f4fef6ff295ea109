//! Answers that are owed: the inbox hears of each before it is due, and once more when it is overdue.

use chrono::TimeDelta;
use funnelchat::{compliance::find_due_answers, platform::clock::WallClock as _};
use serde_json::json;

use super::disputes::file;
use crate::{
    account_work::MARIA,
    support::{Options, TestApp, Wire, data, fresh_database},
};

#[tokio::test]
async fn an_answer_that_is_due_is_told_once_before_and_once_when_it_is_overdue() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let dispute = file(&compliance, &maria, json!({})).await;
    app.advance(TimeDelta::days(26)).await;
    app.run_jobs().await;
    assert_eq!(app.audited("dispute.due_told").await, 0);

    for (days, expected) in [(1, 1), (2, 1), (2, 2), (20, 2)] {
        app.advance(TimeDelta::days(days)).await;
        let other = TestApp::start_with(Options {
            database: Some(app.database()),
            wall: Some(app.wall.now()),
            ..Options::default()
        })
        .await;
        for process in [&app, &other] {
            process.app.registry.reconcile_all().await.unwrap();
        }
        tokio::join!(app.run_due_jobs(), other.run_due_jobs());
        app.run_jobs().await;
        other.finish().await;
        let told = app.audited("dispute.due_told").await;
        assert_eq!(told, expected, "after {days} days more");
    }
    let compliance = app.acme.sign_in("compliance").await;
    let now = app.app.clock.now().to_rfc3339();
    let overdue = compliance
        .gql(
            "query($n: DateTime) { disputes(first: 5, filter: { status: [OPEN, VERIFYING], dueBefore: $n }) {
               edges { node { id isOverdue } } } }",
            json!({ "n": now }),
        )
        .await;
    assert_eq!(
        data(&overdue)["disputes"]["edges"],
        json!([{ "node": { "id": dispute["id"], "isOverdue": true } }])
    );
    app.finish().await;
}

#[tokio::test]
async fn the_inbox_hears_of_answers_that_are_due() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let soon = (app.app.clock.now() + TimeDelta::days(2)).to_rfc3339();
    let dispute = file(&compliance, &maria, json!({ "dueAt": soon })).await;
    let head = compliance.gql("{ viewer { inboxCursor } }", json!({})).await;
    let mut inbox = compliance.socket().await;
    inbox
        .subscribe(
            "subscription($after: Cursor) { inboxEvents(after: $after) { ... on AnswerDue { account { id } disputes { id isOverdue } complaints { id } } } }",
            json!({ "after": data(&head)["viewer"]["inboxCursor"] }),
        )
        .await;
    app.app.registry.reconcile_all().await.unwrap();
    app.run_jobs().await;
    let event = loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["disputes"].is_array() {
            break event;
        }
    };
    assert_eq!(
        event,
        json!({ "account": { "id": maria }, "disputes": [{ "id": dispute["id"], "isOverdue": false }], "complaints": [] })
    );
    app.finish().await;
}

#[tokio::test]
async fn many_answers_that_are_due_are_found_in_as_many_statements_as_one() {
    let mut database = fresh_database().await;
    let (wire, port) = Wire::in_front_of(database.logins.system.get_port()).await;
    database.logins.system = database.logins.system.port(port);
    let app = TestApp::start_with(Options {
        database: Some(database),
        ..Options::default()
    })
    .await;
    let compliance = app.acme.sign_in("compliance").await;
    let soon = (app.app.clock.now() + TimeDelta::days(2)).to_rfc3339();
    let mut counted = Vec::new();
    for accounts in [0..1, 1..12] {
        for nth in accounts.clone() {
            let account = app.account_id(&app.acme, nth).await;
            file(&compliance, &account, json!({ "dueAt": soon })).await;
        }
        wire.clear();
        find_due_answers(&app.app.db).await.unwrap();
        // What else goes on at the same moment is not of it.
        let of_disputes = wire.statements().into_iter();
        counted.push(of_disputes.filter(|(_, text)| text.contains("dispute")).count());
        app.run_jobs().await;
    }
    assert!(counted[0] > 0 && counted[0] == counted[1], "{counted:?}");
    assert_eq!(app.audited("dispute.due_told").await, 12);
    app.finish().await;
}
