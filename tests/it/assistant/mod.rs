//! The assistant: it answers where nobody else does, once, through the gate; and hands over what is for a person.

mod answers;
mod hand_off;
mod once;

use funnelchat::{
    assistant::{AnswerText, Assistant, answer_text},
    platform::ids::{self, IdKind},
    sandbox::twilio::message::SmsMessage,
};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use crate::support::{Client, Tenant, TestApp, data};

/// Maria Alvarez, who owes Acme $1,250.50.
const MARIA: usize = 0;

/// Changes settings; what was wrong.
async fn change(admin: &Client, mut input: Value) -> Value {
    let seen = admin
        .gql("{ business { settings { version } } }", json!({}))
        .await;
    input["expectedVersion"] = data(&seen)["business"]["settings"]["version"].clone();
    let answer = admin
        .gql(
            "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) {
               userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["updateBusinessSettings"]["userErrors"].clone()
}

/// Switches the assistant of the business on.
async fn switch_on(tenant: &Tenant) {
    let admin = tenant.sign_in("admin").await;
    let wish = json!({ "assistant": { "enabled": true, "minConfidence": 70, "strict": false } });
    assert_eq!(change(&admin, wish).await, json!([]));
}

/// What the business has sent to a debtor's telephone.
fn sent_to(app: &TestApp, tenant: &Tenant, nth: usize) -> Vec<SmsMessage> {
    let texts = app.received_by(&tenant.debtor_number(nth)).into_iter();
    texts.filter(|text| text.from == tenant.demo.number).collect()
}

/// What became of the texts that were looked at, oldest first: outcome, why it was handed over, whether the gate decided.
async fn turns(app: &TestApp) -> Vec<(String, Option<String>, bool)> {
    sqlx::query("SELECT outcome, hand_off, decision_id IS NOT NULL FROM assistant_turns ORDER BY message_id")
        .fetch_all(&mut app.superuser().await)
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

/// The newest text that came in.
async fn last_text(app: &TestApp) -> Uuid {
    sqlx::query("SELECT id FROM messages WHERE direction = 'INBOUND' ORDER BY id DESC LIMIT 1")
        .fetch_one(&mut app.superuser().await)
        .await
        .unwrap()
        .get(0)
}

fn assistant(app: &TestApp) -> Assistant {
    Assistant {
        db: app.app.db.clone(),
        keyring: app.app.keyring.clone(),
    }
}

/// Looks at a text by hand, as its job does.
async fn look_at(app: &TestApp, tenant: &Tenant, message_id: Uuid) {
    let ctx = app.service_ctx(tenant).await;
    answer_text(&assistant(app), &ctx, AnswerText { message_id })
        .await
        .unwrap();
}

/// The thread with a debtor, as staff sees it.
async fn thread_of(app: &TestApp, client: &Client, tenant: &Tenant, nth: usize) -> Value {
    let account = app.account_id(tenant, nth).await;
    let account = ids::decode(IdKind::Account, &account).unwrap();
    let id: Uuid = sqlx::query("SELECT id FROM conversations WHERE account_id = $1")
        .bind(account)
        .fetch_one(&mut app.superuser().await)
        .await
        .unwrap()
        .get(0);
    let answer = client
        .gql(
            "query($c: ID!) { conversation(id: $c) { id status escalationReason assignedAgent { id }
               messages(last: 10) { edges { node { senderType content direction decision { outcome } } } } } }",
            json!({ "c": ids::encode(IdKind::Conversation, id) }),
        )
        .await;
    data(&answer)["conversation"].clone()
}
