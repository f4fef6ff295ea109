//! Saved views.

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};

use super::{act, numbers};
use crate::support::{Client, TestApp, data, user_errors};

#[tokio::test]
async fn a_view_is_kept_for_oneself_or_for_all() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let filter = json!({ "balance": { "min": "4000" }, "or": [{ "status": ["ACTIVE"] }, { "not": { "unassigned": true } }],
        "createdAt": { "from": "2026-01-01T00:00:00Z" }, "dueDate": { "to": "2030-01-01" } });
    let selection = "view { id name filter orderBy { field direction } search shared owner { id } }";
    let save = async |client: &Client, input: Value| act(client, "saveAccountView", selection, input).await;
    let saved = save(
        &admin,
        json!({ "name": "Large", "filter": filter, "orderBy": { "field": "BALANCE", "direction": "ASC" }, "search": "Alvarez" }),
    )
    .await;
    let view = &saved["view"];
    assert_eq!(view["orderBy"], json!({ "field": "BALANCE", "direction": "ASC" }));
    assert_eq!(
        (&view["search"], &view["shared"]),
        (&json!("Alvarez"), &json!(false))
    );
    assert_eq!(
        numbers(&admin, view["filter"].clone()).await,
        numbers(&admin, filter.clone()).await,
        "what is given back means the same"
    );
    let listed = async |client: &Client| {
        let answer = client.gql("{ accountViews { name shared } }", json!({})).await;
        data(&answer)["accountViews"].clone()
    };
    assert_eq!(listed(&agent).await, json!([]), "nobody else's");
    let shared = save(
        &admin,
        json!({ "id": view["id"], "name": "Largest", "shared": true }),
    )
    .await;
    assert_eq!(shared["view"]["id"], view["id"]);
    assert_eq!(shared["view"]["filter"], json!({}));
    assert_eq!(
        listed(&agent).await,
        json!([{ "name": "Largest", "shared": true }])
    );
    for (mutation, input) in [
        ("saveAccountView", json!({ "id": view["id"], "name": "Mine now" })),
        ("deleteAccountView", json!({ "id": view["id"] })),
    ] {
        let refused = act(&agent, mutation, "", input).await;
        assert_eq!(user_errors(&refused), ["NOT_FOUND"], "{mutation}");
    }
    let same_name = save(&agent, json!({ "name": "Largest" })).await;
    assert_eq!(user_errors(&same_name), Vec::<&str>::new(), "names are one's own");
    let twice = save(&agent, json!({ "name": "Largest" })).await;
    assert_eq!(user_errors(&twice), ["CONFLICT"]);
    for (input, code, field) in [
        (
            json!({ "name": "x", "filter": { "or": [] } }),
            "INVALID_INPUT",
            json!(["input", "filter", "or"]),
        ),
        (
            json!({ "name": "x", "search": "ab" }),
            "INVALID_INPUT",
            json!(["input", "search"]),
        ),
        (
            json!({ "name": "x", "filter": { "not": { "creditorId": ids::encode(IdKind::Creditor, ids::next()) } } }),
            "NOT_FOUND",
            json!(["input", "filter", "creditorId"]),
        ),
    ] {
        let refused = save(&agent, input).await;
        assert_eq!(user_errors(&refused), [code], "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], field);
    }
    for nth in 1..99 {
        let saved = save(&agent, json!({ "name": format!("View {nth}") })).await;
        assert_eq!(user_errors(&saved), Vec::<&str>::new(), "{nth}");
    }
    let (one, two) = tokio::join!(
        save(&agent, json!({ "name": "One more" })),
        save(&agent, json!({ "name": "And more" }))
    );
    let outcomes = [user_errors(&one), user_errors(&two)];
    assert!(
        outcomes.contains(&vec!["QUOTA_EXCEEDED"]) && outcomes.contains(&Vec::new()),
        "one of two at once takes the last place: {outcomes:?}"
    );
    let deleted = act(
        &admin,
        "deleteAccountView",
        "deletedId",
        json!({ "id": view["id"] }),
    )
    .await;
    assert_eq!(deleted["deletedId"], view["id"]);
    assert_eq!(listed(&admin).await, json!([]));
    app.finish().await;
}
