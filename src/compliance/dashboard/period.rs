//! The days that are looked at, and as many before them to compare with.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

/// The longest period, in days.
const PAGE_OF_DAYS: i64 = 92;

/// Whole days of the UTC calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compliance) struct Period {
    pub(in crate::compliance) first: NaiveDate,
    pub(in crate::compliance) last: NaiveDate,
}

impl Period {
    /// Checks the days.
    ///
    /// # Errors
    /// A sentence on what is wrong with them.
    pub(in crate::compliance) fn new(first: NaiveDate, last: NaiveDate) -> Result<Self, String> {
        let days = (last - first).num_days() + 1;
        if (1..=PAGE_OF_DAYS).contains(&days) {
            Ok(Self { first, last })
        } else {
            Err(format!(
                "`from` and `to` are the first and the last day: give 1 to {PAGE_OF_DAYS} days, not {days}."
            ))
        }
    }

    /// As many days before it.
    pub(in crate::compliance) fn before(self) -> Self {
        let days = u64::try_from((self.last - self.first).num_days() + 1).unwrap_or(1);
        Self {
            first: self.first.checked_sub_days(Days::new(days)).unwrap_or(self.first),
            last: self.first.pred_opt().unwrap_or(self.first),
        }
    }

    /// The instant at which it begins.
    pub(in crate::compliance) fn begin(self) -> DateTime<Utc> {
        self.first.and_time(NaiveTime::MIN).and_utc()
    }

    /// The instant at which it is over.
    pub(in crate::compliance) fn end(self) -> DateTime<Utc> {
        let next = self.last.succ_opt().unwrap_or(self.last);
        next.and_time(NaiveTime::MIN).and_utc()
    }

    pub(in crate::compliance) fn contains(self, day: NaiveDate) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_compared_with_as_many_days_before_it() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let june = Period::new(day("2026-06-01"), day("2026-06-30")).unwrap();
        assert_eq!(
            june.before(),
            Period::new(day("2026-05-02"), day("2026-05-31")).unwrap()
        );
        assert_eq!(june.end().to_rfc3339(), "2026-07-01T00:00:00+00:00");
        let one = Period::new(day("2026-06-01"), day("2026-06-01")).unwrap();
        assert_eq!(one.before().first, day("2026-05-31"));
        assert!(Period::new(day("2026-06-02"), day("2026-06-01")).is_err());
        assert!(Period::new(day("2026-01-01"), day("2026-06-01")).is_err());
    }
}
