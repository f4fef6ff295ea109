//! The gate's memory, its commands, and what it costs.

mod awaiting;
mod complaints;
mod consents;
mod content;
mod cost;
mod dashboard;
mod disputes;
mod due_answers;
mod gate_facts;
mod intake;
mod licenses;
mod limitations;
mod number_lists;
mod opt_out_links;
mod own_disputes;
mod permits;
mod reassigned;
mod replay;
mod rule_sets;
mod slots;
mod suits;
mod threads;
mod validation_notices;
