//! Words for reuse: looked through when they are saved, put right, used, and sent; of each message it is known what it was
//! made of.

mod keeping;
mod sending;

use serde_json::{Value, json};

use crate::{
    account_work::{act, ask},
    support::{Client, data, user_errors},
};

const FINDINGS: &str = "findings { rule citation severity message part start end }";

/// What createTemplate and updateTemplate are asked for.
fn saved() -> String {
    format!(
        "template {{ id name version isActive isDefault body {FINDINGS} updatedBy {{ name }} }} {FINDINGS}"
    )
}

/// A text for later, in English, that is in order.
const PLAIN: &str = "Hi {{debtorFirstName}}, this is {{businessName}} about your account ending in {{accountNumberEnding}}. Shall we talk?";

pub fn text(name: &str, body: &str, active: bool) -> Value {
    json!({ "name": name, "type": "SMS", "purpose": "FOLLOW_UP", "language": "EN", "body": body, "active": active })
}

/// Keeps a template that can be used; its id.
pub async fn kept(client: &Client, input: Value) -> String {
    let made = act(client, "createTemplate", &saved(), input).await;
    assert_eq!(user_errors(&made), [""; 0], "{made}");
    made["template"]["id"].as_str().unwrap().to_owned()
}

fn rules_found(payload: &Value) -> Vec<&str> {
    let found = payload["findings"].as_array().unwrap();
    found
        .iter()
        .map(|found| found["rule"].as_str().unwrap())
        .collect()
}

async fn preview(client: &Client, input: Value) -> Value {
    let answer = client
        .gql(
            &format!(
                "query($i: PreviewTemplateInput!) {{ previewTemplate(input: $i) {{ subject text html missingVariables
                   length {{ encoding units segments }} contentFindings {{ rule excerpt }} {FINDINGS}
                   debtorLanguage isFirstContact }} }}"
            ),
            json!({ "i": input }),
        )
        .await;
    if answer.get("errors").is_some() {
        return answer;
    }
    data(&answer)["previewTemplate"].clone()
}

/// Sends a template in a thread; the payload.
pub async fn send(client: &Client, thread: &str, template: &str) -> Value {
    let answer = ask(
        client,
        "sendMessage",
        "message { id content template { id name } templateVersion } decision { outcome rule } findings { rule excerpt }",
        json!({ "conversationId": thread, "templateId": template }),
    )
    .await;
    data(&answer)["sendMessage"].clone()
}
