//! Disputes and complaints.

use serde_json::{Value, json};

use crate::support::{Client, data};

/// A new dispute of the account: its id.
pub async fn disputed(staff: &Client, account: &str, mark: &str) -> String {
    let made = staff
        .gql(
            "mutation($i: FileDisputeInput!) { fileDispute(input: $i) { dispute { id } userErrors { field message } } }",
            json!({ "i": { "accountId": account, "reason": "AMOUNT_WRONG", "channel": "LETTER", "words": format!("Dispute of {mark}"),
                "requestsOriginalCreditor": true } }),
        )
        .await;
    let id = &data(&made)["fileDispute"]["dispute"]["id"];
    id.as_str()
        .unwrap_or_else(|| panic!("no dispute: {made}"))
        .to_owned()
}

/// A dispute of the account to which everything was sent that is owed: it stops no contact.
pub(super) async fn disputed_and_answered(
    staff: &Client,
    account: &Value,
    document: &Value,
    mark: &str,
) -> Value {
    let account = account["id"].as_str().expect("an account");
    let id = disputed(staff, account, mark).await;
    let sent = staff
        .gql(
            "mutation($i: RecordVerificationSentInput!) { recordVerificationSent(input: $i) { userErrors { field message } } }",
            json!({ "i": { "disputeId": id, "sent": ["VERIFICATION", "ORIGINAL_CREDITOR"], "channel": "LETTER",
                "documentIds": [document], "note": format!("Enclosed for {mark}") } }),
        )
        .await;
    assert_eq!(data(&sent)["recordVerificationSent"]["userErrors"], json!([]));
    json!(id)
}

/// A complaint that a regulator passed on.
pub(super) async fn complained(staff: &Client, account: &Value, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: FileComplaintInput!) { fileComplaint(input: $i) { complaint { id } userErrors { field message } } }",
            json!({ "i": { "accountId": account["id"], "about": "CONDUCT", "channel": "REGULATOR", "regulator": "CFPB",
                "words": format!("Complaint of {mark}"), "regulatorReference": format!("Case of {mark}") } }),
        )
        .await;
    data(&made)["fileComplaint"]["complaint"]["id"].clone()
}
