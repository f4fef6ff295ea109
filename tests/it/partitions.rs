//! Yearly partitions where nobody migrates for years: the worker makes them, and brings what fell beside them to its place.

use chrono::TimeDelta;
use funnelchat::compliance::privacy::old_access_logs;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use crate::{
    audit::chain::{chain, chains},
    support::{TestApp, data},
};

const PARENTS: [&str; 4] = ["access_log", "audit_events", "decisions", "messages"];

async fn texts(superuser: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows = superuser.fetch_all(AssertSqlSafe(sql.to_owned())).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn rows_in(superuser: &mut PgConnection, table: &str) -> i64 {
    let count = format!("SELECT count(*) FROM {table}");
    superuser.fetch_one(AssertSqlSafe(count)).await.unwrap().get(0)
}

/// What refers to the partitioned tables.
async fn references(superuser: &mut PgConnection) -> Vec<String> {
    texts(
        superuser,
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated
         FROM pg_constraint WHERE contype = 'f' AND confrelid::regclass::text IN ('messages', 'decisions')
           AND conparentid = 0 ORDER BY 1",
    )
    .await
}

#[tokio::test]
async fn years_that_nobody_migrated_for_get_their_partitions_and_their_rows() {
    let app = TestApp::start().await;
    let mut superuser = app.superuser().await;
    let known = references(&mut superuser).await;
    assert!(known.len() >= 4, "{known:?}");
    let admin = app.acme.sign_in("admin").await;
    data(
        &admin
            .gql(
                "{ debtors(first: 1) { edges { node { firstName } } } }",
                json!({}),
            )
            .await,
    );
    // What was read in a year that has no partition lies in the default one.
    superuser
        .execute(
            "CREATE TEMPORARY TABLE stray AS SELECT * FROM access_log LIMIT 1;
             UPDATE stray SET id = overlay(app.uuid_v7_bound('2028-03-01Z')::text placing '7' from 15)::uuid;
             INSERT INTO access_log SELECT * FROM stray",
        )
        .await
        .unwrap();
    assert_eq!(rows_in(&mut superuser, "access_log_default").await, 1);
    let stored = texts(&mut superuser, "SELECT t::text FROM access_log t ORDER BY 1").await;
    // Two years pass without `migrate`.
    app.wall.advance(TimeDelta::days(2 * 366));

    // The worker's next look.
    app.advance(TimeDelta::zero()).await;
    for parent in PARENTS {
        assert_eq!(
            rows_in(&mut superuser, &format!("{parent}_default")).await,
            0,
            "{parent}"
        );
        for year in [2028, 2029] {
            let owner = texts(
                &mut superuser,
                &format!("SELECT relowner::regrole::text FROM pg_class WHERE relname = '{parent}_{year}' AND relispartition"),
            )
            .await;
            assert_eq!(owner, ["funnelchat_owner"], "{parent}_{year}");
        }
    }
    assert_eq!(rows_in(&mut superuser, "access_log_2028").await, 1);
    assert_eq!(
        texts(&mut superuser, "SELECT t::text FROM access_log t ORDER BY 1").await,
        stored,
        "moved as they were"
    );
    assert_eq!(
        references(&mut superuser).await,
        known,
        "and referred to as before"
    );
    for (business, head) in chains(&mut superuser).await {
        let links = chain(&mut superuser, business).await;
        assert_eq!(funnelchat::audit::verify::verify(links), Ok(head), "{business:?}");
    }
    let granted = "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) acl WHERE c.relispartition AND acl.grantee <> c.relowner";
    assert_eq!(texts(&mut superuser, granted).await, Vec::<String>::new());
    for statement in [
        "UPDATE access_log_2028 SET operation = 'none'",
        "DELETE FROM access_log_2028",
    ] {
        let refused = superuser.execute(statement).await.expect_err(statement);
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    // Running again finds nothing to do.
    app.advance(TimeDelta::zero()).await;
    assert_eq!(rows_in(&mut superuser, "access_log_default").await, 0);
    // What retention drops after seven years is there to be dropped.
    app.wall.advance(TimeDelta::days(366 * 8));
    let due = old_access_logs(&app.app.db, false).await.unwrap();
    assert!(due.contains(&"access_log_2028".to_owned()), "{due:?}");
    app.finish().await;
}

#[tokio::test]
async fn only_the_tables_that_are_partitioned_get_partitions_and_only_of_years() {
    let app = TestApp::start().await;
    let mut superuser = app.superuser().await;
    for call in [
        "SELECT app.ensure_partition('accounts', 2030)",
        "SELECT app.ensure_partition('access_log; DROP TABLE clock', 2030)",
        "SELECT app.ensure_partition('access_log', 1)",
    ] {
        let refused = superuser.execute(call).await.expect_err(call);
        assert!(refused.to_string().contains("has no partition"), "{refused}");
    }
    let made: bool = superuser
        .fetch_one("SELECT app.ensure_partition('access_log', 2026)")
        .await
        .unwrap()
        .get(0);
    assert!(!made, "it is there");
    app.finish().await;
}
