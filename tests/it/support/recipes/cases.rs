//! Disputes, complaints, validation notices, and records of authority to sue.

use serde_json::{Value, json};

use super::business::settings_version;
use crate::support::{Client, data, user_errors};

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

/// A validation notice of the account, whose files are written with the next jobs, from a business that says where it is.
pub(super) async fn noticed(staff: &Client, account: &Value) -> Value {
    let company = json!({ "legalName": "Sweep Recovery, LLC", "email": "disputes@sweep.example", "address": {
        "line1": "P.O. Box 1", "city": "Pasadena", "state": "CA", "postalCode": "91111" } });
    let input = json!({ "expectedVersion": settings_version(staff).await, "company": company });
    let set = staff
        .gql(
            "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) { userErrors { code message } } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&set)["updateBusinessSettings"]),
        Vec::<&str>::new(),
        "{set}"
    );
    let made = staff
        .gql(
            "mutation($a: ID!) { generateValidationNotice(input: { accountId: $a }) {
               notice { id } userErrors { field message } } }",
            json!({ "a": account["id"] }),
        )
        .await;
    data(&made)["generateValidationNotice"]["notice"]["id"].clone()
}

/// A record that suit for the account is meant; its id.
pub async fn authorised(staff: &Client, account: &str, mark: &str) -> String {
    let made = staff
        .gql(
            "mutation($i: RecordSuitAuthorityInput!) { recordSuitAuthority(input: $i) {
               suitAuthority { id } userErrors { message } } }",
            json!({ "i": { "accountId": account, "authority": format!("Suit of {mark} begins"),
                "limitationExpiresOn": "2027-06-30", "limitationBasis": format!("Limitation of {mark}") } }),
        )
        .await;
    let record = &data(&made)["recordSuitAuthority"];
    record["suitAuthority"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"))
        .to_owned()
}

/// That the limitation period of the account ends next year, as somebody found it.
pub async fn dated(staff: &Client, account: &str, mark: &str) {
    let made = staff
        .gql(
            "mutation($i: RecordLimitationInput!) { recordLimitation(input: $i) { limitation { id } userErrors { message } } }",
            json!({ "i": { "accountId": account, "expiresOn": "2027-06-30", "basis": format!("Period of {mark}") } }),
        )
        .await;
    assert!(
        data(&made)["recordLimitation"]["limitation"]["id"].is_string(),
        "{made}"
    );
}
