//! A number that moved to another account at the vendor while a text from it was on its way: what became of the text, only
//! the account knows through which it went.

use chrono::TimeDelta;
use funnelchat::sandbox::{Fault, Provider};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, Options, TestApp, data, send};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

struct Story {
    app: TestApp,
    phone: String,
    message: String,
}

impl Story {
    /// A text whose answer is lost; then its number moves to another account of the business.
    async fn begin() -> Self {
        let app = TestApp::start_with(Options {
            settings: vec![("PROVIDER_TIMEOUT_SECONDS", "1".to_owned())],
            ..Options::default()
        })
        .await;
        app.sandbox
            .state()
            .add_fault(Provider::Twilio, Fault::Timeout, 1)
            .unwrap();
        let agent = app.acme.agent().await;
        let thread = app.thread_with(&agent, &app.acme, JAMES).await;
        let message = send(&agent, &thread, "A payment of $50 would do.").await;
        app.run_jobs().await;
        assert_eq!(app.status(&message).await, "UNKNOWN");
        let phone = app.acme.debtor_number(JAMES);
        assert_eq!(app.received_by(&phone).len(), 1, "it did go");
        move_number(&app).await;
        Self { app, phone, message }
    }

    async fn pass(&self, by: TimeDelta) {
        self.app.advance(by).await;
        self.app.run_jobs().await;
    }

    async fn states(&self) -> Vec<String> {
        let attempts = self.app.attempts(&self.message).await;
        attempts.into_iter().map(|(state, _)| state).collect()
    }
}

async fn act(client: &Client, name: &str, input: Value) {
    let (first, rest) = name.split_at(1);
    let document = format!(
        "mutation($i: {}{rest}Input!) {{ {name}(input: $i) {{ userErrors {{ code message }} }} }}",
        first.to_uppercase()
    );
    let answer = client.gql(&document, json!({ "i": input })).await;
    assert_eq!(data(&answer)[name]["userErrors"], json!([]), "{name}");
}

/// The business takes its number to a second account at the vendor, as its staff do.
async fn move_number(app: &TestApp) {
    let (number, state) = (app.acme.demo.number, app.sandbox.state());
    let (sid, token) = (format!("AC{}", "d".repeat(32)), "4".repeat(32));
    let admin = app.acme.sign_in("admin").await;
    act(&admin, "disconnectNumber", json!({ "phone": number })).await;
    state.release_number(number);
    state.issue_token(&sid, &token);
    assert!(state.buy_number(&sid, number, &app.sms_webhook()));
    let credentials = json!({ "twilio": { "accountSid": sid, "authToken": token } });
    act(&admin, "setProviderCredentials", credentials).await;
    act(&admin, "connectNumber", json!({ "phone": number })).await;
    let moved = "SELECT a.external_id FROM inbound_numbers n JOIN provider_accounts a ON a.id = n.provider_account_id WHERE n.e164 = $1";
    let moved = app
        .superuser()
        .await
        .fetch_one(sqlx::query(moved).bind(number))
        .await
        .unwrap();
    assert_eq!(moved.get::<String, _>(0), sid);
}

#[tokio::test]
async fn a_text_whose_number_has_moved_is_looked_up_where_it_went() {
    let story = Story::begin().await;
    for _ in 0..3 {
        story.pass(TimeDelta::seconds(61)).await;
    }
    assert_eq!(story.app.status(&story.message).await, "DELIVERED");
    assert_eq!(story.states().await, ["ACCEPTED"]);
    assert_eq!(story.app.received_by(&story.phone).len(), 1);
    let asked = story.app.sandbox.state().requests();
    let elsewhere = format!("AC{}/Messages", "d".repeat(32));
    assert!(
        asked.iter().all(|request| !request.url.contains(&elsewhere)),
        "the account that never had it is not asked"
    );
    story.app.finish().await;
}

#[tokio::test]
async fn a_text_whose_account_nobody_can_ask_any_more_stays_unknown_and_is_never_sent_again() {
    let story = Story::begin().await;
    let gone = sqlx::query("DELETE FROM provider_accounts WHERE external_id = $1")
        .bind(story.app.acme.demo.twilio_sid());
    let gone = story.app.superuser().await.execute(gone).await.unwrap();
    assert_eq!(gone.rows_affected(), 1);
    for _ in 0..6 {
        story.pass(TimeDelta::minutes(20)).await;
    }
    assert_eq!(story.app.status(&story.message).await, "UNKNOWN");
    assert_eq!(story.states().await, ["UNKNOWN"]);
    assert_eq!(story.app.received_by(&story.phone).len(), 1);
    assert_eq!(story.app.slots_taken().await, 1, "it may have gone");
    story.app.finish().await;
}
