//! What of an account's documents its debtor sees.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{Folder, start};
use crate::support::{
    Client, TestApp, data, error_code,
    uploads::{pdf, upload},
    user_errors,
};

/// Maria in New York, and Derek in Los Angeles.
const MARIA: usize = 0;
const DEREK: usize = 1;

const SHOWN: &str = "documents(first: 10) { edges { cursor node { id kind fileName mediaType size downloadUrl createdAt } } }";

/// Keeps a file as a document of the account.
async fn keep(client: &Client, account: &str, name: &str, content: &[u8], more: Value) -> Value {
    let file = upload(client, "DOCUMENT", name, content).await;
    let mut input = json!({ "accountId": account, "uploadId": file, "kind": "AGREEMENT" });
    input
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = client
        .gql(
            "mutation($i: AddAccountDocumentInput!) { addAccountDocument(input: $i) {
               document { id shownToDebtor } userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["addAccountDocument"]["document"].clone()
}

const SET: &str = "mutation($i: SetAccountDocumentShownInput!) { setAccountDocumentShown(input: $i) {
  document { id shownToDebtor } userErrors { code field message } } }";

async fn set(client: &Client, id: &Value, is_shown: bool) -> Value {
    let answer = client
        .gql(SET, json!({ "i": { "id": id, "shownToDebtor": is_shown } }))
        .await;
    data(&answer)["setAccountDocumentShown"].clone()
}

/// What the debtor lists of the account of their session.
async fn seen(debtor: &Client) -> Vec<Value> {
    let answer = debtor
        .gql(&format!("{{ viewer {{ account {{ {SHOWN} }} }} }}"), json!({}))
        .await;
    let edges = data(&answer)["viewer"]["account"]["documents"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

async fn get(client: &Client, url: &Value) -> (StatusCode, Vec<u8>) {
    let answer = client.http().get(url.as_str().unwrap()).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap().to_vec())
}

/// What stands in the trail about showing, oldest first.
async fn trail(app: &TestApp) -> Vec<String> {
    let rows = app
        .superuser()
        .await
        .fetch_all(
            "SELECT action FROM audit_events WHERE action IN ('document.shown', 'document.hidden') ORDER BY position",
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_debtor_sees_what_is_shown_to_them_and_no_more_once_it_is_hidden() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let account = app.account_id(&app.acme, MARIA).await;
    let content = pdf(50_000);
    let hidden = keep(&agent, &account, "internal.txt", b"What we think.", json!({})).await;
    let shown = keep(
        &agent,
        &account,
        "Contract.pdf",
        &content,
        json!({ "shownToDebtor": true, "description": "She denies it.", "tags": ["contested"] }),
    )
    .await;
    assert_eq!(
        (&hidden["shownToDebtor"], &shown["shownToDebtor"]),
        (&json!(false), &json!(true)),
        "hidden where nothing is said"
    );

    let maria = app.debtor(&app.acme, MARIA).await;
    let derek = app.debtor(&app.acme, DEREK).await;
    let listed = seen(&maria).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let document = &listed[0];
    assert_eq!(document["id"], shown["id"]);
    assert_eq!(
        (&document["fileName"], &document["kind"], &document["size"]),
        (&json!("Contract.pdf"), &json!("AGREEMENT"), &json!(50_000))
    );
    assert!(get(&maria, &document["downloadUrl"]).await == (StatusCode::OK, content.clone()));
    assert_eq!(
        seen(&derek).await,
        Vec::<Value>::new(),
        "another debtor's account"
    );
    let own_words = "{ viewer { account { documents(first: 1) { edges { node { description } } } } } }";
    assert_eq!(
        error_code(&maria.gql(own_words, json!({})).await),
        "FORBIDDEN",
        "what staff wrote about it is staff's"
    );
    let changed = maria
        .gql(SET, json!({ "i": { "id": hidden["id"], "shownToDebtor": true } }))
        .await;
    assert_eq!(error_code(&changed), "FORBIDDEN");

    // Shown later, the newest first; page by page.
    assert_eq!(
        set(&agent, &hidden["id"], true).await["document"]["shownToDebtor"],
        true
    );
    assert_eq!(
        set(&agent, &hidden["id"], true).await["userErrors"],
        json!([]),
        "again"
    );
    let both = seen(&maria).await;
    assert_eq!([&both[0]["id"], &both[1]["id"]], [&shown["id"], &hidden["id"]]);
    let page = "query($a: String) { viewer { account { documents(first: 1, after: $a) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } } } }";
    let first = maria.gql(page, json!({})).await;
    let first = &data(&first)["viewer"]["account"]["documents"];
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = maria
        .gql(page, json!({ "a": first["pageInfo"]["endCursor"] }))
        .await;
    let second = &data(&second)["viewer"]["account"]["documents"];
    assert_eq!(second["edges"][0]["node"]["id"], hidden["id"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);

    // Hidden, it is gone from the list, and a link that they hold leads nowhere; staff's does.
    let link = seen(&maria).await[0]["downloadUrl"].clone();
    assert_eq!(
        set(&admin, &shown["id"], false).await["document"]["shownToDebtor"],
        false
    );
    assert_eq!(seen(&maria).await.len(), 1);
    assert_eq!(get(&maria, &link).await.0, StatusCode::GONE);
    let of_staff = admin
        .gql(
            "query($id: ID!) { account(id: $id) { documents(first: 10) { edges { node { id shownToDebtor downloadUrl } } } } }",
            json!({ "id": account }),
        )
        .await;
    let of_staff = &data(&of_staff)["account"]["documents"]["edges"];
    assert_eq!(
        [
            &of_staff[0]["node"]["shownToDebtor"],
            &of_staff[1]["node"]["shownToDebtor"]
        ],
        [false, true]
    );
    assert!(get(&admin, &of_staff[0]["node"]["downloadUrl"]).await == (StatusCode::OK, content));

    // Deleted, it is gone as well.
    let link = seen(&maria).await[0]["downloadUrl"].clone();
    let deleted = admin
        .gql(
            "mutation($id: ID!) { deleteAccountDocument(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": hidden["id"] }),
        )
        .await;
    assert_eq!(data(&deleted)["deleteAccountDocument"]["userErrors"], json!([]));
    assert_eq!(seen(&maria).await, Vec::<Value>::new());
    assert_eq!(get(&maria, &link).await.0, StatusCode::GONE);
    assert_eq!(
        trail(&app).await,
        ["document.shown", "document.hidden"],
        "what changed something"
    );
    app.finish().await;
}

#[tokio::test]
async fn who_shows_a_document_and_which_never_is() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let globex = app.globex.sign_in("admin").await;
    let account = app.account_id(&app.acme, MARIA).await;
    let kept = keep(&agent, &account, "notes.txt", b"Notes", json!({})).await;
    assert_eq!(user_errors(&set(&globex, &kept["id"], true).await), ["NOT_FOUND"]);

    // A document of a thread stays with the staff, though the thread is of the account.
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let file = upload(&agent, "DOCUMENT", "reply.pdf", &pdf(1_000)).await;
    let added = agent
        .gql(
            "mutation($i: AddConversationDocumentInput!) { addConversationDocument(input: $i) {
               document { id shownToDebtor } userErrors { code } } }",
            json!({ "i": { "conversationId": thread, "uploadId": file, "kind": "LETTER" } }),
        )
        .await;
    let paper = &data(&added)["addConversationDocument"]["document"];
    assert_eq!(paper["shownToDebtor"], false);
    assert_eq!(user_errors(&set(&agent, &paper["id"], true).await), ["CONFLICT"]);
    let maria = app.debtor(&app.acme, MARIA).await;
    assert_eq!(seen(&maria).await, Vec::<Value>::new());

    // A colleague's account is not the agent's, nor are its documents.
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "UPDATE accounts SET assigned_agent_id = (SELECT u.id FROM users u WHERE u.business_id = accounts.business_id
               AND u.role = 'MANAGER' LIMIT 1)
             WHERE id IN (SELECT account_id FROM account_documents WHERE conversation_id IS NULL)",
        )
        .await
        .unwrap();
    assert_eq!(user_errors(&set(&agent, &kept["id"], true).await), ["NOT_FOUND"]);
    assert_eq!(set(&admin, &kept["id"], true).await["userErrors"], json!([]));
    assert_eq!(seen(&maria).await.len(), 1);
    app.finish().await;
}
