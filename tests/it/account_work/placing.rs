//! Whose an account is, and what its balance is made of.

use serde_json::{Value, json};

use super::{account, act, create, new_account, numbers};
use crate::support::{TestApp, data, user_errors};

#[tokio::test]
async fn accounts_belong_to_creditors_and_placements() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let creditor = async |name: &str| {
        let made = act(
            &admin,
            "createCreditor",
            "creditor { id name }",
            json!({ "name": name }),
        )
        .await;
        assert_eq!(made["creditor"]["name"], name, "{made}");
        made["creditor"]["id"].clone()
    };
    let (bank, clinic) = (creditor("First Bank").await, creditor("A Clinic").await);
    let twice = act(&admin, "createCreditor", "", json!({ "name": " FIRST bank " })).await;
    assert_eq!(user_errors(&twice), ["CONFLICT"]);
    let placement = act(
        &admin,
        "createPlacement",
        "placement { id placedOn creditor { id } }",
        json!({ "creditorId": bank, "name": "June" }),
    )
    .await;
    assert_eq!(placement["placement"]["creditor"]["id"], bank);
    assert_eq!(placement["placement"]["placedOn"], "2026-06-10");
    let june = placement["placement"]["id"].clone();
    let twice = act(
        &admin,
        "createPlacement",
        "",
        json!({ "creditorId": bank, "name": "june" }),
    )
    .await;
    assert_eq!(user_errors(&twice), ["CONFLICT"]);

    let mut input = new_account("Z-1");
    input["placementId"] = june.clone();
    let id = create(&admin, input.clone()).await;
    let whose = "creditor { name } placement { name }";
    assert_eq!(
        account(&admin, &id, whose).await,
        json!({ "creditor": { "name": "First Bank" }, "placement": { "name": "June" } }),
        "a placement brings its creditor along"
    );
    input["accountNumber"] = json!("Z-2");
    input["creditorId"] = clinic.clone();
    let mixed = act(&admin, "createAccount", "account { id }", input).await;
    assert_eq!(user_errors(&mixed), ["CONFLICT"]);
    assert_eq!(numbers(&admin, json!({ "creditorId": bank })).await, ["Z-1"]);
    assert_eq!(numbers(&admin, json!({ "placementId": june })).await, ["Z-1"]);

    let update = async |change: Value| {
        let mut input = json!({ "id": id });
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        act(&admin, "updateAccount", &format!("account {{ {whose} }}"), input).await
    };
    let moved = update(json!({ "creditorId": clinic })).await;
    assert_eq!(
        moved["account"],
        json!({ "creditor": { "name": "A Clinic" }, "placement": null }),
        "another creditor's account is in none of this one's placements"
    );
    let contradiction = update(json!({ "creditorId": null, "placementId": june })).await;
    assert_eq!(user_errors(&contradiction), ["CONFLICT"]);
    let emptied = update(json!({ "creditorId": null })).await;
    assert!(emptied["account"]["creditor"].is_null(), "{emptied}");

    let listed = admin
        .gql(
            "query($c: ID) { creditors(first: 5) { edges { node { name } } } placements(first: 5, creditorId: $c) { edges { node { name } } } }",
            json!({ "c": bank }),
        )
        .await;
    assert_eq!(
        *data(&listed),
        json!({ "creditors": { "edges": [{ "node": { "name": "A Clinic" } }, { "node": { "name": "First Bank" } }] },
                "placements": { "edges": [{ "node": { "name": "June" } }] } })
    );
    app.finish().await;
}

#[tokio::test]
async fn components_sum_to_the_balance_with_which_the_account_was_placed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut input = new_account("Z-1");
    input["balanceComponents"] = json!({ "principal": { "amount": "1000.00" }, "interest": { "amount": "234.49" },
        "itemizationDate": "2026-01-31", "itemizationEvent": "CHARGE_OFF" });
    let refused = act(&admin, "createAccount", "account { id }", input.clone()).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "a cent is missing");
    assert_eq!(
        refused["userErrors"][0]["field"],
        json!(["input", "balanceComponents"])
    );
    input["balanceComponents"]["costs"] = json!({ "amount": "0.01" });
    let id = create(&admin, input).await;
    let made_of = "itemizationDate balanceComponents { principal { amount } interest { amount } fees { amount } costs { amount } itemizationEvent }";
    let amounts = |principal: &str, interest: &str, fees: &str, costs: &str| {
        json!({ "principal": { "amount": principal }, "interest": { "amount": interest }, "fees": { "amount": fees },
                "costs": { "amount": costs }, "itemizationEvent": "CHARGE_OFF" })
    };
    let stored = account(&admin, &id, made_of).await;
    assert_eq!(stored["itemizationDate"], "2026-01-31");
    assert_eq!(
        stored["balanceComponents"],
        amounts("1000.00", "234.49", "0.00", "0.01")
    );

    let update = async |components: Value| {
        let input = json!({ "id": id, "balanceComponents": components });
        act(
            &admin,
            "updateAccount",
            &format!("account {{ {made_of} }}"),
            input,
        )
        .await
    };
    let changed = update(
        json!({ "principal": { "amount": "1234.50" }, "itemizationDate": "2026-02-01",
        "itemizationEvent": "CHARGE_OFF" }),
    )
    .await;
    assert_eq!(
        changed["account"]["balanceComponents"],
        amounts("1234.50", "0.00", "0.00", "0.00")
    );
    for (wrong, field) in [
        (json!({ "principal": { "amount": "1234.50" } }), "itemizationDate"),
        (
            json!({ "principal": { "amount": "1234.50" }, "itemizationDate": "2026-07-01", "itemizationEvent": "JUDGMENT" }),
            "itemizationDate",
        ),
        (json!({ "itemizationDate": "2026-02-01" }), "principal"),
    ] {
        let refused = update(wrong).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "balanceComponents", field]),
            "{refused}"
        );
    }
    let plain = create(&admin, new_account("Z-2")).await;
    let none = account(
        &admin,
        &plain,
        "itemizationDate balanceComponents { principal { amount } }",
    )
    .await;
    assert_eq!(
        none,
        json!({ "itemizationDate": null, "balanceComponents": null })
    );
    app.finish().await;
}
