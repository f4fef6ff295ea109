//! The rules, one function each. A new rule is a function, a line in its family's list and an entry in
//! `policies/rules`; a new family is one more list in [`IN_ORDER`].

mod business;
mod consent;
mod content;
mod context;
mod dispute;
mod frequency;
mod holds;
mod opt_out;
mod provider;
mod recipient;
mod time;
mod validation;

pub(super) use context::Context;

use chrono::{DateTime, Utc};

/// The families in the order of evaluation: the first denial wins.
pub(super) const IN_ORDER: &[&[Rule]] = &[
    business::STANDING,
    holds::RULES,
    provider::RULES,
    recipient::RULES,
    opt_out::RULES,
    consent::RULES,
    dispute::RULES,
    validation::RULES,
    frequency::RULES,
    time::RULES,
    business::LIMITS,
    content::RULES,
];

/// A rule: its id and its check.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) check: fn(&Context<'_>) -> Checked,
}

/// What a check finds, or what it lacked to find anything.
pub(super) type Checked = Result<Verdict, Missing>;

/// Values for the `{name}` places of a rule's explanation.
pub(super) type Values = Vec<(&'static str, String)>;

/// What a rule alone says.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It has nothing to say about this contact.
    NotApplicable,
    /// It is satisfied.
    Pass(Weight),
    /// It forbids the contact, and waiting does not help.
    Deny(Values),
    /// It forbids the contact until an instant: the earliest that satisfies this rule.
    Defer(DateTime<Utc>, Values),
    /// The text must contain more.
    Require(Vec<String>),
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
