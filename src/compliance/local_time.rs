//! The debtor's clock: local dates, daily windows and the instants at which they begin, right across changes
//! of daylight saving time.

use super::facts::{ClockTime, DayOfWeek};
use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;

/// The calendar date in `zone` at an instant.
pub(super) fn local_date(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The calendar date at an instant where the day is the longest to end (UTC-12): no debtor's own date is earlier.
pub fn earliest_date_anywhere(at: DateTime<Utc>) -> NaiveDate {
    (at - TimeDelta::hours(12)).date_naive()
}

/// Seconds on the clock of `zone` at an instant, 0 to 86,399.
pub(super) fn seconds_of_day(at: DateTime<Utc>, zone: Tz) -> u32 {
    at.with_timezone(&zone).time().num_seconds_from_midnight()
}

/// The date `days` later (earlier when negative); the date itself at the end of the calendar.
pub(super) fn shift_date(date: NaiveDate, days: i64) -> NaiveDate {
    date.checked_add_signed(TimeDelta::days(days)).unwrap_or(date)
}

/// The same day so many years later; 28 February where that year has no 29th.
pub(super) fn shift_years(date: NaiveDate, years: u32) -> NaiveDate {
    date.checked_add_months(Months::new(years.saturating_mul(12)))
        .unwrap_or(NaiveDate::MAX)
}

/// The first instant after `after` at which the clock of `zone` shows `time` on `date`; `None` when that time
/// is past. Where a change of clocks skips the time, the first minute after the gap; 24:00 is midnight of the
/// next day.
pub(super) fn instant_after(
    after: DateTime<Utc>,
    zone: Tz,
    date: NaiveDate,
    time: ClockTime,
) -> Option<DateTime<Utc>> {
    const LONGEST_GAP_MINUTES: i64 = 24 * 60;
    let wanted = date.and_time(NaiveTime::MIN) + TimeDelta::seconds(i64::from(time.seconds()));
    let readings = (0..=LONGEST_GAP_MINUTES)
        .map(|minutes| zone.from_local_datetime(&(wanted + TimeDelta::minutes(minutes))))
        .find(|readings| readings.earliest().is_some())?;
    let instants = [readings.earliest(), readings.latest()].into_iter().flatten();
    instants
        .map(|instant| instant.with_timezone(&Utc))
        .find(|instant| *instant > after)
}

/// The first instant of a local date.
pub(super) fn start_of_day(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let by_utc = date.and_time(NaiveTime::MIN).and_utc();
    instant_after(DateTime::<Utc>::MIN_UTC, zone, date, ClockTime::MIDNIGHT).unwrap_or(by_utc)
}

/// Hours of a day, begin inclusive and end exclusive, that do not run over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hours {
    from: ClockTime,
    to: ClockTime,
}

impl Hours {
    /// The window from one time of day to another, in two pieces where it runs over midnight.
    pub(super) fn between(from: ClockTime, to: ClockTime) -> Vec<Hours> {
        if from < to {
            return vec![Hours { from, to }];
        }
        vec![
            Hours {
                from,
                to: ClockTime::END_OF_DAY,
            },
            Hours {
                from: ClockTime::MIDNIGHT,
                to,
            },
        ]
    }

    fn contains(self, seconds: u32) -> bool {
        self.from.seconds() <= seconds && seconds < self.to.seconds()
    }
}

/// The first instant, `at` or later, at which the clock of `zone` is inside one of the windows.
pub(super) fn next_open(at: DateTime<Utc>, zone: Tz, windows: &[Hours]) -> DateTime<Utc> {
    let seconds = seconds_of_day(at, zone);
    if windows.iter().any(|window| window.contains(seconds)) {
        return at;
    }
    let today = local_date(at, zone);
    (0..=2)
        .flat_map(|days| {
            windows
                .iter()
                .map(move |window| (today + Days::new(days), window.from))
        })
        .filter_map(|(date, from)| instant_after(at, zone, date, from))
        .min()
        .unwrap_or(at)
}

/// A window on certain days of the week in which contact is barred. One that runs over midnight belongs to
/// the day on which it begins.
#[derive(Debug, Clone)]
pub(super) struct WeeklyBar<'a> {
    /// Days; every day when `None`.
    pub(super) days: Option<&'a [DayOfWeek]>,
    /// Begin, inclusive.
    pub(super) from: ClockTime,
    /// End, exclusive.
    pub(super) to: ClockTime,
}

impl WeeklyBar<'_> {
    /// When the bar ends, if the clock of `zone` is inside it at `at`.
    pub(super) fn end(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let (today, seconds) = (local_date(at, zone), seconds_of_day(at, zone));
        let (begun, before_end) = (seconds >= self.from.seconds(), seconds < self.to.seconds());
        if self.from < self.to {
            let is_inside = self.covers(today) && begun && before_end;
            return is_inside
                .then(|| instant_after(at, zone, today, self.to))
                .flatten();
        }
        if self.covers(today) && begun {
            return instant_after(at, zone, shift_date(today, 1), self.to);
        }
        let is_inside = self.covers(shift_date(today, -1)) && before_end;
        is_inside
            .then(|| instant_after(at, zone, today, self.to))
            .flatten()
    }

    fn covers(&self, date: NaiveDate) -> bool {
        self.days.is_none_or(|days| days.contains(&day_of_week(date)))
    }
}

fn day_of_week(date: NaiveDate) -> DayOfWeek {
    match date.weekday() {
        Weekday::Mon => DayOfWeek::Mon,
        Weekday::Tue => DayOfWeek::Tue,
        Weekday::Wed => DayOfWeek::Wed,
        Weekday::Thu => DayOfWeek::Thu,
        Weekday::Fri => DayOfWeek::Fri,
        Weekday::Sat => DayOfWeek::Sat,
        Weekday::Sun => DayOfWeek::Sun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn clock(text: &str) -> ClockTime {
        ClockTime::parse(text).expect("a time of day")
    }

    #[test]
    fn morning_comes_an_hour_later_in_utc_after_the_clocks_go_back_and_earlier_after_they_go_forward() {
        let waking = Hours::between(clock("08:00"), clock("21:00"));
        assert_eq!(
            next_open(utc("2026-11-01T02:00:00Z"), New_York, &waking),
            utc("2026-11-01T13:00:00Z")
        );
        assert_eq!(
            next_open(utc("2026-03-08T02:00:00Z"), New_York, &waking),
            utc("2026-03-08T12:00:00Z")
        );
    }

    #[test]
    fn a_time_that_the_change_of_clocks_skips_begins_after_the_gap() {
        let skipped = NaiveDate::from_ymd_opt(2026, 3, 8).expect("a date");
        let begin = instant_after(utc("2026-03-08T00:00:00Z"), New_York, skipped, clock("02:30"));
        assert_eq!(
            begin,
            Some(utc("2026-03-08T07:00:00Z")),
            "03:00 EDT follows 01:59:59 EST"
        );
    }

    #[test]
    fn a_bar_over_midnight_belongs_to_the_day_it_begins_on() {
        let friday_night = WeeklyBar {
            days: Some(&[DayOfWeek::Fri]),
            from: clock("20:00"),
            to: clock("10:00"),
        };
        let saturday_ten = utc("2026-06-13T14:00:00Z");
        assert_eq!(
            friday_night.end(utc("2026-06-13T01:00:00Z"), New_York),
            Some(saturday_ten),
            "Friday 21:00"
        );
        assert_eq!(
            friday_night.end(utc("2026-06-13T13:59:59Z"), New_York),
            Some(saturday_ten),
            "Saturday 09:59:59"
        );
        assert_eq!(friday_night.end(saturday_ten, New_York), None);
        assert_eq!(
            friday_night.end(utc("2026-06-12T13:00:00Z"), New_York),
            None,
            "Friday 09:00"
        );
    }
}
