//! The service sends texts through the REST API.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{ACME, ACME_NUMBER, BOLT, BOLT_NUMBER, BOLT_TOKEN, DEBTOR, Stage, read};
use crate::sandbox::StatusDelays;

#[tokio::test]
async fn an_accepted_text_is_answered_as_twilio_does_and_reported_sent_then_delivered() {
    let stage = Stage::set().await;
    let (status, answer) = stage.text("Please call us. €5").await;
    assert_eq!(status, 201);
    let sid = answer["sid"].as_str().unwrap();
    assert!(sid.starts_with("SM") && sid.len() == 34, "{sid}");
    assert_eq!(answer["status"], "queued");
    assert_eq!(answer["date_created"], "Mon, 02 Mar 2026 15:04:05 +0000");
    assert_eq!(answer["date_sent"], Value::Null);
    assert_eq!(answer["num_segments"], "1");
    assert_eq!(answer["num_media"], "0");
    assert_eq!(answer["error_code"], Value::Null);
    assert_eq!(answer["direction"], "outbound-api");
    assert_eq!(
        answer["uri"],
        format!("/2010-04-01/Accounts/{ACME}/Messages/{sid}.json")
    );

    stage.sandbox.idle().await;
    assert_eq!(stage.service.statuses(), ["sent", "delivered"]);
    for hit in stage.service.hits() {
        assert!(hit.signature_fits);
        assert_eq!(hit.path, "/status?attempt=7", "the callback URL keeps its query");
        assert_eq!(hit.params["MessageSid"], sid);
        assert_eq!(hit.params["SmsSid"], sid);
        assert_eq!(hit.params["SmsStatus"], hit.params["MessageStatus"]);
        assert_eq!(hit.params["AccountSid"], ACME);
        assert_eq!(hit.params["From"], ACME_NUMBER);
        assert_eq!(hit.params["To"], DEBTOR);
        assert_eq!(hit.params["ApiVersion"], "2010-04-01");
        assert!(!hit.params.contains_key("ErrorCode"));
    }
    assert_eq!(stage.service.hits()[1].params["RawDlrDoneDate"], "2603021504");

    let (_, fetched) = read(
        stage
            .acme("GET", &format!("Messages/{sid}.json"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(fetched["status"], "delivered");
    assert_eq!(fetched["date_sent"], "Mon, 02 Mar 2026 15:04:05 +0000");
    stage.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_wrong_password_or_anothers_account_is_refused() {
    let stage = Stage::set().await;
    let url = stage.url(&format!("/twilio/2010-04-01/Accounts/{ACME}/Messages.json"));
    let requests = [
        stage.client.get(&url),
        stage.client.get(&url).basic_auth(ACME, Some("wrong")),
        stage.client.get(&url).basic_auth(BOLT, Some(BOLT_TOKEN)),
        stage
            .client
            .post(&url)
            .basic_auth(ACME, Some("wrong"))
            .form(&[("To", DEBTOR)]),
        stage
            .client
            .get(url.replace(ACME, "AC00"))
            .basic_auth("AC00", Some("x")),
    ];
    for request in requests {
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(
            (status, &answer["code"], &answer["status"]),
            (401, &json!(20003), &json!(401))
        );
        assert_eq!(answer["more_info"], "https://www.twilio.com/docs/errors/20003");
    }
}

#[tokio::test]
async fn each_invalid_parameter_has_twilios_code() {
    let stage = Stage::set().await;
    let long = "a".repeat(1601);
    let cases: [(&str, &str, &str, &str, u32); 9] = [
        ("", ACME_NUMBER, "hello", "", 21604),
        ("5550100099", ACME_NUMBER, "hello", "", 21211),
        (DEBTOR, "", "hello", "", 21603),
        (DEBTOR, "+15550109999", "hello", "", 21606),
        (DEBTOR, BOLT_NUMBER, "hello", "", 21606),
        (DEBTOR, ACME_NUMBER, "", "", 21602),
        (DEBTOR, ACME_NUMBER, &long, "", 21617),
        (DEBTOR, ACME_NUMBER, "hello", "not a url", 21609),
        (ACME_NUMBER, ACME_NUMBER, "hello", "", 21266),
    ];
    for (to, from, body, callback, code) in cases {
        let form = [
            ("To", to),
            ("From", from),
            ("Body", body),
            ("StatusCallback", callback),
        ];
        let response = stage
            .acme("POST", "Messages.json")
            .form(&form)
            .send()
            .await
            .unwrap();
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{answer}");
    }
    assert!(stage.sandbox.state().messages().is_empty());
    let longest = "ä".repeat(1600);
    assert_eq!(
        stage.text(&longest).await.0,
        201,
        "1600 characters are allowed, however many bytes"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let stage = Stage::set().await;
    let (_, sent) = stage.text("hello").await;
    let sid = sent["sid"].as_str().unwrap();
    let bolts = stage.url(&format!("/twilio/2010-04-01/Accounts/{BOLT}/Messages/{sid}.json"));
    let requests = [
        stage.acme("GET", "Messages/SM00000000000000000000000000000000.json"),
        stage.acme("GET", "Calls.json"),
        stage.client.get(bolts).basic_auth(BOLT, Some(BOLT_TOKEN)),
    ];
    for request in requests {
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((status, &answer["code"]), (404, &json!(20404)));
    }
}

#[tokio::test]
async fn the_list_is_newest_first_and_filtered() {
    let stage = Stage::set().await;
    let clock = stage.sandbox.state().clock();
    stage.text("first").await;
    stage.sandbox.idle().await;
    clock.advance(chrono::TimeDelta::days(1)).await.unwrap();
    stage.text("second").await;
    stage.sandbox.idle().await;
    stage
        .sandbox
        .state()
        .receive_text("+15550100098", ACME_NUMBER, "third")
        .await
        .unwrap();

    let bodies = async |query: &str| -> Vec<String> {
        let response = stage
            .acme("GET", &format!("Messages.json{query}"))
            .send()
            .await
            .unwrap();
        let (status, answer) = read(response).await;
        assert_eq!(status, 200, "{answer}");
        let messages = answer["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["body"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(bodies("").await, ["third", "second", "first"]);
    assert_eq!(bodies("?To=%2B15550100099").await, ["second", "first"]);
    assert_eq!(
        bodies("?To=+15550100099").await,
        ["second", "first"],
        "a bare plus is understood"
    );
    assert_eq!(bodies("?From=%2B15550100098").await, ["third"]);
    assert_eq!(bodies("?DateSent=2026-03-02").await, ["first"]);
    assert_eq!(bodies("?DateSent%3E=2026-03-03").await, ["third", "second"]);
    assert_eq!(
        bodies("?DateSent>=2026-03-03T15:04:06Z").await,
        Vec::<String>::new()
    );
    assert_eq!(bodies("?DateSent%3C=2026-03-02T15:04:05Z").await, ["first"]);
    assert_eq!(
        bodies("?DateSent%3E=2026-03-02&DateSent%3C=2026-03-03").await,
        ["first"]
    );
    for query in ["?PageSize=0", "?PageSize=1001", "?Page=x", "?DateSent=yesterday"] {
        let response = stage
            .acme("GET", &format!("Messages.json{query}"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 400, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_even_when_texts_arrive_in_between() {
    let stage = Stage::set().await;
    for n in 0..5 {
        stage.text(&format!("text {n}")).await;
    }
    let mut seen = Vec::new();
    let mut next = Some(format!(
        "/2010-04-01/Accounts/{ACME}/Messages.json?To=%2B15550100099&PageSize=2"
    ));
    let mut pages = 0;
    while let Some(path) = next {
        let url = stage.url(&format!("/twilio{path}"));
        let response = stage
            .client
            .get(url)
            .basic_auth(ACME, Some("acme-token"))
            .send()
            .await
            .unwrap();
        let (_, page) = read(response).await;
        assert_eq!(page["page"], pages);
        assert_eq!(page["page_size"], 2);
        assert_eq!(page["start"], pages * 2);
        assert_eq!(page["previous_page_uri"].is_null(), pages == 0);
        let messages = page["messages"].as_array().unwrap();
        assert_eq!(page["end"], json!(pages * 2 + messages.len() - 1));
        seen.extend(
            messages
                .iter()
                .map(|message| message["body"].as_str().unwrap().to_owned()),
        );
        stage.text("late arrival").await;
        pages += 1;
        next = page["next_page_uri"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, ["text 4", "text 3", "text 2", "text 1", "text 0"]);
}

#[tokio::test]
async fn requests_are_recorded_as_the_vendor_would_see_them_without_the_password() {
    let stage = Stage::set().await;
    stage.text("hello").await;
    stage
        .acme("GET", "Messages.json?To=%2B15550100099")
        .send()
        .await
        .unwrap();
    let recorded = stage
        .client
        .get(stage.url("/control/requests?provider=twilio"))
        .send()
        .await
        .unwrap();
    let lines: Vec<Value> = recorded
        .text()
        .await
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["provider"], "twilio");
    assert_eq!(lines[0]["method"], "POST");
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{ACME}/Messages.json");
    assert_eq!(lines[0]["url"], url);
    assert_eq!(lines[0]["headers"]["authorization"], "Basic x");
    assert_eq!(
        lines[0]["headers"]["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert!(
        lines[0]["body"]
            .as_str()
            .unwrap()
            .starts_with("To=%2B15550100099&From=%2B15550100001&Body=hello")
    );
    assert_eq!(lines[1]["url"], format!("{url}?To=%2B15550100099"));
    assert_eq!(stage.sandbox.state().requests().len(), 2);
    let none = stage
        .client
        .get(stage.url("/control/requests?provider=smtp"))
        .send()
        .await
        .unwrap();
    assert_eq!(none.text().await.unwrap(), "");
}

#[tokio::test]
async fn a_text_stays_queued_until_its_time_has_come() {
    let slow = StatusDelays {
        sent: Duration::from_secs(3600),
        ..StatusDelays::ZERO
    };
    let stage = Stage::with(|config| config.status_delays = slow).await;
    let (_, sent) = stage.text("hello").await;
    let path = format!("Messages/{}.json", sent["sid"].as_str().unwrap());
    let (_, fetched) = read(stage.acme("GET", &path).send().await.unwrap()).await;
    assert_eq!(fetched["status"], "queued");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), stage.sandbox.idle())
            .await
            .is_err()
    );
    stage.sandbox.shutdown().await;
    assert!(stage.service.hits().is_empty());
}
