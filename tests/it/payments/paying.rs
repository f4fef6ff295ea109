//! A debtor pays, once, and the balance says so.

use serde_json::json;

use super::{PAY, order, paid, pay};
use crate::support::{TestApp, data, error_code, user_errors};

/// James in Chicago.
const JAMES: usize = 1;

#[tokio::test]
async fn a_debtor_pays_a_part_and_then_the_rest_and_owes_nothing() {
    let app = TestApp::start().await;
    let debtor = app.debtor(&app.acme, JAMES).await;
    let account = app.account_id(&app.acme, JAMES).await;
    let (owed, _) = app.balance(&account).await;
    let cursor = data(
        &app.acme
            .sign_in("admin")
            .await
            .gql("{ viewer { inboxCursor } }", json!({}))
            .await,
    )["viewer"]["inboxCursor"]
        .clone();

    let payment = paid(&debtor, &account, "12.34", Some("pm_card_visa")).await;
    assert_eq!(payment["status"], "SUCCEEDED");
    assert_eq!(app.balance(&account).await, (owed - 1234, "ACTIVE".to_owned()));
    // The webhook tells it again, and nothing changes.
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await.0, owed - 1234);

    let rest = format!("{}.{:02}", (owed - 1234) / 100, (owed - 1234) % 100);
    paid(&debtor, &account, &rest, Some("pm_card_mastercard")).await;
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));
    let refused = pay(&debtor, &account, "1.00", Some("pm_card_visa")).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);

    // Staff see both, the newest first, with the postings; and hear of them live.
    let admin = app.acme.sign_in("admin").await;
    let seen = admin
        .gql(
            "query($a: ID!) { account(id: $a) { payments(first: 5) { edges { node { status method amount { amount } takenBy { id } } } }
               ledger(first: 5) { edges { node { kind amount { amount } } } } } payments(first: 1) { edges { node { status } } } }",
            json!({ "a": account }),
        )
        .await;
    let payments = &data(&seen)["account"]["payments"]["edges"];
    assert_eq!(payments[1]["node"]["amount"]["amount"], "12.34");
    assert_eq!(payments[1]["node"]["takenBy"], json!(null));
    assert_eq!(
        data(&seen)["account"]["ledger"]["edges"][1]["node"]["kind"],
        "PAYMENT"
    );
    assert_eq!(
        data(&seen)["account"]["ledger"]["edges"][1]["node"]["amount"]["amount"],
        "-12.34"
    );
    assert_eq!(data(&seen)["payments"]["edges"][0]["node"]["status"], "SUCCEEDED");
    let mut socket = admin.socket().await;
    socket
        .subscribe(
            "subscription($a: ID!, $c: Cursor) { accountEvents(accountId: $a, after: $c) { ... on AccountChanged { change } } }",
            json!({ "a": account, "c": cursor }),
        )
        .await;
    while socket.event().await["accountEvents"]["change"] != "PAYMENTS" {}
    assert_eq!(app.audited("payment.created").await, 2);
    assert_eq!(app.audited("payment.status_changed").await, 2);
    assert_eq!(app.sandbox.state().stripe_intents().len(), 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn amounts_that_do_not_fit_are_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "100.00", "PAY-1").await;
    for (amount, field) in [("0.99", "amount"), ("0.00", "amount"), ("100.01", "amount")] {
        let refused = pay(&admin, &account, amount, Some("pm_card_visa")).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{amount}");
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "amount", field]),
            "{amount}"
        );
    }
    let card = pay(&admin, &account, "1.00", Some("4242424242424242")).await;
    assert_eq!(
        card["userErrors"][0]["field"],
        json!(["input", "stripePaymentMethod"])
    );
    let euros = json!({ "i": { "accountId": account, "amount": { "amount": "5.00", "currency": "EUR" } } });
    let refused = data(&admin.gql(PAY, euros).await)["createPayment"].clone();
    assert_eq!(
        refused["userErrors"][0]["field"],
        json!(["input", "amount", "currency"])
    );
    // Less than a dollar is owed: all of it is enough, if Stripe takes so little.
    let little = app.owing(&app.acme, "0.75", "PAY-2").await;
    assert_eq!(
        user_errors(&pay(&admin, &little, "0.50", Some("pm_card_visa")).await),
        ["INVALID_INPUT"]
    );
    assert_eq!(
        paid(&admin, &little, "0.75", Some("pm_card_visa")).await["status"],
        "SUCCEEDED"
    );

    // Another business's account is not there; who may not pay is told so.
    let other = app.account_id(&app.globex, JAMES).await;
    assert_eq!(
        user_errors(&pay(&admin, &other, "1.00", Some("pm_card_visa")).await),
        ["NOT_FOUND"]
    );
    let officer = app.acme.sign_in("compliance").await;
    let forbidden = officer.gql(PAY, order(&account, "1.00", None)).await;
    assert_eq!(error_code(&forbidden), "FORBIDDEN");
    app.run_jobs().await;
    assert_eq!(
        app.sandbox.state().stripe_intents().len(),
        1,
        "nothing else reached Stripe"
    );
    app.finish().await;
}

#[tokio::test]
async fn declines_are_told_in_plain_words_and_leave_the_amount_free() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "50.00", "PAY-3").await;
    for (method, code) in [
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card"),
    ] {
        let payment = paid(&admin, &account, "50.00", Some(method)).await;
        assert_eq!(payment["status"], "FAILED", "{method}");
        assert_eq!(payment["failureCode"], code);
        let reason = payment["failureReason"].as_str().unwrap();
        assert!(
            reason.contains("Nothing was paid") && !reason.contains("stolen"),
            "{reason}"
        );
    }
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await.0, 5000);
    // All of it is still free to be paid.
    assert_eq!(
        paid(&admin, &account, "50.00", Some("pm_card_visa")).await["status"],
        "SUCCEEDED"
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_payer_who_must_act_gets_the_secret_and_is_paid_up_once_they_have() {
    let app = TestApp::start().await;
    let debtor = app.debtor(&app.acme, JAMES).await;
    let account = app.account_id(&app.acme, JAMES).await;
    let (owed, _) = app.balance(&account).await;
    let payload = pay(&debtor, &account, "20.00", Some("pm_card_threeDSecure2Required")).await;
    assert_eq!(payload["payment"]["status"], "REQUIRES_ACTION");
    assert_eq!(payload["stripeAccount"], app.acme.demo.stripe_account());
    let secret = payload["clientSecret"].as_str().unwrap();
    let intent = app.sandbox.state().stripe_intents().remove(0);
    assert_eq!(secret, intent.client_secret);
    assert_eq!(app.balance(&account).await.0, owed, "nothing is paid yet");
    app.sandbox.state().stripe_authenticate(&intent.id, true);
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await.0, owed - 2000);

    // Without a payment method the payer's browser does all of it.
    let payload = pay(&debtor, &account, "10.00", None).await;
    assert_eq!(payload["payment"]["status"], "REQUIRES_PAYMENT_METHOD");
    let intent = app.sandbox.state().stripe_intents().remove(1);
    app.sandbox
        .state()
        .stripe_confirm(&intent.id, "pm_card_chargeDeclined");
    app.sandbox.idle().await;
    app.run_jobs().await;
    app.sandbox.state().stripe_confirm(&intent.id, "pm_card_visa");
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await.0, owed - 3000);
    app.finish().await;
}

#[tokio::test]
async fn the_same_request_twice_is_one_charge() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "100.00", "PAY-4").await;
    let headers = [("Idempotency-Key", "once")];
    let variables = order(&account, "40.00", Some("pm_card_threeDSecure2Required"));
    let first = admin.gql_with(PAY, variables.clone(), &headers).await;
    let second = admin.gql_with(PAY, variables, &headers).await;
    assert_eq!(
        data(&first),
        data(&second),
        "the secret is asked for again, and is the same"
    );
    app.run_jobs().await;
    assert_eq!(app.sandbox.state().stripe_intents().len(), 1);
    app.finish().await;
}

/// 64 payments at once of an account that 10 of them pay off.
#[tokio::test]
async fn however_many_pay_at_once_nobody_pays_more_than_is_owed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "100.00", "PAY-5").await;
    let all = (0..64).map(|_| pay(&admin, &account, "10.00", Some("pm_card_visa")));
    let payloads = futures_util::future::join_all(all).await;
    let taken = payloads
        .iter()
        .filter(|payload| payload["payment"]["status"] == "SUCCEEDED")
        .count();
    assert_eq!(taken, 10, "{payloads:?}");
    for payload in payloads.iter().filter(|payload| payload["payment"].is_null()) {
        assert!(
            ["CONFLICT", "INVALID_INPUT"].contains(&user_errors(payload)[0]),
            "{payload}"
        );
    }
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));
    assert_eq!(app.sandbox.state().stripe_intents().len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn staff_take_a_check_down_with_its_reason() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "80.00", "PAY-6").await;
    let document = "mutation($i: RecordManualPaymentInput!) { recordManualPayment(input: $i) {
      payment { id status method note takenBy { id } } userErrors { code field } } }";
    let input = |method: &str, note: &str| json!({ "i": { "accountId": account, "amount": { "amount": "80.00" }, "method": method, "note": note } });
    let empty = admin.gql(document, input("CHECK", " ")).await;
    assert_eq!(
        data(&empty)["recordManualPayment"]["userErrors"][0]["field"],
        json!(["input", "note"])
    );
    let stripe = admin.gql(document, input("STRIPE", "By card.")).await;
    assert_eq!(
        data(&stripe)["recordManualPayment"]["userErrors"][0]["field"],
        json!(["input", "method"])
    );
    let made = admin.gql(document, input("CHECK", "Check 1017, by mail.")).await;
    let payment = &data(&made)["recordManualPayment"]["payment"];
    assert_eq!(
        (payment["status"].as_str(), payment["note"].as_str()),
        (Some("SUCCEEDED"), Some("Check 1017, by mail."))
    );
    assert!(payment["takenBy"]["id"].is_string());
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));
    let officer = app.acme.sign_in("compliance").await;
    assert_eq!(
        error_code(&officer.gql(document, input("CASH", "Desk.")).await),
        "FORBIDDEN"
    );

    // A check bounces: the debt is owed again.
    let back = admin
        .gql(
            "mutation($p: ID!) { refundPayment(input: { paymentId: $p, reason: BOUNCED }) { payment { status } userErrors { code } } }",
            json!({ "p": payment["id"] }),
        )
        .await;
    assert_eq!(data(&back)["refundPayment"]["payment"]["status"], "REFUNDED");
    assert_eq!(app.balance(&account).await, (8000, "ACTIVE".to_owned()));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn staff_pay_nothing_to_a_disputed_debt_and_the_debtor_may() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, JAMES).await;
    let debtor = app.debtor(&app.acme, JAMES).await;
    let disputed = admin
        .gql(
            "mutation($a: ID!) { updateAccount(input: { id: $a, status: DISPUTED }) { userErrors { message } } }",
            json!({ "a": account }),
        )
        .await;
    assert_eq!(data(&disputed)["updateAccount"]["userErrors"], json!([]));
    let refused = pay(&admin, &account, "5.00", Some("pm_card_visa")).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    assert!(
        refused["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("15 USC 1692h")
    );
    assert_eq!(
        paid(&debtor, &account, "5.00", Some("pm_card_visa")).await["status"],
        "SUCCEEDED"
    );
    app.run_jobs().await;
    app.finish().await;
}
