//! Rules as versioned data: id, citation, severity, dates, parameters, explanations, and the overlay of each state. The
//! checks themselves are functions in `rules`; what they compare with, and what they say, stands in one file for each
//! version under `policies/rules`. Every version that ever decided anything stays there, so that it can be replayed.

mod embedded;
mod pack;
mod pack_test;
mod state;
mod validate;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::decision::Outcome;
use super::facts::ClockTime;
use super::rules::{Act, Rule, in_order};

pub use embedded::{check_embedded, embedded_versions, newest};
pub use pack::RuleSetError;
pub use state::{ElectronicConsent, Recording, Scope, StateHours, StateLimit, StateRow, TimeBarred};

/// A version of the rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    version: Arc<str>,
    /// SHA-256 of its file.
    print: [u8; 32],
    /// For which edition of the checks it was written.
    edition: u32,
    rules: Vec<RuleData>,
    index: HashMap<String, usize>,
    states: Vec<StateRow>,
    product: ProfileSettings,
    /// The checks of each act, in the order of evaluation, each with the place of its data.
    checks: HashMap<Act, Vec<(&'static Rule, usize)>>,
}

/// One rule's data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleData {
    /// Rule id, as in the rule table.
    pub id: Arc<str>,
    /// Whose rule it is: `US`, a state, `NYC`, `network`, `product` or `business`.
    #[serde(default)]
    pub jurisdiction: String,
    /// Statute, regulation, network or product rule.
    pub citation: Arc<str>,
    /// `S1` to `S4`, see [`super::decision::RuleFinding::severity`].
    pub severity: Arc<str>,
    /// How sure the research is: `V` checked against the text, `S` a secondary source, `K` from knowledge; counsel looks.
    pub confidence: Option<String>,
    /// First day on which it holds, on the debtor's calendar.
    pub effective_from: Option<NaiveDate>,
    /// Last day on which it holds.
    pub effective_until: Option<NaiveDate>,
    /// Why nothing is checked: the rule is written down, and what keeps it stands elsewhere.
    pub data_only: Option<String>,
    /// Whether being satisfied is of note: the decision then names this rule before those that bound every contact.
    #[serde(default)]
    pub engaged: bool,
    /// Why the rule does not pass and what would change that; `{name}` is filled by the check.
    pub explanation_en: String,
    /// The same in Spanish.
    pub explanation_es: String,
    /// For a rule that normally defers: why it denies when waiting does not help.
    pub denial_en: Option<String>,
    /// The same in Spanish.
    pub denial_es: Option<String>,
    /// For a rule of times and places: why it denies because of the place.
    pub place_en: Option<String>,
    /// The same in Spanish.
    pub place_es: Option<String>,
    /// What the check compares with.
    #[serde(default)]
    pub parameters: Parameters,
}

impl RuleData {
    /// The English explanation of an outcome, with `{name}` places.
    pub fn explanation(&self, outcome: Outcome) -> &str {
        self.denial_en
            .as_ref()
            .filter(|_| outcome == Outcome::Deny)
            .unwrap_or(&self.explanation_en)
    }

    /// The Spanish explanation of an outcome, with `{name}` places.
    pub fn explanation_in_spanish(&self, outcome: Outcome) -> &str {
        self.denial_es
            .as_ref()
            .filter(|_| outcome == Outcome::Deny)
            .unwrap_or(&self.explanation_es)
    }

    /// Whether the rule is in force where today is somewhere from `earliest` to `latest`: for a debtor who may be in
    /// several zones, a rule begins with the first of them and ends with the last.
    pub fn is_in_force(&self, earliest: NaiveDate, latest: NaiveDate) -> bool {
        self.effective_from.is_none_or(|from| latest >= from)
            && self.effective_until.is_none_or(|until| earliest <= until)
    }
}

/// What checks compare with; each rule uses the ones it names.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Begin of permitted hours, inclusive, on the debtor's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<ClockTime>,
    /// End of permitted hours, exclusive, on the debtor's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<ClockTime>,
    /// A span in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// A span in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
    /// A span in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    /// A span in days: calendar dates of the debtor where dates are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// A span in business days: no Saturdays, Sundays and legal public holidays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_days: Option<i64>,
    /// A span in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
    /// The same for the product's own profile, which is stricter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_years: Option<u32>,
    /// How many contacts may fall into the span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The same for the product's own profile, which is stricter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_limit: Option<usize>,
    /// How many may fall into one day of 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_a_day: Option<usize>,
    /// A fact that the rule judges by has to be known: in production an unknown one denies. Versions of before let it pass.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown_denies: bool,
    /// A notice counts as what it is said to be in its approved wording alone. Versions of before took the sender's word for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approved_words: bool,
    /// The person's own objection denies, whatever the employer says. Versions of before asked for the employer alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub objection_denies: bool,
    /// An answer to a dispute counts as one where nothing in it demands payment. Versions of before took the sender's word for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answers_demand_nothing: bool,
    /// Only a message that came after what binds was known opens an answer. Versions of before took the one that told of it too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub later_messages_only: bool,
    /// A rate, 0.06 for six percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Codes of a network or provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<Vec<String>>,
    /// Labels of what may not stand in a text, as those who look through it set them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// What a document has to contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

/// What the product's own profile sets for every business, until the business sets something stricter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileSettings {
    /// Spans of days are also counted by the hour: seven days are 168 hours.
    pub elapsed_hours: bool,
    /// Nothing is handed to a provider in the last minutes of the permitted hours, so that it does not arrive after them.
    pub guard_minutes: Option<u32>,
    /// Attempts in seven days over all channels.
    pub attempts_per_week: Option<usize>,
}

impl RuleSet {
    /// The version, stored with each decision.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the file that it was read from: an activation names the file, not only its version.
    pub fn print(&self) -> [u8; 32] {
        self.print
    }

    /// The edition of the checks for which it was written. What a later edition judges otherwise, it does for the packs of that
    /// edition alone: a stored decision comes out as it did.
    pub(super) fn edition(&self) -> u32 {
        self.edition
    }

    /// One rule's data.
    pub fn rule(&self, id: &str) -> Option<&RuleData> {
        self.index.get(id).and_then(|place| self.rules.get(*place))
    }

    /// All rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &RuleData> {
        self.rules.iter()
    }

    /// The overlays of the states, in the order of the file.
    pub fn states(&self) -> impl Iterator<Item = &StateRow> {
        self.states.iter()
    }

    /// What the product's profile sets.
    pub fn product(&self) -> &ProfileSettings {
        &self.product
    }

    /// The same without one rule: for a test that shows what the rule does.
    #[must_use]
    pub fn without(&self, id: &str) -> RuleSet {
        let rules = self.rules.iter().filter(|rule| *rule.id != *id).cloned();
        Self::of(
            (Arc::clone(&self.version), self.print, self.edition),
            rules.collect(),
            self.states.clone(),
            self.product.clone(),
        )
    }

    /// The checks of an act in the order of evaluation, each with its data.
    pub(super) fn checks(&self, act: Act) -> impl Iterator<Item = (&'static Rule, &RuleData)> {
        let checks = self.checks.get(&act).into_iter().flatten();
        checks.filter_map(|(rule, place)| self.rules.get(*place).map(|data| (*rule, data)))
    }

    fn of(
        (version, print, edition): (Arc<str>, [u8; 32], u32),
        mut rules: Vec<RuleData>,
        states: Vec<StateRow>,
        product: ProfileSettings,
    ) -> RuleSet {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let index: HashMap<String, usize> = rules
            .iter()
            .enumerate()
            .map(|(place, rule)| (rule.id.to_string(), place))
            .collect();
        let checks_of = |act: Act| {
            let in_set = |rule: &'static Rule| index.get(rule.id).map(|place| (rule, *place));
            (act, in_order(act).filter_map(in_set).collect())
        };
        let checks = Act::ALL.map(checks_of).into_iter().collect();
        RuleSet {
            version,
            print,
            edition,
            rules,
            index,
            states,
            product,
            checks,
        }
    }
}
