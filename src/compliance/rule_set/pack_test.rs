//! A test that stands in a pack itself: facts, and what the pack is to answer. They run wherever a pack is read, before it
//! decides anything: whoever changes a parameter says with it what that changes.

use serde::Deserialize;

use super::RuleSet;
use crate::compliance::decide::{Strictness, decide};
use crate::compliance::decision::Outcome;
use crate::compliance::facts::Facts;

/// One test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackTest {
    /// What it shows.
    pub(super) name: String,
    /// A missing fact denies, as it does for real contacts; neutral otherwise.
    #[serde(default)]
    production: bool,
    /// The facts document, as JSON.
    facts: String,
    decision: Outcome,
    /// The rule that decides.
    rule: Option<String>,
    /// Until when it waits, as RFC 3339.
    until: Option<String>,
    /// What the text still has to contain.
    missing: Option<Vec<String>>,
}

impl PackTest {
    /// # Errors
    /// What comes out instead.
    pub(super) fn run(&self, rule_set: &RuleSet) -> Result<(), String> {
        let facts: Facts = serde_json::from_str(&self.facts)
            .map_err(|error| format!("its facts cannot be read: {error}"))?;
        let strictness = match self.production {
            true => Strictness::Production,
            false => Strictness::Vector,
        };
        let found = decide(rule_set, &facts, strictness);
        let until = found.next_permitted_at.map(|at| at.to_rfc3339());
        let expected_until = match &self.until {
            Some(text) => Some(
                chrono::DateTime::parse_from_rfc3339(text)
                    .map_err(|error| format!("`until` is no instant: {error}"))?
                    .to_utc()
                    .to_rfc3339(),
            ),
            None => None,
        };
        let is_as_said = found.outcome == self.decision
            && self.rule.as_ref().is_none_or(|rule| *rule == found.rule)
            && (expected_until.is_none() || expected_until == until)
            && self
                .missing
                .as_ref()
                .is_none_or(|missing| *missing == found.missing_content);
        if is_as_said {
            return Ok(());
        }
        Err(format!(
            "{:?} by `{}` comes out ({})",
            found.outcome, found.rule, found.reason
        ))
    }
}
