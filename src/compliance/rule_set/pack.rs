//! Reading a pack: one version of the rules as a TOML file.

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::pack_test::PackTest;
use super::validate::validate;
use super::{ProfileSettings, RuleData, RuleSet, StateRow};

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
    /// Data without a check.
    #[error("rule `{0}` is not checked by this program; say in `data_only` why, or remove it")]
    Unchecked(String),
    /// Something about one rule or row.
    #[error("`{0}`: {1}")]
    Invalid(String, String),
    /// One of the pack's own tests comes out otherwise.
    #[error("the test `{0}` of the rule set fails: {1}")]
    TestFails(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    version: String,
    /// None of the first packs names one.
    #[serde(default = "first_edition")]
    edition: u32,
    rule: Vec<RuleData>,
    #[serde(default)]
    state: Vec<StateRow>,
    #[serde(default)]
    profile: Profiles,
    #[serde(default)]
    test: Vec<PackTest>,
}

fn first_edition() -> u32 {
    1
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Profiles {
    product: ProfileSettings,
}

/// What a pack is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// To decide: every check has its entry.
    Current,
    /// To replay what it decided: checks that came later have no entry.
    Archived,
}

impl RuleSet {
    /// Reads a rule set that is to decide, and makes sure that it can: every check of this program has its data, every
    /// entry has its check or says why not, everything in it is in order, and its own tests come out as they say.
    ///
    /// # Errors
    /// What is wrong first, with the id of the rule.
    pub fn from_toml(text: &str) -> Result<RuleSet, RuleSetError> {
        read(text, Kept::Current)
    }
}

pub(super) fn read(text: &str, kept: Kept) -> Result<RuleSet, RuleSetError> {
    let file: PackFile = toml::from_str(text)?;
    validate(&file.rule, &file.state, &file.profile.product, kept)?;
    let print = Sha256::digest(text.as_bytes()).into();
    let rule_set = RuleSet::of(
        (Arc::from(file.version), print, file.edition),
        file.rule,
        file.state,
        file.profile.product,
    );
    for test in &file.test {
        test.run(&rule_set)
            .map_err(|fault| RuleSetError::TestFails(test.name.clone(), fault))?;
    }
    Ok(rule_set)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::embedded::CURRENT;
    use super::*;

    /// Rules that the newest pack has no test of, each with why. This list may only shrink.
    const WITHOUT: &[(&str, &str)] = &[(
        "action-not-covered",
        "what an older pack answers to acts that it has no rule for; the newest covers every act",
    )];

    #[test]
    fn the_newest_pack_answers_all_its_tests_as_they_say() {
        let pack: PackFile = toml::from_str(CURRENT).expect("the newest pack");
        let rules = CURRENT.split("\n[[test]]").next().unwrap_or_default();
        let rule_set = RuleSet::from_toml(rules).expect("its rules");
        let run = |test: &PackTest| {
            test.run(&rule_set)
                .err()
                .map(|fault| format!("{}: {fault}", test.name))
        };
        let faults: Vec<String> = pack.test.iter().filter_map(run).collect();
        assert!(faults.is_empty(), "{} fail:\n{}", faults.len(), faults.join("\n"));
    }

    #[test]
    fn every_rule_of_the_newest_pack_has_a_test_in_it_or_says_why_not() {
        let pack: PackFile = toml::from_str(CURRENT).expect("the newest pack");
        let tested: BTreeSet<&str> = pack.test.iter().flat_map(PackTest::rules).collect();
        let decides = |rule: &&RuleData| rule.data_only.is_none();
        let untested: Vec<&str> = pack
            .rule
            .iter()
            .filter(decides)
            .map(|rule| &*rule.id)
            .filter(|id| !tested.contains(id))
            .collect();
        let known: Vec<&str> = WITHOUT.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(
            untested, known,
            "write a [[test]] for the first, or take the second off the list"
        );
        let names: BTreeSet<&str> = pack.test.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names.len(), pack.test.len(), "two tests with one name");
    }
}
