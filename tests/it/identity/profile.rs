//! People say how they are called, and what they want to read.

use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, TestApp, data, error_code, user_errors};

const UPDATE: &str = "mutation($i: UpdateProfileInput!) { updateProfile(input: $i) {
  viewer { user { name } profile { language timeZone phone } } userErrors { code field message } } }";

async fn update(client: &Client, input: Value) -> Value {
    data(&client.gql(UPDATE, json!({ "i": input })).await)["updateProfile"].clone()
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_empties() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let name = "Agent of Acme Recovery";
    let me = |name: &str, language: Option<&str>, zone: Option<&str>| {
        json!({ "viewer": { "user": { "name": name }, "profile": { "language": language, "timeZone": zone, "phone": null } },
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

    // The number is for its owner, and stands nowhere in clear; what was changed stands in the trail.
    let called = update(&agent, json!({ "phone": "(212) 555-0142", "language": "en" })).await;
    assert_eq!(called["viewer"]["profile"]["phone"], "+12125550142");
    let wrong = update(&agent, json!({ "phone": "12" })).await;
    assert_eq!(
        wrong["userErrors"][0]["field"],
        json!(["input", "phone"]),
        "{wrong}"
    );
    let mut superuser = app.superuser().await;
    let row = superuser
        .fetch_one(
            "SELECT (SELECT count(*) FROM users u WHERE strpos(u::text, '12125550142') > 0
                       OR strpos(u::text, encode('12125550142', 'hex')) > 0),
                    (SELECT count(*) FROM users WHERE phone_cipher IS NOT NULL),
                    (SELECT convert_from(details, 'UTF8') FROM audit_events WHERE action = 'user.profile_updated'
                     ORDER BY position DESC LIMIT 1)",
        )
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (0, 1));
    let details: Value = serde_json::from_str(row.get(2)).unwrap();
    assert_eq!(
        details,
        json!({ "fields": ["language", "phone"], "language": { "from": null, "to": "en" } })
    );
    let emptied = update(&agent, json!({ "phone": null })).await;
    assert_eq!(emptied["viewer"]["profile"]["phone"], Value::Null);
    let nobody = app.anonymous().gql(UPDATE, json!({ "i": {} })).await;
    assert_eq!(error_code(&nobody), "UNAUTHENTICATED");
    app.finish().await;
}
