//! What each version of the rules answered, to the letter: a change of today's code that would let a stored decision come out
//! otherwise fails here. `tests/data/golden/cases.json` has the facts, a file for each version the answers, a line each.
//!
//! `UPDATE_GOLDEN=1` writes answers that are missing: of a new version, or of new cases. One that stands is never written anew.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::decide::{Strictness, decide};
use super::decision::Decision;
use super::facts::Facts;
use super::rule_set::{RuleSet, embedded_versions};

#[derive(Deserialize)]
struct Case {
    id: String,
    strictness: String,
    facts: Facts,
}

impl Case {
    fn strictness(&self) -> Strictness {
        match self.strictness.as_str() {
            "production" => Strictness::Production,
            "vector" => Strictness::Vector,
            other => panic!("{}: there is no strictness {other}", self.id),
        }
    }
}

/// Answers by the ids of their cases.
type Answers = BTreeMap<String, Value>;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden"))
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.json")).expect("the cases");
    serde_json::from_str(&text).expect("the cases")
}

/// What a reader looks for, and the print of the whole decision: findings, explanations, everything but the tables that a build
/// brings with it.
fn answer(decision: Decision) -> Value {
    let decision = Decision {
        geo_version: String::new(),
        tzdb_version: String::new(),
        ..decision
    };
    let print: [u8; 32] = Sha256::digest(serde_json::to_vec(&decision).expect("JSON")).into();
    let Value::Object(all) = serde_json::to_value(&decision).expect("JSON") else {
        panic!("a decision is an object");
    };
    let is_shown = |key: &str| {
        !matches!(
            key,
            "findings" | "reason" | "reason_es" | "rule_set_version" | "geo_version" | "tzdb_version"
        )
    };
    let mut shown: Map<String, Value> = all.into_iter().filter(|(key, _)| is_shown(key)).collect();
    shown.insert("print".to_owned(), hex(&print).into());
    Value::Object(shown)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file_of(rule_set: &RuleSet) -> PathBuf {
    folder().join(format!("{}.json", rule_set.version()))
}

fn stored(rule_set: &RuleSet) -> Answers {
    match std::fs::read_to_string(file_of(rule_set)) {
        Ok(text) => serde_json::from_str(&text).expect("answers"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Answers::new(),
        Err(error) => panic!("{error}"),
    }
}

fn store(rule_set: &RuleSet, answers: &Answers) {
    let lines: Vec<String> = answers
        .iter()
        .map(|(id, answer)| format!("{}: {answer}", Value::from(id.as_str())))
        .collect();
    let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
    std::fs::write(file_of(rule_set), text).expect("the answers are written");
}

#[test]
fn every_version_still_answers_to_the_letter_what_it_answered_when_it_decided() {
    let may_add = std::env::var_os("UPDATE_GOLDEN").is_some();
    let cases = cases();
    assert!(cases.len() > 400, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for rule_set in embedded_versions() {
        let mut known = stored(rule_set);
        for case in &cases {
            let now = answer(decide(rule_set, &case.facts, case.strictness()));
            match known.get(&case.id) {
                Some(then) if *then == now => {}
                Some(then) => wrong.push(format!("{} {}: {then} is now {now}", rule_set.version(), case.id)),
                None if may_add => drop(known.insert(case.id.clone(), now)),
                None => wrong.push(format!("{} {}: no answer is kept", rule_set.version(), case.id)),
            }
        }
        if may_add && wrong.is_empty() {
            store(rule_set, &known);
        }
        assert_eq!(
            known.len(),
            cases.len(),
            "answers of cases that are gone: {}",
            rule_set.version()
        );
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_cases_reach_every_outcome_and_most_of_the_rules() {
    let mut outcomes = std::collections::BTreeSet::new();
    let mut rules = std::collections::BTreeSet::new();
    for case in cases() {
        let decision = decide(RuleSet::current(), &case.facts, case.strictness());
        outcomes.insert(decision.outcome);
        rules.insert(decision.rule);
    }
    assert_eq!(outcomes.len(), 5, "{outcomes:?}");
    assert!(rules.len() >= 60, "{}: {rules:?}", rules.len());
}
