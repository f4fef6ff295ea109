//! A caller who leaves while a transaction begins leaves no open transaction behind in the pool.

use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::{Executor as _, Row as _};

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
        // Given up at the first look, which is nearly always before the answer to BEGIN is there.
        drop(app.app.db.snapshot(&ctx).now_or_never());
        // Both connections of the pool at once, so that neither is passed over.
        let mut own = Vec::new();
        for _ in 0..2 {
            own.push(app.app.db.tenant(&ctx).await.unwrap());
        }
        for mut tx in own {
            let setting = tx.conn().fetch_one("SHOW transaction_read_only").await.unwrap();
            assert_eq!(
                setting.get::<String, _>(0),
                "off",
                "this is the transaction that was given up"
            );
            tx.commit().await.unwrap();
        }
    }
    app.finish().await;
}
