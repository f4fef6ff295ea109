//! Accounts from a file: what is found in it, what becomes of it, and that nothing is lost or doubled on the way.

mod alone;
mod bulk;
mod crash;
mod creditors;
mod custom_fields;
mod findings;
mod hostile;
mod life;
mod limitations;
mod marks;
mod national_id;
mod people;
mod templates;
mod turns;
mod wishes;

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::support::{Client, Tenant, TestApp, data, uploads::upload, user_errors};

const IMPORT: &str = "id status template mode missingFields analyzedRows totalRows errorFileUrl
  columns { name samples suggestedField field customField }
  counts { valid invalid duplicateInFile duplicateInBusiness suppressed }
  result { processed imported skipped } failure { code message }";

/// The header of the template for debts.
const ACCOUNTS: &str = "firstName,lastName,email,phone,accountNumber,currentBalance,dueDate";

/// Calls a mutation with this input; its payload.
async fn act(client: &Client, mutation: &str, input: Value) -> Value {
    let (first, rest) = mutation.split_at(1);
    let input_type = format!("{}{rest}Input", first.to_uppercase());
    let document = format!(
        "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ import {{ {IMPORT} }} userErrors {{ code field message }} }} }}"
    );
    data(&client.gql(&document, json!({ "input": input })).await)[mutation].clone()
}

/// The same, which must succeed; the import.
async fn done(client: &Client, mutation: &str, input: Value) -> Value {
    let payload = act(client, mutation, input).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{mutation}: {payload}");
    payload["import"].clone()
}

/// Uploads a file and begins its import.
async fn begin(client: &Client, file: &str) -> Value {
    let id = upload(client, "ACCOUNT_IMPORT", "accounts.csv", file.as_bytes()).await;
    done(client, "previewAccountImport", json!({ "uploadId": id })).await
}

/// An import whose rows were looked at.
async fn previewed(app: &TestApp, client: &Client, file: &str) -> Value {
    let begun = begin(client, file).await;
    app.run_jobs().await;
    let import = import(client, &begun["id"]).await;
    assert_eq!(import["status"], "READY", "{import}");
    import
}

async fn import(client: &Client, id: &Value) -> Value {
    let document = format!("query($id: ID!) {{ accountImport(id: $id) {{ {IMPORT} }} }}");
    data(&client.gql(&document, json!({ "id": id })).await)["accountImport"].clone()
}

async fn commit(client: &Client, import: &Value, mode: &str) -> Value {
    done(
        client,
        "commitAccountImport",
        json!({ "importId": import["id"], "mode": mode }),
    )
    .await
}

/// Row, column, code and whether it blocks, of every finding.
async fn findings(client: &Client, import: &Value) -> Vec<(i64, Option<String>, String, bool)> {
    let document = "query($id: ID!) { accountImport(id: $id) { findings(first: 100) { edges { node { row column code blocking message } } } } }";
    let answer = client.gql(document, json!({ "id": import["id"] })).await;
    let edges = data(&answer)["accountImport"]["findings"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges
        .iter()
        .map(|edge| {
            let node = &edge["node"];
            assert!(node["message"].as_str().unwrap().ends_with('.'), "{node}");
            (
                node["row"].as_i64().unwrap(),
                node["column"].as_str().map(str::to_owned),
                node["code"].as_str().unwrap().to_owned(),
                node["blocking"].as_bool().unwrap(),
            )
        })
        .collect()
}

/// So many different debts.
fn rows(count: usize, mark: &str) -> String {
    let mut file = format!("{ACCOUNTS},employer,tags,notes,externalDebtorReference\n");
    for nth in 0..count {
        let phone = 2_002_000 + nth;
        file.push_str(&format!(
            "First{nth},Last{nth},p{nth}@{mark}.example,(212) {:03}-{:04},{mark}-{nth},\"$1,{:03}.{:02}\",2026-{:02}-15,\
             Mill {nth},bulk;{mark},Note {nth},{}\n",
            phone / 10_000,
            phone % 10_000,
            nth % 1000,
            nth % 100,
            nth % 12 + 1,
            // Every third is a second debt of the same person.
            if nth % 3 == 2 { format!("{mark}-person-{}", nth - 1) } else { format!("{mark}-person-{nth}") },
        ));
    }
    file
}

/// Everything that the rows of an import became, without ids and instants, decrypted.
async fn outcome(app: &TestApp, client: &Client, tenant: &Tenant, mark: &str) -> Vec<String> {
    let document = "query($a: String, $m: String!) { accounts(first: 50, after: $a, filter: { tags: [$m] }, orderBy: { field: CREATED_AT, direction: ASC }) {
      pageInfo { hasNextPage endCursor } edges { node { accountNumber status dueDate currentBalance { amount currency } tags customFields
        debtor { firstName lastName preferredLanguage contactPoints { kind value } } notes(first: 3) { edges { node { text } } }
        ledger(first: 5) { edges { node { amount { amount } } } } } } } }";
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = client.gql(document, json!({ "a": after, "m": mark })).await;
        let page = data(&answer)["accounts"].clone();
        found.extend(
            page["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edge| edge["node"].to_string()),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    found.sort();
    let people: i64 = sqlx::query(
        "SELECT count(DISTINCT a.debtor_id) FROM accounts a JOIN account_tags t ON t.account_id = a.id
         WHERE a.business_id = $1 AND t.tag = $2",
    )
    .bind(app.business_id(tenant).await)
    .bind(mark)
    .fetch_one(&mut app.superuser().await)
    .await
    .unwrap()
    .get(0);
    found.push(format!("{people} people"));
    found
}

/// How many rows a table has.
async fn count(app: &TestApp, table: &'static str) -> i64 {
    sqlx::query(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut app.superuser().await)
        .await
        .unwrap()
        .get(0)
}

fn uuid(import: &Value) -> uuid::Uuid {
    ids::decode(IdKind::Import, import["id"].as_str().unwrap()).unwrap()
}
