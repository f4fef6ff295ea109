//! The arithmetic of sliced windows, which both backends share.

use std::time::Duration;

use super::Rule;

/// Slices in one window.
pub(super) const SLICES: usize = 10;
/// A window touches one slice more than it has, because it rarely starts at a slice's edge.
pub(super) const TRACKED: usize = SLICES + 1;

/// What to do with the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Count if every rule allows it.
    Check,
    /// Count nothing.
    Peek,
    /// Count in any case.
    Record,
    /// Take back what was counted.
    Refund,
}

/// The state of one counter, seen before the action took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Events in the window.
    pub before: u32,
    /// How long until the counter has room for as many events again, as it stands after the action;
    /// meaningful only when it has none now.
    pub retry_after: Duration,
}

/// Milliseconds of a duration; windows beyond 292 million years are cut.
pub(super) fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The length of a slice, at least one millisecond.
pub(super) fn slice_millis(rule: &Rule) -> i64 {
    const SLICES_PER_WINDOW: i64 = 10;
    // Rounded up: ten slices must cover the window.
    (millis_of(rule.window).saturating_add(SLICES_PER_WINDOW - 1) / SLICES_PER_WINDOW).max(1)
}

/// The events of one subject under one rule, by slice.
#[derive(Debug, Clone, Default)]
pub(super) struct Slices {
    /// The slice that `counts[0]` counts, in slices since 1970. Time never runs back here: a clock that
    /// is set back keeps counting in the newest slice.
    newest: i64,
    /// Counts from the newest slice back.
    counts: [u32; TRACKED],
}

impl Slices {
    /// Moves on to the slice of `millis` and drops what left the window.
    pub(super) fn advance(&mut self, rule: &Rule, millis: i64) {
        let present = millis.div_euclid(slice_millis(rule));
        let Ok(steps) = usize::try_from(present.saturating_sub(self.newest)) else {
            return;
        };
        if steps > 0 {
            let kept = TRACKED.saturating_sub(steps);
            self.counts.copy_within(..kept, TRACKED - kept);
            self.counts[..TRACKED - kept].fill(0);
            self.newest = present;
        }
    }

    /// Events in the window that ends now.
    pub(super) fn total(&self) -> u32 {
        self.counts
            .iter()
            .fold(0, |total, count| total.saturating_add(*count))
    }

    /// Counts events now.
    pub(super) fn add(&mut self, amount: u32) {
        self.counts[0] = self.counts[0].saturating_add(amount);
    }

    /// Takes back events of the instant `millis`, as many as its slice still has.
    pub(super) fn remove(&mut self, rule: &Rule, millis: i64, amount: u32) {
        let slice = millis.div_euclid(slice_millis(rule));
        let Ok(age) = usize::try_from(self.newest.saturating_sub(slice)) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(age) {
            *count = count.saturating_sub(amount);
        }
    }

    /// How long from `millis` until there is room for so many events.
    pub(super) fn retry_after(&self, rule: &Rule, millis: i64, amount: u32) -> Duration {
        let mut left = self.total();
        let mut slices_to_go = 0;
        for (age, count) in self.counts.iter().enumerate().rev() {
            if left.saturating_add(amount) <= rule.limit {
                break;
            }
            left = left.saturating_sub(*count);
            slices_to_go = TRACKED - age;
        }
        let slice = slice_millis(rule);
        let steps = i64::try_from(slices_to_go).unwrap_or(i64::MAX);
        let due = self.newest.saturating_add(steps).saturating_mul(slice);
        Duration::from_millis(u64::try_from(due.saturating_sub(millis)).unwrap_or(0))
    }

    /// Whether nothing is left in the window that ends at `millis`.
    pub(super) fn is_stale(&self, rule_slice_millis: i64, millis: i64) -> bool {
        let tracked = i64::try_from(TRACKED).unwrap_or(i64::MAX);
        millis.div_euclid(rule_slice_millis).saturating_sub(self.newest) >= tracked
    }
}
