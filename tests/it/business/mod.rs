//! What a business chooses for itself, and what the platform's staff does to businesses and inside them.

mod break_glass;
mod creation;
mod credentials;
mod logs;
mod numbers;
mod platform;
mod roles;
mod settings;
mod usage;

use serde_json::{Value, json};

use crate::support::{Client, data, recipes::settings_version};

const UPDATE: &str = "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) {
  business { settings { version contactPolicy { smsPerWeek contactFrom contactTo }
    pendingContactPolicyChange { id status policy { smsPerWeek } proposedBy { name } } } }
  userErrors { code field message } } }";

/// What `updateBusinessSettings` answers, at the version that is there.
async fn update(client: &Client, mut input: Value) -> Value {
    if input.get("expectedVersion").is_none() {
        input["expectedVersion"] = settings_version(client).await;
    }
    let answer = client.gql(UPDATE, json!({ "i": input })).await;
    data(&answer)["updateBusinessSettings"].clone()
}

/// The only user error of a payload: code, place and message.
#[track_caller]
fn only_error(payload: &Value) -> (String, String, String) {
    let errors = payload["userErrors"].as_array().expect("user errors");
    let [error] = errors.as_slice() else {
        panic!("one error is expected: {payload}");
    };
    let place: Vec<&str> = error["field"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["code"]), place.join("."), text(&error["message"]))
}
