//! What somebody states of themselves or of the debtor. In doubt it is read as stated: a hold that a person lifts again
//! costs less than one that was not set. What might be ("should I get a lawyer?"), what is not ("I'm not bankrupt yet"),
//! and what is of something else ("my phone died") is not stated.

use std::sync::LazyLock;

use super::{Statement, pattern::Kind, words::Sentence};

static KINDS: LazyLock<[(Statement, Kind); 7]> = LazyLock::new(|| {
    let kinds = [
        (
            Statement::Bankruptcy,
            include_str!("../../../policies/reading/bankruptcy.txt"),
        ),
        (
            Statement::Deceased,
            include_str!("../../../policies/reading/deceased.txt"),
        ),
        (
            Statement::Attorney,
            include_str!("../../../policies/reading/attorney.txt"),
        ),
        (
            Statement::IdentityTheft,
            include_str!("../../../policies/reading/identity_theft.txt"),
        ),
        (
            Statement::WrongParty,
            include_str!("../../../policies/reading/wrong_party.txt"),
        ),
        (
            Statement::ActiveDuty,
            include_str!("../../../policies/reading/military_service.txt"),
        ),
        (
            Statement::Minor,
            include_str!("../../../policies/reading/minority.txt"),
        ),
    ];
    kinds.map(|(statement, patterns)| (statement, Kind::embedded(patterns)))
});

/// Everything that the sentences state, in a fixed order.
pub(super) fn statements(sentences: &[Sentence]) -> Vec<Statement> {
    KINDS
        .iter()
        .filter(|(_, kind)| kind.is_said(sentences))
        .map(|(statement, _)| *statement)
        .collect()
}

/// The sentences but for a short question that the next one answers with no: "I'm a minor? no I'm 45", "wrong number? No, it's me".
pub(super) fn not_taken_back(sentences: &[Sentence]) -> Vec<Sentence> {
    const MOST_WORDS: usize = 5;
    const AFTER_NO: [&str; 12] = [
        ",", "i", "it", "this", "that", "he", "she", "they", "we", "soy", "es", "not",
    ];
    let says_no = |next: &Sentence| match next.words.as_slice() {
        [only] => only.text == "no",
        [first, second, ..] => first.text == "no" && AFTER_NO.contains(&second.text.as_str()),
        [] => false,
    };
    let is_taken_back = |place: usize, sentence: &Sentence| {
        sentence.asks && sentence.words.len() <= MOST_WORDS && sentences.get(place + 1).is_some_and(says_no)
    };
    let kept = sentences
        .iter()
        .enumerate()
        .filter(|(place, sentence)| !is_taken_back(*place, sentence));
    kept.map(|(_, sentence)| sentence.clone()).collect()
}
