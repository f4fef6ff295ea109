//! Sentences that people write, and what each brings about.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{InboundKeyword, Medium, Names, OptOutReach, SaidTime, Statement, read};

#[derive(Deserialize)]
struct Kind {
    kind: String,
    effects: BTreeSet<String>,
    texts: Vec<String>,
}

const NOBODY: Names<'_> = Names {
    theirs: &[],
    ours: &[],
};

fn kinds(sentences: &str) -> Vec<Kind> {
    serde_json::from_str(sentences).expect("the sentences")
}

fn effects(text: &str) -> BTreeSet<String> {
    let said = read(text, &NOBODY);
    let request = said.request.map(|request| match request {
        InboundKeyword::OptOut(OptOutReach::Channel) => "revoke",
        InboundKeyword::OptOut(OptOutReach::AllContact) => "cease",
        InboundKeyword::OptIn => "resubscribe",
        InboundKeyword::Help => "help",
    });
    let statements = said.statements.iter().map(|statement| match statement {
        Statement::Bankruptcy => "hold:bankruptcy",
        Statement::Deceased => "hold:deceased",
        Statement::Attorney => "hold:attorney",
        Statement::IdentityTheft => "hold:identity_theft",
        Statement::WrongParty => "wrong_party",
        Statement::ActiveDuty => "hold:scra",
        Statement::Minor => "hold:minor",
    });
    request
        .into_iter()
        .chain(statements)
        .chain(said.disputes.then_some("hold:dispute"))
        .chain(said.refuses_to_pay.then_some("cease"))
        .map(str::to_owned)
        .collect()
}

/// The same, and of what an opt-out is, whether the original creditor is asked for and whether they are not to be contacted at
/// work.
fn all_effects(text: &str) -> BTreeSet<String> {
    let said = read(text, &NOBODY);
    let mut found = effects(text);
    if found.remove("revoke") {
        found.extend(said.media.iter().map(|medium| {
            let name = match medium {
                Medium::Own | Medium::Texts => "revoke",
                Medium::Calls => "revoke:voice",
                Medium::Email => "revoke:email",
                Medium::Whatsapp => "revoke:whatsapp",
            };
            name.to_owned()
        }));
    }
    found.extend(
        said.asks_for_original_creditor
            .then(|| "original_creditor".to_owned()),
    );
    found.extend(said.not_at_work.then(|| "not_at_work".to_owned()));
    found
}

#[test]
fn each_sentence_brings_about_what_it_says_and_nothing_else() {
    let kinds = kinds(include_str!("../../../tests/data/compliance-inbound.json"));
    assert_brings_about(&kinds, 1_200, effects);
}

#[test]
fn each_class_of_sentences_is_told_from_what_only_looks_like_it() {
    let kinds = kinds(include_str!(
        "../../../tests/data/compliance-inbound-classes.json"
    ));
    assert_brings_about(&kinds, 500, all_effects);
}

fn assert_brings_about(kinds: &[Kind], least: usize, effects: fn(&str) -> BTreeSet<String>) {
    let total: usize = kinds.iter().map(|kind| kind.texts.len()).sum();
    assert!(total > least, "only {total} sentences");
    let mut wrong = Vec::new();
    for kind in kinds {
        for text in &kind.texts {
            let found = effects(text);
            if found != kind.effects {
                wrong.push(format!("{}: {text:?} is read as {found:?}", kind.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn names_are_known_from_whoever_may_be_meant() {
    let of = |text: &str, theirs: &[&str], ours: &[&str]| read(text, &Names { theirs, ours }).statements;
    assert!(of("no soy xochitl", &[], &[]).is_empty());
    assert_eq!(
        of("no soy xochitl", &["Xóchitl Ruiz"], &[]),
        [Statement::WrongParty]
    );
    assert_eq!(of("i am not zebulon", &["Zebulon"], &[]), [Statement::WrongParty]);
    // Who does not know us has not said whom the number reaches.
    for text in ["who is Dana?", "I don't know Dana", "never heard of Dana"] {
        assert_eq!(of(text, &["Ana"], &[]), [Statement::WrongParty], "{text}");
        assert!(of(text, &["Ana"], &["Dana Hill"]).is_empty(), "{text}");
        assert_eq!(
            of(text, &["Dana"], &["Dana Hill"]),
            [Statement::WrongParty],
            "{text}"
        );
    }
}

#[test]
fn a_long_letter_is_read_up_to_its_end() {
    let letter = "I want to talk about the bill that came in the mail and about nothing else. ".repeat(2_000);
    assert_eq!(read(&letter, &NOBODY).request, None);
    let ends = format!(
        "{} Please stop texting me.",
        "Thank you for the reminder. ".repeat(100)
    );
    assert_eq!(
        read(&ends, &NOBODY).request,
        Some(InboundKeyword::OptOut(OptOutReach::Channel))
    );
}

#[test]
fn no_phrase_of_the_content_scanner_reads_as_a_request() {
    let phrases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../tests/data/compliance-phrases.json"))
            .expect("the phrases");
    let texts: Vec<&str> = phrases
        .iter()
        .flat_map(|entry| [&entry["prohibited"], &entry["near_miss_allowed"]])
        .flat_map(|list| list.as_array().expect("a list"))
        .map(|text| text.as_str().expect("a text"))
        .collect();
    assert_eq!(texts.len(), 65);
    for text in texts {
        assert_eq!(read(text, &NOBODY).request, None, "{text:?}");
    }
}

#[derive(Deserialize)]
struct SaidOfTimes {
    text: String,
    times: BTreeSet<String>,
}

/// "SAT,SUN 00:00-12:00"
fn printed(time: &SaidTime) -> String {
    let clock = |minute: i16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days = time.days.words().map(|days| format!("{} ", days.join(",")));
    let (from, to) = (clock(time.from_minute), clock(time.to_minute));
    format!("{}{from}-{to}", days.unwrap_or_default())
}

#[test]
fn every_time_that_is_said_to_be_inconvenient_is_read_and_no_other() {
    let cases: Vec<SaidOfTimes> =
        serde_json::from_str(include_str!("../../../tests/data/compliance-inbound-times.json"))
            .expect("the sentences");
    assert!(cases.len() >= 80, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let said = read(&case.text, &NOBODY);
            let found: BTreeSet<String> = said.times.iter().map(printed).collect();
            let is_request = said.request.is_some() && !case.times.is_empty();
            (found != case.times || is_request)
                .then(|| format!("{:?}: {found:?}, {:?}", case.text, said.request))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
