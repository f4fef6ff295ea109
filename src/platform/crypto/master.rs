//! The master keys: from the setting, versioned, the newest one wraps.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::blind_index::derive;
use super::keys::{self, KEY_LENGTH, KeyBytes};
use super::{Aad, BlindKey, BusinessKey, CryptoError, Entropy, MasterKeysError, wrapping_version};

/// All configured versions of the master key. Wrapping uses the highest, unwrapping the one that the
/// wrapped key names.
#[derive(Clone)]
pub struct MasterKeys {
    by_version: BTreeMap<u32, KeyBytes>,
    current: u32,
}

impl MasterKeys {
    /// Reads `1:base64,2:base64`: versions from 1 on, each key 32 bytes in standard base64.
    ///
    /// # Errors
    /// Says which entry is wrong and how, without repeating it.
    pub fn parse(setting: &str) -> Result<Self, MasterKeysError> {
        let mut by_version = BTreeMap::new();
        for (index, entry) in setting.split(',').enumerate() {
            if setting.trim().is_empty() {
                return Err(MasterKeysError::Empty);
            }
            let (version, key) = parse_entry(index + 1, entry)?;
            if by_version.insert(version, key).is_some() {
                return Err(MasterKeysError::Duplicate { version });
            }
        }
        let current = *by_version.keys().next_back().ok_or(MasterKeysError::Empty)?;
        Ok(Self { by_version, current })
    }

    /// A key that everybody knows, so that a development machine needs no setting and still finds
    /// yesterday's data readable. Must never guard real data.
    pub fn for_development() -> Self {
        let well_known = Sha256::digest(b"funnelchat development master key, known to everybody");
        Self {
            by_version: BTreeMap::from([(1, KeyBytes::new(well_known.into()))]),
            current: 1,
        }
    }

    /// The version that wraps.
    pub fn current_version(&self) -> u32 {
        self.current
    }

    /// Wraps a business key under the current version, for the place where it will be stored.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn wrap(&self, entropy: &dyn Entropy, key: &BusinessKey, aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        keys::wrap(entropy, self.key(self.current)?, self.current, &key.key, aad)
    }

    /// Unwraps a business key, which is known as `version` of its business.
    ///
    /// # Errors
    /// [`CryptoError::UnknownMasterKey`] when its master key is not configured, else as for sealed values.
    pub fn unwrap(&self, wrapped: &[u8], version: u32, aad: &Aad) -> Result<BusinessKey, CryptoError> {
        Ok(BusinessKey::new(self.unwrap_bytes(wrapped, aad)?, version))
    }

    /// Wraps the same business key anew under the current master key, as rotation does row by row.
    ///
    /// # Errors
    /// As [`unwrap`](Self::unwrap) and [`wrap`](Self::wrap).
    pub fn rewrap(&self, entropy: &dyn Entropy, wrapped: &[u8], aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        let key = self.unwrap_bytes(wrapped, aad)?;
        keys::wrap(entropy, self.key(self.current)?, self.current, &key, aad)
    }

    /// Whether an older master key wrapped this key, so that rotation has work left.
    ///
    /// # Errors
    /// When the bytes are not a wrapped key.
    pub fn needs_rewrap(&self, wrapped: &[u8]) -> Result<bool, CryptoError> {
        Ok(wrapping_version(wrapped)? != self.current)
    }

    /// A key for fingerprints that need no storage, such as rate-limit subjects; it changes with the
    /// current master key and with `label`.
    pub fn fingerprint_key(&self, label: &str) -> BlindKey {
        let current = &self.by_version[&self.current];
        BlindKey::new(
            derive(current, &[b"fingerprint/", label.as_bytes()].concat()),
            self.current,
        )
    }

    fn unwrap_bytes(&self, wrapped: &[u8], aad: &Aad) -> Result<KeyBytes, CryptoError> {
        keys::unwrap(self.key(wrapping_version(wrapped)?)?, wrapped, aad)
    }

    fn key(&self, version: u32) -> Result<&KeyBytes, CryptoError> {
        self.by_version
            .get(&version)
            .ok_or(CryptoError::UnknownMasterKey { version })
    }
}

fn parse_entry(entry: usize, text: &str) -> Result<(u32, KeyBytes), MasterKeysError> {
    let (version, key) = text
        .trim()
        .split_once(':')
        .ok_or(MasterKeysError::NotAPair { entry })?;
    let version: u32 = version
        .parse()
        .ok()
        .filter(|&v| v > 0)
        .ok_or(MasterKeysError::BadVersion { entry })?;
    let bytes = Zeroizing::new(
        STANDARD
            .decode(key)
            .map_err(|_| MasterKeysError::NotBase64 { version })?,
    );
    let key: &[u8; KEY_LENGTH] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| MasterKeysError::WrongLength {
            version,
            found: bytes.len(),
        })?;
    if key.iter().all(|byte| *byte == key[0]) {
        return Err(MasterKeysError::NotRandom { version });
    }
    Ok((version, KeyBytes::new(*key)))
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKeys")
            .field("versions", &self.by_version.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::platform::crypto::{SeededEntropy, blind_index};

    fn base64_key(first: u8) -> String {
        let key: Vec<u8> = (first..first + 32).collect();
        STANDARD.encode(key)
    }

    fn place() -> Aad {
        Aad {
            business: Uuid::from_u128(1),
            table: "business_keys",
            column: "wrapped",
            row: Uuid::from_u128(2),
        }
    }

    #[test]
    fn the_highest_version_wraps_whatever_the_order_of_the_list() {
        let keys = MasterKeys::parse(&format!("2:{}, 1:{}", base64_key(2), base64_key(1))).unwrap();
        assert_eq!(keys.current_version(), 2);
        assert_eq!(format!("{keys:?}"), "MasterKeys { versions: [1, 2], .. }");
    }

    #[test]
    fn every_mistake_in_the_setting_has_its_own_sentence() {
        let reason = |setting: &str| MasterKeys::parse(setting).unwrap_err();
        assert_eq!(reason(""), MasterKeysError::Empty);
        assert_eq!(reason("abc"), MasterKeysError::NotAPair { entry: 1 });
        assert_eq!(
            reason(&format!("1:{},", base64_key(1))),
            MasterKeysError::NotAPair { entry: 2 }
        );
        assert_eq!(
            reason(&format!("one:{}", base64_key(1))),
            MasterKeysError::BadVersion { entry: 1 }
        );
        assert_eq!(
            reason(&format!("0:{}", base64_key(1))),
            MasterKeysError::BadVersion { entry: 1 }
        );
        assert_eq!(reason("1:not base64"), MasterKeysError::NotBase64 { version: 1 });
        let short = STANDARD.encode([7; 16]);
        assert_eq!(
            reason(&format!("1:{short}")),
            MasterKeysError::WrongLength {
                version: 1,
                found: 16
            }
        );
        assert_eq!(
            reason(&format!("1:{}", STANDARD.encode([0; 32]))),
            MasterKeysError::NotRandom { version: 1 }
        );
        let twice = format!("1:{},1:{}", base64_key(1), base64_key(2));
        assert_eq!(reason(&twice), MasterKeysError::Duplicate { version: 1 });
    }

    #[test]
    fn rotation_moves_a_business_key_to_the_new_master_key_and_keeps_it() {
        let entropy = SeededEntropy::new(1);
        let old = MasterKeys::parse(&format!("1:{}", base64_key(1))).unwrap();
        let both = MasterKeys::parse(&format!("1:{},2:{}", base64_key(1), base64_key(2))).unwrap();
        let new = MasterKeys::parse(&format!("2:{}", base64_key(2))).unwrap();
        let business = BusinessKey::generate(&entropy, 7).unwrap();

        let wrapped = old.wrap(&entropy, &business, &place()).unwrap();
        assert_eq!(
            (old.needs_rewrap(&wrapped), both.needs_rewrap(&wrapped)),
            (Ok(false), Ok(true))
        );
        let rewrapped = both.rewrap(&entropy, &wrapped, &place()).unwrap();
        assert_eq!(
            (wrapping_version(&rewrapped), both.needs_rewrap(&rewrapped)),
            (Ok(2), Ok(false))
        );

        let unwrapped = new.unwrap(&rewrapped, 7, &place()).unwrap();
        assert_eq!(unwrapped.version(), 7);
        assert_eq!(
            blind_index(&unwrapped.blind_key(), "x"),
            blind_index(&business.blind_key(), "x"),
            "it is the same key"
        );
        assert_eq!(
            new.unwrap(&wrapped, 7, &place()).err(),
            Some(CryptoError::UnknownMasterKey { version: 1 }),
            "the old master key was retired too early"
        );
    }

    #[test]
    fn a_wrapped_business_key_cannot_be_moved_to_another_business() {
        let entropy = SeededEntropy::new(1);
        let masters = MasterKeys::for_development();
        let business = BusinessKey::generate(&entropy, 1).unwrap();
        let wrapped = masters.wrap(&entropy, &business, &place()).unwrap();
        let other = Aad {
            business: Uuid::from_u128(9),
            ..place()
        };
        assert_eq!(
            masters.unwrap(&wrapped, 1, &other).err(),
            Some(CryptoError::Refused)
        );
        assert_eq!(
            masters.rewrap(&entropy, &wrapped, &other).err(),
            Some(CryptoError::Refused)
        );
    }

    #[test]
    fn fingerprint_keys_differ_by_label() {
        let masters = MasterKeys::for_development();
        let index = |label| blind_index(&masters.fingerprint_key(label), "10.0.0.1");
        assert_ne!(index("rate limit"), index("doorbell"));
        assert_eq!(index("rate limit"), index("rate limit"));
    }
}
