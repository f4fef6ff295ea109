//! Debtors that are companies.

use serde_json::{Value, json};

use crate::{
    account_work::{act, create, new_account},
    support::{Client, TestApp, data, uploads::upload, user_errors},
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

/// Uploads a file, and makes accounts of its rows that can be; the import.
async fn imported(app: &TestApp, client: &Client, file: &str) -> Value {
    let id = upload(client, "ACCOUNT_IMPORT", "companies.csv", file.as_bytes()).await;
    let begun = act(
        client,
        "previewAccountImport",
        "import { id columns { name field } }",
        json!({ "uploadId": id }),
    )
    .await;
    assert_eq!(user_errors(&begun), Vec::<&str>::new(), "{begun}");
    app.run_jobs().await;
    let commit = json!({ "importId": begun["import"]["id"], "mode": "VALID_ROWS_ONLY" });
    let begun_commit = act(client, "commitAccountImport", "", commit).await;
    assert_eq!(user_errors(&begun_commit), Vec::<&str>::new(), "{begun_commit}");
    app.run_jobs().await;
    let query = "query($id: ID!) { accountImport(id: $id) { columns { name field } result { imported }
        findings(first: 9) { edges { node { row column code } } } } }";
    let answer = client.gql(query, json!({ "id": begun["import"]["id"] })).await;
    data(&answer)["accountImport"].clone()
}

#[tokio::test]
async fn companies_come_from_a_file_and_go_into_one() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let long = "x".repeat(201);
    let file = format!(
        "firstName,lastName,Business Name,accountNumber,currentBalance\n\
         Zoe,Quill,\" Overland Freight, Inc. \",F-1,10.00\n\
         Ada,Byron,,F-2,20.00\n\
         Max,Long,{long},F-3,30.00\n\
         Eve,Sum,=1+1,F-4,40.00\n"
    );
    let import = imported(&app, &admin, &file).await;
    assert_eq!(
        import["columns"][2],
        json!({ "name": "Business Name", "field": "COMPANY_NAME" })
    );
    assert_eq!(import["result"], json!({ "imported": 2 }));
    let found: Vec<&Value> = import["findings"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| &edge["node"])
        .collect();
    assert_eq!(
        found,
        [
            &json!({ "row": 4, "column": "Business Name", "code": "TOO_LONG" }),
            &json!({ "row": 5, "column": "Business Name", "code": "FORMULA" })
        ]
    );
    let company = find(&admin, json!({}), Some("overland")).await;
    assert_eq!(company[0]["companyName"], "Overland Freight, Inc.");
    assert_eq!(company[0]["firstName"], "Zoe");
    let person = find(&admin, json!({}), Some("byron")).await;
    assert_eq!(person[0]["companyName"], Value::Null);

    // And leaves with the account, in the last column unless one asks for others.
    let asked = act(
        &admin,
        "exportAccounts",
        "export { id }",
        json!({ "columns": ["ACCOUNT_NUMBER", "COMPANY_NAME"], "filter": { "balance": { "max": "20.00" } },
            "orderBy": { "field": "BALANCE", "direction": "ASC" } }),
    )
    .await;
    assert_eq!(user_errors(&asked), Vec::<&str>::new(), "{asked}");
    app.run_jobs().await;
    let ready = admin
        .gql(
            "query($id: ID!) { export(id: $id) { status downloadUrl } }",
            json!({ "id": asked["export"]["id"] }),
        )
        .await;
    let url = data(&ready)["export"]["downloadUrl"].as_str().unwrap().to_owned();
    let text = admin.http().get(url).send().await.unwrap().text().await.unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines,
        [
            "\"accountNumber\",\"companyName\"",
            "\"F-1\",\"Overland Freight, Inc.\"",
            "\"F-2\",\"\"",
        ]
    );
    app.finish().await;
}
