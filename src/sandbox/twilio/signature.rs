//! The signature on Twilio's HTTP webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The value of `X-Twilio-Signature`: base64 of HMAC-SHA1 under the account's token over the URL exactly as
/// configured (with its query, without a fragment), followed by each form parameter's name and decoded value,
/// sorted bytewise by name. A repeated name contributes its distinct values in sorted order. For GET requests,
/// JSON bodies and WebSocket handshakes `params` is empty.
///
/// Source: <https://www.twilio.com/docs/usage/security#validating-requests>.
pub fn sign(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = params.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(url.split('#').next().unwrap_or(url).as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
