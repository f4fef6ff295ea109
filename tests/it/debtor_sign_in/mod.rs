//! A debtor follows a link, shows who they are, and sees one account of theirs: theirs alone, and never before.

mod codes;
mod cookies;
mod inside;
mod links;
mod sessions;

use serde_json::{Value, json};

use crate::support::{Client, TestApp, data};

/// Asks for a code by text; the payload.
async fn send_code(client: &Client, challenge: &str) -> Value {
    let sent = client
        .gql(
            "mutation($t: String!) { sendDebtorCode(input: { token: $t }) { sent userErrors { code message } } }",
            json!({ "t": challenge }),
        )
        .await;
    data(&sent)["sendDebtorCode"].clone()
}

/// Answers a challenge with a code; the payload.
async fn complete(client: &Client, challenge: &str, code: &str) -> Value {
    let answer = client
        .gql(
            "mutation($t: String!, $c: String!) { completeMfa(input: { token: $t, code: $c }) {
               session { accessToken refreshToken viewer { role account { id } } } userErrors { code message } } }",
            json!({ "t": challenge, "c": code }),
        )
        .await;
    data(&answer)["completeMfa"].clone()
}

/// Spends a refresh token; the payload.
async fn refresh(client: &Client, token: &Option<String>) -> Value {
    let answer = client
        .gql(
            "mutation($t: String) { refreshSession(input: { refreshToken: $t }) {
               session { accessToken refreshToken } userErrors { code } } }",
            json!({ "t": token }),
        )
        .await;
    data(&answer)["refreshSession"].clone()
}

/// The six digits in the newest text to a phone.
fn code_in_newest(app: &TestApp, phone: &str) -> String {
    let text = app.received_by(phone).pop().expect("a text").body;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(digits.len(), 6, "{text}");
    digits
}

/// The token of the link in the newest text to a phone.
fn link_in_newest(app: &TestApp, phone: &str) -> String {
    let text = app.received_by(phone).pop().expect("a text").body;
    let (_, token) = text
        .split_once("/d/")
        .unwrap_or_else(|| panic!("no link: {text}"));
    token.split_whitespace().next().expect("a token").to_owned()
}

/// Whether a client's access token is taken.
async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none()
}
