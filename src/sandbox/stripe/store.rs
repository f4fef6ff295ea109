//! What the stand-in remembers, and what becomes of a payment.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{
    error::StripeError,
    event::Event,
    methods::{Behaviour, behaviour},
    objects::{StripeDispute, StripeIntent, StripeRefund, new_id},
};
use crate::sandbox::bounded::{BoundedList, LIST_LIMIT};

/// The least and the most that can be charged, in minor units of the dollar.
const LEAST: i64 = 50;
const MOST: i64 = 99_999_999;

/// An answer that was given under a key.
#[derive(Clone)]
pub(super) struct Replay {
    pub(super) request: String,
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

/// Everything on the connected accounts.
pub(in crate::sandbox) struct StripeMemory {
    pub(super) intents: BoundedList<StripeIntent>,
    pub(super) refunds: BoundedList<StripeRefund>,
    pub(super) disputes: BoundedList<StripeDispute>,
    replays: HashMap<(String, String), Replay>,
}

/// What a change leads to: the answer, and what is told of it.
pub(super) type Changed = Result<(Value, Vec<Event>), (StripeError, Vec<Event>)>;

/// A PaymentIntent to be made.
pub(super) struct NewIntent {
    pub(super) account: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) method: Option<String>,
    pub(super) confirm: bool,
    pub(super) at: i64,
}

/// A refund to be made.
pub(super) struct NewRefund {
    pub(super) account: String,
    pub(super) payment_intent: String,
    pub(super) amount: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) at: i64,
}

impl StripeMemory {
    pub(in crate::sandbox) fn new() -> Self {
        Self {
            intents: BoundedList::new(),
            refunds: BoundedList::new(),
            disputes: BoundedList::new(),
            replays: HashMap::new(),
        }
    }

    pub(super) fn replay(&self, account: &str, key: &str) -> Option<Replay> {
        self.replays.get(&(account.to_owned(), key.to_owned())).cloned()
    }

    pub(super) fn remember(&mut self, account: &str, key: &str, replay: Replay) {
        // Stripe forgets keys after a day; here when there are too many.
        if self.replays.len() >= LIST_LIMIT {
            self.replays.clear();
        }
        self.replays.insert((account.to_owned(), key.to_owned()), replay);
    }

    pub(super) fn intent(&self, account: &str, id: &str) -> Option<&StripeIntent> {
        self.intents
            .iter()
            .find(|intent| intent.id == id && intent.account == account)
    }

    fn intent_mut(&mut self, id: &str) -> Option<&mut StripeIntent> {
        self.intents.iter_mut().find(|intent| intent.id == id)
    }

    pub(super) fn create(&mut self, new: NewIntent) -> Changed {
        let refused = |code, message| Err((StripeError::invalid(code, message), Vec::new()));
        if new.amount < LEAST {
            return refused("amount_too_small", "Amount must be at least $0.50 usd");
        }
        if new.amount > MOST {
            return refused("amount_too_large", "Amount must be no more than $999,999.99");
        }
        if new
            .method
            .as_deref()
            .is_some_and(|method| behaviour(method).is_none())
        {
            return refused("resource_missing", "No such PaymentMethod");
        }
        let id = new_id("pi");
        let intent = StripeIntent {
            client_secret: format!("{id}_secret_{:020x}", rand::random::<u128>() >> 48),
            status: if new.method.is_some() {
                "requires_confirmation"
            } else {
                "requires_payment_method"
            }
            .to_owned(),
            account: new.account,
            amount: new.amount,
            currency: new.currency,
            metadata: new.metadata,
            payment_method: new.method.clone(),
            latest_charge: None,
            last_error: None,
            created: new.at,
            refunded: 0,
            id: id.clone(),
        };
        let made = Event::new(&intent.account, "payment_intent.created", intent.json());
        let answer = intent.json();
        self.intents.push(intent);
        match new.method.filter(|_| new.confirm) {
            None => Ok((answer, vec![made])),
            Some(method) => match self.confirm(&id, &method) {
                Ok((answer, events)) => Ok((answer, [vec![made], events].concat())),
                Err((error, events)) => Err((error, [vec![made], events].concat())),
            },
        }
    }

    /// Tries a payment with a method.
    pub(super) fn confirm(&mut self, id: &str, method: &str) -> Changed {
        let Some(behaviour) = behaviour(method) else {
            return Err((
                StripeError::invalid("resource_missing", "No such PaymentMethod"),
                Vec::new(),
            ));
        };
        let Some(intent) = self.intent_mut(id) else {
            return Err((StripeError::missing("payment_intent"), Vec::new()));
        };
        if ![
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
        ]
        .contains(&intent.status.as_str())
        {
            let message = "This PaymentIntent's status does not allow this.";
            return Err((
                StripeError::invalid("payment_intent_unexpected_state", message),
                Vec::new(),
            ));
        }
        intent.payment_method = Some(method.to_owned());
        match behaviour {
            Behaviour::NeedsAction => {
                "requires_action".clone_into(&mut intent.status);
                let told = Event::new(&intent.account, "payment_intent.requires_action", intent.json());
                Ok((intent.json(), vec![told]))
            }
            Behaviour::Processes => {
                "processing".clone_into(&mut intent.status);
                intent.latest_charge = Some(new_id("py"));
                let told = Event::new(&intent.account, "payment_intent.processing", intent.json());
                Ok((intent.json(), vec![told]))
            }
            Behaviour::Declines(code, decline) => Err(self.decline(id, code, decline)),
            Behaviour::Disputed => {
                let mut events = self.succeed(id);
                events.extend(self.dispute(id, "fraudulent"));
                let answer = self.intent_mut(id).map_or(Value::Null, |intent| intent.json());
                Ok((answer, events))
            }
            Behaviour::Succeeds | Behaviour::RefundFails | Behaviour::RefundPends => {
                let events = self.succeed(id);
                let answer = self.intent_mut(id).map_or(Value::Null, |intent| intent.json());
                Ok((answer, events))
            }
        }
    }

    /// The money has moved.
    pub(super) fn succeed(&mut self, id: &str) -> Vec<Event> {
        let Some(intent) = self.intent_mut(id) else {
            return Vec::new();
        };
        "succeeded".clone_into(&mut intent.status);
        intent.last_error = None;
        intent.latest_charge.get_or_insert_with(|| new_id("ch"));
        vec![
            Event::new(&intent.account, "charge.succeeded", intent.charge_json()),
            Event::new(&intent.account, "payment_intent.succeeded", intent.json()),
        ]
    }

    /// The money has not moved, and another method may be tried.
    pub(super) fn decline(&mut self, id: &str, code: &str, decline: &str) -> (StripeError, Vec<Event>) {
        let Some(intent) = self.intent_mut(id) else {
            return (StripeError::missing("payment_intent"), Vec::new());
        };
        "requires_payment_method".clone_into(&mut intent.status);
        intent.last_error = Some((code.to_owned(), decline.to_owned()));
        intent.latest_charge = Some(new_id("ch"));
        let events = vec![
            Event::new(&intent.account, "charge.failed", intent.charge_json()),
            Event::new(&intent.account, "payment_intent.payment_failed", intent.json()),
        ];
        (StripeError::declined(code, decline, intent.json()), events)
    }

    pub(super) fn cancel(&mut self, account: &str, id: &str) -> Changed {
        let Some(intent) = self.intent_mut(id).filter(|intent| intent.account == account) else {
            return Err((StripeError::missing("payment_intent"), Vec::new()));
        };
        if ["succeeded", "canceled", "processing"].contains(&intent.status.as_str()) {
            let message = "You cannot cancel this PaymentIntent because of its status.";
            return Err((
                StripeError::invalid("payment_intent_unexpected_state", message),
                Vec::new(),
            ));
        }
        "canceled".clone_into(&mut intent.status);
        let told = Event::new(account, "payment_intent.canceled", intent.json());
        Ok((intent.json(), vec![told]))
    }

    pub(super) fn refund(&mut self, new: NewRefund) -> Changed {
        let Some(intent) = self
            .intent_mut(&new.payment_intent)
            .filter(|intent| intent.account == new.account)
        else {
            return Err((StripeError::missing("payment_intent"), Vec::new()));
        };
        let refused = |code, message| Err((StripeError::invalid(code, message), Vec::new()));
        if intent.status != "succeeded" {
            return refused(
                "charge_not_refundable",
                "This PaymentIntent does not have a successful charge to refund.",
            );
        }
        let left = intent.amount - intent.refunded;
        if left == 0 {
            return refused("charge_already_refunded", "Charge has already been refunded.");
        }
        let amount = new.amount.unwrap_or(left);
        if amount <= 0 || amount > left {
            return refused(
                "amount_too_large",
                "Refund amount is greater than unrefunded amount on charge.",
            );
        }
        intent.refunded += amount;
        let behaviour = intent.payment_method.as_deref().and_then(behaviour);
        let status = if behaviour == Some(Behaviour::RefundPends) {
            "pending"
        } else {
            "succeeded"
        };
        let refund = StripeRefund {
            id: new_id("re"),
            account: new.account,
            payment_intent: new.payment_intent,
            amount,
            currency: intent.currency.clone(),
            status: status.to_owned(),
            reason: new.reason,
            metadata: new.metadata,
            created: new.at,
        };
        let mut events = vec![
            Event::new(&refund.account, "refund.created", refund.json()),
            Event::new(&refund.account, "charge.refunded", intent.charge_json()),
        ];
        let (answer, id) = (refund.json(), refund.id.clone());
        self.refunds.push(refund);
        if behaviour == Some(Behaviour::RefundFails) {
            events.extend(self.fail_refund(&id));
        }
        Ok((answer, events))
    }

    /// The money came back.
    pub(super) fn fail_refund(&mut self, id: &str) -> Vec<Event> {
        let Some(refund) = self
            .refunds
            .iter_mut()
            .find(|refund| refund.id == id && refund.status != "failed")
        else {
            return Vec::new();
        };
        "failed".clone_into(&mut refund.status);
        let refund = refund.clone();
        if let Some(intent) = self.intent_mut(&refund.payment_intent) {
            intent.refunded -= refund.amount;
        }
        vec![Event::new(&refund.account, "refund.failed", refund.json())]
    }

    /// The payer's bank takes a payment back.
    pub(super) fn dispute(&mut self, id: &str, reason: &str) -> Vec<Event> {
        let Some(intent) = self.intents.iter().find(|intent| intent.id == id) else {
            return Vec::new();
        };
        let dispute = StripeDispute {
            id: new_id("du"),
            account: intent.account.clone(),
            payment_intent: intent.id.clone(),
            charge: intent.latest_charge.clone(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            reason: reason.to_owned(),
            status: "needs_response".to_owned(),
            created: intent.created,
        };
        let events = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
            .map(|kind| Event::new(&dispute.account, kind, dispute.json()));
        self.disputes.push(dispute);
        events.to_vec()
    }

    /// The bank has decided.
    pub(super) fn close_dispute(&mut self, id: &str, won: bool) -> Vec<Event> {
        let Some(dispute) = self.disputes.iter_mut().find(|dispute| dispute.id == id) else {
            return Vec::new();
        };
        if won { "won" } else { "lost" }.clone_into(&mut dispute.status);
        let mut events = vec![Event::new(
            &dispute.account,
            "charge.dispute.closed",
            dispute.json(),
        )];
        if won {
            events.push(Event::new(
                &dispute.account,
                "charge.dispute.funds_reinstated",
                dispute.json(),
            ));
        }
        events
    }
}
