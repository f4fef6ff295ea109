//! A file about many people: who reads it is on record, and it goes with the first of them who is erased.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use super::{Folder, start};
use crate::support::{Client, TestApp, data, eventually, uploads::upload, user_errors};

async fn erase(app: &TestApp, account: &str) {
    let mut superuser = app.superuser().await;
    sqlx::query(
        "UPDATE data_keys k SET wrapped = NULL, destroyed_at = $2 FROM accounts a
         WHERE a.account_number = $1 AND k.debtor_id = a.debtor_id AND k.business_id = a.business_id AND k.purpose = 'PROFILE'",
    )
    .bind(account)
    .bind(app.app.clock.now())
    .execute(&mut superuser)
    .await
    .unwrap();
}

/// How many downloads are on record, and whose data they held.
async fn downloads(app: &TestApp) -> (i64, Vec<Uuid>) {
    let mut superuser = app.superuser().await;
    let row = superuser
        .fetch_one(
            "SELECT count(DISTINCT l.id), coalesce(array_agg(DISTINCT d) FILTER (WHERE d IS NOT NULL), '{}')
             FROM access_log l LEFT JOIN LATERAL unnest(l.debtor_ids) d ON true WHERE operation = 'file.download'",
        )
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

async fn get(client: &Client, url: &Value) -> StatusCode {
    let answer = client.http().get(url.as_str().unwrap()).send().await.unwrap();
    answer.status()
}

async fn ask(client: &Client) -> Value {
    let answer = client
        .gql(
            "mutation { exportAccounts(input: {}) { export { id } userErrors { code } } }",
            json!({}),
        )
        .await;
    data(&answer)["exportAccounts"]["export"]["id"].clone()
}

async fn export(client: &Client, id: &Value) -> Value {
    let read = "query($id: ID!) { export(id: $id) { status rows downloadUrl } }";
    data(&client.gql(read, json!({ "id": id })).await)["export"].clone()
}

#[tokio::test]
async fn an_export_goes_with_the_first_person_in_it_who_is_erased() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let admin = app.acme.sign_in("admin").await;
    let id = ask(&admin).await;
    app.run_jobs().await;
    let ready = export(&admin, &id).await;
    assert_eq!((&ready["status"], &ready["rows"]), (&json!("READY"), &json!(25)));
    assert_eq!(get(&admin, &ready["downloadUrl"]).await, StatusCode::OK);
    let (lines, people) = downloads(&app).await;
    assert_eq!((lines, people.len()), (1, 25), "who downloads it reads all of it");

    erase(&app, "ACME-10003").await;
    assert_eq!(get(&admin, &ready["downloadUrl"]).await, StatusCode::GONE);
    let gone = export(&admin, &id).await;
    assert_eq!(
        (&gone["status"], &gone["downloadUrl"]),
        (&json!("EXPIRED"), &Value::Null)
    );
    assert_eq!(downloads(&app).await.0, 1, "what is gone is not read");
    app.app.files.remove_expired().await.unwrap();
    assert_eq!(folder.objects().len(), 0, "the object goes as well");

    // In the middle of the next one, somebody else is erased: it is written anew, without a word of theirs.
    let id = ask(&admin).await;
    let mut superuser = app.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    lock.execute("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut other = app.superuser().await;
    let erasing = async {
        eventually("a page was read", async || {
            let waiting: i64 = other
                .fetch_one(
                    "SELECT count(*) FROM pg_locks WHERE relation = 'access_log'::regclass AND NOT granted",
                )
                .await
                .unwrap()
                .get(0);
            (waiting > 0).then_some(())
        })
        .await;
        erase(&app, "ACME-10004").await;
        lock.rollback().await.unwrap();
    };
    tokio::join!(app.run_due_jobs(), erasing);
    app.run_jobs().await;
    let ready = export(&admin, &id).await;
    assert_eq!(ready["status"], "READY");
    let file = admin
        .http()
        .get(ready["downloadUrl"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(file.contains("ACME-10004"), "the debt is still there");
    for nth in [2, 3] {
        assert!(
            !file.contains(&app.acme.debtor_number(nth)),
            "whose number is not"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn the_rows_that_were_not_imported_are_kept_as_short_and_go_with_the_person() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let admin = app.acme.sign_in("admin").await;
    let begin = async |client: &Client, rows: &str| {
        let file = format!("firstName,lastName,email,phone,accountNumber,currentBalance\n{rows}");
        let id = upload(client, "ACCOUNT_IMPORT", "accounts.csv", file.as_bytes()).await;
        let answer = client
            .gql(
                "mutation($i: PreviewAccountImportInput!) { previewAccountImport(input: $i) { import { id } userErrors { code } } }",
                json!({ "i": { "uploadId": id } }),
            )
            .await;
        let payload = data(&answer)["previewAccountImport"].clone();
        assert_eq!(user_errors(&payload), Vec::<&str>::new());
        app.run_jobs().await;
        payload["import"]["id"].clone()
    };
    let url = async |client: &Client, id: &Value| {
        let read = "query($id: ID!) { accountImport(id: $id) { errorFileUrl } }";
        data(&client.gql(read, json!({ "id": id })).await)["accountImport"]["errorFileUrl"].clone()
    };
    let repeated = begin(&admin, "Her,Again,,,ACME-10003,10\nNew,One,,,ERR-1,10\n").await;
    let wrong = begin(&admin, "Not,Right,,,ERR-2,much\n").await;
    let (theirs, nobodys) = (url(&admin, &repeated).await, url(&admin, &wrong).await);
    assert_eq!(get(&admin, &theirs).await, StatusCode::OK);
    assert_eq!(get(&admin, &nobodys).await, StatusCode::OK);
    let (lines, people) = downloads(&app).await;
    assert_eq!(
        (lines, people.len()),
        (2, 1),
        "who reads it is on record, whoever is in it"
    );
    erase(&app, "ACME-10003").await;
    assert_eq!(get(&admin, &theirs).await, StatusCode::GONE);
    assert_eq!(url(&admin, &repeated).await, Value::Null);
    assert_eq!(get(&admin, &nobodys).await, StatusCode::OK);

    app.advance(chrono::TimeDelta::hours(72)).await;
    app.advance(chrono::TimeDelta::hours(1)).await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(url(&admin, &wrong).await, Value::Null, "three days, as an export");
    assert_eq!(folder.objects().len(), 0);
    app.finish().await;
}
