//! Which version of the rules decides is an act of its own, by somebody who has seen what it changes.

use std::process::Stdio;

use sqlx::{ConnectOptions as _, Executor as _, Row as _};

use super::replay::compliance;
use crate::support::{TestApp, eventually, send};

const MARIA: usize = 0;
/// The version before the newest.
const BEFORE: &str = "2026-11-29.2";

async fn versions(app: &TestApp, stage: &str) -> Vec<String> {
    let versions = "SELECT DISTINCT rule_set_version FROM decisions WHERE stage = $1";
    let versions = app
        .superuser()
        .await
        .fetch_all(sqlx::query(versions).bind(stage))
        .await
        .unwrap();
    versions.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn another_version_decides_once_somebody_who_has_seen_what_it_changes_has_activated_it() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    send(&agent, &thread, "Good morning from Acme.").await;
    app.run_jobs().await;
    let (code, told, why) = compliance(&app, &["active"]).await;
    assert_eq!(code, 0, "{why}");
    assert!(
        told.starts_with("Nothing was activated yet") && told.contains(&format!("carried: {BEFORE}")),
        "{told}"
    );

    let look = ["activate", BEFORE, "--days", "3660"];
    let (code, told, why) = compliance(&app, &look).await;
    assert_eq!(code, 0, "{why}");
    assert!(
        told.contains(&format!("rule set {BEFORE}: 0 of 2 decision(s)"))
            && told.contains("Nothing was activated."),
        "{told}"
    );
    let (code, _, _) = compliance(&app, &[&look[..], &["--yes"][..]].concat()).await;
    assert_ne!(code, 0, "nobody activates without a reason");
    let (_, told, _) = compliance(&app, &["active"]).await;
    assert!(told.starts_with("Nothing was activated yet"), "{told}");

    let reason = ["--yes", "--reason", "Counsel's letter of 1 June 2026."];
    let (code, told, why) = compliance(&app, &[&look[..], &reason[..]].concat()).await;
    assert_eq!(code, 0, "{told} {why}");
    let (_, told, _) = compliance(&app, &["active"]).await;
    assert!(
        told.starts_with(&format!("{BEFORE} decides since")) && told.contains("(0 of 2 decision(s)"),
        "{told}"
    );
    let trail = "SELECT count(*) FROM platform_audit_events WHERE action = 'rule_set.activated'";
    let row = app.superuser().await.fetch_one(trail).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
    let (code, _, why) = compliance(&app, &[&look[..], &reason[..]].concat()).await;
    assert_eq!(code, 2);
    assert!(why.contains("decides already"), "{why}");
    let (code, _, why) = compliance(&app, &["activate", "2020-01-01.1"]).await;
    assert_eq!(code, 2);
    assert!(why.contains("does not carry the rules 2020-01-01.1"), "{why}");

    // A process that starts decides by it.
    send(&agent, &thread, "Did you see my message?").await;
    assert_eq!(versions(&app, "DISPATCH").await.len(), 1);
    let database = app.database();
    let logins = &database.logins;
    let mut worker = tokio::process::Command::new(env!("CARGO_BIN_EXE_funnelchat"))
        .arg("worker")
        .env_clear()
        .env("FUNNELCHAT_ENV", "development")
        .env("RUST_LOG", "warn")
        .env("DATABASE_URL", logins.app.to_url_lossy().as_str())
        .env("DATABASE_SYSTEM_URL", logins.system.to_url_lossy().as_str())
        .env("DATABASE_WORKER_URL", logins.worker.to_url_lossy().as_str())
        .env("PUBLIC_BASE_URL", format!("http://{}", app.addr))
        .env("TWILIO_BASE_URL", format!("http://{}/twilio", app.sandbox.addr()))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the worker has decided", async || {
        versions(&app, "DISPATCH")
            .await
            .contains(&BEFORE.to_owned())
            .then_some(())
    })
    .await;
    worker.kill().await.unwrap();
    app.stop().await;
}
