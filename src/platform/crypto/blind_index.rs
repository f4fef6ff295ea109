//! Blind indexes: equality search over encrypted columns, and derivation of keys.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::keys::KeyBytes;

/// The key under which a business's searchable values are fingerprinted.
pub struct BlindKey {
    key: KeyBytes,
    version: u32,
}

impl BlindKey {
    pub(super) fn new(key: KeyBytes, version: u32) -> Self {
        Self { key, version }
    }

    /// The version of the business key that it was derived from.
    pub fn version(&self) -> u32 {
        self.version
    }
}

impl fmt::Debug for BlindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// HMAC-SHA-256 of a **normalised** value (E.164 telephone number, lower-case e-mail address): equal values
/// of one business have equal fingerprints, and nobody without the key can try values out.
pub fn blind_index(key: &BlindKey, normalised: &str) -> [u8; 32] {
    hmac_sha256(&key.key, &[normalised.as_bytes()])
}

/// Derives a key for one use: HKDF-Expand of RFC 5869 with one block, for the source is already uniform.
pub(super) fn derive(source: &KeyBytes, label: &[u8]) -> KeyBytes {
    KeyBytes::new(hmac_sha256(source, &[b"funnelchat/v1/", label, &[1]]))
}

fn hmac_sha256(key: &KeyBytes, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::crypto::{BusinessKey, SeededEntropy};

    fn business(seed: u64) -> BusinessKey {
        BusinessKey::generate(&SeededEntropy::new(seed), 1).unwrap()
    }

    #[test]
    fn equal_values_of_one_business_are_found_and_no_others() {
        let (acme, globex) = (business(1), business(2));
        let index = |key: &BusinessKey, value| blind_index(&key.blind_key(), value);
        assert_eq!(index(&acme, "+12025550143"), index(&acme, "+12025550143"));
        assert_ne!(index(&acme, "+12025550143"), index(&acme, "+12025550144"));
        assert_ne!(index(&acme, "+12025550143"), index(&globex, "+12025550143"));
    }

    #[test]
    fn the_index_tells_which_version_of_the_key_it_needs() {
        let key = BusinessKey::generate(&SeededEntropy::new(1), 5).unwrap();
        assert_eq!(key.blind_key().version(), 5);
    }

    #[test]
    fn derived_keys_differ_by_label() {
        let source = KeyBytes::new([7; 32]);
        assert_ne!(derive(&source, b"a").expose(), derive(&source, b"b").expose());
        assert_eq!(derive(&source, b"a").expose(), derive(&source, b"a").expose());
    }

    /// RFC 4231 test case 2 has the key "Jefe"; its zero padding to 32 bytes is the same HMAC key.
    #[test]
    fn it_is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let index = blind_index(
            &BlindKey::new(KeyBytes::new(key), 1),
            "what do ya want for nothing?",
        );
        let hex: String = index.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
