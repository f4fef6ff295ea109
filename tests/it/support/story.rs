//! What many stories do: start threads, send, and look at what became of a message.

use chrono::{DateTime, Utc};
use funnelchat::{
    platform::{
        context::TenantCtx,
        ids::{self, IdKind},
    },
    sandbox::twilio::message::{Origin, SmsMessage},
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use super::{Client, Tenant, TestApp, data};

/// `sendMessage` with everything that a story asks about.
pub const SEND: &str = "mutation($c: ID!, $text: String!) {
  sendMessage(input: { conversationId: $c, content: $text }) {
    message { id content deliveryStatus }
    decision { id outcome rule reason nextPermittedAt rules { rule citation outcome } }
    findings { category rule citation excerpt start end change }
    userErrors { code field message } } }";

const START: &str = "mutation($account: ID!, $text: String) {
  startConversation(input: { accountId: $account, channel: SMS, message: $text }) {
    conversation { id }
    message { id content deliveryStatus }
    decision { id outcome rule reason nextPermittedAt rules { rule citation outcome } }
    userErrors { code field message } } }";

/// A message as the database holds it.
#[derive(Debug, PartialEq, Eq)]
pub struct MessageState {
    pub status: String,
    pub failure_code: Option<String>,
    pub failure_reason: Option<String>,
    pub due: Option<DateTime<Utc>>,
}

impl TestApp {
    /// The id of a demo business.
    pub async fn business_id(&self, tenant: &Tenant) -> Uuid {
        let row = self
            .superuser()
            .await
            .fetch_one(sqlx::query("SELECT id FROM businesses WHERE slug = $1").bind(tenant.demo.slug))
            .await
            .unwrap();
        row.get(0)
    }

    /// The context in which the service itself acts for a demo business.
    pub async fn service_ctx(&self, tenant: &Tenant) -> TenantCtx {
        TenantCtx::for_service(self.business_id(tenant).await, "test")
    }

    /// The account of the n-th demo debtor.
    pub async fn account_id(&self, tenant: &Tenant, nth: usize) -> String {
        let number = format!("{}-{:05}", tenant.demo.slug.to_uppercase(), 10_001 + nth);
        let row = self
            .superuser()
            .await
            .fetch_one(sqlx::query("SELECT id FROM accounts WHERE account_number = $1").bind(number))
            .await
            .unwrap();
        ids::encode(IdKind::Account, row.get(0))
    }

    /// The thread with the n-th demo debtor, opened if there is none.
    pub async fn thread_with(&self, client: &Client, tenant: &Tenant, nth: usize) -> String {
        let account = self.account_id(tenant, nth).await;
        let started = client.gql(START, json!({ "account": account })).await;
        let payload = &data(&started)["startConversation"];
        payload["conversation"]["id"]
            .as_str()
            .expect("a thread")
            .to_owned()
    }

    /// Starts a thread about an account with a first message; the payload.
    pub async fn start_with_message(&self, client: &Client, account: &str, text: &str) -> Value {
        let started = client
            .gql(START, json!({ "account": account, "text": text }))
            .await;
        data(&started)["startConversation"].clone()
    }

    /// Where a message stands.
    pub async fn message_state(&self, message: &str) -> MessageState {
        let id = ids::decode(IdKind::Message, message).unwrap();
        let row = self
            .superuser()
            .await
            .fetch_one(
                sqlx::query(
                    "SELECT delivery_status, failure_code, failure_reason, dispatch_due_at FROM messages WHERE id = $1",
                )
                .bind(id),
            )
            .await
            .unwrap();
        MessageState {
            status: row.get(0),
            failure_code: row.get(1),
            failure_reason: row.get(2),
            due: row.get(3),
        }
    }

    /// The status of a message.
    pub async fn status(&self, message: &str) -> String {
        self.message_state(message).await.status
    }

    /// The attempts to hand a message over, oldest first: state, and why it ended badly.
    pub async fn attempts(&self, message: &str) -> Vec<(String, Option<String>)> {
        let id = ids::decode(IdKind::Message, message).unwrap();
        let rows = self
            .superuser()
            .await
            .fetch_all(
                sqlx::query(
                    "SELECT state, error_code FROM delivery_attempts WHERE message_id = $1 ORDER BY number",
                )
                .bind(id),
            )
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The statuses that the audit trail says a message went through, in order.
    pub async fn audited_statuses(&self, message: &str) -> Vec<String> {
        let id = ids::decode(IdKind::Message, message).unwrap();
        let rows = self
            .superuser()
            .await
            .fetch_all(
                sqlx::query(
                    "SELECT convert_from(details, 'UTF8')::jsonb ->> 'to' FROM audit_events
                     WHERE object_id = $1 AND action = 'message.status_changed' ORDER BY position",
                )
                .bind(id),
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How many rows of the audit trail have this action.
    pub async fn audited(&self, action: &str) -> i64 {
        let row = self
            .superuser()
            .await
            .fetch_one(sqlx::query("SELECT count(*) FROM audit_events WHERE action = $1").bind(action))
            .await
            .unwrap();
        row.get(0)
    }

    /// Frequency slots that are taken and not given back.
    pub async fn slots_taken(&self) -> i64 {
        let row = self
            .superuser()
            .await
            .fetch_one("SELECT count(*) FROM contact_slots WHERE released_at IS NULL")
            .await
            .unwrap();
        row.get(0)
    }

    /// What the service sent to a phone, oldest first (without the vendor's own replies).
    pub fn received_by(&self, phone: &str) -> Vec<SmsMessage> {
        let texts = self.sandbox.state().messages().into_iter();
        texts
            .filter(|text| text.to == phone && text.origin == Origin::Service)
            .collect()
    }
}

/// Sends a message that must be accepted; its id.
pub async fn send(client: &Client, thread: &str, text: &str) -> String {
    let sent = client.gql(SEND, json!({ "c": thread, "text": text })).await;
    let payload = &data(&sent)["sendMessage"];
    payload["message"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("the message was not queued: {payload}"))
        .to_owned()
}

/// Sends a message that must be refused; the payload.
pub async fn send_refused(client: &Client, thread: &str, text: &str) -> Value {
    let sent = client.gql(SEND, json!({ "c": thread, "text": text })).await;
    let payload = data(&sent)["sendMessage"].clone();
    assert!(payload["message"].is_null(), "it must be refused: {payload}");
    assert_eq!(
        super::user_errors(&payload),
        ["COMPLIANCE_BLOCKED"],
        "it must be refused: {payload}"
    );
    payload
}
