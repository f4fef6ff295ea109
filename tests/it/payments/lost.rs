//! Answers and webhooks get lost: what Stripe has is found out, and nobody is charged twice.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};
use serde_json::Value;

use super::{paid, pay};
use crate::support::{Client, Options, TestApp, user_errors};

struct Story {
    app: TestApp,
    admin: Client,
    account: String,
}

impl Story {
    async fn begin() -> Self {
        let app = TestApp::start_with(Options {
            settings: vec![("PROVIDER_TIMEOUT_SECONDS", "1".to_owned())],
            ..Options::default()
        })
        .await;
        let admin = app.acme.sign_in("admin").await;
        let account = app.owing(&app.acme, "100.00", "LOST-1").await;
        Self { app, admin, account }
    }

    async fn pay_under(&self, fault: Fault, method: &str) -> Value {
        self.app
            .sandbox
            .state()
            .add_fault(Provider::Stripe, fault, 1)
            .unwrap();
        paid(&self.admin, &self.account, "60.00", Some(method)).await
    }

    /// A minute and more, with what is due then.
    async fn pass(&self, minutes: i64) {
        self.app.advance(TimeDelta::minutes(minutes)).await;
        self.app.run_jobs().await;
    }

    async fn ends(self, payment: &Value, state: &str, balance: i64) {
        let payment = payment["id"].as_str().unwrap();
        assert_eq!(self.app.payment_state(payment).await.0, state);
        assert_eq!(self.app.balance(&self.account).await.0, balance);
        assert!(
            self.app.sandbox.state().stripe_intents().len() <= 1,
            "charged at most once"
        );
        self.app.finish().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_after_it_was_taken_is_adopted_by_the_webhook() {
    let story = Story::begin().await;
    let payment = story.pay_under(Fault::Timeout, "pm_card_visa").await;
    story.app.sandbox.idle().await;
    story.app.run_jobs().await;
    story.ends(&payment, "SUCCEEDED", 4000).await;
}

#[tokio::test]
async fn where_the_webhook_is_lost_as_well_it_is_looked_up_and_adopted() {
    let story = Story::begin().await;
    let payment = story.pay_under(Fault::Silence, "pm_card_visa").await;
    assert_eq!(payment["status"], "UNKNOWN");
    // Meanwhile nobody pays more than the rest.
    let more = pay(&story.admin, &story.account, "41.00", Some("pm_card_visa")).await;
    assert_eq!(user_errors(&more), ["CONFLICT"]);
    story.pass(2).await;
    story.ends(&payment, "SUCCEEDED", 4000).await;
}

#[tokio::test]
async fn what_stripe_never_had_has_failed_after_two_empty_look_ups() {
    let story = Story::begin().await;
    let payment = story.pay_under(Fault::Error500, "pm_card_visa").await;
    assert_eq!(payment["status"], "UNKNOWN");
    story.pass(2).await;
    let id = payment["id"].as_str().unwrap();
    assert_eq!(
        story.app.payment_state(id).await.0,
        "UNKNOWN",
        "one empty look-up proves nothing"
    );
    story.pass(3).await;
    assert_eq!(story.app.payment_state(id).await.1.as_deref(), Some("LOST"));
    story.ends(&payment, "FAILED", 10_000).await;
}

#[tokio::test]
async fn a_timeout_before_anything_was_done_ends_the_same() {
    let story = Story::begin().await;
    let payment = story.pay_under(Fault::TimeoutBefore, "pm_card_visa").await;
    assert_eq!(payment["status"], "UNKNOWN");
    story.pass(2).await;
    story.pass(3).await;
    story.ends(&payment, "FAILED", 10_000).await;
}

#[tokio::test]
async fn too_many_requests_is_a_refusal_that_may_be_tried_again() {
    let story = Story::begin().await;
    let payment = story.pay_under(Fault::RateLimit, "pm_card_visa").await;
    assert_eq!(payment["failureCode"], "BUSY");
    story.ends(&payment, "FAILED", 10_000).await;
}

#[tokio::test]
async fn a_webhook_that_never_comes_is_made_up_for() {
    let story = Story::begin().await;
    let payment = story
        .pay_under(Fault::DropCallback, "pm_usBankAccount_success")
        .await;
    assert_eq!(payment["status"], "PROCESSING");
    let intent = story.app.sandbox.state().stripe_intents().remove(0);
    // It arrives days later, and nobody is told.
    story
        .app
        .sandbox
        .state()
        .add_fault(Provider::Stripe, Fault::DropCallback, 1)
        .unwrap();
    story.app.sandbox.state().stripe_settle_debit(&intent.id, true);
    story.app.sandbox.idle().await;
    story.pass(60 * 24).await;
    story.ends(&payment, "SUCCEEDED", 4000).await;
}

#[tokio::test]
async fn what_a_payer_does_not_confirm_in_an_hour_is_given_up_at_stripe_too() {
    let story = Story::begin().await;
    let payment = paid(&story.admin, &story.account, "60.00", None).await;
    story.app.run_jobs().await;
    story.pass(5).await;
    let id = payment["id"].as_str().unwrap().to_owned();
    assert_eq!(story.app.payment_state(&id).await.0, "REQUIRES_PAYMENT_METHOD");
    story.pass(61).await;
    story.app.run_jobs().await;
    assert_eq!(story.app.sandbox.state().stripe_intents()[0].status, "canceled");
    story.ends(&payment, "CANCELED", 10_000).await;
}

/// A payer who fails 3-D Secure could try again with the secret that they have: it has failed once Stripe has let go of it.
#[tokio::test]
async fn a_payer_who_does_not_confirm_with_their_bank_has_not_paid() {
    let story = Story::begin().await;
    let payment = paid(
        &story.admin,
        &story.account,
        "60.00",
        Some("pm_card_threeDSecure2Required"),
    )
    .await;
    let intent = story.app.sandbox.state().stripe_intents().remove(0);
    story.app.run_jobs().await;
    story.app.sandbox.state().stripe_authenticate(&intent.id, false);
    story.app.sandbox.idle().await;
    story.app.run_jobs().await;
    let (_, code) = story.app.payment_state(payment["id"].as_str().unwrap()).await;
    assert_eq!(code.as_deref(), Some("payment_intent_authentication_failure"));
    assert_eq!(story.app.sandbox.state().stripe_intents()[0].status, "canceled");
    story.ends(&payment, "FAILED", 10_000).await;
}
