//! The days in a row.

use chrono::{Days, NaiveDate};

use super::Reading;
use crate::accounts::import::{
    field::AccountImportField as Field, finding::ImportFindingCode, values::parse_date,
};

/// As for what a person records by hand (`compliance::limitations`).
const FARTHEST_LIMITATION: Days = Days::new(366 * 20);
const OLDEST_LIMITATION: Days = Days::new(366 * 100);

impl Reading<'_> {
    pub(super) fn due_date(&mut self) -> Option<NaiveDate> {
        let (place, cell) = self.cell(Field::DueDate)?;
        let date = parse_date(&cell);
        if date.is_none() {
            let message = "Give a date between 1900 and 2199 such as 2026-11-30 or 11/30/2026 (month first).";
            self.find(Some(place), ImportFindingCode::InvalidDate, message);
        }
        date
    }

    pub(super) fn birth_date(&mut self) -> Option<NaiveDate> {
        let (place, cell) = self.cell(Field::BirthDate)?;
        let date = parse_date(&cell).filter(|date| *date <= self.parser.today);
        if date.is_none() {
            let message = "Give a date of birth since 1900 such as 1980-01-31 or 01/31/1980 (month first).";
            self.find(Some(place), ImportFindingCode::InvalidDate, message);
        }
        date
    }

    /// The last day on which suit may be brought, or might have been.
    pub(super) fn limitation(&mut self) -> Option<NaiveDate> {
        let (place, cell) = self.cell(Field::LimitationExpiresOn)?;
        let today = self.parser.today;
        let first = today.checked_sub_days(OLDEST_LIMITATION);
        let last = today.checked_add_days(FARTHEST_LIMITATION);
        let is_near = |date: &NaiveDate| {
            first.is_none_or(|first| *date >= first) && last.is_none_or(|last| *date <= last)
        };
        let date = parse_date(&cell).filter(is_near);
        if date.is_none() {
            let message = "Give the day on which the limitation period ends or ended, within twenty years from now, such as \
                           2027-06-30 or 06/30/2027 (month first).";
            self.find(Some(place), ImportFindingCode::InvalidDate, message);
        }
        date
    }
}
