//! What is written once stays as it was written, and balances are the ledger's alone.

use super::*;
use uuid::Uuid;

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
             INSERT INTO disputes (business_id, id, debtor_id, account_id, kind, requests_original_creditor, received_at, channel,
                written, within_validation_period, held_by_choice, status, due_at, filed_at)
             SELECT business_id, id, debtor_id, id, 'DISPUTE', false, created_at, 'LETTER', true, true, false, 'OPEN', created_at,
                created_at FROM accounts LIMIT 1;
             INSERT INTO dispute_steps (business_id, id, dispute_id, debtor_id, account_id, step, recorded_at, happened_at, actor)
             SELECT business_id, id, id, debtor_id, account_id, 'FILED', filed_at, filed_at, 'SERVICE' FROM disputes;
             INSERT INTO files (business_id, id, purpose, state, wrapped_key, key_version, media_type, size, sha256, created_at)
             SELECT business_id, id, 'DOCUMENT', 'CLAIMED', '\\x00', 1, 'application/pdf', 1, decode(repeat('00', 32), 'hex'),
                filed_at FROM disputes;
             INSERT INTO account_documents (business_id, id, account_id, file_id, kind, tags, created_at)
             SELECT business_id, id, account_id, id, 'LETTER', '{}', filed_at FROM disputes;
             INSERT INTO dispute_documents (business_id, step_id, document_id) SELECT business_id, id, id FROM disputes;
             INSERT INTO platform_audit_events (position, id, at, actor_kind, action, details, hash)
             SELECT 1000000, id, created_at, 'SYSTEM', 'test', '', '' FROM businesses LIMIT 1;
             INSERT INTO audit_checkpoints (business_id, position, at, hash, key_name, signature)
             SELECT id, 1, created_at, decode(repeat('00', 32), 'hex'), 'k', decode(repeat('00', 64), 'hex') FROM businesses;
             INSERT INTO platform_audit_checkpoints (position, at, hash, key_name, signature)
             SELECT 1, now(), decode(repeat('00', 32), 'hex'), 'k', decode(repeat('00', 64), 'hex');
             SET session_replication_role = replica;
             INSERT INTO reassigned_checks (business_id, id, import_id, number_blind, status, queried_on)
             SELECT id, id, id, decode(repeat('00', 32), 'hex'), 'NO', '2026-01-01' FROM businesses;
             SET session_replication_role = origin",
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

#[tokio::test]
async fn an_account_has_the_balance_that_its_opening_entry_says_or_is_not_made() {
    let catalogue = Catalogue::open().await;
    let mut app = catalogue.database.logins.app.clone().connect().await.unwrap();
    let mut superuser = catalogue.superuser;
    let business: Uuid = superuser
        .fetch_one("SELECT id FROM businesses WHERE slug = 'acme'")
        .await
        .unwrap()
        .get(0);
    for (posted, other, refusal) in [
        (None, 0, Some("account_balance")),
        (Some(49_999), -49_999, Some("account_balance")),
        (Some(50_000), -49_999, Some("ledger_double_entry")),
        (Some(50_000), -50_000, None),
    ] {
        let entries = posted.map_or_else(String::new, |posted| {
            format!(
                "INSERT INTO ledger_transactions (business_id, id, kind, intent_key, at)
                 VALUES ('{business}', '{business}', 'OPENING', 'story', now());
                 INSERT INTO ledger_entries (business_id, id, transaction_id, ledger_account, debtor_id, account_id,
                     amount_minor, currency, at)
                 SELECT business_id, gen_random_uuid(), business_id, 'RECEIVABLE', debtor_id, id, {posted}, 'USD', now()
                 FROM accounts WHERE id = business_id
                 UNION ALL SELECT '{business}', gen_random_uuid(), '{business}', 'PLACEMENT', NULL, NULL, {other}, 'USD', now();"
            )
        });
        let whole = format!(
            "BEGIN; SET LOCAL app.business_id = '{business}'; SET LOCAL app.audience = 'staff';
             INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, balance_minor, created_at,
                 updated_at)
             SELECT business_id, business_id, debtor_id, 'STORY', 'ACTIVE', 'USD', 50000, now(), now() FROM accounts LIMIT 1;
             {entries} COMMIT"
        );
        let refused = app.execute(AssertSqlSafe(whole)).await.err();
        let constraint = refused.as_ref().and_then(|error| {
            let error = error.as_database_error()?;
            error.constraint()
        });
        assert_eq!(constraint, refusal, "{posted:?}: {refused:?}");
        app.execute("ROLLBACK").await.unwrap();
    }
    let row = superuser
        .fetch_one("SELECT balance_minor, (SELECT sum(amount_minor)::bigint FROM ledger_entries WHERE account_id = a.id) FROM accounts a WHERE account_number = 'STORY'")
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (50_000, 50_000));
}
