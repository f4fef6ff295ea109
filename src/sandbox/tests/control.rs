//! A person drives the sandbox.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::support::{ACME, ACME_NUMBER, BOLT, BOLT_NUMBER, DEBTOR, Stage};
use crate::sandbox::{SandboxClock, start};

#[tokio::test]
async fn the_clock_is_read_and_moved_forward() {
    let stage = Stage::set().await;
    let (_, clock) = stage.get("/control/clock").await;
    assert_eq!(clock, json!({ "now": "2026-03-02T15:04:05Z", "simulated": true }));
    let (status, moved) = stage
        .post("/control/clock", json!({ "advance_seconds": 3600 }))
        .await;
    assert_eq!((status, moved), (200, json!({ "now": "2026-03-02T16:04:05Z" })));
    assert_eq!(stage.get("/control/clock").await.1["now"], "2026-03-02T16:04:05Z");
    for seconds in [0, -1, i64::MAX] {
        assert_eq!(
            stage
                .post("/control/clock", json!({ "advance_seconds": seconds }))
                .await
                .0,
            422
        );
    }
    let (_, sent) = stage.text("hello").await;
    assert_eq!(sent["date_created"], "Mon, 02 Mar 2026 16:04:05 +0000");
}

struct RealClock;

#[async_trait]
impl SandboxClock for RealClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    async fn advance(&self, _: TimeDelta) -> Result<DateTime<Utc>, String> {
        Err("start with a simulated clock to move it".to_owned())
    }

    fn is_simulated(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_real_clock_is_not_moved() {
    let stage = Stage::with(|config| config.clock = Arc::new(RealClock)).await;
    assert_eq!(stage.get("/control/clock").await.1["simulated"], false);
    let (status, answer) = stage
        .post("/control/clock", json!({ "advance_seconds": 1 }))
        .await;
    assert_eq!(
        (status, answer),
        (409, json!({ "error": "start with a simulated clock to move it" }))
    );
}

#[tokio::test]
async fn numbers_and_phones_are_listed() {
    let stage = Stage::set().await;
    let numbers = json!([
        { "account_sid": ACME, "number": ACME_NUMBER, "label": "Acme Recovery" },
        { "account_sid": BOLT, "number": BOLT_NUMBER, "label": "Bolt Collections" },
    ]);
    assert_eq!(stage.get("/control/numbers").await, (200, numbers));
    let phones = json!([{ "number": DEBTOR, "name": "Dora Debtor" }]);
    assert_eq!(stage.get("/control/phones").await, (200, phones));
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let stage = Stage::set().await;
    let response = stage.client.get(stage.url("/")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let page = response.text().await.unwrap();
    for foreign in ["src=\"", "@import", "href=\"http", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn a_foreign_web_page_cannot_drive_the_sandbox() {
    let stage = Stage::set().await;
    for path in ["/control/sms", "/control/faults", "/control/clock"] {
        let simple = stage
            .client
            .post(stage.url(path))
            .header("content-type", "text/plain")
            .body(
                r#"{"provider":"twilio","fault":"timeout","advance_seconds":1,"from":"","to":"","body":""}"#,
            );
        let response = simple.send().await.unwrap();
        assert_eq!(response.status(), 415, "{path}");
        assert!(response.text().await.unwrap().contains("application/json"));
    }
    let rebound = stage
        .client
        .get(stage.url("/control/sms?number=1"))
        .header("host", "evil.example:8090");
    assert_eq!(rebound.send().await.unwrap().status(), 421);
}

#[tokio::test]
async fn a_malformed_request_is_explained() {
    let stage = Stage::set().await;
    let (status, answer) = stage.post("/control/sms", json!({ "from": DEBTOR })).await;
    assert_eq!(status, 422);
    assert!(
        answer["error"].as_str().unwrap().contains("missing field `to`"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_sandbox_starts_on_loopback_only_and_with_sound_accounts() {
    let stage = Stage::set().await;
    let refusal = async |adjust: &dyn Fn(&mut crate::sandbox::SandboxConfig)| {
        let mut config = super::support::config(&stage.service);
        adjust(&mut config);
        start(config)
            .await
            .err()
            .map(|err| err.to_string())
            .unwrap_or_default()
    };
    let open = refusal(&|config| config.listen = "0.0.0.0:0".parse().unwrap()).await;
    assert!(
        open.contains("serves HTTP on loopback only") && open.contains("use 127.0.0.1"),
        "{open}"
    );
    let open = refusal(&|config| config.smtp_listen = "[::]:0".parse().unwrap()).await;
    assert!(open.contains("serves SMTP on loopback only"), "{open}");
    let taken = refusal(&|config| config.listen = stage.sandbox.addr()).await;
    assert!(taken.contains("choose another port"), "{taken}");
    let twice = refusal(&|config| config.twilio_accounts[1].sid = ACME.to_owned()).await;
    assert!(twice.contains("twice"), "{twice}");
    let twice = refusal(&|config| config.twilio_accounts[1].numbers[0].e164 = ACME_NUMBER.to_owned()).await;
    assert!(twice.contains("was given to the sandbox twice"), "{twice}");
    let unsound = refusal(&|config| config.twilio_accounts[0].numbers[0].e164 = "555".to_owned()).await;
    assert!(unsound.contains("E.164"), "{unsound}");
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_ports() {
    let stage = Stage::set().await;
    let (http, smtp) = (stage.sandbox.addr(), stage.sandbox.smtp_addr());
    stage.sandbox.shutdown().await;
    assert!(tokio::net::TcpStream::connect(http).await.is_err());
    assert!(tokio::net::TcpStream::connect(smtp).await.is_err());
}
