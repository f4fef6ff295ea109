//! A member's hours of work, as they are on the clock of their zone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::platform::gql::UserError;

/// At most this many dates that differ from the week.
const MOST_DATES: usize = 100;
/// At most this many stretches of work on one day.
const MOST_A_DAY: usize = 6;
/// At most this many skills of one member.
const MOST_SKILLS: usize = 30;
const LONGEST_SKILL: usize = 50;
const MOST_CAPACITY: i32 = 500;
/// Minutes of a day; the end of the last hour.
const MIDNIGHT: i16 = 1440;

/// One stretch of work, in minutes since midnight: the beginning belongs to it, the end does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::identity) struct Hours {
    pub(in crate::identity) from: i16,
    pub(in crate::identity) to: i16,
}

impl Hours {
    fn contains(self, minute: i16) -> bool {
        (self.from..self.to).contains(&minute)
    }

    /// `HH:MM` twice; the end may be 24:00.
    fn parse(from: &str, to: &str) -> Option<Self> {
        let hours = Self {
            from: minute_of(from)?,
            to: minute_of(to)?,
        };
        (hours.from < hours.to).then_some(hours)
    }

    pub(in crate::identity) fn in_words(minute: i16) -> String {
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }
}

fn minute_of(text: &str) -> Option<i16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| -> Option<i16> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text.parse().ok()?)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= MIDNIGHT).then_some(at)
}

/// When a member works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::identity) struct Schedule {
    pub(in crate::identity) time_zone: Tz,
    /// By day of the week (ISO 8601: Monday is 1).
    pub(in crate::identity) week: BTreeMap<i16, Vec<Hours>>,
    /// Dates that differ: theirs take the place of the weekday's. None at all is a day off.
    pub(in crate::identity) dates: BTreeMap<NaiveDate, Vec<Hours>>,
}

/// Where a clock stands: what hours are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity) struct LocalTime {
    pub(in crate::identity) date: NaiveDate,
    pub(in crate::identity) weekday: i16,
    pub(in crate::identity) minute: i16,
}

impl LocalTime {
    /// An instant has one reading on the clock of a zone, also in the hour that comes twice.
    pub(in crate::identity) fn at(instant: DateTime<Utc>, zone: Tz) -> Self {
        let local = instant.with_timezone(&zone);
        let minute = local.hour() * 60 + local.minute();
        Self {
            date: local.date_naive(),
            weekday: i16::try_from(local.weekday().number_from_monday()).unwrap_or(1),
            minute: i16::try_from(minute).unwrap_or_default(),
        }
    }
}

impl Schedule {
    /// Whether they work at this instant.
    pub(in crate::identity) fn covers(&self, instant: DateTime<Utc>) -> bool {
        let now = LocalTime::at(instant, self.time_zone);
        let hours = self
            .dates
            .get(&now.date)
            .or_else(|| self.week.get(&now.weekday))
            .map(Vec::as_slice)
            .unwrap_or_default();
        hours.iter().any(|hours| hours.contains(now.minute))
    }
}

/// Hours as they came.
#[derive(Clone, Debug)]
pub(in crate::identity) struct HoursWish {
    pub(in crate::identity) from: String,
    pub(in crate::identity) to: String,
}

/// A schedule as it came.
#[derive(Clone, Debug)]
pub(in crate::identity) struct ScheduleWish {
    pub(in crate::identity) time_zone: String,
    pub(in crate::identity) week: Vec<(i16, HoursWish)>,
    pub(in crate::identity) dates: Vec<(NaiveDate, Vec<HoursWish>)>,
}

impl ScheduleWish {
    /// # Errors
    /// One for each part that does not fit.
    pub(in crate::identity) fn checked(self) -> Result<Schedule, Vec<UserError>> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            errors.push(UserError::invalid(&format!("availability.{field}"), message));
        };
        let zone = self.time_zone.parse::<Tz>().ok();
        if zone.is_none() {
            wrong("timeZone", "Give a time zone such as `America/New_York`.");
        }
        let mut week: BTreeMap<i16, Vec<Hours>> = BTreeMap::new();
        for (day, wish) in self.week {
            match Hours::parse(&wish.from, &wish.to) {
                Some(hours) => week.entry(day).or_default().push(hours),
                None => wrong("week", HOURS),
            }
        }
        let mut dates: BTreeMap<NaiveDate, Vec<Hours>> = BTreeMap::new();
        let given = self.dates.len();
        for (date, wishes) in self.dates {
            let hours: Option<Vec<Hours>> = wishes
                .iter()
                .map(|wish| Hours::parse(&wish.from, &wish.to))
                .collect();
            match hours {
                Some(hours) => {
                    dates.insert(date, hours);
                }
                None => wrong("exceptions", HOURS),
            }
        }
        if given > MOST_DATES {
            wrong(
                "exceptions",
                "Give at most 100 dates: leave out those that are over.",
            );
        } else if dates.len() < given {
            wrong("exceptions", "Name each date once, with all its hours.");
        }
        for (field, day) in week
            .values_mut()
            .map(|day| ("week", day))
            .chain(dates.values_mut().map(|day| ("exceptions", day)))
        {
            day.sort_unstable();
            let overlaps = day.windows(2).any(|pair| pair[1].from < pair[0].to);
            if overlaps || day.len() > MOST_A_DAY {
                wrong(field, "Give at most six stretches a day, none over another.");
            }
        }
        match zone {
            Some(time_zone) if errors.is_empty() => Ok(Schedule {
                time_zone,
                week,
                dates,
            }),
            _ => Err(errors),
        }
    }
}

const HOURS: &str = "Give hours as `HH:MM`, the end later than the beginning: `24:00` is midnight, and a night's work is two stretches.";

/// Skills in order, each once.
///
/// # Errors
/// INVALID_INPUT for too many, or for words that do not fit.
pub fn checked_skills(words: &[String]) -> Result<Vec<String>, UserError> {
    let fits = |word: &&str| {
        (1..=LONGEST_SKILL).contains(&word.chars().count()) && !word.chars().any(char::is_control)
    };
    let words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
    if words.len() > MOST_SKILLS || !words.iter().all(fits) {
        let message = format!("Give at most {MOST_SKILLS} skills of 1 to {LONGEST_SKILL} characters.");
        return Err(UserError::invalid("skills", message));
    }
    let once: BTreeSet<String> = words.into_iter().map(str::to_lowercase).collect();
    Ok(once.into_iter().collect())
}

/// # Errors
/// INVALID_INPUT outside 0 to 500.
pub(in crate::identity) fn checked_capacity(capacity: Option<i32>) -> Result<Option<i16>, UserError> {
    match capacity {
        None => Ok(None),
        Some(threads) if (0..=MOST_CAPACITY).contains(&threads) => Ok(i16::try_from(threads).ok()),
        Some(_) => Err(UserError::invalid(
            "capacity",
            "Give 0 to 500 threads, or null for as many as come.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn wish(from: &str, to: &str) -> HoursWish {
        HoursWish {
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    fn in_new_york(week: &[(i16, &str, &str)], dates: &[(&str, &[(&str, &str)])]) -> ScheduleWish {
        ScheduleWish {
            time_zone: "America/New_York".to_owned(),
            week: week
                .iter()
                .map(|(day, from, to)| (*day, wish(from, to)))
                .collect(),
            dates: dates
                .iter()
                .map(|(date, hours)| {
                    let hours = hours.iter().map(|(from, to)| wish(from, to)).collect();
                    (date.parse().unwrap(), hours)
                })
                .collect(),
        }
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall_in_summer_and_in_winter() {
        // Clocks in New York: forward on 2026-03-08 (a Sunday), back on 2026-11-01 (a Sunday).
        let schedule = in_new_york(&[(5, "09:00", "17:00"), (1, "09:00", "17:00")], &[])
            .checked()
            .unwrap();
        for (instant, works) in [
            ("2026-03-06T13:59:59Z", false),
            ("2026-03-06T14:00:00Z", true),
            ("2026-03-09T12:59:59Z", false),
            ("2026-03-09T13:00:00Z", true),
            ("2026-03-09T20:59:59Z", true),
            ("2026-03-09T21:00:00Z", false),
            ("2026-10-30T13:00:00Z", true),
            ("2026-11-02T13:00:00Z", false),
            ("2026-11-02T14:00:00Z", true),
        ] {
            assert_eq!(schedule.covers(at(instant)), works, "{instant}");
        }
        // The hour that comes twice is work both times, the one that is skipped never comes.
        let nights = in_new_york(&[(7, "01:30", "02:30")], &[]).checked().unwrap();
        for (instant, works) in [
            ("2026-11-01T05:29:00Z", false),
            ("2026-11-01T05:30:00Z", true),
            ("2026-11-01T06:00:00Z", false),
            ("2026-11-01T06:30:00Z", true),
            ("2026-11-01T07:29:00Z", true),
            ("2026-11-01T07:30:00Z", false),
            ("2026-03-08T06:59:00Z", true),
            ("2026-03-08T07:00:00Z", false),
        ] {
            assert_eq!(nights.covers(at(instant)), works, "{instant}");
        }
    }

    #[test]
    fn a_date_takes_the_place_of_its_weekday() {
        let schedule = in_new_york(
            &[(3, "09:00", "17:00")],
            &[
                ("2026-06-10", &[]),
                ("2026-06-13", &[("10:00", "12:00"), ("20:00", "24:00")]),
            ],
        )
        .checked()
        .unwrap();
        assert!(!schedule.covers(at("2026-06-10T16:00:00Z")), "a day off");
        assert!(schedule.covers(at("2026-06-17T16:00:00Z")), "the week after");
        assert!(schedule.covers(at("2026-06-13T15:59:00Z")), "a Saturday's work");
        assert!(
            schedule.covers(at("2026-06-14T03:59:00Z")),
            "until midnight there"
        );
        assert!(!schedule.covers(at("2026-06-14T04:00:00Z")));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let fields = |wish: ScheduleWish| -> Vec<String> {
            let errors = wish.checked().unwrap_err();
            errors
                .into_iter()
                .map(|error| error.field.unwrap()[1..].join("."))
                .collect()
        };
        let mut zone = in_new_york(&[], &[]);
        zone.time_zone = "Mars".to_owned();
        assert_eq!(fields(zone), ["availability.timeZone"]);
        for (from, to) in [
            ("9:00", "17:00"),
            ("09:60", "17:00"),
            ("17:00", "09:00"),
            ("09:00", "24:01"),
            ("09:00", "09:00"),
            ("+9:00", "10:00"),
        ] {
            assert_eq!(
                fields(in_new_york(&[(1, from, to)], &[])),
                ["availability.week"],
                "{from} {to}"
            );
        }
        assert_eq!(
            fields(in_new_york(&[(1, "09:00", "12:00"), (1, "11:59", "13:00")], &[])),
            ["availability.week"]
        );
        assert_eq!(
            fields(in_new_york(&[], &[("2026-06-10", &[]), ("2026-06-10", &[])])),
            ["availability.exceptions"]
        );
        assert!(checked_skills(&vec!["a".to_owned(); 31]).is_err());
        assert!(checked_skills(&["  ".to_owned()]).is_err());
        assert_eq!(
            checked_skills(&["Spanish ".to_owned(), "spanish".to_owned(), "medical".to_owned()]).unwrap(),
            ["medical", "spanish"]
        );
        assert!(checked_capacity(Some(501)).is_err() && checked_capacity(Some(-1)).is_err());
    }

    proptest! {
        /// The clock of the zone decides, whatever the zone and the instant: minute by minute what the calendar says.
        #[test]
        fn an_instant_is_covered_when_its_reading_lies_in_the_hours(
            seconds in 1_700_000_000_i64..1_900_000_000,
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            from in 0_i16..1440,
            length in 1_i16..600,
        ) {
            let to = (from + length).min(1440);
            let instant = DateTime::from_timestamp(seconds, 0).unwrap();
            let hours = vec![Hours { from, to }];
            let week = (1..=7).map(|day| (day, hours.clone())).collect();
            let schedule = Schedule { time_zone: zone, week, dates: BTreeMap::new() };
            let shown = instant.with_timezone(&zone).format("%H:%M").to_string();
            let expected = shown.as_str() >= Hours::in_words(from).as_str() && shown.as_str() < Hours::in_words(to).as_str();
            prop_assert_eq!(schedule.covers(instant), expected);
        }
    }
}
