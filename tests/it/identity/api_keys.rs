//! Programs act for a business by keys: with their scopes, until their end, and not a moment longer.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, Options, TestApp, data, error_code, user_errors};

const CREATE: &str = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) {
  secret apiKey { id name prefix scopes expiresAt lastUsedAt revokedAt createdBy { name } } userErrors { code field message } } }";
const REVOKE: &str =
    "mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { revokedAt } userErrors { code } } }";
const ACCOUNTS: &str = "{ accounts(first: 1) { edges { node { id } } } }";
const VIEWER: &str = "{ viewer { role permissions user { name } business { name } } sessions { id } }";

async fn create(admin: &Client, scopes: &[&str], days: Option<i32>) -> Value {
    let mut input = json!({ "name": "Taskade", "scopes": scopes });
    if let Some(days) = days {
        input["expiresInDays"] = json!(days);
    }
    data(&admin.gql(CREATE, json!({ "i": input })).await)["createApiKey"].clone()
}

fn program(app: &TestApp, created: &Value) -> Client {
    let mut client = app.anonymous();
    client.access_token = created["secret"].as_str().map(str::to_owned);
    assert!(client.access_token.is_some(), "{created}");
    client
}

async fn is_refused(client: &Client) -> bool {
    let answer = client.gql(ACCOUNTS, json!({})).await;
    answer.get("errors").is_some() && error_code(&answer) == "UNAUTHENTICATED"
}

#[tokio::test]
async fn a_program_does_what_its_scopes_say_and_no_more() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let created = create(&admin, &["account:read", "account:create"], None).await;
    let key = &created["apiKey"];
    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with("fck_live_") && secret.starts_with(key["prefix"].as_str().unwrap()));
    assert_eq!(key["scopes"], json!(["account:create", "account:read"]));
    assert_eq!(key["createdBy"]["name"], "Admin of Acme Recovery");
    assert_eq!(key["expiresAt"], "2026-09-08T17:00:00+00:00", "ninety days");
    let stored: String = app
        .superuser()
        .await
        .fetch_one("SELECT k::text FROM api_keys k")
        .await
        .unwrap()
        .get(0);
    assert!(!stored.contains(&secret[20..]), "only a hash is kept");

    let program = program(&app, &created);
    let seen = program.gql(VIEWER, json!({})).await;
    assert_eq!(
        *data(&seen),
        json!({ "viewer": {
            "role": "SERVICE", "permissions": ["account:create", "account:read"], "user": null,
            "business": null }, "sessions": [] }),
        "the business is not its to read"
    );
    let listed = program.gql(ACCOUNTS, json!({})).await;
    assert_eq!(data(&listed)["accounts"]["edges"].as_array().unwrap().len(), 1);
    let reader: String = app
        .superuser()
        .await
        .fetch_one("SELECT k.name FROM access_log l JOIN api_keys k ON k.id = l.actor_id")
        .await
        .unwrap()
        .get(0);
    assert_eq!(reader, "Taskade", "who reads personal data is written down");
    let made = program
        .gql(
            "mutation { createAccount(input: { firstName: \"By\", lastName: \"Program\", accountNumber: \"P-1\",
               currentBalance: { amount: \"5.00\" } }) { account { id } userErrors { code } } }",
            json!({}),
        )
        .await;
    assert!(
        data(&made)["createAccount"]["account"]["id"].is_string(),
        "{made}"
    );
    for refused in [
        "{ conversations(first: 1) { edges { node { id } } } }",
        "{ auditEvents(first: 1) { edges { node { id } } } }",
        "{ apiKeys(first: 1) { edges { node { id } } } }",
        "mutation { createApiKey(input: { name: \"x\", scopes: [\"account:read\"] }) { secret } }",
        "{ business { name } }",
    ] {
        let answer = program.gql(refused, json!({})).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{refused}");
    }
    for (field, selection) in [
        ("logout", "logout { userErrors { code } }"),
        (
            "revokeOtherSessions",
            "revokeOtherSessions { userErrors { code } }",
        ),
        (
            "changePassword",
            "changePassword(input: { currentPassword: \"a\", newPassword: \"b\" }) { userErrors { code } }",
        ),
    ] {
        let answer = program
            .gql(&format!("mutation {{ {selection} }}"), json!({}))
            .await;
        assert_eq!(user_errors(&data(&answer)[field]), ["BAD_CREDENTIALS"], "{field}");
    }
    let trail = admin
        .gql(
            "{ auditEvents(first: 10) { edges { node { action actorKind } } } }",
            json!({}),
        )
        .await;
    let acts: Vec<(&str, &str)> = data(&trail)["auditEvents"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|edge| {
            Some((
                edge["node"]["action"].as_str()?,
                edge["node"]["actorKind"].as_str()?,
            ))
        })
        .collect();
    assert!(
        acts.contains(&("account.created", "SERVICE")) && acts.contains(&("api_key.created", "USER")),
        "{acts:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn scopes_hold_at_every_depth() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let reader = program(&app, &create(&admin, &["account:read"], None).await);
    let threads =
        "{ accounts(first: 1) { edges { node { id conversations(first: 1) { edges { node { id } } } } } } }";
    let answer = reader.gql(threads, json!({})).await;
    assert_eq!(error_code(&answer), "FORBIDDEN", "{answer}");
    let account = data(&admin.gql(ACCOUNTS, json!({})).await)["accounts"]["edges"][0]["node"]["id"].clone();
    let started = admin
        .gql(
            "mutation($i: StartConversationInput!) { startConversation(input: $i) { conversation { id } userErrors { message } } }",
            json!({ "i": { "accountId": account, "channel": "SMS" } }),
        )
        .await;
    assert_eq!(user_errors(&started), Vec::<String>::new());
    let follower = program(&app, &create(&admin, &["conversation:read"], None).await);
    let people = "{ conversations(first: 1) { edges { node { id account { id } debtor { firstName } } } } }";
    let answer = follower.gql(people, json!({})).await;
    let thread = &data(&answer)["conversations"]["edges"][0]["node"];
    assert!(thread["id"].is_string(), "{answer}");
    assert_eq!(thread["account"], json!(null), "{answer}");
    assert_eq!(thread["debtor"], json!(null), "{answer}");

    // Who works there, and for whom, is told to keys with those scopes alone.
    let me = data(&admin.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone();
    let taken = admin
        .gql(
            "mutation($i: AssignAccountsInput!) { assignAccounts(input: $i) { userErrors { message } } }",
            json!({ "i": { "accountIds": [account], "agentId": me } }),
        )
        .await;
    assert_eq!(data(&taken)["assignAccounts"]["userErrors"], json!([]));
    let staff = "query($a: ID!, $u: ID!) { viewer { business { name } } account(id: $a) { assignedAgent { name email } }
        nodes(ids: [$u]) { ... on User { name } } }";
    let ask = json!({ "a": account, "u": me });
    let answer = reader.gql(staff, ask.clone()).await;
    assert_eq!(
        *data(&answer),
        json!({ "viewer": { "business": null }, "account": { "assignedAgent": null }, "nodes": [null] })
    );
    let scopes = ["account:read", "business:read", "user:read"];
    let told = program(&app, &create(&admin, &scopes, None).await);
    let name = "Admin of Acme Recovery";
    assert_eq!(
        *data(&told.gql(staff, ask).await),
        json!({ "viewer": { "business": { "name": "Acme Recovery" } },
            "account": { "assignedAgent": { "name": name, "email": null } }, "nodes": [{ "name": name }] }),
        "addresses are not told to keys"
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_by_every_process() {
    let app = TestApp::start().await;
    let other = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    let admin = app.acme.sign_in("admin").await;
    let created = create(&admin, &["account:read"], None).await;
    let (here, there) = (program(&app, &created), program(&other, &created));
    assert!(!is_refused(&here).await && !is_refused(&there).await);
    let mut socket = there.socket().await;
    let stranger = app.globex.sign_in("admin").await;
    let foreign = stranger
        .gql(REVOKE, json!({ "id": created["apiKey"]["id"] }))
        .await;
    assert_eq!(user_errors(&data(&foreign)["revokeApiKey"]), ["NOT_FOUND"]);
    let revoked = admin.gql(REVOKE, json!({ "id": created["apiKey"]["id"] })).await;
    assert!(data(&revoked)["revokeApiKey"]["apiKey"]["revokedAt"].is_string());
    assert!(is_refused(&here).await && is_refused(&there).await);
    assert_eq!(socket.close_code().await, 4401);
    other.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_ends_on_its_day_and_its_administrators_hear_of_it_before() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let created = create(&admin, &["account:read"], Some(30)).await;
    let spare = create(&admin, &["account:read"], Some(30)).await;
    data(&admin.gql(REVOKE, json!({ "id": spare["apiKey"]["id"] })).await);
    let program = program(&app, &created);
    let warnings = async |app: &TestApp| {
        app.run_jobs().await;
        // Others hear of other things meanwhile.
        let mut mails = app.sandbox.state().mails();
        mails.retain(|mail| mail.subject == "An API key of your business ends soon");
        let prefix = created["apiKey"]["prefix"].as_str().unwrap();
        assert!(
            mails
                .iter()
                .all(|mail| mail.text.as_deref().unwrap().contains(prefix))
        );
        assert_eq!(
            app.sandbox.state().mails_to("admin@acme.example").len(),
            mails.len(),
            "to the administrators alone"
        );
        mails.len()
    };
    for (days, warned) in [(15, 0), (1, 1), (1, 1), (9, 1), (1, 2), (1, 2)] {
        app.advance(TimeDelta::days(days)).await;
        assert_eq!(warnings(&app).await, warned, "after {days} more days");
    }
    assert!(!is_refused(&program).await);
    app.advance(TimeDelta::days(2)).await;
    assert!(is_refused(&program).await);
    let answer = program.gql(ACCOUNTS, json!({})).await;
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("expired")
    );
    assert_eq!(warnings(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_secret_is_shown_once_even_to_who_asks_again() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let input = json!({ "i": { "name": "Once", "scopes": ["account:read"] } });
    let key = [("idempotency-key", "make-one-key")];
    let first = admin.gql_with(CREATE, input.clone(), &key).await;
    let first = &data(&first)["createApiKey"];
    assert!(first["secret"].is_string());
    let again = admin.gql_with(CREATE, input, &key).await;
    let again = &data(&again)["createApiKey"];
    assert_eq!(user_errors(again), ["ALREADY_ISSUED"]);
    assert_eq!(
        (&again["secret"], &again["apiKey"]["id"]),
        (&Value::Null, &first["apiKey"]["id"])
    );
    let count: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM api_keys")
        .await
        .unwrap()
        .get(0);
    assert_eq!(count, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_key_is_told_apart_from_what_was_one() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let created = create(&admin, &["account:read"], None).await;
    let secret = created["secret"].as_str().unwrap();
    let mut mistyped = secret.to_owned();
    mistyped.replace_range(20..21, if &secret[20..21] == "x" { "y" } else { "x" });
    for wrong in [
        "fck_live_",
        "fck_live_nonsense",
        &secret[..secret.len() - 1],
        &mistyped,
    ] {
        let mut client = app.anonymous();
        client.access_token = Some(wrong.to_owned());
        let answer = client.gql(ACCOUNTS, json!({})).await;
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
        assert!(
            answer["errors"][0]["message"]
                .as_str()
                .unwrap()
                .contains("complete"),
            "{answer}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_business_has_fifty_keys_and_asks_for_each_rightly() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    for (scopes, days, field) in [
        (&[][..], 90, "scopes"),
        (&["audit:read"][..], 90, "scopes"),
        (&["account:read"][..], 91, "expiresInDays"),
        (&["account:read"][..], 0, "expiresInDays"),
    ] {
        let refused = create(&admin, scopes, Some(days)).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
        assert_eq!(refused["userErrors"][0]["field"][1], field);
    }
    for _ in 0..49 {
        create(&admin, &["account:read"], None).await;
    }
    let (one, other) = tokio::join!(
        create(&admin, &["account:read"], None),
        create(&admin, &["account:read"], None)
    );
    let codes = [user_errors(&one), user_errors(&other)].concat();
    assert_eq!(codes, ["QUOTA_EXCEEDED"], "of two at once one is the fiftieth");
    let listed = admin
        .gql(
            "{ apiKeys(first: 100) { edges { node { id revokedAt } } } }",
            json!({}),
        )
        .await;
    let edges = data(&listed)["apiKeys"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 50);
    data(&admin.gql(REVOKE, json!({ "id": edges[0]["node"]["id"] })).await);
    assert!(create(&admin, &["account:read"], None).await["secret"].is_string());
    app.finish().await;
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let created = create(&admin, &["account:read"], None).await;
    let program = program(&app, &created);
    let last = async || {
        let answer = admin
            .gql(
                "{ apiKeys(first: 1) { edges { node { lastUsedAt } } } }",
                json!({}),
            )
            .await;
        data(&answer)["apiKeys"]["edges"][0]["node"]["lastUsedAt"].clone()
    };
    assert_eq!(last().await, Value::Null);
    for (seconds, seen) in [(0, "17:00:00"), (59, "17:00:00"), (1, "17:01:00")] {
        app.wall.advance(TimeDelta::seconds(seconds));
        data(&program.gql(ACCOUNTS, json!({})).await);
        assert_eq!(last().await, format!("2026-06-10T{seen}+00:00"));
    }
    app.finish().await;
}

#[tokio::test]
async fn the_keys_of_somebody_who_is_let_go_end_and_those_that_stay_are_told_of() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let listed = admin
        .gql(
            "{ users(first: 5, filter: { role: [MANAGER] }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let id = data(&listed)["users"]["edges"][0]["node"]["id"].clone();
    let update = async |patch: Value| {
        let mut input = patch;
        input["id"] = id.clone();
        let document =
            "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code message } } }";
        let answer = admin.gql(document, json!({ "i": input })).await;
        assert_eq!(data(&answer)["updateUser"]["userErrors"], json!([]), "{answer}");
        app.run_jobs().await;
    };
    let mails = || app.sandbox.state().mails_to("admin@acme.example");
    let left_over = async || {
        let document =
            "{ apiKeys(first: 10, createdBySuspended: true) { edges { node { id createdBy { status } } } } }";
        let answer = admin.gql(document, json!({})).await;
        data(&answer)["apiKeys"]["edges"].as_array().unwrap().clone()
    };
    update(json!({ "role": "BUSINESS_ADMIN" })).await;
    let second = app.acme.sign_in("manager").await;
    let first_key = create(&second, &["account:read"], None).await;
    let first = program(&app, &first_key);

    // Another role: the key is the business's and stays, and the administrators hear of it.
    update(json!({ "role": "MANAGER" })).await;
    assert!(!is_refused(&first).await);
    let told = mails();
    assert_eq!(told.len(), 1, "{told:?}");
    let prefix = first_key["apiKey"]["prefix"].as_str().unwrap();
    assert!(told[0].text.as_deref().unwrap().contains(prefix));
    assert_eq!(left_over().await.len(), 0, "who made it still works here");

    // Suspended, and yet the key is to stay: it is listed until somebody ends it.
    update(json!({ "status": "SUSPENDED", "revokeApiKeys": false })).await;
    assert!(!is_refused(&first).await);
    assert_eq!(mails().len(), 2);
    let kept = left_over().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["node"]["createdBy"]["status"], "SUSPENDED");
    assert_eq!(kept[0]["node"]["id"], first_key["apiKey"]["id"]);
    update(json!({ "revokeApiKeys": true })).await;
    assert!(is_refused(&first).await);
    assert_eq!(left_over().await.len(), 0);
    assert_eq!(app.audited("api_key.revoked").await, 1);

    // Suspended, and nothing said: the keys end with the sessions.
    update(json!({ "status": "ACTIVE", "role": "BUSINESS_ADMIN" })).await;
    let second = app.acme.sign_in("manager").await;
    let other = program(&app, &create(&second, &["account:read"], None).await);
    assert!(!is_refused(&other).await);
    update(json!({ "status": "SUSPENDED" })).await;
    assert!(is_refused(&other).await);
    assert_eq!(app.audited("api_key.revoked").await, 2);
    assert_eq!(mails().len(), 2, "nothing stays, nothing is told");
    app.finish().await;
}

#[tokio::test]
async fn a_program_gives_work_away_and_reads_the_ledger_where_its_scopes_say_so() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (agent, account) = (app.acme.agent().await, app.account_id(&app.acme, 0).await);
    let agent =
        data(&agent.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone();
    let assign = "mutation($a: ID!, $u: ID) { assignAccounts(input: { accountIds: [$a], agentId: $u }) {
        accounts { id } userErrors { code } } }";
    let ledger = "query($a: ID!) { account(id: $a) { ledger(first: 5) { edges { node { id } } } } }";
    let read = async |client: &Client| {
        let answer = client.gql(ledger, json!({ "a": account })).await;
        answer["data"]["account"]["ledger"]["edges"].clone()
    };

    let narrow = create(&admin, &["account:read", "account:assign_self"], None).await;
    let narrow = program(&app, &narrow);
    let refused = narrow.gql(assign, json!({ "a": account, "u": agent })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "{refused}");
    assert_eq!(read(&narrow).await, Value::Null);

    let scopes = [
        "account:read",
        "account:assign_self",
        "account:assign_any",
        "ledger:read",
    ];
    let wide = create(&admin, &scopes, None).await;
    let wide = program(&app, &wide);
    let done = wide.gql(assign, json!({ "a": account, "u": agent })).await;
    assert_eq!(data(&done)["assignAccounts"]["userErrors"], json!([]), "{done}");
    assert_eq!(read(&wide).await.as_array().map(Vec::len), Some(1));
    let by: String = app
        .superuser()
        .await
        .fetch_one("SELECT actor_kind FROM audit_events WHERE action = 'account.assigned'")
        .await
        .unwrap()
        .get(0);
    assert_eq!(by, "SERVICE");
    let other = app.account_id(&app.globex, 0).await;
    let missed = wide.gql(assign, json!({ "a": other, "u": agent })).await;
    assert_eq!(
        user_errors(&data(&missed)["assignAccounts"]),
        ["NOT_FOUND"],
        "{missed}"
    );
    app.finish().await;
}
