//! What happened to an account in one list, and what the gate decided about it.

use serde_json::{Value, json};

use super::{MARIA, account, act};
use crate::support::{Client, TestApp, data, error_code, send, send_refused, user_errors};

const TIMELINE: &str = "query($id: ID!, $n: Int!, $after: String) { account(id: $id) { timeline(first: $n, after: $after) {
  pageInfo { hasNextPage endCursor } edges { node { kind at message { content } conversation { id } note { text }
    ledgerEntry { kind } dispute { reason } decision { outcome } } } } } }";

const DECISIONS: &str =
    "query($id: ID!) { account(id: $id) { decisions(first: 20) { edges { node { id outcome facts } } } } }";

/// Kind and what tells the thing, of the whole timeline, page by page.
async fn timeline(client: &Client, id: &str, size: u8) -> Vec<(String, Value)> {
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "id": id, "n": size, "after": after });
        let answer = client.gql(TIMELINE, variables).await;
        let page = data(&answer)["account"]["timeline"].clone();
        for edge in page["edges"].as_array().unwrap() {
            let node = &edge["node"];
            let told = [
                &node["message"]["content"],
                &node["note"]["text"],
                &node["ledgerEntry"]["kind"],
                &node["dispute"]["reason"],
                &node["decision"]["outcome"],
            ];
            let told: Vec<&Value> = told.into_iter().filter(|value| !value.is_null()).collect();
            assert!(told.len() < 2, "one thing each: {node}");
            found.push((
                node["kind"].as_str().unwrap().to_owned(),
                told.first().copied().cloned().unwrap_or(Value::Null),
            ));
        }
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn what_happened_to_an_account_stands_in_one_list_newest_first() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let id = app.account_id(&app.acme, MARIA).await;
    let before = timeline(&admin, &id, 50).await;
    assert_eq!(
        before.last(),
        Some(&("LEDGER_ENTRY".to_owned(), json!("OPENING")))
    );
    let phone = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &phone, "Can I pay in parts?").await;
    act(
        &admin,
        "addAccountNote",
        "",
        json!({ "accountId": id, "text": "She wrote." }),
    )
    .await;
    let thread = app.thread_with(&admin, &app.acme, MARIA).await;
    send(&admin, &thread, "Yes.").await;
    app.run_jobs().await;
    let disputed = act(
        &admin,
        "fileDispute",
        "",
        json!({ "accountId": id, "reason": "NOT_MY_DEBT" }),
    )
    .await;
    assert_eq!(user_errors(&disputed), Vec::<&str>::new());

    let all = timeline(&admin, &id, 50).await;
    let new = &all[..all.len() - before.len()];
    let kinds: Vec<&str> = new.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds.first(), Some(&"DISPUTE"), "{new:?}");
    assert_eq!(new[0].1, "NOT_MY_DEBT");
    let place = |kind: &str, text: &str| {
        let is_it = |item: &(String, Value)| {
            item.0 == kind && item.1.as_str().is_some_and(|found| found.starts_with(text))
        };
        new.iter()
            .position(is_it)
            .unwrap_or_else(|| panic!("{kind} {text}: {new:?}"))
    };
    let order = [
        place("DECISION", "ALLOW"),
        place("MESSAGE", "Yes."),
        place("NOTE", "She wrote."),
        place("MESSAGE", "Can I pay in parts?"),
    ];
    assert!(order[1] < order[2] && order[2] < order[3], "{new:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "CONVERSATION").count(), 1);
    assert_eq!(timeline(&admin, &id, 2).await, all, "the same, page by page");

    // A thread that a colleague has answered is theirs, with what was decided of it.
    let seen = timeline(&agent, &id, 50).await;
    assert!(
        seen.iter()
            .all(|(kind, _)| !["MESSAGE", "CONVERSATION"].contains(&kind.as_str())),
        "{seen:?}"
    );
    assert!(seen.contains(&("NOTE".to_owned(), json!("She wrote."))));
    let globex = app.globex.sign_in("admin").await;
    let foreign = globex.gql(TIMELINE, json!({ "id": id, "n": 5 })).await;
    assert_eq!(error_code(&foreign), "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn who_may_export_evidence_reads_by_which_facts_it_was_decided() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = app.account_id(&app.acme, MARIA).await;
    let thread = app.thread_with(&admin, &app.acme, MARIA).await;
    send(&admin, &thread, "How can we help?").await;
    app.run_jobs().await;
    app.text(&app.acme, &app.acme.debtor_number(MARIA), "STOP").await;
    send_refused(&admin, &thread, "Are you there?").await;
    let decisions = async |client: &Client| {
        let answer = client.gql(DECISIONS, json!({ "id": id })).await;
        let edges = data(&answer)["account"]["decisions"]["edges"]
            .as_array()
            .unwrap()
            .clone();
        let nodes = edges.iter().map(|edge| edge["node"].clone());
        nodes.collect::<Vec<Value>>()
    };
    let found = decisions(&admin).await;
    assert!(found.len() >= 3, "queued, sent, refused: {found:?}");
    assert_eq!(found[0]["outcome"], "DENY");
    assert!(
        found.iter().all(|decision| decision["facts"]["now"].is_string()),
        "{found:?}"
    );
    assert!(
        !found[0]["facts"]["optouts"].as_array().unwrap().is_empty(),
        "{found:?}"
    );
    let manager = app.acme.sign_in("manager").await;
    let shown = decisions(&manager).await;
    assert_eq!(shown.len(), found.len());
    assert!(
        shown.iter().all(|decision| decision["facts"].is_null()),
        "not theirs to export"
    );
    let checked = admin
        .gql(
            "query($id: ID!) { complianceCheck(input: { accountId: $id, channel: SMS }) { outcome facts } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(data(&checked)["complianceCheck"]["facts"], Value::Null);

    let made = act(
        &admin,
        "createApiKey",
        "secret",
        json!({ "name": "Reader", "scopes": ["account:read"] }),
    )
    .await;
    let mut key = app.anonymous();
    key.access_token = made["secret"].as_str().map(str::to_owned);
    assert_eq!(
        error_code(&key.gql(DECISIONS, json!({ "id": id })).await),
        "FORBIDDEN"
    );
    let few = timeline(&key, &id, 50).await;
    assert!(
        few.iter()
            .all(|(kind, _)| ["NOTE", "DOCUMENT"].contains(&kind.as_str())),
        "{few:?}"
    );
    assert!(
        account(&manager, &id, "timeline(first: 1) { edges { node { kind } } }").await["timeline"]["edges"]
            [0]
        .is_object()
    );
    app.finish().await;
}
