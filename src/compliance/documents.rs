//! Facts documents from outside: one or a list of them, each with an id or without, decided as real contacts are.

use serde::Serialize;
use serde_json::Value;

use super::decide::{Strictness, decide};
use super::decision::Decision;
use super::facts::Facts;
use super::rule_set::RuleSet;

/// Most documents of one file: an answer holds them all.
const MOST_DOCUMENTS: usize = 100_000;

/// A decision under the id of its document.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The document's id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
}

/// The answers, in the shape of the question.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answers {
    /// To one document.
    One(Box<Answer>),
    /// To a list of them.
    Many(Vec<Answer>),
}

/// Why documents cannot be decided: every fault, each with the path of what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct WrongDocuments(pub Vec<String>);

/// Decides every document of a JSON text: `{ "id": …, "facts": { … } }`, or the facts alone, or a list of either. What
/// stands beside `id` and `facts` is not looked at; a key inside the facts that no fact has is an error. Nothing is
/// decided unless all can be.
///
/// # Errors
/// [`WrongDocuments`] with every document that is wrong.
pub fn decide_documents(rule_set: &RuleSet, json: &str) -> Result<Answers, WrongDocuments> {
    let read: Value = serde_json::from_str(json)
        .map_err(|error| WrongDocuments(vec![format!("this is not JSON: {error}")]))?;
    let is_list = read.is_array();
    let documents = match read {
        Value::Array(documents) => documents,
        one => vec![one],
    };
    if documents.len() > MOST_DOCUMENTS {
        let fault = format!(
            "there are {} documents; decide at most {MOST_DOCUMENTS} at once",
            documents.len()
        );
        return Err(WrongDocuments(vec![fault]));
    }
    let mut parsed = Vec::with_capacity(documents.len());
    let mut faults = Vec::new();
    for (place, document) in documents.into_iter().enumerate() {
        match parse(document, is_list.then_some(place)) {
            Ok(document) => parsed.push(document),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(WrongDocuments(faults));
    }
    let mut answers: Vec<Answer> = parsed
        .into_iter()
        .map(|(id, facts)| Answer {
            id,
            // A document holds what it is about: what it leaves out is neutral.
            decision: decide(rule_set, &facts, Strictness::Vector),
        })
        .collect();
    Ok(match (is_list, answers.pop()) {
        (false, Some(only)) => Answers::One(Box::new(only)),
        (_, last) => Answers::Many(answers.into_iter().chain(last).collect()),
    })
}

/// The id and the facts of one document; `place` is its place in the list, from 0.
fn parse(document: Value, place: Option<usize>) -> Result<(Option<Value>, Facts), String> {
    let at = place.map(|place| format!("document {}", place + 1));
    let Value::Object(mut document) = document else {
        let whose = at.unwrap_or_else(|| "the document".to_owned());
        return Err(format!("{whose}: expected an object with `facts`"));
    };
    let id = document.remove("id");
    let name = match (&id, at) {
        (Some(id), Some(at)) => format!("{at} ({id}): "),
        (None, Some(at)) => format!("{at}: "),
        _ => String::new(),
    };
    let (facts, root) = match document.remove("facts") {
        Some(facts) => (facts, "facts"),
        None => (Value::Object(document), ""),
    };
    let facts = serde_path_to_error::deserialize(facts).map_err(|error| {
        let path = error.path().to_string();
        let path = match (root, path.as_str()) {
            ("", path) => path.to_owned(),
            (root, ".") => root.to_owned(),
            (root, path) => format!("{root}.{path}"),
        };
        format!("{name}{path}: {}", error.inner())
    })?;
    Ok((id, facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<String> {
        decide_documents(RuleSet::current(), json)
            .expect_err("wrong documents")
            .0
    }

    #[test]
    fn one_document_is_answered_by_one_and_a_list_by_a_list() {
        let facts = r#"{"action": {"type": "compute_validation_period", "provided_on": "2026-09-04"}}"#;
        let answer = |json: String| {
            serde_json::to_value(decide_documents(RuleSet::current(), &json).expect("answers")).expect("JSON")
        };
        let one = answer(format!(r#"{{"id": "a", "facts": {facts}, "expected": {{}}}}"#));
        assert_eq!(
            (&one["id"], &one["period_ends_on"]),
            (&"a".into(), &"2026-10-14".into())
        );
        assert_eq!(answer(facts.to_owned())["period_ends_on"], "2026-10-14");
        let list = answer(format!(r#"[{{"facts": {facts}}}, {facts}]"#));
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        assert_eq!(answer("[]".to_owned()), serde_json::json!([]));
    }

    #[test]
    fn a_wrong_fact_is_named_with_its_path_and_nothing_is_decided() {
        let found = faults(
            r#"[{"id": "x", "facts": {"action": {"chanel": "sms"}}}, {"facts": {}},
                {"facts": {"history": [{"at": "2026-06-01T00:00:00Z"}, {"at": "yesterday"}]}}, 7]"#,
        );
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].starts_with("document 1 (\"x\"): facts.action")
                && found[0].contains("unknown field `chanel`"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("document 3: facts.history[1].at:"),
            "{found:?}"
        );
        assert!(found[2].starts_with("document 4:"), "{found:?}");
        assert!(faults("{")[0].contains("not JSON"));
        assert!(faults(r#"{"nwo": 1}"#)[0].contains("`nwo`"));
    }
}
