//! Adapters to vendors, and nothing else. May import `platform` and the slices' `ports`.

pub mod smtp;
mod staff_mail;
pub mod stripe;
pub mod twilio;
