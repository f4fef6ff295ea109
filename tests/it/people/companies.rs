//! Debtors that are companies.

use serde_json::{Value, json};

use crate::{
    account_work::{act, create, new_account},
    support::{Client, TestApp, data, user_errors},
};

const FIND: &str = "query($f: DebtorFilter, $s: String) { debtors(first: 9, filter: $f, search: $s) {
  edges { node { id firstName companyName riskLevel } } } }";

async fn find(client: &Client, filter: Value, search: Option<&str>) -> Vec<Value> {
    let answer = client.gql(FIND, json!({ "f": filter, "s": search })).await;
    let edges = data(&answer)["debtors"]["edges"].as_array().unwrap().clone();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn a_company_is_found_by_its_name_and_forgotten_with_its_contact() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let mut input = new_account("C-1");
    input["externalDebtorReference"] = json!("R-1");
    input["companyName"] = json!(" Überland Freight, Inc. ");
    create(&admin, input.clone()).await;
    let found = find(&admin, json!({}), Some("land freight")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (
            &found[0]["firstName"],
            &found[0]["companyName"],
            &found[0]["riskLevel"]
        ),
        (&json!("Zoe"), &json!("Überland Freight, Inc."), &Value::Null)
    );
    let id = found[0]["id"].clone();
    assert_eq!(
        find(&app.globex.sign_in("admin").await, json!({}), Some("freight")).await,
        Vec::<Value>::new()
    );

    // Of somebody known another company is not taken.
    input["accountNumber"] = json!("C-2");
    input["companyName"] = json!("Another");
    let again = act(
        &admin,
        "createAccount",
        "account { debtor { companyName } } notTaken { field }",
        input,
    )
    .await;
    assert_eq!(
        again["account"]["debtor"]["companyName"],
        "Überland Freight, Inc."
    );
    assert_eq!(again["notTaken"], json!([{ "field": ["input", "companyName"] }]));

    let update = async |changes: Value| {
        let mut input = changes;
        input["id"] = id.clone();
        act(&admin, "updateDebtor", "debtor { companyName riskLevel }", input).await
    };
    let rated = update(json!({ "riskLevel": "CRITICAL", "companyName": "Overland Freight" })).await;
    assert_eq!(
        rated["debtor"],
        json!({ "companyName": "Overland Freight", "riskLevel": "CRITICAL" })
    );
    assert_eq!(
        find(&admin, json!({ "riskLevel": ["HIGH", "CRITICAL"] }), None)
            .await
            .len(),
        1
    );
    assert_eq!(
        find(&admin, json!({ "riskLevel": ["LOW"] }), None).await,
        Vec::<Value>::new()
    );
    assert_eq!(
        user_errors(&update(json!({ "companyName": " " })).await),
        ["INVALID_INPUT"]
    );
    let emptied = update(json!({ "riskLevel": null })).await;
    assert_eq!(
        emptied["debtor"],
        json!({ "companyName": "Overland Freight", "riskLevel": null })
    );
    update(json!({ "riskLevel": "HIGH" })).await;

    let erased = act(
        &compliance,
        "eraseDebtor",
        "",
        json!({ "debtorId": id, "regime": "CCPA", "reason": "Erase me." }),
    )
    .await;
    assert_eq!(user_errors(&erased), Vec::<&str>::new(), "{erased}");
    app.run_jobs().await;
    assert_eq!(
        find(&admin, json!({}), Some("freight")).await,
        Vec::<Value>::new()
    );
    let left = admin
        .gql(
            "query($id: ID!) { debtor(id: $id) { companyName riskLevel } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(
        data(&left)["debtor"],
        json!({ "companyName": null, "riskLevel": null })
    );
    app.finish().await;
}
