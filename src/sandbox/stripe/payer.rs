//! How a person or a test plays the payer and their bank, and looks at what Stripe has.

use super::{
    event::{Event, tell},
    objects::{StripeDispute, StripeIntent, StripeRefund},
    store::StripeMemory,
};
use crate::sandbox::{faults::Provider, state::SandboxState};

impl SandboxState {
    /// Every payment, oldest first.
    pub fn stripe_intents(&self) -> Vec<StripeIntent> {
        self.with_stripe(|memory| memory.intents.iter().cloned().collect())
    }

    /// Every refund, oldest first.
    pub fn stripe_refunds(&self) -> Vec<StripeRefund> {
        self.with_stripe(|memory| memory.refunds.iter().cloned().collect())
    }

    /// Every dispute, oldest first.
    pub fn stripe_disputes(&self) -> Vec<StripeDispute> {
        self.with_stripe(|memory| memory.disputes.iter().cloned().collect())
    }

    /// The payer's browser confirms a payment with a method, as Stripe.js does.
    pub fn stripe_confirm(&self, intent: &str, method: &str) {
        self.play(|memory| match memory.confirm(intent, method) {
            Ok((_, events)) | Err((_, events)) => events,
        });
    }

    /// The payer confirms a payment with their bank (3-D Secure), or does not.
    pub fn stripe_authenticate(&self, intent: &str, confirmed: bool) {
        self.play(|memory| {
            let waits = memory
                .intents
                .iter()
                .any(|known| known.id == intent && known.status == "requires_action");
            match (waits, confirmed) {
                (false, _) => Vec::new(),
                (true, true) => memory.succeed(intent),
                (true, false) => {
                    let code = "payment_intent_authentication_failure";
                    memory.decline(intent, code, code).1
                }
            }
        });
    }

    /// A bank debit arrives, or comes back.
    pub fn stripe_settle_debit(&self, intent: &str, arrives: bool) {
        self.play(|memory| {
            let waits = memory
                .intents
                .iter()
                .any(|known| known.id == intent && known.status == "processing");
            match (waits, arrives) {
                (false, _) => Vec::new(),
                (true, true) => memory.succeed(intent),
                (true, false) => {
                    memory
                        .decline(intent, "insufficient_funds", "insufficient_funds")
                        .1
                }
            }
        });
    }

    /// The payer's bank takes a payment back.
    pub fn stripe_dispute(&self, intent: &str) {
        self.play(|memory| memory.dispute(intent, "fraudulent"));
    }

    /// The bank decides a dispute.
    pub fn stripe_close_dispute(&self, dispute: &str, won: bool) {
        self.play(|memory| memory.close_dispute(dispute, won));
    }

    /// A refund comes back.
    pub fn stripe_fail_refund(&self, refund: &str) {
        self.play(|memory| memory.fail_refund(refund));
    }

    /// Somebody gives money back in Stripe's dashboard.
    pub fn stripe_refund_at_stripe(&self, intent: &str, amount: i64) {
        let at = self.now().timestamp();
        self.play(|memory| {
            let account = memory
                .intents
                .iter()
                .find(|known| known.id == intent)
                .map(|known| known.account.clone());
            let new = super::store::NewRefund {
                account: account.unwrap_or_default(),
                payment_intent: intent.to_owned(),
                amount: Some(amount),
                reason: None,
                metadata: serde_json::Map::new(),
                at,
            };
            match memory.refund(new) {
                Ok((_, events)) | Err((_, events)) => events,
            }
        });
    }

    /// Changes what Stripe has, and tells of it, as the fault wants it that waits.
    fn play(&self, change: impl FnOnce(&mut StripeMemory) -> Vec<Event>) {
        let events = self.with_stripe(change);
        tell(self, events, self.take_fault(Provider::Stripe));
    }
}
