//! What an operation counts for against the limits of how often, and how much, one may ask: whoever calls without a login by
//! address, whoever is signed in by user, and a business for all of its staff and API keys together, by what operations cost.

use std::{sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;

use super::transport::Refusal;
use crate::{
    identity::Caller,
    platform::{
        clock::WallClock,
        error_code::ErrorCode,
        ids::{self, IdKind},
        rate_limit::{RateLimiter, RateLimits, Rule},
    },
};

/// Counts operations.
#[derive(Clone)]
pub struct Meter {
    pub(crate) limiter: Arc<RateLimiter>,
    pub(crate) rate_limits: RateLimits,
    pub(crate) wall: Arc<dyn WallClock>,
}

/// So much, of one subject, against one rule.
struct Charge {
    rule: Rule,
    subject: String,
    amount: u32,
}

/// What is about to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) kind: OperationType,
    /// Root fields that need no login.
    pub(super) public: u32,
    /// Root fields.
    pub(super) fields: usize,
    /// By `transport::check_document`.
    pub(super) cost: u64,
}

impl Meter {
    /// Counts an operation, if all limits allow it.
    ///
    /// # Errors
    /// RATE_LIMITED, and when to come again.
    pub(super) async fn charge(
        &self,
        caller: &Caller,
        (peer, user): (&str, Option<String>),
        weight: Weight,
    ) -> Result<(), Refusal> {
        let mut charges = Vec::with_capacity(3);
        if weight.public > 0 {
            charges.push(Charge {
                rule: self.rate_limits.public_per_minute,
                subject: peer.to_owned(),
                amount: weight.public,
            });
        }
        if let Some(subject) = user {
            // Each field of a mutation has its effect, and costs a transaction of its own; a query is one, whatever it
            // selects, and so is a subscription.
            let acts = match weight.kind {
                OperationType::Mutation => u32::try_from(weight.fields).unwrap_or(u32::MAX),
                OperationType::Query | OperationType::Subscription => 1,
            };
            charges.push(Charge {
                rule: self.rate_limits.user_per_minute,
                subject,
                amount: acts.max(1),
            });
        }
        if let Some(subject) = business_of(caller) {
            charges.push(Charge {
                rule: self.rate_limits.business_cost_per_minute,
                subject,
                amount: u32::try_from(weight.cost).unwrap_or(u32::MAX).max(1),
            });
        }
        self.count(&charges).await
    }

    async fn count(&self, charges: &[Charge]) -> Result<(), Refusal> {
        if charges.is_empty() {
            return Ok(());
        }
        if let Some(charge) = charges.iter().find(|charge| charge.amount > charge.rule.limit) {
            return Err(Refusal::new(ErrorCode::RateLimited, self.never(charge)));
        }
        let rules: Vec<(Rule, &str, u32)> = charges
            .iter()
            .map(|charge| (charge.rule, charge.subject.as_str(), charge.amount))
            .collect();
        let verdict = self.limiter.charge(&rules, self.wall.now()).await;
        if verdict.allowed {
            return Ok(());
        }
        let pause = whole_seconds(verdict.retry_after);
        let seconds = pause.as_secs();
        let message = match verdict.rule == self.rate_limits.business_cost_per_minute.name {
            true => format!(
                "Your business asks for too much at once: what its operations cost is at most {} in a minute. Try again \
                 in {seconds} s, or ask for smaller pages (first, last).",
                verdict.limit
            ),
            false => format!(
                "Too many requests ({} per {}). Try again in {seconds} s.",
                verdict.limit, verdict.rule
            ),
        };
        Err(Refusal::new(ErrorCode::RateLimited, message).after(pause))
    }

    /// Why no waiting helps.
    fn never(&self, charge: &Charge) -> String {
        let Charge { rule, amount, .. } = charge;
        match rule.name == self.rate_limits.business_cost_per_minute.name {
            true => format!(
                "The operation costs {amount}, and all of a business are at most {} in a minute: ask for smaller pages \
                 (first, last).",
                rule.limit
            ),
            false => format!(
                "The operation selects {amount} fields at its root, each of which counts, and at most {} per {} are \
                 allowed: select fewer.",
                rule.limit, rule.name
            ),
        }
    }
}

/// The business whose staff or program it is. Debtors count by themselves alone, or one of them could keep the staff out; so
/// does the platform's staff, whose visit is not the business's doing.
fn business_of(caller: &Caller) -> Option<String> {
    match caller {
        Caller::Member(_) | Caller::Service(_) => {
            let business = caller.tenant()?.business_id();
            Some(ids::encode(IdKind::Business, business))
        }
        Caller::Anonymous { .. } | Caller::Visitor(_) | Caller::Debtor(_) | Caller::Platform { .. } => None,
    }
}

/// Rounded up: who comes a moment too early is refused again.
fn whole_seconds(pause: Duration) -> Duration {
    let begun = u64::from(pause.subsec_nanos() > 0);
    Duration::from_secs((pause.as_secs() + begun).max(1))
}
