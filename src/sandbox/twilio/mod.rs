//! A stand-in for Twilio's Programmable Messaging (SMS), its accounts and their numbers: the REST API under
//! `/twilio/2010-04-01`, signed status callbacks, signed inbound webhooks, and Twilio's own handling of STOP, START and HELP.
//!
//! Not played: Messaging Services, media, scheduled messages, WhatsApp, calls. TwiML in the answer to an inbound
//! webhook is not executed.

mod api;
mod error;
pub mod inbound;
mod list;
pub mod message;
mod numbers;
pub mod opt_out;
pub mod segments;
mod sid;
pub mod signature;
mod status;
pub mod webhook;

pub(super) use api::router;

/// The version in Twilio's paths and payloads.
const API_VERSION: &str = "2010-04-01";

/// The most characters that a message body may have.
const BODY_LIMIT: usize = 1600;

/// Whether a text is `+` and 7 to 15 digits without a leading zero (ITU-T E.164).
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Repairs a number from a query string in which a bare `+` was decoded as a space.
pub(super) fn number_from_query(text: &str) -> String {
    let text = text.trim();
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        format!("+{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164_numbers_are_told_from_others() {
        assert!(is_e164("+15550100001"));
        for text in [
            "15550100001",
            "+05550100001",
            "+1555",
            "+1555010000100001",
            "+1 555 010 0001",
            "",
            "+",
        ] {
            assert!(!is_e164(text), "{text:?}");
        }
    }
}
