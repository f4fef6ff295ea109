//! Sealed column values and the AES-256-GCM calls that everything here shares.
//!
//! Layout of a sealed value: format byte 1, nonce (12), ciphertext, tag (16).

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

use super::aad::{Aad, EncodedAad, Purpose};
use super::keys::KeyBytes;
use super::{CryptoError, DataKey, Entropy};
use crate::platform::secret::Masked;

const FORMAT: u8 = 1;
pub(super) const NONCE_LENGTH: usize = 12;
pub(super) const TAG_LENGTH: usize = 16;
const OVERHEAD: usize = 1 + NONCE_LENGTH + TAG_LENGTH;

/// Encrypts `plaintext` for one place. The result is 29 bytes longer than the plaintext.
///
/// # Errors
/// [`CryptoError::NoEntropy`], [`CryptoError::NameTooLong`] or [`CryptoError::TooLarge`].
pub fn seal(
    entropy: &dyn Entropy,
    key: &DataKey,
    aad: &Aad,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let aad = aad.encode(Purpose::Value)?;
    let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
    sealed.push(FORMAT);
    encrypt_onto(&mut sealed, entropy, &key.0, &aad, plaintext)?;
    Ok(sealed)
}

/// Decrypts a value that [`seal`] made for the same place under the same key. The answer overwrites its
/// memory when dropped.
///
/// # Errors
/// [`CryptoError::TooShort`], [`CryptoError::UnknownFormat`], or [`CryptoError::Refused`] for a wrong key,
/// a wrong place or altered bytes.
pub fn open(key: &DataKey, aad: &Aad, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let body = match sealed {
        [FORMAT, body @ ..] => body,
        [found, ..] => return Err(CryptoError::UnknownFormat { found: *found }),
        [] => return Err(CryptoError::TooShort),
    };
    let aad = aad.encode(Purpose::Value)?;
    let parts = Parts::of(body)?;
    let mut plaintext = Zeroizing::new(parts.ciphertext.to_vec());
    decrypt_in_place(&key.0, &aad, &parts, &mut plaintext)?;
    Ok(plaintext)
}

/// [`open`] for text.
///
/// # Errors
/// As [`open`], and [`CryptoError::NotText`].
pub fn open_text(key: &DataKey, aad: &Aad, sealed: &[u8]) -> Result<Masked<String>, CryptoError> {
    let mut plaintext = open(key, aad, sealed)?;
    if std::str::from_utf8(&plaintext).is_err() {
        return Err(CryptoError::NotText);
    }
    let bytes = std::mem::take(&mut *plaintext);
    String::from_utf8(bytes)
        .map(Masked::new)
        .map_err(|_| CryptoError::NotText)
}

/// What follows a header: nonce, ciphertext, tag.
pub(super) struct Parts<'a> {
    nonce: &'a [u8; NONCE_LENGTH],
    pub(super) ciphertext: &'a [u8],
    tag: &'a [u8; TAG_LENGTH],
}

impl<'a> Parts<'a> {
    pub(super) fn of(body: &'a [u8]) -> Result<Self, CryptoError> {
        let (nonce, rest) = body.split_first_chunk().ok_or(CryptoError::TooShort)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(CryptoError::TooShort)?;
        Ok(Self {
            nonce,
            ciphertext,
            tag,
        })
    }
}

/// Appends a fresh nonce, the ciphertext and the tag to `target`, which holds the header.
pub(super) fn encrypt_onto(
    target: &mut Vec<u8>,
    entropy: &dyn Entropy,
    key: &KeyBytes,
    aad: &EncodedAad,
    plaintext: &[u8],
) -> Result<(), CryptoError> {
    let mut nonce = [0; NONCE_LENGTH];
    entropy.fill(&mut nonce)?;
    target.extend_from_slice(&nonce);
    let start = target.len();
    target.extend_from_slice(plaintext);
    let tag = cipher(key)
        .encrypt_inout_detached(&Nonce::from(nonce), aad.as_bytes(), (&mut target[start..]).into())
        .map_err(|_| CryptoError::TooLarge)?;
    target.extend_from_slice(&tag);
    Ok(())
}

/// Turns `buffer`, a copy of the ciphertext, into the plaintext; on refusal it stays ciphertext.
pub(super) fn decrypt_in_place(
    key: &KeyBytes,
    aad: &EncodedAad,
    parts: &Parts<'_>,
    buffer: &mut [u8],
) -> Result<(), CryptoError> {
    cipher(key)
        .decrypt_inout_detached(
            &Nonce::from(*parts.nonce),
            aad.as_bytes(),
            buffer.into(),
            &Tag::from(*parts.tag),
        )
        .map_err(|_| CryptoError::Refused)
}

/// Expanding the key for every call costs about as much as two blocks and keeps no schedule in memory.
fn cipher(key: &KeyBytes) -> Aes256Gcm {
    Aes256Gcm::new(key.expose().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::platform::crypto::{OsEntropy, SeededEntropy};

    fn key(byte: u8) -> DataKey {
        DataKey(KeyBytes::new([byte; 32]))
    }

    fn place() -> Aad {
        Aad {
            business: Uuid::from_u128(1),
            table: "messages",
            column: "body",
            row: Uuid::from_u128(2),
        }
    }

    fn sealed() -> Vec<u8> {
        seal(&SeededEntropy::new(1), &key(1), &place(), b"please pay").unwrap()
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_with_its_key() {
        let sealed = sealed();
        assert_eq!(sealed.len(), b"please pay".len() + OVERHEAD);
        assert_eq!(
            open(&key(1), &place(), &sealed).unwrap().as_slice(),
            b"please pay"
        );
        assert_eq!(
            open_text(&key(1), &place(), &sealed).unwrap().expose(),
            "please pay"
        );
    }

    #[test]
    fn it_opens_nowhere_else() {
        let elsewhere = [
            Aad {
                business: Uuid::from_u128(9),
                ..place()
            },
            Aad {
                row: Uuid::from_u128(9),
                ..place()
            },
            Aad {
                table: "notes",
                ..place()
            },
            Aad {
                column: "subject",
                ..place()
            },
        ];
        for aad in elsewhere {
            assert_eq!(
                open(&key(1), &aad, &sealed()),
                Err(CryptoError::Refused),
                "{aad:?}"
            );
        }
        assert_eq!(open(&key(2), &place(), &sealed()), Err(CryptoError::Refused));
    }

    #[test]
    fn damaged_bytes_are_told_apart_where_that_helps_and_no_attacker() {
        let open = |bytes: &[u8]| open(&key(1), &place(), bytes).map(|_| ());
        assert_eq!(open(b""), Err(CryptoError::TooShort));
        assert_eq!(open(&sealed()[..28]), Err(CryptoError::TooShort));
        assert_eq!(
            open(b"please pay, in plain text"),
            Err(CryptoError::UnknownFormat { found: b'p' })
        );
        for position in 1..sealed().len() {
            let mut altered = sealed();
            altered[position] ^= 1;
            assert_eq!(open(&altered), Err(CryptoError::Refused), "byte {position}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same_twice() {
        let seal = || seal(&OsEntropy, &key(1), &place(), b"please pay").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_as_text() {
        let sealed = seal(&SeededEntropy::new(1), &key(1), &place(), &[0xff]).unwrap();
        assert_eq!(open_text(&key(1), &place(), &sealed), Err(CryptoError::NotText));
    }

    /// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega): ties the library call to
    /// the standard, so that a swapped argument or a wrong key size cannot go unseen.
    #[test]
    fn the_cipher_is_the_standards_aes_256_gcm() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        };
        let key: [u8; 32] = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
            .try_into()
            .unwrap();
        let nonce: [u8; 12] = bytes("cafebabefacedbaddecaf888").try_into().unwrap();
        let mut text = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
             b16aedf5aa0de657ba637b39",
        );
        let tag = cipher(&KeyBytes::new(key))
            .encrypt_inout_detached(
                &Nonce::from(nonce),
                &bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                text.as_mut_slice().into(),
            )
            .unwrap();
        assert_eq!(
            text,
            bytes(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
                 c5f61e6393ba7a0abcc9f662"
            )
        );
        assert_eq!(tag.as_slice(), bytes("76fc6ece0f4e1768cddf8853bb2d551b"));
    }

    proptest! {
        #[test]
        fn any_value_survives_the_round_trip(plaintext: Vec<u8>, seed: u64) {
            let sealed = seal(&SeededEntropy::new(seed), &key(3), &place(), &plaintext).unwrap();
            let opened = open(&key(3), &place(), &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plaintext.as_slice());
        }

        #[test]
        fn opening_any_bytes_never_panics(bytes: Vec<u8>) {
            prop_assert!(open(&key(3), &place(), &bytes).is_err());
        }
    }
}
