//! The readers of the inboxes: one per business and process.

use std::pin::pin;

use funnelchat::conversations::feed::{InboxReaders, follow_inbox};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::support::{TestApp, eventually};

#[tokio::test]
async fn a_business_that_waits_for_the_database_keeps_no_other_from_following_its_inbox() {
    let app = TestApp::start().await;
    let slow = app.business_id(&app.acme).await;
    let mut holder = app.superuser().await;
    // Whoever reads Acme's head waits for a lock that is held here.
    holder
        .execute(AssertSqlSafe(format!(
            "CREATE POLICY slow ON business_head AS RESTRICTIVE USING (
                 CASE WHEN current_setting('app.business_id', true) = '{slow}'
                      THEN pg_advisory_xact_lock_shared(4711)::text IS NOT NULL ELSE true END)"
        )))
        .await
        .unwrap();
    holder.execute("SELECT pg_advisory_lock(4711)").await.unwrap();

    let (db, readers) = (app.app.db.clone(), InboxReaders::default());
    let (acme, globex) = (
        app.service_ctx(&app.acme).await,
        app.service_ctx(&app.globex).await,
    );
    let mut stuck = pin!(follow_inbox(&db, &readers, &acme, None));
    let mut watcher = app.superuser().await;
    let waits = eventually("Acme waits", async || {
        let waiting =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711";
        (watcher.fetch_one(waiting).await.unwrap().get::<i64, _>(0) > 0).then_some(())
    });
    tokio::select! {
        _ = &mut stuck => panic!("the lock is held"),
        () = waits => {}
    }
    tokio::select! {
        biased;
        _ = &mut stuck => panic!("the lock is held"),
        followed = follow_inbox(&db, &readers, &globex, None) => assert!(followed.is_ok()),
        () = tokio::time::sleep(std::time::Duration::from_secs(20)) => panic!("Globex waits for Acme"),
    }
    holder.execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    assert!(stuck.await.is_ok());
    app.finish().await;
}
