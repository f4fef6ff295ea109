//! Recomputes the chain of an audit trail offline, from the stored bytes alone.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// One stored row.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AuditLink {
    pub id: Uuid,
    pub position: i64,
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub object_id: Option<Uuid>,
    pub debtor_id: Option<Uuid>,
    pub request_id: Option<String>,
    #[serde(with = "hexadecimal")]
    pub details: Vec<u8>,
    pub key_id: Option<Uuid>,
    #[serde(with = "hexadecimal")]
    pub hash: Vec<u8>,
}

/// Bytes as they stand in an export.
pub(super) mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::audit) fn write(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(in crate::audit) fn read(text: &str) -> Option<Vec<u8>> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
            .collect();
        let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
        Some(
            digits
                .chunks_exact(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect(),
        )
    }

    pub(in crate::audit) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&write(bytes))
    }

    pub(in crate::audit) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        read(&text).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

/// Where a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    #[error("row {expected} is missing: the next one found is {found}")]
    Gap { expected: i64, found: i64 },
    #[error("row {0} was changed: its hash does not follow from its bytes and the row before")]
    Changed(i64),
}

impl AuditLink {
    /// The hash that the row must have after `previous`; the same bytes as `app.audit_hash` in the database.
    pub fn expected_hash(&self, previous: &[u8]) -> Vec<u8> {
        let uuid = |id: Option<Uuid>| id.map(|id| id.to_string());
        let details = hexadecimal::write(&self.details);
        let fields = [
            Some(self.id.to_string()),
            Some(self.position.to_string()),
            Some(self.at.timestamp_micros().to_string()),
            Some(self.actor_kind.clone()),
            uuid(self.actor_id),
            Some(self.action.clone()),
            uuid(self.object_id),
            uuid(self.debtor_id),
            self.request_id.clone(),
            Some(details),
            uuid(self.key_id),
        ];
        let mut hash = Sha256::new();
        hash.update(previous);
        for field in fields {
            match field {
                // Postgres length(text) counts characters.
                Some(field) => hash.update(format!("{}:{field}", field.chars().count())),
                None => hash.update("-"),
            }
        }
        hash.finalize().to_vec()
    }
}

/// Checks a chain row by row, from its first one or behind a known one, with no more than the last hash in memory.
#[derive(Clone, Debug, Default)]
pub struct ChainVerifier {
    rows: i64,
    previous: Vec<u8>,
}

impl ChainVerifier {
    /// Goes on behind a row whose place and hash are known, from a checkpoint.
    pub fn after(position: i64, hash: Vec<u8>) -> Self {
        Self {
            rows: position,
            previous: hash,
        }
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// [`BrokenChain`] when it does not follow from the rows before.
    pub fn check(&mut self, link: &AuditLink) -> Result<(), BrokenChain> {
        let expected = self.rows + 1;
        if link.position != expected {
            return Err(BrokenChain::Gap {
                expected,
                found: link.position,
            });
        }
        if link.expected_hash(&self.previous) != link.hash {
            return Err(BrokenChain::Changed(link.position));
        }
        self.rows = expected;
        self.previous.clone_from(&link.hash);
        Ok(())
    }

    /// The last row's position: how many there are up to it.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// The hash of the last row: the head (`business_head` or `platform_head`) must hold the same, else rows are missing
    /// at the end.
    pub fn hash(&self) -> &[u8] {
        &self.previous
    }
}

/// Checks a whole chain, from its first row. Returns the hash of the last one, as [`ChainVerifier::hash`].
///
/// # Errors
/// [`BrokenChain`] names the first row that does not fit.
pub fn verify(links: impl IntoIterator<Item = AuditLink>) -> Result<Vec<u8>, BrokenChain> {
    let mut verifier = ChainVerifier::default();
    for link in links {
        verifier.check(&link)?;
    }
    Ok(verifier.previous)
}
