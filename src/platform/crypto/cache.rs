//! Unwrapped business keys in memory, bounded.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use uuid::Uuid;

use super::{BusinessKey, CryptoError};

/// Keeps the business keys that were used last, so that a request does not unwrap them again.
///
/// When full, the key that was used longest ago leaves. A key's memory is overwritten when the cache and
/// everybody who still works with it have let go.
pub struct KeyCache {
    most: NonZeroUsize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<(Uuid, u32), Entry>,
    uses: u64,
}

struct Entry {
    key: Arc<BusinessKey>,
    last_use: u64,
}

impl KeyCache {
    /// A cache of at most `most` keys.
    pub fn new(most: NonZeroUsize) -> Self {
        Self {
            most,
            entries: Mutex::default(),
        }
    }

    /// The key of `business` in `version`; `unwrap` is called when it is not in memory.
    ///
    /// # Errors
    /// Those of `unwrap`; nothing is kept then.
    pub fn get_or_unwrap(
        &self,
        business: Uuid,
        version: u32,
        unwrap: impl FnOnce() -> Result<BusinessKey, CryptoError>,
    ) -> Result<Arc<BusinessKey>, CryptoError> {
        if let Some(key) = self.lock().touch((business, version)) {
            return Ok(key);
        }
        // Outside the lock: two requests may unwrap the same key at once, which is harmless.
        let key = Arc::new(unwrap()?);
        self.lock().insert((business, version), key.clone(), self.most);
        Ok(key)
    }

    /// Forgets all versions of a business's key, as when its key is destroyed.
    pub fn forget(&self, business: Uuid) {
        self.lock().by_key.retain(|(owner, _), _| *owner != business);
    }

    /// How many keys are in memory.
    pub fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    /// Whether no key is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Entries {
    fn touch(&mut self, key: (Uuid, u32)) -> Option<Arc<BusinessKey>> {
        self.uses += 1;
        let entry = self.by_key.get_mut(&key)?;
        entry.last_use = self.uses;
        Some(entry.key.clone())
    }

    fn insert(&mut self, place: (Uuid, u32), key: Arc<BusinessKey>, most: NonZeroUsize) {
        if self.by_key.len() >= most.get() && !self.by_key.contains_key(&place) {
            // A scan, but only when a key comes in that was not there: rare beside the uses.
            let oldest = self
                .by_key
                .iter()
                .min_by_key(|(_, entry)| entry.last_use)
                .map(|(place, _)| *place);
            if let Some(oldest) = oldest {
                self.by_key.remove(&oldest);
            }
        }
        self.by_key.insert(
            place,
            Entry {
                key,
                last_use: self.uses,
            },
        );
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache")
            .field("most", &self.most)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::crypto::SeededEntropy;

    fn business(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn fresh(version: u32) -> Result<BusinessKey, CryptoError> {
        BusinessKey::generate(&SeededEntropy::new(1), version)
    }

    fn cached(cache: &KeyCache, number: u128, version: u32) -> bool {
        cache
            .get_or_unwrap(business(number), version, || Err(CryptoError::Refused))
            .is_ok()
    }

    #[test]
    fn a_key_is_unwrapped_once_per_business_and_version() {
        let cache = KeyCache::new(NonZeroUsize::new(10).unwrap());
        cache.get_or_unwrap(business(1), 1, || fresh(1)).unwrap();
        assert!(cached(&cache, 1, 1));
        assert!(!cached(&cache, 1, 2), "another version is another key");
        assert!(!cached(&cache, 2, 1), "another business is another key");
    }

    #[test]
    fn a_failure_to_unwrap_is_not_remembered() {
        let cache = KeyCache::new(NonZeroUsize::new(10).unwrap());
        let failed = cache.get_or_unwrap(business(1), 1, || Err(CryptoError::Refused));
        assert_eq!(failed.err(), Some(CryptoError::Refused));
        assert!(cache.is_empty());
        assert!(cache.get_or_unwrap(business(1), 1, || fresh(1)).is_ok());
    }

    #[test]
    fn the_key_used_longest_ago_makes_room() {
        let cache = KeyCache::new(NonZeroUsize::new(2).unwrap());
        cache.get_or_unwrap(business(1), 1, || fresh(1)).unwrap();
        cache.get_or_unwrap(business(2), 1, || fresh(1)).unwrap();
        assert!(cached(&cache, 1, 1), "use the first again");
        let kept_by_a_request = cache.get_or_unwrap(business(3), 1, || fresh(1)).unwrap();
        assert_eq!(cache.len(), 2);
        assert!(cached(&cache, 1, 1) && cached(&cache, 3, 1));
        assert!(!cached(&cache, 2, 1));
        assert_eq!(kept_by_a_request.version(), 1);
    }

    #[test]
    fn a_forgotten_business_leaves_in_all_versions() {
        let cache = KeyCache::new(NonZeroUsize::new(10).unwrap());
        for (number, version) in [(1, 1), (1, 2), (2, 1)] {
            cache
                .get_or_unwrap(business(number), version, || fresh(version))
                .unwrap();
        }
        cache.forget(business(1));
        assert!(!cached(&cache, 1, 1) && !cached(&cache, 1, 2) && cached(&cache, 2, 1));
    }
}
