//! A debtor texts a business.

use serde_json::{Value, json};

use super::support::{ACME, ACME_NUMBER, BOLT, BOLT_NUMBER, DEBTOR, Stage, loopback, read};

#[tokio::test]
async fn a_text_reaches_the_service_as_a_signed_webhook() {
    let stage = Stage::set().await;
    let text = json!({ "from": DEBTOR, "to": BOLT_NUMBER, "body": "Zahle später & gern 🙂" });
    let (status, answer) = stage.post("/control/sms", text).await;
    assert_eq!((status, &answer["webhook_status"]), (200, &json!(204)));

    let hits = stage.service.hits();
    assert_eq!(hits.len(), 1);
    assert!(
        hits[0].signature_fits,
        "signed with the token of the account that owns the number"
    );
    assert_eq!(hits[0].path, "/inbound?key=a%20b");
    let params = &hits[0].params;
    assert_eq!(params["MessageSid"], answer["message_sid"]);
    assert_eq!(params["SmsSid"], params["MessageSid"]);
    assert_eq!(params["AccountSid"], BOLT);
    assert_eq!(params["From"], DEBTOR);
    assert_eq!(params["To"], BOLT_NUMBER);
    assert_eq!(params["Body"], "Zahle später & gern 🙂");
    assert_eq!(params["NumMedia"], "0");
    assert_eq!(params["NumSegments"], "1");
    assert_eq!(params["ApiVersion"], "2010-04-01");
    assert_eq!(params["FromCountry"], "US");
    assert_eq!(params["FromCity"], "");
    assert!(!params.contains_key("OptOutType"));
}

#[tokio::test]
async fn stop_blocks_further_texts_until_start() {
    let stage = Stage::set().await;
    stage.sandbox.state().set_advanced_opt_out(ACME_NUMBER, true);
    let phone_says = async |body: &str| {
        stage
            .sandbox
            .state()
            .receive_text(DEBTOR, ACME_NUMBER, body)
            .await
            .unwrap();
        stage
            .service
            .hits()
            .last()
            .unwrap()
            .params
            .get("OptOutType")
            .cloned()
    };
    assert_eq!(phone_says("stop ").await.as_deref(), Some("STOP"));
    let (status, answer) = stage.text("Still owing").await;
    assert_eq!(
        (status, &answer["code"], &answer["status"]),
        (400, &json!(21610), &json!(400))
    );

    let (_, thread) = stage.get("/control/sms?number=%2B15550100099").await;
    let kinds = |thread: &Value| -> Vec<(String, bool)> {
        let texts = thread.as_array().unwrap().iter();
        texts
            .map(|text| {
                (
                    text["direction"].as_str().unwrap().to_owned(),
                    text["from_twilio"].as_bool().unwrap(),
                )
            })
            .collect()
    };
    let confirmed = [("inbound".to_owned(), false), ("outbound".to_owned(), true)];
    assert_eq!(kinds(&thread), confirmed, "Twilio itself confirms, oldest first");

    assert_eq!(phone_says("Unstop").await.as_deref(), Some("START"));
    assert_eq!(stage.text("Welcome back").await.0, 201);
    stage.sandbox.idle().await;
    let (_, thread) = stage.get("/control/sms?number=+15550100099").await;
    assert_eq!(thread.as_array().unwrap().len(), 5);
    assert_eq!(thread[4]["body"], "Welcome back");
    assert_eq!(thread[4]["status"], "delivered");

    let (_, list) = read(stage.acme("GET", "Messages.json").send().await.unwrap()).await;
    assert_eq!(
        list["messages"].as_array().unwrap().len(),
        3,
        "the API does not list Twilio's own replies"
    );
}

#[tokio::test]
async fn every_stop_word_blocks_only_the_number_that_it_was_sent_to() {
    let stage = Stage::set().await;
    for word in [
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
    ] {
        stage
            .sandbox
            .state()
            .receive_text(DEBTOR, ACME_NUMBER, word)
            .await
            .unwrap();
        assert!(stage.sandbox.state().is_opted_out(ACME_NUMBER, DEBTOR), "{word}");
        assert!(!stage.sandbox.state().is_opted_out(BOLT_NUMBER, DEBTOR));
        stage
            .sandbox
            .state()
            .receive_text(DEBTOR, ACME_NUMBER, "START")
            .await
            .unwrap();
        assert!(!stage.sandbox.state().is_opted_out(ACME_NUMBER, DEBTOR));
    }
}

#[tokio::test]
async fn by_default_twilio_tells_how_to_resume_and_the_service_nothing() {
    let stage = Stage::set().await;
    let state = stage.sandbox.state();
    state.receive_text(DEBTOR, ACME_NUMBER, "STOP").await.unwrap();
    assert!(!stage.service.hits()[0].params.contains_key("OptOutType"));
    let thread = state.thread(DEBTOR);
    assert!(
        thread[1].body.ends_with("Reply START to resubscribe."),
        "{thread:?}"
    );
    // With words of its own, the account says what it wants.
    let set = json!({ "number": ACME_NUMBER, "advanced": true });
    assert_eq!(stage.post("/control/twilio/opt_out", set).await.0, 200);
    state.receive_text(DEBTOR, ACME_NUMBER, "START").await.unwrap();
    state.receive_text(DEBTOR, ACME_NUMBER, "STOP").await.unwrap();
    assert_eq!(stage.service.hits()[2].params["OptOutType"], "STOP");
    let last = state.thread(DEBTOR).pop().unwrap();
    assert!(!last.body.contains("START"), "{last:?}");
}

#[tokio::test]
async fn help_is_answered_by_twilio_and_still_told_to_the_service() {
    let stage = Stage::set().await;
    stage.sandbox.state().set_advanced_opt_out(ACME_NUMBER, true);
    stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "info")
        .await
        .unwrap();
    assert_eq!(stage.service.hits()[0].params["OptOutType"], "HELP");
    assert_eq!(stage.sandbox.state().thread(DEBTOR).len(), 2);
    assert_eq!(stage.text("Hello").await.0, 201);
}

#[tokio::test]
async fn a_failing_service_is_tried_again_under_one_idempotency_token() {
    let stage = Stage::set().await;
    stage.service.answer_next(&[503, 500, 200]);
    let result = stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "hi")
        .await
        .unwrap();
    assert_eq!(result.webhook_status, Some(200));
    let hits = stage.service.hits();
    assert_eq!(hits.len(), 3);
    assert!(
        hits.iter()
            .all(|hit| hit.idempotency_token == hits[0].idempotency_token)
    );
    assert_eq!(hits[0].idempotency_token.len(), 32);

    stage.service.answer_next(&[500, 500, 500, 502]);
    let result = stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "hi again")
        .await
        .unwrap();
    assert_eq!(result.webhook_status, Some(502), "given up after three retries");
    assert_eq!(stage.service.hits().len(), 7);
    assert_ne!(
        stage.service.hits()[3].idempotency_token,
        hits[0].idempotency_token
    );
    let (_, deliveries) = stage.get("/control/deliveries").await;
    assert_eq!(deliveries[0]["attempts"], 4);
    assert_eq!(deliveries[0]["last_status"], 502);
    assert_eq!(
        deliveries[0]["outcome"],
        "answered 502: because I say so; given up"
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_visible() {
    let stage = Stage::set().await;
    stage.service.answer_next(&[403]);
    let text = json!({ "from": DEBTOR, "to": ACME_NUMBER, "body": "hi" });
    let (_, answer) = stage.post("/control/sms", text).await;
    assert_eq!(answer["webhook_status"], 403);
    assert_eq!(stage.service.hits().len(), 1);
    let (_, deliveries) = stage.get("/control/deliveries").await;
    assert_eq!(deliveries[0]["event"], "inbound");
    assert_eq!(deliveries[0]["message_sid"], answer["message_sid"]);
    assert_eq!(deliveries[0]["outcome"], "answered 403: because I say so");
}

#[tokio::test]
async fn a_service_that_is_down_is_tried_four_times() {
    let free = tokio::net::TcpListener::bind(loopback()).await.unwrap();
    let nobody = format!("http://{}/inbound", free.local_addr().unwrap());
    drop(free);
    let stage = Stage::with(|config| config.twilio_accounts[0].numbers[0].sms_webhook_url = nobody).await;
    let result = stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "anyone?")
        .await
        .unwrap();
    assert_eq!(result.webhook_status, None);
    let delivery = &stage.sandbox.state().deliveries()[0];
    assert_eq!(delivery.attempts, 4);
    assert_eq!(delivery.outcome, "could not connect; given up");
}

#[tokio::test]
async fn a_webhook_that_leads_off_this_machine_is_not_sent() {
    let stage = Stage::with(|config| {
        config.twilio_accounts[0].numbers[0].sms_webhook_url = "https://example.com/sms".to_owned();
    })
    .await;
    let result = stage
        .sandbox
        .state()
        .receive_text(DEBTOR, ACME_NUMBER, "hi")
        .await
        .unwrap();
    assert_eq!(result.webhook_status, None);
    let form = [
        ("To", DEBTOR),
        ("From", ACME_NUMBER),
        ("Body", "hi"),
        ("StatusCallback", "http://192.0.2.1/status"),
    ];
    assert_eq!(
        stage
            .acme("POST", "Messages.json")
            .form(&form)
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
    stage.sandbox.idle().await;
    let deliveries = stage.sandbox.state().deliveries();
    assert_eq!(deliveries.len(), 3);
    for delivery in deliveries {
        assert_eq!(delivery.attempts, 0);
        assert!(
            delivery
                .outcome
                .starts_with("not sent: the sandbox calls loopback addresses only")
        );
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_sent_is_explained() {
    let stage = Stage::set().await;
    let wrong_number = json!({ "from": DEBTOR, "to": "+15550109999", "body": "hi" });
    let (status, answer) = stage.post("/control/sms", wrong_number).await;
    assert_eq!(status, 404);
    let known = "no number +15550109999 exists here; the sandbox has: +15550100001, +15550100002";
    assert_eq!(answer["error"], known);
    for (from, body) in [("0555", "hi"), (DEBTOR, " "), (DEBTOR, &"a".repeat(1601))] {
        let text = json!({ "from": from, "to": ACME_NUMBER, "body": body });
        assert_eq!(stage.post("/control/sms", text).await.0, 422);
    }
    assert!(stage.service.hits().is_empty());
    assert_eq!(stage.sandbox.state().account(ACME).unwrap().numbers.len(), 1);
}
