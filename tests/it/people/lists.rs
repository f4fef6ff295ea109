//! The list of people: its filter and its orders.

use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::{
    account_lists::{assert_bounded, message, uneven},
    account_work::{MARIA, act, create, new_account},
    support::{Client, TestApp, data, error_code, send, send_refused, user_errors},
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

const COUNTED: &str = "query($f: DebtorFilter, $o: DebtorOrder, $s: String) {
  debtors(filter: $f, orderBy: $o, search: $s, first: 2) { totalCount edges { node { lastName } } } }";

/// How many there are in all, and the first two.
async fn counted(client: &Client, variables: Value) -> (Value, Vec<String>) {
    let answer = client.gql(COUNTED, variables).await;
    let page = &data(&answer)["debtors"];
    let name = |edge: &Value| edge["node"]["lastName"].as_str().unwrap().to_owned();
    let names = page["edges"].as_array().unwrap().iter().map(name).collect();
    (page["totalCount"].clone(), names)
}

#[tokio::test]
async fn conditions_on_people_are_combined_and_whoever_fulfils_them_is_counted() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    app.superuser()
        .await
        .execute("UPDATE debtors SET created_at = created_at - interval '10 days'")
        .await
        .unwrap();
    let quinn = person(&admin, "Quinn", "en").await;
    let xu = person(&admin, "Xu", "zh-Hant-TW").await;
    person(&admin, "Zapata", "es-MX").await;
    let rate = async |account: &str, level: &str| {
        let query = "query($id: ID!) { account(id: $id) { debtor { id } } }";
        let found = admin.gql(query, json!({ "id": account })).await;
        let input = json!({ "id": data(&found)["account"]["debtor"]["id"], "riskLevel": level });
        let rated = act(&admin, "updateDebtor", "", input).await;
        assert_eq!(user_errors(&rated), Vec::<&str>::new());
    };
    rate(&quinn, "HIGH").await;
    rate(&xu, "LOW").await;
    let held = json!({ "accountId": xu, "kind": "LEGAL", "reason": "Served." });
    assert_eq!(
        user_errors(&act(&admin, "setHold", "", held).await),
        Vec::<&str>::new()
    );
    let since = json!({ "from": "2026-06-09T00:00:00Z" });
    for (filter, count, first) in [
        (json!({ "createdAt": since }), 3, vec!["Quinn", "Xu"]),
        (
            json!({ "or": [{ "preferredLanguage": ["es"], "createdAt": since }, { "hold": ["LEGAL"] }] }),
            2,
            vec!["Xu", "Zapata"],
        ),
        // Nobody has said how likely it is that Zapata does not pay: it is not true that it is high.
        (
            json!({ "createdAt": since, "not": { "riskLevel": ["HIGH"] } }),
            2,
            vec!["Xu", "Zapata"],
        ),
        (
            json!({ "and": [{ "createdAt": since }, { "createdAt": { "to": "2030-01-01T00:00:00Z" } }],
                "or": [{ "riskLevel": ["HIGH"] }, { "hasOpenAccounts": true, "preferredLanguage": ["zh"] }] }),
            2,
            vec!["Quinn", "Xu"],
        ),
        (
            json!({ "createdAt": since, "and": [{ "not": { "or": [{ "riskLevel": ["HIGH", "LOW"] }] } }] }),
            1,
            vec!["Zapata"],
        ),
        (
            json!({ "and": [{ "createdAt": since }, { "createdAt": { "to": "2026-06-08T00:00:00Z" } }] }),
            0,
            vec![],
        ),
    ] {
        for order in [json!({ "field": "NAME", "direction": "ASC" }), json!(null)] {
            let told = counted(&admin, json!({ "f": filter, "o": order })).await;
            let wanted = (
                json!(count),
                first.iter().map(|name| (*name).to_owned()).collect(),
            );
            assert_eq!(told, wanted, "{filter}");
        }
        let newest = json!({ "field": "CREATED_AT", "direction": "DESC" });
        let (told, _) = counted(&admin, json!({ "f": filter, "o": newest })).await;
        assert_eq!(told, count, "{filter}, the newest first");
    }
    let (found, _) = counted(&admin, json!({ "s": "zapata" })).await;
    assert_eq!(found, 1);
    let (all, _) = counted(&admin, json!({})).await;
    assert_eq!(all, 28, "the demo's, and these");
    let (agents, _) = counted(&app.acme.agent().await, json!({ "f": { "createdAt": since } })).await;
    assert_eq!(agents, 3, "nobody's are everybody's");

    for (wrong, told) in [
        (json!({ "or": [] }), "filter.or"),
        (
            json!({ "not": { "preferredLanguage": ["not a language"] } }),
            "BCP 47",
        ),
        (
            json!({ "and": (0..50).map(|_| json!({})).collect::<Vec<_>>() }),
            "at most 50 parts",
        ),
    ] {
        let answer = admin.gql(PEOPLE, json!({ "f": wrong, "n": 1 })).await;
        assert!(message(&answer).contains(told), "{answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_count_of_people_looks_at_few_of_many_or_says_nothing() {
    let (app, wire, names) = uneven().await;
    let manager = app.acme.sign_in("manager").await;
    for (filter, count) in [
        // More than may be looked at, and nothing to be looked at in each.
        (json!({}), json!(4025)),
        (
            json!({ "createdAt": { "from": "2000-01-01T00:00:00Z" } }),
            json!(4025),
        ),
        // Few, whom an index knows, alone and together.
        (json!({ "hold": ["DISPUTE"] }), json!(16)),
        (json!({ "preferredLanguage": ["vi"] }), json!(5)),
        (
            json!({ "or": [{ "hold": ["DISPUTE"] }, { "preferredLanguage": ["vi"] }] }),
            json!(21),
        ),
        (
            json!({ "hold": ["DISPUTE"], "not": { "preferredLanguage": ["es"] } }),
            json!(16),
        ),
        // Too many to be looked at.
        (json!({ "preferredLanguage": ["es"] }), json!(null)),
        (json!({ "hasOpenAccounts": true }), json!(null)),
    ] {
        wire.clear();
        let (told, first) = counted(&manager, json!({ "f": filter })).await;
        assert_eq!(told, count, "{filter}");
        assert!(!first.is_empty(), "{filter}");
        let statements = wire.statements();
        assert!(statements.len() < 10, "{filter}: {statements:#?}");
        if filter != json!({}) && filter.get("createdAt").is_none() {
            assert_bounded(&names, &wire, &format!("a count of people, {filter}"));
        }
    }
    app.finish().await;
}

const DECISIONS: &str = "query($id: ID!, $n: Int, $after: String) { account(id: $id) { debtor { id decisions(first: $n, after: $after) {
  pageInfo { hasNextPage endCursor } edges { node { id outcome } } } } } }";

async fn decisions(client: &Client, account: &str, size: i32) -> Vec<(String, String)> {
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "id": account, "n": size, "after": after });
        let answer = client.gql(DECISIONS, variables).await;
        let page = &data(&answer)["account"]["debtor"]["decisions"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let edges = page["edges"].as_array().unwrap().iter();
        found.extend(edges.map(|edge| (text(&edge["node"]["id"]), text(&edge["node"]["outcome"]))));
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn what_was_decided_of_a_person_is_read_page_by_page_across_their_debts() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = app.account_id(&app.acme, MARIA).await;
    let thread = app.thread_with(&admin, &app.acme, MARIA).await;
    send(&admin, &thread, "How can we help?").await;
    app.run_jobs().await;
    app.text(&app.acme, &app.acme.debtor_number(MARIA), "STOP").await;
    send_refused(&admin, &thread, "Are you there?").await;
    let all = decisions(&admin, &id, 100).await;
    assert!(all.len() >= 3, "queued, sent, refused: {all:?}");
    assert_eq!(all[0].1, "DENY", "the last first");
    assert_eq!(decisions(&admin, &id, 1).await, all);

    // Sent from a thread that is the administrator's by now: a collector is shown the person, and none of it.
    let agent = app.acme.agent().await;
    let shown = decisions(&agent, &id, 100).await;
    assert!(shown.len() < all.len(), "{shown:?} of {all:?}");
    // Nor is anything of a debt that a colleague works on, where another of the person's is anybody's.
    let person = admin.gql(DECISIONS, json!({ "id": id, "n": 1 })).await;
    let mut second = new_account("SECOND-1");
    second["debtorId"] = data(&person)["account"]["debtor"]["id"].clone();
    let second = create(&admin, second).await;
    let myself = admin.gql("{ viewer { user { id } } }", json!({})).await;
    let given = json!({ "accountIds": [id], "agentId": data(&myself)["viewer"]["user"]["id"] });
    assert_eq!(
        user_errors(&act(&admin, "assignAccounts", "", given).await),
        Vec::<&str>::new()
    );
    assert_eq!(decisions(&agent, &second, 100).await, []);
    assert_eq!(decisions(&admin, &second, 100).await, all);
    let globex = app.globex.sign_in("admin").await;
    let foreign = globex.gql(DECISIONS, json!({ "id": id, "n": 5 })).await;
    assert_eq!(error_code(&foreign), "NOT_FOUND");
    app.finish().await;
}
