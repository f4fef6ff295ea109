//! The signature on Stripe's webhooks.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `Stripe-Signature`: the instant, and for each secret the hexadecimal HMAC-SHA256 over `{instant}.{body}`.
///
/// Source: <https://docs.stripe.com/webhooks#verify-manually>.
pub fn sign(secrets: &[String], at: i64, body: &str) -> String {
    let signatures = secrets.iter().map(|secret| {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
        mac.update(format!("{at}.{body}").as_bytes());
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(",v1={hex}")
    });
    format!("t={at}{}", signatures.collect::<String>())
}
