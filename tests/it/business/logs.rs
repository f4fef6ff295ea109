//! Who did what, and who read whose data: found by person, time and kind.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::update;
use crate::support::{Client, TestApp, data, error_code};

async fn reads(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: AccessLogFilter) { accessLog(first: 50, filter: $f) { edges { node { at operation debtorIds user { id } requestId } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["accessLog"]["edges"].as_array().unwrap().clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

async fn actions(client: &Client, filter: Value) -> Vec<String> {
    let answer = client
        .gql(
            "query($f: AuditFilter) { auditEvents(first: 50, filter: $f) { edges { node { action } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["auditEvents"]["edges"].as_array().unwrap().clone();
    edges
        .iter()
        .filter_map(|edge| edge["node"]["action"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn who_read_whose_data_is_found_by_person_user_and_time() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let compliance = app.acme.sign_in("compliance").await;
    let (first, second) = (
        app.account_id(&app.acme, 0).await,
        app.account_id(&app.acme, 1).await,
    );
    let look = "query($id: ID!) { account(id: $id) { debtor { id firstName } } }";
    let seen = agent.gql(look, json!({ "id": first })).await;
    let debtor = data(&seen)["account"]["debtor"]["id"].clone();
    agent.gql(look, json!({ "id": second })).await;
    let me = agent.gql("{ viewer { user { id } } }", json!({})).await;
    let user = data(&me)["viewer"]["user"]["id"].clone();
    let between = app.app.clock.now() + TimeDelta::minutes(5);
    app.advance(TimeDelta::minutes(10)).await;
    admin.gql(look, json!({ "id": first })).await;

    let found = reads(&compliance, json!({ "debtorId": debtor })).await;
    assert_eq!(
        found.len(),
        2,
        "by the agent, and by the administrator: {found:?}"
    );
    assert!(
        found
            .iter()
            .all(|row| row["operation"] == "account" && row["debtorIds"] == json!([debtor]))
    );
    assert_eq!(found[1]["user"]["id"], user, "newest first");
    assert_eq!(
        reads(&compliance, json!({ "debtorId": debtor, "userId": user }))
            .await
            .len(),
        1
    );
    assert_eq!(reads(&admin, json!({ "userId": user })).await.len(), 2);
    assert_eq!(
        reads(&admin, json!({ "debtorId": debtor, "at": { "to": between } }))
            .await
            .len(),
        1
    );
    assert_eq!(reads(&admin, json!({ "at": { "from": between } })).await.len(), 1);
    assert_eq!(reads(&admin, json!({ "operation": "accounts" })).await.len(), 0);
    let long = admin
        .gql(
            "query($f: AccessLogFilter) { accessLog(first: 1, filter: $f) { edges { node { at } } } }",
            json!({ "f": { "debtorId": debtor, "at": { "from": "2020-01-01T00:00:00Z" } } }),
        )
        .await;
    assert_eq!(
        error_code(&long),
        "BAD_USER_INPUT",
        "a search for one person is bounded"
    );
    let both = json!({ "f": { "userId": user, "apiKeyId": "key_01h455vb4pex5vsknk084sn02q" } });
    let both = admin
        .gql(
            "query($f: AccessLogFilter) { accessLog(first: 1, filter: $f) { edges { node { at } } } }",
            both,
        )
        .await;
    assert_eq!(error_code(&both), "BAD_USER_INPUT", "one actor at a time");
    for login in ["manager", "agent"] {
        let other = app.acme.sign_in(login).await;
        let answer = other
            .gql("{ accessLog(first: 1) { edges { node { at } } } }", json!({}))
            .await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{login}");
    }
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(
        reads(&globex, json!(null)).await.len(),
        0,
        "another business's log is its own"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_somebody_did_is_found_by_actor_kind_object_and_time() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let me = agent.gql("{ viewer { user { id } } }", json!({})).await;
    let user = data(&me)["viewer"]["user"]["id"].clone();
    let account = app.account_id(&app.acme, 0).await;
    agent
        .gql(
            "mutation($a: ID!) { addAccountNote(input: { accountId: $a, text: \"Called back.\" }) { userErrors { message } } }",
            json!({ "a": account }),
        )
        .await;
    let between = app.app.clock.now() + TimeDelta::minutes(5);
    app.advance(TimeDelta::minutes(10)).await;
    update(&admin, json!({ "contactPolicy": { "smsPerWeek": 1 } })).await;
    update(&admin, json!({ "contactPolicy": { "smsPerWeek": 2 } })).await;

    let own = actions(&admin, json!({ "userId": user })).await;
    assert_eq!(own.len(), 2, "{own:?}");
    assert_eq!(own[1], "session.opened", "a day begins with the log-in");
    assert_eq!(
        actions(&admin, json!({ "actionPrefix": "contact_policy." })).await,
        ["contact_policy.proposed", "contact_policy.tightened"]
    );
    assert_eq!(
        actions(&admin, json!({ "action": "contact_policy.tightened" }))
            .await
            .len(),
        1
    );
    assert_eq!(
        actions(&admin, json!({ "actionPrefix": "contact_polic_" }))
            .await
            .len(),
        0,
        "no pattern"
    );
    let late = actions(&admin, json!({ "at": { "from": between } })).await;
    assert!(
        !late.is_empty()
            && late
                .iter()
                .all(|action| action.starts_with("contact_policy") || action.starts_with("business")),
        "{late:?}"
    );
    let business = admin.gql("{ business { id } }", json!({})).await;
    let object = data(&business)["business"]["id"].clone();
    assert!(
        actions(&admin, json!({ "object": object }))
            .await
            .contains(&"contact_policy.tightened".to_owned())
    );
    let bad = admin
        .gql(
            "{ auditEvents(first: 1, filter: { object: \"x\" }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&bad), "BAD_USER_INPUT");
    app.finish().await;
}
