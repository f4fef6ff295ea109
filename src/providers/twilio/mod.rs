//! Twilio: Programmable Messaging over REST, and its webhooks' signatures.

pub mod error_codes;
pub mod signature;
mod sms;

pub use sms::TwilioSms;
