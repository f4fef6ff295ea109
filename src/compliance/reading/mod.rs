//! Reads an inbound text: what it asks for and what it states, in plain English or Spanish, inside sentences, misspelled
//! or not. This is the deterministic first look that acts at once; what it does not see is still read by a person or a
//! classifier, which may only add to it.

mod classes;
mod clock_words;
mod debts;
mod demands;
mod heard;
mod media;
mod pattern;
mod requests;
mod spelling;
mod statements;
mod times;
mod week_words;
mod words;

#[cfg(test)]
mod tests;

pub(super) use demands::demands_payment;
pub use heard::{Heard, Phrases, hear};
pub(super) use media::Medium;
pub(super) use times::SaidTime;
pub(super) use words::Names;

/// What an inbound message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundKeyword {
    /// Not to be contacted any more.
    OptOut(OptOutReach),
    /// To be contacted again on this channel and number.
    OptIn,
    /// To be told who writes and how to stop it.
    Help,
}

/// How far a request to be left alone reaches. In doubt the wider reading is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOutReach {
    /// This number, and whatever is sent to it by machine: "STOP", "stop texting me".
    Channel,
    /// Every channel, a written notice under 12 CFR 1006.6(c): "do not contact me again".
    AllContact,
}

/// What is stated of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    /// A petition was filed.
    Bankruptcy,
    /// Somebody has died.
    Deceased,
    /// An attorney represents them.
    Attorney,
    /// The debt comes of identity theft.
    IdentityTheft,
    /// The number reaches somebody else.
    WrongParty,
    /// They are in military service.
    ActiveDuty,
    /// They are under age.
    Minor,
}

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) request: Option<InboundKeyword>,
    /// What an opt-out of [`OptOutReach::Channel`] is of, in a fixed order, each once.
    pub(super) media: Vec<Medium>,
    /// In a fixed order, each once.
    pub(super) statements: Vec<Statement>,
    pub(super) disputes: bool,
    /// They ask for the original creditor's name or address.
    pub(super) asks_for_original_creditor: bool,
    /// They are not to be contacted at work.
    pub(super) not_at_work: bool,
    /// When they are not to be contacted, each once.
    pub(super) times: Vec<SaidTime>,
    pub(super) refuses_to_pay: bool,
    pub(super) cannot_pay: bool,
}

/// Reads a text. "No soy Ana" is about Ana where she may be meant by the number; common first names, and words with a capital
/// inside a sentence, count as names without that.
pub(super) fn read(text: &str, names: &Names<'_>) -> Said {
    heard::said_by(&words::sentences(text, names))
}
