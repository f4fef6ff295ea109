//! The assistant: answers what debtors write where no member of staff does, and hands over what is for a person. It knows no
//! model: what it says are our own words, with values from the database in their places.
//!
//! Owns `assistant_turns`. May import `platform`, `identity`, `access`, `audit`, `accounts`, `compliance`, `settings`,
//! `conversations`.
//!
//! - a text comes in: [`Listener`] enqueues [`AnswerText`], where the business has switched the assistant on
//! - [`answer_text`]: [`triage`] (what they want) -> [`wording`] (the words) -> [`guard`] (nothing unfounded in them) ->
//!   `conversations::send_message` (the gate, and out) or `conversations::hand_over`
//!
//! Triage, plans, words and guard are pure.

mod answer;
pub mod guard;
mod listener;
pub mod plan_options;
mod store;
pub mod triage;
pub mod wording;

#[cfg(test)]
mod evaluation_tests;

pub use answer::{AnswerText, Assistant, answer_text};
pub use listener::Listener;
