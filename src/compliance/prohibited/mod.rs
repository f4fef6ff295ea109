//! Prohibited language: which words of a text the law of debt collection forbids, by category, with the rule that each
//! breaks. Patterns are data (`policies/language`); the scanner is pure and always finds the same in the same text.
//!
//! It prefers to refuse: a fact that is missing never excuses. It knows negations, the debtor's own words quoted back,
//! names of people and businesses, and what was disguised.

mod cards;
mod embedded;
mod excuses;
mod lexicon;
mod names;
mod pack;
mod pattern;
mod scan;

pub use cards::may_become_card_number;
pub use embedded::{check_embedded, scanner};
pub use pack::{Active, Category, PackError};
pub use scan::{Finding, MOST_CHARACTERS, Part, Period, ScanFacts, Scanned, Scanner, Writer};

#[cfg(test)]
mod sentence_tests;
#[cfg(test)]
mod tests;
