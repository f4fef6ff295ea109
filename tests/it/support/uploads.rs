//! Files on their way up, as a front end sends them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Client, data, user_errors};

/// `createUpload`; its payload.
pub async fn announce(client: &Client, purpose: &str, name: &str, size: usize) -> Value {
    let answer = client
        .gql(
            "mutation($i: CreateUploadInput!) { createUpload(input: $i) {
               upload { id url expiresAt maxBytes } userErrors { code field message } } }",
            json!({ "i": { "purpose": purpose, "fileName": name, "size": size } }),
        )
        .await;
    data(&answer)["createUpload"].clone()
}

/// Announces a file that must be accepted: its id and link.
pub async fn announced(client: &Client, purpose: &str, name: &str, size: usize) -> (String, String) {
    let payload = announce(client, purpose, name, size).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    let text = |field: &str| payload["upload"][field].as_str().unwrap().to_owned();
    (text("id"), text("url"))
}

/// Sends a content; status and answer.
pub async fn put(client: &Client, url: &str, content: &[u8]) -> (StatusCode, Value) {
    let answer = client
        .http()
        .put(url)
        .body(content.to_vec())
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Uploads a file that must be taken; its id.
pub async fn upload(client: &Client, purpose: &str, name: &str, content: &[u8]) -> String {
    let (id, url) = announced(client, purpose, name, content.len()).await;
    let (status, answer) = put(client, &url, content).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    id
}

/// A PDF of this size, no two stretches of which are alike.
pub fn pdf(size: usize) -> Vec<u8> {
    let mut content = b"%PDF-1.7\n".to_vec();
    let mut state = 0x2545_F491_u32;
    while content.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        content.extend(format!("{state:x} of the contract between Ana and the bank\n").bytes());
    }
    content.truncate(size);
    content
}

/// The beginning of a picture, which tells its size.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0";
