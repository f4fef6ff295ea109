//! What a file of answers of the reassigned numbers database says: a line of names, then a number on each line.

use chrono::NaiveDate;

use super::lines::cells;
use crate::platform::phone::PhoneNumber;

/// What the database answered of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Permanently disconnected since the date that was asked about.
    Yes,
    No,
    /// The database cannot tell.
    NoData,
}

impl Status {
    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "YES",
            Self::No => "NO",
            Self::NoData => "NO_DATA",
        }
    }

    fn parse(cell: &str) -> Option<Self> {
        match cell.to_ascii_lowercase().replace(['_', '-'], " ").as_str() {
            "yes" | "y" => Some(Self::Yes),
            "no" | "n" => Some(Self::No),
            "no data" | "nodata" => Some(Self::NoData),
            _ => None,
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// E.164.
    pub(super) number: String,
    pub(super) status: Status,
    pub(super) asked_since: Option<NaiveDate>,
    pub(super) disconnected_on: Option<NaiveDate>,
    pub(super) queried_on: NaiveDate,
}

/// What holds of every line that does not say otherwise, and the day on which it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) queried_on: Option<NaiveDate>,
    pub(super) asked_since: Option<NaiveDate>,
    pub(super) today: NaiveDate,
}

/// Where each thing stands on a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header {
    number: usize,
    status: Option<usize>,
    asked_since: Option<usize>,
    disconnected_on: Option<usize>,
    queried_on: Option<usize>,
}

impl Header {
    /// Reads the line of names.
    ///
    /// # Errors
    /// Which name is missing.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let names: Vec<String> = cells(line)
            .map(|cell| cell.to_ascii_lowercase().replace([' ', '-'], "_"))
            .collect();
        let place = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let header = Self {
            number: place(&["number", "phone", "phone_number", "telephone_number", "tn"])
                .ok_or("the first line names no column `number`")?,
            status: place(&["status", "result", "answer", "response"]),
            asked_since: place(&["asked_since", "date", "consent_date", "contact_date"]),
            disconnected_on: place(&[
                "disconnected_on",
                "disconnect_date",
                "permanent_disconnect_date",
                "disconnected",
            ]),
            queried_on: place(&["queried_on", "query_date", "queried"]),
        };
        if header.status.is_none() && header.disconnected_on.is_none() {
            return Err("the first line names neither a column `status` nor a column `disconnected_on`");
        }
        Ok(header)
    }

    /// Reads a line under the names.
    ///
    /// # Errors
    /// What is wrong with it, without what it holds.
    pub(super) fn answer(&self, line: &str, defaults: Defaults) -> Result<Answer, &'static str> {
        let cells: Vec<&str> = cells(line).collect();
        let cell = |place: Option<usize>| {
            let cell = place.and_then(|place| cells.get(place).copied());
            cell.filter(|cell| !cell.is_empty())
        };
        let number = cell(Some(self.number)).and_then(read_number);
        let number = number.ok_or("has no telephone number of the United States")?;
        let date = |place, wrong| {
            let read = |cell| {
                read_date(cell)
                    .filter(|date| *date <= defaults.today)
                    .ok_or(wrong)
            };
            cell(place).map(read).transpose()
        };
        let disconnected_on = date(
            self.disconnected_on,
            "has no past date of disconnection where one should be",
        )?;
        let asked_since = date(
            self.asked_since,
            "has no past date that was asked about where one should be",
        )?
        .or(defaults.asked_since);
        let queried_on = date(
            self.queried_on,
            "has no past date of the query where one should be",
        )?
        .or(defaults.queried_on)
        .ok_or("does not say when the database was asked, and neither does `queriedOn`")?;
        let status = match cell(self.status) {
            Some(word) => Some(Status::parse(word).ok_or("has a status that is none of yes, no, no_data")?),
            None => None,
        };
        let status = match (status, disconnected_on) {
            (None | Some(Status::Yes), Some(_)) => Status::Yes,
            (Some(_), Some(_)) => {
                return Err("says that a number is in use that has a date of disconnection");
            }
            (Some(status), None) => status,
            (None, None) => Status::No,
        };
        if status == Status::No && asked_since.is_none() && self.disconnected_on.is_none() {
            return Err("says `no` without the date that was asked about, and neither does `askedSince`");
        }
        if asked_since
            .max(disconnected_on)
            .is_some_and(|date| date > queried_on)
        {
            return Err("was asked before the dates that it speaks of");
        }
        Ok(Answer {
            number,
            status,
            asked_since,
            disconnected_on,
            queried_on,
        })
    }
}

fn read_number(cell: &str) -> Option<String> {
    let is_sign = |c: char| matches!(c, '+' | '(' | ')' | '-' | '.' | ' ');
    let digits: String = cell.chars().filter(|c| !is_sign(*c)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let national = match digits.len() {
        10 => digits.as_str(),
        11 => digits.strip_prefix('1')?,
        _ => return None,
    };
    let number = PhoneNumber::parse_e164(&format!("+1{national}")).ok()?;
    Some(number.as_e164().to_owned())
}

fn read_date(cell: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(cell, form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn defaults() -> Defaults {
        Defaults {
            queried_on: Some(day("2026-11-10")),
            asked_since: None,
            today: day("2026-11-20"),
        }
    }

    #[test]
    fn the_shapes_of_the_database_and_of_vendors_are_read() {
        let header = Header::parse("Phone Number,Date,Status").unwrap();
        let answer = header
            .answer("(202) 555-0100,2026-01-31,No Data", defaults())
            .unwrap();
        assert_eq!(answer.number, "+12025550100");
        assert_eq!(answer.status, Status::NoData);
        assert_eq!(answer.asked_since, Some(day("2026-01-31")));
        assert_eq!(answer.queried_on, day("2026-11-10"));

        let header = Header::parse("tn,permanent_disconnect_date,queried_on").unwrap();
        let gone = header
            .answer("12025550100,20260301,11/01/2026", defaults())
            .unwrap();
        assert_eq!(
            (gone.status, gone.disconnected_on),
            (Status::Yes, Some(day("2026-03-01")))
        );
        assert_eq!(gone.queried_on, day("2026-11-01"));
        let there = header.answer("+12025550101,,2026-11-01", defaults()).unwrap();
        assert_eq!(there.status, Status::No);
    }

    #[test]
    fn a_no_says_since_when_and_nothing_is_of_the_future() {
        let header = Header::parse("number,status,asked_since,queried_on").unwrap();
        for line in [
            "2025550100,no,,2026-11-01",
            "2025550100,no,2026-11-21,2026-11-21",
            "2025550100,no,2026-11-05,2026-11-01",
            "2025550100,maybe,2026-01-01,2026-11-01",
            "2025550100,yes,yesterday,2026-11-01",
            "0025550100,yes,2026-01-01,2026-11-01",
            "+442079460000,yes,2026-01-01,2026-11-01",
            "2025550100",
            "",
        ] {
            assert!(header.answer(line, defaults()).is_err(), "{line}");
        }
        let without = Defaults {
            queried_on: None,
            ..defaults()
        };
        assert!(header.answer("2025550100,yes,2026-01-01,", without).is_err());
        assert!(Header::parse("name,status").is_err());
        assert!(Header::parse("number,colour").is_err());
    }
}
