//! A text as another room reads it: what this one acts on, and whether sentences of that room's own kinds are in it. It is read
//! once, by the same words.

use super::{
    InboundKeyword, OptOutReach, Said, Statement, debts,
    pattern::Kind,
    requests, statements, times,
    words::{self, Sentence},
};

/// Sentences of one kind, in the language of `src/compliance/reading/pattern.rs`.
#[derive(Debug)]
pub struct Phrases(Kind);

impl Phrases {
    /// Of a file that this build carries.
    ///
    /// # Panics
    /// When a line of it is no pattern: the room that carries it reads it in a test.
    pub fn embedded(text: &'static str) -> Self {
        Self(Kind::embedded(text))
    }
}

/// A text, read.
#[derive(Debug)]
pub struct Heard {
    sentences: Vec<Sentence>,
    said: Said,
}

/// Reads a text; `names` are of those whose number it came from.
pub fn hear(text: &str, names: &[&str]) -> Heard {
    let names = words::Names {
        theirs: names,
        ours: &[],
    };
    let sentences = words::sentences(text, &names);
    let said = said_by(&sentences);
    Heard { sentences, said }
}

/// What the sentences say.
pub(super) fn said_by(sentences: &[Sentence]) -> Said {
    let (request, media) = requests::request(sentences);
    let stated = statements::not_taken_back(sentences);
    Said {
        request,
        media,
        statements: statements::statements(&stated),
        disputes: debts::disputes(&stated),
        asks_for_original_creditor: debts::asks_for_original_creditor(sentences),
        not_at_work: requests::is_not_at_work(sentences),
        times: times::times(sentences),
        refuses_to_pay: debts::refuses_to_pay(sentences),
        cannot_pay: debts::cannot_pay(sentences),
    }
}

impl Heard {
    /// Whether a sentence is of this kind.
    pub fn says(&self, kind: &Phrases) -> bool {
        kind.0.is_said(&self.sentences)
    }

    /// They are not to be written to any more, on this channel or at all.
    pub fn ends_contact(&self) -> bool {
        matches!(self.said.request, Some(InboundKeyword::OptOut(_))) || self.said.refuses_to_pay
    }

    /// They ask to be left alone altogether (12 CFR 1006.6(c)).
    pub fn is_cease_notice(&self) -> bool {
        self.said.request == Some(InboundKeyword::OptOut(OptOutReach::AllContact)) || self.said.refuses_to_pay
    }

    /// They restore a channel.
    pub fn opts_in(&self) -> bool {
        self.said.request == Some(InboundKeyword::OptIn)
    }

    /// They ask who writes.
    pub fn asks_for_help(&self) -> bool {
        self.said.request == Some(InboundKeyword::Help)
    }

    /// They dispute the debt, or ask whose it was at first: what is answered to that the law says (12 CFR 1006.38).
    pub fn is_dispute(&self) -> bool {
        self.said.disputes || self.said.asks_for_original_creditor
    }

    /// They have an attorney, or a court has their matter.
    pub fn is_legal_matter(&self) -> bool {
        let is_legal = |said: &Statement| matches!(said, Statement::Attorney | Statement::Bankruptcy);
        self.said.statements.iter().any(is_legal)
    }

    /// They state anything else of the person that is for a person to look at.
    pub fn states_something(&self) -> bool {
        !self.said.statements.is_empty() || self.said.not_at_work || !self.said.times.is_empty()
    }

    /// They say that they have not the means.
    pub fn cannot_pay(&self) -> bool {
        self.said.cannot_pay
    }

    /// How many words it has.
    pub fn word_count(&self) -> usize {
        let words = self.sentences.iter().flat_map(|sentence| &sentence.words);
        words.filter(|word| !word.is_comma() && !word.is_cut()).count()
    }

    /// How many sentences it has.
    pub fn sentence_count(&self) -> usize {
        self.sentences
            .iter()
            .filter(|sentence| !sentence.words.is_empty())
            .count()
    }
}
