//! Disputes from the moment that somebody makes one to what became of it, and what the gate makes of them meanwhile.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::{
    account_work::{
        MARIA, account, act, ask, create,
        holds::{JAMES, gate},
        new_account,
    },
    support::{
        Client, TestApp, data, error_code,
        recipes::uuid_of,
        send, send_refused,
        uploads::{pdf, upload},
        user_errors,
    },
};

const DISPUTE: &str =
    "dispute { id status kind reason words written withinValidationPeriod needsConfirmation dueAt isOverdue
    verificationSentAt duplicativeNoticeSentAt originalCreditorSentAt outcome resolution account { id } }";

/// The validation period of an account ends at the end of June; of the demo accounts it has ended.
pub(super) async fn in_period(app: &TestApp, account: &str) {
    let sql = "UPDATE accounts SET validation_period_ends_on = '2026-06-30' WHERE id = $1";
    let changed = sqlx::query(sql).bind(uuid_of(account));
    assert_eq!(
        app.superuser()
            .await
            .execute(changed)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
}

pub(super) async fn document(client: &Client, account: &str) -> String {
    let file = upload(client, "DOCUMENT", "agreement.pdf", &pdf(100)).await;
    let input = json!({ "accountId": account, "uploadId": file, "kind": "AGREEMENT" });
    let added = act(client, "addAccountDocument", "document { id }", input).await;
    added["document"]["id"].as_str().unwrap().to_owned()
}

/// Files what must be taken; the dispute.
pub(super) async fn file(client: &Client, account: &str, more: Value) -> Value {
    let mut input = json!({ "accountId": account, "channel": "LETTER" });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    let filed = act(client, "fileDispute", DISPUTE, input).await;
    assert_eq!(user_errors(&filed), Vec::<&str>::new(), "{filed}");
    filed["dispute"].clone()
}

pub(super) async fn answer(client: &Client, dispute: &Value, more: Value) -> Value {
    let mut input = json!({ "disputeId": dispute["id"], "channel": "LETTER" });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    act(client, "recordVerificationSent", DISPUTE, input).await
}

async fn resolve(client: &Client, dispute: &Value, outcome: &str) -> Value {
    let input = json!({ "disputeId": dispute["id"], "outcome": outcome, "reason": "Looked into." });
    act(client, "resolveDispute", DISPUTE, input).await
}

fn none() -> Vec<&'static str> {
    Vec::new()
}

pub(super) fn decided(outcome: &str, rule: &str) -> (String, String) {
    (outcome.to_owned(), rule.to_owned())
}

pub(super) const CEASE: &str = "reg-f-dispute-cease";

#[tokio::test]
async fn a_disputed_debt_is_not_collected_until_its_verification_is_sent() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let mut other = new_account("Z-1");
    other["debtorId"] = debtor.clone();
    let other = create(&admin, other).await;
    in_period(&app, &maria).await;
    let of_other = gate(&compliance, &other).await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let waiting = send(&agent, &thread, "Does Friday suit you?").await;

    let words = "I never bought this.";
    let dispute = file(&agent, &maria, json!({ "reason": "NOT_MY_DEBT", "words": words })).await;
    assert_eq!(dispute["status"], "OPEN");
    assert_eq!(dispute["words"], words);
    assert_eq!(
        (&dispute["written"], &dispute["withinValidationPeriod"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(gate(&compliance, &maria).await, decided("DENY", CEASE));
    let refused = send_refused(&agent, &thread, "Please pay us $100 today.").await;
    assert_eq!(refused["decision"]["rule"], CEASE);
    let rules = refused["decision"]["rules"].as_array().unwrap();
    let named = rules.iter().find(|finding| finding["rule"] == CEASE).unwrap();
    assert!(named["citation"].as_str().unwrap().contains("1006.38"), "{named}");
    assert!(!refused["decision"]["reason"].as_str().unwrap().is_empty());
    app.run_jobs().await;
    let state = app.message_state(&waiting).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some(CEASE)),
        "what waits is decided anew"
    );
    assert_eq!(
        gate(&compliance, &other).await,
        of_other,
        "another debt of the same person is not disputed"
    );
    let marked = account(&agent, &maria, "status holds { kind } disputes { id }").await;
    assert_eq!(
        marked,
        json!({ "status": "DISPUTED", "holds": [{ "kind": "DISPUTE" }], "disputes": [{ "id": dispute["id"] }] })
    );

    let begun = json!({ "disputeId": dispute["id"], "note": "Asked the creditor for the agreement." });
    let refusal = ask(&agent, "startDisputeVerification", "", begun.clone()).await;
    assert_eq!(error_code(&refusal), "FORBIDDEN");
    let started = act(&compliance, "startDisputeVerification", DISPUTE, begun.clone()).await;
    assert_eq!(started["dispute"]["status"], "VERIFYING", "{started}");
    let again = act(&compliance, "startDisputeVerification", "", begun).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");
    assert_eq!(
        user_errors(&resolve(&compliance, &dispute, "VERIFIED").await),
        ["CONFLICT"],
        "nothing was sent"
    );
    let without = answer(&compliance, &dispute, json!({ "sent": ["VERIFICATION"] })).await;
    assert_eq!(user_errors(&without), ["INVALID_INPUT"], "no document is named");
    let foreign = json!({ "sent": ["VERIFICATION"], "documentIds": [document(&admin, &other).await] });
    assert_eq!(
        user_errors(&answer(&compliance, &dispute, foreign).await),
        ["NOT_FOUND"],
        "a document of another debt verifies nothing"
    );
    let papers = document(&admin, &maria).await;
    let sent = json!({ "sent": ["VERIFICATION"], "documentIds": [papers], "note": "Sent by post." });
    let sent = answer(&compliance, &dispute, sent).await;
    assert_eq!(sent["dispute"]["status"], "VERIFICATION_SENT", "{sent}");
    assert!(sent["dispute"]["verificationSentAt"].is_string());
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let marked = account(&agent, &maria, "status holds { kind }").await;
    assert_eq!(marked, json!({ "status": "DISPUTED", "holds": [] }));

    let over = resolve(&compliance, &dispute, "VERIFIED").await;
    assert_eq!(over["dispute"]["outcome"], "VERIFIED", "{over}");
    assert_eq!(over["dispute"]["resolution"], "Looked into.");
    assert_eq!(
        user_errors(&resolve(&compliance, &dispute, "VERIFIED").await),
        ["CONFLICT"]
    );
    let seen = account(
        &compliance,
        &maria,
        "status disputes { steps { kind actor note outcome recordedBy { id } documents { id } } }",
    )
    .await;
    assert_eq!(seen["status"], "ACTIVE");
    let steps = seen["disputes"][0]["steps"].as_array().unwrap();
    let kinds: Vec<&str> = steps.iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["FILED", "VERIFYING", "VERIFICATION_SENT", "RESOLVED"]);
    assert_eq!(steps[1]["note"], "Asked the creditor for the agreement.");
    assert_eq!(steps[2]["documents"], json!([{ "id": papers }]));
    assert!(
        steps
            .iter()
            .all(|step| step["actor"] == "STAFF" && step["recordedBy"]["id"].is_string())
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn a_late_dispute_stops_nothing_by_law_and_an_oral_one_for_two_days() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (maria, james) = (
        app.account_id(&app.acme, MARIA).await,
        app.account_id(&app.acme, JAMES).await,
    );
    let late = file(&compliance, &maria, json!({})).await;
    assert_eq!(late["withinValidationPeriod"], false);
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    assert_eq!(account(&compliance, &maria, "status").await["status"], "DISPUTED");
    let held = file(&compliance, &maria, json!({ "holdCollection": true })).await;
    assert_eq!(
        gate(&compliance, &maria).await,
        decided("DENY", CEASE),
        "the business may hold on any"
    );
    assert_eq!(
        user_errors(&resolve(&compliance, &held, "WITHDRAWN").await),
        none()
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let marked = account(&compliance, &maria, "status holds { kind }").await;
    assert_eq!(
        marked,
        json!({ "status": "DISPUTED", "holds": [{ "kind": "DISPUTE" }] }),
        "the other one is not over"
    );
    assert_eq!(
        user_errors(&resolve(&compliance, &late, "WITHDRAWN").await),
        none()
    );
    let marked = account(&compliance, &maria, "status holds { kind }").await;
    assert_eq!(marked, json!({ "status": "ACTIVE", "holds": [] }));

    in_period(&app, &james).await;
    let oral = file(&compliance, &james, json!({ "channel": "CALL" })).await;
    assert_eq!(oral["written"], false);
    assert_eq!(gate(&compliance, &james).await, decided("DEFER", CEASE));
    app.advance(TimeDelta::hours(48)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &james).await.0, "ALLOW");
    let ahead = (app.app.clock.now() + TimeDelta::hours(1)).to_rfc3339();
    for (wrong, field) in [
        (json!({ "receivedAt": ahead }), "receivedAt"),
        (json!({ "dueAt": "2020-01-01T00:00:00Z" }), "dueAt"),
        (json!({ "reason": "OTHER" }), "words"),
        (
            json!({ "kind": "ORIGINAL_CREDITOR_REQUEST", "reason": "NOT_MY_DEBT" }),
            "reason",
        ),
    ] {
        let mut input = json!({ "accountId": james });
        for (key, value) in wrong.as_object().unwrap() {
            input[key] = value.clone();
        }
        let refused = act(&compliance, "fileDispute", "", input).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", field]),
            "{refused}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn closing_the_account_over_a_dispute_does_not_make_it_collectable() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    in_period(&app, &maria).await;
    let dispute = file(&compliance, &maria, json!({})).await;
    let over = resolve(&compliance, &dispute, "CLOSED_ACCOUNT").await;
    assert_eq!(over["dispute"]["status"], "RESOLVED", "{over}");
    let marked = account(&compliance, &maria, "status holds { id kind }").await;
    assert_eq!(marked["status"], "CLOSED");
    assert_eq!(marked["holds"][0]["kind"], "DISPUTE");
    let closed = decided("DENY", "business-account-closed");
    assert_eq!(gate(&compliance, &maria).await, closed);
    act(
        &compliance,
        "releaseHold",
        "",
        json!({ "id": marked["holds"][0]["id"], "reason": "They wrote that it is theirs after all." }),
    )
    .await;
    assert_eq!(
        gate(&compliance, &maria).await,
        closed,
        "it is closed whatever became of the dispute"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_dispute_that_says_nothing_new_is_answered_by_a_notice_that_says_so() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    in_period(&app, &maria).await;
    let first = file(&admin, &maria, json!({ "reason": "AMOUNT_WRONG" })).await;
    let early = json!({ "accountId": maria, "duplicateOf": first["id"] });
    assert_eq!(
        user_errors(&act(&admin, "fileDispute", "", early).await),
        ["CONFLICT"],
        "what was not answered cannot be repeated"
    );
    let papers = document(&admin, &maria).await;
    answer(
        &admin,
        &first,
        json!({ "sent": ["VERIFICATION"], "documentIds": [papers] }),
    )
    .await;
    let second = file(&admin, &maria, json!({ "duplicateOf": first["id"] })).await;
    assert_eq!(
        gate(&admin, &maria).await,
        decided("DENY", "reg-f-duplicative-dispute")
    );
    assert_eq!(
        user_errors(&resolve(&admin, &second, "DUPLICATIVE").await),
        ["CONFLICT"]
    );
    let noticed = answer(&admin, &second, json!({ "sent": ["DUPLICATIVE_NOTICE"] })).await;
    assert!(
        noticed["dispute"]["duplicativeNoticeSentAt"].is_string(),
        "{noticed}"
    );
    assert_eq!(gate(&admin, &maria).await.0, "ALLOW");
    assert_eq!(
        resolve(&admin, &second, "DUPLICATIVE").await["dispute"]["outcome"],
        "DUPLICATIVE"
    );

    // What came in without that being known is found to be one when it is answered.
    let third = file(&admin, &maria, json!({})).await;
    assert_eq!(gate(&admin, &maria).await, decided("DENY", CEASE));
    let notice = json!({ "sent": ["DUPLICATIVE_NOTICE"] });
    assert_eq!(
        user_errors(&answer(&admin, &third, notice).await),
        ["INVALID_INPUT"]
    );
    let notice = json!({ "sent": ["DUPLICATIVE_NOTICE"], "duplicateOf": first["id"] });
    assert_eq!(user_errors(&answer(&admin, &third, notice).await), none());
    assert_eq!(gate(&admin, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn whoever_asks_for_the_original_creditor_is_not_collected_from_until_they_know() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    in_period(&app, &maria).await;
    let asked = file(&admin, &maria, json!({ "kind": "ORIGINAL_CREDITOR_REQUEST" })).await;
    assert_eq!(
        gate(&admin, &maria).await,
        decided("DENY", "reg-f-original-creditor-request")
    );
    assert_eq!(
        account(&admin, &maria, "status").await["status"],
        "ACTIVE",
        "nothing is disputed"
    );
    let told = answer(&admin, &asked, json!({ "sent": ["ORIGINAL_CREDITOR"] })).await;
    assert_eq!(told["dispute"]["status"], "VERIFICATION_SENT", "{told}");
    assert_eq!(gate(&admin, &maria).await.0, "ALLOW");

    // Both at once: each answer is owed.
    let both = file(&admin, &maria, json!({ "requestsOriginalCreditor": true })).await;
    let told = answer(&admin, &both, json!({ "sent": ["ORIGINAL_CREDITOR"] })).await;
    assert_eq!(told["dispute"]["status"], "OPEN", "{told}");
    assert_eq!(gate(&admin, &maria).await, decided("DENY", CEASE));
    let papers = document(&admin, &maria).await;
    let told = answer(
        &admin,
        &both,
        json!({ "sent": ["VERIFICATION"], "documentIds": [papers] }),
    )
    .await;
    assert_eq!(told["dispute"]["status"], "VERIFICATION_SENT", "{told}");
    assert_eq!(gate(&admin, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn another_business_knows_nothing_of_a_dispute() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let dispute = file(&acme, &maria, json!({})).await;
    let foreign = act(&globex, "fileDispute", "", json!({ "accountId": maria })).await;
    assert_eq!(user_errors(&foreign), ["NOT_FOUND"]);
    assert_eq!(
        user_errors(&resolve(&globex, &dispute, "WITHDRAWN").await),
        ["NOT_FOUND"]
    );
    let sent = answer(&globex, &dispute, json!({ "sent": ["ORIGINAL_CREDITOR"] })).await;
    assert_eq!(user_errors(&sent), ["NOT_FOUND"]);
    let query = "query($d: ID!) { dispute(id: $d) { id } }";
    let seen = globex.gql(query, json!({ "d": dispute["id"] })).await;
    assert_eq!(error_code(&seen), "NOT_FOUND");
    let list = globex
        .gql("{ disputes(first: 10) { edges { node { id } } } }", json!({}))
        .await;
    assert_eq!(data(&list)["disputes"]["edges"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn the_status_alone_pauses_collection_too() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    for (status, outcome) in [("DISPUTED", "DENY"), ("ACTIVE", "ALLOW")] {
        let changed = act(
            &admin,
            "updateAccount",
            "",
            json!({ "id": maria, "status": status }),
        )
        .await;
        assert_eq!(user_errors(&changed), none());
        assert_eq!(gate(&compliance, &maria).await.0, outcome, "{status}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_dispute_in_writing_counts_though_an_oral_one_marks_the_debt_already() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let james = app.account_id(&app.acme, JAMES).await;
    in_period(&app, &james).await;
    file(&compliance, &james, json!({ "channel": "CALL" })).await;
    app.advance(TimeDelta::hours(48)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(
        gate(&compliance, &james).await.0,
        "ALLOW",
        "the oral one stops no more"
    );

    let phone = app.acme.debtor_number(JAMES);
    let disputes = "holds { kind } disputes { id written withinValidationPeriod needsConfirmation }";
    // Said twice, it is one.
    for _ in 0..2 {
        app.text(&app.acme, &phone, "this is not my debt, prove it").await;
        let seen = account(&compliance, &james, disputes).await;
        assert_eq!(seen["holds"], json!([{ "kind": "DISPUTE" }]), "one mark");
        let filed = seen["disputes"].as_array().unwrap();
        assert_eq!(filed.len(), 2, "{seen}");
        assert_eq!(
            (
                &filed[0]["written"],
                &filed[0]["withinValidationPeriod"],
                &filed[0]["needsConfirmation"]
            ),
            (&json!(true), &json!(true), &json!(true))
        );
        assert_eq!(gate(&compliance, &james).await, decided("DENY", CEASE));
    }

    // Looked at, it stops on by law, and the mark stays until the written one is answered too.
    let seen = account(&compliance, &james, disputes).await;
    let written = json!({ "id": seen["disputes"][0]["id"] });
    let begun = json!({ "disputeId": written["id"] });
    assert_eq!(
        user_errors(&act(&compliance, "startDisputeVerification", "", begun).await),
        none()
    );
    assert_eq!(gate(&compliance, &james).await, decided("DENY", CEASE));
    app.text(&app.acme, &phone, "this is not my debt, prove it").await;
    let seen = account(&compliance, &james, disputes).await;
    assert_eq!(seen["disputes"].as_array().unwrap().len(), 2, "it stops already");
    let papers = document(&app.acme.sign_in("admin").await, &james).await;
    let sent = json!({ "sent": ["VERIFICATION"], "documentIds": [papers] });
    assert_eq!(user_errors(&answer(&compliance, &written, sent).await), none());
    assert_eq!(gate(&compliance, &james).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn who_may_release_holds_and_not_end_disputes_leaves_a_disputed_debt_alone() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    in_period(&app, &maria).await;
    file(&admin, &maria, json!({})).await;
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let legal = json!({ "debtorId": debtor, "kind": "LEGAL", "reason": "A suit is pending." });
    act(&admin, "setHold", "", legal).await;
    let users = admin
        .gql(
            "{ users(first: 1, filter: { role: [MANAGER] }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let user = &data(&users)["users"]["edges"][0]["node"]["id"];
    let role = json!({ "name": "Releaser", "baseRole": "MANAGER",
        "permissions": ["account:read", "hold:release"] });
    let made = act(&admin, "createRole", "role { id }", role).await;
    assert_eq!(user_errors(&made), none(), "{made}");
    let given = json!({ "id": user, "customRoleId": made["role"]["id"] });
    assert_eq!(user_errors(&act(&admin, "updateUser", "", given).await), none());
    let releaser = app.acme.sign_in("manager").await;
    let holds = account(&admin, &maria, "holds { id kind }").await["holds"].clone();
    let of_kind = |kind: &str| {
        let holds = holds.as_array().unwrap();
        let hold = holds.iter().find(|hold| hold["kind"] == kind);
        json!({ "id": hold.unwrap_or_else(|| panic!("{holds:?}"))["id"], "reason": "It is over." })
    };
    let refused = ask(&releaser, "releaseHold", "", of_kind("DISPUTE")).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    assert_eq!(
        user_errors(&act(&releaser, "releaseHold", "", of_kind("LEGAL")).await),
        none()
    );
    assert_eq!(gate(&admin, &maria).await, decided("DENY", CEASE));
    app.finish().await;
}
