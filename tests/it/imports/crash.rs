//! The process dies half-way: the import ends with exactly the rows of one that was left alone.

use funnelchat::platform::clock::{SystemWallClock, WallClock as _};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use super::{commit, import, outcome, previewed, rows, uuid};
use crate::{
    files::Folder,
    support::{Options, Program, TestApp, eventually, fresh_database, noon},
};

const COLUMNS: [&str; 2] = ["rows_imported", "rows_processed"];

/// Waits until the import is on its way: the count of this column has left zero, and not arrived.
async fn is_half_way(app: &TestApp, import: Uuid, column: &str) {
    assert!(COLUMNS.contains(&column));
    let query = format!("SELECT {column} > 0 FROM account_imports WHERE id = $1");
    let mut superuser = app.superuser().await;
    eventually("the first rows are placed", async || {
        let row = sqlx::query(sqlx::AssertSqlSafe(query.as_str()))
            .bind(import)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        row.get::<bool, _>(0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn all_or_nothing_leaves_nothing_when_its_job_dies_and_all_when_it_runs_again() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let file = rows(1_200, "whole");
    let undisturbed = previewed(&app, &globex, &file).await;
    commit(&globex, &undisturbed, "ALL_OR_NOTHING").await;
    app.run_jobs().await;
    let expected = outcome(&app, &globex, &app.globex, "whole").await;
    assert_eq!(expected.len(), 1_201, "every row, and the people");
    assert_eq!(expected[1_200], "800 people", "every third row is a second debt");

    let ready = previewed(&app, &acme, &file).await;
    commit(&acme, &ready, "ALL_OR_NOTHING").await;
    tokio::select! {
        () = app.run_due_jobs() => panic!("the job ended before it could die"),
        () = is_half_way(&app, uuid(&ready), "rows_processed") => {}
    }
    let dead = import(&acme, &ready["id"]).await;
    assert_eq!(dead["result"]["imported"], 0, "{dead}");
    assert_eq!(
        outcome(&app, &acme, &app.acme, "whole").await,
        ["0 people"],
        "none is there"
    );
    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    let completed = import(&acme, &ready["id"]).await;
    assert_eq!(completed["status"], "COMPLETED");
    assert_eq!(
        completed["result"],
        json!({ "processed": 1_200, "imported": 1_200, "skipped": 0 })
    );
    assert_eq!(outcome(&app, &acme, &app.acme, "whole").await, expected);
    app.finish().await;
}

/// The real thing: the built program as a worker process, killed with SIGKILL between two of its transactions or in one.
#[tokio::test]
async fn a_worker_process_killed_half_way_through_an_import_neither_loses_nor_doubles_a_row() {
    // The process reads the machine's clock: business time is put to noon by the clock's row.
    let started = SystemWallClock.now();
    let database = fresh_database().await;
    let offset = (noon() - started).num_microseconds().unwrap();
    let mut superuser = PgConnection::connect(&database.superuser_url).await.unwrap();
    sqlx::query("UPDATE clock SET offset_micros = $1")
        .bind(offset)
        .execute(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
    let folder = Folder::new();
    let app = TestApp::start_with(Options {
        database: Some(database.clone()),
        wall: Some(started),
        settings: vec![folder.setting()],
        ..Options::default()
    })
    .await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    // One row that cannot be imported, so that there is a report at the end.
    let file = rows(2_600, "killed") + "Bad,Row,,,,,,,,,\n";
    let undisturbed = previewed(&app, &globex, &file).await;
    commit(&globex, &undisturbed, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let ready = previewed(&app, &acme, &file).await;
    commit(&acme, &ready, "VALID_ROWS_ONLY").await;

    let (store, url) = folder.setting();
    let mut worker = Program::new(&["worker"])
        .on(&database)
        .with("PUBLIC_BASE_URL", format!("http://{}", app.addr))
        .with(store, url)
        .start();
    tokio::select! {
        ended = worker.wait() => panic!("the worker ended by itself: {ended:?}"),
        () = is_half_way(&app, uuid(&ready), "rows_imported") => {}
    }
    worker.kill().await.unwrap();
    let dead = import(&acme, &ready["id"]).await;
    let imported = dead["result"]["imported"].as_u64().unwrap();
    assert_eq!(dead["status"], "COMMITTING");
    assert!((500..2_600).contains(&imported), "{imported}");
    let there = outcome(&app, &acme, &app.acme, "killed").await.len() - 1;
    assert_eq!(
        u64::try_from(there).unwrap(),
        imported,
        "the mark moves with the rows"
    );

    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    let completed = import(&acme, &ready["id"]).await;
    assert_eq!(completed["status"], "COMPLETED");
    assert_eq!(
        completed["result"],
        json!({ "processed": 2_601, "imported": 2_600, "skipped": 0 })
    );
    assert_eq!(
        outcome(&app, &acme, &app.acme, "killed").await,
        outcome(&app, &globex, &app.globex, "killed").await
    );
    assert_eq!(
        app.audited("account_import.batch_committed").await,
        12,
        "six chunks each, each once"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_analysis_that_dies_begins_anew_and_counts_each_row_once() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let begun = super::begin(&admin, &(rows(1_200, "looked") + "Bad,Row,,,,,,,,,\n")).await;
    let mut superuser = app.superuser().await;
    tokio::select! {
        () = app.run_due_jobs() => panic!("the job ended before it could die"),
        () = eventually("the first rows were looked at", async || {
            let row = sqlx::query("SELECT rows_analyzed > 0 FROM account_imports")
                .fetch_one(&mut superuser)
                .await
                .unwrap();
            row.get::<bool, _>(0).then_some(())
        }) => {}
    }
    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    let ready = import(&admin, &begun["id"]).await;
    assert_eq!(
        (&ready["status"], &ready["totalRows"]),
        (&json!("READY"), &json!(1_201))
    );
    assert_eq!(
        (&ready["counts"]["valid"], &ready["counts"]["invalid"]),
        (&json!(1_200), &json!(1))
    );
    assert_eq!(super::count(&app, "account_import_chunks").await, 3);
    app.finish().await;
}
