//! What Stripe reports: only what is proven is stored, and only once.

use funnelchat::{
    cli::seed::DEMO_STRIPE_WEBHOOK_SECRET, platform::clock::WallClock as _, sandbox::stripe::signature::sign,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use super::paid;
use crate::support::TestApp;

fn event(id: &str, kind: &str, account: &str, object: Value) -> Value {
    json!({ "id": id, "object": "event", "type": kind, "account": account, "livemode": false, "data": { "object": object } })
}

impl TestApp {
    async fn report(&self, path: &str, secret: &str, body: &str, sent: &str) -> StatusCode {
        let header = sign(&[secret.to_owned()], self.wall.now().timestamp(), body);
        let answer = self
            .anonymous()
            .http()
            .post(format!("http://{}{path}", self.addr))
            .header("Stripe-Signature", header)
            .body(sent.to_owned())
            .send()
            .await
            .unwrap();
        answer.status()
    }

    async fn reports(&self) -> i64 {
        let row = self
            .superuser()
            .await
            .fetch_one("SELECT count(*) FROM stripe_events")
            .await
            .unwrap();
        row.get(0)
    }
}

#[tokio::test]
async fn what_is_not_proven_is_not_stored() {
    let app = TestApp::start().await;
    let own = app.acme.demo.stripe_account();
    let body = event(
        "evt_1",
        "payment_intent.succeeded",
        &own,
        json!({ "id": "pi_1", "object": "payment_intent" }),
    )
    .to_string();
    let path = "/webhooks/stripe";
    let other = body.replace("pi_1", "pi_2");
    assert_eq!(
        app.report(path, DEMO_STRIPE_WEBHOOK_SECRET, &body, &other).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        app.report(path, "whsec_guessed", &body, &body).await,
        StatusCode::FORBIDDEN
    );
    let stranger = event(
        "evt_2",
        "payment_intent.succeeded",
        "acct_nobody",
        json!({ "id": "pi_1", "object": "payment_intent" }),
    );
    let stranger = stranger.to_string();
    assert_eq!(
        app.report(path, DEMO_STRIPE_WEBHOOK_SECRET, &stranger, &stranger)
            .await,
        StatusCode::NOT_FOUND
    );
    let live = body.replace("\"livemode\":false", "\"livemode\":true");
    assert_eq!(
        app.report(path, DEMO_STRIPE_WEBHOOK_SECRET, &live, &live).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        app.report(path, DEMO_STRIPE_WEBHOOK_SECRET, "[]", "[]").await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(app.reports().await, 0);

    // Proven, at every address, and twice: it is about a payment of nobody's, and stored once.
    for path in ["/webhooks/stripe", "/api/v1/webhooks/stripe", "/webhook/stripe"] {
        assert_eq!(
            app.report(path, DEMO_STRIPE_WEBHOOK_SECRET, &body, &body).await,
            StatusCode::OK,
            "{path}"
        );
    }
    assert_eq!(app.reports().await, 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_report_of_another_business_pays_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = app.owing(&app.acme, "30.00", "REPORT-1").await;
    let payment = paid(&admin, &account, "30.00", None).await;
    app.run_jobs().await;
    let intent = app.sandbox.state().stripe_intents().remove(0);
    let id: Uuid = intent.metadata["paymentId"].as_str().unwrap().parse().unwrap();
    let object = json!({ "id": intent.id, "object": "payment_intent", "amount": 3000, "currency": "usd",
        "status": "succeeded", "metadata": { "paymentId": id } });
    let body = event(
        "evt_9",
        "payment_intent.succeeded",
        &app.globex.demo.stripe_account(),
        object,
    )
    .to_string();
    assert_eq!(
        app.report("/webhooks/stripe", DEMO_STRIPE_WEBHOOK_SECRET, &body, &body)
            .await,
        StatusCode::OK
    );
    app.run_jobs().await;
    assert_eq!(
        app.payment_state(payment["id"].as_str().unwrap()).await.0,
        "REQUIRES_PAYMENT_METHOD"
    );
    assert_eq!(app.balance(&account).await.0, 3000);
    app.finish().await;
}
