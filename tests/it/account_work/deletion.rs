//! Deleting accounts and bringing them back.

use serde_json::json;

use super::{MARIA, account, act, ask, new_account};
use crate::support::{Client, TestApp, data, error_code, recipes::uuid_of, send, user_errors};

const GONE: &str =
    "query($id: ID!, $ids: [ID!]!, $debtor: ID!) { node(id: $id) { id } nodes(ids: $ids) { id }
  accounts(first: 100, search: \"ACME-10001\") { totalCount edges { node { id } } }
  debtor(id: $debtor) { accounts(first: 5) { edges { node { id } } } } }";

const DELETED: &str = "{ deletedAccounts(first: 5) { edges { node { id accountNumber status debtor { id }
  notes(first: 1) { edges { node { text author { name } } } } } } } }";

#[tokio::test]
async fn a_deleted_account_is_nowhere_and_comes_back_as_it_was() {
    let app = TestApp::start().await;
    let (admin, manager, agent) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("manager").await,
        app.acme.agent().await,
    );
    let id = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&admin, &id, "debtor { id }").await["debtor"]["id"].clone();
    let thread = app.thread_with(&admin, &app.acme, MARIA).await;
    let waiting = send(&admin, &thread, "A word before it goes").await;
    let delete = async |client: &Client, reason: &str| {
        ask(
            client,
            "deleteAccount",
            "deletedId",
            json!({ "id": id, "reason": reason }),
        )
        .await
    };
    assert_eq!(error_code(&delete(&agent, "Placed twice.").await), "FORBIDDEN");
    assert_eq!(
        user_errors(&data(&delete(&manager, " ").await)["deleteAccount"]),
        ["INVALID_INPUT"]
    );
    // As a plan and its end make it.
    let status = async |status: &str| {
        let changed = sqlx::query("UPDATE accounts SET status = $2 WHERE id = $1")
            .bind(uuid_of(&id))
            .bind(status);
        changed.execute(&mut app.superuser().await).await.unwrap();
    };
    status("IN_PAYMENT_PLAN").await;
    let refused = delete(&manager, "Placed twice.").await;
    assert_eq!(user_errors(&data(&refused)["deleteAccount"]), ["CONFLICT"]);
    status("ACTIVE").await;
    let gone = delete(&manager, "Placed twice.").await;
    assert_eq!(data(&gone)["deleteAccount"]["deletedId"], id);

    let ask_for_it = json!({ "id": id, "ids": [id], "debtor": debtor });
    let found = admin.gql(GONE, ask_for_it.clone()).await;
    assert_eq!(error_code(&found), "NOT_FOUND", "{found}");
    let found = &found["data"];
    assert_eq!(found["nodes"], json!([null]));
    assert_eq!(found["accounts"], json!({ "totalCount": 0, "edges": [] }));
    assert_eq!(found["debtor"]["accounts"]["edges"], json!([]));
    let again = delete(&manager, "Placed twice.").await;
    assert_eq!(user_errors(&data(&again)["deleteAccount"]), ["NOT_FOUND"]);
    let taken = act(
        &admin,
        "createAccount",
        "account { id }",
        new_account("ACME-10001"),
    )
    .await;
    assert_eq!(user_errors(&taken), ["CONFLICT"], "its number stays its own");
    let how = taken["userErrors"][0]["message"].as_str().unwrap();
    assert!(
        how.contains("deleted") && how.contains(&id),
        "who may restore it is told how: {how}"
    );
    let taken = act(&manager, "createAccount", "", new_account("ACME-10001")).await;
    let whom = taken["userErrors"][0]["message"].as_str().unwrap();
    assert!(
        whom.contains("administrator") && !whom.contains(&id),
        "and others whom to ask: {whom}"
    );

    // Who may delete finds what was deleted, and why; nobody else does.
    let listed = manager.gql(DELETED, json!({})).await;
    assert_eq!(
        data(&listed)["deletedAccounts"]["edges"],
        json!([{ "node": { "id": id, "accountNumber": "ACME-10001", "status": "ACTIVE", "debtor": { "id": debtor },
            "notes": { "edges": [{ "node": { "text": "Placed twice.", "author": { "name": "Manager of Acme Recovery" } } }] } } }])
    );
    assert_eq!(error_code(&agent.gql(DELETED, json!({})).await), "FORBIDDEN");
    let elsewhere = app.globex.sign_in("admin").await.gql(DELETED, json!({})).await;
    assert_eq!(data(&elsewhere)["deletedAccounts"]["edges"], json!([]));

    // Its thread can be read, and not written to: what waited does not go out either.
    app.run_jobs().await;
    let state = app.message_state(&waiting).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("FAILED", Some("ACCOUNT_DELETED"))
    );
    assert!(app.received_by(&app.acme.debtor_number(MARIA)).is_empty());
    let read = admin
        .gql(
            "query($t: ID!) { conversation(id: $t) { account { id } messages(last: 5) { edges { node { content } } } } }",
            json!({ "t": thread }),
        )
        .await;
    assert!(data(&read)["conversation"]["account"].is_null());
    assert!(read.to_string().contains("A word before it goes"));
    let written = act(
        &admin,
        "sendMessage",
        "message { id }",
        json!({ "conversationId": thread, "content": "And now?" }),
    )
    .await;
    assert_eq!(user_errors(&written), ["CONFLICT"], "{written}");

    let restore = async |client: &Client| {
        let selection = "account { accountNumber status notes(first: 1) { edges { node { text } } } }";
        ask(client, "restoreAccount", selection, json!({ "id": id })).await
    };
    assert_eq!(error_code(&restore(&manager).await), "FORBIDDEN");
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&data(&restore(&globex).await)["restoreAccount"]),
        ["NOT_FOUND"]
    );
    let back = restore(&admin).await;
    assert_eq!(
        data(&back)["restoreAccount"]["account"],
        json!({ "accountNumber": "ACME-10001", "status": "ACTIVE",
                "notes": { "edges": [{ "node": { "text": "Placed twice." } }] } }),
        "with the reason as its last note"
    );
    assert_eq!(
        user_errors(&data(&restore(&admin).await)["restoreAccount"]),
        ["CONFLICT"]
    );
    let found = admin.gql(GONE, ask_for_it).await;
    assert_eq!(data(&found)["accounts"]["totalCount"], 1);
    let listed = admin.gql(DELETED, json!({})).await;
    assert_eq!(data(&listed)["deletedAccounts"]["edges"], json!([]));
    send(&admin, &thread, "It is back.").await;
    app.run_jobs().await;
    app.finish().await;
}
