//! Many threads at once.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::Executor as _;

use super::{agents, daily, open_threads, saved, update};
use crate::support::{Options, TestApp};

#[tokio::test]
async fn many_threads_at_once_never_exceed_anybodys_capacity() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let staff = agents(&app, &app.acme, 2).await;
    for user in &staff {
        update(
            &admin,
            *user,
            json!({ "availability": daily("00:00", "24:00"), "capacity": 4 }),
        )
        .await;
    }
    saved(&admin, json!({ "name": "All", "strategy": "LEAST_ACTIVE" })).await;
    for nth in 0..22 {
        let number = app.acme.debtor_number(nth);
        assert_eq!(
            app.text_arrives(&app.acme, &number, "Hello, is anybody there?")
                .await,
            200
        );
    }
    let second = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    // Two workers with ten slots each, and the reconciler in between.
    tokio::join!(
        app.run_due_jobs(),
        second.run_due_jobs(),
        app.run_due_jobs(),
        second.run_due_jobs(),
        app.advance(TimeDelta::seconds(1)),
    );
    app.run_jobs().await;
    assert_eq!(open_threads(&app, &staff).await, [4, 4, 4]);
    // What is settled makes room, for the rest that waits, by several reconcilers at once.
    app.superuser()
        .await
        .execute(
            "UPDATE conversations SET status = 'RESOLVED', waiting_since = NULL, route_due_at = NULL WHERE id IN (
               SELECT id FROM conversations WHERE assigned_agent_id IS NOT NULL ORDER BY id LIMIT 7)",
        )
        .await
        .unwrap();
    app.advance(TimeDelta::minutes(1)).await;
    second.advance(TimeDelta::minutes(1)).await;
    tokio::join!(app.run_due_jobs(), second.run_due_jobs(), app.run_due_jobs());
    app.run_jobs().await;
    assert_eq!(open_threads(&app, &staff).await, [4, 4, 4]);
    assert_eq!(app.audited("conversation.assigned").await, 12 + 7);
    second.stop().await;
    app.finish().await;
}
