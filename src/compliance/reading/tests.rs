//! Sentences that people write, and what each brings about.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{InboundKeyword, OptOutReach, Statement, read};

#[derive(Deserialize)]
struct Kind {
    kind: String,
    effects: BTreeSet<String>,
    texts: Vec<String>,
}

fn effects(text: &str) -> BTreeSet<String> {
    let said = read(text, &[]);
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

#[test]
fn each_sentence_brings_about_what_it_says_and_nothing_else() {
    let kinds: Vec<Kind> = serde_json::from_str(include_str!("../../../tests/data/compliance-inbound.json"))
        .expect("the sentences");
    let total: usize = kinds.iter().map(|kind| kind.texts.len()).sum();
    assert!(total > 1_200, "only {total} sentences");
    let mut wrong = Vec::new();
    for kind in &kinds {
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
    assert!(read("no soy xochitl", &[]).statements.is_empty());
    assert_eq!(
        read("no soy xochitl", &["Xóchitl Ruiz"]).statements,
        [Statement::WrongParty]
    );
    assert_eq!(
        read("i am not zebulon", &["Zebulon"]).statements,
        [Statement::WrongParty]
    );
}

#[test]
fn a_long_letter_is_read_up_to_its_end() {
    let letter = "I want to talk about the bill that came in the mail and about nothing else. ".repeat(2_000);
    assert_eq!(read(&letter, &[]).request, None);
    let ends = format!(
        "{} Please stop texting me.",
        "Thank you for the reminder. ".repeat(100)
    );
    assert_eq!(
        read(&ends, &[]).request,
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
        assert_eq!(read(text, &[]).request, None, "{text:?}");
    }
}
