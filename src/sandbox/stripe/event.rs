//! Webhooks: signed, delivered in order, twice, in reverse or not at all, and tried again while nobody takes them.

use serde_json::{Value, json};

use super::{objects::new_id, signature};
use crate::sandbox::{faults::Fault, loopback, state::SandboxState, twilio::webhook::WebhookDelivery};

/// How often a failed delivery is tried again.
const RETRIES: u32 = 3;

/// Something to be told.
#[derive(Clone, Debug)]
pub(super) struct Event {
    account: String,
    kind: &'static str,
    object: Value,
}

impl Event {
    pub(super) fn new(account: &str, kind: &'static str, object: Value) -> Self {
        Self {
            account: account.to_owned(),
            kind,
            object,
        }
    }
}

/// Tells all of them in the background, as the fault wants it.
pub(super) fn tell(state: &SandboxState, events: Vec<Event>, fault: Option<Fault>) {
    let mut events: Vec<(String, Event)> = events.into_iter().map(|event| (new_id("evt"), event)).collect();
    match fault {
        Some(Fault::DropCallback | Fault::Silence) => return,
        Some(Fault::ReorderCallbacks) => events.reverse(),
        Some(Fault::DuplicateCallback) => {
            events = events
                .iter()
                .flat_map(|event| [event.clone(), event.clone()])
                .collect()
        }
        _ => {}
    }
    let worker = state.clone();
    state.spawn(async move {
        for (id, event) in events {
            deliver(&worker, &id, &event).await;
        }
    });
}

async fn deliver(state: &SandboxState, id: &str, event: &Event) {
    let platform = state.stripe_platform();
    if platform.webhook_url.is_empty() {
        return;
    }
    let delivery = state.add_delivery(WebhookDelivery {
        id: 0,
        message_sid: event.object["id"].as_str().unwrap_or_default().to_owned(),
        event: event.kind.to_owned(),
        url: platform.webhook_url.clone(),
        attempts: 0,
        last_status: None,
        outcome: String::new(),
        idempotency_token: id.to_owned(),
        at: state.now(),
    });
    let url = match loopback::check_callback(&platform.webhook_url) {
        Ok(url) => url,
        Err(reason) => return state.update_delivery(delivery, |delivery| delivery.outcome = reason),
    };
    let at = state.now().timestamp();
    let body = json!({
        "id": id, "object": "event", "account": event.account, "api_version": "2026-10-28.endive", "created": at,
        "data": { "object": event.object }, "livemode": false, "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null }, "type": event.kind,
    })
    .to_string();
    for attempt in 0..=RETRIES {
        if attempt > 0 {
            tokio::time::sleep(state.delays().webhook_retry * 2_u32.pow(attempt - 1)).await;
        }
        let header = signature::sign(&platform.webhook_secrets, state.now().timestamp(), &body);
        let headers = [
            ("Stripe-Signature", header.as_str()),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        let status = state
            .webhooks()
            .post_raw(url.clone(), &headers, body.clone())
            .await;
        let is_taken = status.is_some_and(|status| (200..300).contains(&status));
        state.update_delivery(delivery, |delivery| {
            delivery.attempts = attempt + 1;
            delivery.last_status = status;
            delivery.outcome =
                status.map_or_else(|| "no answer".to_owned(), |status| format!("answered {status}"));
        });
        // What is refused for good is not tried again here: Stripe would, for three days.
        if is_taken || status.is_some_and(|status| status < 500) {
            return;
        }
    }
}
