//! Stripe's objects, as the stand-in keeps and tells them.

use serde_json::{Map, Value, json};

/// A PaymentIntent.
#[derive(Clone, Debug)]
pub struct StripeIntent {
    pub id: String,
    /// The connected account that it is on.
    pub account: String,
    /// In the currency's minor units.
    pub amount: i64,
    pub currency: String,
    /// As Stripe spells it.
    pub status: String,
    pub client_secret: String,
    pub metadata: Map<String, Value>,
    /// With what it was tried last.
    pub payment_method: Option<String>,
    pub(super) latest_charge: Option<String>,
    /// `(code, decline_code)` of the last try.
    pub(super) last_error: Option<(String, String)>,
    pub(super) created: i64,
    /// How much of it was given back.
    pub refunded: i64,
}

/// A refund.
#[derive(Clone, Debug)]
pub struct StripeRefund {
    pub id: String,
    pub account: String,
    pub payment_intent: String,
    pub amount: i64,
    pub(super) currency: String,
    /// As Stripe spells it.
    pub status: String,
    pub(super) reason: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) created: i64,
}

/// A dispute.
#[derive(Clone, Debug)]
pub struct StripeDispute {
    pub id: String,
    pub account: String,
    pub payment_intent: String,
    pub(super) charge: Option<String>,
    pub amount: i64,
    pub(super) currency: String,
    pub(super) reason: String,
    /// As Stripe spells it.
    pub status: String,
    pub(super) created: i64,
}

/// A new identifier. Random even in tests, as Stripe's are.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{:024x}", rand::random::<u128>() >> 32)
}

impl StripeIntent {
    pub(super) fn json(&self) -> Value {
        let error = self.last_error.as_ref().map(|(code, decline)| {
            json!({ "type": "card_error", "code": code, "decline_code": decline, "message": "Your card was declined." })
        });
        let next_action = (self.status == "requires_action").then(
            || json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } }),
        );
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount, "amount_capturable": 0,
            "amount_received": if self.status == "succeeded" { self.amount } else { 0 },
            "capture_method": "automatic_async", "client_secret": self.client_secret, "confirmation_method": "automatic",
            "created": self.created, "currency": self.currency, "customer": null, "latest_charge": self.latest_charge,
            "last_payment_error": error, "livemode": false, "metadata": self.metadata, "next_action": next_action,
            "payment_method": self.payment_method, "status": self.status,
        })
    }

    /// The charge of its last try.
    pub(super) fn charge_json(&self) -> Value {
        let succeeded = self.status == "succeeded";
        json!({
            "id": self.latest_charge, "object": "charge", "amount": self.amount, "amount_refunded": self.refunded,
            "created": self.created, "currency": self.currency, "livemode": false, "metadata": self.metadata,
            "paid": succeeded, "payment_intent": self.id, "payment_method": self.payment_method,
            "refunded": self.refunded == self.amount, "status": if succeeded { "succeeded" } else { "failed" },
        })
    }
}

impl StripeRefund {
    pub(super) fn json(&self) -> Value {
        let failure = (self.status == "failed").then_some("lost_or_stolen_card");
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "created": self.created, "currency": self.currency,
            "failure_reason": failure, "metadata": self.metadata, "payment_intent": self.payment_intent,
            "reason": self.reason, "status": self.status,
        })
    }
}

impl StripeDispute {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "dispute", "amount": self.amount, "charge": self.charge, "created": self.created,
            "currency": self.currency, "is_charge_refundable": false, "livemode": false, "metadata": {},
            "payment_intent": self.payment_intent, "reason": self.reason, "status": self.status,
        })
    }
}
