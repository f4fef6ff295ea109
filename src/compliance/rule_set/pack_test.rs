//! A test that stands in a pack itself: facts, and what the pack is to answer. They run wherever a pack is read, before it
//! decides anything: whoever changes a parameter says with it what that changes.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RuleSet;
use crate::compliance::decide::{Strictness, decide};
use crate::compliance::decision::{Decision, Outcome};
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
    /// A rule that makes the decision what it is, where another is named: without it something else comes out.
    of: Option<String>,
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
        if !is_as_said {
            return Err(format!(
                "{:?} by `{}` comes out ({})",
                found.outcome, found.rule, found.reason
            ));
        }
        match &self.of {
            Some(of) if answer(&decide(&rule_set.without(of), &facts, strictness)) == answer(&found) => {
                Err(format!("without `{of}` the same comes out"))
            }
            _ => Ok(()),
        }
    }

    /// The rules that it is about.
    #[cfg(test)]
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.rule.iter().chain(&self.of).map(String::as_str)
    }
}

/// What a decision permits and asks for, whoever says so.
fn answer(decision: &Decision) -> (Outcome, Option<DateTime<Utc>>, &[String], &[String]) {
    (
        decision.outcome,
        decision.next_permitted_at,
        &decision.missing_content,
        &decision.review,
    )
}
