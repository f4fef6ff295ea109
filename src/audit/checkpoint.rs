//! A checkpoint says where a trail stood at an instant, signed with Ed25519 (RFC 8032): the service alone can make one,
//! everybody who has the public key can check it. The hash chain shows a change to whoever knows a later hash; the
//! checkpoints are such hashes that nobody else can make.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::verify::hexadecimal;
use crate::platform::crypto::NamedKeys;

/// Whose trail.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    Business(Uuid),
    /// Acts that belong to no business.
    Platform,
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Business(id) => write!(f, "business {id}"),
            Self::Platform => f.write_str("platform"),
        }
    }
}

/// What is signed for: a checkpoint must not pass for the end of a bundle, nor the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Checkpoint,
    BundleEnd,
}

/// Where a trail stood.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// How many rows there were: the last one's position.
    pub position: i64,
    /// When it was signed (business time).
    pub at: DateTime<Utc>,
    /// The last row's hash.
    #[serde(with = "hexadecimal")]
    pub hash: Vec<u8>,
    /// The name of the key that signed it.
    pub key_name: String,
    #[serde(with = "hexadecimal")]
    pub signature: Vec<u8>,
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    #[error(
        "the checkpoint at row {position} is signed with the key {key_name:?}, which is not among the trusted ones"
    )]
    UnknownKey { position: i64, key_name: String },
    #[error("the signature of the checkpoint at row {0} is not its key's")]
    Forged(i64),
    #[error("the checkpoint at row {0} was signed over other rows than these")]
    OtherRows(i64),
}

/// The bytes that are signed. All parts have one form only, so no two statements have the same bytes.
fn statement(purpose: Purpose, trail: Trail, position: i64, at: DateTime<Utc>, hash: &[u8]) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Checkpoint => "checkpoint",
        Purpose::BundleEnd => "bundle end",
    };
    let (at, hash) = (at.timestamp_micros(), hexadecimal::write(hash));
    format!("funnelchat audit {purpose} v1\n{trail}\n{position}\n{at}\n{hash}\n").into_bytes()
}

/// Signs checkpoints.
pub struct CheckpointSigner {
    key_name: String,
    key: SigningKey,
    public: CheckpointKeys,
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointSigner({}: ***)", self.key_name)
    }
}

impl CheckpointSigner {
    /// From the setting's keys: the first signs, all verify.
    pub fn new(keys: &NamedKeys) -> Self {
        let key_of = |secret: &[u8]| {
            // A key of this use alone, of the 32 bytes that a seed has (RFC 8032, section 5.1.5).
            let mut seed = Sha256::new_with_prefix(b"funnelchat/v1/audit checkpoints\n");
            seed.update(secret);
            SigningKey::from_bytes(&seed.finalize().into())
        };
        let signing = keys.signing();
        Self {
            key_name: signing.kid().to_owned(),
            key: key_of(signing.expose_secret()),
            public: CheckpointKeys(
                keys.all()
                    .map(|key| (key.kid().to_owned(), key_of(key.expose_secret()).verifying_key()))
                    .collect(),
            ),
        }
    }

    /// The keys that verify what was signed.
    pub fn public(&self) -> &CheckpointKeys {
        &self.public
    }

    pub(super) fn sign(
        &self,
        purpose: Purpose,
        trail: Trail,
        position: i64,
        hash: &[u8],
        at: DateTime<Utc>,
    ) -> Checkpoint {
        // As the database keeps it: what is signed must be what is read.
        let at = DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at);
        let signature = self.key.sign(&statement(purpose, trail, position, at, hash));
        Checkpoint {
            position,
            at,
            hash: hash.to_vec(),
            key_name: self.key_name.clone(),
            signature: signature.to_bytes().to_vec(),
        }
    }
}

/// The public keys of checkpoints, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointKeys(BTreeMap<String, VerifyingKey>);

impl CheckpointKeys {
    /// Adds one, as `name:base64`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, key) = text.split_once(':').ok_or("write it as name:base64")?;
        let bytes = STANDARD.decode(key).ok().and_then(|bytes| bytes.try_into().ok());
        let bytes: [u8; 32] = bytes.ok_or("it is not 32 bytes in base64")?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| "it is no Ed25519 public key")?;
        self.0.insert(name.to_owned(), key);
        Ok(())
    }

    /// Each as `name:base64`.
    pub fn texts(&self) -> Vec<String> {
        let text =
            |(name, key): (&String, &VerifyingKey)| format!("{name}:{}", STANDARD.encode(key.as_bytes()));
        self.0.iter().map(text).collect()
    }

    /// Checks who signed; what was signed over is compared by the caller's walk.
    pub(super) fn check(
        &self,
        purpose: Purpose,
        trail: Trail,
        checkpoint: &Checkpoint,
    ) -> Result<(), BadCheckpoint> {
        let Checkpoint {
            position, at, hash, ..
        } = checkpoint;
        let key = self
            .0
            .get(&checkpoint.key_name)
            .ok_or_else(|| BadCheckpoint::UnknownKey {
                position: *position,
                key_name: checkpoint.key_name.clone(),
            })?;
        let signature = Signature::from_slice(&checkpoint.signature);
        let forged = BadCheckpoint::Forged(*position);
        let bytes = statement(purpose, trail, *position, *at, hash);
        // Strict: no key of small order, one form of each signature (RFC 8032, section 5.1.7).
        signature
            .and_then(|signature| key.verify_strict(&bytes, &signature))
            .map_err(|_| forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: u8) -> CheckpointSigner {
        let key = STANDARD.encode((secret..secret + 32).collect::<Vec<u8>>());
        CheckpointSigner::new(&NamedKeys::parse(&format!("2026:{key}")).unwrap())
    }

    #[test]
    fn nothing_but_what_was_signed_passes() {
        let signer = signer(1);
        let at = DateTime::from_timestamp_nanos(1_790_000_000_123_456_789);
        let trail = Trail::Business(Uuid::from_u128(7));
        let signed = signer.sign(Purpose::Checkpoint, trail, 5, &[9; 32], at);
        let check =
            |purpose, trail, checkpoint: &Checkpoint| signer.public().check(purpose, trail, checkpoint);
        assert_eq!(check(Purpose::Checkpoint, trail, &signed), Ok(()));
        let forged = Err(BadCheckpoint::Forged(5));
        assert_eq!(check(Purpose::BundleEnd, trail, &signed), forged);
        assert_eq!(check(Purpose::Checkpoint, Trail::Platform, &signed), forged);
        let changed = |change: fn(&mut Checkpoint)| {
            let mut other = signed.clone();
            change(&mut other);
            check(Purpose::Checkpoint, trail, &other)
        };
        assert_eq!(changed(|it| it.hash[0] ^= 1), forged);
        assert_eq!(changed(|it| it.signature[63] ^= 1), forged);
        assert_eq!(changed(|it| it.signature.truncate(10)), forged);
        assert_eq!(changed(|it| it.at += chrono::TimeDelta::microseconds(1)), forged);
        assert_eq!(changed(|it| it.position = 6), Err(BadCheckpoint::Forged(6)));
        assert!(matches!(
            changed(|it| it.key_name = "2027".to_owned()),
            Err(BadCheckpoint::UnknownKey { .. })
        ));
    }

    #[test]
    fn a_key_of_the_same_name_is_not_the_same_key() {
        let at = DateTime::from_timestamp_micros(1).unwrap();
        let signed = signer(1).sign(Purpose::Checkpoint, Trail::Platform, 1, &[1; 32], at);
        let checked = signer(2)
            .public()
            .check(Purpose::Checkpoint, Trail::Platform, &signed);
        assert_eq!(checked, Err(BadCheckpoint::Forged(1)));
    }

    #[test]
    fn a_public_key_is_read_as_it_is_printed() {
        let own = signer(1);
        let mut read = CheckpointKeys::default();
        for text in own.public().texts() {
            read.add(&text).unwrap();
        }
        assert_eq!(&read, own.public());
        for wrong in ["2026", "2026:AAAA", "2026:?"] {
            assert!(read.add(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{own:?}").contains(&own.public().texts()[0][5..]));
    }
}
