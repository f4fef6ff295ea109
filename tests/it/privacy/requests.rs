//! Requests that a person answers, and by when.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Person;
use crate::support::{Client, TestApp, data, user_errors};

async fn record(client: &Client, input: Value) -> Value {
    let made = client
        .gql(
            "mutation($i: RecordPrivacyRequestInput!) { recordPrivacyRequest(input: $i) {
               request { id status dueAt reason } userErrors { code field } } }",
            json!({ "i": input }),
        )
        .await;
    data(&made)["recordPrivacyRequest"].clone()
}

async fn overdue(client: &Client) -> Vec<Value> {
    let read = client
        .gql(
            "{ privacyRequests(first: 10, filter: { overdue: true }) { edges { node { id isOverdue } } } }",
            json!({}),
        )
        .await;
    let edges = data(&read)["privacyRequests"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.iter().map(|edge| edge["node"]["id"].clone()).collect()
}

#[tokio::test]
async fn what_people_ask_stands_with_the_day_by_which_the_law_wants_it_answered() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Asker", 231).await;
    let asked = |regime: &str| {
        json!({ "debtorId": person.debtor, "kind": "RECTIFICATION", "regime": regime, "reason": "My street is misspelt.",
            "receivedAt": "2026-06-01T12:00:00Z" })
    };
    let (gdpr, ccpa) = (
        record(&admin, asked("GDPR")).await,
        record(&admin, asked("CCPA")).await,
    );
    assert_eq!(gdpr["request"]["dueAt"], "2026-07-01T12:00:00+00:00");
    assert_eq!(ccpa["request"]["dueAt"], "2026-07-16T12:00:00+00:00");
    assert_eq!(gdpr["request"]["reason"], "My street is misspelt.");
    let mut no_sale = asked("CCPA");
    no_sale["kind"] = json!("OPT_OUT_OF_SALE");
    let no_sale = record(&admin, no_sale).await;
    assert_eq!(
        no_sale["request"]["dueAt"], "2026-06-22T12:00:00+00:00",
        "{no_sale}"
    );
    let closed = admin
        .gql(
            "mutation($p: ID!) { closePrivacyRequest(input: { id: $p, outcome: COMPLETED,
               answer: \"We sell nothing, and will not.\" }) { request { status } userErrors { code } } }",
            json!({ "p": no_sale["request"]["id"] }),
        )
        .await;
    assert_eq!(
        data(&closed)["closePrivacyRequest"]["request"]["status"],
        "COMPLETED"
    );
    let mut early = asked("GDPR");
    early["receivedAt"] = json!("2026-07-01T12:00:00Z");
    assert_eq!(user_errors(&record(&admin, early).await), ["INVALID_INPUT"]);
    let mut erasure = asked("GDPR");
    erasure["kind"] = json!("ERASURE");
    assert_eq!(user_errors(&record(&admin, erasure).await), ["INVALID_INPUT"]);

    assert_eq!(overdue(&admin).await, Vec::<Value>::new());
    app.advance(TimeDelta::days(25)).await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(overdue(&admin).await, [gdpr["request"]["id"].clone()]);
    let close = async |id: &Value| {
        let closed = admin
            .gql(
                "mutation($id: ID!) { closePrivacyRequest(input: { id: $id, outcome: COMPLETED, answer: \"It is put right.\" }) {
                   request { status answer closedBy { id } isOverdue } userErrors { code } } }",
                json!({ "id": id }),
            )
            .await;
        data(&closed)["closePrivacyRequest"].clone()
    };
    let closed = close(&gdpr["request"]["id"]).await;
    assert_eq!(closed["request"]["status"], "COMPLETED");
    assert_eq!(closed["request"]["answer"], "It is put right.");
    assert!(closed["request"]["closedBy"]["id"].is_string());
    assert_eq!(overdue(&admin).await, Vec::<Value>::new());
    assert_eq!(user_errors(&close(&gdpr["request"]["id"]).await), ["CONFLICT"]);
    let listed = admin
        .gql(
            "query($d: ID!) { open: privacyRequests(first: 5, filter: { debtorId: $d, status: [OPEN], kind: [RECTIFICATION] }) { edges { node { id } } } }",
            json!({ "d": person.debtor }),
        )
        .await;
    assert_eq!(
        data(&listed)["open"]["edges"],
        json!([{ "node": { "id": ccpa["request"]["id"] } }])
    );
    app.finish().await;
}
