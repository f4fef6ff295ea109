//! Where random bytes for keys and nonces come from.

use std::fmt;
use std::sync::Mutex;

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

use super::CryptoError;

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `target` with random bytes.
    ///
    /// # Errors
    /// [`CryptoError::NoEntropy`] when the source fails; nothing may then be sealed.
    fn fill(&self, target: &mut [u8]) -> Result<(), CryptoError>;
}

/// The operating system's generator: the only source for production.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, target: &mut [u8]) -> Result<(), CryptoError> {
        SysRng.try_fill_bytes(target).map_err(|_| CryptoError::NoEntropy)
    }
}

/// The same bytes for the same seed, **for tests only**: repeated nonces break AES-GCM.
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// A source that is fully determined by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, target: &mut [u8]) -> Result<(), CryptoError> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .fill_bytes(target);
        Ok(())
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededEntropy")
    }
}
