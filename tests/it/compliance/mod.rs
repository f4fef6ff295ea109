//! The gate's memory, its commands, and what it costs.

mod awaiting;
mod consents;
mod content;
mod cost;
mod dashboard;
mod disputes;
mod intake;
mod licenses;
mod number_lists;
mod reassigned;
mod replay;
mod slots;
