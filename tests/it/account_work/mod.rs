//! Working on accounts: notes, many at once, holds, creditors, what a balance is made of, deleting, saved views.

mod bulk;
mod creditors;
mod custom_fields;
mod deletion;
pub mod holds;
mod placing;
mod timeline;
mod views;

use funnelchat::accounts::add_note;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, data, recipes::uuid_of, user_errors};

/// Maria in New York, where it is day.
pub const MARIA: usize = 0;

/// Calls a mutation with this input; its payload.
pub async fn act(client: &Client, mutation: &str, selection: &str, input: Value) -> Value {
    let answer = ask(client, mutation, selection, input).await;
    data(&answer)[mutation].clone()
}

/// Calls a mutation with this input; the whole answer.
pub async fn ask(client: &Client, mutation: &str, selection: &str, input: Value) -> Value {
    let (first, rest) = mutation.split_at(1);
    let input_type = format!("{}{rest}Input", first.to_uppercase());
    let document = format!(
        "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field message }} }} }}"
    );
    client.gql(&document, json!({ "input": input })).await
}

pub async fn numbers(client: &Client, filter: Value) -> Vec<String> {
    let answer = client
        .gql(
            "query($f: AccountFilter) { accounts(first: 100, filter: $f) { edges { node { accountNumber } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["accounts"]["edges"].as_array().unwrap().clone();
    edges
        .iter()
        .map(|edge| edge["node"]["accountNumber"].as_str().unwrap().to_owned())
        .collect()
}

pub async fn account(client: &Client, id: &str, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ account(id: $id) {{ {selection} }} }}");
    data(&client.gql(&document, json!({ "id": id })).await)["account"].clone()
}

async fn own_id(client: &Client) -> Value {
    data(&client.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone()
}

pub fn new_account(number: &str) -> Value {
    json!({ "firstName": "Zoe", "lastName": "Quill", "accountNumber": number, "currentBalance": { "amount": "1234.50" } })
}

pub async fn create(client: &Client, input: Value) -> String {
    let payload = act(client, "createAccount", "account { id }", input).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    payload["account"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn notes_are_kept_newest_first_with_who_wrote_them() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let mut input = new_account("Z-1");
    input["notes"] = json!("Placed by phone.");
    let id = create(&admin, input).await;
    for text in ["First call.", "Second call."] {
        let note = act(
            &agent,
            "addAccountNote",
            "note { id text author { name } createdAt }",
            json!({ "accountId": id, "text": text }),
        )
        .await;
        assert_eq!(note["note"]["text"], text);
        assert!(note["note"]["id"].as_str().unwrap().starts_with("note_"));
    }
    let read = async |after: Value| {
        let answer = agent
            .gql(
                "query($id: ID!, $after: String) { account(id: $id) { notes(first: 2, after: $after) {
                   pageInfo { hasNextPage endCursor } edges { node { text author { id } } } } } }",
                json!({ "id": id, "after": after }),
            )
            .await;
        data(&answer)["account"]["notes"].clone()
    };
    let page = read(Value::Null).await;
    let by_agent = own_id(&agent).await;
    assert_eq!(
        page["edges"],
        json!([{ "node": { "text": "Second call.", "author": { "id": by_agent } } },
               { "node": { "text": "First call.", "author": { "id": by_agent } } }])
    );
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = read(page["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(rest["edges"][0]["node"]["text"], "Placed by phone.");
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);

    // What no member of staff writes has no author.
    let mut tx = app
        .app
        .db
        .tenant(&app.service_ctx(&app.acme).await)
        .await
        .unwrap();
    add_note(
        &mut tx,
        &app.app.keyring,
        &app.app.db,
        uuid_of(&id),
        "By a key.",
        &[],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let newest = read(Value::Null).await["edges"][0]["node"].clone();
    assert_eq!(newest, json!({ "text": "By a key.", "author": null }));

    let empty = act(
        &agent,
        "addAccountNote",
        "",
        json!({ "accountId": id, "text": "  " }),
    )
    .await;
    assert_eq!(user_errors(&empty), ["INVALID_INPUT"]);
    let globex = app.globex.sign_in("admin").await;
    let foreign = act(
        &globex,
        "addAccountNote",
        "",
        json!({ "accountId": id, "text": "Mine?" }),
    )
    .await;
    assert_eq!(user_errors(&foreign), ["NOT_FOUND"]);
    assert_eq!(app.audited("note.added").await, 3);
    app.finish().await;
}
