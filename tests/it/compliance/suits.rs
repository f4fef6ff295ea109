//! Three facts that people record and rules read: what a debt is for, that a suit for it is intended and authorised, and that
//! a member of staff is an attorney.

use chrono::TimeDelta;
use funnelchat::{
    compliance::{Replayed, each_decision},
    platform::ids::{self, IdKind},
};
use serde_json::{Value, json};

use super::disputes::{answer, document, file};
use crate::{
    account_work::{MARIA, account, act, ask, holds::JAMES},
    support::{Client, SEND, TestApp, data, error_code, user_errors},
};

const SUIT: &str = "We have decided to file a lawsuit for this debt.";
const RULE: &str = "fdcpa-false-legal-threat";

/// What the gate would say to this text: its outcome, its rule, and what was found in it.
pub(super) async fn gate(client: &Client, account: &str, text: &str) -> (String, String) {
    let answer = client
        .gql(
            "query($a: ID!, $t: String!) { complianceCheck(input: { accountId: $a, channel: SMS, content: $t }) {
               outcome rule } }",
            json!({ "a": account, "t": text }),
        )
        .await;
    let check = &data(&answer)["complianceCheck"];
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    (word(&check["outcome"]), word(&check["rule"]))
}

async fn categories(client: &Client, account: &str, text: &str) -> Vec<String> {
    let answer = client
        .gql(
            "query($i: CheckContentInput!) { checkContent(input: $i) { findings { category } } }",
            json!({ "i": { "accountId": account, "channel": "SMS", "body": text } }),
        )
        .await;
    let found = data(&answer)["checkContent"]["findings"]
        .as_array()
        .unwrap()
        .clone();
    found
        .iter()
        .map(|finding| finding["category"].as_str().unwrap().to_owned())
        .collect()
}

pub(super) fn denied(rule: &str) -> (String, String) {
    ("DENY".to_owned(), rule.to_owned())
}

fn in_days(app: &TestApp, days: i64) -> String {
    (app.app.clock.now().date_naive() + TimeDelta::days(days)).to_string()
}

fn authority(account: &str, expires_on: &str) -> Value {
    json!({ "accountId": account, "limitationExpiresOn": expires_on,
        "authority": "First Example Bank instructed suit by letter; Hill & Partners are engaged.",
        "limitationBasis": "Default in May 2025, four years under the law of Illinois, nothing tolled it." })
}

/// Each stored decision of both businesses is made again as it was.
async fn replays(app: &TestApp) -> usize {
    let mut count = 0;
    for tenant in [&app.acme, &app.globex] {
        let ctx = app.service_ctx(tenant).await;
        each_decision(&app.app.db, &app.app.keyring, &ctx, None, |stored| {
            assert_eq!(stored.replay(), Replayed::Same, "{stored:?}");
            count += 1;
        })
        .await
        .unwrap();
    }
    count
}

#[tokio::test]
async fn a_suit_is_spoken_of_where_a_person_recorded_that_it_is_meant() {
    let app = TestApp::start().await;
    let (compliance, agent) = (app.acme.sign_in("compliance").await, app.acme.agent().await);
    let james = app.account_id(&app.acme, JAMES).await;
    assert_eq!(gate(&compliance, &james, SUIT).await, denied(RULE));
    assert_eq!(
        categories(&compliance, &james, SUIT).await,
        ["unintended-legal-action"]
    );

    let shown = "suitAuthority { id authority limitationBasis limitationExpiresOn recordedBy { id } withdrawnAt account { id } }";
    let last = in_days(&app, 30);
    let recorded = act(
        &compliance,
        "recordSuitAuthority",
        shown,
        authority(&james, &last),
    )
    .await;
    let record = &recorded["suitAuthority"];
    assert_eq!(record["limitationExpiresOn"], json!(last), "{recorded}");
    assert!(
        record["authority"].as_str().unwrap().contains("Hill"),
        "{recorded}"
    );
    assert!(record["recordedBy"]["id"].is_string() && record["withdrawnAt"].is_null());
    assert_eq!(gate(&compliance, &james, SUIT).await.0, "ALLOW");
    assert!(categories(&compliance, &james, SUIT).await.is_empty());
    // A threat that nobody means stays one.
    let garnish = "Your wages will be garnished starting next week.";
    assert_eq!(
        categories(&compliance, &james, garnish).await,
        ["unintended-legal-action"]
    );
    let again = act(
        &compliance,
        "recordSuitAuthority",
        shown,
        authority(&james, &last),
    )
    .await;
    assert_eq!(user_errors(&again), ["CONFLICT"], "one stands");

    // It is for this debt, and for this business's.
    let maria = app.account_id(&app.acme, MARIA).await;
    assert_eq!(gate(&compliance, &maria, SUIT).await, denied(RULE));
    let globex = app.globex.sign_in("compliance").await;
    let theirs = app.account_id(&app.globex, JAMES).await;
    assert_eq!(gate(&globex, &theirs, SUIT).await, denied(RULE));
    let foreign = act(&globex, "recordSuitAuthority", "", authority(&james, &last)).await;
    assert_eq!(user_errors(&foreign), ["NOT_FOUND"]);
    let reason = json!({ "id": record["id"], "reason": "Not ours." });
    assert_eq!(
        user_errors(&act(&globex, "withdrawSuitAuthority", "", reason).await),
        ["NOT_FOUND"]
    );
    let refused = ask(&agent, "recordSuitAuthority", "", authority(&maria, &last)).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");

    // The words go out, and the decision holds on what they rest.
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let sent = agent.gql(SEND, json!({ "c": thread, "text": SUIT })).await;
    assert_eq!(user_errors(&data(&sent)["sendMessage"]), [""; 0], "{sent}");
    app.run_jobs().await;

    // Taken back, with why; the record stays readable.
    let reason = json!({ "id": record["id"], "reason": "The creditor withdrew the instruction." });
    let taken = act(
        &compliance,
        "withdrawSuitAuthority",
        "suitAuthority { withdrawnAt withdrawalReason }",
        reason.clone(),
    )
    .await;
    assert!(taken["suitAuthority"]["withdrawnAt"].is_string(), "{taken}");
    assert_eq!(
        user_errors(&act(&compliance, "withdrawSuitAuthority", "", reason).await),
        ["CONFLICT"]
    );
    assert_eq!(gate(&compliance, &james, SUIT).await, denied(RULE));
    let second = act(
        &compliance,
        "recordSuitAuthority",
        "suitAuthority { id }",
        authority(&james, &last),
    )
    .await;
    let history = account(&compliance, &james, "suitAuthorities { id withdrawalReason }").await;
    assert_eq!(history["suitAuthorities"][0]["id"], second["suitAuthority"]["id"]);
    assert_eq!(
        history["suitAuthorities"][1]["withdrawalReason"],
        "The creditor withdrew the instruction."
    );
    assert_eq!(app.audited("suit.authorised").await, 2);
    assert_eq!(app.audited("suit.withdrawn").await, 1);
    assert_eq!(replays(&app).await, 2, "queued and dispatched");
    app.finish().await;
}

#[tokio::test]
async fn nobody_speaks_of_a_suit_that_comes_too_late_or_over_a_dispute() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (james, maria) = (
        app.account_id(&app.acme, JAMES).await,
        app.account_id(&app.acme, MARIA).await,
    );
    for (field, wrong) in [
        ("limitationExpiresOn", authority(&james, &in_days(&app, -1))),
        ("limitationExpiresOn", authority(&james, "2099-01-01")),
        ("authority", {
            let mut empty = authority(&james, &in_days(&app, 30));
            empty["authority"] = " ".into();
            empty
        }),
    ] {
        let refused = act(&compliance, "recordSuitAuthority", "", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", field]),
            "{refused}"
        );
    }
    act(
        &compliance,
        "recordSuitAuthority",
        "",
        authority(&james, &in_days(&app, 2)),
    )
    .await;
    act(
        &compliance,
        "recordSuitAuthority",
        "",
        authority(&maria, &in_days(&app, 90)),
    )
    .await;
    assert_eq!(gate(&compliance, &james, SUIT).await.0, "ALLOW");
    app.advance(TimeDelta::days(3)).await;
    let (compliance, admin) = (
        app.acme.sign_in("compliance").await,
        app.acme.sign_in("admin").await,
    );
    assert_eq!(
        gate(&compliance, &james, SUIT).await,
        denied("time-barred-no-suit-threat")
    );
    assert_eq!(
        gate(&compliance, &james, "May I call you on Friday?").await,
        denied("time-barred-state-disclosure"),
        "of an old debt goes out what the business approved, and no words of one's own"
    );

    // A dispute within the validation period, answered since: collection goes on, and no word of a suit.
    assert_eq!(gate(&compliance, &maria, SUIT).await.0, "ALLOW");
    let ends = app.app.clock.now() - TimeDelta::days(20);
    let filed = file(
        &admin,
        &maria,
        json!({ "reason": "AMOUNT_WRONG", "receivedAt": ends - TimeDelta::days(20) }),
    )
    .await;
    assert_eq!(filed["withinValidationPeriod"], true, "{filed}");
    let papers = document(&admin, &maria).await;
    let sent = json!({ "sent": ["VERIFICATION"], "documentIds": [papers], "sentAt": ends });
    assert_eq!(user_errors(&answer(&admin, &filed, sent).await), [""; 0]);
    assert_eq!(
        gate(&compliance, &maria, "May I call you on Friday?").await.0,
        "ALLOW"
    );
    assert_eq!(gate(&compliance, &maria, SUIT).await, denied(RULE));
    app.finish().await;
}

#[tokio::test]
async fn clinical_detail_is_told_by_what_the_debt_is_for() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let admin = app.acme.sign_in("admin").await;
    let james = app.account_id(&app.acme, JAMES).await;
    let text = "This is about your surgery in May.";
    let rule = "hipaa-minimum-necessary";
    assert_eq!(
        gate(&compliance, &james, text).await,
        denied(rule),
        "nobody has said"
    );
    let set = async |kind: Value| {
        let set = act(
            &admin,
            "updateAccount",
            "account { debtType }",
            json!({ "id": james, "debtType": kind }),
        )
        .await;
        assert_eq!(set["account"]["debtType"], kind, "{set}");
    };
    set("CREDIT_CARD".into()).await;
    assert_eq!(gate(&compliance, &james, text).await.0, "ALLOW");
    assert!(categories(&compliance, &james, text).await.is_empty());
    set("MEDICAL".into()).await;
    assert_eq!(
        gate(&compliance, &james, "May I call you on Friday?").await,
        denied(rule),
        "45 CFR 164.504(e): there is no agreement"
    );
    let business = ids::encode(IdKind::Business, app.business_id(&app.acme).await);
    let agreement = act(
        &app.super_admin().await,
        "recordProviderApproval",
        "providerApproval { stands }",
        json!({ "businessId": business, "kind": "BUSINESS_ASSOCIATE_AGREEMENT", "reference": "BAA of 1 June 2026" }),
    )
    .await;
    assert_eq!(agreement["providerApproval"]["stands"], true, "{agreement}");
    assert_eq!(gate(&compliance, &james, text).await, denied(rule));
    assert_eq!(
        gate(&compliance, &james, "May I call you on Friday?").await.0,
        "ALLOW"
    );
    set(Value::Null).await;
    assert_eq!(gate(&compliance, &james, text).await, denied(rule));
    let globex = app.globex.sign_in("compliance").await;
    let theirs = app.account_id(&app.globex, JAMES).await;
    assert_eq!(gate(&globex, &theirs, text).await, denied(rule));
    assert_eq!(app.audited("account.updated").await, 3);

    let made = act(
        &admin,
        "createAccount",
        "account { debtType }",
        json!({ "firstName": "Ida", "lastName": "Loan", "accountNumber": "SL-1", "debtType": "STUDENT_LOAN",
            "currentBalance": { "amount": "10.00", "currency": "USD" } }),
    )
    .await;
    assert_eq!(made["account"]["debtType"], "STUDENT_LOAN", "{made}");
    app.finish().await;
}

#[tokio::test]
async fn an_attorney_says_so_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let james = app.account_id(&app.acme, JAMES).await;
    let text = "This is attorney Dana Reed. May I call you on Friday?";
    assert_eq!(gate(&agent, &james, text).await, denied("fdcpa-impersonation"));

    let me = async |client: &Client| {
        let answer = client.gql("{ viewer { user { id } } }", json!({})).await;
        data(&answer)["viewer"]["user"]["id"].clone()
    };
    let (agent_id, admin_id) = (me(&agent).await, me(&admin).await);
    let bar = json!({ "state": "il", "number": "6301234" });
    let shown = "user { barAdmission { state number } }";
    let own = act(
        &admin,
        "updateUser",
        shown,
        json!({ "id": admin_id, "barAdmission": bar }),
    )
    .await;
    assert_eq!(user_errors(&own), ["CONFLICT"], "nobody attests their own: {own}");
    let manager = app.acme.sign_in("manager").await;
    let refused = ask(
        &manager,
        "updateUser",
        shown,
        json!({ "id": agent_id, "barAdmission": bar }),
    )
    .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let wrong = json!({ "id": agent_id, "barAdmission": { "state": "Illinois", "number": "1" } });
    assert_eq!(
        user_errors(&act(&admin, "updateUser", shown, wrong).await),
        ["INVALID_INPUT"]
    );

    let set = act(
        &admin,
        "updateUser",
        shown,
        json!({ "id": agent_id, "barAdmission": bar }),
    )
    .await;
    assert_eq!(
        set["user"]["barAdmission"],
        json!({ "state": "IL", "number": "6301234" }),
        "{set}"
    );
    assert_eq!(
        gate(&agent, &james, text).await.0,
        "ALLOW",
        "their session goes on"
    );
    assert_eq!(
        gate(&manager, &james, text).await,
        denied("fdcpa-impersonation"),
        "another member is none"
    );
    let globex = app.globex.agent().await;
    let theirs = app.account_id(&app.globex, JAMES).await;
    assert_eq!(gate(&globex, &theirs, text).await, denied("fdcpa-impersonation"));

    // It is looked at again when the message is to leave.
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let queue = async || {
        let sent = agent.gql(SEND, json!({ "c": thread, "text": text })).await;
        data(&sent)["sendMessage"]["message"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let goes = queue().await;
    app.run_jobs().await;
    assert_ne!(app.message_state(&goes).await.status, "BLOCKED");
    let stays = queue().await;
    let none = act(
        &admin,
        "updateUser",
        shown,
        json!({ "id": agent_id, "barAdmission": null }),
    )
    .await;
    assert!(none["user"]["barAdmission"].is_null(), "{none}");
    app.run_jobs().await;
    let state = app.message_state(&stays).await;
    assert_eq!(state.failure_code.as_deref(), Some("fdcpa-impersonation"));
    assert_eq!(app.audited("user.updated").await, 2);
    assert_eq!(replays(&app).await, 4);
    app.finish().await;
}
