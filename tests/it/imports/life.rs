//! An import is followed while it runs, costs as many statements whatever the rows, and goes when its time is over.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{begin, commit, count, import, previewed, rows};
use crate::support::{Options, TestApp, Wire, data, error_code, fresh_database};

const FOLLOW: &str = "subscription($id: ID!, $after: Cursor) { importProgress(importId: $id, after: $after) {
  cursor import { status analyzedRows totalRows result { processed imported } } } }";

#[tokio::test]
async fn who_follows_an_import_sees_it_move_and_end_and_resumes_where_they_were() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let begun = begin(&admin, &rows(20, "live")).await;
    let mut socket = admin.socket().await;
    socket.subscribe(FOLLOW, json!({ "id": begun["id"] })).await;
    let first = socket.event().await["importProgress"].clone();
    assert_eq!(
        first["import"]["status"], "ANALYZING",
        "the present state at once"
    );
    app.run_jobs().await;
    let mut seen = first;
    while seen["import"]["status"] != "READY" {
        seen = socket.event().await["importProgress"].clone();
    }
    assert_eq!(seen["import"]["totalRows"], 20);
    let ready = seen["cursor"].clone();
    commit(&admin, &begun, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    while seen["import"]["status"] != "COMPLETED" {
        seen = socket.event().await["importProgress"].clone();
    }
    assert_eq!(
        seen["import"]["result"],
        json!({ "processed": 20, "imported": 20 })
    );
    // The last batch may be told with the end that came right behind it.
    let end = loop {
        let message = socket.message().await.unwrap();
        if message["type"] != "next" {
            break message;
        }
        seen = message["payload"]["data"]["importProgress"].clone();
        assert_eq!(seen["import"]["status"], "COMPLETED");
    };
    assert_eq!(end["type"], "complete", "the last word: {end}");

    // Who was away since READY hears what came of it, once, and then the end.
    socket
        .subscribe(FOLLOW, json!({ "id": begun["id"], "after": ready }))
        .await;
    let resumed = socket.event().await["importProgress"].clone();
    assert_eq!(resumed, seen, "changes that came together are told once");
    assert_eq!(socket.message().await.unwrap()["type"], "complete");
    socket
        .subscribe(FOLLOW, json!({ "id": begun["id"], "after": seen["cursor"] }))
        .await;
    assert_eq!(
        socket.message().await.unwrap()["type"],
        "complete",
        "nothing more to tell"
    );
    for (after, code) in [("live1_999999", "BAD_USER_INPUT"), ("other", "BAD_USER_INPUT")] {
        socket
            .subscribe(FOLLOW, json!({ "id": begun["id"], "after": after }))
            .await;
        let refused = socket.message().await.unwrap();
        let errors = if refused["type"] == "error" {
            json!({ "errors": refused["payload"] })
        } else {
            refused["payload"].clone()
        };
        assert_eq!(error_code(&errors), code, "{refused}");
        if refused["type"] != "error" {
            socket.message().await;
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_chunk_costs_as_many_statements_for_four_hundred_rows_as_for_five() {
    let mut database = fresh_database().await;
    let (wire, port) = Wire::in_front_of(database.logins.app.get_port()).await;
    database.logins.app = database.logins.app.port(port);
    let app = TestApp::start_with(Options {
        database: Some(database),
        ..Options::default()
    })
    .await;
    let admin = app.acme.sign_in("admin").await;
    let mut costs = Vec::new();
    // The first one's statements are prepared anew, which costs more of them.
    for (size, mark) in [(5, "warm"), (5, "few"), (400, "many")] {
        let begun = begin(&admin, &rows(size, mark)).await;
        let statements = |wire: &Wire| -> Vec<String> {
            let all = wire.statements().into_iter().map(|(_, text)| text);
            all.filter(|text| !text.starts_with("DEALLOCATE")).collect()
        };
        wire.clear();
        app.run_jobs().await;
        let analysis = statements(&wire);
        let ready = import(&admin, &begun["id"]).await;
        commit(&admin, &ready, "VALID_ROWS_ONLY").await;
        wire.clear();
        app.run_jobs().await;
        costs.push((analysis, statements(&wire)));
        assert_eq!(
            import(&admin, &begun["id"]).await["result"]["imported"],
            json!(size),
            "all are there"
        );
    }
    assert_eq!(costs[1], costs[2]);
    assert!(
        costs[2].0.len() < 40 && costs[2].1.len() < 50,
        "{} {}",
        costs[2].0.len(),
        costs[2].1.len()
    );
    app.finish().await;
}

#[tokio::test]
async fn what_nobody_commits_expires_and_what_has_ended_is_forgotten() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let waiting = previewed(&app, &admin, &(rows(4, "left") + "Bad,Row,,,,,,,,,\n")).await;
    let finished = previewed(&app, &admin, &rows(4, "taken")).await;
    commit(&admin, &finished, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    app.advance(TimeDelta::hours(23)).await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(import(&admin, &waiting["id"]).await["status"], "READY");
    app.advance(TimeDelta::hours(2)).await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(import(&admin, &waiting["id"]).await["status"], "EXPIRED");
    assert_eq!(import(&admin, &finished["id"]).await["status"], "COMPLETED");
    assert_eq!(
        count(&app, "account_import_chunks").await,
        0,
        "what was staged is gone"
    );
    assert_eq!(app.audited("account_import.expired").await, 1);
    app.advance(TimeDelta::days(91)).await;
    let admin = app.acme.sign_in("admin").await;
    let listed = admin
        .gql(
            "{ accountImports(first: 5) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&listed)["accountImports"]["edges"], Value::Array(Vec::new()));
    assert_eq!(count(&app, "account_import_findings").await, 0);
    assert_eq!(
        super::outcome(&app, &admin, &app.acme, "taken").await.len(),
        5,
        "the accounts stay"
    );
    app.finish().await;
}
