//! Signatures of what is handed out and comes back: links, codes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Keys of one use: the first signs, all verify, so that a key can be replaced while what it signed is under way.
#[derive(Clone)]
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// The length of a signature.
    pub const LENGTH: usize = 32;

    /// Derives a key of its own for `purpose` from each of these, newest first, so that nothing signed for one use passes
    /// for another (RFC 5869 section 2.3, one block: the sources are uniform).
    pub fn derived_from<'a>(purpose: &str, sources: impl Iterator<Item = &'a [u8]>) -> Self {
        let hmac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        let keys = sources
            .map(|source| {
                let mut derive = hmac(source);
                derive.update(b"funnelchat/v1/");
                derive.update(purpose.as_bytes());
                derive.update(b"\x01");
                hmac(&derive.finalize().into_bytes())
            })
            .collect();
        Self { keys }
    }

    /// The signature of these bytes; none without a key.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.keys.first().map_or_else(Vec::new, |key| {
            let mut mac = key.clone();
            mac.update(bytes);
            mac.finalize().into_bytes().to_vec()
        })
    }

    /// Whether one of the keys has signed these bytes; compared in constant time.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().any(|key| {
            let mut mac = key.clone();
            mac.update(bytes);
            mac.verify_slice(signature).is_ok()
        })
    }
}
