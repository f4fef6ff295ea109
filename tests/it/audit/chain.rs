//! The hash chain: read, verified, and forged in every way that a superuser can.

use std::collections::BTreeSet;

use funnelchat::audit::verify::{AuditLink, BrokenChain, verify};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::support::{Problems, TestApp, recipes::Ids};

/// Every chain there is, with the hash at its head: the businesses' and (`None`) the platform's.
pub async fn chains(superuser: &mut PgConnection) -> Vec<(Option<Uuid>, Vec<u8>)> {
    let rows = superuser
        .fetch_all("SELECT business_id, audit_hash FROM business_head UNION ALL SELECT NULL, audit_hash FROM platform_head")
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

pub async fn chain(connection: &mut PgConnection, business: Option<Uuid>) -> Vec<AuditLink> {
    let link = |row: &PgRow| AuditLink {
        id: row.get("id"),
        position: row.get("position"),
        at: row.get("at"),
        actor_kind: row.get("actor_kind"),
        actor_id: row.get("actor_id"),
        actor_role: row.get("actor_role"),
        action: row.get("action"),
        object_id: row.get("object_id"),
        debtor_id: row.get("debtor_id"),
        request_id: row.get("request_id"),
        origin: row.get("origin_cipher"),
        details: row.get("details"),
        key_id: row.get("key_id"),
        hash: row.get("hash"),
    };
    let sql = match business {
        Some(business) => format!("SELECT * FROM audit_events WHERE business_id = '{business}' ORDER BY position"),
        None => "SELECT *, NULL::uuid AS debtor_id, NULL::uuid AS key_id FROM platform_audit_events ORDER BY position".to_owned(),
    };
    connection
        .fetch_all(AssertSqlSafe(sql))
        .await
        .unwrap()
        .iter()
        .map(link)
        .collect()
}

/// Whether the stored rows are whole: each follows from the one before, and the last one is the head's.
async fn is_whole(connection: &mut PgConnection, business: Option<Uuid>) -> bool {
    let head = chains(connection)
        .await
        .into_iter()
        .find(|(found, _)| *found == business)
        .unwrap()
        .1;
    let links = chain(connection, business).await;
    verify(links).is_ok_and(|last| last == head)
}

#[tokio::test]
async fn a_chain_shows_every_change_and_every_gap() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ids = Ids::make(&app, &app.acme, &admin, "Chained", 74).await;
    let acme = Some(ids.uuid("biz"));
    let mut superuser = app.superuser().await;
    for (business, head) in chains(&mut superuser).await {
        let links = chain(&mut superuser, business).await;
        assert!(!links.is_empty(), "{business:?} has acts");
        assert_eq!(verify(links), Ok(head), "{business:?}");
    }

    // In memory: every single byte of every row's stored text.
    let mut links = chain(&mut superuser, acme).await;
    links.truncate(40);
    assert!(verify(links.clone()).is_ok());
    for nth in 0..links.len() {
        for byte in 0..links[nth].details.len() {
            let mut forged = links.clone();
            forged[nth].details[byte] ^= 1;
            assert_eq!(verify(forged), Err(BrokenChain::Changed(links[nth].position)));
        }
        for byte in 0..links[nth].hash.len() {
            let mut forged = links.clone();
            forged[nth].hash[byte] ^= 1;
            assert!(verify(forged).is_err());
        }
        let mut gap = links.clone();
        gap.remove(nth);
        assert!(
            nth + 1 == links.len() || verify(gap).is_err(),
            "row {nth} is missing"
        );
    }

    // In the database, by its mightiest user with all triggers off: every column, and rows taken, moved and added.
    superuser
        .execute("SET session_replication_role = replica")
        .await
        .unwrap();
    let somebody = Uuid::max();
    let changes = [
        ("id", format!("'{somebody}'")),
        ("position", "position + 1000000".to_owned()),
        ("at", "at + interval '1 microsecond'".to_owned()),
        ("actor_kind", "'DEBTOR'".to_owned()),
        ("actor_id", format!("'{somebody}'")),
        ("action", "action || 'x'".to_owned()),
        ("object_id", format!("'{somebody}'")),
        (
            "debtor_id",
            format!("CASE WHEN debtor_id IS NULL THEN '{somebody}'::uuid END"),
        ),
        (
            "request_id",
            "coalesce(nullif(request_id, request_id), '')".to_owned(),
        ),
        (
            "actor_role",
            "CASE WHEN actor_role IS NULL THEN 'AGENT' END".to_owned(),
        ),
        (
            "origin_cipher",
            "CASE WHEN origin_cipher IS NULL THEN '\\x00'::bytea END".to_owned(),
        ),
        (
            "details",
            "set_byte(details, 0, (get_byte(details, 0) + 1) % 256)".to_owned(),
        ),
        (
            "key_id",
            format!("CASE WHEN key_id IS NULL THEN '{somebody}'::uuid END"),
        ),
        (
            "hash",
            "set_byte(hash, 31, (get_byte(hash, 31) + 1) % 256)".to_owned(),
        ),
        ("business_id", format!("'{somebody}'")),
    ];
    let columns: BTreeSet<String> = superuser
        .fetch_all("SELECT attname::text FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0 AND NOT attisdropped")
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        columns,
        changes.iter().map(|(column, _)| (*column).to_owned()).collect(),
        "every column is tried"
    );
    let rows = chain(&mut superuser, acme).await.len();
    let business = ids.uuid("biz");
    let mut statements = Vec::new();
    for position in [1, rows / 2, rows] {
        let of_row = format!("business_id = '{business}' AND position = {position}");
        for (column, value) in &changes {
            statements.push(format!(
                "UPDATE audit_events SET {column} = {value} WHERE {of_row}"
            ));
        }
        statements.push(format!("DELETE FROM audit_events WHERE {of_row}"));
    }
    statements.push(format!(
        "UPDATE audit_events SET position = CASE position WHEN 2 THEN 3 ELSE 2 END WHERE business_id = '{business}' AND position IN (2, 3)"
    ));
    statements.push(format!(
        "INSERT INTO audit_events SELECT business_id, '{somebody}', position + 1, at, actor_kind, actor_id, action, object_id,
            debtor_id, request_id, details, key_id, hash, actor_role, origin_cipher FROM audit_events WHERE business_id = '{business}' AND position = {rows}"
    ));
    statements.push(format!(
        "DELETE FROM audit_events WHERE business_id = '{business}'"
    ));
    let mut problems = Problems::default();
    for statement in statements {
        let mut forging = superuser.begin().await.unwrap();
        let done = forging.execute(AssertSqlSafe(statement.clone())).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
        let whole = is_whole(&mut forging, acme).await;
        problems.check(!whole, || format!("unseen: {statement}"));
        forging.rollback().await.unwrap();
    }
    problems.none();
    assert!(
        is_whole(&mut superuser, acme).await,
        "what was rolled back never was"
    );
    app.finish().await;
}
