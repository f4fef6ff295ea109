//! Keys that sign, each known by a name (`kid`): from a setting, the first signs.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretSlice;
use sha2::{Digest, Sha256};

use crate::platform::secret::ExposeSecret;

/// RFC 7518 section 3.2: an HS256 key has at least as many bits as the hash. As many as an Ed25519 seed.
const FEWEST_BYTES: usize = 32;
const LONGEST_KID: usize = 64;

/// A key and the id that tokens name it by (`kid`).
#[derive(Clone)]
pub struct NamedKey {
    kid: String,
    secret: SecretSlice<u8>,
}

impl NamedKey {
    /// The id in a token's header.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key itself, at least 32 bytes.
    pub fn expose_secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedKey({}: ***)", self.kid)
    }
}

/// The configured keys: the first signs, all verify. To rotate, put a new one in front and drop the old one
/// when nothing that it signed is needed any more.
#[derive(Debug, Clone)]
pub struct NamedKeys {
    signing: NamedKey,
    older: Vec<NamedKey>,
}

/// Why the setting could not be read. Completes the sentence "(the setting) …", repeats no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamedKeysError {
    /// An entry without the colon.
    #[error("has an entry without a colon (number {entry}): write `kid:base64`")]
    NotAPair {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// The part before the colon is no key id.
    #[error(
        "has an entry (number {entry}) that does not start with a key id of 1 to 64 letters, digits, - or _"
    )]
    BadKid {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// A key id stands twice.
    #[error("has an entry (number {entry}) that repeats an earlier key id")]
    Duplicate {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// Not base64.
    #[error("has a key (entry {entry}) that is not base64 (standard alphabet, with padding)")]
    NotBase64 {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// Too few bytes.
    #[error("has a key (entry {entry}) of {found} bytes after decoding: it must have at least 32")]
    TooShort {
        /// The entry's place in the list, from 1.
        entry: usize,
        /// The length found, in bytes.
        found: usize,
    },
    /// All bytes are the same: a placeholder.
    #[error("has a key (entry {entry}) that is not random: make one with `openssl rand -base64 32`")]
    NotRandom {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
}

impl NamedKeys {
    /// Every key, the signing one first.
    pub fn all(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.signing).chain(&self.older)
    }

    /// Reads `kid:base64,kid:base64`.
    ///
    /// # Errors
    /// Says which entry is wrong and how.
    pub fn parse(setting: &str) -> Result<Self, NamedKeysError> {
        let mut entries = setting.split(',').enumerate();
        let (_, first) = entries.next().unwrap_or_default();
        let mut keys = Self {
            signing: parse_entry(1, first)?,
            older: Vec::new(),
        };
        for (index, text) in entries {
            let entry = index + 1;
            let key = parse_entry(entry, text)?;
            if keys.find(&key.kid).is_some() {
                return Err(NamedKeysError::Duplicate { entry });
            }
            keys.older.push(key);
        }
        Ok(keys)
    }

    /// A key that everybody knows, so that a development machine needs no setting; another one for each use.
    pub fn for_development(use_of_it: &str) -> Self {
        let text = format!("funnelchat development {use_of_it} key, known to everybody");
        let secret = SecretSlice::from(Sha256::digest(text).to_vec());
        Self {
            signing: NamedKey {
                kid: "development".to_owned(),
                secret,
            },
            older: Vec::new(),
        }
    }

    /// The key for new tokens.
    pub fn signing(&self) -> &NamedKey {
        &self.signing
    }

    /// The key that a token names.
    pub fn find(&self, kid: &str) -> Option<&NamedKey> {
        std::iter::once(&self.signing)
            .chain(&self.older)
            .find(|key| key.kid == kid)
    }
}

fn parse_entry(entry: usize, text: &str) -> Result<NamedKey, NamedKeysError> {
    let (kid, key) = text
        .trim()
        .split_once(':')
        .ok_or(NamedKeysError::NotAPair { entry })?;
    let is_word = kid
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_word || kid.is_empty() || kid.len() > LONGEST_KID {
        return Err(NamedKeysError::BadKid { entry });
    }
    let bytes = STANDARD
        .decode(key)
        .map_err(|_| NamedKeysError::NotBase64 { entry })?;
    let secret = SecretSlice::from(bytes);
    let bytes = secret.expose_secret();
    if bytes.len() < FEWEST_BYTES {
        return Err(NamedKeysError::TooShort {
            entry,
            found: bytes.len(),
        });
    }
    if bytes.iter().all(|byte| *byte == bytes[0]) {
        return Err(NamedKeysError::NotRandom { entry });
    }
    Ok(NamedKey {
        kid: kid.to_owned(),
        secret,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> String {
        STANDARD.encode((first..first + 32).collect::<Vec<u8>>())
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let keys = NamedKeys::parse(&format!("2026-03:{}, 2025-09:{}", key(1), key(2))).unwrap();
        assert_eq!(keys.signing().kid(), "2026-03");
        assert_eq!(keys.find("2026-03").unwrap().expose_secret()[0], 1);
        assert_eq!(keys.find("2025-09").unwrap().expose_secret()[0], 2);
        assert!(keys.find("2024-01").is_none());
        let printed = format!("{keys:?}");
        assert!(
            printed.contains("2025-09: ***") && !printed.contains("[1, 2, 3"),
            "{printed}"
        );
    }

    #[test]
    fn every_mistake_has_its_own_sentence() {
        let reason = |setting: &str| NamedKeys::parse(setting).unwrap_err();
        assert_eq!(reason(""), NamedKeysError::NotAPair { entry: 1 });
        assert_eq!(
            reason(&format!("a:{},", key(1))),
            NamedKeysError::NotAPair { entry: 2 }
        );
        assert_eq!(
            reason(&format!(":{}", key(1))),
            NamedKeysError::BadKid { entry: 1 }
        );
        assert_eq!(
            reason(&format!("a b:{}", key(1))),
            NamedKeysError::BadKid { entry: 1 }
        );
        assert_eq!(
            reason(&format!("{}:{}", "k".repeat(65), key(1))),
            NamedKeysError::BadKid { entry: 1 }
        );
        assert_eq!(reason("a:???"), NamedKeysError::NotBase64 { entry: 1 });
        let short = STANDARD.encode([1, 2, 3]);
        assert_eq!(
            reason(&format!("a:{short}")),
            NamedKeysError::TooShort { entry: 1, found: 3 }
        );
        assert_eq!(
            reason(&format!("a:{}", STANDARD.encode([0; 32]))),
            NamedKeysError::NotRandom { entry: 1 }
        );
        assert_eq!(
            reason(&format!("a:{0},b:{0},a:{0}", key(1))),
            NamedKeysError::Duplicate { entry: 3 }
        );
    }
}
