//! The set of conversations by which triage and answers are judged (`tests/data/assistant-conversations.json`): what is wanted,
//! whether a person takes over, and that no answer names an amount that is not the account's.

use chrono::NaiveDate;
use proptest::prelude::*;
use serde::Deserialize;

use super::{
    answer::{Course, course, words_for},
    guard,
    plan_options::{PlanTerms, plan_options},
    store::Before,
    triage::{Intent, Triage, triage},
    wording::{Language, Values},
};
use crate::{platform::money::Money, settings::AnsweringTerms};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    /// What the debtor writes, text by text; what follows is of the last.
    says: Vec<String>,
    language: String,
    /// `*` where any will do.
    intent: Option<String>,
    ends: String,
    /// Any where none is named.
    hand_off: Option<String>,
}

fn conversations() -> Vec<Conversation> {
    serde_json::from_str(include_str!("../../tests/data/assistant-conversations.json")).unwrap()
}

fn terms() -> AnsweringTerms {
    AnsweringTerms {
        is_on: true,
        min_confidence: 70,
        ..AnsweringTerms::default()
    }
}

fn values(minor: i64) -> Values {
    let balance = Money::from_minor(minor, "USD".parse().unwrap());
    Values {
        first_name: Some("Maria".to_owned()),
        business: "Acme Recovery".to_owned(),
        creditor: Some("First Bank".to_owned()),
        is_original_creditor: true,
        ending: "0417".to_owned(),
        balance: Some(balance),
        due_date: NaiveDate::from_ymd_opt(2026, 5, 3),
        phone: None,
        options: plan_options(balance, PlanTerms::default()),
    }
}

/// What the texts come to, one after the other.
fn taken(says: &[String]) -> Option<(Triage, Course)> {
    let mut before = None;
    let mut last = None;
    for text in says {
        let read = triage(text, &["Maria", "Alvarez"]);
        let course = course(&read, before.as_ref(), &terms());
        before = Some(Before {
            intent: read.intent,
            sentiment: i16::from(read.sentiment),
            is_answered: matches!(course, Course::Answer(_)),
        });
        last = Some((read, course));
    }
    last
}

/// What is wrong with a conversation's end.
fn fault(conversation: &Conversation) -> Option<String> {
    let (read, course) = taken(&conversation.says)?;
    let (ends, hand_off) = match course {
        Course::Answer(_) => ("ANSWERED", None),
        Course::HandOver(hand_off) => ("HANDED_OVER", Some(hand_off.as_str())),
        Course::Leave => ("LEFT", None),
    };
    let intent = read.intent.map(Intent::as_str);
    let is_wanted = conversation.intent.as_deref() == Some("*") || conversation.intent.as_deref() == intent;
    let is_handed = conversation.hand_off.is_none()
        || ends != "HANDED_OVER"
        || conversation.hand_off.as_deref() == hand_off;
    (ends != conversation.ends || !is_wanted || !is_handed).then(|| {
        format!(
            "{:?}: {intent:?} {ends} {hand_off:?}, {read:?}",
            conversation.says
        )
    })
}

#[test]
fn the_set_is_large_enough_and_every_conversation_ends_as_it_should() {
    let all = conversations();
    assert!(all.len() >= 120, "{}", all.len());
    for language in ["en", "es"] {
        assert!(
            all.iter().filter(|one| one.language == language).count() >= 40,
            "{language}"
        );
    }
    let faults: Vec<String> = all.iter().filter_map(fault).collect();
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        all.len(),
        faults.join("\n")
    );
}

#[test]
fn no_answer_of_the_set_names_an_amount_that_is_not_the_accounts() {
    for minor in [125_050, 2_413, 98_765_432] {
        let values = values(minor);
        for conversation in conversations() {
            let Some((read, Course::Answer(wording))) = taken(&conversation.says) else {
                continue;
            };
            // Whoever writes Spanish is answered in it, whatever is on record.
            let language = Language::of(read.language.unwrap_or("en"));
            assert_eq!(
                language,
                Language::of(&conversation.language),
                "{:?}",
                conversation.says
            );
            let text = words_for(wording, language, &values).unwrap();
            assert_eq!(guard::check(&text, language, &values), Ok(()), "{text}");
            assert!(text.contains(&values.balance.unwrap().shown()), "{text}");
            let others = self::values(minor + 1);
            assert!(guard::check(&text, language, &others).is_err(), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_never_gets_into_what_is_answered(said in ".{0,120}", minor in 2_000_i64..10_000_000) {
        let texts = [format!("How much do I owe? {said}")];
        if let Some((read, Course::Answer(wording))) = taken(&texts) {
            let values = values(minor);
            let language = Language::of(read.language.unwrap_or("en"));
            let text = words_for(wording, language, &values).unwrap();
            prop_assert_eq!(guard::check(&text, language, &values), Ok(()));
        }
    }
}
