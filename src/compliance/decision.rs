//! What the gate answers.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The answer to "may this be done now?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It may.
    Allow,
    /// It may not, and waiting does not help.
    Deny,
    /// Not now, but at [`Decision::next_permitted_at`].
    Defer,
    /// It may once the text contains [`Decision::missing_content`].
    RequireContent,
    /// Nothing was to be permitted; what the debtor wrote has the [`Decision::effect`] named, or what was to be computed
    /// stands in the decision.
    Record,
}

/// What one rule found. Its texts are shared with the rule set: most findings only say that a rule is satisfied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFinding {
    /// Rule id.
    pub rule: Arc<str>,
    /// Where the rule stands in law, or whose product rule it is.
    pub citation: Arc<str>,
    /// `S1` never send, `S2` treated as a block, `S3` network or provider rule, `S4` product policy.
    pub severity: Arc<str>,
    /// What this rule alone says; [`Outcome::Allow`] when it is satisfied.
    pub outcome: Outcome,
    /// Why, in English.
    pub explanation: Arc<str>,
    /// Why, in Spanish.
    pub explanation_es: Arc<str>,
    /// For a deferral: the earliest instant that satisfies this rule alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<DateTime<Utc>>,
}

/// The gate's answer, with everything needed to explain it. Serialized with the keys of the decision vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    #[serde(rename = "decision")]
    pub outcome: Outcome,
    /// Id of the rule that decided; for an allowance, the rule that mattered most.
    pub rule: String,
    /// Why, in plain English, and what would change the answer.
    pub reason: String,
    /// The same in Spanish.
    pub reason_es: String,
    /// Every rule that applied, in the order of evaluation, up to a denial.
    pub findings: Vec<RuleFinding>,
    /// For a deferral: the earliest instant that satisfies all rules if nothing else happens.
    #[serde(rename = "until", skip_serializing_if = "Option::is_none", default)]
    pub next_permitted_at: Option<DateTime<Utc>>,
    /// What the text must still contain, e.g. `opt_out_notice`, `subsequent_mini_miranda:es`.
    #[serde(rename = "missing", skip_serializing_if = "Vec::is_empty", default)]
    pub missing_content: Vec<String>,
    /// Rules that forbid nothing and ask a person to look, e.g. `reg-f-aggregate-pattern`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub review: Vec<String>,
    /// For an inbound message: the widest thing that it brings about, e.g. `revoke:sms`, `cease:all`, `none`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect: Option<String>,
    /// For an inbound message: everything that it brings about.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub effects: Vec<String>,
    /// For a validation period: when the debtor is taken to have received the notice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assumed_received_on: Option<NaiveDate>,
    /// For a validation period: its last day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period_ends_on: Option<NaiveDate>,
    /// Version of the rule set that decided.
    pub rule_set_version: String,
    /// Version of the tables from which zones were derived.
    pub geo_version: String,
    /// Version of the time zone database.
    pub tzdb_version: String,
}
