//! What many rows cost in a database that has just begun to fill: autovacuum has not told the planner of them yet.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::support::TestApp;

const CHUNK: i64 = 500;
const CHUNKS: i64 = 8;

/// Five hundred accounts of one person with their openings, as an import inserts them.
const OPENINGS: &str = "
WITH person AS (SELECT business_id, id FROM debtors WHERE business_id = $1 ORDER BY id LIMIT 1),
new AS (SELECT nth, gen_random_uuid() AS account, gen_random_uuid() AS transaction FROM generate_series($2::bigint, $2 + 499) nth),
accounts AS (
    INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, balance_minor, created_at, updated_at)
    SELECT p.business_id, n.account, p.id, 'BULK-' || n.nth, 'ACTIVE', 'USD', 1000, now(), now() FROM person p, new n
    RETURNING id),
transactions AS (
    INSERT INTO ledger_transactions (business_id, id, kind, intent_key, at)
    SELECT p.business_id, n.transaction, 'OPENING', 'account:' || n.account || ':opening', now() FROM person p, new n
    RETURNING id)
INSERT INTO ledger_entries (business_id, id, transaction_id, ledger_account, debtor_id, account_id, amount_minor, currency, at)
SELECT p.business_id, gen_random_uuid(), n.transaction, 'RECEIVABLE', p.id, n.account, 1000, 'USD', now() FROM person p, new n
UNION ALL
SELECT p.business_id, gen_random_uuid(), n.transaction, 'PLACEMENT', NULL, NULL, -1000, 'USD', now() FROM person p, new n";

/// Rows that this transaction has fetched by an index.
async fn fetched(connection: &mut PgConnection) -> i64 {
    let row = connection
        .fetch_one(
            "SELECT sum(idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables
             WHERE relname IN ('accounts', 'ledger_transactions', 'ledger_entries')",
        )
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn the_eighth_chunk_of_an_import_into_a_new_database_costs_what_the_second_did() {
    let app = TestApp::start().await;
    let business = app.business_id(&app.acme).await;
    let mut superuser = app.superuser().await;
    let mut tx = superuser.begin().await.unwrap();
    let mut costs = Vec::new();
    for nth in 0..CHUNKS {
        let before = fetched(&mut tx).await;
        sqlx::query(OPENINGS)
            .bind(business)
            .bind(nth * CHUNK)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.execute("SELECT app.refresh_statistics()").await.unwrap();
        tx.execute("SET CONSTRAINTS ALL IMMEDIATE").await.unwrap();
        tx.execute("SET CONSTRAINTS ALL DEFERRED").await.unwrap();
        costs.push(fetched(&mut tx).await - before);
    }
    assert!(
        costs[7] <= costs[1] + CHUNK && costs[7] < 20 * CHUNK,
        "rows fetched for each chunk: {costs:?}"
    );
    tx.rollback().await.unwrap();
    app.finish().await;
}
