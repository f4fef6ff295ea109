//! The stand-in for Stripe keeps Stripe's promises about keys, declines and refunds.

use reqwest::Response;
use serde_json::Value;

use super::support::{Stage, read};

const VISA: &[(&str, &str)] = &[
    ("amount", "1250"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("confirm", "true"),
];

impl Stage {
    async fn ask(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Response {
        self.client
            .post(self.url(&format!("/stripe/v1{path}")))
            .bearer_auth("sk_test_sandbox")
            .header("Stripe-Account", "acct_acme")
            .header("Idempotency-Key", key)
            .form(form)
            .send()
            .await
            .unwrap()
    }

    async fn charged(&self, key: &str, form: &[(&str, &str)]) -> (u16, Value) {
        read(self.ask("/payment_intents", key, form).await).await
    }
}

#[tokio::test]
async fn one_key_is_one_payment() {
    let stage = Stage::set().await;
    let (status, first) = stage.charged("k1", VISA).await;
    assert_eq!((status, first["status"].as_str()), (200, Some("succeeded")));
    let again = stage.ask("/payment_intents", "k1", VISA).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(read(again).await.1, first);
    let (status, other) = stage
        .charged("k1", &[("amount", "99"), ("currency", "usd")])
        .await;
    assert_eq!(
        (status, other["error"]["type"].as_str()),
        (400, Some("idempotency_error"))
    );
    assert_eq!(stage.sandbox.state().stripe_intents().len(), 1);
}

#[tokio::test]
async fn a_decline_brings_the_payment_along_and_the_reason() {
    let stage = Stage::set().await;
    let form = [VISA, &[("payment_method", "pm_card_visa_chargeDeclinedLostCard")]].concat();
    let (status, answer) = stage.charged("k1", &form).await;
    assert_eq!(status, 402);
    assert_eq!(answer["error"]["decline_code"], "lost_card");
    assert_eq!(
        answer["error"]["payment_intent"]["status"],
        "requires_payment_method"
    );
    let removed = [VISA, &[("payment_method_types[0]", "card")]].concat();
    assert_eq!(stage.charged("k2", &removed).await.0, 400);
}

#[tokio::test]
async fn no_more_is_given_back_than_was_paid() {
    let stage = Stage::set().await;
    let (_, payment) = stage.charged("k1", VISA).await;
    let id = payment["id"].as_str().unwrap();
    let back = async |key: &str, amount: &str| {
        let form = [("payment_intent", id), ("amount", amount)];
        stage.ask("/refunds", key, &form).await.status().as_u16()
    };
    assert_eq!(back("r1", "1000").await, 200);
    assert_eq!(back("r2", "251").await, 400);
    assert_eq!(back("r3", "250").await, 200);
    assert_eq!(back("r4", "1").await, 400);
}

#[tokio::test]
async fn nobody_is_let_in_without_the_key_and_a_connected_account() {
    let stage = Stage::set().await;
    let get = async |key: &str, account: &str| {
        let request = stage
            .client
            .get(stage.url("/stripe/v1/payment_intents"))
            .bearer_auth(key);
        let answer = request.header("Stripe-Account", account).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(get("sk_test_guessed", "acct_acme").await, 401);
    assert_eq!(get("sk_test_sandbox", "acct_nobody").await, 403);
    assert_eq!(get("sk_test_sandbox", "acct_acme").await, 200);
}
