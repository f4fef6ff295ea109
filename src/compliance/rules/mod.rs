//! The rules, one function each. A new rule is a function, a line in its family's list and an entry in
//! `policies/rules`; a new family is one more list in [`in_order`].

mod business;
mod conduct;
mod consent;
mod content;
mod context;
mod counting;
mod dispute;
mod frequency;
mod holds;
mod notices;
mod old_debt;
mod opt_out;
mod patterns;
mod payment;
mod provider;
mod recipient;
mod recording;
mod records;
mod state_limits;
mod time;
mod validation;
mod voice;

pub(super) use content::time_barred_label;
pub(super) use context::Context;
pub(super) use records::erasure_effect;

use chrono::{DateTime, Utc};

/// What is decided by asking rules in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// Contact somebody.
    Contact,
    /// Take or retry a payment.
    Payment,
    /// Record or transcribe a call.
    RecordCall,
    /// Delete a record.
    Delete,
}

impl Act {
    pub(super) const ALL: [Act; 4] = [Act::Contact, Act::Payment, Act::RecordCall, Act::Delete];
}

/// The families of a contact in the order of evaluation: the first denial wins.
const CONTACT: &[&[Rule]] = &[
    business::STANDING,
    records::RESTRICTED,
    holds::RULES,
    old_debt::RULES,
    provider::RULES,
    recipient::RULES,
    opt_out::RULES,
    consent::RULES,
    dispute::RULES,
    validation::RULES,
    frequency::RULES,
    state_limits::RULES,
    frequency::PRODUCT,
    time::RULES,
    business::LIMITS,
    patterns::RULES,
    conduct::RULES,
    voice::RULES,
    content::RULES,
    notices::RULES,
];

const PAYMENT: &[&[Rule]] = &[holds::OF_THE_DEBT, old_debt::OF_THE_DEBT, payment::RULES];

const RECORD_CALL: &[&[Rule]] = &[recording::RULES];

const DELETE: &[&[Rule]] = &[records::RULES];

/// The rules of an act in the order of evaluation.
pub(super) fn in_order(act: Act) -> impl Iterator<Item = &'static Rule> {
    let families = match act {
        Act::Contact => CONTACT,
        Act::Payment => PAYMENT,
        Act::RecordCall => RECORD_CALL,
        Act::Delete => DELETE,
    };
    families.iter().flat_map(|family| family.iter())
}

/// Whether a rule judges what a contact says, and nothing else of it.
pub(super) fn is_about_words(id: &str) -> bool {
    let mut families = [conduct::RULES, content::RULES].into_iter().flatten();
    families.any(|rule| rule.id == id)
}

/// A rule: its id and its check.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) check: fn(&Context<'_>) -> Checked,
}

/// What a check finds, or what it lacked to find anything.
pub(super) type Checked = Result<Verdict, Missing>;

/// The value of a denial that is for the place of the contact: the rule then says so in its own words.
pub(super) const PLACE: &str = "place";

/// Values for the `{name}` places of a rule's explanation.
pub(super) type Values = Vec<(&'static str, String)>;

/// What a rule alone says.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It has nothing to say about this contact.
    NotApplicable,
    /// It is satisfied.
    Pass(Weight),
    /// It forbids nothing, and asks a person to look.
    Review(Values),
    /// It forbids the contact, and waiting does not help.
    Deny(Values),
    /// It forbids the contact until an instant: the earliest that satisfies this rule.
    Defer(DateTime<Utc>, Values),
    /// The text must contain more.
    Require(Vec<String>),
}

impl Verdict {
    /// Denies without values, or is satisfied.
    fn deny_if(denies: bool, otherwise: Weight) -> Verdict {
        if denies {
            Verdict::Deny(vec![])
        } else {
            Verdict::Pass(otherwise)
        }
    }
}

/// How much a satisfied rule had to do with an allowance. The weightiest names the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It applied and found nothing of note.
    Routine,
    /// It is the rule that bounds every contact.
    Baseline,
    /// Something on file engaged it, and it still passes.
    Engaged,
    /// It would have refused but for an exception.
    Exception,
}

/// What a check lacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A fact: denies in production, neutral in a vector.
    Fact(&'static str),
    /// A parameter of the rule set: always denies.
    Parameter(&'static str),
}

/// A fact that the rule cannot do without.
pub(super) fn need<T>(fact: Option<T>, path: &'static str) -> Result<T, Missing> {
    fact.ok_or(Missing::Fact(path))
}
