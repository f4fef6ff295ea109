//! Stripe's events: what we take from one. Of the payer nothing is taken.

use serde::Deserialize;

use super::objects::{Metadata, our_id};
use crate::payments::ports::StripeEvent;

#[derive(Deserialize)]
struct EventJson {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    account: Option<String>,
    #[serde(default)]
    livemode: bool,
    data: DataJson,
}

#[derive(Deserialize)]
struct DataJson {
    object: ObjectJson,
}

/// Whatever object it is.
#[derive(Deserialize)]
struct ObjectJson {
    #[serde(default)]
    id: String,
    #[serde(default)]
    object: String,
    payment_intent: Option<serde_json::Value>,
    status: Option<String>,
    reason: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

/// An event with the account that it is about.
#[derive(Debug)]
pub struct Received {
    /// The connected account, `acct_…`; none of what is the platform's own.
    pub account: Option<String>,
    pub is_live: bool,
    pub event: StripeEvent,
}

/// Reads an event; `None` where it is none, or one of its ids is not as Stripe makes them.
pub fn read(body: &[u8]) -> Option<Received> {
    let json: EventJson = serde_json::from_slice(body).ok()?;
    let mut object = json.data.object;
    if object.id.is_empty() {
        // Some things have no id, a balance for one.
        "-".clone_into(&mut object.id);
    }
    let payment_intent = match object.payment_intent {
        Some(serde_json::Value::String(id)) => Some(id),
        Some(serde_json::Value::Object(expanded)) => {
            expanded.get("id").and_then(|id| id.as_str()).map(str::to_owned)
        }
        _ if object.object == "payment_intent" => Some(object.id.clone()),
        _ => None,
    };
    let ids = [
        Some(&json.id),
        Some(&object.id),
        payment_intent.as_ref(),
        json.account.as_ref(),
    ];
    if !ids.into_iter().flatten().all(|id| is_id(id)) || !is_word(&json.kind) {
        return None;
    }
    let is_currency = |text: &String| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    Some(Received {
        account: json.account,
        is_live: json.livemode,
        event: StripeEvent {
            id: json.id,
            kind: json.kind,
            object_id: object.id,
            provider_payment_id: payment_intent,
            payment: our_id(object.metadata.payment.as_deref()),
            status: object.status.filter(|word| is_word(word)),
            reason: object.reason.filter(|word| is_word(word)),
            amount_minor: object.amount,
            currency: object
                .currency
                .filter(is_currency)
                .map(|currency| currency.to_ascii_uppercase()),
        },
    })
}

fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_told_of_a_payment_is_read_and_the_payer_is_not() {
        let payment = uuid::Uuid::from_u128(7);
        let body = json!({ "id": "evt_1", "type": "charge.dispute.created", "account": "acct_1", "livemode": false,
            "data": { "object": { "id": "du_1", "object": "dispute", "payment_intent": "pi_1", "status": "needs_response",
                "reason": "fraudulent", "amount": 1200, "currency": "usd", "metadata": { "paymentId": payment },
                "evidence": { "customer_name": "Somebody" } } } });
        let read = read(body.to_string().as_bytes()).unwrap();
        assert_eq!(read.account.as_deref(), Some("acct_1"));
        assert_eq!(read.event.provider_payment_id.as_deref(), Some("pi_1"));
        assert_eq!(read.event.payment, Some(payment));
        assert_eq!(
            (read.event.amount_minor, read.event.currency.as_deref()),
            (Some(1200), Some("USD"))
        );
        assert!(!format!("{read:?}").contains("Somebody"));
    }

    #[test]
    fn what_is_no_event_is_not_read() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"id":"evt 1","type":"a","data":{"object":{"id":"x"}}}"#,
        ] {
            assert!(read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
