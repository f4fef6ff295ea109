//! Envelope encryption of sensitive columns.
//!
//! ```text
//! master key (setting, versioned)   wraps   business key (row, versioned)
//! business key                      wraps   data keys (rows: one per debtor and purpose)
//! data key                          seals   column values
//! content key (column)              seals   what lies outside the database; wrapped by a business or data key
//! business key                      derives blind-index keys and the business's own data key
//! ```
//!
//! Destroying the row of a data key makes everything sealed under it unreadable: that is erasure.
//! Everything is AES-256-GCM with a random 96-bit nonce and with the value's place ([`Aad`]) as additional
//! data, so that a ciphertext cannot be moved to another row, column, table or business. NIST SP 800-38D
//! section 8.3 allows 2^32 random nonces per key, far above what one business key or data key seals.
//!
//! Tables that belong to no business are sealed under the platform's key: the same calls with
//! [`PLATFORM`] as the business.
//!
//! [`Vault`] is what the slices use; the functions beneath it ([`seal`], [`open`]) are public for tools
//! that hold a key already.

mod aad;
mod blind_index;
mod cache;
mod entropy;
mod error;
mod keys;
mod master;
mod named_keys;
mod sealed;
mod signer;
mod stream;
mod vault;

pub use aad::Aad;
pub use blind_index::{BlindKey, blind_index};
pub use cache::KeyCache;
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use error::{CryptoError, MasterKeysError};
pub use keys::{BusinessKey, DataKey, wrapping_version};
pub use master::MasterKeys;
pub use named_keys::{NamedKey, NamedKeys, NamedKeysError};
pub use sealed::{open, open_text, seal};
pub use signer::Signer;
pub use stream::{CHUNK, SEALED_CHUNK, StreamOpener, StreamSealer};
pub use vault::Vault;

/// The "business" of tables that belong to none.
pub const PLATFORM: uuid::Uuid = uuid::Uuid::nil();
