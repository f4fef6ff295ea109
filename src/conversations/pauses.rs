//! How long to wait before something that failed is tried again.

use chrono::TimeDelta;

/// Pauses that double from failure to failure, up to a longest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    pub(super) first: TimeDelta,
    pub(super) longest: TimeDelta,
}

impl Pauses {
    /// The pause after so many failures in a row (the first is 1).
    pub(super) fn after(self, failures: i16) -> TimeDelta {
        // Sixteen doublings of a second are most of a day: beyond them the longest stands anyway.
        let doublings = u32::from(failures.saturating_sub(1).clamp(0, 16).unsigned_abs());
        let pause = self.first.checked_mul(2_i32.pow(doublings));
        pause.unwrap_or(self.longest).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_whatever_the_count() {
        let pauses = Pauses {
            first: TimeDelta::seconds(5),
            longest: TimeDelta::minutes(15),
        };
        let seconds: Vec<i64> = (0..=9)
            .map(|failures| pauses.after(failures).num_seconds())
            .collect();
        assert_eq!(seconds, [5, 5, 10, 20, 40, 80, 160, 320, 640, 900]);
        for failures in [10, 17, 1_000, i16::MAX, i16::MIN] {
            let pause = pauses.after(failures);
            assert!(
                pause >= pauses.first && pause <= pauses.longest,
                "{failures}: {pause}"
            );
        }
    }
}
