//! Whose number it is: a number that was taken off somebody is a stranger's, and one that many share binds for all.

use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, SEND, TestApp, data, send, user_errors};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

/// Takes the number of the thread's debtor off them, as staff do.
async fn take_number_off(app: &TestApp, phone: &str) {
    let manager = app.acme.sign_in("manager").await;
    let found = manager
        .gql(
            "query($phone: String!) { debtors(first: 5, search: $phone) { edges { node { contactPoints { id } } } } }",
            json!({ "phone": phone }),
        )
        .await;
    let found = &data(&found)["debtors"]["edges"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    for point in found[0]["node"]["contactPoints"].as_array().unwrap() {
        let removed = manager
            .gql(
                "mutation($id: ID!) { removeContactPoint(input: { id: $id }) { userErrors { code message } } }",
                json!({ "id": point["id"] }),
            )
            .await;
        assert_eq!(
            user_errors(&data(&removed)["removeContactPoint"]),
            Vec::<&str>::new()
        );
    }
}

/// The threads of the business: whose, and what was said in them.
async fn threads(agent: &Client) -> Vec<(Value, Vec<String>)> {
    let threads = agent
        .gql(
            "{ conversations(first: 10) { edges { node { debtor { id }
               messages(first: 20) { edges { node { content } } } } } } }",
            json!({}),
        )
        .await;
    let texts = |node: &Value| {
        let edges = node["messages"]["edges"].as_array().unwrap().clone();
        let texts = edges
            .iter()
            .map(|edge| edge["node"]["content"].as_str().unwrap().to_owned());
        texts.collect::<Vec<String>>()
    };
    data(&threads)["conversations"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| (edge["node"]["debtor"].clone(), texts(&edge["node"])))
        .collect()
}

#[tokio::test]
async fn who_texts_from_a_number_that_was_taken_off_somebody_is_a_stranger_and_hears_nothing_of_the_debt() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "Can I pay in installments?").await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    send(&agent, &thread, "Yes. Shall we say in four?").await;
    app.run_jobs().await;
    // Also a thread about all of the person's accounts: it has no account, as a stranger's has none.
    app.superuser()
        .await
        .execute("UPDATE conversations SET account_id = NULL")
        .await
        .unwrap();
    let waiting = send(&agent, &thread, "Are you still there?").await;

    take_number_off(&app, &phone).await;
    app.run_jobs().await;
    let state = app.message_state(&waiting).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("NUMBER_REMOVED")),
        "what was queued does not leave for the number"
    );
    let sent = app.received_by(&phone).len();

    app.text(&app.acme, &phone, "Who is this? I have just got this number.")
        .await;
    let threads = threads(&agent).await;
    assert_eq!(threads.len(), 2, "{threads:?}");
    let strangers: Vec<_> = threads.iter().filter(|(debtor, _)| debtor.is_null()).collect();
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0].1, ["Who is this? I have just got this number."]);

    let refused = agent
        .gql(SEND, json!({ "c": thread, "text": "You owe us $100." }))
        .await;
    let refused = &data(&refused)["sendMessage"];
    assert_eq!(user_errors(refused), ["CONFLICT"], "{refused}");
    assert!(
        refused["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("taken off the debtor")
    );
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), sent);
    app.finish().await;
}

#[tokio::test]
async fn a_cease_from_a_number_that_all_share_binds_for_each_of_them() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(JAMES);
    let mut superuser = app.superuser().await;
    let business = app.business_id(&app.acme).await;
    let people: i64 = sqlx::query(
        "WITH shared AS (
           UPDATE contact_points c SET blind_index = (
               SELECT p.blind_index FROM contact_points p JOIN accounts a ON a.debtor_id = p.debtor_id
               WHERE a.account_number = 'ACME-10002' AND p.kind = 'PHONE')
           WHERE c.business_id = $1 AND c.kind = 'PHONE' AND c.ordinal = 1 RETURNING debtor_id)
         SELECT count(DISTINCT debtor_id) FROM shared",
    )
    .bind(business)
    .fetch_one(&mut superuser)
    .await
    .unwrap()
    .get(0);
    assert!(people > 20, "{people}");
    app.text(&app.acme, &phone, "Do not contact me again.").await;
    let held =
        sqlx::query("SELECT count(DISTINCT debtor_id) FROM holds WHERE kind = 'CEASE' AND business_id = $1")
            .bind(business)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
    assert_eq!(held.get::<i64, _>(0), people);
    app.finish().await;
}

#[tokio::test]
async fn how_a_thread_was_settled_is_sealed_and_goes_with_the_persons_key() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let words = "James has lost his job and pays from August on.";
    let update = "mutation($c: ID!, $words: String) {
      updateConversation(input: { conversationId: $c, status: RESOLVED, resolution: $words }) {
        conversation { resolution status } userErrors { code field message } } }";
    let updated = agent.gql(update, json!({ "c": thread, "words": words })).await;
    let updated = &data(&updated)["updateConversation"];
    assert_eq!(
        updated["conversation"],
        json!({ "resolution": words, "status": "RESOLVED" })
    );
    let mut superuser = app.superuser().await;
    let row = "SELECT to_jsonb(c)::text, encode(resolution_cipher, 'escape') FROM conversations c";
    let row = superuser.fetch_one(row).await.unwrap();
    for text in [row.get::<String, _>(0), row.get::<String, _>(1)] {
        assert!(!text.contains("lost his job"), "{text}");
    }

    superuser
        .execute("UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE purpose = 'RECORD'")
        .await
        .unwrap();
    let read = agent
        .gql(
            "query($c: ID!) { conversation(id: $c) { resolution } }",
            json!({ "c": thread }),
        )
        .await;
    assert_eq!(data(&read)["conversation"]["resolution"], Value::Null);
    let again = agent.gql(update, json!({ "c": thread, "words": words })).await;
    assert_eq!(user_errors(&data(&again)["updateConversation"]), ["CONFLICT"]);
    app.finish().await;
}
