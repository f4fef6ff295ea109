//! The gate's memory, its commands, and what it costs.

mod consents;
mod cost;
mod intake;
mod replay;
mod slots;
