//! Business days: no Saturdays, Sundays and legal public holidays (5 USC 6103(a)).

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Which days off count as holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holidays {
    /// The dates that the statute names.
    Named,
    /// The days on which they are observed too: the Friday before a Saturday, the Monday after a Sunday.
    NamedAndObserved,
}

/// It is no Saturday, Sunday or holiday.
pub(super) fn is_business_day(date: NaiveDate, holidays: Holidays) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(date, holidays)
}

/// The n-th business day after `date`.
pub(super) fn business_days_after(date: NaiveDate, count: i64, holidays: Holidays) -> NaiveDate {
    let later = date.iter_days().skip(1);
    let mut business_days = later.filter(|day| is_business_day(*day, holidays));
    let place = usize::try_from(count).unwrap_or_default().saturating_sub(1);
    business_days.nth(place).unwrap_or(NaiveDate::MAX)
}

/// How many business days lie from `from` on before `to`: what is sent on a Monday comes two of them before Wednesday.
pub(super) fn business_days_between(from: NaiveDate, to: NaiveDate, holidays: Holidays) -> i64 {
    /// More than any rule asks for.
    const MOST_DAYS: usize = 400;
    let days = from.iter_days().take(MOST_DAYS).take_while(|day| *day < to);
    let count = days.filter(|day| is_business_day(*day, holidays)).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn is_holiday(date: NaiveDate, holidays: Holidays) -> bool {
    if is_named(date) {
        return true;
    }
    let is_observed = match date.weekday() {
        Weekday::Fri => date.checked_add_days(Days::new(1)).is_some_and(is_named),
        Weekday::Mon => date.checked_sub_days(Days::new(1)).is_some_and(is_named),
        _ => false,
    };
    is_observed && holidays == Holidays::NamedAndObserved
}

/// 5 USC 6103(a).
fn is_named(date: NaiveDate) -> bool {
    /// Juneteenth is a holiday since 17 June 2021 (Pub. L. 117-17).
    const JUNETEENTH_SINCE: i32 = 2021;
    let week_of_month = date.day().div_ceil(7);
    let is_last_of_month = date
        .checked_add_days(Days::new(7))
        .is_none_or(|next| next.month() != date.month());
    match (date.month(), date.weekday()) {
        // Birthday of Martin Luther King, Jr.; Washington's Birthday.
        (1 | 2, Weekday::Mon) if week_of_month == 3 => true,
        // Memorial Day.
        (5, Weekday::Mon) if is_last_of_month => true,
        // Labor Day.
        (9, Weekday::Mon) if week_of_month == 1 => true,
        // Columbus Day.
        (10, Weekday::Mon) if week_of_month == 2 => true,
        // Thanksgiving Day.
        (11, Weekday::Thu) if week_of_month == 4 => true,
        // New Year's Day, Juneteenth, Independence Day, Veterans Day, Christmas Day.
        (month, _) => match (month, date.day()) {
            (1, 1) | (7, 4) | (11, 11) | (12, 25) => true,
            (6, 19) => date.year() >= JUNETEENTH_SINCE,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_holidays_of_2026_and_their_neighbours() {
        let observed = |year: i32| -> Vec<String> {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
            first
                .iter_days()
                .take_while(|day| day.year() == year)
                .filter(|day| is_holiday(*day, Holidays::NamedAndObserved))
                .map(|day| day.format("%m-%d").to_string())
                .collect()
        };
        // OPM's list of 2026, and 4 July itself, which falls on a Saturday.
        assert_eq!(
            observed(2026),
            [
                "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "07-04", "09-07", "10-12", "11-11",
                "11-26", "12-25"
            ]
        );
        // 1 January 2028 is a Saturday: it is observed in 2027.
        assert!(is_holiday(date("2027-12-31"), Holidays::NamedAndObserved));
        assert!(!is_holiday(date("2027-12-31"), Holidays::Named));
        assert!(!is_holiday(date("2020-06-19"), Holidays::NamedAndObserved));
    }

    #[test]
    fn business_days_are_counted_over_weekends_and_holidays() {
        let after = |from: &str, count| business_days_after(date(from), count, Holidays::NamedAndObserved);
        assert_eq!(after("2026-09-04", 5), date("2026-09-14"));
        assert_eq!(after("2026-07-02", 5), date("2026-07-10"));
        let between = |from: &str, to: &str| business_days_between(date(from), date(to), Holidays::Named);
        assert_eq!(between("2026-06-15", "2026-06-17"), 2);
        assert_eq!(between("2026-06-12", "2026-06-17"), 3);
        assert_eq!(between("2026-06-18", "2026-06-22"), 1, "Juneteenth and a weekend");
        assert_eq!(between("2026-06-22", "2026-06-18"), 0);
    }
}
