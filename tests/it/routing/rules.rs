//! What a business says of who gets which thread.

use serde_json::{Value, json};

use super::{save, saved};
use crate::support::{Client, TestApp, data, error_code, user_errors};

async fn listed(client: &Client) -> Vec<(i64, String)> {
    let answer = client.gql("{ routingRules { place name } }", json!({})).await;
    let rules = data(&answer)["routingRules"].as_array().unwrap().clone();
    rules
        .iter()
        .map(|rule| {
            (
                rule["place"].as_i64().unwrap(),
                rule["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn named(names: &[&str]) -> Vec<(i64, String)> {
    (1..).zip(names.iter().map(|name| (*name).to_owned())).collect()
}

async fn delete(client: &Client, id: &Value) -> Value {
    let answer = client
        .gql(
            "mutation($id: ID!) { deleteRoutingRule(input: { id: $id }) { deletedId userErrors { code field } } }",
            json!({ "id": id }),
        )
        .await;
    data(&answer)["deleteRoutingRule"].clone()
}

#[tokio::test]
async fn managers_put_rules_in_an_order_and_nobody_else_does() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    assert!(listed(&manager).await.is_empty());
    let first = saved(
        &manager,
        json!({ "name": " Everybody ", "strategy": "ROUND_ROBIN" }),
    )
    .await;
    assert_eq!(
        (
            &first["place"],
            &first["enabled"],
            &first["reassignment"],
            &first["name"]
        ),
        (
            &json!(1),
            &json!(true),
            &json!("DEACTIVATED"),
            &json!("Everybody")
        )
    );
    let creditors = manager
        .gql(
            "mutation { createCreditor(input: { name: \"First Bank\" }) { creditor { id } } }",
            json!({}),
        )
        .await;
    let creditor = data(&creditors)["createCreditor"]["creditor"]["id"].clone();
    let spanish = json!({ "name": "Spanish", "place": 1, "languages": ["ES", "es "], "channels": ["SMS", "EMAIL"],
        "tags": ["vip"], "creditorIds": [creditor], "requiredSkills": ["Spanish"], "strategy": "LEAST_ACTIVE",
        "reassignment": "OFF_DUTY" });
    let second = saved(&manager, spanish).await;
    assert_eq!(
        second,
        json!({ "id": second["id"], "place": 1, "name": "Spanish", "enabled": true, "channels": ["EMAIL", "SMS"],
            "languages": ["es"], "creditors": [{ "id": creditor }], "tags": ["vip"], "requiredSkills": ["spanish"],
            "strategy": "LEAST_ACTIVE", "reassignment": "OFF_DUTY" })
    );
    saved(
        &manager,
        json!({ "name": "Third", "strategy": "ROUND_ROBIN", "enabled": false }),
    )
    .await;
    assert_eq!(listed(&manager).await, named(&["Spanish", "Everybody", "Third"]));
    // Changed as a whole, it stays where it is, or moves.
    let id = first["id"].clone();
    saved(
        &manager,
        json!({ "id": id, "name": "All", "strategy": "LEAST_ACTIVE" }),
    )
    .await;
    assert_eq!(listed(&manager).await, named(&["Spanish", "All", "Third"]));
    saved(
        &manager,
        json!({ "id": id, "name": "All", "strategy": "LEAST_ACTIVE", "place": 9 }),
    )
    .await;
    assert_eq!(listed(&manager).await, named(&["Spanish", "Third", "All"]));

    for (wrong, code, field) in [
        (json!({ "name": " " }), "INVALID_INPUT", "name"),
        (json!({ "place": 0 }), "INVALID_INPUT", "place"),
        (json!({ "languages": ["english"] }), "INVALID_INPUT", "languages"),
        (json!({ "tags": [""] }), "INVALID_INPUT", "tags"),
        (
            json!({ "requiredSkills": [""] }),
            "INVALID_INPUT",
            "requiredSkills",
        ),
        (
            json!({ "id": "rout_01h455vb4pex5vsknk084sn02q" }),
            "NOT_FOUND",
            "id",
        ),
        (
            json!({ "creditorIds": ["cred_01h455vb4pex5vsknk084sn02q"] }),
            "NOT_FOUND",
            "creditorIds",
        ),
    ] {
        let mut input = json!({ "name": "A rule", "strategy": "ROUND_ROBIN" });
        for (name, value) in wrong.as_object().unwrap() {
            input[name] = value.clone();
        }
        let answer = save(&manager, input).await;
        assert_eq!(user_errors(&answer), [code], "{wrong}");
        assert_eq!(answer["userErrors"][0]["field"][1], field, "{answer}");
    }

    // Another business has neither the rules nor the creditor.
    let other = app.globex.sign_in("admin").await;
    assert!(listed(&other).await.is_empty());
    let theirs = json!({ "id": id, "name": "Mine", "strategy": "ROUND_ROBIN" });
    assert_eq!(user_errors(&save(&other, theirs).await), ["NOT_FOUND"]);
    let theirs = json!({ "name": "Mine", "strategy": "ROUND_ROBIN", "creditorIds": [creditor] });
    assert_eq!(user_errors(&save(&other, theirs).await), ["NOT_FOUND"]);
    assert_eq!(user_errors(&delete(&other, &id).await), ["NOT_FOUND"]);
    // An agent may not, and the compliance officer reads.
    let agent = app.acme.agent().await;
    let answer = agent
        .gql(
            "mutation { saveRoutingRule(input: { name: \"Mine\", strategy: ROUND_ROBIN }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&answer), "FORBIDDEN");
    let answer = agent.gql("{ routingRules { id } }", json!({})).await;
    assert_eq!(error_code(&answer), "FORBIDDEN");
    assert_eq!(listed(&app.acme.sign_in("compliance").await).await.len(), 3);

    assert_eq!(delete(&manager, &second["id"]).await["deletedId"], second["id"]);
    assert_eq!(listed(&manager).await, named(&["Third", "All"]));
    assert_eq!(user_errors(&delete(&manager, &second["id"]).await), ["NOT_FOUND"]);
    assert_eq!(app.audited("routing_rule.saved").await, 5);
    assert_eq!(app.audited("routing_rule.deleted").await, 1);
    app.finish().await;
}
