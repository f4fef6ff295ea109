//! Sentences of both languages and every category: what has to be found, and near misses that have to pass.
//! `tests/data/language/sentences.txt` says how it is written.

use std::collections::BTreeMap;

use super::{Part, Period, ScanFacts, Scanned, Writer, scanner};

const SENTENCES: &str = include_str!("../../../tests/data/language/sentences.txt");
const PHRASES: &str = include_str!("../../../tests/data/compliance-phrases.json");

const NAMES: &[&str] = &[
    "Ana Ruiz",
    "Regina Sue",
    "Dick Slaughter",
    "Grant Officer",
    "Cockburn & Hoare Clinic",
    "Apex Group",
];
const AMOUNTS: &[i64] = &[81_240];
const PARTS: &[(Part, i64)] = &[
    (Part::Original, 100_000),
    (Part::Principal, 75_000),
    (Part::Interest, 6_240),
];

/// What is known where a sentence does not say otherwise: the balance is 812.40, the period is over, a program writes.
fn usual() -> ScanFacts<'static> {
    ScanFacts {
        names: NAMES,
        period: Period::Over,
        writer: Some(Writer::Assistant),
        suit_authorised: None,
        is_medical: Some(false),
        fees: Some(&[]),
        amounts: Some(AMOUNTS),
        parts: PARTS,
    }
}

struct Case<'a> {
    category: &'a str,
    is_prohibited: bool,
    facts: ScanFacts<'static>,
    sentence: &'a str,
}

fn cases() -> Vec<Case<'static>> {
    let mut category = "";
    let mut cases = Vec::new();
    for line in SENTENCES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[') {
            category = name.trim_end_matches(']');
            continue;
        }
        let (mark, rest) = line.split_at(1);
        let mut facts = usual();
        match category {
            "overshadowing" => facts.period = Period::Running,
            "clinical-detail" => facts.is_medical = Some(true),
            _ => {}
        }
        let mut sentence = rest.trim();
        while let Some((word, after)) = sentence.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            match word {
                word if word.starts_with("named ") => {
                    let own = NAMES.iter().copied().chain(word.strip_prefix("named "));
                    facts.names = own.collect::<Vec<_>>().leak();
                }
                "person" => facts.writer = Some(Writer::Person),
                "attorney" => facts.writer = Some(Writer::Attorney),
                "nobody-knows-who" => facts.writer = None,
                "suit" => facts.suit_authorised = Some(true),
                "running" => facts.period = Period::Running,
                "over" => facts.period = Period::Over,
                "unknown-period" => facts.period = Period::Unknown,
                "fee-4.95" => facts.fees = Some(&[495]),
                "no-ledger" => facts.amounts = None,
                "not-medical" => facts.is_medical = Some(false),
                _ => panic!("unknown fact {word} in {line}"),
            }
            sentence = after.trim();
        }
        let is_prohibited = match mark {
            "-" => true,
            "+" => false,
            _ => panic!("a line begins with - or +: {line}"),
        };
        cases.push(Case {
            category,
            is_prohibited,
            facts,
            sentence,
        });
    }
    cases
}

fn scan<'a>(category: &str, sentence: &str, facts: &ScanFacts<'a>) -> Scanned<'static> {
    match category {
        "debt-in-visible-field" => scanner().scan_visible(sentence, facts),
        _ => scanner().scan(sentence, facts),
    }
}

fn names_of(scanned: &Scanned<'_>, sentence: &str) -> Vec<String> {
    let named = |finding: &super::Finding<'_>| {
        format!(
            "{} ({}: {})",
            finding.category.name,
            &sentence[finding.start..finding.end],
            finding.pattern
        )
    };
    scanned.findings.iter().map(named).collect()
}

#[test]
fn every_sentence_is_judged_as_it_must_be() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scanned = scan(case.category, case.sentence, &case.facts);
        let found = scanned
            .findings
            .iter()
            .any(|finding| finding.category.name == case.category);
        let is_right = match case.is_prohibited {
            true => found,
            false => scanned.findings.is_empty(),
        };
        if !is_right {
            let mark = if case.is_prohibited { '-' } else { '+' };
            wrong.push(format!(
                "[{}] {mark} {} => {:?}",
                case.category,
                case.sentence,
                names_of(&scanned, case.sentence)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_sentences_are_many_of_both_kinds_and_of_every_category() {
    let cases = cases();
    assert!(cases.len() >= 500, "{} sentences", cases.len());
    let allowed = cases.iter().filter(|case| !case.is_prohibited).count();
    assert!(
        allowed * 5 >= cases.len() * 2,
        "{allowed} of {} are allowed ones",
        cases.len()
    );
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let counts = kinds.entry(case.category).or_default();
        match case.is_prohibited {
            true => counts.0 += 1,
            false => counts.1 += 1,
        }
    }
    for category in scanner().categories() {
        let (prohibited, allowed) = kinds.get(category.name.as_str()).copied().unwrap_or_default();
        assert!(
            prohibited >= 4 && allowed >= 4,
            "{} has {prohibited} prohibited and {allowed} allowed sentences",
            category.name
        );
    }
}

/// The published phrases. A note in brackets names the fact that makes a phrase what it is.
#[test]
fn the_published_phrases_are_judged_as_published() {
    let published: Vec<serde_json::Value> = serde_json::from_str(PHRASES).unwrap();
    let mut wrong = Vec::new();
    for entry in &published {
        let category = entry["category"].as_str().unwrap();
        let mut facts = usual();
        if category == "overshadowing" {
            facts.period = Period::Running;
        }
        for phrase in entry["prohibited"].as_array().unwrap() {
            let phrase = phrase.as_str().unwrap();
            let said = phrase.split(" (").next().unwrap();
            let scanned = scanner().scan(said, &facts);
            let found = scanned
                .findings
                .iter()
                .find(|finding| finding.category.name == category);
            match found {
                Some(finding) => assert_eq!(finding.category.rule, entry["rule"].as_str().unwrap()),
                None => wrong.push(format!("[{category}] - {said} => {:?}", names_of(&scanned, said))),
            }
        }
        for phrase in entry["near_miss_allowed"].as_array().unwrap() {
            let phrase = phrase.as_str().unwrap();
            facts.writer = if phrase.contains("a person, taking over") {
                Some(Writer::Person)
            } else {
                facts.writer
            };
            let scanned = scanner().scan(phrase, &facts);
            if !scanned.findings.is_empty() {
                wrong.push(format!(
                    "[{category}] + {phrase} => {:?}",
                    names_of(&scanned, phrase)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
