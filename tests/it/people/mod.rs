//! The debtor as a person: contact points, where they are, and several records that are of one person.

mod changes;
mod companies;
mod contact_points;
mod duplicates;
mod lists;
mod merging;
mod national_id;
mod places;
mod references;
mod whereabouts;

use serde_json::{Value, json};

use crate::{
    account_work::{account, act},
    support::{Client, TestApp, data, user_errors},
};

/// The person of the n-th demo account.
async fn debtor_of(app: &TestApp, client: &Client, nth: usize) -> Value {
    let id = app.account_id(&app.acme, nth).await;
    account(client, &id, "debtor { id }").await["debtor"]["id"].clone()
}

async fn debtor(client: &Client, id: &Value, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ debtor(id: $id) {{ {selection} }} }}");
    data(&client.gql(&document, json!({ "id": id })).await)["debtor"].clone()
}

/// Calls a mutation that must work; its payload.
async fn done(client: &Client, mutation: &str, selection: &str, input: Value) -> Value {
    let payload = act(client, mutation, selection, input).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{mutation}: {payload}");
    payload
}
