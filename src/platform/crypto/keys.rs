//! 256-bit keys and their wrapped form.
//!
//! Layout of a wrapped key: format byte 2, version of the wrapping key (4, big endian), nonce (12),
//! ciphertext (32), tag (16): 65 bytes.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::aad::{Aad, Purpose};
use super::blind_index::{BlindKey, derive};
use super::sealed::{NONCE_LENGTH, Parts, TAG_LENGTH, decrypt_in_place, encrypt_onto};
use super::{CryptoError, Entropy};

pub(super) const KEY_LENGTH: usize = 32;
const FORMAT: u8 = 2;
const VERSION_LENGTH: usize = 4;
const WRAPPED_LENGTH: usize = 1 + VERSION_LENGTH + NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH;

/// Raw key material: overwritten when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct KeyBytes([u8; KEY_LENGTH]);

impl KeyBytes {
    pub(super) fn new(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    pub(super) fn random(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut key = Self([0; KEY_LENGTH]);
        entropy.fill(&mut key.0)?;
        Ok(key)
    }

    pub(super) fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

/// A key that seals column values; one per debtor and purpose, or a business's own.
pub struct DataKey(pub(super) KeyBytes);

impl DataKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        KeyBytes::random(entropy).map(Self)
    }
}

impl DataKey {
    /// Wraps the key of a content, so that destroying this key destroys that one too.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn wrap(&self, entropy: &dyn Entropy, key: &DataKey, aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        wrap(entropy, &self.0, 0, &key.0, aad)
    }

    /// Unwraps a key that this one wrapped.
    ///
    /// # Errors
    /// As for sealed values.
    pub fn unwrap(&self, wrapped: &[u8], aad: &Aad) -> Result<DataKey, CryptoError> {
        unwrap(&self.0, wrapped, aad).map(DataKey)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}

/// One version of the key of a business: it wraps data keys and derives the keys that the business has
/// without a row of their own.
pub struct BusinessKey {
    pub(super) key: KeyBytes,
    version: u32,
}

impl BusinessKey {
    /// A fresh random key that will be known as `version` of its business.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`].
    pub fn generate(entropy: &dyn Entropy, version: u32) -> Result<Self, CryptoError> {
        Ok(Self {
            key: KeyBytes::random(entropy)?,
            version,
        })
    }

    pub(super) fn new(key: KeyBytes, version: u32) -> Self {
        Self { key, version }
    }

    /// Which version of the business's key this is.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Wraps a data key for the place where the wrapped key will be stored.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn wrap(&self, entropy: &dyn Entropy, key: &DataKey, aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        wrap(entropy, &self.key, self.version, &key.0, aad)
    }

    /// Unwraps a data key that this version wrapped.
    ///
    /// # Errors
    /// [`CryptoError::WrongKeyVersion`] when another version wrapped it (see [`wrapping_version`]), else
    /// as for sealed values.
    pub fn unwrap(&self, wrapped: &[u8], aad: &Aad) -> Result<DataKey, CryptoError> {
        let needed = wrapping_version(wrapped)?;
        if needed != self.version {
            return Err(CryptoError::WrongKeyVersion {
                needed,
                given: self.version,
            });
        }
        unwrap(&self.key, wrapped, aad).map(DataKey)
    }

    /// The data key for columns of the business itself (provider credentials, staff), which no person's
    /// erasure destroys. Derived, hence without a row.
    pub fn own_data_key(&self) -> DataKey {
        DataKey(derive(&self.key, b"own data key"))
    }

    /// The key of the business's blind indexes. It changes with the business key's version, which a blind
    /// index must therefore store beside it.
    pub fn blind_key(&self) -> BlindKey {
        BlindKey::new(derive(&self.key, b"blind index"), self.version)
    }
}

impl fmt::Debug for BusinessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusinessKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Which version of the wrapping key is needed to unwrap `wrapped`: a master key's for a business key, a
/// business key's for a data key.
///
/// # Errors
/// [`CryptoError::TooShort`] or [`CryptoError::UnknownFormat`].
pub fn wrapping_version(wrapped: &[u8]) -> Result<u32, CryptoError> {
    header(wrapped).map(|(version, _)| version)
}

fn header(wrapped: &[u8]) -> Result<(u32, &[u8]), CryptoError> {
    let rest = match wrapped {
        [FORMAT, rest @ ..] => rest,
        [found, ..] => return Err(CryptoError::UnknownFormat { found: *found }),
        [] => return Err(CryptoError::TooShort),
    };
    let (version, body) = rest.split_first_chunk().ok_or(CryptoError::TooShort)?;
    Ok((u32::from_be_bytes(*version), body))
}

pub(super) fn wrap(
    entropy: &dyn Entropy,
    wrapping: &KeyBytes,
    version: u32,
    key: &KeyBytes,
    aad: &Aad,
) -> Result<Vec<u8>, CryptoError> {
    let aad = aad.encode(Purpose::Key)?;
    let mut wrapped = Vec::with_capacity(WRAPPED_LENGTH);
    wrapped.push(FORMAT);
    wrapped.extend_from_slice(&version.to_be_bytes());
    encrypt_onto(&mut wrapped, entropy, wrapping, &aad, key.expose())?;
    Ok(wrapped)
}

pub(super) fn unwrap(wrapping: &KeyBytes, wrapped: &[u8], aad: &Aad) -> Result<KeyBytes, CryptoError> {
    let (_, body) = header(wrapped)?;
    let aad = aad.encode(Purpose::Key)?;
    let parts = Parts::of(body)?;
    let ciphertext: &[u8; KEY_LENGTH] = parts.ciphertext.try_into().map_err(|_| CryptoError::TooShort)?;
    let mut key = Zeroizing::new(*ciphertext);
    decrypt_in_place(wrapping, &aad, &parts, key.as_mut_slice())?;
    Ok(KeyBytes::new(*key))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::platform::crypto::{SeededEntropy, open, seal};

    fn place() -> Aad {
        Aad {
            business: Uuid::from_u128(1),
            table: "data_keys",
            column: "wrapped",
            row: Uuid::from_u128(2),
        }
    }

    #[test]
    fn a_data_key_comes_back_from_its_wrapping() {
        let entropy = SeededEntropy::new(1);
        let business = BusinessKey::generate(&entropy, 3).unwrap();
        let key = DataKey::generate(&entropy).unwrap();
        let wrapped = business.wrap(&entropy, &key, &place()).unwrap();
        assert_eq!(
            (wrapped.len(), wrapping_version(&wrapped)),
            (WRAPPED_LENGTH, Ok(3))
        );

        let sealed = seal(&entropy, &key, &place(), b"hello").unwrap();
        let unwrapped = business.unwrap(&wrapped, &place()).unwrap();
        assert_eq!(open(&unwrapped, &place(), &sealed).unwrap().as_slice(), b"hello");
    }

    #[test]
    fn another_version_another_place_and_another_business_do_not_unwrap_it() {
        let entropy = SeededEntropy::new(1);
        let business = BusinessKey::generate(&entropy, 3).unwrap();
        let key = DataKey::generate(&entropy).unwrap();
        let wrapped = business.wrap(&entropy, &key, &place()).unwrap();

        let refusal = |key: &BusinessKey, wrapped: &[u8], aad: &Aad| key.unwrap(wrapped, aad).err();
        let next = BusinessKey::generate(&entropy, 4).unwrap();
        assert_eq!(
            refusal(&next, &wrapped, &place()),
            Some(CryptoError::WrongKeyVersion { needed: 3, given: 4 })
        );
        let elsewhere = Aad {
            row: Uuid::from_u128(9),
            ..place()
        };
        assert_eq!(
            refusal(&business, &wrapped, &elsewhere),
            Some(CryptoError::Refused)
        );
        let stranger = BusinessKey::generate(&entropy, 3).unwrap();
        assert_eq!(refusal(&stranger, &wrapped, &place()), Some(CryptoError::Refused));
        assert_eq!(
            refusal(&business, &wrapped[..64], &place()),
            Some(CryptoError::TooShort)
        );
        assert_eq!(refusal(&business, &[], &place()), Some(CryptoError::TooShort));
        let mut relabelled = wrapped.clone();
        relabelled[0] = 1;
        assert_eq!(
            refusal(&business, &relabelled, &place()),
            Some(CryptoError::UnknownFormat { found: 1 }),
            "a sealed value is not a wrapped key"
        );
    }

    #[test]
    fn a_value_sealed_by_a_key_with_a_keys_length_is_not_a_wrapped_key() {
        let entropy = SeededEntropy::new(1);
        let business = BusinessKey::generate(&entropy, 1).unwrap();
        let same_bytes = DataKey(KeyBytes::new(*business.key.expose()));
        let sealed = seal(&entropy, &same_bytes, &place(), &[7; KEY_LENGTH]).unwrap();
        let mut disguised = vec![FORMAT];
        disguised.extend_from_slice(&1_u32.to_be_bytes());
        disguised.extend_from_slice(&sealed[1..]);
        assert_eq!(
            business.unwrap(&disguised, &place()).err(),
            Some(CryptoError::Refused)
        );
    }

    #[test]
    fn keys_never_print_themselves() {
        let entropy = SeededEntropy::new(1);
        let business = BusinessKey::generate(&entropy, 1).unwrap();
        let printed = format!(
            "{business:?} {:?} {:?}",
            business.own_data_key(),
            business.blind_key()
        );
        assert_eq!(
            printed,
            "BusinessKey { version: 1, .. } DataKey(***) BlindKey { version: 1, .. }"
        );
    }
}
