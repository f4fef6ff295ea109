//! Recomputes the chain of an audit trail offline, from the stored bytes alone.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// One stored row.
#[derive(Clone, Debug)]
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
    pub details: Vec<u8>,
    pub key_id: Option<Uuid>,
    pub hash: Vec<u8>,
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
        let details: String = self.details.iter().map(|byte| format!("{byte:02x}")).collect();
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

/// Checks a whole chain, from its first row. Returns the hash of the last one: the head (`business_head` or
/// `platform_head`) must hold the same, else rows are missing at the end.
///
/// # Errors
/// [`BrokenChain`] names the first row that does not fit.
pub fn verify(links: impl IntoIterator<Item = AuditLink>) -> Result<Vec<u8>, BrokenChain> {
    let mut previous = Vec::new();
    for (expected, link) in (1..).zip(links) {
        if link.position != expected {
            return Err(BrokenChain::Gap {
                expected,
                found: link.position,
            });
        }
        if link.expected_hash(&previous) != link.hash {
            return Err(BrokenChain::Changed(link.position));
        }
        previous = link.hash;
    }
    Ok(previous)
}
