//! Whoever owns the database can write a whole new chain that follows from itself. The checkpoints know better.

use funnelchat::{
    audit::{Chain, Walked, read_chain, verify::verify},
    platform::{context::SystemCtx, jobs::JobError},
};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use super::chain::{chain, chains};
use crate::support::{TestApp, recipes::Ids};

async fn count(superuser: &mut PgConnection) -> (i64, i64) {
    let row = superuser
        .fetch_one("SELECT (SELECT count(*) FROM audit_checkpoints), (SELECT count(*) FROM platform_audit_checkpoints)")
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

/// What the worker does each hour.
async fn sign_all(app: &TestApp) {
    app.app.checkpoints.find_grown().await.unwrap();
    app.run_jobs().await;
}

#[tokio::test]
async fn each_trail_that_grew_is_signed_once() {
    let app = TestApp::start().await;
    app.acme.sign_in("admin").await;
    let mut superuser = app.superuser().await;
    assert_eq!(count(&mut superuser).await, (0, 0));
    sign_all(&app).await;
    let first = count(&mut superuser).await;
    assert_eq!(first.1, 1, "log-ins");
    sign_all(&app).await;
    assert_eq!(count(&mut superuser).await, first, "nothing happened since");

    let admin = app.acme.sign_in("admin").await;
    Ids::make(&app, &app.acme, &admin, "Signed", 71).await;
    // Two workers at once: one checkpoint.
    let ctx = app.service_ctx(&app.acme).await;
    let (one, other) = (&app.app.checkpoints, app.app.checkpoints.clone());
    let (one, other) = tokio::join!(one.sign_business(&ctx), other.sign_business(&ctx));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let (one, other) = (&app.app.checkpoints, app.app.checkpoints.clone());
    let (one, other) = tokio::join!(one.find_grown(), other.find_grown());
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    app.run_jobs().await;
    let second = count(&mut superuser).await;
    assert_eq!(second.1, 2);
    assert!(second.0 > first.0, "{first:?} {second:?}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_chain_written_anew_is_seen_and_never_signed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ids = Ids::make(&app, &app.acme, &admin, "Forged", 73).await;
    sign_all(&app).await;
    app.acme.sign_in("agent").await;
    let ctx = app.service_ctx(&app.acme).await;
    let (db, keys) = (&app.app.db, app.app.checkpoints.signer.public());
    let read = async || read_chain(db, Chain::Business(&ctx), keys, |_| Ok(())).await;
    let Walked {
        rows, checkpoints, ..
    } = read().await.unwrap();
    assert_eq!(checkpoints, 1);

    let business = ids.uuid("biz");
    let mut superuser = app.superuser().await;
    superuser
        .execute("SET session_replication_role = replica")
        .await
        .unwrap();
    // The first act said otherwise, every hash after it made anew, the head too: it follows from itself.
    superuser
        .execute(AssertSqlSafe(format!(
            "CREATE TEMP TABLE kept AS SELECT * FROM audit_events WHERE business_id = '{business}';
             CREATE TEMP TABLE kept_head AS SELECT * FROM business_head WHERE business_id = '{business}';
             DO $$
             DECLARE previous bytea := ''; link record;
             BEGIN
                 UPDATE audit_events SET action = 'nothing.happened' WHERE business_id = '{business}' AND position = 1;
                 FOR link IN SELECT * FROM audit_events WHERE business_id = '{business}' ORDER BY position LOOP
                     previous := app.audit_hash(previous, link.id, link.position, link.at, link.actor_kind, link.actor_id,
                         link.action, link.object_id, link.debtor_id, link.request_id, link.details, link.key_id,
                         link.actor_role, link.origin_cipher);
                     UPDATE audit_events SET hash = previous WHERE business_id = '{business}' AND id = link.id;
                 END LOOP;
                 UPDATE business_head SET audit_hash = previous WHERE business_id = '{business}';
             END $$"
        )))
        .await
        .unwrap();
    let head = chains(&mut superuser)
        .await
        .into_iter()
        .find(|(of, _)| *of == Some(business))
        .unwrap()
        .1;
    assert_eq!(
        verify(chain(&mut superuser, Some(business)).await),
        Ok(head),
        "the chain alone says nothing"
    );
    let error = read().await.unwrap_err().to_string();
    assert!(error.contains("signed over other rows"), "{error}");
    let Err(JobError::Fatal(error)) = app.app.checkpoints.sign_business(&ctx).await else {
        panic!("a forged trail was signed");
    };
    assert!(error.contains("was not signed"), "{error}");

    // Each trail is a job of its own: the others are signed, and what is wrong with this one stands where people look.
    app.globex.sign_in("agent").await;
    let signed = async |slug: &str| -> i64 {
        let of = "SELECT count(*) FROM audit_checkpoints c JOIN businesses b ON b.id = c.business_id WHERE b.slug = $1";
        let mut superuser = app.superuser().await;
        superuser
            .fetch_one(sqlx::query(of).bind(slug.to_owned()))
            .await
            .unwrap()
            .get(0)
    };
    let before = (signed("acme").await, signed("globex").await);
    sign_all(&app).await;
    assert_eq!(
        (signed("acme").await, signed("globex").await),
        (before.0, before.1 + 1)
    );
    let failed = superuser
        .fetch_all("DELETE FROM queue.failed_jobs RETURNING business_id, error")
        .await
        .unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].get::<uuid::Uuid, _>(0), business);
    assert!(failed[0].get::<String, _>(1).contains("was not signed"));
    assert_eq!(app.log().taken().len(), 1, "it alerts");

    // The end cut off, and the head put back to it.
    let checkpoint: i64 = superuser
        .fetch_one(AssertSqlSafe(format!(
            "SELECT position FROM audit_checkpoints WHERE business_id = '{business}'"
        )))
        .await
        .unwrap()
        .get(0);
    superuser
        .execute(AssertSqlSafe(format!(
            "DELETE FROM audit_events WHERE business_id = '{business}';
             INSERT INTO audit_events SELECT * FROM kept WHERE position < {checkpoint};
             UPDATE business_head SET (audit_position, audit_hash) =
                 (SELECT position, hash FROM kept ORDER BY position DESC OFFSET {rows} - {checkpoint} + 1 LIMIT 1)
             WHERE business_id = '{business}'"
        )))
        .await
        .unwrap();
    let error = read().await.unwrap_err().to_string();
    assert!(error.contains("a checkpoint was signed at row"), "{error}");
    let Err(JobError::Fatal(error)) = app.app.checkpoints.sign_business(&ctx).await else {
        panic!("nobody was told of a trail that was cut and has not grown since");
    };
    assert!(error.contains("missing at its end"), "{error}");

    // As it was.
    superuser
        .execute(AssertSqlSafe(format!(
            "DELETE FROM audit_events WHERE business_id = '{business}';
             INSERT INTO audit_events SELECT * FROM kept;
             UPDATE business_head h SET audit_position = k.audit_position, audit_hash = k.audit_hash
             FROM kept_head k WHERE h.business_id = k.business_id"
        )))
        .await
        .unwrap();
    assert_eq!(read().await.unwrap().rows, rows);
    sign_all(&app).await;
    assert_eq!(read().await.unwrap().checkpoints, 2);
    app.stop().await;
}

#[tokio::test]
async fn the_platforms_own_trail_is_verified_up_to_its_head() {
    let app = TestApp::start().await;
    app.acme.sign_in("admin").await;
    let ctx = SystemCtx::for_reason("audit trails", "test-audit");
    let (db, keys) = (&app.app.db, app.app.checkpoints.signer.public());
    let read = async || read_chain(db, Chain::Platform(&ctx), keys, |_| Ok(())).await;
    let rows = read().await.unwrap().rows;
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "SET session_replication_role = replica;
             CREATE TEMP TABLE kept AS SELECT * FROM platform_audit_events",
        )
        .await
        .unwrap();
    for (statement, complaint) in [
        (
            "UPDATE platform_audit_events SET action = 'x' WHERE position = 1",
            "row 1 was changed",
        ),
        (
            "DELETE FROM platform_audit_events WHERE position = 1",
            "row 1 is missing",
        ),
        (
            "DELETE FROM platform_audit_events WHERE position = (SELECT max(position) FROM platform_audit_events)",
            "missing at the end",
        ),
    ] {
        superuser.execute(statement).await.unwrap();
        let broken = read().await.unwrap_err().to_string();
        assert!(broken.contains(complaint), "{statement}: {broken}");
        superuser
            .execute(
                "DELETE FROM platform_audit_events; INSERT INTO platform_audit_events SELECT * FROM kept",
            )
            .await
            .unwrap();
    }
    assert_eq!(read().await.unwrap().rows, rows);
    app.finish().await;
}
