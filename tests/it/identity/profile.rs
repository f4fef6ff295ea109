//! People say how they are called, and what they want to read.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, data, error_code, user_errors};

const UPDATE: &str = "mutation($i: UpdateProfileInput!) { updateProfile(input: $i) {
  viewer { user { name } profile { language timeZone } } userErrors { code field message } } }";

async fn update(client: &Client, input: Value) -> Value {
    data(&client.gql(UPDATE, json!({ "i": input })).await)["updateProfile"].clone()
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_empties() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let name = "Agent of Acme Recovery";
    let me = |name: &str, language: Option<&str>, zone: Option<&str>| {
        json!({ "viewer": { "user": { "name": name }, "profile": { "language": language, "timeZone": zone } },
                "userErrors": [] })
    };
    let zone = "America/New_York";
    assert_eq!(update(&agent, json!({})).await, me(name, None, None));
    let both = json!({ "language": "es-MX", "timeZone": zone });
    assert_eq!(update(&agent, both).await, me(name, Some("es-MX"), Some(zone)));
    let renamed = update(&agent, json!({ "name": "  Ana  ", "language": null })).await;
    assert_eq!(renamed, me("Ana", None, Some(zone)));

    let wrong = json!({ "name": "\u{7}", "language": "Spanish", "timeZone": "Nowhere/Else" });
    let refused = update(&agent, wrong).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"; 3]);
    assert!(refused["viewer"].is_null());
    let seen = manager
        .gql("{ viewer { user { name } profile { timeZone } } }", json!({}))
        .await;
    assert_eq!(
        data(&seen)["viewer"],
        json!({ "user": { "name": "Manager of Acme Recovery" }, "profile": { "timeZone": null } }),
        "one's own only"
    );
    let nobody = app.anonymous().gql(UPDATE, json!({ "i": {} })).await;
    assert_eq!(error_code(&nobody), "UNAUTHENTICATED");
    app.finish().await;
}
