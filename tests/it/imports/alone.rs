//! Nobody is alone: two who commit at once, what comes between preview and commit, who must not see half of it.

use serde_json::json;
use sqlx::{Connection as _, Executor as _, Row as _};

use super::{ACCOUNTS, act, commit, done, findings, import, outcome, previewed, rows};
use crate::support::{TestApp, data, error_code, eventually, user_errors};

#[tokio::test]
async fn two_who_commit_at_once_and_two_imports_of_one_file_place_each_row_once() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let file = rows(60, "twice");
    let (first, second) = (
        previewed(&app, &admin, &file).await,
        previewed(&app, &manager, &file).await,
    );
    let input = json!({ "importId": first["id"], "mode": "VALID_ROWS_ONLY" });
    let (one, two) = tokio::join!(
        act(&admin, "commitAccountImport", input.clone()),
        act(&manager, "commitAccountImport", input)
    );
    assert_eq!(
        [user_errors(&one), user_errors(&two)].concat(),
        ["CONFLICT"],
        "{one} {two}"
    );
    commit(&manager, &second, "VALID_ROWS_ONLY").await;
    // The worker runs both jobs at the same time.
    app.run_jobs().await;
    let (first, second) = (
        import(&admin, &first["id"]).await,
        import(&admin, &second["id"]).await,
    );
    let imported = |import: &serde_json::Value| import["result"]["imported"].as_i64().unwrap();
    let skipped = |import: &serde_json::Value| import["result"]["skipped"].as_i64().unwrap();
    assert_eq!(
        (
            imported(&first) + imported(&second),
            skipped(&first) + skipped(&second)
        ),
        (60, 60)
    );
    assert_eq!(outcome(&app, &admin, &app.acme, "twice").await.len(), 61);
    let late = if skipped(&first) > 0 { &first } else { &second };
    assert!(
        late["errorFileUrl"].is_string(),
        "what was skipped comes back: {late}"
    );
    let codes = findings(&admin, late).await;
    assert!(
        codes
            .iter()
            .all(|(_, _, code, blocks)| code == "DUPLICATE_IN_BUSINESS" && *blocks)
    );
    app.finish().await;
}

#[tokio::test]
async fn all_or_nothing_is_refused_by_a_bad_row_and_by_what_came_since_the_preview() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let bad = previewed(&app, &admin, &(rows(3, "bad") + "Bad,Row,,,,,,,,,\n")).await;
    let refused = act(
        &admin,
        "commitAccountImport",
        json!({ "importId": bad["id"], "mode": "ALL_OR_NOTHING" }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    assert_eq!(refused["userErrors"][0]["field"], json!(["input", "mode"]));
    assert!(
        refused["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("1 of its rows")
    );

    let ready = previewed(&app, &admin, &rows(520, "late")).await;
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    // In the second chunk: the first is placed by then, and taken back.
    let taken = json!({ "i": { "firstName": "Was", "lastName": "Faster", "accountNumber": "late-510", "currentBalance": { "amount": "1" } } });
    let made = admin
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } } }",
            taken,
        )
        .await;
    assert!(data(&made)["createAccount"]["account"]["id"].is_string());
    app.run_jobs().await;
    let failed = import(&admin, &ready["id"]).await;
    assert_eq!(
        (&failed["status"], &failed["failure"]["code"]),
        (&json!("FAILED"), &json!("CHANGED_SINCE_PREVIEW"))
    );
    assert_eq!(
        findings(&admin, &failed).await,
        [(512, None, "DUPLICATE_IN_BUSINESS".to_owned(), true)]
    );
    assert!(failed["errorFileUrl"].is_string());
    assert_eq!(outcome(&app, &admin, &app.acme, "late").await, ["0 people"]);
    app.finish().await;
}

#[tokio::test]
async fn nobody_sees_a_row_of_all_or_nothing_before_the_last_and_cancelling_takes_all_back() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ready = previewed(&app, &admin, &rows(30, "hidden")).await;
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    let mut superuser = app.superuser().await;
    let mut lock = app.superuser().await;
    let mut held = lock.begin().await.unwrap();
    held.execute("SELECT FROM account_imports FOR UPDATE")
        .await
        .unwrap();
    let looking = async {
        eventually("all rows are placed, and the last statement waits", async || {
            let waiting: i64 = superuser
                .fetch_one("SELECT count(*) FROM pg_locks WHERE NOT granted")
                .await
                .unwrap()
                .get(0);
            (waiting > 0).then_some(())
        })
        .await;
        assert_eq!(outcome(&app, &admin, &app.acme, "hidden").await, ["0 people"]);
        held.rollback().await.unwrap();
    };
    tokio::join!(app.run_jobs(), looking);
    assert_eq!(outcome(&app, &admin, &app.acme, "hidden").await.len(), 31);

    let ready = previewed(&app, &admin, &rows(30, "unwanted")).await;
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    let cancelled = done(&admin, "cancelAccountImport", json!({ "importId": ready["id"] })).await;
    assert_eq!(cancelled["status"], "CANCELLED");
    app.run_jobs().await;
    assert_eq!(outcome(&app, &admin, &app.acme, "unwanted").await, ["0 people"]);
    let again = act(&admin, "cancelAccountImport", json!({ "importId": ready["id"] })).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    assert_eq!(super::count(&app, "account_import_chunks").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn another_business_has_numbers_of_its_own_and_an_agent_imports_nothing() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    // Globex has ACME-10001 of its own: neither is a duplicate of the other's.
    let file = format!("{ACCOUNTS}\nOur,Own,,,ACME-10001,10,\n");
    let theirs = previewed(&app, &globex, &file).await;
    assert_eq!(theirs["counts"]["valid"], 1);
    let ours = previewed(&app, &acme, &file).await;
    assert_eq!(ours["counts"]["duplicateInBusiness"], 1);
    for mutation in ["commitAccountImport", "cancelAccountImport", "remapAccountImport"] {
        let mut input = json!({ "importId": theirs["id"] });
        if mutation == "commitAccountImport" {
            input["mode"] = json!("VALID_ROWS_ONLY");
        }
        assert_eq!(
            user_errors(&act(&acme, mutation, input).await),
            ["NOT_FOUND"],
            "{mutation}"
        );
    }
    let agent = app.acme.agent().await;
    for query in [
        "{ accountImports(first: 1) { edges { node { id } } } }",
        "{ accountImportTemplate(template: LEADS) }",
    ] {
        assert_eq!(error_code(&agent.gql(query, json!({})).await), "FORBIDDEN");
    }
    let listed = acme
        .gql(
            "{ accountImports(first: 5) { edges { node { id createdBy { name } } } } }",
            json!({}),
        )
        .await;
    let edges = data(&listed)["accountImports"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 1);
    assert_eq!(edges[0]["node"]["id"], ours["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_program_imports_with_a_key_that_may_and_not_with_one_that_may_only_create() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let key = async |scopes: &[&str]| {
        let made = admin
            .gql(
                "mutation($s: [String!]!) { createApiKey(input: { name: \"Nightly\", scopes: $s }) { secret userErrors { message } } }",
                json!({ "s": scopes }),
            )
            .await;
        let mut client = app.anonymous();
        let secret = data(&made)["createApiKey"]["secret"]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"));
        client.access_token = Some(secret.to_owned());
        client
    };
    let program = key(&["file:upload", "account:import"]).await;
    let ready = previewed(&app, &program, &rows(3, "nightly")).await;
    commit(&program, &ready, "ALL_OR_NOTHING").await;
    app.run_jobs().await;
    let done = import(&program, &ready["id"]).await;
    assert_eq!(done["result"]["imported"], 3);
    let made = outcome(&app, &admin, &app.acme, "nightly").await;
    assert_eq!(made.len(), 4, "{made:?}");
    let read = "query($id: ID!) { accountImport(id: $id) { createdBy { name } } }";
    let answer = admin.gql(read, json!({ "id": ready["id"] })).await;
    assert_eq!(
        data(&answer)["accountImport"]["createdBy"],
        serde_json::Value::Null
    );
    let other = key(&["file:upload", "account:create"]).await;
    assert_eq!(
        error_code(&other.gql(read, json!({ "id": ready["id"] })).await),
        "FORBIDDEN"
    );
    app.finish().await;
}
