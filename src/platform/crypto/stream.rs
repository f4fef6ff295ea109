//! Contents of any length, encrypted chunk by chunk.
//!
//! The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", CRYPTO 2015, section 7) over AES-256-GCM: the nonce of a chunk holds its number and whether it is
//! the last one, so that chunks can be neither swapped, repeated, dropped from the end nor added without the next
//! decryption failing. Every content has a key of its own, which makes the rest of the nonce free to be zero.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;

use super::aad::{Aad, EncodedAad, Purpose};
use super::sealed::TAG_LENGTH;
use super::{CryptoError, DataKey};

/// Bytes of a chunk before encryption; only the last one may be shorter.
pub const CHUNK: usize = 64 * 1024;

/// Bytes of a chunk after encryption.
pub const SEALED_CHUNK: usize = CHUNK + TAG_LENGTH;

/// What 4 bytes of number and 1 of mark leave of the 12 of a nonce.
const NONCE_REST: [u8; 7] = [0; 7];

/// Encrypts one content, once, under a key that nothing else was or will be encrypted with.
pub struct StreamSealer {
    cipher: EncryptorBE32<Aes256Gcm>,
    aad: EncodedAad,
}

impl StreamSealer {
    /// Begins. `aad` is the place of the row that the content belongs to.
    ///
    /// # Errors
    /// [`CryptoError::NameTooLong`].
    pub fn new(key: &DataKey, aad: &Aad) -> Result<Self, CryptoError> {
        Ok(Self {
            cipher: EncryptorBE32::new(key.0.expose().into(), &NONCE_REST.into()),
            aad: aad.encode(Purpose::Stream)?,
        })
    }

    /// Encrypts a chunk in place that another one follows: [`CHUNK`] bytes become [`SEALED_CHUNK`].
    ///
    /// # Errors
    /// [`CryptoError::TooLarge`] after 2^32 chunks.
    pub fn seal_next(&mut self, chunk: &mut Vec<u8>) -> Result<(), CryptoError> {
        self.cipher
            .encrypt_next_in_place(self.aad.as_bytes(), chunk)
            .map_err(|_| CryptoError::TooLarge)
    }

    /// Encrypts the last chunk in place; it is empty only where the content is.
    ///
    /// # Errors
    /// [`CryptoError::TooLarge`].
    pub fn seal_last(self, chunk: &mut Vec<u8>) -> Result<(), CryptoError> {
        self.cipher
            .encrypt_last_in_place(self.aad.as_bytes(), chunk)
            .map_err(|_| CryptoError::TooLarge)
    }
}

/// Decrypts what a [`StreamSealer`] made.
pub struct StreamOpener {
    cipher: DecryptorBE32<Aes256Gcm>,
    aad: EncodedAad,
}

impl StreamOpener {
    /// Begins, with the key and the place that the content was sealed for.
    ///
    /// # Errors
    /// [`CryptoError::NameTooLong`].
    pub fn new(key: &DataKey, aad: &Aad) -> Result<Self, CryptoError> {
        Ok(Self {
            cipher: DecryptorBE32::new(key.0.expose().into(), &NONCE_REST.into()),
            aad: aad.encode(Purpose::Stream)?,
        })
    }

    /// Decrypts in place a chunk of [`SEALED_CHUNK`] bytes that is not the last.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] for altered bytes, another place, or a chunk that does not stand here.
    pub fn open_next(&mut self, chunk: &mut Vec<u8>) -> Result<(), CryptoError> {
        self.cipher
            .decrypt_next_in_place(self.aad.as_bytes(), chunk)
            .map_err(|_| CryptoError::Refused)
    }

    /// Decrypts the last chunk in place.
    ///
    /// # Errors
    /// As [`Self::open_next`], and when chunks are missing at the end.
    pub fn open_last(self, chunk: &mut Vec<u8>) -> Result<(), CryptoError> {
        self.cipher
            .decrypt_last_in_place(self.aad.as_bytes(), chunk)
            .map_err(|_| CryptoError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::platform::crypto::SeededEntropy;

    fn place() -> Aad {
        Aad {
            business: Uuid::from_u128(1),
            table: "files",
            column: "content",
            row: Uuid::from_u128(2),
        }
    }

    fn key(seed: u64) -> DataKey {
        DataKey::generate(&SeededEntropy::new(seed)).unwrap()
    }

    /// Three chunks.
    fn sealed() -> Vec<Vec<u8>> {
        let mut sealer = StreamSealer::new(&key(1), &place()).unwrap();
        let mut chunks = vec![b"one".to_vec(), b"two".to_vec(), b"three".to_vec()];
        sealer.seal_next(&mut chunks[0]).unwrap();
        sealer.seal_next(&mut chunks[1]).unwrap();
        sealer.seal_last(&mut chunks[2]).unwrap();
        chunks
    }

    fn open(key: &DataKey, aad: &Aad, chunks: &[Vec<u8>]) -> Result<Vec<u8>, CryptoError> {
        let mut opener = StreamOpener::new(key, aad)?;
        let mut chunks = chunks.to_vec();
        let mut last = chunks.pop().unwrap();
        for chunk in &mut chunks {
            opener.open_next(chunk)?;
        }
        opener.open_last(&mut last)?;
        Ok(chunks.concat().into_iter().chain(last).collect())
    }

    #[test]
    fn a_content_comes_back_whole_in_its_order() {
        assert_eq!(open(&key(1), &place(), &sealed()).unwrap(), b"onetwothree");
    }

    #[test]
    fn what_was_swapped_dropped_repeated_added_altered_or_moved_is_refused() {
        let whole = sealed();
        let [one, two, three] = [&whole[0], &whole[1], &whole[2]].map(Clone::clone);
        let mut flipped = whole.clone();
        flipped[1][0] ^= 1;
        for wrong in [
            vec![two.clone(), one.clone(), three.clone()],
            vec![one.clone(), two.clone()],
            vec![one.clone(), three.clone()],
            vec![three.clone()],
            vec![one.clone(), one.clone(), three.clone()],
            vec![one, two, three.clone(), three],
            flipped,
        ] {
            assert_eq!(open(&key(1), &place(), &wrong), Err(CryptoError::Refused));
        }
        assert_eq!(open(&key(2), &place(), &whole), Err(CryptoError::Refused));
        let elsewhere = Aad {
            row: Uuid::from_u128(9),
            ..place()
        };
        assert_eq!(open(&key(1), &elsewhere, &whole), Err(CryptoError::Refused));
    }
}
