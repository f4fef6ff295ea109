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
    /// The role in which somebody acted. Rows from before it was kept have neither it nor `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_role: Option<String>,
    pub action: String,
    pub object_id: Option<Uuid>,
    pub debtor_id: Option<Uuid>,
    pub request_id: Option<String>,
    /// From where, sealed under the platform's key.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "hexadecimal::optional"
    )]
    pub origin: Option<Vec<u8>>,
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

    /// Bytes that may not be there.
    pub(in crate::audit) mod optional {
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

        pub(in crate::audit) fn serialize<S: Serializer>(
            bytes: &Option<Vec<u8>>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            bytes.as_deref().map(super::write).serialize(serializer)
        }

        pub(in crate::audit) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Vec<u8>>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| super::read(&text).ok_or_else(|| D::Error::custom("not hexadecimal")))
                .transpose()
        }
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
    /// The hash that the row must have after `previous`; the same bytes as `app.audit_hash` in the database. Role and origin
    /// are hashed where the row has either: one from before they were kept has the bytes of then, and neither can be taken
    /// from a row or put into one.
    pub fn expected_hash(&self, previous: &[u8]) -> Vec<u8> {
        let uuid = |id: Option<Uuid>| id.map(|id| id.to_string());
        let details = hexadecimal::write(&self.details);
        let mut fields = vec![
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
        if self.actor_role.is_some() || self.origin.is_some() {
            let origin = self.origin.as_deref().map(hexadecimal::write);
            fields.extend([self.actor_role.clone(), origin]);
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A row as bundles held it before roles and origins were kept, with the hash that it had.
    fn old_row() -> serde_json::Value {
        let mut row = json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "position": 1, "at": "2026-11-01T12:00:00Z",
            "actor_kind": "USER", "actor_id": "01890a5d-ac96-774b-bcce-b302099a8058", "action": "account.created",
            "object_id": null, "debtor_id": null, "request_id": "req-1", "details": "7b7d", "key_id": null,
        });
        let bytes = "36:01890a5d-ac96-774b-bcce-b302099a80571:116:17935344000000004:USER\
                     36:01890a5d-ac96-774b-bcce-b302099a805815:account.created--5:req-14:7b7d-";
        row["hash"] = json!(hexadecimal::write(&Sha256::digest(bytes)));
        row
    }

    #[test]
    fn a_row_from_before_roles_and_origins_still_follows() {
        let row: AuditLink = serde_json::from_value(old_row()).unwrap();
        assert_eq!((&row.actor_role, &row.origin), (&None, &None));
        assert!(verify([row.clone()]).is_ok());
        assert_eq!(
            serde_json::to_value(&row).unwrap(),
            old_row(),
            "and is written as it was"
        );
    }

    #[test]
    fn neither_role_nor_origin_can_be_put_in_changed_or_taken_out() {
        let old: AuditLink = serde_json::from_value(old_row()).unwrap();
        let mut new = AuditLink {
            actor_role: Some("AGENT".to_owned()),
            origin: Some(vec![1, 2, 3]),
            ..old.clone()
        };
        assert_eq!(
            verify([new.clone()]),
            Err(BrokenChain::Changed(1)),
            "put into an old row"
        );
        new.hash = new.expected_hash(&[]);
        assert!(verify([new.clone()]).is_ok());
        let again: AuditLink = serde_json::from_value(serde_json::to_value(&new).unwrap()).unwrap();
        assert_eq!(again, new);
        for (actor_role, origin) in [
            (None, None),
            (None, new.origin.clone()),
            (new.actor_role.clone(), None),
            (Some("MANAGER".to_owned()), new.origin.clone()),
            (new.actor_role.clone(), Some(vec![1, 2, 4])),
        ] {
            let forged = AuditLink {
                actor_role,
                origin,
                ..new.clone()
            };
            assert_eq!(verify([forged]), Err(BrokenChain::Changed(1)));
        }
    }
}
