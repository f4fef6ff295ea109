//! Reading what somebody wrote as words: how it is folded, cut into words and sentences, and what is inside quotes or
//! under a negation. Whoever looks for phrases in a text reads it through this room, so that capitals, accents,
//! zero-width characters, look-alike letters, leetspeak, masked and spaced-out letters hide nothing.
//!
//! Pure: no clock, no database; the same text is always read the same way.

mod fold;
mod joining;
mod negation;
mod readings;
mod text;
mod told;
mod words;

pub use fold::fold_word;
pub use negation::{is_negator, is_negator_in_clause, negator_over, rescinds};
pub use text::{Break, Lexicon, Mask, Sentence, Text, Token};
pub use told::language_told_by;

#[cfg(test)]
mod tests;
