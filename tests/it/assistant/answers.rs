//! What it answers, and where it keeps silent.

use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::{MARIA, change, sent_to, switch_on, thread_of, turns};
use crate::support::{TestApp, data, send};

#[tokio::test]
async fn a_text_that_nobody_answers_is_answered_with_what_the_account_says() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;

    let sent = sent_to(&app, &app.acme, MARIA);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let body = &sent[0].body;
    for words in [
        "Maria",
        "automated assistant",
        "$1,250.50",
        "debt collector",
        "STOP",
    ] {
        assert!(body.contains(words), "{words}: {body}");
    }
    let agent = app.acme.agent().await;
    let thread = thread_of(&app, &agent, &app.acme, MARIA).await;
    assert_eq!(thread["status"], "ACTIVE");
    assert_eq!(thread["assignedAgent"], Value::Null, "an answer takes no thread");
    let answer = &thread["messages"]["edges"][1]["node"];
    assert_eq!(answer["senderType"], "ASSISTANT");
    assert_eq!(answer["content"], body.as_str());
    assert_eq!(turns(&app).await, [("ANSWERED".to_owned(), None, true)]);
    assert_eq!(app.audited("assistant.answered").await, 1);

    // Another business sees neither the thread nor what was made of it, and its own assistant is off.
    let stranger = app.globex.agent().await;
    let seen = stranger
        .gql(
            "query($c: ID!) { nodes(ids: [$c]) { id } }",
            json!({ "c": thread["id"] }),
        )
        .await;
    assert!(data(&seen)["nodes"][0].is_null());
    app.text(&app.globex, &app.globex.debtor_number(1), "How much do I owe?")
        .await;
    assert_eq!(sent_to(&app, &app.globex, 1).len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn plans_are_named_to_the_cent_and_not_promised() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "¿Puedo pagar en cuotas?").await;
    let sent = sent_to(&app, &app.acme, MARIA);
    assert_eq!(sent.len(), 1, "{sent:?}");
    for words in [
        "asistente automático",
        "$250.10 de pago inicial, y 11 pagos mensuales de $83.36 y un último de $83.44",
        "$1,250.50 en total",
        "Todavía no hay nada acordado",
    ] {
        assert!(sent[0].body.contains(words), "{words}: {}", sent[0].body);
    }
    app.finish().await;
}

#[tokio::test]
async fn it_is_off_until_it_is_switched_on_and_never_answers_somebody_unknown() {
    let app = TestApp::start().await;
    let maria = app.acme.debtor_number(MARIA);
    app.text(&app.acme, &maria, "How much do I owe?").await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 0);
    let before = app.audited("business.settings_updated").await;
    let admin = app.acme.sign_in("admin").await;
    let wrong = json!({ "assistant": { "enabled": true, "minConfidence": 49, "strict": false } });
    let errors = change(&admin, wrong).await;
    assert_eq!(errors[0]["code"], "INVALID_INPUT", "{errors}");
    switch_on(&app.acme).await;
    app.text(&app.acme, "+12125559999", "How much do I owe?").await;
    assert_eq!(app.received_by("+12125559999").len(), 0);
    assert!(turns(&app).await.is_empty());
    assert_eq!(app.audited("business.settings_updated").await, before + 1);
    app.finish().await;
}

#[tokio::test]
async fn where_an_agent_works_there_is_one_voice_and_where_they_do_not_the_business_decides() {
    let app = TestApp::start().await;
    switch_on(&app.acme).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let maria = app.acme.debtor_number(MARIA);
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    send(&agent, &thread, "Does Friday suit you?").await;
    app.run_jobs().await;
    app.text(&app.acme, &maria, "How much do I owe?").await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1, "the agent's alone");

    // They go off duty; the business has not said that the assistant stands in for them.
    let user: Uuid =
        sqlx::query("SELECT assigned_agent_id FROM conversations WHERE assigned_agent_id IS NOT NULL")
            .fetch_one(&mut app.superuser().await)
            .await
            .unwrap()
            .get(0);
    let night = json!([{ "from": "01:00", "to": "02:00" }]);
    let days = [
        "MONDAY",
        "TUESDAY",
        "WEDNESDAY",
        "THURSDAY",
        "FRIDAY",
        "SATURDAY",
        "SUNDAY",
    ];
    let week: Vec<Value> = days.map(|day| json!({ "day": day, "hours": night })).to_vec();
    let input = json!({ "id": funnelchat::platform::ids::encode(funnelchat::platform::ids::IdKind::User, user),
        "availability": { "timeZone": "America/Chicago", "week": week } });
    let document =
        "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code field message } } }";
    let changed = admin.gql(document, json!({ "i": input })).await;
    assert_eq!(data(&changed)["updateUser"]["userErrors"], json!([]), "{changed}");
    app.text(&app.acme, &maria, "How much do I owe?").await;
    assert_eq!(sent_to(&app, &app.acme, MARIA).len(), 1);

    let stands_in = json!({ "autoResponse": { "enabled": true,
        "texts": [{ "language": "en", "text": "We are back in the morning." }] } });
    assert_eq!(change(&admin, stands_in).await, json!([]));
    app.text(&app.acme, &maria, "How much do I owe?").await;
    let sent = sent_to(&app, &app.acme, MARIA);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[1].body.contains("automated assistant"), "{}", sent[1].body);
    app.finish().await;
}
