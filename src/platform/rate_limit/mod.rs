//! Rate limits over sliding windows, shared through Redis, in-process when there is none.
//!
//! **Algorithm.** A window is cut into ten slices. A request is counted in the slice that it falls into,
//! and the decision adds up the present slice and the ten before it, which always cover the whole window
//! and up to a tenth more. The error is therefore one-sided: in *no* interval of the window's length are
//! more requests allowed than the limit, and a request may be refused for up to a tenth of the window
//! longer than exact counting would. Both backends follow the same rule. It assumes clocks that agree:
//! between processes with skewed clocks the excess is what arrives during the skew.
//!
//! **All or nothing.** A check of several rules counts in all of them or, when one refuses, in none.
//!
//! **Privacy.** A subject (address, user, account) is stored only as HMAC-SHA-256 under a key.
//!
//! **Outage.** When Redis fails or is slow, checks are decided in-process, Redis is tried again by one
//! request every few seconds, and the outage is logged once. Counts of an outage are per process and are
//! not carried over, so the bound is then the limit times the number of processes.

mod in_process;
mod redis_backend;
mod rules;
mod slices;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::platform::crypto::{BlindKey, blind_index};
use in_process::InProcess;
pub use redis_backend::RedisBackend;
pub use rules::{RateLimits, Rule};
use slices::{Action, Count};

/// How long a failed Redis is left alone.
const RETRY_AFTER_OUTAGE: Duration = Duration::from_secs(3);

/// Marks "Redis answers" in the atomic that otherwise holds the instant of the next attempt.
const REDIS_UP: i64 = i64::MIN;

/// Where the counts live.
#[derive(Debug)]
pub enum Backend {
    /// In this process alone.
    InProcess,
    /// In Redis, shared by all processes.
    Redis(RedisBackend),
}

/// The answer to a check: of all rules the one that binds most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The name of the binding rule; empty when there were no rules.
    pub rule: &'static str,
    /// Its limit.
    pub limit: u32,
    /// How many more requests it would allow now.
    pub remaining: u32,
    /// How long until it allows one; zero when allowed. For a `Retry-After` header, round up.
    pub retry_after: Duration,
}

/// Counts requests against [`Rule`]s. One per process, shared.
#[derive(Debug)]
pub struct RateLimiter {
    redis: Option<RedisBackend>,
    in_process: InProcess,
    subject_key: BlindKey,
    /// [`REDIS_UP`], or the wall time in milliseconds at which Redis may be tried again.
    next_attempt_millis: AtomicI64,
}

impl RateLimiter {
    /// A limiter over `backend`. Subjects are fingerprinted under `subject_key`, which all processes
    /// share; `most_subjects` bounds the memory of in-process counting (about 200 bytes each).
    pub fn new(backend: Backend, subject_key: BlindKey, most_subjects: NonZeroUsize) -> Self {
        let redis = match backend {
            Backend::InProcess => None,
            Backend::Redis(redis) => Some(redis),
        };
        Self {
            redis,
            in_process: InProcess::new(most_subjects),
            subject_key,
            next_attempt_millis: AtomicI64::new(REDIS_UP),
        }
    }

    /// Counts one request for each rule and its subject if all of them allow it.
    ///
    /// `now` is wall time.
    pub async fn check(&self, rules: &[(Rule, &str)], now: DateTime<Utc>) -> Verdict {
        self.apply(Action::Check, &self.one_each(rules), now).await
    }

    /// As [`check`](Self::check), with so many at once for each rule: all of them, or none. More than a rule's limit
    /// are never allowed.
    pub async fn charge(&self, rules: &[(Rule, &str, u32)], now: DateTime<Utc>) -> Verdict {
        let counters = rules
            .iter()
            .map(|(rule, subject, amount)| self.counter(*rule, subject, *amount));
        let counters: Vec<Counter> = counters.collect();
        self.apply(Action::Check, &counters, now).await
    }

    /// Whether [`check`](Self::check) would allow a request, without counting it.
    pub async fn peek(&self, rules: &[(Rule, &str)], now: DateTime<Utc>) -> Verdict {
        self.apply(Action::Peek, &self.one_each(rules), now).await
    }

    /// Counts one failure for each rule and its subject, whatever the limits, and answers what
    /// [`peek`](Self::peek) would answer next.
    ///
    /// For limits that count failures only: `peek`, try, `record_failure`. Attempts that run at the same
    /// time are not counted until they fail, so as many can slip through as run at once; where that
    /// matters, `check` before the attempt and [`refund`](Self::refund) when it succeeds.
    pub async fn record_failure(&self, rules: &[(Rule, &str)], now: DateTime<Utc>) -> Verdict {
        self.apply(Action::Record, &self.one_each(rules), now).await
    }

    /// Takes back what a [`check`](Self::check) counted at the instant `counted_at`.
    pub async fn refund(&self, rules: &[(Rule, &str)], counted_at: DateTime<Utc>) {
        self.apply(Action::Refund, &self.one_each(rules), counted_at)
            .await;
    }

    /// Whether checks are decided in-process although Redis is configured.
    pub fn is_degraded(&self) -> bool {
        self.redis.is_some() && self.next_attempt_millis.load(Ordering::SeqCst) != REDIS_UP
    }

    fn one_each(&self, rules: &[(Rule, &str)]) -> Vec<Counter> {
        let counters = rules
            .iter()
            .map(|(rule, subject)| self.counter(*rule, subject, 1));
        counters.collect()
    }

    fn counter(&self, rule: Rule, subject: &str, amount: u32) -> Counter {
        Counter {
            rule,
            subject: self.fingerprint(&rule, subject),
            amount,
        }
    }

    async fn apply(&self, action: Action, counters: &[Counter], now: DateTime<Utc>) -> Verdict {
        let millis = now.timestamp_millis();
        let counts = match self.ask_redis(action, counters, millis).await {
            Some(counts) => counts,
            None => self.in_process.apply(action, counters, millis),
        };
        verdict(action, counters, &counts)
    }

    async fn ask_redis(&self, action: Action, counters: &[Counter], millis: i64) -> Option<Vec<Count>> {
        let redis = self.redis.as_ref()?;
        if counters.is_empty() || !self.may_try_redis(millis) {
            return None;
        }
        match redis.apply(action, counters, millis).await {
            Ok(counts) => {
                self.note_recovery();
                Some(counts)
            }
            Err(error) => {
                self.note_failure(&error, millis);
                None
            }
        }
    }

    /// True while Redis answers; during an outage, for one caller per pause.
    fn may_try_redis(&self, millis: i64) -> bool {
        let next_attempt = self.next_attempt_millis.load(Ordering::SeqCst);
        if next_attempt == REDIS_UP {
            return true;
        }
        let pause = slices::millis_of(RETRY_AFTER_OUTAGE);
        // The second test is for a wall clock that was set back: it must not keep Redis away for hours.
        let due = millis >= next_attempt || next_attempt - millis > pause;
        due && self
            .next_attempt_millis
            .compare_exchange(next_attempt, millis + pause, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    fn note_failure(&self, error: &redis::RedisError, millis: i64) {
        let next_attempt = millis + slices::millis_of(RETRY_AFTER_OUTAGE);
        let before = self.next_attempt_millis.swap(next_attempt, Ordering::SeqCst);
        metrics::counter!("rate_limit_redis_errors_total").increment(1);
        if before == REDIS_UP {
            metrics::gauge!("rate_limit_degraded").set(1.0);
            // The category and not the text: it could hold a key or an address.
            tracing::warn!(
                error = error.category(),
                "Redis does not answer: rate limits are counted in this process until it does"
            );
        }
    }

    fn note_recovery(&self) {
        if self.next_attempt_millis.swap(REDIS_UP, Ordering::SeqCst) != REDIS_UP {
            metrics::gauge!("rate_limit_degraded").set(0.0);
            tracing::info!("Redis answers again: rate limits are shared again");
        }
    }

    fn fingerprint(&self, rule: &Rule, subject: &str) -> Subject {
        // Rule names hold no zero byte, so that rule and subject cannot run into each other.
        blind_index(&self.subject_key, &format!("{}\0{subject}", rule.name))
    }
}

/// A fingerprint of rule and subject.
type Subject = [u8; 32];

/// What an action is done to, and how many times.
#[derive(Debug)]
struct Counter {
    rule: Rule,
    subject: Subject,
    amount: u32,
}

impl Counter {
    /// Whether a window that holds so many events has room for these.
    fn has_room(&self, before: u32) -> bool {
        before.saturating_add(self.amount) <= self.rule.limit
    }
}

fn verdict(action: Action, counters: &[Counter], counts: &[Count]) -> Verdict {
    let allowed = counts
        .iter()
        .zip(counters)
        .all(|(count, counter)| counter.has_room(count.before));
    let counts_now = match action {
        Action::Check => allowed,
        Action::Record => true,
        Action::Peek | Action::Refund => false,
    };
    counters
        .iter()
        .zip(counts)
        .map(|(counter, count)| {
            let rule = &counter.rule;
            let counted = if counts_now { counter.amount } else { 0 };
            let after = count.before.saturating_add(counted);
            // A recorded failure is judged after it was counted, everything else before.
            let judged = if action == Action::Record {
                after
            } else {
                count.before
            };
            let refuses = !counter.has_room(judged);
            Verdict {
                allowed: !refuses,
                rule: rule.name,
                limit: rule.limit,
                remaining: rule.limit.saturating_sub(after),
                retry_after: if refuses {
                    count.retry_after
                } else {
                    Duration::ZERO
                },
            }
        })
        .min_by_key(|verdict| {
            (
                verdict.allowed,
                std::cmp::Reverse(verdict.retry_after),
                verdict.remaining,
            )
        })
        .unwrap_or(Verdict {
            allowed: true,
            rule: "",
            limit: u32::MAX,
            remaining: u32::MAX,
            retry_after: Duration::ZERO,
        })
}
