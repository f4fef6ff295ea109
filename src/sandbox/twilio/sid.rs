//! Twilio's identifiers: two letters that name the kind, and 32 hexadecimal digits.

/// A new identifier. Random even in tests, as Twilio's are: what receives them may not rely on their values, and
/// those of two runs of the sandbox against one database must differ.
pub(super) fn new(kind: &str) -> String {
    format!("{kind}{:032x}", rand::random::<u128>())
}

/// A new token for `I-Twilio-Idempotency-Token`.
pub(super) fn idempotency_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
