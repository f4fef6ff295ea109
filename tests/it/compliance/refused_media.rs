//! What a text refuses beside texts: calls, e-mail, contact at work; and what it asks of the original creditor.

use funnelchat::{
    accounts::{Channel, scoped_debtor_of_account},
    compliance::{Author, Contact, Outcome, explain, facts::CallMode},
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{MARIA, account, act, holds::JAMES},
    support::{Client, TestApp, recipes::uuid_of, send_refused, user_errors},
};

/// What one rule says of a contact with the n-th demo debtor, and whether they may be contacted so.
async fn ruled(app: &TestApp, nth: usize, way: (Channel, &str), rule: &str) -> (Outcome, Outcome) {
    let ctx = app.service_ctx(&app.acme).await;
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ctx.business_id())
        .await
        .unwrap();
    let account = uuid_of(&app.account_id(&app.acme, nth).await);
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let debtor = scoped_debtor_of_account(&mut tx, account).await.unwrap().unwrap();
    let contact = Contact {
        debtor_id: debtor,
        account_id: Some(account),
        channel: way.0,
        recipient: way.1,
        content: "This is Acme. This communication is from a debt collector. Reply STOP to opt out.",
        in_reply_to: None,
        mode: (way.0 == Channel::Voice).then_some(CallMode::Human),
        author: Author::Unknown,
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    let decision = explain(&mut tx, &keys, &contact).await.unwrap().unwrap();
    let found = decision.findings.iter().find(|found| *found.rule == *rule);
    (
        found.map_or(Outcome::Allow, |found| found.outcome),
        decision.outcome,
    )
}

async fn debtor_of(app: &TestApp, client: &Client, nth: usize) -> Value {
    let id = app.account_id(&app.acme, nth).await;
    account(client, &id, "debtor { id }").await["debtor"]["id"].clone()
}

async fn add_email(client: &Client, debtor: &Value, email: &str) {
    let input = json!({ "debtorId": debtor, "email": email });
    let added = act(client, "addContactPoint", "contactPoint { id }", input).await;
    assert_eq!(user_errors(&added), Vec::<&str>::new(), "{added}");
}

const OPT_OUT: &str = "reg-f-medium-opt-out";

#[tokio::test]
async fn who_refuses_e_mail_by_text_is_still_texted() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (maria, phone) = (
        debtor_of(&app, &admin, MARIA).await,
        app.acme.debtor_number(MARIA),
    );
    add_email(&admin, &maria, "known@mail.example").await;
    let known = (Channel::Email, "known@mail.example");
    let text = (Channel::Sms, phone.as_str());
    assert_ne!(ruled(&app, MARIA, known, OPT_OUT).await.0, Outcome::Deny);
    app.text(&app.acme, &phone, "Please stop emailing me, text is fine")
        .await;
    assert_eq!(ruled(&app, MARIA, known, OPT_OUT).await.0, Outcome::Deny);
    assert_ne!(ruled(&app, MARIA, text, OPT_OUT).await.0, Outcome::Deny);
    assert_eq!(ruled(&app, MARIA, text, OPT_OUT).await.1, Outcome::Allow);
    // 12 CFR 1006.14(h)(1): the medium is refused, so that an address which comes later is not written to either.
    add_email(&admin, &maria, "later@mail.example").await;
    let later = (Channel::Email, "later@mail.example");
    assert_eq!(ruled(&app, MARIA, later, OPT_OUT).await.0, Outcome::Deny);
    // START is of texts.
    app.text(&app.acme, &phone, "START").await;
    assert_eq!(ruled(&app, MARIA, later, OPT_OUT).await.0, Outcome::Deny);
    app.finish().await;
}

#[tokio::test]
async fn who_refuses_calls_is_called_at_none_of_their_numbers() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (james, phone, other) = (
        debtor_of(&app, &admin, JAMES).await,
        app.acme.debtor_number(JAMES),
        "+13125550188",
    );
    let input = json!({ "debtorId": james, "phone": other, "lineType": "MOBILE" });
    let added = act(&admin, "addContactPoint", "contactPoint { id }", input).await;
    assert_eq!(user_errors(&added), Vec::<&str>::new(), "{added}");
    for number in [phone.as_str(), other] {
        let call = (Channel::Voice, number);
        assert_ne!(ruled(&app, JAMES, call, OPT_OUT).await.0, Outcome::Deny);
    }
    app.text(&app.acme, &phone, "Stop calling, text is fine").await;
    for number in [phone.as_str(), other] {
        let call = (Channel::Voice, number);
        assert_eq!(
            ruled(&app, JAMES, call, OPT_OUT).await.0,
            Outcome::Deny,
            "{number}"
        );
    }
    let text = (Channel::Sms, phone.as_str());
    assert_ne!(ruled(&app, JAMES, text, OPT_OUT).await.0, Outcome::Deny);
    app.finish().await;
}

#[tokio::test]
async fn who_is_not_to_be_called_at_work_is_not() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (james, phone, work) = (
        debtor_of(&app, &admin, JAMES).await,
        app.acme.debtor_number(JAMES),
        "+13125550189",
    );
    let input = json!({ "debtorId": james, "phone": work, "lineType": "LANDLINE", "use": "WORK" });
    let added = act(&admin, "addContactPoint", "contactPoint { id }", input).await;
    assert_eq!(user_errors(&added), Vec::<&str>::new(), "{added}");
    let allowed = json!({ "debtorId": james, "place": "WORK", "standing": "EMPLOYER_ALLOWS", "source": "EMPLOYER",
        "statement": "Their switchboard says so." });
    let recorded = act(&admin, "recordContactPlace", "contactPlace { id }", allowed).await;
    assert_eq!(user_errors(&recorded), Vec::<&str>::new(), "{recorded}");
    let (at_work, at_hand) = ((Channel::Voice, work), (Channel::Voice, phone.as_str()));
    let places = ["reg-f-workplace-prohibited", "reg-f-inconvenient-time-place"];
    for rule in places {
        assert_ne!(ruled(&app, JAMES, at_work, rule).await.0, Outcome::Deny, "{rule}");
    }
    for _ in 0..2 {
        app.text(&app.acme, &phone, "Please don't call me at work").await;
    }
    let denied = [
        ruled(&app, JAMES, at_work, places[0]).await.0,
        ruled(&app, JAMES, at_work, places[1]).await.0,
    ];
    assert!(denied.contains(&Outcome::Deny), "{denied:?}");
    for rule in places {
        assert_ne!(ruled(&app, JAMES, at_hand, rule).await.0, Outcome::Deny, "{rule}");
    }
    let account_id = app.account_id(&app.acme, JAMES).await;
    let shown = account(
        &admin,
        &account_id,
        "debtor { contactPlaces { place standing source statement } }",
    )
    .await;
    let said = json!({ "place": "WORK", "standing": "INCONVENIENT", "source": "DEBTOR",
        "statement": "Please don't call me at work" });
    let listed = shown["debtor"]["contactPlaces"].as_array().unwrap();
    assert_eq!(
        listed.iter().filter(|place| **place == said).count(),
        1,
        "{listed:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn who_asks_for_the_original_creditor_is_not_collected_from_until_it_is_answered() {
    const RULE: &str = "reg-f-original-creditor-request";
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let id = app.account_id(&app.acme, JAMES).await;
    super::disputes::in_period(&app, &id).await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    for _ in 0..2 {
        app.text(&app.acme, &phone, "Who is the original creditor?").await;
    }
    let seen = account(
        &compliance,
        &id,
        "status holds { kind } disputes { kind dueAt isOverdue needsConfirmation }",
    )
    .await;
    assert_eq!(seen["status"], "ACTIVE", "nothing is disputed");
    assert_eq!(
        seen["holds"],
        json!([{ "kind": "DISPUTE" }]),
        "marked for who looks"
    );
    let filed = seen["disputes"].as_array().unwrap();
    assert_eq!(filed.len(), 1, "asked again it is one request: {seen}");
    assert_eq!(filed[0]["kind"], "ORIGINAL_CREDITOR_REQUEST");
    assert!(filed[0]["dueAt"].is_string(), "its timer runs");
    let way = (Channel::Sms, phone.as_str());
    assert_eq!(ruled(&app, JAMES, way, RULE).await.0, Outcome::Deny);
    let refused = send_refused(&agent, &thread, "Please pay us $100 today.").await;
    assert_eq!(refused["decision"]["rule"], RULE, "{refused}");
    app.finish().await;
}

#[tokio::test]
async fn who_does_not_know_our_agent_has_not_said_whom_the_number_reaches() {
    let app = TestApp::start().await;
    let (compliance, phone) = (
        app.acme.sign_in("compliance").await,
        app.acme.debtor_number(JAMES),
    );
    let one = sqlx::query(
        "SELECT u.name FROM users u JOIN businesses b ON b.id = u.business_id WHERE b.slug = $1 LIMIT 1",
    )
    .bind(app.acme.demo.slug);
    let row = app.superuser().await.fetch_one(one).await.unwrap();
    let name: String = row.get(0);
    let first = name.split(' ').next().unwrap();
    let id = app.account_id(&app.acme, JAMES).await;
    app.text(&app.acme, &phone, &format!("Who is {first}?")).await;
    let held = account(&compliance, &id, "holds { kind }").await;
    assert_eq!(held["holds"], json!([]), "{first}");
    app.text(&app.acme, &phone, "Who is Zebulon?").await;
    let held = account(&compliance, &id, "holds { kind }").await;
    assert_eq!(held["holds"], json!([{ "kind": "WRONG_PARTY" }]));
    app.finish().await;
}
