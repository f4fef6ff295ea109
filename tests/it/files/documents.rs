//! Documents of accounts, and pictures of the staff.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::{Folder, start};
use crate::support::{
    Client, TestApp, data, error_code,
    recipes::uuid_of,
    uploads::{PNG, pdf, upload},
    user_errors,
};

/// Maria in New York.
const MARIA: usize = 0;

async fn add(client: &Client, input: Value) -> Value {
    let answer = client
        .gql(
            "mutation($i: AddAccountDocumentInput!) { addAccountDocument(input: $i) {
               document { id kind fileName mediaType size description tags downloadUrl uploadedBy { name } }
               userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["addAccountDocument"].clone()
}

async fn listed(client: &Client, account: &str) -> Vec<Value> {
    let answer = client
        .gql(
            "query($id: ID!) { account(id: $id) { documents(first: 10) { edges { node {
               id fileName description downloadUrl } } } } }",
            json!({ "id": account }),
        )
        .await;
    let edges = data(&answer)["account"]["documents"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

async fn get(client: &Client, url: &Value) -> (StatusCode, Vec<u8>) {
    let answer = client.http().get(url.as_str().unwrap()).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap().to_vec())
}

async fn reads_of(app: &TestApp, operation: &str) -> i64 {
    let row = app
        .superuser()
        .await
        .fetch_one(
            sqlx::query(
                "SELECT count(*) FROM access_log WHERE operation = $1 AND cardinality(debtor_ids) = 1",
            )
            .bind(operation.to_owned()),
        )
        .await
        .unwrap();
    sqlx::Row::get(&row, 0)
}

#[tokio::test]
async fn a_document_is_kept_read_deleted_and_erased_with_its_person() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let account = app.account_id(&app.acme, MARIA).await;
    let content = pdf(100_000);
    let file = upload(&agent, "DOCUMENT", "Contract of Maria.pdf", &content).await;
    let input = json!({ "accountId": account, "uploadId": file, "kind": "AGREEMENT",
        "description": "Signed in Queens.", "tags": ["signed"] });

    // Another account's, another business's, and a mistake leave the upload as it was.
    let globex = app.globex.sign_in("admin").await;
    for (client, change, code) in [
        (
            &globex,
            json!({ "accountId": app.account_id(&app.globex, 0).await }),
            "NOT_FOUND",
        ),
        (&admin, json!({}), "NOT_FOUND"),
        (
            &agent,
            json!({ "accountId": app.account_id(&app.globex, 0).await }),
            "NOT_FOUND",
        ),
        (&agent, json!({ "description": "" }), "INVALID_INPUT"),
        (&agent, json!({ "tags": ["x".repeat(51)] }), "INVALID_INPUT"),
    ] {
        let mut wrong = input.clone();
        wrong
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(user_errors(&add(client, wrong.clone()).await), [code], "{wrong}");
    }
    let payload = add(&agent, input.clone()).await;
    let document = &payload["document"];
    assert_eq!(document["fileName"], "Contract of Maria.pdf");
    assert_eq!(document["description"], "Signed in Queens.");
    assert_eq!(
        (
            &document["kind"],
            &document["mediaType"],
            &document["size"],
            &document["tags"]
        ),
        (
            &json!("AGREEMENT"),
            &json!("application/pdf"),
            &json!(100_000),
            &json!(["signed"])
        )
    );
    assert!(document["uploadedBy"]["name"].is_string());
    assert_eq!(user_errors(&add(&agent, input).await), ["CONFLICT"], "used once");
    assert!(get(&agent, &document["downloadUrl"]).await == (StatusCode::OK, content));
    assert_eq!(reads_of(&app, "addAccountDocument").await, 1);
    assert_eq!(
        reads_of(&app, "file.download").await,
        1,
        "who had the link read it"
    );

    let id = document["id"].clone();
    let other = upload(&admin, "DOCUMENT", "notice.txt", b"Validation notice").await;
    let notice = add(
        &admin,
        json!({ "accountId": account, "uploadId": other, "kind": "VALIDATION" }),
    )
    .await;
    assert_eq!(
        listed(&agent, &account).await[0]["id"],
        notice["document"]["id"],
        "newest first"
    );
    assert_eq!(listed(&agent, &account).await[1]["id"], id);
    let delete =
        "mutation($id: ID!) { deleteAccountDocument(input: { id: $id }) { deletedId userErrors { code } } }";
    let refused = agent.gql(delete, json!({ "id": id })).await;
    assert_eq!(
        error_code(&refused),
        "FORBIDDEN",
        "agents bring documents and take none away"
    );
    let deleted = admin.gql(delete, json!({ "id": id })).await;
    assert_eq!(data(&deleted)["deleteAccountDocument"]["deletedId"], id);
    let again = admin.gql(delete, json!({ "id": id })).await;
    assert_eq!(user_errors(&data(&again)["deleteAccountDocument"]), ["NOT_FOUND"]);
    let left = listed(&agent, &account).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["fileName"], "notice.txt");

    // Erasure destroys the person's profile key: name, description and content go with it.
    let link = left[0]["downloadUrl"].clone();
    let mut superuser = app.superuser().await;
    sqlx::query(
        "UPDATE data_keys k SET wrapped = NULL, destroyed_at = now() FROM debtors d JOIN accounts a ON a.debtor_id = d.id
         WHERE a.id = $1 AND k.id = d.profile_key_id",
    )
    .bind(uuid_of(&account))
    .execute(&mut superuser)
    .await
    .unwrap();
    assert_eq!(get(&agent, &link).await.0, StatusCode::GONE);
    let erased = listed(&agent, &account).await;
    assert_eq!(
        (&erased[0]["fileName"], &erased[0]["downloadUrl"]),
        (&Value::Null, &Value::Null)
    );
    let late = upload(&agent, "DOCUMENT", "late.txt", b"Too late").await;
    let refused = add(
        &agent,
        json!({ "accountId": account, "uploadId": late, "kind": "OTHER" }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    app.finish().await;
}

#[tokio::test]
async fn a_picture_is_ones_own_and_the_one_before_is_destroyed() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let set = async |client: &Client, file: &str| {
        let answer = client
            .gql(
                "mutation($id: ID!) { setProfilePhoto(input: { uploadId: $id }) {
                   viewer { user { photoUrl } } userErrors { code } } }",
                json!({ "id": file }),
            )
            .await;
        data(&answer)["setProfilePhoto"].clone()
    };
    let letter = upload(&agent, "DOCUMENT", "letter.txt", b"Hello").await;
    assert_eq!(
        user_errors(&set(&agent, &letter).await),
        ["INVALID_INPUT"],
        "of another purpose"
    );
    let first = upload(&agent, "PROFILE_PHOTO", "me.png", PNG).await;
    assert_eq!(
        user_errors(&set(&admin, &first).await),
        ["NOT_FOUND"],
        "a colleague's"
    );
    let before = set(&agent, &first).await["viewer"]["user"]["photoUrl"].clone();
    let answer = agent.http().get(before.as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("inline;")
    );
    assert_eq!(answer.bytes().await.unwrap(), PNG);
    let second = upload(&agent, "PROFILE_PHOTO", "me too.png", PNG).await;
    let now = set(&agent, &second).await["viewer"]["user"]["photoUrl"].clone();
    assert_eq!(get(&agent, &before).await.0, StatusCode::GONE);

    let users = admin
        .gql(
            "{ users(first: 10) { edges { node { role photoUrl } } } }",
            json!({}),
        )
        .await;
    let pictured: Vec<Value> = data(&users)["users"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|edge| edge["node"]["photoUrl"].is_string())
        .map(|edge| edge["node"]["role"].clone())
        .collect();
    assert_eq!(pictured, ["AGENT"]);
    let removed = agent
        .gql(
            "mutation { removeProfilePhoto { viewer { user { photoUrl } } userErrors { code } } }",
            json!({}),
        )
        .await;
    assert!(data(&removed)["removeProfilePhoto"]["viewer"]["user"]["photoUrl"].is_null());
    assert_eq!(get(&agent, &now).await.0, StatusCode::GONE);
    assert_eq!(folder.objects().len(), 3);
    app.advance(chrono::TimeDelta::seconds(1)).await;
    assert_eq!(
        folder.objects().len(),
        1,
        "only the letter, which may yet be used"
    );
    assert_eq!(app.audited("user.photo_set").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn a_document_of_a_thread_is_seen_by_who_sees_the_thread() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let globex = app.globex.sign_in("admin").await;
    let add = async |client: &Client, thread: &str, upload: &str| {
        let answer = client
            .gql(
                "mutation($i: AddConversationDocumentInput!) { addConversationDocument(input: $i) {
                   document { id fileName description downloadUrl } userErrors { code field message } } }",
                json!({ "i": { "conversationId": thread, "uploadId": upload, "kind": "LETTER", "description": "By post." } }),
            )
            .await;
        data(&answer)["addConversationDocument"].clone()
    };
    let of_thread = async |client: &Client, thread: &str| {
        let answer = client
            .gql(
                "query($id: ID!) { conversation(id: $id) { documents(first: 10) { edges { node { id fileName } } } } }",
                json!({ "id": thread }),
            )
            .await;
        answer["data"]["conversation"]["documents"]["edges"].clone()
    };
    let account = app.account_id(&app.acme, MARIA).await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let thread = thread.as_str();
    let content = pdf(6_000_000);
    let file = upload(&agent, "DOCUMENT", "Reply of Maria.pdf", &content).await;
    let file = file.as_str();
    // Nobody else's thread, nobody else's upload.
    let theirs = app.thread_with(&globex, &app.globex, 0).await;
    let theirs = theirs.as_str();
    for (client, thread) in [
        (&agent, theirs),
        (&admin, thread),
        (&globex, thread),
        (&globex, theirs),
    ] {
        assert_eq!(user_errors(&add(client, thread, file).await), ["NOT_FOUND"]);
    }
    let kept = add(&agent, thread, file).await;
    assert_eq!(kept["userErrors"], json!([]), "{kept}");
    let document = &kept["document"];
    assert_eq!(
        (&document["fileName"], &document["description"]),
        (&json!("Reply of Maria.pdf"), &json!("By post."))
    );
    assert!(get(&agent, &document["downloadUrl"]).await == (StatusCode::OK, content));
    assert_eq!(
        user_errors(&add(&agent, thread, file).await),
        ["CONFLICT"],
        "used once"
    );
    assert_eq!(of_thread(&agent, thread).await[0]["node"]["id"], document["id"]);
    assert_eq!(
        listed(&admin, &account).await[0]["id"],
        document["id"],
        "of its account too"
    );
    assert_eq!(of_thread(&globex, thread).await, Value::Null);

    // Given to somebody else, the agent has neither the thread nor its paper, but for the account's.
    let answer = admin
        .gql(
            "mutation($c: ID!) { assignConversation(input: { conversationId: $c, userId: null }) { userErrors { code } } }",
            json!({ "c": thread }),
        )
        .await;
    assert_eq!(data(&answer)["assignConversation"]["userErrors"], json!([]));
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "UPDATE accounts SET assigned_agent_id = (SELECT id FROM users u WHERE u.business_id = accounts.business_id AND u.role = 'MANAGER');
             UPDATE conversations SET account_id = NULL WHERE channel = 'SMS'",
        )
        .await
        .unwrap();
    assert_eq!(
        of_thread(&agent, thread).await[0]["node"]["id"],
        document["id"],
        "nobody's thread"
    );
    superuser
        .execute("UPDATE conversations SET assigned_agent_id = (SELECT id FROM users u WHERE u.business_id = conversations.business_id AND u.role = 'MANAGER')")
        .await
        .unwrap();
    let deleted = async |client: &Client| {
        let answer = client
            .gql(
                "mutation($id: ID!) { deleteAccountDocument(input: { id: $id }) { deletedId userErrors { code } } }",
                json!({ "id": document["id"] }),
            )
            .await;
        data(&answer)["deleteAccountDocument"].clone()
    };
    assert_eq!(of_thread(&agent, thread).await, Value::Null);
    assert_eq!(user_errors(&deleted(&globex).await), ["NOT_FOUND"]);
    assert_eq!(deleted(&admin).await["deletedId"], document["id"]);
    assert_eq!(of_thread(&admin, thread).await, json!([]));
    // A thread of somebody whom nobody knows takes none.
    assert_eq!(app.text(&app.acme, "+12125550199", "Who are you?").await, 200);
    let unknown = admin
        .gql(
            "{ conversations(first: 1, filter: { unmatched: true }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let unknown = data(&unknown)["conversations"]["edges"][0]["node"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = upload(&admin, "DOCUMENT", "paper.pdf", &pdf(500)).await;
    assert_eq!(
        user_errors(&add(&admin, unknown.as_str(), other.as_str()).await),
        ["CONFLICT"]
    );
    assert_eq!(app.audited("document.added").await, 1);
    assert_eq!(app.audited("document.deleted").await, 1);
    app.finish().await;
}
