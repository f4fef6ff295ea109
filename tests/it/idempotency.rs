//! `Idempotency-Key`: a request that comes again has no second effect and gets the first answer, read anew under the
//! caller's own rights.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::support::{Client, SEND, TestApp, data, error_code, user_errors};

const CREATE: &str = "mutation($number: String!) {
  createAccount(input: { firstName: \"Tess\", lastName: \"Twice\", accountNumber: $number,
                         currentBalance: { amount: \"10.00\", currency: \"USD\" } }) {
    account { id accountNumber } userErrors { code field message } } }";

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

async fn with_key(client: &Client, key: &str, query: &str, variables: Value) -> Value {
    client
        .gql_with(query, variables, &[("idempotency-key", key)])
        .await
}

async fn count(app: &TestApp, of: &str) -> i64 {
    let row = app
        .superuser()
        .await
        .fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {of}")))
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn a_request_that_comes_again_creates_nothing_and_gets_the_same_answer() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let first = with_key(&manager, "key-1", CREATE, json!({ "number": "TWICE-1" })).await;
    assert_eq!(user_errors(&data(&first)["createAccount"]), Vec::<&str>::new());
    let before = (count(&app, "accounts").await, count(&app, "audit_events").await);
    for _ in 0..2 {
        let again = with_key(&manager, "key-1", CREATE, json!({ "number": "TWICE-1" })).await;
        assert_eq!(data(&again), data(&first));
    }
    assert_eq!(
        (count(&app, "accounts").await, count(&app, "audit_events").await),
        before
    );

    let other = with_key(&manager, "key-1", CREATE, json!({ "number": "TWICE-2" })).await;
    assert_eq!(error_code(&other), "IDEMPOTENCY_KEY_REUSED");
    let spelled_otherwise = CREATE.replace("userErrors", "  userErrors");
    let other = with_key(
        &manager,
        "key-1",
        &spelled_otherwise,
        json!({ "number": "TWICE-1" }),
    )
    .await;
    assert_eq!(
        error_code(&other),
        "IDEMPOTENCY_KEY_REUSED",
        "the document counts, letter by letter"
    );
    assert_eq!(count(&app, "accounts").await, before.0);

    // What was refused by its input had no effect: put right, it is another request and needs another key.
    let clash = with_key(&manager, "key-2", CREATE, json!({ "number": "TWICE-1" })).await;
    assert_eq!(user_errors(&data(&clash)["createAccount"]), ["CONFLICT"]);
    app.finish().await;
}

#[tokio::test]
async fn the_same_request_twice_at_once_has_one_effect() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    for round in 0..5 {
        let (key, number) = (format!("race-{round}"), format!("RACE-{round}"));
        let request = || with_key(&manager, &key, CREATE, json!({ "number": number }));
        let (first, second, third) = tokio::join!(request(), request(), request());
        assert_eq!(
            user_errors(&data(&first)["createAccount"]),
            Vec::<&str>::new(),
            "{first}"
        );
        assert_eq!((data(&second), data(&third)), (data(&first), data(&first)));
    }
    assert_eq!(
        count(&app, "accounts WHERE account_number LIKE 'RACE-%'").await,
        5
    );
    app.finish().await;
}

#[tokio::test]
async fn a_program_that_repeats_itself_creates_one_account_of_which_integrators_are_told_once() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let program = async || {
        let made = admin
            .gql(
                "mutation { createApiKey(input: { name: \"Nightly\", scopes: [\"account:create\", \"account:read\"] }) {
                   secret userErrors { message } } }",
                json!({}),
            )
            .await;
        let mut client = app.anonymous();
        client.access_token = data(&made)["createApiKey"]["secret"].as_str().map(str::to_owned);
        assert!(client.access_token.is_some(), "{made}");
        client
    };
    let (nightly, other) = (program().await, program().await);
    let audited = app.audited("account.created").await;
    // A sender who heard nothing sends again, several times at once.
    let send = || with_key(&nightly, "order-1", CREATE, json!({ "number": "KEY-1" }));
    let (first, second, third) = tokio::join!(send(), send(), send());
    let created = data(&first)["createAccount"].clone();
    assert_eq!(user_errors(&created), Vec::<&str>::new(), "{first}");
    assert_eq!((data(&second), data(&third)), (data(&first), data(&first)));
    assert_eq!(data(&send().await), data(&first));
    assert_eq!(count(&app, "accounts WHERE account_number = 'KEY-1'").await, 1);
    assert_eq!(app.audited("account.created").await, audited + 1);

    // Without a key, or with another program's, the account's own number keeps it from being there twice.
    for (client, key) in [(&nightly, "order-2"), (&other, "order-1")] {
        let again = with_key(client, key, CREATE, json!({ "number": "KEY-1" })).await;
        assert_eq!(user_errors(&data(&again)["createAccount"]), ["CONFLICT"]);
    }
    let reused = with_key(&nightly, "order-1", CREATE, json!({ "number": "KEY-2" })).await;
    assert_eq!(error_code(&reused), "IDEMPOTENCY_KEY_REUSED");

    let events = app
        .superuser()
        .await
        .fetch_all(
            "SELECT e.type, a.account_number, e.dispatched_at IS NULL, e.business_id = a.business_id, e.created_at = a.created_at
             FROM webhook_events e JOIN accounts a ON a.id = e.object_id WHERE a.account_number LIKE 'KEY-%'",
        )
        .await
        .unwrap();
    let events: Vec<(String, String, bool, bool, bool)> = events
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
        .collect();
    assert_eq!(
        events,
        [("account.created".to_owned(), "KEY-1".to_owned(), true, true, true)],
        "what was refused, and what came again, tells of nothing"
    );
    app.advance(TimeDelta::days(31)).await;
    assert_eq!(
        count(&app, "webhook_events").await,
        0,
        "they are kept for a month"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_text_that_is_sent_again_is_sent_once_and_a_refusal_stays_one() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let hello = json!({ "c": thread, "text": "Does Friday suit you?" });
    let first = with_key(&agent, "hello", SEND, hello.clone()).await;
    let second = with_key(&agent, "hello", SEND, hello.clone()).await;
    assert_eq!(data(&second), data(&first));
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    let later = with_key(&agent, "hello", SEND, hello).await;
    assert_eq!(
        data(&later)["sendMessage"]["message"]["deliveryStatus"],
        "DELIVERED",
        "the object is read as it is now"
    );

    app.text(&app.acme, &phone, "STOP").await;
    let sure = json!({ "c": thread, "text": "Are you sure?" });
    let refused = with_key(&agent, "sure", SEND, sure.clone()).await;
    assert_eq!(
        user_errors(&data(&refused)["sendMessage"]),
        ["COMPLIANCE_BLOCKED"]
    );
    assert_eq!(
        data(&refused)["sendMessage"]["decision"]["rule"],
        "reg-f-medium-opt-out"
    );
    let decisions = count(&app, "decisions").await;
    app.text(&app.acme, &phone, "START").await;
    let again = with_key(&agent, "sure", SEND, sure).await;
    assert_eq!(
        data(&again),
        data(&refused),
        "the decision that was taken then, though another would be taken now"
    );
    assert_eq!(count(&app, "decisions").await, decisions);
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_replay_shows_only_what_the_caller_may_see_now() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let hello = json!({ "c": thread, "text": "Does Friday suit you?" });
    let sent = with_key(&agent, "hello", SEND, hello.clone()).await;
    assert!(data(&sent)["sendMessage"]["message"]["id"].is_string());
    app.run_jobs().await;
    let viewer = manager.gql("{ viewer { user { id } } }", json!({})).await;
    let taken = manager
        .gql(
            "mutation($c: ID!, $u: ID!) { assignConversation(input: { conversationId: $c, userId: $u }) { userErrors { code } } }",
            json!({ "c": thread, "u": data(&viewer)["viewer"]["user"]["id"] }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&taken)["assignConversation"]),
        Vec::<&str>::new()
    );
    let again = with_key(&agent, "hello", SEND, hello).await;
    assert!(
        data(&again)["sendMessage"]["message"].is_null(),
        "the thread is a colleague's now: {again}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_the_callers_own() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    with_key(&manager, "mine", CREATE, json!({ "number": "OWN-1" })).await;
    let admin = app.acme.sign_in("admin").await;
    let globex = app.globex.sign_in("manager").await;
    for (caller, number) in [(&admin, "OWN-2"), (&globex, "OWN-1")] {
        let created = with_key(caller, "mine", CREATE, json!({ "number": number })).await;
        let created = &data(&created)["createAccount"];
        assert_eq!(user_errors(created), Vec::<&str>::new());
        assert_eq!(created["account"]["accountNumber"], number);
    }
    assert_eq!(count(&app, "accounts WHERE account_number LIKE 'OWN-%'").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_covers_one_mutation() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    with_key(&manager, "today", CREATE, json!({ "number": "DAY-1" })).await;
    app.advance(TimeDelta::hours(23)).await;
    let manager = app.acme.sign_in("manager").await;
    let early = with_key(&manager, "today", CREATE, json!({ "number": "DAY-2" })).await;
    assert_eq!(error_code(&early), "IDEMPOTENCY_KEY_REUSED");
    app.advance(TimeDelta::hours(2)).await;
    let manager = app.acme.sign_in("manager").await;
    let next = with_key(&manager, "today", CREATE, json!({ "number": "DAY-2" })).await;
    assert_eq!(data(&next)["createAccount"]["account"]["accountNumber"], "DAY-2");

    let two = "mutation($c: ID!) {
        a: setTyping(input: { conversationId: $c }) { userErrors { code } }
        b: setTyping(input: { conversationId: $c }) { userErrors { code } } }";
    let both = with_key(&manager, "both", two, json!({ "c": "conv_x" })).await;
    assert_eq!(error_code(&both), "BAD_REQUEST");
    for key in ["", "with space", &"k".repeat(256)] {
        let answer = with_key(&manager, key, CREATE, json!({ "number": "DAY-3" })).await;
        assert_eq!(error_code(&answer), "BAD_REQUEST", "{key:?}");
    }
    assert_eq!(count(&app, "accounts WHERE account_number = 'DAY-3'").await, 0);
    app.finish().await;
}
