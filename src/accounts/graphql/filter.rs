//! Which accounts: the filter of lists and saved views, and how it is parsed.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

use crate::{
    accounts::{AccountStatus, list::AccountCriteria},
    compliance::graphql::HoldKind,
    platform::{
        gql::{Date, DecimalText},
        ids::{self, IdKind},
        language::{NO_LANGUAGE, language_tag},
        money::Money,
    },
};

/// Bounds of an amount in the currency's major unit; both inclusive.
#[derive(Clone, Debug, InputObject)]
pub struct DecimalRange {
    /// At least this.
    pub min: Option<DecimalText>,
    /// At most this.
    pub max: Option<DecimalText>,
}

/// Bounds of a number of days; both inclusive.
#[derive(Clone, Debug, InputObject)]
pub struct DaysRange {
    /// At least this many, zero or more.
    pub min: Option<i32>,
    /// At most this many, zero or more.
    pub max: Option<i32>,
}

/// Bounds of a date; both inclusive.
#[derive(Clone, Debug, InputObject)]
pub struct DateRange {
    /// Not before.
    pub from: Option<Date>,
    /// Not after.
    pub to: Option<Date>,
}

/// Bounds of an instant; both inclusive.
#[derive(Clone, Debug, InputObject)]
pub struct DateTimeRange {
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Not after.
    pub to: Option<DateTime<Utc>>,
}

/// Which accounts: all conditions given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct AccountFilter {
    /// In one of these states.
    pub status: Option<Vec<AccountStatus>>,
    /// With at least one of these labels.
    pub tags: Option<Vec<String>>,
    /// Owing this much, in US dollars.
    pub balance: Option<DecimalRange>,
    /// Due in this time.
    pub due_date: Option<DateRange>,
    /// Past due for so many days, in UTC dates; accounts that are not past due count as zero.
    pub days_past_due: Option<DaysRange>,
    /// Placed in this time.
    pub created_at: Option<DateTimeRange>,
    /// Changed last in this time.
    pub updated_at: Option<DateTimeRange>,
    /// Owed to this creditor.
    pub creditor_id: Option<ID>,
    /// Handed over with this placement.
    pub placement_id: Option<ID>,
    /// Worked on by this member of staff.
    pub assigned_agent_id: Option<ID>,
    /// True: worked on by nobody; false: by somebody.
    pub unassigned: Option<bool>,
    /// Whose debtor is written to in one of these languages (BCP 47 tags): `es` is all Spanish, `es-MX` that of Mexico alone.
    pub preferred_language: Option<Vec<String>>,
    /// With at least one of these holds standing, on the debt or on the person.
    pub hold: Option<Vec<HoldKind>>,
    /// True: a hold on the debt or on the person stops all contact about the debt; false: none does. What is suppressed is
    /// found by `suppressionList`.
    pub contact_stopped: Option<bool>,
    /// All of these hold too.
    pub and: Option<Vec<AccountFilter>>,
    /// At least one of these holds.
    pub or: Option<Vec<AccountFilter>>,
    /// This does not hold.
    pub not: Option<Box<AccountFilter>>,
}

/// At most this many conditions in one filter.
pub(super) const MOST_CONDITIONS: usize = 50;
/// What is wrong with an `or` of nothing.
pub(super) const NO_ALTERNATIVE: &str =
    "at least one of no conditions never holds; give one or more, or leave it out.";
/// Longer ago than the first date of the API (the year 0), and within the database's.
const MOST_DAYS: u64 = 1_000_000;

/// What is wrong with a filter, and where.
#[derive(Debug)]
pub(super) struct FilterProblem {
    /// The path, `filter.balance.min`.
    pub(super) place: String,
    pub(super) message: String,
}

impl FilterProblem {
    fn at(place: &str, message: impl Into<String>) -> Self {
        Self {
            place: format!("filter{}{place}", if place.is_empty() { "" } else { "." }),
            message: message.into(),
        }
    }
}

impl AccountFilter {
    /// Reads the conditions; `today` is the UTC date from which days past due are counted.
    ///
    /// # Errors
    /// The first problem found.
    pub(super) fn parse(&self, today: NaiveDate) -> Result<AccountCriteria, FilterProblem> {
        let mut left = MOST_CONDITIONS;
        self.parse_within(today, &mut left)
    }

    fn parse_within(&self, today: NaiveDate, left: &mut usize) -> Result<AccountCriteria, FilterProblem> {
        *left = left
            .checked_sub(1)
            .ok_or_else(|| FilterProblem::at("", format!("a filter has at most {MOST_CONDITIONS} parts.")))?;
        let list = |filters: &Option<Vec<AccountFilter>>, left: &mut usize| {
            filters
                .iter()
                .flatten()
                .map(|filter| filter.parse_within(today, left))
                .collect::<Result<Vec<_>, _>>()
        };
        if self.tags.as_ref().is_some_and(|tags| tags.len() > 50) {
            return Err(FilterProblem::at("tags", "at most 50 labels."));
        }
        if self.or.as_ref().is_some_and(Vec::is_empty) {
            return Err(FilterProblem::at("or", NO_ALTERNATIVE));
        }
        let (balance, due, created, updated) = (
            self.balance.as_ref(),
            self.due_date.as_ref(),
            self.created_at.as_ref(),
            self.updated_at.as_ref(),
        );
        let (overdue_since, not_overdue_before) = self.overdue(today)?;
        let words = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect();
        let stopped = AccountCriteria {
            holds: Some(words(
                HoldKind::STOPPING.iter().map(|kind| kind.as_str()).collect(),
            )),
            ..AccountCriteria::default()
        };
        let (mut all_of, mut none_of) = (list(&self.and, left)?, Vec::new());
        match self.contact_stopped {
            Some(true) => all_of.push(stopped),
            Some(false) => none_of.push(stopped),
            None => {}
        }
        if let Some(filter) = &self.not {
            none_of.push(filter.parse_within(today, left)?);
        }
        Ok(AccountCriteria {
            statuses: self
                .status
                .as_ref()
                .map(|all| words(all.iter().map(|status| status.as_str()).collect())),
            tags: self.tags.clone(),
            balance_min: balance.map_or(Ok(None), |range| amount(range.min.as_ref(), "balance.min"))?,
            balance_max: balance.map_or(Ok(None), |range| amount(range.max.as_ref(), "balance.max"))?,
            due_from: due.and_then(|range| range.from).map(|date| date.0),
            due_to: due.and_then(|range| range.to).map(|date| date.0),
            created_from: created.and_then(|range| range.from),
            created_to: created.and_then(|range| range.to),
            updated_from: updated.and_then(|range| range.from),
            updated_to: updated.and_then(|range| range.to),
            overdue_since,
            not_overdue_before,
            creditor: id(IdKind::Creditor, "creditorId", self.creditor_id.as_ref())?,
            placement: id(IdKind::Placement, "placementId", self.placement_id.as_ref())?,
            agent: id(IdKind::User, "assignedAgentId", self.assigned_agent_id.as_ref())?,
            unassigned: self.unassigned,
            languages: languages(self.preferred_language.as_deref())
                .map_err(|message| FilterProblem::at("preferredLanguage", message))?,
            holds: self
                .hold
                .as_ref()
                .map(|all| words(all.iter().map(|kind| kind.as_str()).collect())),
            all_of,
            any_of: list(&self.or, left)?,
            none_of,
        })
    }

    /// `daysPastDue` as days of the calendar: due by the first at the latest, and not before the second.
    fn overdue(&self, today: NaiveDate) -> Result<(Option<NaiveDate>, Option<NaiveDate>), FilterProblem> {
        let day = |days: Option<i32>, place: &str| {
            let Some(days) = days else { return Ok(None) };
            let days = u64::try_from(days)
                .map_err(|_| FilterProblem::at(place, "zero or more days."))?
                .min(MOST_DAYS);
            let day = today.checked_sub_days(Days::new(days));
            Ok(day.map(|day| (days, day)))
        };
        let range = self.days_past_due.as_ref();
        let since = day(range.and_then(|range| range.min), "daysPastDue.min")?;
        let before = day(range.and_then(|range| range.max), "daysPastDue.max")?;
        Ok((
            // Zero days or more is every account.
            since.filter(|(days, _)| *days > 0).map(|(_, day)| day),
            before.map(|(_, day)| day),
        ))
    }
}

/// Languages of a filter, in their usual spelling.
pub(super) fn languages(given: Option<&[String]>) -> Result<Option<Vec<String>>, &'static str> {
    let Some(given) = given else { return Ok(None) };
    if given.len() > 50 {
        return Err("at most 50 languages.");
    }
    let tags: Option<Vec<String>> = given.iter().map(|text| language_tag(text)).collect();
    tags.map(Some).ok_or(NO_LANGUAGE)
}

fn amount(bound: Option<&DecimalText>, place: &str) -> Result<Option<i64>, FilterProblem> {
    let Some(text) = bound else { return Ok(None) };
    let usd = "USD"
        .parse()
        .map_err(|error| FilterProblem::at(place, format!("{error}")))?;
    Money::parse_signed(&text.0, usd)
        .map(|money| Some(money.minor()))
        .map_err(|error| FilterProblem::at(place, error.to_string()))
}

fn id(kind: IdKind, place: &str, id: Option<&ID>) -> Result<Option<Uuid>, FilterProblem> {
    id.map(|id| ids::decode(kind, id.as_str()))
        .transpose()
        .map_err(|error| FilterProblem::at(place, error.to_string()))
}
