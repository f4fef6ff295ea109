//! What can go wrong with keys and ciphertexts. No text ever holds key material or plaintext.

/// Why something could not be sealed, opened, wrapped or unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The bytes are shorter than any value of their format.
    #[error(
        "the stored bytes are too short to be an encrypted value: the column is damaged or holds plaintext"
    )]
    TooShort,
    /// The first byte names a format that this version does not know.
    #[error(
        "the stored bytes have the unknown format {found}: they were written by a newer version, or are plaintext"
    )]
    UnknownFormat {
        /// The first byte found.
        found: u8,
    },
    /// A master key that wrapped this key is not configured.
    #[error("this key was wrapped by master key {version}, which MASTER_KEYS does not list: add it back")]
    UnknownMasterKey {
        /// The version that is needed.
        version: u32,
    },
    /// A data key was handed to another version of the business key than the one that wrapped it.
    #[error("this data key was wrapped by version {needed} of the business key, not by version {given}")]
    WrongKeyVersion {
        /// The version that wrapped it.
        needed: u32,
        /// The version it was handed to.
        given: u32,
    },
    /// The authentication tag does not fit. GCM cannot tell a wrong key from a wrong place or altered
    /// bytes, and an attacker should not learn it either.
    #[error("the encrypted value was refused: wrong key, wrong place, or altered bytes")]
    Refused,
    /// The opened bytes should be text and are not UTF-8.
    #[error("the decrypted value is not text: it was not written as text")]
    NotText,
    /// A table or column name that PostgreSQL would not have.
    #[error("a table or column name has at most 63 bytes")]
    NameTooLong,
    /// More than AES-GCM can seal under one nonce (about 64 GiB).
    #[error("the value is too large to be encrypted at once")]
    TooLarge,
    /// The operating system gave no random bytes.
    #[error("the operating system's random number source failed")]
    NoEntropy,
}

/// Why the setting with the master keys could not be read. Completes the sentence "MASTER_KEYS …" and never
/// repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeysError {
    /// Nothing in it.
    #[error("is empty: give at least one `version:base64` entry")]
    Empty,
    /// An entry without the colon.
    #[error("has an entry without a colon (number {entry}): write `version:base64`")]
    NotAPair {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// The part before the colon is not a whole number from 1 on.
    #[error("has an entry (number {entry}) that does not start with a version, a whole number from 1 on")]
    BadVersion {
        /// The entry's place in the list, from 1.
        entry: usize,
    },
    /// A version stands twice.
    #[error("lists version {version} twice")]
    Duplicate {
        /// The version.
        version: u32,
    },
    /// Not base64.
    #[error("has a key (version {version}) that is not base64 (standard alphabet, with padding)")]
    NotBase64 {
        /// The version.
        version: u32,
    },
    /// Not 256 bits.
    #[error("has a key (version {version}) of {found} bytes after decoding: it must have 32")]
    WrongLength {
        /// The version.
        version: u32,
        /// The length found, in bytes.
        found: usize,
    },
    /// All bytes are the same: a placeholder.
    #[error("has a key (version {version}) that is not random: make one with `openssl rand -base64 32`")]
    NotRandom {
        /// The version.
        version: u32,
    },
}
