//! Who gets a thread that nobody holds: the business's rules in their order, and the agents who work now.
//!
//! - `rules`: what the business says
//! - `choice`: which rule fits a thread, and whom it gives it to; no I/O
//! - `give`: the text that has just come in
//! - `waiting`: those that nobody could be given to then, and those whose agent went away

mod choice;
mod give;
mod rules;
mod waiting;

pub(super) use choice::{Reassignment, RoutingStrategy, Rule};
pub(super) use give::give_new_text;
pub(super) use rules::{RuleWish, delete_rule, rules_of, save_rule};
pub use waiting::{RouteWaiting, find_waiting, route_waiting};
