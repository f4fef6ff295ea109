//! Creditors and placements get other names, and accounts other creditors.

use serde_json::{Value, json};

use super::{act, ask, create, new_account};
use crate::support::{Client, TestApp, data, error_code, user_errors};

#[tokio::test]
async fn creditors_and_placements_get_other_names_and_many_accounts_at_once() {
    let app = TestApp::start().await;
    let (manager, agent) = (app.acme.sign_in("manager").await, app.acme.agent().await);
    let make = async |mutation: &str, object: &str, input: Value| {
        let made = act(&manager, mutation, &format!("{object} {{ id }}"), input).await;
        assert_eq!(user_errors(&made), Vec::<&str>::new(), "{made}");
        made[object]["id"].clone()
    };
    let bank = make("createCreditor", "creditor", json!({ "name": "Old Bank" })).await;
    let clinic = make("createCreditor", "creditor", json!({ "name": "A Clinic" })).await;
    let june = make(
        "createPlacement",
        "placement",
        json!({ "creditorId": bank, "name": "June" }),
    )
    .await;
    make(
        "createPlacement",
        "placement",
        json!({ "creditorId": bank, "name": "July" }),
    )
    .await;

    let rename = async |client: &Client, name: &str| {
        let input = json!({ "id": bank, "name": name });
        ask(client, "updateCreditor", "creditor { name }", input).await
    };
    assert_eq!(error_code(&rename(&agent, "New Bank").await), "FORBIDDEN");
    let renamed = rename(&manager, " New Bank ").await;
    assert_eq!(data(&renamed)["updateCreditor"]["creditor"]["name"], "New Bank");
    for (name, code) in [("a CLINIC", "CONFLICT"), (" ", "INVALID_INPUT")] {
        let refused = rename(&manager, name).await;
        assert_eq!(user_errors(&data(&refused)["updateCreditor"]), [code]);
    }
    let globex = app.globex.sign_in("manager").await;
    let foreign = rename(&globex, "Theirs").await;
    assert_eq!(user_errors(&data(&foreign)["updateCreditor"]), ["NOT_FOUND"]);
    let place =
        async |input: Value| act(&manager, "updatePlacement", "placement { name placedOn }", input).await;
    let moved = place(json!({ "id": june, "placedOn": "2026-05-31" })).await;
    assert_eq!(
        moved["placement"],
        json!({ "name": "June", "placedOn": "2026-05-31" })
    );
    assert_eq!(
        user_errors(&place(json!({ "id": june, "name": "july" })).await),
        ["CONFLICT"]
    );
    assert_eq!(
        place(json!({ "id": june, "name": "June 2026" })).await["placement"]["name"],
        "June 2026"
    );
    assert_eq!(app.audited("creditor.updated").await, 1);
    assert_eq!(app.audited("placement.updated").await, 2);

    let (first, second) = (
        create(&manager, new_account("Z-1")).await,
        create(&manager, new_account("Z-2")).await,
    );
    let set = async |mut input: Value| {
        input["accountIds"] = json!([second, first]);
        act(
            &manager,
            "setAccountsCreditor",
            "accounts { id creditor { name } placement { name } }",
            input,
        )
        .await
    };
    let placed = set(json!({ "placementId": june })).await;
    let of = |creditor: &str, placement: Value| {
        let whose = |id: &str| json!({ "id": id, "creditor": { "name": creditor }, "placement": placement });
        json!([whose(&second), whose(&first)])
    };
    assert_eq!(
        placed["accounts"],
        of("New Bank", json!({ "name": "June 2026" })),
        "{placed}"
    );
    let told = app.audited("account.updated").await;
    set(json!({ "placementId": june })).await;
    assert_eq!(app.audited("account.updated").await, told, "nothing has changed");
    let owed = set(json!({ "creditorId": clinic })).await;
    assert_eq!(
        owed["accounts"],
        of("A Clinic", Value::Null),
        "out of another's placement"
    );
    assert_eq!(app.audited("account.updated").await, told + 2);
    for (input, code) in [
        (json!({ "creditorId": clinic, "placementId": june }), "CONFLICT"),
        (json!({}), "INVALID_INPUT"),
    ] {
        assert_eq!(user_errors(&set(input).await), [code]);
    }
    let foreign = json!({ "accountIds": [first], "creditorId": null });
    let foreign = act(&globex, "setAccountsCreditor", "accounts { id }", foreign).await;
    assert_eq!(user_errors(&foreign), ["NOT_FOUND"]);
    app.finish().await;
}
