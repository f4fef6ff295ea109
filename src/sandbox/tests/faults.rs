//! Vendors misbehave on request.

use std::time::Duration;

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;

use super::support::{ACME_NUMBER, DEBTOR, Stage, read};
use crate::sandbox::{Fault, Provider};

async fn misbehave(stage: &Stage, fault: &str, count: usize) {
    let request = json!({ "provider": "twilio", "fault": fault, "count": count });
    assert_eq!(stage.post("/control/faults", request).await.0, 200);
}

#[tokio::test]
async fn a_timeout_keeps_the_text_but_gives_no_answer_and_no_callback() {
    let stage = Stage::set().await;
    misbehave(&stage, "timeout", 1).await;
    let attempt = stage
        .text_request("hello")
        .timeout(Duration::from_millis(200))
        .send()
        .await;
    assert!(attempt.unwrap_err().is_timeout());
    stage.sandbox.idle().await;
    assert!(stage.service.hits().is_empty());
    let list = stage
        .acme("GET", "Messages.json?To=%2B15550100099")
        .send()
        .await
        .unwrap();
    let (_, found) = read(list).await;
    assert_eq!(found["messages"][0]["body"], "hello");
    assert_eq!(found["messages"][0]["status"], "delivered");
    assert_eq!(stage.text("next").await.0, 201, "the fault is spent");
}

#[tokio::test]
async fn a_held_connection_is_let_go_without_an_answer_when_the_sandbox_stops() {
    let stage = Stage::set().await;
    misbehave(&stage, "timeout", 1).await;
    let held = tokio::spawn(stage.text_request("hello").send());
    while stage.sandbox.state().messages().is_empty() {
        tokio::task::yield_now().await;
    }
    stage.sandbox.shutdown().await;
    let err = held.await.unwrap().unwrap_err();
    assert!(
        err.is_request() && !err.is_connect() && !err.is_timeout(),
        "{err:?}"
    );
}

#[tokio::test]
async fn errors_and_rate_limits_accept_nothing_and_are_spent_in_order() {
    let stage = Stage::set().await;
    misbehave(&stage, "error_500", 2).await;
    misbehave(&stage, "rate_limit", 1).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let (status, answer) = stage.text("hello").await;
        answers.push((status, answer["code"].as_u64()));
    }
    assert_eq!(
        answers,
        [
            (500, Some(20500)),
            (500, Some(20500)),
            (429, Some(20429)),
            (201, None)
        ]
    );
    assert_eq!(stage.sandbox.state().messages().len(), 1);
}

#[tokio::test]
async fn a_refused_request_spends_no_fault() {
    let stage = Stage::set().await;
    misbehave(&stage, "error_500", 1).await;
    stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "STOP")
        .await
        .unwrap();
    assert_eq!(stage.text("hello").await.0, 400);
    assert_eq!(
        stage.sandbox.state().waiting_faults(),
        [(Provider::Twilio, Fault::Error500)]
    );
}

#[tokio::test]
async fn callbacks_come_twice() {
    let stage = Stage::set().await;
    misbehave(&stage, "duplicate_callback", 1).await;
    stage.text("hello").await;
    stage.sandbox.idle().await;
    assert_eq!(
        stage.service.statuses(),
        ["sent", "sent", "delivered", "delivered"]
    );
    let tokens: Vec<String> = stage
        .service
        .hits()
        .into_iter()
        .map(|hit| hit.idempotency_token)
        .collect();
    assert!(tokens[0] == tokens[1] && tokens[1] != tokens[2]);
}

#[tokio::test]
async fn delivered_comes_before_sent() {
    let stage = Stage::set().await;
    misbehave(&stage, "reorder_callbacks", 1).await;
    stage.text("hello").await;
    stage.sandbox.idle().await;
    assert_eq!(stage.service.statuses(), ["delivered", "sent"]);
}

#[tokio::test]
async fn callbacks_are_lost() {
    let stage = Stage::set().await;
    misbehave(&stage, "drop_callback", 1).await;
    let (_, sent) = stage.text("hello").await;
    stage.sandbox.idle().await;
    assert!(stage.service.hits().is_empty());
    let path = format!("Messages/{}.json", sent["sid"].as_str().unwrap());
    let (_, fetched) = read(stage.acme("GET", &path).send().await.unwrap()).await;
    assert_eq!(fetched["status"], "delivered");
}

#[tokio::test]
async fn a_mail_is_refused_for_now() {
    let stage = Stage::set().await;
    let request = json!({ "provider": "smtp", "fault": "error_500" });
    let (_, waiting) = stage.post("/control/faults", request).await;
    assert_eq!(waiting, json!([{ "provider": "smtp", "fault": "error_500" }]));
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(stage.sandbox.smtp_addr().port())
        .build();
    let mail = Message::builder()
        .from("a@example.com".parse().unwrap())
        .to("b@example.com".parse().unwrap())
        .body("hello".to_owned())
        .unwrap();
    let err = smtp.send(mail.clone()).await.unwrap_err();
    assert!(err.is_transient() && err.to_string().contains("451"), "{err}");
    assert!(stage.sandbox.state().mails().is_empty());
    smtp.send(mail).await.unwrap();
    assert_eq!(stage.sandbox.state().mails().len(), 1);
}

#[tokio::test]
async fn unknown_faults_are_refused_with_the_list_of_known_ones() {
    let stage = Stage::set().await;
    let known = "accepted are: timeout, error_500, rate_limit, rate_limit_hour, duplicate_callback, \
                 reorder_callbacks, drop_callback";
    let cases = [
        (
            json!({ "provider": "pigeon", "fault": "timeout" }),
            "unknown provider \"pigeon\"; accepted are: twilio, smtp, stripe".to_owned(),
        ),
        (
            json!({ "provider": "twilio", "fault": "boredom" }),
            format!("twilio has no fault \"boredom\"; {known}"),
        ),
        (
            json!({ "provider": "smtp", "fault": "timeout" }),
            "smtp has no fault \"timeout\"; accepted are: error_500".to_owned(),
        ),
        (
            json!({ "provider": "twilio", "fault": "timeout", "count": 0 }),
            "count must be from 1 to 10000 with at most 10000 faults waiting".to_owned(),
        ),
    ];
    for (request, error) in cases {
        let (status, answer) = stage.post("/control/faults", request).await;
        assert_eq!((status, answer), (422, json!({ "error": error })));
    }
    assert_eq!(stage.get("/control/faults").await.1, json!([]));
}
