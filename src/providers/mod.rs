//! Adapters to vendors, and nothing else. May import `platform` and the slices' `ports`.

pub mod smtp;
pub mod twilio;
