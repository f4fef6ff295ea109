//! Faults: how a person or a test makes a vendor misbehave.
//!
//! Faults of one provider stand in a queue; each is spent, in order, on the next message that would otherwise
//! have been accepted. A refused request (bad password, opted-out recipient) spends none.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::bounded::LIST_LIMIT;

/// A vendor that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Twilio's REST API.
    Twilio,
    /// The SMTP server.
    Smtp,
    /// Stripe's REST API.
    Stripe,
}

/// A way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The message is accepted and goes its way, but the connection is held and then closed without an answer,
    /// and no status callback is ever sent: only a look-up at the vendor finds the message.
    Timeout,
    /// The message is not accepted: HTTP 500, or SMTP 451 after the mail's data.
    #[serde(rename = "error_500")]
    Error500,
    /// The message is not accepted: HTTP 429 with Twilio's code 20429.
    RateLimit,
    /// The same, with the word that it should come again in an hour (`Retry-After: 3600`).
    RateLimitHour,
    /// Every status callback of the message is delivered twice, under the same idempotency token.
    DuplicateCallback,
    /// The `delivered` callback arrives before the `sent` callback.
    ReorderCallbacks,
    /// The message is delivered, but its status callbacks are lost. Of Stripe: its webhooks.
    DropCallback,
    /// Of Stripe: nothing is done, and the connection is held and then closed without an answer.
    TimeoutBefore,
    /// Of Stripe: it is done, its webhooks come, and the connection is closed at once without an answer.
    LostAnswer,
    /// Of Stripe: it is done, and nobody hears of it, neither by an answer nor by a webhook: only a look-up finds it.
    Silence,
}

impl Provider {
    /// Every provider that faults can be set for.
    pub const ALL: [Provider; 3] = [Provider::Twilio, Provider::Smtp, Provider::Stripe];

    /// The name in the control API.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Twilio => "twilio",
            Provider::Smtp => "smtp",
            Provider::Stripe => "stripe",
        }
    }

    /// The faults that this provider can show.
    pub fn faults(self) -> &'static [Fault] {
        match self {
            Provider::Twilio => &[
                Fault::Timeout,
                Fault::Error500,
                Fault::RateLimit,
                Fault::RateLimitHour,
                Fault::DuplicateCallback,
                Fault::ReorderCallbacks,
                Fault::DropCallback,
            ],
            Provider::Smtp => &[Fault::Error500],
            Provider::Stripe => &[
                Fault::Timeout,
                Fault::TimeoutBefore,
                Fault::LostAnswer,
                Fault::Silence,
                Fault::Error500,
                Fault::RateLimit,
                Fault::DuplicateCallback,
                Fault::ReorderCallbacks,
                Fault::DropCallback,
            ],
        }
    }
}

impl Fault {
    /// The name in the control API.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Timeout => "timeout",
            Fault::Error500 => "error_500",
            Fault::RateLimit => "rate_limit",
            Fault::RateLimitHour => "rate_limit_hour",
            Fault::DuplicateCallback => "duplicate_callback",
            Fault::ReorderCallbacks => "reorder_callbacks",
            Fault::DropCallback => "drop_callback",
            Fault::TimeoutBefore => "timeout_before",
            Fault::LostAnswer => "lost_answer",
            Fault::Silence => "silence",
        }
    }
}

/// Why a fault was not set; the text lists what is accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FaultError {
    /// No such provider.
    #[error("unknown provider {0:?}; accepted are: {accepted}", accepted = provider_names())]
    UnknownProvider(String),
    /// The provider has no such fault.
    #[error("{provider} has no fault {fault:?}; accepted are: {accepted}",
        provider = provider.name(), accepted = fault_names(*provider))]
    UnknownFault {
        /// The provider that was named.
        provider: Provider,
        /// The fault that was asked for.
        fault: String,
    },
    /// Zero, or more than the queue holds.
    #[error("count must be from 1 to {LIST_LIMIT} with at most {LIST_LIMIT} faults waiting")]
    BadCount,
}

fn provider_names() -> String {
    Provider::ALL.map(Provider::name).join(", ")
}

fn fault_names(provider: Provider) -> String {
    provider
        .faults()
        .iter()
        .map(|fault| fault.name())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Finds a provider and one of its faults by their names.
pub(super) fn parse(provider: &str, fault: &str) -> Result<(Provider, Fault), FaultError> {
    let provider = Provider::ALL
        .into_iter()
        .find(|known| known.name() == provider)
        .ok_or_else(|| FaultError::UnknownProvider(provider.to_owned()))?;
    let fault = provider
        .faults()
        .iter()
        .copied()
        .find(|known| known.name() == fault)
        .ok_or_else(|| FaultError::UnknownFault {
            provider,
            fault: fault.to_owned(),
        })?;
    Ok((provider, fault))
}

/// The faults that wait to be spent.
#[derive(Default)]
pub(super) struct FaultQueue {
    waiting: BTreeMap<Provider, VecDeque<Fault>>,
}

impl FaultQueue {
    /// Queues `fault` for the next `count` messages.
    pub(super) fn add(&mut self, provider: Provider, fault: Fault, count: usize) -> Result<(), FaultError> {
        if !provider.faults().contains(&fault) {
            return Err(FaultError::UnknownFault {
                provider,
                fault: fault.name().to_owned(),
            });
        }
        let queue = self.waiting.entry(provider).or_default();
        if count == 0 || count > LIST_LIMIT.saturating_sub(queue.len()) {
            return Err(FaultError::BadCount);
        }
        queue.extend(std::iter::repeat_n(fault, count));
        Ok(())
    }

    /// Spends the provider's next fault.
    pub(super) fn take(&mut self, provider: Provider) -> Option<Fault> {
        self.waiting.get_mut(&provider)?.pop_front()
    }

    /// What still waits, in the order in which it will be spent.
    pub(super) fn waiting(&self) -> Vec<(Provider, Fault)> {
        self.waiting
            .iter()
            .flat_map(|(provider, queue)| queue.iter().map(move |fault| (*provider, *fault)))
            .collect()
    }
}
