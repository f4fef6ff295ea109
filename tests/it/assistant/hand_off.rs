//! What is for a person: they are told, and the thread waits for them.

use serde_json::{Value, json};

use super::{MARIA, sent_to, switch_on, thread_of, turns};
use crate::support::{Socket, TestApp, data};

async fn next(inbox: &mut Socket, kind: &str) -> Value {
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["__typename"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn who_asks_for_a_person_is_told_so_and_the_thread_waits_for_one() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let agent = app.acme.agent().await;
    let seen = agent.gql("{ viewer { inboxCursor } }", json!({})).await;
    let after = data(&seen)["viewer"]["inboxCursor"].clone();
    let mut inbox = agent.socket().await;
    inbox
        .subscribe(
            "subscription($after: Cursor) { inboxEvents(after: $after) { __typename
               ... on ConversationEscalated { conversation { status escalationReason } } } }",
            json!({ "after": after }),
        )
        .await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "Can I speak to a real person please?")
        .await;

    let sent = sent_to(&app, &app.acme, MARIA);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let words = "I'm connecting you with one of our specialists who can better assist you.";
    assert!(sent[0].body.contains(words), "{}", sent[0].body);
    let event = next(&mut inbox, "ConversationEscalated").await;
    assert_eq!(event["conversation"]["status"], "ESCALATED");
    let reason = event["conversation"]["escalationReason"].as_str().unwrap();
    for part in ["asks for a person", "HUMAN", "$1,250.50", "They were told"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    // From here on it is a person's: whatever they write, the assistant says nothing more.
    app.text(&app.acme, &maria, "How much do I owe?").await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1);
    let expected = (
        "HANDED_OVER".to_owned(),
        Some("ASKED_FOR_PERSON".to_owned()),
        true,
    );
    assert_eq!(turns(&app).await, [expected]);
    assert_eq!(app.audited("conversation.escalated").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_dispute_is_handed_over_and_nothing_of_the_debt_is_said() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "This is not my debt, I dispute it")
        .await;
    for text in sent_to(&app, &app.acme, MARIA) {
        assert!(!text.body.contains('$'), "{}", text.body);
    }
    let agent = app.acme.agent().await;
    let thread = thread_of(&app, &agent, &app.acme, MARIA).await;
    assert_eq!(thread["status"], "ESCALATED");
    let turns = turns(&app).await;
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0].1.as_deref(), Some("DISPUTE"));
    app.finish().await;
}

#[tokio::test]
async fn what_the_gate_refuses_is_handed_over_and_not_tried_again() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, MARIA).await;
    let held = admin
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { id } } }",
            json!({ "a": account }),
        )
        .await;
    let debtor = data(&held)["account"]["debtor"]["id"].clone();
    let document = "mutation($d: ID!) { setHold(input: { debtorId: $d, kind: BANKRUPTCY, reason: \"A court's letter.\" }) {
        userErrors { code message } } }";
    let held = admin.gql(document, json!({ "d": debtor })).await;
    assert_eq!(data(&held)["setHold"]["userErrors"], json!([]), "{held}");
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 0);
    let expected = ("HANDED_OVER".to_owned(), Some("REFUSED".to_owned()), true);
    assert_eq!(turns(&app).await, [expected]);
    assert_eq!(app.audited("message.refused").await, 1, "asked once");
    app.finish().await;
}
