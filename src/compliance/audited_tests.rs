//! Some hundred facts documents around the borders of the rules, each with the answer that the rule table gives:
//! `tests/data/compliance-cases.json` has what each changes in one permitted text to somebody in New York.

use serde_json::Value;

use super::decide::{Strictness, decide};
use super::facts::Facts;
use super::rule_set::newest;

/// Stands for a key that a document does not have: null is a value of its own.
const ABSENT: &str = "(absent)";

fn lay(base: &mut Value, changes: &Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (key, change) in changes {
                match base.get_mut(key) {
                    _ if change == ABSENT => drop(base.remove(key)),
                    Some(known) => lay(known, change),
                    None => drop(base.insert(key.clone(), change.clone())),
                }
            }
        }
        (base, change) => *base = change.clone(),
    }
}

/// What comes out otherwise than expected.
fn differences(base: &Value, case: &Value) -> Vec<String> {
    let mut facts = base.clone();
    lay(&mut facts, &case["changes"]);
    let facts: Facts =
        serde_json::from_value(facts).unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
    let decision = decide(newest(), &facts, Strictness::Vector);
    let answer = serde_json::to_value(decision).expect("a decision is JSON");
    let expected = case["expected"].as_object().expect("what is expected");
    let keys = ["decision", "rule", "until", "missing"];
    let differs = |key: &&str| answer.get(*key) != expected.get(*key);
    keys.into_iter()
        .filter(differs)
        .map(|key| {
            let (wanted, found) = (expected.get(key), answer.get(key));
            format!("{}: {key}: {wanted:?} is {found:?}", case["name"])
        })
        .collect()
}

#[test]
fn every_case_comes_out_as_the_rule_table_has_it() {
    let all: Value =
        serde_json::from_str(include_str!("../../tests/data/compliance-cases.json")).expect("the cases");
    let cases = all["cases"].as_array().expect("the cases");
    assert!(cases.len() > 360, "only {} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| differences(&all["base"], case))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let mut names: Vec<&str> = cases.iter().filter_map(|case| case["name"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases with one name");
}
