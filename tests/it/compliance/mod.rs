//! The gate's memory, its commands, and what it costs.

mod content;
mod cost;
mod replay;
mod slots;
