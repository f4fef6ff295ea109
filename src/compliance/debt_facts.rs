//! What the gate knows of the debts that a contact is about.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Contact,
    facts::{Debt, Validation},
    suits::is_time_barred,
};
use crate::{
    accounts::DebtType,
    platform::ids::{self, IdKind},
};

/// What the statement of `gather` brings of an account.
#[derive(Deserialize)]
pub(super) struct DebtRow {
    id: Uuid,
    status: String,
    debt_type: Option<String>,
    began_on: Option<NaiveDate>,
    notice_on: Option<NaiveDate>,
    period_ends_on: Option<NaiveDate>,
    /// The last record of a suit's authority.
    suit: Option<SuitJson>,
    /// The last record of when its limitation period ends.
    limitation: Option<LimitationJson>,
}

#[derive(Deserialize)]
struct SuitJson {
    id: Uuid,
    stands: bool,
    limitation_expires_on: NaiveDate,
}

#[derive(Deserialize)]
struct LimitationJson {
    id: Uuid,
    expires_on: NaiveDate,
    governing_law: Option<String>,
}

impl DebtRow {
    fn is_open(&self) -> bool {
        !matches!(self.status.as_str(), "PAID_IN_FULL" | "CLOSED")
    }

    /// Whether it is time-barred is known from what was recorded last, with a suit's authority, standing or not, or without one: it
    /// is never derived (rule table, limitation periods).
    fn as_fact(&self, is_paid: bool, now: DateTime<Utc>) -> Debt {
        Debt {
            debt_type: self.debt_type().map(|kind| kind.as_str().to_lowercase()),
            paid: Some(is_paid),
            closed: (self.status == "CLOSED").then_some(true),
            suit_authorised: Some(self.is_suit_authorised()),
            time_barred: self.limitation_expires_on().map(|day| is_time_barred(day, now)),
            governing_law: self
                .limitation
                .as_ref()
                .and_then(|limitation| limitation.governing_law.clone()),
            ..Debt::default()
        }
    }

    fn limitation_expires_on(&self) -> Option<NaiveDate> {
        let of_suit = self
            .suit
            .as_ref()
            .map(|suit| (suit.id, suit.limitation_expires_on));
        let of_debt = self.limitation.as_ref().map(|found| (found.id, found.expires_on));
        // Ids ascend with the instants at which they are made.
        of_suit.into_iter().chain(of_debt).max().map(|(_, day)| day)
    }

    fn is_suit_authorised(&self) -> bool {
        self.suit.as_ref().is_some_and(|suit| suit.stands)
    }

    fn debt_type(&self) -> Option<DebtType> {
        self.debt_type.as_deref().and_then(DebtType::parse)
    }
}

/// The debts of a contact. One that is about no one account is about all of the person's that are open; where none is, about
/// those that were: they are collected no more (12 CFR 1006.30(b)).
pub(super) struct Debts {
    rows: Vec<DebtRow>,
    /// Nothing is owed on any of them, or nothing that is collected.
    are_over: bool,
}

impl Debts {
    /// `rows` are the account of the contact, or all of the person's.
    pub(super) fn of(contact: &Contact<'_>, mut rows: Vec<DebtRow>) -> Self {
        let is_of_all = contact.account_id.is_none();
        let are_over = is_of_all && !rows.iter().any(DebtRow::is_open);
        if is_of_all && !are_over {
            rows.retain(DebtRow::is_open);
        }
        Self { rows, are_over }
    }

    /// As the act names them; none where the person has none.
    pub(super) fn ids(&self) -> Option<Vec<String>> {
        let ids = self.rows.iter().map(|row| ids::encode(IdKind::Account, row.id));
        (!self.rows.is_empty()).then(|| ids.collect())
    }

    pub(super) fn facts(&self, now: DateTime<Utc>) -> Option<BTreeMap<String, Debt>> {
        let fact = |row: &DebtRow| {
            let is_paid = self.are_over || row.status == "PAID_IN_FULL";
            (ids::encode(IdKind::Account, row.id), row.as_fact(is_paid, now))
        };
        (!self.rows.is_empty()).then(|| self.rows.iter().map(fact).collect())
    }

    /// Of one of them the person has not been told yet.
    pub(super) fn is_initial(&self) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|row| row.began_on.is_none())
    }

    /// The dates of their notices; of several the strictest: a notice that waits, the longest; a period that is not over.
    pub(super) fn validation(&self) -> Validation {
        let waiting = || self.rows.iter().filter(|row| row.notice_on.is_none());
        let has_all = !self.rows.is_empty() && waiting().next().is_none();
        let began_on = match has_all {
            true => self.rows.iter().filter_map(|row| row.began_on).min(),
            false => waiting().filter_map(|row| row.began_on).min(),
        };
        let ends = self.rows.iter().map(|row| row.period_ends_on);
        Validation {
            initial_communication_on: Some(began_on),
            provided_on: Some(match has_all {
                true => self.rows.iter().filter_map(|row| row.notice_on).min(),
                false => None,
            }),
            period_ends_on: ends
                .collect::<Option<Vec<_>>>()
                .and_then(|ends| ends.into_iter().max()),
            ..Validation::default()
        }
    }

    /// For every one of them.
    pub(super) fn is_suit_authorised(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(DebtRow::is_suit_authorised)
    }

    /// Whether one of them is for medical care; nobody knows where nobody has said what one of the others is for.
    pub(super) fn is_medical(&self) -> Option<bool> {
        let types = || self.rows.iter().map(DebtRow::debt_type);
        if types().any(|kind| kind == Some(DebtType::Medical)) {
            return Some(true);
        }
        let is_known = !self.rows.is_empty() && types().all(|kind| kind.is_some());
        is_known.then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debts(rows: &[(Option<&str>, Option<&str>, Option<&str>)]) -> Debts {
        let day = |text: &Option<&str>| text.map(|text| text.parse().unwrap());
        let row = |(began, notice, ends): &(Option<&str>, Option<&str>, Option<&str>)| DebtRow {
            id: Uuid::nil(),
            status: "ACTIVE".to_owned(),
            debt_type: None,
            began_on: day(began),
            notice_on: day(notice),
            period_ends_on: day(ends),
            suit: None,
            limitation: None,
        };
        Debts {
            rows: rows.iter().map(row).collect(),
            are_over: false,
        }
    }

    #[test]
    fn of_several_debts_the_one_that_stops_most_says_the_dates() {
        let noticed = (Some("2026-06-01"), Some("2026-06-02"), Some("2026-07-10"));
        let later = (Some("2026-06-05"), Some("2026-06-06"), Some("2026-07-15"));
        let waiting = (Some("2026-06-08"), None, None);
        let untold = (None, None, None);
        let dates = |rows: &[_]| {
            let debts = debts(rows);
            let found = debts.validation();
            let text = |day: Option<NaiveDate>| day.map_or(String::new(), |day| day.to_string());
            let (began, provided) = (found.initial_communication_on, found.provided_on);
            (
                debts.is_initial(),
                text(began.flatten()),
                text(provided.flatten()),
                text(found.period_ends_on),
            )
        };
        let said = |initial, began: &str, provided: &str, ends: &str| {
            (initial, began.to_owned(), provided.to_owned(), ends.to_owned())
        };
        assert_eq!(dates(&[]), said(true, "", "", ""));
        assert_eq!(
            dates(&[noticed]),
            said(false, "2026-06-01", "2026-06-02", "2026-07-10")
        );
        assert_eq!(
            dates(&[noticed, later]),
            said(false, "2026-06-01", "2026-06-02", "2026-07-15")
        );
        assert_eq!(dates(&[noticed, waiting]), said(false, "2026-06-08", "", ""));
        assert_eq!(dates(&[noticed, untold]), said(true, "", "", ""));
        assert_eq!(dates(&[waiting, untold]), said(true, "2026-06-08", "", ""));
    }
}
