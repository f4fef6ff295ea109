//! The published decision vectors: which of them this rule set answers, and that facts survive being stored.

use super::decide::{Strictness, decide};
use super::facts::Facts;
use super::rule_set::RuleSet;
use serde_json::Value;
use std::collections::BTreeSet;

/// Vectors that this rule set answers exactly. The list may only grow.
const ANSWERED: &[&str] = &[
    "fq-01-seventh-call",
    "fq-03-seven-days-one-second",
    "fq-05-voicemail-counts",
    "fq-07-other-debt-own-bucket",
    "fq-09-student-loans-one-account",
    "fq-11-texts-not-calls",
    "fq-13-conversation-7d-1s",
    "fq-15-conversation-local-date",
    "fq-17-callback-requested",
    "fq-19-consent-expires",
    "fq-21-text-thread-is-not-conversation",
    "ho-01-attorney",
    "ho-03-cease-then-text",
    "ho-05-cease-then-dispute-reply",
    "ho-07-dispute-hold",
    "ho-09-oral-dispute",
    "ho-11-minor",
    "ho-13-scra-rate",
    "ho-15-workplace",
    "ho-17-overshadowing",
    "in-01-keywords",
    "in-03-near-miss",
    "in-05-cease-all",
    "in-07-inability-not-refusal",
    "in-09-spanish-near-miss",
    "in-11-dispute",
    "in-13-start",
    "no-01-validation-labor-day",
    "no-03-validation-july-4-saturday",
    "no-05-sms-initial-missing",
    "no-07-spanish-body-english-disclosure",
    "no-09-voicemail-ok",
    "no-11-time-barred-nm",
    "no-13-recording-ca",
    "pa-01-ach-third-representment",
    "pa-03-ach-r07",
    "pa-05-visa-16th",
    "pa-07-no-written-authorization",
    "pa-09-postdated-notice",
    "pc-01-third-party-3-attempts",
    "pc-03-whatsapp-local-day",
    "qh-01-075959",
    "qh-03-205959",
    "qh-05-210001",
    "qh-07-dst-fall-defer",
    "qh-09-arizona-no-dst",
    "qh-11-928-navajo-split",
    "qh-13-hawaii-address-212-phone",
    "qh-15-indianapolis",
    "qh-17-pacific-address-eastern-phone",
    "qh-19-pacific-address-eastern-phone-close",
    "qh-21-tollfree-no-address",
    "qh-23-puerto-rico",
    "qh-25-email-counts",
    "qh-27-fl-email-first-party",
    "qh-29-consumer-window",
    "qh-31-reply-to-inbound-chat",
    "re-01-erasure",
    "st-01-wa-fourth-contact",
    "st-03-ma-call-plus-text",
    "st-05-ma-work-30-days",
    "st-07-nyc-sms-no-consent",
    "st-09-dc-sixth-electronic",
    "st-11-license",
    "tc-01-ai-voice-no-consent",
    "tc-03-ai-voice-other-number",
    "tc-05-voicemail-drop",
    "tc-07-landline-4th",
    "tc-09-text-60-days",
    "tc-11-optout-confirm-6min",
    "tc-13-optout-then-email",
    "tc-15-provider-sms",
];

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/data/compliance-vectors.json")).expect("the vectors")
}

fn id(vector: &Value) -> &str {
    vector["id"].as_str().expect("an id")
}

fn facts(vector: &Value) -> Facts {
    serde_json::from_value(vector["facts"].clone()).unwrap_or_else(|error| panic!("{}: {error}", id(vector)))
}

/// The keys of `expected` that the decision answers differently.
fn differences(vector: &Value) -> Vec<String> {
    let decision = decide(RuleSet::current(), &facts(vector), Strictness::Vector);
    let answer = serde_json::to_value(decision).expect("a decision is JSON");
    let expected = vector["expected"].as_object().expect("an expected document");
    expected
        .iter()
        .filter(|(key, value)| answer.get(key.as_str()) != Some(value))
        .map(|(key, value)| {
            format!(
                "{key}: expected {value}, got {}",
                answer.get(key.as_str()).unwrap_or(&Value::Null)
            )
        })
        .collect()
}

#[test]
fn the_answered_vectors_are_exactly_the_listed_ones() {
    let all = vectors();
    assert_eq!(all.len(), 72);
    let open: Vec<(&str, Vec<String>)> = all
        .iter()
        .map(|vector| (id(vector), differences(vector)))
        .filter(|(_, open)| !open.is_empty())
        .collect();
    let open_ids: BTreeSet<&str> = open.iter().map(|(id, _)| *id).collect();
    let answered: BTreeSet<&str> = all.iter().map(id).filter(|id| !open_ids.contains(id)).collect();
    let listed: BTreeSet<&str> = ANSWERED.iter().copied().collect();
    assert_eq!(
        answered,
        listed,
        "{} of 72 answered; the others: {open:#?}",
        answered.len()
    );
}

#[test]
fn every_facts_document_comes_back_as_it_was_stored() {
    for vector in vectors() {
        let stored = serde_json::to_value(facts(&vector)).expect("facts are JSON");
        assert_eq!(stored, vector["facts"], "{}", id(&vector));
    }
}

#[test]
fn an_unknown_key_is_refused_by_name_wherever_it_stands() {
    for document in [
        r#"{"nwo":"2026-06-10T17:00:00Z"}"#,
        r#"{"action":{"nwo":1}}"#,
        r#"{"history":[{"nwo":1}]}"#,
        r#"{"consents":{"sms_consent":{"nwo":1}}}"#,
    ] {
        let error = serde_json::from_str::<Facts>(document).expect_err("an unknown key");
        assert!(error.to_string().contains("`nwo`"), "{error}");
    }
}

#[test]
fn every_decision_explains_itself_in_both_languages() {
    for vector in vectors() {
        let decision = decide(RuleSet::current(), &facts(&vector), Strictness::Vector);
        for finding in &decision.findings {
            for text in [
                &finding.explanation,
                &finding.explanation_es,
                &finding.citation,
                &finding.severity,
            ] {
                assert!(
                    !text.is_empty() && !text.contains('{'),
                    "{}: {finding:?}",
                    id(&vector)
                );
            }
        }
        assert!(!decision.reason.is_empty() && !decision.reason_es.is_empty());
        assert_ne!(decision.rule_set_version, "");
    }
}
