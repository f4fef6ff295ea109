//! Fields of a business's own.

use serde_json::{Value, json};

use super::{account, act, ask, create, new_account};
use crate::support::{Client, TestApp, data, error_code, user_errors};

const LIST: &str = "{ customFields { version fields { name kind required choices } } }";

async fn set(client: &Client, input: Value) -> Value {
    act(
        client,
        "setCustomFields",
        "customFields { version fields { name } }",
        input,
    )
    .await
}

fn fields() -> Value {
    json!([
        { "name": "employer", "kind": "TEXT", "required": true },
        { "name": "income", "kind": "NUMBER" },
        { "name": "since", "kind": "DATE" },
        { "name": "risk", "kind": "CHOICE", "choices": ["Low", "High"] },
    ])
}

fn with(number: &str, values: Value) -> Value {
    let mut input = new_account(number);
    input["customFields"] = values;
    input
}

#[tokio::test]
async fn what_a_business_asks_of_its_accounts_is_asked_when_they_are_written() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let free = create(&admin, with("F-1", json!({ "shoe size": 43 }))).await;
    let none = admin.gql(LIST, json!({})).await;
    assert_eq!(data(&none)["customFields"], json!({ "version": 0, "fields": [] }));

    let refused = ask(
        &app.acme.agent().await,
        "setCustomFields",
        "customFields { version }",
        json!({ "fields": [] }),
    )
    .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    for wrong in [
        json!([{ "name": "a", "kind": "CHOICE" }]),
        json!([{ "name": "a", "kind": "TEXT", "choices": ["b"] }]),
        json!([{ "name": "a", "kind": "TEXT" }, { "name": "A", "kind": "DATE" }]),
        json!([{ "name": "", "kind": "TEXT" }]),
    ] {
        let payload = set(&admin, json!({ "fields": wrong })).await;
        assert_eq!(user_errors(&payload), ["INVALID_INPUT"], "{wrong}");
    }
    let done = set(&admin, json!({ "version": 0, "fields": fields() })).await;
    assert_eq!(user_errors(&done), Vec::<&str>::new(), "{done}");
    let stale = set(&admin, json!({ "version": 0, "fields": [] })).await;
    assert_eq!(user_errors(&stale), ["CONFLICT"]);
    assert_eq!(app.audited("custom_fields.set").await, 1);
    let listed = app.acme.agent().await.gql(LIST, json!({})).await;
    let listed = &data(&listed)["customFields"];
    assert_eq!(listed["version"], 1);
    assert_eq!(
        listed["fields"][3],
        json!({ "name": "risk", "kind": "CHOICE", "required": false, "choices": ["Low", "High"] })
    );
    let elsewhere = globex.gql(LIST, json!({})).await;
    assert_eq!(
        data(&elsewhere)["customFields"]["version"],
        0,
        "another business has its own"
    );

    for (values, wrong) in [
        (json!({}), 1),
        (
            json!({ "employer": "First Example", "income": "much", "since": "June" }),
            2,
        ),
        (json!({ "employer": "First Example", "risk": "Middling" }), 1),
    ] {
        let payload = act(
            &admin,
            "createAccount",
            "account { id }",
            with("C-1", values.clone()),
        )
        .await;
        assert_eq!(user_errors(&payload), vec!["INVALID_INPUT"; wrong], "{values}");
        assert_eq!(
            payload["userErrors"][0]["field"],
            json!(["input", "customFields"])
        );
    }
    let without = act(&admin, "createAccount", "account { id }", new_account("C-1")).await;
    assert_eq!(user_errors(&without), ["INVALID_INPUT"], "nothing at all is told");
    let whole = json!({ "employer": "First Example", "income": 12.5, "since": "2020-02-29", "risk": "High", "shoe size": 43 });
    let id = create(&admin, with("C-1", whole.clone())).await;
    assert_eq!(account(&admin, &id, "customFields").await["customFields"], whole);

    let change = |values: Value| json!({ "id": id, "customFields": values });
    for values in [
        json!(null),
        json!({ "employer": null }),
        json!({ "employer": "E", "income": true }),
    ] {
        let payload = act(&admin, "updateAccount", "account { id }", change(values.clone())).await;
        assert_eq!(user_errors(&payload), ["INVALID_INPUT"], "{values}");
    }
    let payload = act(
        &admin,
        "updateAccount",
        "account { id }",
        change(json!({ "employer": "E" })),
    )
    .await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new());
    // What was written before stays as it is, and another change asks nothing of it.
    let other = json!({ "id": free, "tags": ["kept"] });
    let payload = act(&admin, "updateAccount", "account { id }", other).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new());
    assert_eq!(
        account(&admin, &free, "customFields").await["customFields"],
        json!({ "shoe size": 43 })
    );
    create(&globex, new_account("C-1")).await;
    app.finish().await;
}
