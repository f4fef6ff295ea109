//! Reads an inbound text: what it asks for and what it states, in plain English or Spanish, inside sentences, misspelled
//! or not. This is the deterministic first look that acts at once; what it does not see is still read by a person or a
//! classifier, which may only add to it.

mod classes;
mod debts;
mod demands;
mod pattern;
mod requests;
mod spelling;
mod statements;
mod words;

#[cfg(test)]
mod tests;

pub(super) use demands::demands_payment;

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
    /// In a fixed order, each once.
    pub(super) statements: Vec<Statement>,
    pub(super) disputes: bool,
    pub(super) refuses_to_pay: bool,
    pub(super) cannot_pay: bool,
}

/// Reads a text. `names` are the names of those whom the business may mean by its number: "no soy Ana" is about Ana. Common
/// first names, and words with a capital inside a sentence, count as names without that.
pub(super) fn read(text: &str, names: &[&str]) -> Said {
    let sentences = words::sentences(text, names);
    Said {
        request: requests::request(&sentences),
        statements: statements::statements(&sentences),
        disputes: debts::disputes(&sentences),
        refuses_to_pay: debts::refuses_to_pay(&sentences),
        cannot_pay: debts::cannot_pay(&sentences),
    }
}
