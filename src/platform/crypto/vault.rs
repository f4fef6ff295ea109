//! What the slices use to encrypt: master keys, entropy and the key cache in one hand.

use std::num::NonZeroUsize;
use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Aad, BusinessKey, CryptoError, DataKey, Entropy, KeyCache, MasterKeys, open, open_text, seal};
use crate::platform::secret::Masked;

/// Makes, wraps, unwraps and uses keys. One per process, shared.
pub struct Vault {
    masters: MasterKeys,
    entropy: Arc<dyn Entropy>,
    cache: KeyCache,
}

impl Vault {
    /// A vault that keeps at most `cached_keys` business keys in memory.
    pub fn new(masters: MasterKeys, entropy: Arc<dyn Entropy>, cached_keys: NonZeroUsize) -> Self {
        Self {
            masters,
            entropy,
            cache: KeyCache::new(cached_keys),
        }
    }

    /// The configured master keys.
    pub fn masters(&self) -> &MasterKeys {
        &self.masters
    }

    /// Makes `version` of a business's key, and its wrapped form to store at `aad`.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn new_business_key(&self, version: u32, aad: &Aad) -> Result<(BusinessKey, Vec<u8>), CryptoError> {
        let key = BusinessKey::generate(&*self.entropy, version)?;
        let wrapped = self.masters.wrap(&*self.entropy, &key, aad)?;
        Ok((key, wrapped))
    }

    /// The key of `aad.business` in `version`, unwrapped now or lately.
    ///
    /// # Errors
    /// As [`MasterKeys::unwrap`].
    pub fn business_key(
        &self,
        version: u32,
        wrapped: &[u8],
        aad: &Aad,
    ) -> Result<Arc<BusinessKey>, CryptoError> {
        self.cache.get_or_unwrap(aad.business, version, || {
            self.masters.unwrap(wrapped, version, aad)
        })
    }

    /// Forgets the keys of a business that are in memory.
    pub fn forget(&self, business: Uuid) {
        self.cache.forget(business);
    }

    /// The same business key under the current master key: one step of a rotation.
    ///
    /// # Errors
    /// As [`MasterKeys::rewrap`].
    pub fn rewrap(&self, wrapped: &[u8], aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        self.masters.rewrap(&*self.entropy, wrapped, aad)
    }

    /// Makes a data key, and its wrapped form to store at `aad`.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn new_data_key(&self, business: &BusinessKey, aad: &Aad) -> Result<(DataKey, Vec<u8>), CryptoError> {
        let key = DataKey::generate(&*self.entropy)?;
        let wrapped = business.wrap(&*self.entropy, &key, aad)?;
        Ok((key, wrapped))
    }

    /// Wraps the key of a content under a data key.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] or [`CryptoError::NameTooLong`].
    pub fn wrap_under(&self, guard: &DataKey, key: &DataKey, aad: &Aad) -> Result<Vec<u8>, CryptoError> {
        guard.wrap(&*self.entropy, key, aad)
    }

    /// Encrypts a value for its place.
    ///
    /// # Errors
    /// As [`seal`].
    pub fn seal(&self, key: &DataKey, aad: &Aad, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        seal(&*self.entropy, key, aad, plaintext)
    }

    /// Decrypts a value.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, key: &DataKey, aad: &Aad, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        open(key, aad, sealed)
    }

    /// Decrypts a text.
    ///
    /// # Errors
    /// As [`open_text`].
    pub fn open_text(&self, key: &DataKey, aad: &Aad, sealed: &[u8]) -> Result<Masked<String>, CryptoError> {
        open_text(key, aad, sealed)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("masters", &self.masters)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::crypto::{PLATFORM, SeededEntropy};

    fn vault() -> Vault {
        let entropy = Arc::new(SeededEntropy::new(1));
        Vault::new(
            MasterKeys::for_development(),
            entropy,
            NonZeroUsize::new(8).unwrap(),
        )
    }

    fn place(business: Uuid, table: &'static str) -> Aad {
        Aad {
            business,
            table,
            column: "value",
            row: Uuid::from_u128(2),
        }
    }

    #[test]
    fn a_message_travels_through_the_whole_hierarchy() {
        let business = Uuid::from_u128(1);
        let (key_row, data_key_row) = (place(business, "business_keys"), place(business, "data_keys"));
        let message = place(business, "messages");
        let vault = vault();

        let (key, wrapped_key) = vault.new_business_key(1, &key_row).unwrap();
        let (data_key, wrapped_data_key) = vault.new_data_key(&key, &data_key_row).unwrap();
        let stored = vault.seal(&data_key, &message, b"please pay").unwrap();
        drop((key, data_key));

        let restarted = self::vault();
        let key = restarted.business_key(1, &wrapped_key, &key_row).unwrap();
        let data_key = key.unwrap(&wrapped_data_key, &data_key_row).unwrap();
        assert_eq!(
            restarted
                .open_text(&data_key, &message, &stored)
                .unwrap()
                .expose(),
            "please pay"
        );
        assert_eq!(
            restarted.open(&data_key, &message, &stored).unwrap().as_slice(),
            b"please pay"
        );
    }

    #[test]
    fn a_cached_key_is_found_without_unwrapping_until_it_is_forgotten() {
        let vault = vault();
        let row = place(PLATFORM, "business_keys");
        let (_, wrapped) = vault.new_business_key(1, &row).unwrap();
        vault.business_key(1, &wrapped, &row).unwrap();
        assert!(
            vault.business_key(1, b"unreadable", &row).is_ok(),
            "the platform's key is in memory"
        );
        vault.forget(PLATFORM);
        assert!(vault.business_key(1, b"unreadable", &row).is_err());
    }
}
