//! What a business and its staff choose, and who comes in.

use serde_json::{Value, json};

use crate::support::{
    Client, TestApp, data,
    uploads::{PNG, put},
};

/// The version of the settings.
pub async fn settings_version(staff: &Client) -> Value {
    let seen = staff
        .gql("{ business { settings { version } } }", json!({}))
        .await;
    data(&seen)["business"]["settings"]["version"].clone()
}

/// A change that loosens the contact policy, and waits. It concerns WhatsApp alone, which nobody writes over here.
pub async fn proposed_change(staff: &Client) -> String {
    let mut waits = Value::Null;
    for limit in [json!(0), Value::Null] {
        let input = json!({ "expectedVersion": settings_version(staff).await, "contactPolicy": { "whatsappPerDay": limit } });
        let changed = staff
            .gql(
                "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) {
                   business { settings { pendingContactPolicyChange { id } } } userErrors { message } } }",
                json!({ "i": input }),
            )
            .await;
        waits = data(&changed)["updateBusinessSettings"]["business"]["settings"]["pendingContactPolicyChange"]["id"].clone();
    }
    waits.as_str().expect("a change that waits").to_owned()
}

pub(super) async fn own_role(staff: &Client, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($n: String!) { createRole(input: { name: $n, baseRole: AGENT, permissions: [\"account:read\"] }) {
               role { id } userErrors { message } } }",
            json!({ "n": format!("Role of {mark}") }),
        )
        .await;
    data(&made)["createRole"]["role"]["id"].clone()
}

/// The platform's staff comes into the business: the stay, and who acts in it.
pub async fn stay_of_platform(app: &TestApp, business: &Value, mark: &str) -> (String, Client) {
    let mut visitor = app.super_admin().await;
    let opened = visitor
        .gql(
            "mutation($b: ID!, $r: String!) { breakGlass(input: { businessId: $b, reason: $r }) {
               breakGlassSessionId accessToken userErrors { field message } } }",
            json!({ "b": business, "r": format!("Looking into the case of {mark}") }),
        )
        .await;
    let opened = &data(&opened)["breakGlass"];
    let id = opened["breakGlassSessionId"]
        .as_str()
        .unwrap_or_else(|| panic!("no stay: {opened}"));
    visitor.access_token = opened["accessToken"].as_str().map(str::to_owned);
    (id.to_owned(), visitor)
}

/// What a provider has approved for the business, as the platform's staff records it.
pub(super) async fn approved(app: &TestApp, business: &Value, mark: &str) -> Value {
    let made = app
        .super_admin()
        .await
        .gql(
            "mutation($i: RecordProviderApprovalInput!) { recordProviderApproval(input: $i) {
               providerApproval { id } userErrors { field message } } }",
            json!({ "i": { "businessId": business, "kind": "WHATSAPP", "reference": format!("Approval of {mark}") } }),
        )
        .await;
    data(&made)["recordProviderApproval"]["providerApproval"]["id"].clone()
}

/// The caller works at certain hours, and can do something.
pub(super) async fn skilled(staff: &Client, mark: &str) {
    let me = data(&staff.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone();
    let told = staff
        .gql(
            "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { field message } } }",
            json!({ "i": { "id": me, "skills": [format!("Skill of {mark}")], "capacity": 7, "availability": {
                "timeZone": "America/Chicago", "week": [{ "day": "MONDAY", "hours": [{ "from": "09:00", "to": "17:00" }] }],
                "exceptions": [{ "date": "2026-12-24", "hours": [] }] } } }),
        )
        .await;
    assert_eq!(data(&told)["updateUser"]["userErrors"], json!([]));
}

/// An upload that may become the business's logo; null for those who may not choose it.
pub(super) async fn uploaded_logo(client: &Client) -> Value {
    let wish = client
        .gql(
            "mutation($n: Int!) { createUpload(input: { purpose: BUSINESS_LOGO, fileName: \"sweep.png\", size: $n }) { upload { id url } } }",
            json!({ "n": PNG.len() }),
        )
        .await;
    let upload = &wish["data"]["createUpload"]["upload"];
    if let Some(url) = upload["url"].as_str() {
        assert_eq!(put(client, url, PNG).await.0, 201);
    }
    upload["id"].clone()
}

/// An upload of answers of the reassigned numbers database; null for those who may not import them.
pub(super) async fn uploaded_answers(client: &Client) -> Value {
    let content = b"number,status\n+16465550198,yes\n";
    let wish = client
        .gql(
            "mutation($n: Int!) { createUpload(input: { purpose: REASSIGNED_NUMBERS, fileName: \"sweep.csv\", size: $n }) { upload { id url } } }",
            json!({ "n": content.len() }),
        )
        .await;
    let upload = &wish["data"]["createUpload"]["upload"];
    if let Some(url) = upload["url"].as_str() {
        assert_eq!(put(client, url, content).await.0, 201);
    }
    upload["id"].clone()
}

/// A licence in a state where nobody of the demo data lives.
pub(super) async fn licensed(staff: &Client, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($n: String!) { setLicense(input: { state: \"AK\", kind: OTHER, number: $n, validFrom: \"2026-01-01\" }) {
               license { id } userErrors { message } } }",
            json!({ "n": format!("License of {mark}") }),
        )
        .await;
    data(&made)["setLicense"]["license"]["id"].clone()
}

/// A template that names its maker.
pub async fn kept(staff: &Client, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: CreateTemplateInput!) { createTemplate(input: $i) { template { id } userErrors { message } } }",
            json!({ "i": { "name": format!("Template of {mark}"), "description": format!("Kept for {mark}"), "type": "LETTER",
                "purpose": "FOLLOW_UP", "language": "EN", "body": format!("Words of {mark}") } }),
        )
        .await;
    data(&made)["createTemplate"]["template"]["id"].clone()
}
