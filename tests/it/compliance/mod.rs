//! The gate's memory, its commands, and what it costs.

mod consents;
mod content;
mod cost;
mod disputes;
mod intake;
mod replay;
mod slots;
