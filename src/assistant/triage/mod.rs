//! What a text wants of us, how it is meant, and whether a person has to take over. Pure: the same words give the same answer.
//!
//! What compliance acts on is read by its own words; here are only the kinds of sentences that nobody else looks for
//! (`policies/assistant`).

mod mood;
mod words;

#[cfg(test)]
mod tests;

use crate::compliance::{
    language::language_told_by,
    reading::{Heard, hear},
};

/// What a debtor wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intent {
    /// To pay in parts.
    PaymentPlan,
    /// To dispute the debt, or to have it proven.
    Dispute,
    /// To know how much it is, of what, or until when.
    Information,
    /// To pay.
    MakePayment,
    /// To be heard in hardship.
    Hardship,
    /// To speak to a person.
    Human,
    /// To insult or to threaten.
    Hostile,
    /// To be left alone.
    Cease,
}

impl Intent {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::PaymentPlan,
        Self::Dispute,
        Self::Information,
        Self::MakePayment,
        Self::Hardship,
        Self::Human,
        Self::Hostile,
        Self::Cease,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaymentPlan => "PAYMENT_PLAN",
            Self::Dispute => "DISPUTE",
            Self::Information => "INFORMATION",
            Self::MakePayment => "MAKE_PAYMENT",
            Self::Hardship => "HARDSHIP",
            Self::Human => "HUMAN",
            Self::Hostile => "HOSTILE",
            Self::Cease => "CEASE",
        }
    }

    /// The reverse of [`Intent::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.as_str() == text)
    }
}

/// Why a person takes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HandOff {
    /// They ask for a person.
    AskedForPerson,
    /// They dispute the debt.
    Dispute,
    /// They complain.
    Complaint,
    /// An attorney, a court or a law comes into it.
    LegalMatter,
    /// They insult or threaten.
    Hostile,
    /// They may be in danger.
    Distress,
    /// It is not certain enough what they want.
    NotSure,
    /// They ask for other terms than those that stand.
    Negotiation,
    /// They are upset, a second time in a row or where the business wants once to be enough.
    UpsetAgain,
    /// They ask again what was answered.
    AskedAgain,
    /// They state something of the person that somebody has to look at.
    Statement,
    /// There is no answer of ours to it: a value is missing, or no plan fits the terms.
    NoAnswer,
    /// The gate refused the answer.
    Refused,
}

impl HandOff {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AskedForPerson => "ASKED_FOR_PERSON",
            Self::Dispute => "DISPUTE",
            Self::Complaint => "COMPLAINT",
            Self::LegalMatter => "LEGAL_MATTER",
            Self::Hostile => "HOSTILE",
            Self::Distress => "DISTRESS",
            Self::NotSure => "NOT_SURE",
            Self::Negotiation => "NEGOTIATION",
            Self::UpsetAgain => "UPSET_AGAIN",
            Self::AskedAgain => "ASKED_AGAIN",
            Self::Statement => "STATEMENT",
            Self::NoAnswer => "NO_ANSWER",
            Self::Refused => "REFUSED",
        }
    }

    /// What the agent who takes over reads.
    pub fn reason(self) -> &'static str {
        match self {
            Self::AskedForPerson => "The assistant handed over: the debtor asks for a person.",
            Self::Dispute => {
                "The assistant handed over: the debtor disputes the debt or asks for proof of it."
            }
            Self::Complaint => "The assistant handed over: the debtor complains.",
            Self::LegalMatter => "The assistant handed over: an attorney, a court or a law comes into it.",
            Self::Hostile => "The assistant handed over: the debtor is hostile.",
            Self::Distress => {
                "The assistant handed over at once: the debtor may be in danger. Read this first."
            }
            Self::NotSure => "The assistant handed over: it is not certain what the debtor wants.",
            Self::Negotiation => "The assistant handed over: the debtor asks for other terms.",
            Self::UpsetAgain => "The assistant handed over: the debtor is upset.",
            Self::AskedAgain => "The assistant handed over: the debtor asks again what was answered already.",
            Self::Statement => {
                "The assistant handed over: the debtor states something that a person has to look at."
            }
            Self::NoAnswer => "The assistant handed over: it has no answer to this about the account.",
            Self::Refused => "The assistant handed over: the compliance gate refused its answer.",
        }
    }
}

/// What a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Triage {
    /// None where it is not understood.
    pub intent: Option<Intent>,
    /// 1 very positive to 5 hostile.
    pub sentiment: u8,
    /// In percent.
    pub confidence: u8,
    /// Why a person has to take over, whatever else stands.
    pub hand_off: Option<HandOff>,
    /// Thanks and the like, which want no answer.
    pub is_courtesy: bool,
    /// `en` or `es`, where the words tell.
    pub language: Option<&'static str>,
}

/// Hostile.
pub const HOSTILE: u8 = 5;
/// Negative.
pub const UPSET: u8 = 4;
/// It is not known what they want.
const UNKNOWN: u8 = 30;
/// They would have the assistant do or say something.
const INSTRUCTED: u8 = 10;

/// Reads a text; `names` are of those whose number it came from.
pub fn triage(text: &str, names: &[&str]) -> Triage {
    let heard = hear(text, names);
    let sentiment = mood::sentiment(&heard);
    let wants = wants(&heard);
    let (intent, confidence) = understood(&heard, &wants);
    Triage {
        intent,
        sentiment,
        confidence,
        hand_off: hand_off(&heard, intent, sentiment).or_else(|| hand_off_for_figures(text)),
        is_courtesy: intent.is_none() && mood::is_courtesy(text),
        language: language_told_by(text).or_else(|| mood::language_of_few_words(text)),
    }
}

/// Everything that they want, the most telling first.
fn wants(heard: &Heard) -> Vec<Intent> {
    let asks_for_facts = heard.says(&words::INFORMATION) || heard.asks_for_help();
    let has_little = heard.cannot_pay() || heard.says(&words::HARDSHIP);
    let found = [
        (Intent::Cease, heard.ends_contact()),
        (Intent::Dispute, heard.is_dispute()),
        (Intent::Hostile, heard.says(&words::HOSTILE)),
        (Intent::Human, heard.says(&words::HUMAN)),
        (Intent::Hardship, has_little),
        (Intent::PaymentPlan, heard.says(&words::PAYMENT_PLAN)),
        (Intent::MakePayment, heard.says(&words::MAKE_PAYMENT)),
        (Intent::Information, asks_for_facts),
    ];
    found
        .into_iter()
        .filter(|(_, is_said)| *is_said)
        .map(|(intent, _)| intent)
        .collect()
}

/// What they want above all, and how certain that is.
fn understood(heard: &Heard, wants: &[Intent]) -> (Option<Intent>, u8) {
    let Some(first) = wants.first().copied() else {
        return (None, UNKNOWN);
    };
    if heard.says(&words::INSTRUCTION) {
        return (Some(first), INSTRUCTED);
    }
    if matches!(
        first,
        Intent::Cease | Intent::Dispute | Intent::Hostile | Intent::Human
    ) {
        return (Some(first), 95);
    }
    // A plan is asked for in words that also speak of paying; hardship comes with either.
    let intent = match wants {
        [Intent::Hardship, Intent::PaymentPlan, ..] => Intent::PaymentPlan,
        _ => first,
    };
    let others = wants.len() - 1;
    let mut confidence: u8 = match (intent, others) {
        (_, 0) => 95,
        (Intent::PaymentPlan | Intent::Hardship, 1) => 88,
        (_, 1) => 80,
        _ => 72,
    };
    // What else is in a long text is not known.
    let words = heard.word_count();
    for (is_so, less) in [
        (words > 25, 10),
        (words > 40, 15),
        (heard.sentence_count() > 3, 8),
    ] {
        if is_so {
            confidence = confidence.saturating_sub(less);
        }
    }
    (Some(intent), confidence)
}

/// Who names an amount or an address has something in mind that no answer of ours is about.
fn hand_off_for_figures(text: &str) -> Option<HandOff> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let is_count = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit());
    let is_money = |word: &str| {
        ["dollar", "dólar", "dolar", "buck", "peso", "usd"]
            .iter()
            .any(|name| word.starts_with(name))
    };
    let is_amount = |word: &str| {
        word.trim_start_matches('-')
            .strip_prefix('$')
            .is_some_and(is_count)
    };
    let names_amount = words.iter().any(|word| is_amount(word))
        || words
            .iter()
            .zip(words.iter().skip(1))
            .any(|(one, next)| is_count(one) && is_money(next));
    let names_address = ["http", "www.", "://"].iter().any(|mark| lower.contains(mark));
    match (names_address, names_amount) {
        (true, _) => Some(HandOff::NotSure),
        (false, true) => Some(HandOff::Negotiation),
        (false, false) => None,
    }
}

/// Why a person takes over whatever is answered elsewhere. Who ends contact is answered by what the law requires alone.
fn hand_off(heard: &Heard, intent: Option<Intent>, sentiment: u8) -> Option<HandOff> {
    let checks = [
        (HandOff::Distress, heard.says(&words::DISTRESS)),
        (
            HandOff::LegalMatter,
            heard.is_legal_matter() || heard.says(&words::LEGAL),
        ),
        (HandOff::Dispute, heard.is_dispute()),
        (HandOff::Statement, heard.states_something()),
        (HandOff::Hostile, sentiment >= HOSTILE),
        (HandOff::Complaint, heard.says(&words::COMPLAINT)),
        (HandOff::AskedForPerson, intent == Some(Intent::Human)),
        (HandOff::NotSure, heard.says(&words::INSTRUCTION)),
        (HandOff::Negotiation, heard.says(&words::NEGOTIATION)),
        (HandOff::NotSure, heard.opts_in()),
    ];
    checks
        .into_iter()
        .find_map(|(hand_off, is_so)| is_so.then_some(hand_off))
}
