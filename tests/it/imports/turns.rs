//! Imports and everybody else: they take turns with each other, leave other work its slots, and let nobody wait.

use std::sync::Arc;

use funnelchat::platform::jobs::JobWorker;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use super::{ACCOUNTS, commit, import, outcome, previewed, rows, uuid};
use crate::support::{Options, SEND, TestApp, data, error_code, eventually, user_errors};

async fn start(settings: &[(&'static str, &str)]) -> TestApp {
    TestApp::start_with(Options {
        settings: settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn imports_that_hang_leave_other_work_its_slots() {
    let app = start(&[("WORKER_CONCURRENCY", "1")]).await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let mut open = Vec::new();
    for nth in 0..3 {
        open.push(super::begin(&acme, &rows(3, &format!("hang-a{nth}"))).await);
        open.push(super::begin(&globex, &rows(3, &format!("hang-g{nth}"))).await);
    }
    // Every import waits at its first chunk.
    let mut superuser = app.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    lock.execute("SELECT id FROM account_imports FOR UPDATE")
        .await
        .unwrap();
    let worker = Arc::new(
        JobWorker::connect(&app.app.worker, app.app.registry.clone())
            .await
            .unwrap(),
    );
    let running = tokio::spawn({
        let worker = worker.clone();
        async move { worker.run().await }
    });
    let mut other = app.superuser().await;
    eventually("both businesses' imports are under way, one each", async || {
        let locked: i64 = other
            .fetch_one("SELECT count(*) FROM queue._private_jobs WHERE locked_at IS NOT NULL")
            .await
            .unwrap()
            .get(0);
        (locked == 2).then_some(())
    })
    .await;
    let phone = app.acme.debtor_number(0);
    let texted = app.text_arrives(&app.acme, &phone, "Are you there?").await;
    assert_eq!(texted, 200);
    eventually("the text is in its thread all the same", async || {
        let found: i64 = other
            .fetch_one("SELECT count(*) FROM messages WHERE direction = 'INBOUND'")
            .await
            .unwrap()
            .get(0);
        (found == 1).then_some(())
    })
    .await;
    lock.rollback().await.unwrap();
    for begun in &open {
        eventually("the imports go on", async || {
            let status: String = sqlx::query("SELECT status FROM account_imports WHERE id = $1")
                .bind(uuid(begun))
                .fetch_one(&mut other)
                .await
                .unwrap()
                .get(0);
            (status == "READY").then_some(())
        })
        .await;
    }
    worker.stop();
    running.await.unwrap().unwrap();
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn two_businesses_take_turns_slice_by_slice() {
    let app = start(&[("WORKER_BULK_CONCURRENCY", "1")]).await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let ours = previewed(&app, &acme, &rows(2_050, "turn")).await;
    let theirs = previewed(&app, &globex, &rows(2_050, "turn")).await;
    commit(&acme, &ours, "VALID_ROWS_ONLY").await;
    commit(&globex, &theirs, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    for (client, ready) in [(&acme, &ours), (&globex, &theirs)] {
        assert_eq!(import(client, &ready["id"]).await["result"]["imported"], 2_050);
    }
    // Ids are given out in order: the first of theirs before the last of ours, and the other way round.
    let bounds = async |tenant| -> (Uuid, Uuid) {
        let mut superuser = app.superuser().await;
        let row = sqlx::query(
            "SELECT min(id::text)::uuid, max(id::text)::uuid FROM accounts WHERE business_id = $1 AND account_number LIKE 'turn-%'",
        )
        .bind(app.business_id(tenant).await)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
        (row.get(0), row.get(1))
    };
    let ((our_first, our_last), (their_first, their_last)) =
        (bounds(&app.acme).await, bounds(&app.globex).await);
    assert!(
        our_first < their_last && their_first < our_last,
        "one did not wait for all of the other"
    );
    app.finish().await;
}

#[tokio::test]
async fn who_is_known_already_can_be_written_to_while_all_or_nothing_is_under_way() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, 1).await;
    // The first row is a second debt of James; the last one waits for somebody who takes its number.
    let file = format!(
        "{ACCOUNTS},externalDebtorReference\nJames,Known,,,ALL-1,10,,ACME-0002\n\
         New,One,,,ALL-2,10,,\nNew,Two,,,ALL-3,10,,\n"
    );
    let ready = previewed(&app, &admin, &file).await;
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    let mut superuser = app.superuser().await;
    let mut taken = superuser.begin().await.unwrap();
    taken
        .execute(
            "INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, created_at, updated_at)
             SELECT business_id, gen_random_uuid(), debtor_id, 'ALL-3', 'ACTIVE', 'USD', created_at, created_at
             FROM accounts WHERE account_number = 'ACME-10005'",
        )
        .await
        .unwrap();
    let mut other = app.superuser().await;
    let writing = async {
        eventually("the import waits in the middle of its transaction", async || {
            let waiting: i64 = other
                .fetch_one(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                       AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO accounts%'",
                )
                .await
                .unwrap()
                .get(0);
            (waiting == 1).then_some(())
        })
        .await;
        let sent = agent
            .gql(SEND, json!({ "c": thread, "text": "Does Friday suit you?" }))
            .await;
        assert_eq!(
            user_errors(&data(&sent)["sendMessage"]),
            Vec::<&str>::new(),
            "{sent}"
        );
        taken.rollback().await.unwrap();
    };
    tokio::join!(app.run_due_jobs(), writing);
    app.run_jobs().await;
    assert_eq!(import(&admin, &ready["id"]).await["result"]["imported"], 3);
    assert_eq!(app.received_by(&app.acme.debtor_number(1)).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn all_or_nothing_with_too_many_people_who_are_known_leaves_nothing_and_says_so() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut file = format!("{ACCOUNTS},externalDebtorReference\n");
    for nth in 0..5_001 {
        file.push_str(&format!(
            "James,Known,,,MANY-{nth},10,,ACME-{:04}\n",
            nth % 25 + 1
        ));
    }
    let ready = previewed(&app, &admin, &file).await;
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    app.run_jobs().await;
    let failed = import(&admin, &ready["id"]).await;
    assert_eq!(failed["failure"]["code"], "TOO_MANY_KNOWN_PEOPLE", "{failed}");
    assert_eq!(outcome(&app, &admin, &app.acme, "none").await, ["0 people"]);
    let left: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM accounts WHERE account_number LIKE 'MANY-%'")
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
    app.finish().await;
}

#[tokio::test]
async fn nobody_waits_for_a_lock_without_end() {
    let app = start(&[("DATABASE_LOCK_TIMEOUT_SECONDS", "1")]).await;
    let admin = app.acme.sign_in("admin").await;
    let answer = admin
        .gql(
            "{ accounts(first: 1, search: \"ACME-10001\") { edges { node { debtor { id firstName } } } } }",
            json!({}),
        )
        .await;
    let debtor = data(&answer)["accounts"]["edges"][0]["node"]["debtor"].clone();
    let rename = async || {
        admin
            .gql(
                "mutation($i: UpdateDebtorInput!) { updateDebtor(input: $i) { debtor { firstName } userErrors { code } } }",
                json!({ "i": { "id": debtor["id"], "firstName": "Renamed" } }),
            )
            .await
    };
    let mut superuser = app.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    lock.execute("SELECT id FROM debtors FOR UPDATE").await.unwrap();
    assert_eq!(error_code(&rename().await), "UNAVAILABLE");
    lock.rollback().await.unwrap();
    assert_eq!(
        data(&rename().await)["updateDebtor"]["debtor"]["firstName"],
        "Renamed"
    );
    app.finish().await;
}
