//! The queue of people who are probably one.

use funnelchat::platform::key_rotation::rotate_business_key;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{debtor, done};
use crate::{
    account_work::{act, new_account},
    support::{Client, TestApp, data, error_code, recipes::uuid_of, user_errors},
};

/// A debt of somebody; who that is.
async fn person(client: &Client, account: &str, more: Value) -> Value {
    let mut input = new_account(account);
    for (field, value) in more.as_object().unwrap() {
        input[field] = value.clone();
    }
    let payload = done(client, "createAccount", "account { debtor { id } }", input).await;
    payload["account"]["debtor"]["id"].clone()
}

const QUEUE: &str = "query($n: Int!, $a: String) { duplicateSuggestions(first: $n, after: $a) {
  edges { node { debtor { id } other { id } reasons foundAt } } pageInfo { hasNextPage endCursor } } }";

/// The queue as it is once the job has looked.
async fn queue(app: &TestApp, client: &Client) -> Vec<Value> {
    app.app.registry.reconcile_all().await.unwrap();
    app.run_jobs().await;
    waiting(client).await
}

/// The queue as it is: pairs in the order of their ids, and why.
async fn waiting(client: &Client) -> Vec<Value> {
    let answer = client.gql(QUEUE, json!({ "n": 50 })).await;
    let edges = data(&answer)["duplicateSuggestions"]["edges"].clone();
    let pair = |edge: &Value| {
        let node = &edge["node"];
        json!([node["debtor"]["id"], node["other"]["id"], node["reasons"]])
    };
    edges.as_array().unwrap().iter().map(pair).collect()
}

const BY_NAME: [&str; 2] = ["NAME_AND_BIRTH_DATE", "NAME_AND_POSTAL_CODE"];

/// Two people whom somebody has to look at: the name, the birth date and the postal code of one came later.
async fn alike(client: &Client, mark: &str) -> (Value, Value) {
    let known = json!({ "firstName": mark, "birthDate": "1980-01-31", "address": { "postalCode": "10027" } });
    let one = person(client, &format!("{mark}-1"), known).await;
    let two = person(client, &format!("{mark}-2"), json!({ "firstName": mark })).await;
    let input = json!({ "id": two, "birthDate": "1980-01-31", "address": { "postalCode": "10027-1234" } });
    done(client, "updateDebtor", "debtor { id }", input).await;
    (one, two)
}

#[tokio::test]
async fn who_is_probably_one_waits_for_a_manager_who_says_that_they_are_two() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let before = queue(&app, &admin).await;
    assert_eq!(before, Vec::<Value>::new(), "the demo has nobody twice");
    let (one, two) = alike(&admin, "Ada").await;
    // Of a household: the telephone is the same, the name is not.
    let cohabitant = person(&admin, "Q-3", json!({ "firstName": "Boris" })).await;
    for id in [&one, &cohabitant] {
        let input = json!({ "debtorId": id, "phone": "+16465550341" });
        done(&admin, "addContactPoint", "contactPoint { id }", input).await;
    }
    let found = queue(&app, &admin).await;
    assert_eq!(found, [json!([one, two, BY_NAME])]);
    assert_eq!(queue(&app, &globex).await, Vec::<Value>::new());
    let agent = app.acme.agent().await;
    let refused = agent.gql(QUEUE, json!({ "n": 1 })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "who merges looks");

    // Another pair is found later, and stands first.
    let (third, fourth) = alike(&admin, "Cleo").await;
    assert_eq!(queue(&app, &admin).await[0], json!([third, fourth, BY_NAME]));
    let first = admin.gql(QUEUE, json!({ "n": 1 })).await;
    let first = &data(&first)["duplicateSuggestions"];
    assert_eq!(first["edges"][0]["node"]["debtor"]["id"], third);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let next = admin
        .gql(QUEUE, json!({ "n": 1, "a": first["pageInfo"]["endCursor"] }))
        .await;
    let next = &data(&next)["duplicateSuggestions"];
    assert_eq!(next["edges"][0]["node"]["debtor"]["id"], one);
    assert_eq!(next["pageInfo"]["hasNextPage"], false);

    // Two people of that name.
    let input = json!({ "debtorId": two, "otherDebtorId": one });
    let elsewhere = act(&globex, "markDebtorsDistinct", "debtor { id }", input.clone()).await;
    assert_eq!(user_errors(&elsewhere), ["NOT_FOUND"]);
    let oneself = json!({ "debtorId": one, "otherDebtorId": one });
    let oneself = act(&admin, "markDebtorsDistinct", "debtor { id }", oneself).await;
    assert_eq!(user_errors(&oneself), ["CONFLICT"]);
    let marked = done(&admin, "markDebtorsDistinct", "debtor { id }", input.clone()).await;
    assert_eq!(marked["debtor"]["id"], two);
    assert_eq!(
        app.audited("debtor.marked_distinct").await,
        2,
        "a line of each of them"
    );
    assert_eq!(waiting(&admin).await, [json!([third, fourth, BY_NAME])]);
    let of_one = debtor(&admin, &one, "matchSuggestions { debtor { id } }").await;
    assert_eq!(
        of_one["matchSuggestions"],
        json!([{ "debtor": { "id": cohabitant } }]),
        "nor is the one suggested for the other"
    );
    let moved = json!({ "id": two, "address": { "postalCode": "10027" } });
    done(&admin, "updateDebtor", "debtor { id }", moved).await;
    assert_eq!(
        queue(&app, &admin).await,
        [json!([third, fourth, BY_NAME])],
        "remembered, whatever is found later"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_pair_leaves_the_queue_when_it_is_merged_corrected_or_erased() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let number = |birth: &str| json!({ "nationalId": "123-45-6789", "birthDate": birth });
    let one = person(&admin, "M-1", number("1980-01-31")).await;
    // The business's key is another one meanwhile: what is stored of the two looks different.
    let business = app.business_id(&app.acme).await;
    rotate_business_key(&app.app.db, &app.app.keyring, business)
        .await
        .unwrap();
    app.app.keyring.forget(business);
    let two = person(&admin, "M-2", number("1981-01-31")).await;
    let pair = json!([one, two, ["NATIONAL_ID"]]);
    assert_eq!(
        queue(&app, &admin).await,
        std::slice::from_ref(&pair),
        "one of the dates was mistyped"
    );

    let merged = json!({ "survivorId": one, "mergedId": two, "reason": "The same card." });
    let merged = done(&admin, "mergeDebtors", "merge { id }", merged).await;
    assert_eq!(waiting(&admin).await, Vec::<Value>::new(), "at once");
    assert_eq!(queue(&app, &admin).await, Vec::<Value>::new());
    let undone = json!({ "mergeId": merged["merge"]["id"], "reason": "Too early." });
    done(&admin, "unmergeDebtors", "debtor { id }", undone).await;
    assert_eq!(
        queue(&app, &admin).await,
        std::slice::from_ref(&pair),
        "to be looked at again"
    );

    let corrected = json!({ "id": two, "nationalId": "536-22-8714" });
    done(&admin, "updateDebtor", "debtor { id }", corrected).await;
    assert_eq!(queue(&app, &admin).await, Vec::<Value>::new());
    let again = json!({ "id": two, "nationalId": "123-45-6789" });
    done(&admin, "updateDebtor", "debtor { id }", again).await;
    assert_eq!(queue(&app, &admin).await, [pair]);

    let mut superuser = app.superuser().await;
    superuser
        .execute(sqlx::query("UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id = $1 AND purpose = 'PROFILE'")
            .bind(uuid_of(two.as_str().unwrap())))
        .await
        .unwrap();
    assert_eq!(waiting(&admin).await, Vec::<Value>::new());
    queue(&app, &admin).await;
    let left: i64 = superuser
        .fetch_one(
            "SELECT (SELECT count(*) FROM duplicate_suggestions) + (SELECT count(*) FROM duplicate_checks)",
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0, "nothing is left of it");
    app.finish().await;
}
