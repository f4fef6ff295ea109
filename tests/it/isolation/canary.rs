//! What a connection shows whose context is not whole.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::support::{TestApp, recipes::Ids};

/// How many rows each table shows that the app may read.
async fn visible_rows(app: &mut PgConnection) -> BTreeMap<String, i64> {
    let tables: Vec<String> = app
        .fetch_all(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
               AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
               AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1",
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut counts = BTreeMap::new();
    for table in tables {
        let count = app
            .fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .await
            .unwrap();
        counts.insert(table, count.get(0));
    }
    counts
}

async fn found_by_search(app: &mut PgConnection) -> Vec<Uuid> {
    let rows = app
        .fetch_all("SELECT * FROM app.search_debtors('a', 1000)")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_connection_without_its_whole_context_sees_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let acme = Ids::make(&app, &app.acme, &admin, "Canary", 41).await;
    let mut superuser = app.superuser().await;
    let business = |slug: &str| format!("SELECT id FROM businesses WHERE slug = '{slug}'");
    let globex: Uuid = superuser
        .fetch_one(AssertSqlSafe(business("globex")))
        .await
        .unwrap()
        .get(0);
    let mut connection = app.database().logins.app.clone().connect().await.unwrap();
    let business_id = acme.uuid("biz");

    for (what, context) in [
        ("no context", String::new()),
        (
            "empty context",
            "SET app.business_id = ''; SET app.audience = ''; SET app.debtor_id = ''".to_owned(),
        ),
        (
            "a business but no audience",
            format!("SET app.business_id = '{business_id}'"),
        ),
        (
            "a debtor without an id",
            format!("SET app.business_id = '{business_id}'; SET app.audience = 'debtor'"),
        ),
        (
            "staff without a business",
            "SET app.audience = 'staff'".to_owned(),
        ),
        (
            "an unknown audience",
            format!("SET app.business_id = '{business_id}'; SET app.audience = 'STAFF'"),
        ),
        (
            "a business that is not",
            format!(
                "SET app.business_id = '{}'; SET app.audience = 'staff'",
                Uuid::max()
            ),
        ),
    ] {
        connection.execute("RESET ALL").await.unwrap();
        connection.execute(AssertSqlSafe(context)).await.unwrap();
        let mut rows = visible_rows(&mut connection).await;
        // One row, an offset; nobody's.
        assert_eq!(rows.remove("clock"), Some(1));
        // A debtor, known or not yet, may be told the name of the business that writes to them.
        if what.starts_with("a debtor") {
            assert_eq!(rows.remove("businesses"), Some(1));
        }
        assert!(rows.len() > 20, "the tables were found: {rows:?}");
        rows.retain(|_, count| *count > 0);
        assert_eq!(rows, BTreeMap::new(), "{what}");
        assert_eq!(
            found_by_search(&mut connection).await,
            Vec::<Uuid>::new(),
            "{what}"
        );
    }

    connection
        .execute(AssertSqlSafe(format!(
            "RESET ALL; SET app.business_id = '{business_id}'; SET app.audience = 'staff'"
        )))
        .await
        .unwrap();
    let rows = visible_rows(&mut connection).await;
    for (table, count) in &rows {
        if ["clock", "businesses"].contains(&table.as_str()) {
            assert_eq!(*count, 1, "{table}");
            continue;
        }
        let foreign: i64 = connection
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE business_id <> '{business_id}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(foreign, 0, "{table}");
        let all: i64 = superuser
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE business_id = '{business_id}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(*count, all, "{table}: and it does see its own");
    }
    assert!(
        rows["messages"] >= 1 && rows["accounts"] == 28 && rows["decisions"] >= 1,
        "{rows:?}"
    );
    assert!(found_by_search(&mut connection).await.len() >= 20);
    for statement in [
        format!("UPDATE accounts SET status = 'CLOSED' WHERE business_id = '{globex}'"),
        format!("DELETE FROM contact_points WHERE business_id = '{globex}'"),
    ] {
        let done = connection
            .execute(AssertSqlSafe(statement.clone()))
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 0, "{statement}");
    }
    let written = connection
        .execute(AssertSqlSafe(format!(
            "INSERT INTO account_tags (business_id, account_id, tag) SELECT '{globex}', '{}', 'x'",
            Uuid::max()
        )))
        .await
        .expect_err("a row of another business cannot be written");
    assert!(written.to_string().contains("row-level security"), "{written}");

    // A debtor sees what carries their id, and of what is about a debt only that of their session.
    let debtor = acme.uuid("dbtr");
    connection
        .execute(AssertSqlSafe(format!(
            "RESET ALL; SET app.business_id = '{business_id}'; SET app.audience = 'debtor'; SET app.debtor_id = '{debtor}'"
        )))
        .await
        .unwrap();
    let rows = visible_rows(&mut connection).await;
    for of_an_account in [
        "accounts",
        "balance_components",
        "conversations",
        "dispute_steps",
        "disputes",
        "ledger_entries",
        "live_events",
        "shown_documents",
        "validation_notices",
    ] {
        assert_eq!(rows[of_an_account], 0, "{of_an_account} without an account");
    }
    let account = acme.uuid("acct");
    connection
        .execute(AssertSqlSafe(format!(
            "RESET ALL; SET app.business_id = '{business_id}'; SET app.audience = 'debtor'; SET app.debtor_id = '{debtor}';
             SET app.account_id = '{account}'"
        )))
        .await
        .unwrap();
    let mut rows = visible_rows(&mut connection).await;
    rows.retain(|_, count| *count > 0);
    assert_eq!(
        (rows["debtors"], rows["accounts"], rows["conversations"]),
        (1, 1, 1),
        "{rows:?}"
    );
    for table in rows
        .keys()
        .filter(|table| !["clock", "businesses"].contains(&table.as_str()))
    {
        let foreign: i64 = connection
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE debtor_id IS DISTINCT FROM '{debtor}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(foreign, 0, "{table}");
    }
    let documents = "SELECT count(*) FROM app.own_documents(ARRAY(SELECT document_id FROM shown_documents))";
    let shown: i64 = connection.fetch_one(documents).await.unwrap().get(0);
    assert_eq!(
        (shown, rows["shown_documents"]),
        (1, 1),
        "the paper that is shown to them"
    );
    for internal in [
        "account_notes",
        "audit_events",
        "decisions",
        "access_log",
        "users",
        "holds",
        "files",
        "account_documents",
        "exports",
        "business_head",
        "debtor_links",
        "debtor_codes",
        "debtor_sessions",
        "complaints",
        "dispute_documents",
    ] {
        assert!(!rows.contains_key(internal), "{internal} is staff's");
    }
    assert_eq!(
        found_by_search(&mut connection).await,
        Vec::<Uuid>::new(),
        "search is staff's"
    );
    app.finish().await;
}
