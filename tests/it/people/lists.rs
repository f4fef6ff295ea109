//! The list of people: its filter and its orders.

use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::{
    account_lists::{assert_bounded, message, uneven},
    account_work::{act, create, new_account},
    support::{Client, TestApp, data, user_errors},
};

const PEOPLE: &str =
    "query($f: DebtorFilter, $o: DebtorOrder, $s: String, $n: Int, $after: String, $last: Int) {
  debtors(filter: $f, orderBy: $o, search: $s, first: $n, after: $after, last: $last) {
    pageInfo { endCursor hasNextPage } edges { node { lastName } } } }";

async fn last_names(client: &Client, variables: Value) -> Vec<String> {
    let answer = client.gql(PEOPLE, variables).await;
    let edges = data(&answer)["debtors"]["edges"].as_array().unwrap().clone();
    let name = |edge: &Value| edge["node"]["lastName"].as_str().unwrap().to_owned();
    edges.iter().map(name).collect()
}

/// Somebody of this name, written to in this language, with one debt; the account's id.
async fn person(client: &Client, last_name: &str, language: &str) -> String {
    let mut input = new_account(&format!("P-{last_name}"));
    input["lastName"] = json!(last_name);
    input["preferredLanguage"] = json!(language);
    create(client, input).await
}

#[tokio::test]
async fn people_are_found_by_language_hold_debts_and_when_they_were_recorded() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    app.superuser()
        .await
        .execute("UPDATE debtors SET created_at = created_at - interval '10 days'")
        .await
        .unwrap();
    let (quinn, xu, zapata) = (
        person(&admin, "Quinn", "en").await,
        person(&admin, "Xu", "zh-hant-tw").await,
        person(&admin, "Zapata", "es_mx").await,
    );
    let since = json!({ "from": "2026-06-09T00:00:00Z" });
    let with = |more: Value| {
        let mut filter = json!({ "createdAt": since });
        filter
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "f": filter, "n": 9 })
    };
    assert_eq!(
        last_names(&admin, with(json!({}))).await,
        ["Quinn", "Xu", "Zapata"]
    );
    // A language is found whatever its region; a region is found alone.
    for (languages, found) in [
        (json!(["es"]), vec!["Zapata"]),
        (json!(["es-MX"]), vec!["Zapata"]),
        (json!(["ES-mx", "en"]), vec!["Quinn", "Zapata"]),
        (json!(["es-ES"]), vec![]),
        (json!(["zh"]), vec!["Xu"]),
    ] {
        let asked = with(json!({ "preferredLanguage": languages }));
        assert_eq!(last_names(&admin, asked).await, found, "{languages}");
    }
    let held = act(
        &admin,
        "setHold",
        "",
        json!({ "accountId": xu, "kind": "LEGAL", "reason": "Served." }),
    )
    .await;
    assert_eq!(user_errors(&held), Vec::<&str>::new());
    assert_eq!(
        last_names(&admin, with(json!({ "hold": ["LEGAL"] }))).await,
        ["Xu"]
    );
    let closed = act(
        &admin,
        "updateAccount",
        "",
        json!({ "id": quinn, "status": "CLOSED" }),
    )
    .await;
    assert_eq!(user_errors(&closed), Vec::<&str>::new());
    assert_eq!(
        last_names(&admin, with(json!({ "hasOpenAccounts": true }))).await,
        ["Xu", "Zapata"]
    );
    assert_eq!(
        last_names(&admin, with(json!({ "hasOpenAccounts": false }))).await,
        ["Quinn"]
    );

    // In either order, page by page, and backwards.
    let newest = json!({ "field": "CREATED_AT", "direction": "DESC" });
    let (mut after, mut walked) = (Value::Null, Vec::new());
    for _ in 0..3 {
        let variables = json!({ "f": { "createdAt": since }, "o": newest, "n": 1, "after": after });
        let answer = admin.gql(PEOPLE, variables).await;
        let page = &data(&answer)["debtors"];
        walked.push(page["edges"][0]["node"]["lastName"].as_str().unwrap().to_owned());
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(walked, ["Zapata", "Xu", "Quinn"]);
    let backwards = json!({ "f": { "createdAt": since }, "o": newest, "last": 2 });
    assert_eq!(last_names(&admin, backwards).await, ["Xu", "Quinn"]);
    let searched = json!({ "f": { "preferredLanguage": ["es"] }, "s": "zapata", "n": 9 });
    assert_eq!(last_names(&admin, searched).await, ["Zapata"]);

    // What a colleague has does not tell an agent whether there is a debt.
    let myself = admin.gql("{ viewer { user { id } } }", json!({})).await;
    let given = json!({ "accountIds": [zapata], "agentId": data(&myself)["viewer"]["user"]["id"] });
    assert_eq!(
        user_errors(&act(&admin, "assignAccounts", "", given).await),
        Vec::<&str>::new()
    );
    let agent = app.acme.agent().await;
    assert_eq!(
        last_names(&agent, with(json!({ "hasOpenAccounts": true }))).await,
        ["Xu"]
    );
    let wrong = json!({ "f": { "preferredLanguage": ["not a language"] }, "n": 1 });
    assert!(message(&admin.gql(PEOPLE, wrong).await).contains("BCP 47"));
    app.finish().await;
}

#[tokio::test]
async fn each_condition_in_each_order_looks_at_few_people_of_many() {
    let (app, wire, names) = uneven().await;
    let (manager, agent) = (app.acme.sign_in("manager").await, app.acme.agent().await);
    for filter in [
        json!({}),
        json!({ "preferredLanguage": ["es"] }),
        json!({ "preferredLanguage": ["vi"] }),
        json!({ "hold": ["DISPUTE"] }),
        json!({ "hasOpenAccounts": true }),
        json!({ "hasOpenAccounts": false }),
        json!({ "createdAt": { "from": "2026-06-01T00:00:00Z" } }),
        json!({ "preferredLanguage": ["vi"], "hasOpenAccounts": true }),
    ] {
        let newest = json!({ "field": "CREATED_AT", "direction": "DESC" });
        for order in [json!({ "field": "NAME", "direction": "ASC" }), newest.clone()] {
            // The newest people all have open accounts: below.
            if filter == json!({ "hasOpenAccounts": false }) && order == newest {
                continue;
            }
            wire.clear();
            let found = last_names(&manager, json!({ "f": filter, "o": order, "n": 3 })).await;
            assert!(!found.is_empty(), "{filter} {order}");
            assert_bounded(&names, &wire, &format!("people, {filter} {order}"));
        }
    }
    // What is rare at the beginning of the order, and leads nowhere, asks to be narrowed.
    wire.clear();
    let rare = json!({ "f": { "hasOpenAccounts": false }, "o": { "field": "CREATED_AT", "direction": "DESC" }, "n": 3 });
    assert!(message(&manager.gql(PEOPLE, rare).await).contains("too broad: more than 100 people"));
    assert_bounded(&names, &wire, "people without an open account, the newest first");
    let few = json!({ "f": { "hold": ["DISPUTE"], "preferredLanguage": ["vi"] }, "n": 3 });
    assert_eq!(last_names(&manager, few).await, Vec::<String>::new());
    // Of a colleague's people an agent is shown none, and looks through few to know it.
    wire.clear();
    let rare = json!({ "f": { "hold": ["DISPUTE"] }, "n": 3 });
    data(&agent.gql(PEOPLE, rare).await);
    assert_bounded(&names, &wire, "people with a hold, as an agent");
    app.finish().await;
}
