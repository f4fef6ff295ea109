//! What answers a dispute is no collection: it goes out while collection pauses (12 CFR 1006.38(c), (d)(2)).

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::disputes::{CEASE, answer, document, file, in_period};
use crate::{
    account_work::{MARIA, account, act},
    support::{Client, TestApp, data, send_refused, user_errors},
};

const SENDING: &str = "reg-f-sending-disclosures";

/// What becomes of it: the rule that refuses it, or none where it is queued.
async fn sent(client: &Client, thread: &str, content: &str, answers: Option<&str>) -> Result<String, Value> {
    let answer = client
        .gql(
            "mutation($i: SendMessageInput!) { sendMessage(input: $i) { message { id } decision { rule }
               userErrors { code field } } }",
            json!({ "i": { "conversationId": thread, "content": content, "disputeAnswer": answers } }),
        )
        .await;
    let payload = data(&answer)["sendMessage"].clone();
    match payload["message"]["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(payload),
    }
}

fn rule(refused: Result<String, Value>) -> String {
    refused.unwrap_err()["decision"]["rule"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_answer_goes_out_while_collection_pauses_and_nothing_else_does() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    in_period(&app, &maria).await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let explained = "We sent you the agreement that verifies this debt by letter on June 9.";
    let early = sent(&agent, &thread, explained, Some("VERIFICATION"))
        .await
        .unwrap_err();
    assert_eq!(
        user_errors(&early),
        ["CONFLICT"],
        "nobody disputes anything: {early}"
    );
    let dispute = file(
        &agent,
        &maria,
        json!({ "reason": "NOT_MY_DEBT", "words": "I never bought this.", "requestsOriginalCreditor": true }),
    )
    .await;
    let refused = send_refused(&agent, &thread, explained).await;
    assert_eq!(refused["decision"]["rule"], CEASE, "without saying what it is");

    // By text it takes consent to electronic notices (12 CFR 1006.42(b); 15 USC 7001(c)), shown by the person's own doing.
    assert_eq!(
        rule(sent(&agent, &thread, explained, Some("VERIFICATION")).await),
        SENDING
    );
    let debtor = account(&compliance, &maria, "debtor { contactPoints { id kind } }").await["debtor"].clone();
    let points = debtor["contactPoints"].as_array().unwrap();
    let phone = points.iter().find(|point| point["kind"] == "PHONE").unwrap()["id"].clone();
    let consent = |source: &str| {
        json!({ "contactPointId": phone, "channel": "SMS", "purpose": "ELECTRONIC_NOTICES", "source": source,
            "text": "You may send me notices by text. I can read them here.", "textVersion": "7" })
    };
    let paper = act(&admin, "recordConsent", "consent { id }", consent("PAPER")).await;
    assert_eq!(user_errors(&paper), Vec::<&str>::new(), "{paper}");
    assert_eq!(
        rule(sent(&agent, &thread, explained, Some("VERIFICATION")).await),
        "esign-consent"
    );
    app.advance(TimeDelta::minutes(1)).await;
    let form = act(&admin, "recordConsent", "consent { id }", consent("WEB_FORM")).await;
    assert_eq!(user_errors(&form), Vec::<&str>::new(), "{form}");

    // With a word of paying it is collection, whatever it is said to be.
    for asking in [
        "Your debt is verified. Please pay $100 today.",
        "Your debt is verified. Can you settle it?",
    ] {
        let refused = sent(&agent, &thread, asking, Some("VERIFICATION")).await;
        assert_eq!(rule(refused), CEASE, "{asking}");
    }
    for (words, answers) in [
        (explained, "VERIFICATION"),
        (
            "You asked for the original creditor: First Example Bank, 1 Main Street, Albany, NY 12207.",
            "ORIGINAL_CREDITOR",
        ),
    ] {
        let message = sent(&agent, &thread, words, Some(answers)).await.unwrap();
        app.run_jobs().await;
        app.advance(TimeDelta::minutes(1)).await;
        assert_eq!(app.status(&message).await, "DELIVERED", "{answers}");
    }
    let duplicative = sent(&agent, &thread, explained, Some("DUPLICATIVE_NOTICE"))
        .await
        .unwrap_err();
    assert_eq!(user_errors(&duplicative), ["CONFLICT"], "it repeats no other");
    let refused = send_refused(&agent, &thread, "Does Friday suit you?").await;
    assert_eq!(
        refused["decision"]["rule"], CEASE,
        "what was sent is not written down yet"
    );

    // Written down, collection goes on, and nobody waits for an answer any more.
    let papers = document(&admin, &maria).await;
    let written = answer(
        &admin,
        &dispute,
        json!({ "sent": ["VERIFICATION", "ORIGINAL_CREDITOR"], "documentIds": [papers] }),
    )
    .await;
    assert_eq!(user_errors(&written), Vec::<&str>::new(), "{written}");
    let late = sent(&agent, &thread, explained, Some("VERIFICATION"))
        .await
        .unwrap_err();
    assert_eq!(user_errors(&late), ["CONFLICT"], "{late}");
    let both = act(
        &agent,
        "sendMessage",
        "message { id }",
        json!({ "conversationId": thread, "ceaseNotice": "EFFORTS_TERMINATED", "disputeAnswer": "VERIFICATION" }),
    )
    .await;
    assert_eq!(user_errors(&both), ["INVALID_INPUT"]);
    app.finish().await;
}
