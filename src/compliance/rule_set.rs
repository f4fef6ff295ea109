//! Rules as versioned data: id, citation, severity, parameters, explanations. The checks themselves are
//! functions in `rules`; what they compare with, and what they say, stands in
//! `policies/rules/*.toml`.

use super::decision::Outcome;
use super::facts::ClockTime;
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SPINE: LazyLock<RuleSet> = LazyLock::new(|| {
    RuleSet::from_toml(include_str!("../../policies/rules/spine.toml"))
        .expect("the embedded rule set is read by a test, so it cannot be broken in a build that passed")
});

/// A version of the rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    version: String,
    rules: BTreeMap<String, RuleData>,
}

/// One rule's data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleData {
    /// Rule id, as in the rule table.
    pub id: String,
    /// Statute, regulation, network or product rule.
    pub citation: String,
    /// `S1` to `S4`, see [`super::decision::RuleFinding::severity`].
    pub severity: String,
    /// Why the rule does not pass and what would change that; `{name}` is filled by the check.
    pub explanation_en: String,
    /// The same in Spanish.
    pub explanation_es: String,
    /// For a rule that normally defers: why it denies when waiting does not help.
    pub denial_en: Option<String>,
    /// The same in Spanish.
    pub denial_es: Option<String>,
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
}

/// What checks compare with; each rule uses the ones it names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Begin of permitted hours, inclusive, on the debtor's clock.
    pub start: Option<ClockTime>,
    /// End of permitted hours, exclusive, on the debtor's clock.
    pub end: Option<ClockTime>,
    /// A span in seconds.
    pub seconds: Option<i64>,
    /// A span in minutes.
    pub minutes: Option<i64>,
    /// A span in hours.
    pub hours: Option<i64>,
    /// A span in days: calendar dates of the debtor where dates are counted.
    pub days: Option<i64>,
    /// How many contacts may fall into the span.
    pub limit: Option<usize>,
    /// A rate, 0.06 for six percent.
    pub rate: Option<f64>,
    /// First day on which the rule holds, on the debtor's calendar.
    pub from: Option<NaiveDate>,
    /// States (USPS codes) in which the rule holds.
    pub states: Option<Vec<String>>,
}

/// Why a rule set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleSetError {
    /// Not the expected TOML.
    #[error("the rule set cannot be read: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// The same rule twice.
    #[error("rule `{0}` stands twice in the rule set; remove one of them")]
    Duplicate(String),
    /// A check without its data.
    #[error("rule `{0}` is checked by this program but has no entry in the rule set; add it")]
    Absent(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    version: String,
    rule: Vec<RuleData>,
}

impl RuleSet {
    /// The rule set of this build.
    pub fn spine() -> &'static RuleSet {
        &SPINE
    }

    /// Reads a rule set and makes sure that every rule that this program checks has its data.
    ///
    /// # Errors
    /// When the text is not a rule set, names a rule twice, or lacks one.
    pub fn from_toml(text: &str) -> Result<RuleSet, RuleSetError> {
        let file: RuleFile = toml::from_str(text)?;
        let mut rules = BTreeMap::new();
        for rule in file.rule {
            if let Some(earlier) = rules.insert(rule.id.clone(), rule) {
                return Err(RuleSetError::Duplicate(earlier.id));
            }
        }
        match super::decide::rule_ids().find(|id| !rules.contains_key(*id)) {
            Some(id) => Err(RuleSetError::Absent(id)),
            None => Ok(RuleSet {
                version: file.version,
                rules,
            }),
        }
    }

    /// The version, stored with each decision.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// One rule's data.
    pub fn rule(&self, id: &str) -> Option<&RuleData> {
        self.rules.get(id)
    }

    /// All rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &RuleData> {
        self.rules.values()
    }
}
