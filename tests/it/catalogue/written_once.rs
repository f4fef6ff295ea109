//! What is written once stays as it was written, and balances are the ledger's alone.

use super::*;

#[tokio::test]
async fn what_is_written_once_stays_and_balances_are_the_ledgers_alone() {
    let mut catalogue = Catalogue::open().await;
    for table in APPEND_ONLY {
        for role in RUNTIME_ROLES {
            let held = catalogue.privileges(role, table).await;
            assert!(
                !held.contains("UPDATE") && !held.contains("DELETE"),
                "{role} holds {held:?} on {table}"
            );
        }
    }
    // One row each where the demo data has none.
    catalogue
        .superuser
        .execute(
            "INSERT INTO access_log (business_id, id, at, actor_id, operation, debtor_ids, request_id)
             SELECT id, id, created_at, id, 'viewer', '{}', 'r' FROM businesses;
             INSERT INTO decisions (business_id, id, debtor_id, channel, stage, outcome, rule_set_version, tzdb_version,
                decision, facts_cipher, key_id, content_hash, decided_at)
             SELECT business_id, id, id, 'SMS', 'QUEUE', 'DENY', '1', '1', '{}', '', record_key_id, '', created_at FROM debtors LIMIT 1;
             INSERT INTO platform_audit_events (position, id, at, actor_kind, action, details, hash)
             SELECT 1000000, id, created_at, 'SYSTEM', 'test', '', '' FROM businesses LIMIT 1;
             INSERT INTO audit_checkpoints (business_id, position, at, hash, key_name, signature)
             SELECT id, 1, created_at, decode(repeat('00', 32), 'hex'), 'k', decode(repeat('00', 64), 'hex') FROM businesses;
             INSERT INTO platform_audit_checkpoints (position, at, hash, key_name, signature)
             SELECT 1, now(), decode(repeat('00', 32), 'hex'), 'k', decode(repeat('00', 64), 'hex')",
        )
        .await
        .unwrap();
    for table in APPEND_ONLY {
        let column = catalogue
            .names(&format!(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 3"
            ))
            .await
            .remove(0);
        for statement in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let refused = catalogue
                .superuser
                .execute(AssertSqlSafe(statement.clone()))
                .await
                .expect_err(&statement);
            let code = refused
                .as_database_error()
                .and_then(|error| error.code())
                .unwrap_or_default()
                .into_owned();
            assert_eq!(code, "23001", "{statement}: {refused}");
        }
    }

    let business: String = catalogue
        .names("SELECT id::text FROM businesses WHERE slug = 'acme'")
        .await
        .remove(0);
    let mut app = catalogue.database.logins.app.clone().connect().await.unwrap();
    app.execute(AssertSqlSafe(format!(
        "SET app.business_id = '{business}'; SET app.audience = 'staff'"
    )))
    .await
    .unwrap();
    let seen: i64 = app
        .fetch_one("SELECT count(*) FROM accounts")
        .await
        .unwrap()
        .get(0);
    assert_eq!(seen, 25, "the app sees its accounts");
    for statement in [
        "UPDATE accounts SET balance_minor = 0",
        "UPDATE ledger_entries SET amount_minor = 0",
        "DELETE FROM audit_events",
        "UPDATE access_log SET operation = 'none'",
        "SELECT * FROM identities",
        "SELECT * FROM messages_default",
    ] {
        let refused = app.execute(statement).await.expect_err(statement);
        let code = refused
            .as_database_error()
            .and_then(|error| error.code())
            .unwrap_or_default()
            .into_owned();
        assert_eq!(code, "42501", "{statement}: {refused}");
    }
}

#[tokio::test]
async fn balances_are_the_sum_of_their_entries_and_entries_sum_to_zero() {
    let mut catalogue = Catalogue::open().await;
    let wrong = catalogue
        .names(
            "SELECT a.account_number FROM accounts a LEFT JOIN ledger_entries e
               ON e.business_id = a.business_id AND e.account_id = a.id AND e.currency = a.currency
             GROUP BY a.business_id, a.id, a.account_number, a.balance_minor HAVING a.balance_minor <> coalesce(sum(e.amount_minor), 0)",
        )
        .await;
    assert_eq!(wrong, Vec::<String>::new());
    let rows = catalogue
        .superuser
        .fetch_all("SELECT currency, sum(amount_minor)::bigint FROM ledger_entries GROUP BY currency")
        .await
        .unwrap();
    let sums: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(sums, BTreeMap::from([("USD".to_owned(), 0)]));
}
