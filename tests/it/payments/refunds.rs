//! Money goes back: what was paid is owed again, each part once.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};
use serde_json::{Value, json};

use super::paid;
use crate::support::{Client, TestApp, data, error_code, user_errors};

const REFUND: &str = "mutation($p: ID!, $m: MoneyInput) { refundPayment(input: { paymentId: $p, amount: $m, reason: REQUESTED_BY_DEBTOR }) {
  payment { id status refundedAmount { amount } refunds { status reason failureReason refundedBy { id } } }
  userErrors { code field } } }";

async fn refund(client: &Client, payment: &Value, amount: Option<&str>) -> Value {
    let amount = amount.map(|amount| json!({ "amount": amount }));
    let answer = client
        .gql(REFUND, json!({ "p": payment["id"], "m": amount }))
        .await;
    data(&answer)["refundPayment"].clone()
}

#[tokio::test]
async fn a_payment_is_given_back_in_part_and_then_in_whole_and_no_more() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "90.00", "BACK-1").await;
    let payment = paid(&admin, &account, "90.00", Some("pm_card_visa")).await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));
    let part = refund(&admin, &payment, Some("30.00")).await;
    assert_eq!(part["payment"]["status"], "PARTIALLY_REFUNDED");
    assert_eq!(part["payment"]["refundedAmount"]["amount"], "30.00");
    assert_eq!(app.balance(&account).await, (3000, "ACTIVE".to_owned()));
    app.run_jobs().await;
    assert_eq!(
        app.balance(&account).await.0,
        3000,
        "the webhook tells nothing new"
    );
    let more = refund(&admin, &payment, Some("60.01")).await;
    assert_eq!(
        more["userErrors"][0]["field"],
        json!(["input", "amount", "amount"])
    );
    let rest = refund(&admin, &payment, None).await;
    assert_eq!(rest["payment"]["status"], "REFUNDED");
    assert_eq!(rest["payment"]["refunds"].as_array().unwrap().len(), 2);
    assert_eq!(app.balance(&account).await.0, 9000);
    assert_eq!(user_errors(&refund(&admin, &payment, None).await), ["CONFLICT"]);

    let agent = app.acme.agent().await;
    let forbidden = agent.gql(REFUND, json!({ "p": payment["id"], "m": null })).await;
    assert_eq!(error_code(&forbidden), "FORBIDDEN");
    let stranger = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&refund(&stranger, &payment, None).await),
        ["NOT_FOUND"]
    );
    app.run_jobs().await;
    assert_eq!(app.sandbox.state().stripe_refunds().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_made_once() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "50.00", "BACK-2").await;
    let payment = paid(&admin, &account, "50.00", Some("pm_card_visa")).await;
    app.run_jobs().await;
    for (fault, refunds) in [(Fault::Error500, 0), (Fault::Silence, 1)] {
        app.sandbox.state().add_fault(Provider::Stripe, fault, 1).unwrap();
        let asked = refund(&admin, &payment, Some("20.00")).await;
        let refunds_now = asked["payment"]["refunds"].as_array().unwrap();
        assert_eq!(refunds_now.last().unwrap()["status"], "UNKNOWN", "{fault:?}");
        for minutes in [2, 3] {
            app.advance(TimeDelta::minutes(minutes)).await;
            app.run_jobs().await;
        }
        assert_eq!(app.sandbox.state().stripe_refunds().len(), refunds, "{fault:?}");
        let owed = i64::try_from(refunds).unwrap() * 2000;
        assert_eq!(app.balance(&account).await.0, owed, "{fault:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_refund_that_comes_back_is_paid_again_and_one_made_at_stripe_is_known() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "50.00", "BACK-3").await;
    let payment = paid(&admin, &account, "50.00", Some("pm_card_visa")).await;
    app.run_jobs().await;
    refund(&admin, &payment, Some("15.00")).await;
    app.run_jobs().await;
    let known = app.sandbox.state().stripe_refunds().remove(0);
    app.sandbox.state().stripe_fail_refund(&known.id);
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));

    let intent = app.sandbox.state().stripe_intents().remove(0);
    app.sandbox.state().stripe_refund_at_stripe(&intent.id, 700);
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await.0, 700);
    app.finish().await;
}

#[tokio::test]
async fn what_a_bank_takes_back_is_owed_again_until_the_bank_gives_it_back() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "70.00", "BACK-4").await;
    let payment = paid(&admin, &account, "70.00", Some("pm_card_visa")).await;
    app.run_jobs().await;
    let intent = app.sandbox.state().stripe_intents().remove(0);
    app.sandbox.state().stripe_dispute(&intent.id);
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await, (7000, "ACTIVE".to_owned()));
    let seen = admin
        .gql(
            "query($p: ID!) { payment(id: $p) { status disputedAt } }",
            json!({ "p": payment["id"] }),
        )
        .await;
    assert_eq!(data(&seen)["payment"]["status"], "DISPUTED");
    assert!(data(&seen)["payment"]["disputedAt"].is_string());
    assert_eq!(user_errors(&refund(&admin, &payment, None).await), ["CONFLICT"]);

    let dispute = app.sandbox.state().stripe_disputes().remove(0);
    app.sandbox.state().stripe_close_dispute(&dispute.id, true);
    app.sandbox.idle().await;
    app.run_jobs().await;
    assert_eq!(app.balance(&account).await, (0, "PAID_IN_FULL".to_owned()));
    app.finish().await;
}
