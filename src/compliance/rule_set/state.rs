//! The overlay of a state or city: what its law adds, as a dated row.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::compliance::facts::ClockTime;

/// What the law of one state or city adds to the federal one.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StateRow {
    /// USPS code, or `NYC`.
    pub code: String,
    /// Whom it binds.
    #[serde(default)]
    pub scope: Scope,
    /// First day on which the row holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// Last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Hours in which contact is permitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<StateHours>,
    /// Hours in which a home may be called, where they are looser than the federal ones: written down, never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_hours: Option<StateHours>,
    /// Limits, each under the id of the rule that counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<StateLimit>,
    /// Which electronic contact needs consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electronic_consent: Option<ElectronicConsent>,
    /// Who must know of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// What a limitation period that has run changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_barred: Option<TimeBarred>,
    /// Where that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_barred_citation: Option<String>,
    /// The state's own words for it, whole, where they were checked against the law: a message that has one of them carries the
    /// disclosure. Where there is none, counsel supplies it with a later version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_barred_texts: Vec<String>,
    /// A debtor's payment revives no time-barred debt, or does; absent where the research does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revival: Option<bool>,
    /// The limitation period in years, where it is uniform: a warning light, never the basis of a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limitation_years: Option<u32>,
    /// How long records are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_years: Option<u32>,
    /// A licence is needed to collect for others.
    #[serde(default)]
    pub licence: bool,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// `V` checked against the text, `S` a secondary source, `K` from knowledge.
    pub confidence: String,
}

/// Permitted hours.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StateHours {
    /// Begin, inclusive.
    pub start: ClockTime,
    /// End, exclusive.
    pub end: ClockTime,
    /// A rule of its own speaks of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// So many contacts in so many days.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StateLimit {
    /// The rule that counts.
    pub rule: String,
    /// How many.
    pub limit: usize,
    /// In how many calendar dates.
    pub days: i64,
    /// Of them, at most so many to a workplace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_work: Option<usize>,
}

/// Whom a row binds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Creditors of their own debts, and who collects for others.
    #[default]
    CreditorsAndCollectors,
    /// Who collects for others alone.
    Collectors,
}

/// Which electronic contact needs consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ElectronicConsent {
    /// Any.
    Any,
    /// Each medium by itself.
    EachMedium,
    /// E-mail, in writing.
    EmailWritten,
}

/// Who must know of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// Everybody on the call.
    AllParties,
    /// One of them; in person, everybody.
    InPersonAllParties,
    /// One of them.
    OneParty,
}

/// What a limitation period that has run changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBarred {
    /// A prescribed text goes with every contact.
    Disclosure,
    /// The debt is gone.
    Extinguished,
    /// No suit, and no payment revives it.
    NoRevival,
}

impl StateRow {
    /// Whether the row is in force where today is somewhere from `earliest` to `latest`.
    pub fn is_in_force(&self, earliest: NaiveDate, latest: NaiveDate) -> bool {
        self.from.is_none_or(|from| latest >= from) && self.until.is_none_or(|until| earliest <= until)
    }

    /// Whether the row binds a creditor of its own debts too.
    pub fn binds_creditors(&self) -> bool {
        self.scope == Scope::CreditorsAndCollectors
    }

    /// The limit that a rule counts against.
    pub fn limit(&self, rule: &str) -> Option<&StateLimit> {
        self.limits.iter().find(|limit| limit.rule == rule)
    }
}
