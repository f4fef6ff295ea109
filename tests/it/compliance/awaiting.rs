//! Holds that texts placed wait in one list until a person has looked.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    account_work::act,
    statements::{listened_to_with, names},
    support::{Client, TestApp, data, error_code, user_errors},
};

const LIST: &str = "query($kinds: [HoldKind!], $first: Int!, $after: String) {
   holdsAwaitingConfirmation(kinds: $kinds, first: $first, after: $after) {
     totalCount pageInfo { hasNextPage endCursor }
     edges { node { id kind placedAt confirmationDueAt needsConfirmation message { content } debtor { lastName }
       account { accountNumber } } } }
   holdsAwaitingConfirmationCount(kinds: $kinds) }";

async fn page(client: &Client, kinds: Value, first: u32, after: &Value) -> Value {
    let answer = client
        .gql(LIST, json!({ "kinds": kinds, "first": first, "after": after }))
        .await;
    data(&answer).clone()
}

fn nodes(page: &Value) -> Vec<Value> {
    let edges = page["holdsAwaitingConfirmation"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn what_texts_stated_waits_in_one_list_the_oldest_first() {
    let app = TestApp::start().await;
    for (nth, text) in [
        (7, "this is not my debt, prove it"),
        (0, "I filed chapter 13 last month"),
        (1, "Mi abogado les va a llamar"),
    ] {
        app.text(&app.acme, &app.acme.debtor_number(nth), text).await;
        app.advance(TimeDelta::minutes(5)).await;
    }
    let compliance = app.acme.sign_in("compliance").await;
    // What a person sets is nothing to confirm.
    let debtor = compliance
        .gql("{ debtors(first: 1) { edges { node { id } } } }", json!({}))
        .await;
    let debtor = data(&debtor)["debtors"]["edges"][0]["node"]["id"].clone();
    act(
        &compliance,
        "setHold",
        "",
        json!({ "debtorId": debtor, "kind": "LEGAL", "reason": "Served." }),
    )
    .await;

    let all = page(&compliance, Value::Null, 10, &Value::Null).await;
    let found = nodes(&all);
    let kinds: Vec<&str> = found.iter().map(|hold| hold["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["DISPUTE", "BANKRUPTCY", "ATTORNEY_REPRESENTED"]);
    assert_eq!(all["holdsAwaitingConfirmation"]["totalCount"], 3);
    assert_eq!(all["holdsAwaitingConfirmationCount"], 3);
    assert_eq!(found[1]["message"]["content"], "I filed chapter 13 last month");
    assert_eq!(found[1]["debtor"]["lastName"], "Alvarez");
    assert!(
        found[0]["account"]["accountNumber"].is_string(),
        "a dispute is of a debt"
    );
    let time = |value: &Value| {
        value
            .as_str()
            .unwrap()
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    };
    assert_eq!(
        time(&found[0]["confirmationDueAt"]),
        time(&found[0]["placedAt"]) + TimeDelta::hours(48)
    );

    // Page by page, and of some kinds alone.
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let next = page(&compliance, Value::Null, 1, &after).await;
        seen.extend(nodes(&next));
        after = next["holdsAwaitingConfirmation"]["pageInfo"]["endCursor"].clone();
        if next["holdsAwaitingConfirmation"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, found);
    let some = page(
        &compliance,
        json!(["BANKRUPTCY", "BANKRUPTCY", "MINOR"]),
        10,
        &Value::Null,
    )
    .await;
    assert_eq!(nodes(&some).len(), 1);
    assert_eq!(some["holdsAwaitingConfirmationCount"], 1);

    // Confirmed or released it waits no more.
    for (mutation, id) in [("confirmHold", "holdId"), ("releaseHold", "id")] {
        let hold = nodes(&page(&compliance, Value::Null, 1, &Value::Null).await)[0]["id"].clone();
        let done = act(
            &compliance,
            mutation,
            "hold { confirmationDueAt }",
            match mutation {
                "releaseHold" => json!({ (id): hold, "reason": "A slip of the pen." }),
                _ => json!({ (id): hold }),
            },
        )
        .await;
        assert_eq!(user_errors(&done), Vec::<&str>::new(), "{done}");
        assert_eq!(done["hold"]["confirmationDueAt"], Value::Null);
    }
    let left = page(&compliance, Value::Null, 10, &Value::Null).await;
    assert_eq!(left["holdsAwaitingConfirmationCount"], 1);

    let globex = app.globex.sign_in("compliance").await;
    let none = page(&globex, Value::Null, 10, &Value::Null).await;
    assert_eq!(nodes(&none), Vec::<Value>::new());
    let agent = app.acme.agent().await;
    let refused = agent.gql("{ holdsAwaitingConfirmationCount }", json!({})).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    app.finish().await;
}

/// Four thousand people with two holds each that wait for nobody, and some that do.
const HELD: &str = "
    INSERT INTO holds (business_id, id, debtor_id, kind, placed_at, source)
    SELECT business_id, id, id, 'CEASE', created_at, 'IMPORT' FROM debtors WHERE last_name LIKE 'Last%';
    INSERT INTO holds (business_id, id, debtor_id, kind, placed_at, source, confirmed_at)
    SELECT business_id, gen_random_uuid(), id, 'DECEASED', created_at, 'INBOUND_TEXT', created_at
    FROM debtors WHERE last_name LIKE 'Last%';
    INSERT INTO holds (business_id, id, debtor_id, kind, placed_at, source)
    SELECT business_id, gen_random_uuid(), id, 'MINOR', created_at + interval '1 hour', 'INBOUND_TEXT'
    FROM debtors WHERE last_name LIKE 'Last%' ORDER BY id LIMIT 3000";

#[tokio::test]
async fn the_list_reads_what_waits_and_nothing_else() {
    let (app, wire) = listened_to_with(HELD, Vec::new()).await;
    let names = names(&app).await;
    let compliance = app.acme.sign_in("compliance").await;
    page(&compliance, Value::Null, 20, &Value::Null).await;
    wire.clear();
    let seen = page(&compliance, Value::Null, 20, &Value::Null).await;
    assert_eq!(nodes(&seen).len(), 20);
    assert_eq!(
        seen["holdsAwaitingConfirmation"]["totalCount"], 1_000,
        "it counts no further"
    );
    let plans = wire.plans();
    assert!(!plans.is_empty());
    for plan in &plans {
        names.assert_indexed(plan);
        if plan.statement.contains("FROM holds") && !plan.statement.contains("count(*)") {
            let looked_at = names.rows_looked_at(plan);
            // Of the eight thousand holds beside those that wait, none.
            assert!(looked_at <= 3_100, "{looked_at} rows, where 3,000 wait");
        }
    }
    app.finish().await;
}
