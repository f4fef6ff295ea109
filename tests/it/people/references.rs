//! The business's own number of a person: shown, found, changed, and kept of one person.

use serde_json::{Value, json};

use super::{debtor, done};
use crate::{
    account_work::{account, act, create, new_account},
    support::{Client, TestApp, data, user_errors},
};

async fn found(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: DebtorFilter) { debtors(first: 9, filter: $f) { edges { node { id externalDebtorReference } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["debtors"]["edges"].as_array().unwrap().clone();
    edges.iter().map(|edge| edge["node"]["id"].clone()).collect()
}

#[tokio::test]
async fn a_reference_is_shown_changed_found_and_names_one_person() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut input = new_account("Z-1");
    input["externalDebtorReference"] = json!("REF-1");
    let first = create(&admin, input).await;
    let zoe = account(&admin, &first, "debtor { id }").await["debtor"]["id"].clone();
    let mut input = new_account("Z-2");
    input["firstName"] = json!("Ann");
    let second = create(&admin, input).await;
    let ann = account(&admin, &second, "debtor { id }").await["debtor"]["id"].clone();
    let of = async |id: &Value| {
        debtor(&admin, id, "externalDebtorReference").await["externalDebtorReference"].clone()
    };
    assert_eq!((of(&zoe).await, of(&ann).await), (json!("REF-1"), Value::Null));

    // It is one person's; emptied there, it is free, and what comes with it from then on is the other's.
    let taken = json!({ "id": ann, "externalDebtorReference": "REF-1" });
    let refused = act(&admin, "updateDebtor", "debtor { id }", taken.clone()).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"], "{refused}");
    for wrong in [json!(""), json!("  "), json!("x".repeat(101))] {
        let input = json!({ "id": ann, "externalDebtorReference": wrong });
        let refused = act(&admin, "updateDebtor", "debtor { id }", input).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
    }
    let empty = json!({ "id": zoe, "externalDebtorReference": null });
    done(&admin, "updateDebtor", "debtor { id }", empty).await;
    done(&admin, "updateDebtor", "debtor { id }", taken).await;
    let mut input = new_account("Z-3");
    input["firstName"] = json!("Whoever");
    input["externalDebtorReference"] = json!("REF-1");
    let third = create(&admin, input).await;
    assert_eq!(
        account(&admin, &third, "debtor { id }").await["debtor"]["id"],
        ann
    );

    // Found by it, also on a record that was merged into another; and by nobody else's.
    assert_eq!(
        found(&admin, json!({ "externalDebtorReference": ["REF-1", "REF-2"] })).await,
        std::slice::from_ref(&ann)
    );
    assert_eq!(
        found(&admin, json!({ "not": { "externalDebtorReference": ["REF-1"] } }))
            .await
            .len(),
        9
    );
    let merge = json!({ "survivorId": zoe, "mergedId": ann, "reason": "The same person." });
    done(&admin, "mergeDebtors", "__typename", merge).await;
    assert_eq!(
        found(&admin, json!({ "externalDebtorReference": ["REF-1"] })).await,
        [zoe]
    );
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(
        found(&globex, json!({ "externalDebtorReference": ["REF-1"] })).await,
        Vec::<Value>::new()
    );
    let other = act(
        &globex,
        "updateDebtor",
        "debtor { id }",
        json!({ "id": ann, "externalDebtorReference": "REF-9" }),
    )
    .await;
    assert_eq!(user_errors(&other), ["NOT_FOUND"]);
    app.finish().await;
}
