//! What a debtor's text states acts at once: holds bind before anything more is sent, and a person looks afterwards.

use chrono::TimeDelta;
use funnelchat::{
    accounts::Channel,
    compliance::{Author, Contact, Outcome, explain},
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{
        MARIA, account, act, ask,
        holds::{JAMES, gate},
    },
    support::{Client, Tenant, TestApp, error_code, recipes::uuid_of, send, send_refused, user_errors},
};

const HOLD: &str = "holds { id kind source needsConfirmation confirmedAt confirmedBy { id } confirmationNote reason \
                    placedBy { id } account { id } message { content } }";

/// The holds that stand on the n-th demo debtor.
async fn holds(app: &TestApp, client: &Client, nth: usize) -> Vec<Value> {
    let id = app.account_id(&app.acme, nth).await;
    let seen = account(client, &id, HOLD).await;
    seen["holds"].as_array().unwrap().clone()
}

/// A text reaches the webhook, and no job has run yet.
pub(super) async fn hand_in(app: &TestApp, tenant: &Tenant, from: &str, body: &str) {
    let text = app.sandbox.state().receive_text(from, tenant.demo.number, body);
    assert_eq!(text.await.unwrap().webhook_status, Some(200));
}

/// The rule by which the debtor may not be texted at a number; `ALLOW` where they may.
async fn rule_of_text_to(app: &TestApp, nth: usize, number: &str) -> String {
    let ctx = app.service_ctx(&app.acme).await;
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ctx.business_id())
        .await
        .unwrap();
    let account = uuid_of(&app.account_id(&app.acme, nth).await);
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let debtor = funnelchat::accounts::scoped_debtor_of_account(&mut tx, account)
        .await
        .unwrap()
        .unwrap();
    let contact = Contact {
        debtor_id: debtor,
        account_id: Some(account),
        channel: Channel::Sms,
        recipient: number,
        content: "This is Acme. This communication is from a debt collector. Reply STOP to opt out.",
        in_reply_to: None,
        mode: None,
        author: Author::Unknown,
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    let decision = explain(&mut tx, &keys, &contact).await.unwrap().unwrap();
    if decision.outcome == Outcome::Allow {
        "ALLOW".to_owned()
    } else {
        decision.rule
    }
}

#[tokio::test]
async fn what_a_text_states_binds_in_the_transaction_that_stores_it() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let waiting = send(&agent, &thread, "Does Friday suit you?").await;

    // The webhook alone, before any job runs.
    hand_in(&app, &app.acme, &phone, "Please talk to my lawyer about this").await;
    let stand = holds(&app, &compliance, JAMES).await;
    assert_eq!(stand.len(), 1, "{stand:?}");
    assert_eq!(stand[0]["kind"], "ATTORNEY_REPRESENTED");
    assert_eq!(stand[0]["source"], "INBOUND_TEXT");
    assert_eq!(stand[0]["needsConfirmation"], true);
    assert_eq!(stand[0]["placedBy"], Value::Null);
    let refused = send_refused(&agent, &thread, "Please pay us $100 today.").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-attorney-represented");

    app.run_jobs().await;
    let state = app.message_state(&waiting).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("reg-f-attorney-represented")),
        "what waited dies with its reason"
    );
    assert_eq!(app.received_by(&phone).len(), 0);
    let stand = holds(&app, &compliance, JAMES).await;
    assert_eq!(
        stand[0]["message"]["content"],
        "Please talk to my lawyer about this"
    );
    let told: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM live_events WHERE kind = 'HOLDS_STATED' AND message_id IS NOT NULL")
        .await
        .unwrap()
        .get(0);
    assert_eq!(told, 1, "the inbox hears of it");
    assert_eq!(app.audited("hold.placed").await, 1 + seeded_holds(&app).await);
    app.finish().await;
}

#[tokio::test]
async fn the_text_that_tells_of_an_attorney_opens_no_answer_and_a_later_one_opens_one() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "Please talk to my lawyer about this")
        .await;
    let refused = send_refused(&agent, &thread, "Thank you. What is their name?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-attorney-represented");

    app.advance(TimeDelta::minutes(1)).await;
    app.text(&app.acme, &phone, "What is your mailing address?").await;
    let answer = send(&agent, &thread, "It is 1 Main Street, Albany.").await;
    app.run_jobs().await;
    assert_eq!(app.status(&answer).await, "DELIVERED", "they asked");
    let refused = send_refused(&agent, &thread, "Is there anything else?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-attorney-represented");
    app.finish().await;
}

/// Holds that no text placed.
async fn seeded_holds(app: &TestApp) -> i64 {
    let row = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM holds WHERE source <> 'INBOUND_TEXT'")
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn each_kind_of_statement_sets_its_hold_and_ordinary_talk_sets_none() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    for (nth, text, kind, outcome) in [
        (0, "I filed chapter 13 last month", "BANKRUPTCY", "DENY"),
        (1, "Mi abogado les va a llamar", "ATTORNEY_REPRESENTED", "DENY"),
        (2, "I'm sorry, she passed away in June", "DECEASED", "DENY"),
        (3, "somebody opened this in my name", "IDENTITY_THEFT", "DENY"),
        (5, "I'm deployed overseas", "SCRA", ""),
        (6, "im 16", "MINOR", "DENY"),
        (7, "this is not my debt, prove it", "DISPUTE", "DENY"),
        (8, "no soy esa persona", "WRONG_PARTY", "DENY"),
        (9, "leave me alone", "CEASE_CONTACT", "DENY"),
        (10, "I refuse to pay this", "CEASE_CONTACT", "DENY"),
    ] {
        let before: Vec<Value> = holds(&app, &compliance, nth).await;
        app.text(&app.acme, &app.acme.debtor_number(nth), text).await;
        let after = holds(&app, &compliance, nth).await;
        let new: Vec<&Value> = after.iter().filter(|hold| !before.contains(hold)).collect();
        assert_eq!(new.len(), 1, "{text}: {after:?}");
        assert_eq!(new[0]["kind"], kind, "{text}");
        if kind == "DISPUTE" {
            let meant = app.account_id(&app.acme, nth).await;
            assert_eq!(new[0]["account"]["id"], meant, "their only debt is meant");
        }
        if !outcome.is_empty() {
            let account = app.account_id(&app.acme, nth).await;
            assert_eq!(gate(&compliance, &account).await.0, outcome, "{text}");
        }
        // Said again it changes nothing.
        app.text(&app.acme, &app.acme.debtor_number(nth), text).await;
        assert_eq!(holds(&app, &compliance, nth).await.len(), after.len(), "{text}");
    }
    let quiet = 11;
    let before = holds(&app, &compliance, quiet).await.len();
    for text in [
        "I can't pay until Friday, my phone died",
        "my attorney friend says hi",
        "please don't stop helping me",
        "is this a dispute?",
    ] {
        app.text(&app.acme, &app.acme.debtor_number(quiet), text).await;
    }
    assert_eq!(holds(&app, &compliance, quiet).await.len(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_person_confirms_what_a_text_said_or_takes_it_back() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    app.text(
        &app.acme,
        &app.acme.debtor_number(MARIA),
        "I filed for bankruptcy",
    )
    .await;
    let id = holds(&app, &compliance, MARIA).await[0]["id"].clone();
    let confirmed = act(
        &agent,
        "confirmHold",
        "hold { needsConfirmation confirmedAt confirmedBy { name } confirmationNote }",
        json!({ "holdId": id, "note": "Case 26-10234, district of New Jersey." }),
    )
    .await;
    assert_eq!(user_errors(&confirmed), Vec::<&str>::new(), "{confirmed}");
    assert_eq!(confirmed["hold"]["needsConfirmation"], false);
    assert!(confirmed["hold"]["confirmedAt"].is_string());
    assert!(confirmed["hold"]["confirmedBy"]["name"].is_string());
    assert_eq!(
        confirmed["hold"]["confirmationNote"],
        "Case 26-10234, district of New Jersey."
    );
    let plain = "SELECT count(*) FROM holds WHERE encode(confirmation_cipher, 'escape') LIKE '%26-10234%'";
    let plain = app.superuser().await.fetch_one(plain).await.unwrap();
    assert_eq!(plain.get::<i64, _>(0), 0, "the note is sealed");
    let again = act(&agent, "confirmHold", "", json!({ "holdId": id })).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");
    assert_eq!(app.audited("hold.confirmed").await, 1);
    let refused = ask(&agent, "releaseHold", "", json!({ "id": id })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let released = act(
        &compliance,
        "releaseHold",
        "hold { needsConfirmation }",
        json!({ "id": id }),
    )
    .await;
    assert_eq!(released["hold"]["needsConfirmation"], false, "{released}");
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let late = act(&agent, "confirmHold", "", json!({ "holdId": id })).await;
    assert_eq!(user_errors(&late), ["CONFLICT"], "it ended");

    // What a person set needs nobody else.
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let set = act(
        &compliance,
        "setHold",
        "hold { id source needsConfirmation }",
        json!({ "debtorId": debtor, "kind": "LEGAL", "reason": "Served." }),
    )
    .await;
    assert_eq!(set["hold"]["source"], "PERSON");
    assert_eq!(set["hold"]["needsConfirmation"], false);
    let needless = act(&agent, "confirmHold", "", json!({ "holdId": set["hold"]["id"] })).await;
    assert_eq!(user_errors(&needless), ["CONFLICT"]);
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_party_is_of_the_number_and_not_of_the_person() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let other = "+13125550188";
    consent_at_new_number(&app, &agent, other).await;
    let waiting = send(&agent, &thread, "Does Friday suit you?").await;

    hand_in(&app, &app.acme, &phone, "Sorry, wrong number").await;
    let state = app.message_state(&waiting).await;
    assert_eq!(state.status, "BLOCKED", "it dies in the webhook's transaction");
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 0);
    app.text(&app.acme, &phone, "still not james").await;
    let rule = rule_of_text_to(&app, JAMES, &phone).await;
    assert!(
        ["reg-f-third-party", "wrong-party-suppress"].contains(&rule.as_str()),
        "{rule}"
    );
    let rule = rule_of_text_to(&app, JAMES, other).await;
    assert_eq!(
        rule, "ALLOW",
        "the person is still theirs to reach at the other number"
    );

    // START from there takes back an opt-out, not this.
    app.text(&app.acme, &phone, "START").await;
    let rule = rule_of_text_to(&app, JAMES, &phone).await;
    assert!(
        ["reg-f-third-party", "wrong-party-suppress"].contains(&rule.as_str()),
        "{rule}"
    );

    let wrong = holds(&app, &compliance, JAMES).await;
    let wrong = wrong
        .iter()
        .find(|hold| hold["kind"] == "WRONG_PARTY")
        .unwrap()
        .clone();
    let set = json!({ "accountId": app.account_id(&app.acme, JAMES).await, "kind": "WRONG_PARTY", "reason": "So." });
    assert_eq!(
        user_errors(&act(&compliance, "setHold", "", set).await),
        ["INVALID_INPUT"],
        "staff say it of the number itself"
    );
    act(&compliance, "releaseHold", "", json!({ "id": wrong["id"] })).await;
    let rule = rule_of_text_to(&app, JAMES, &phone).await;
    assert_eq!(rule, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_party_that_is_confirmed_takes_the_number_off_the_person() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "there is nobody here by that name")
        .await;
    let id = holds(&app, &compliance, JAMES).await[0]["id"].clone();
    let confirmed = act(
        &compliance,
        "confirmHold",
        "hold { kind }",
        json!({ "holdId": id }),
    )
    .await;
    assert_eq!(confirmed["hold"]["kind"], "WRONG_PARTY", "{confirmed}");
    let james = app.account_id(&app.acme, JAMES).await;
    let points = account(
        &compliance,
        &james,
        "debtor { contactPoints { value validity validityBy { id } } }",
    )
    .await;
    let points = points["debtor"]["contactPoints"].as_array().unwrap().clone();
    let point = points
        .iter()
        .find(|point| point["value"] == phone.as_str())
        .unwrap();
    assert_eq!(point["validity"], "WRONG_NUMBER");
    assert!(point["validityBy"]["id"].is_string());
    app.finish().await;
}

#[tokio::test]
async fn what_is_stated_from_a_shared_number_holds_for_each_who_shares_it_and_for_no_other_business() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let phone = app.acme.debtor_number(JAMES);
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    act(
        &app.acme.agent().await,
        "addContactPoint",
        "",
        json!({ "debtorId": debtor, "phone": phone }),
    )
    .await;
    let globex = app.globex.sign_in("manager").await;
    let created = act(
        &globex,
        "createAccount",
        "account { id }",
        json!({ "firstName": "James", "lastName": "Elsewhere", "accountNumber": "GLX-SHARED", "phone": phone,
            "currentBalance": { "amount": "10.00", "currency": "USD" } }),
    )
    .await;
    app.text(&app.acme, &phone, "I have an attorney").await;
    for nth in [MARIA, JAMES] {
        let stand = holds(&app, &compliance, nth).await;
        assert_eq!(stand.len(), 1, "{stand:?}");
        assert_eq!(stand[0]["kind"], "ATTORNEY_REPRESENTED");
    }
    let elsewhere = created["account"]["id"].as_str().unwrap();
    let elsewhere = account(&globex, elsewhere, "holds { kind }").await;
    assert_eq!(elsewhere["holds"], json!([]));
    app.finish().await;
}

/// James gets one more number, consented to directly today.
async fn consent_at_new_number(app: &TestApp, client: &Client, number: &str) {
    let james = app.account_id(&app.acme, JAMES).await;
    let debtor = account(client, &james, "debtor { id }").await["debtor"]["id"].clone();
    let added = act(
        client,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": debtor, "phone": number, "lineType": "MOBILE", "provenance": "CONSUMER" }),
    )
    .await;
    let point = added["contactPoint"]["id"].as_str().expect("a contact point");
    let given = act(
        client,
        "recordConsent",
        "consent { id }",
        json!({ "contactPointId": point, "channel": "SMS", "source": "WEB_FORM", "text": "Yes, text me here." }),
    )
    .await;
    assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
}

#[tokio::test]
async fn a_text_from_one_number_does_not_vouch_for_another_number_of_the_person() {
    let app = TestApp::start().await;
    let (first, second) = (app.acme.debtor_number(JAMES), "+13125550188");
    consent_at_new_number(&app, &app.acme.agent().await, second).await;
    for number in [&first, second] {
        let rule = rule_of_text_to(&app, JAMES, number).await;
        assert_eq!(rule, "ALLOW", "consented to today");
    }
    // 12 CFR 1006.6(d)(5): after sixty days a consent alone does not do.
    app.advance(TimeDelta::days(62)).await;
    for number in [&first, second] {
        assert_eq!(
            rule_of_text_to(&app, JAMES, number).await,
            "reg-f-text-procedures"
        );
    }
    app.text(&app.acme, &first, "Can I pay in two parts?").await;
    assert_eq!(rule_of_text_to(&app, JAMES, &first).await, "ALLOW");
    assert_eq!(
        rule_of_text_to(&app, JAMES, second).await,
        "reg-f-text-procedures",
        "who has that one now has not written"
    );
    app.finish().await;
}
