//! A caller who leaves while a transaction begins leaves no open transaction behind in the pool.

use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::Executor as _;

use crate::support::{Options, TestApp};

#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_is_not_handed_to_the_next() {
    let app = TestApp::start_with(Options {
        settings: vec![("DATABASE_MAX_CONNECTIONS", "2".to_owned())],
        ..Options::default()
    })
    .await;
    let ctx = app.service_ctx(&app.acme).await;
    for patience in (0..40).map(|step| Duration::from_micros(step * 25)) {
        // Given up after a while, most of them while BEGIN is on its way.
        let _ = tokio::time::timeout(patience, app.app.db.snapshot(&ctx)).await;
        let mut beginning = Box::pin(app.app.db.snapshot(&ctx));
        assert!((&mut beginning).now_or_never().is_none());
        drop(beginning);
        let mut tx = app.app.db.tenant(&ctx).await.unwrap();
        tx.conn()
            .execute("UPDATE businesses SET name = name")
            .await
            .expect("a transaction of one's own may write");
        tx.commit().await.unwrap();
    }
    app.finish().await;
}
