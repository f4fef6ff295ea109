//! What the gate knows of a debt, a person and a text: accounts that are closed, debts that were discharged, what demands payment,
//! and how far an opt-out reaches.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::suits::{denied, gate};
use crate::{
    account_work::{account, act, create, holds::JAMES, new_account},
    support::{Client, SEND, TestApp, data, recipes::settings_version, send_refused, user_errors},
};

const HARMLESS: &str = "May I call you on Friday?";
/// Another number of James's.
const SECOND: &str = "+13125550177";

async fn debtor_of(app: &TestApp, client: &Client, nth: usize) -> Value {
    let owed = app.account_id(&app.acme, nth).await;
    account(client, &owed, "debtor { id }").await["debtor"]["id"].clone()
}

/// What the gate says to an answer: the rule that refuses it, or nothing.
async fn answer(client: &Client, thread: &str, text: &str) -> Option<String> {
    let sent = client.gql(SEND, json!({ "c": thread, "text": text })).await;
    let payload = &data(&sent)["sendMessage"];
    match payload["message"].is_null() {
        true => Some(payload["decision"]["rule"].as_str().unwrap().to_owned()),
        false => None,
    }
}

#[tokio::test]
async fn a_closed_account_is_collected_no_more_in_its_own_thread_either() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    app.superuser()
        .await
        .execute("UPDATE accounts SET status = 'CLOSED' WHERE account_number = 'ACME-10002'")
        .await
        .unwrap();
    let refused = send_refused(&agent, &thread, HARMLESS).await;
    assert_eq!(refused["decision"]["rule"], "business-account-closed");

    // He asks: he is answered, and not asked for money.
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "Is my account closed?").await;
    assert_eq!(
        answer(&agent, &thread, "Yes. Please pay the rest by Friday.")
            .await
            .as_deref(),
        Some("business-account-closed")
    );
    assert_eq!(
        answer(&agent, &thread, "Yes, it was closed yesterday.").await,
        None
    );
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_discharge_ends_the_collection_of_the_debt_that_it_is_of() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (james, debtor) = (
        app.account_id(&app.acme, JAMES).await,
        debtor_of(&app, &compliance, JAMES).await,
    );
    let mut second = new_account("J-2");
    second["debtorId"] = debtor.clone();
    let second = create(&app.acme.sign_in("admin").await, second).await;
    app.superuser()
        .await
        .execute(
            "UPDATE accounts SET initial_communication_on = a.initial_communication_on,
                 validation_notice_on = a.validation_notice_on, validation_period_ends_on = a.validation_period_ends_on
             FROM accounts a WHERE a.account_number = 'ACME-10002' AND accounts.account_number = 'J-2'",
        )
        .await
        .unwrap();
    let hold = json!({ "debtorId": debtor, "accountId": james, "kind": "BANKRUPTCY_DISCHARGED",
        "reason": "The court's order of 2 June." });
    let placed = act(&compliance, "setHold", "hold { kind account { id } }", hold).await;
    assert_eq!(placed["hold"]["account"]["id"], james.as_str(), "{placed}");
    assert_eq!(
        gate(&compliance, &james, HARMLESS).await,
        denied("bankruptcy-discharge")
    );
    assert_eq!(gate(&compliance, &second, HARMLESS).await.0, "ALLOW");
    let filed = json!({ "debtorId": debtor, "kind": "BANKRUPTCY", "reason": "A new case." });
    act(&compliance, "setHold", "hold { id }", filed).await;
    assert_eq!(
        gate(&compliance, &james, HARMLESS).await,
        denied("bankruptcy-discharge"),
        "which stays, whatever else is pending"
    );
    assert_eq!(
        gate(&compliance, &second, HARMLESS).await,
        denied("bankruptcy-stay")
    );
    app.finish().await;
}

#[tokio::test]
async fn after_a_cease_what_the_debtor_asks_later_is_answered_once_without_a_demand() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let debtor = debtor_of(&app, &compliance, JAMES).await;
    let unasked = json!({ "conversationId": thread, "ceaseNotice": "EFFORTS_TERMINATED" });
    let answer_to_nobody = act(&agent, "sendMessage", "message { id }", unasked).await;
    assert_eq!(user_errors(&answer_to_nobody), ["CONFLICT"], "\"as you asked\"");
    let hold = json!({ "debtorId": debtor, "kind": "CEASE_CONTACT", "reason": "A letter of 9 June." });
    act(&compliance, "setHold", "hold { id }", hold).await;
    let rule = "reg-f-cease-communication";
    let refused = send_refused(&agent, &thread, HARMLESS).await;
    assert_eq!(refused["decision"]["rule"], rule);

    app.advance(TimeDelta::minutes(5)).await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "Did you get my letter?").await;
    for demand in [
        "Yes. Can you pay $50 on Friday?",
        "Yes. Your balance is still open.",
        "Yes. See https://pay.example/x",
    ] {
        assert_eq!(
            answer(&agent, &thread, demand).await.as_deref(),
            Some(rule),
            "{demand}"
        );
    }
    assert_eq!(
        answer(
            &agent,
            &thread,
            "Yes, we have it, and will not write to you again."
        )
        .await,
        None
    );
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    assert_eq!(
        answer(&agent, &thread, "Thank you for writing.").await.as_deref(),
        Some(rule),
        "one answer"
    );
    app.finish().await;
}

/// What becomes of a notice after a cease: the text that goes out, or the rule that refuses it.
async fn send_notice(
    app: &TestApp,
    client: &Client,
    (thread, debtor): (&str, usize),
    kind: &str,
) -> Result<String, String> {
    let sent = client
        .gql(
            "mutation($i: SendMessageInput!) { sendMessage(input: $i) { message { content } decision { rule }
               userErrors { code } } }",
            json!({ "i": { "conversationId": thread, "ceaseNotice": kind } }),
        )
        .await;
    let payload = &data(&sent)["sendMessage"];
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(1)).await;
    let Some(content) = payload["message"]["content"].as_str() else {
        return Err(payload["decision"]["rule"].as_str().unwrap().to_owned());
    };
    let received = app.received_by(&app.acme.debtor_number(debtor));
    let last = received.last().map(|text| text.body.as_str());
    assert_eq!(last, Some(content), "what is shown is what leaves");
    Ok(content.to_owned())
}

#[tokio::test]
async fn after_a_cease_each_notice_of_the_law_goes_out_once_by_a_person_in_its_approved_words() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let debtor = debtor_of(&app, &compliance, JAMES).await;
    let hold = json!({ "debtorId": debtor, "kind": "CEASE_CONTACT", "reason": "A letter of 9 June." });
    act(&compliance, "setHold", "hold { id }", hold).await;
    let rule = "reg-f-cease-communication";
    let to = (thread.as_str(), JAMES);
    let refused = |rule: &str| Err(rule.to_owned());

    // Nobody dresses a text of their own up as one.
    for own in [
        json!({ "content": "We end our efforts once you pay $50 of it." }),
        json!({ "content": "As you asked, we are ending our efforts to collect this debt." }),
    ] {
        let mut input = json!({ "conversationId": thread, "ceaseNotice": "EFFORTS_TERMINATED" });
        input
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        let answer = act(&agent, "sendMessage", "message { id }", input).await;
        assert_eq!(user_errors(&answer), ["INVALID_INPUT"], "{own}");
    }
    let ended = send_notice(&app, &agent, to, "EFFORTS_TERMINATED").await.unwrap();
    assert!(
        ended.starts_with("As you asked, we are ending our efforts to collect this debt.")
            && ended.ends_with("Reply STOP to opt out."),
        "{ended}"
    );
    assert_eq!(
        send_notice(&app, &agent, to, "EFFORTS_TERMINATED").await,
        refused(rule),
        "once"
    );
    assert_eq!(
        answer(&agent, &thread, &ended).await.as_deref(),
        Some(rule),
        "nothing else, whatever its words"
    );

    // A remedy is named where somebody recorded that it is meant.
    let threat = "fdcpa-false-legal-threat";
    assert_eq!(
        send_notice(&app, &agent, to, "MAY_INVOKE_REMEDIES").await,
        refused(threat)
    );
    let james = app.account_id(&app.acme, JAMES).await;
    let authority = json!({ "accountId": james, "limitationExpiresOn": (app.app.clock.now().date_naive() + TimeDelta::days(90)).to_string(),
        "authority": "First Example Bank instructed suit by letter.", "limitationBasis": "Default in May 2025, four years." });
    assert_eq!(
        user_errors(
            &act(
                &compliance,
                "recordSuitAuthority",
                "suitAuthority { id }",
                authority
            )
            .await
        ),
        Vec::<&str>::new()
    );
    let may = send_notice(&app, &agent, to, "MAY_INVOKE_REMEDIES")
        .await
        .unwrap();
    assert!(
        may.starts_with("A lawsuit may be filed about this debt."),
        "{may}"
    );
    let intended = send_notice(&app, &agent, to, "INTENDS_REMEDY").await.unwrap();
    assert!(
        intended.starts_with("We intend to have a lawsuit filed about this debt."),
        "{intended}"
    );
    assert_eq!(
        send_notice(&app, &agent, to, "INTENDS_REMEDY").await,
        refused(rule),
        "each once"
    );
    // Longer ago than any rule that counts looks back.
    app.advance(TimeDelta::days(62)).await;
    let agent = app.acme.agent().await;
    assert_eq!(
        send_notice(&app, &agent, to, "EFFORTS_TERMINATED").await,
        refused(rule),
        "however long ago"
    );
    assert_eq!(app.received_by(&app.acme.debtor_number(JAMES)).len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn of_somebody_on_active_duty_no_amount_is_named_whose_rate_nobody_knows() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let james = app.account_id(&app.acme, JAMES).await;
    let debtor = debtor_of(&app, &compliance, JAMES).await;
    let hold = json!({ "debtorId": debtor, "kind": "SCRA", "reason": "Orders of 1 May." });
    act(&compliance, "setHold", "hold { id }", hold).await;
    assert_eq!(gate(&compliance, &james, HARMLESS).await.0, "ALLOW");
    assert_eq!(
        gate(&compliance, &james, "Can we talk about your balance?").await,
        denied("scra-rate-cap")
    );
    app.finish().await;
}

#[tokio::test]
async fn where_the_business_says_so_an_opt_out_at_one_number_reaches_them_all() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let james = app.account_id(&app.acme, JAMES).await;
    let debtor = debtor_of(&app, &admin, JAMES).await;
    let phone = json!({ "debtorId": debtor, "phone": SECOND });
    let added = act(&admin, "addContactPoint", "contactPoint { id }", phone).await;
    assert_eq!(user_errors(&added), Vec::<&str>::new(), "{added}");
    app.text(&app.acme, SECOND, "STOP").await;
    assert_eq!(
        gate(&admin, &james, HARMLESS).await.0,
        "ALLOW",
        "it is of that number (12 CFR 1006.14(h)(1))"
    );
    let wish = json!({ "contactPolicy": { "optOutEverywhere": true }, "expectedVersion": settings_version(&admin).await });
    let changed = act(
        &admin,
        "updateBusinessSettings",
        "business { settings { contactPolicy { optOutEverywhere } pendingContactPolicyChange { id } } }",
        wish,
    )
    .await;
    let settings = &changed["business"]["settings"];
    assert_eq!(
        (
            &settings["contactPolicy"]["optOutEverywhere"],
            &settings["pendingContactPolicyChange"]
        ),
        (&json!(true), &Value::Null),
        "what is stricter stands at once: {changed}"
    );
    assert_eq!(
        gate(&admin, &james, HARMLESS).await,
        denied("reg-f-medium-opt-out")
    );
    app.finish().await;
}
