//! What an edit changed, for the audit trail: each field with what it was before and what it is since.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::platform::{
    crypto::{CryptoError, DataKey},
    db::AuditEntry,
    ids,
    keys::TenantKeys,
};

/// The fields of one edit. What tells of a person is kept apart: it is sealed under their profile key, as it is in the
/// tables, so that an erasure takes it from the trail too and leaves which fields were changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    names: Vec<&'static str>,
    plain: Values,
    personal: Values,
}

#[derive(Debug, Default)]
struct Values {
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Values {
    fn put(&mut self, name: &str, before: Value, after: Value) {
        self.before.insert(name.to_owned(), before);
        self.after.insert(name.to_owned(), after);
    }

    fn is_empty(&self) -> bool {
        self.after.is_empty()
    }
}

impl Changes {
    /// A field that tells nothing of a person. One that stays as it was is no change.
    pub(super) fn note(&mut self, name: &'static str, before: impl Serialize, after: impl Serialize) {
        let (before, after) = (json!(before), json!(after));
        if before != after {
            self.names.push(name);
            self.plain.put(name, before, after);
        }
    }

    /// A field that tells something of a person.
    pub(super) fn note_personal(
        &mut self,
        name: &'static str,
        before: impl Serialize,
        after: impl Serialize,
    ) {
        let (before, after) = (json!(before), json!(after));
        if before != after {
            self.names.push(name);
            self.personal.put(name, before, after);
        }
    }

    /// Whether a field of a person is among them, so that their key is needed.
    pub(super) fn are_personal(&self) -> bool {
        !self.personal.is_empty()
    }

    /// The audit entry of an edit that tells nothing of a person.
    pub(super) fn entry(self, action: &'static str, object: Uuid, debtor: Uuid) -> AuditEntry {
        let details =
            json!({ "changed": self.names, "before": self.plain.before, "after": self.plain.after });
        AuditEntry::plain(action, object, &details).about(Some(debtor))
    }

    /// The audit entry of any edit.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub(super) fn sealed_entry(
        self,
        keys: &TenantKeys,
        (key_id, profile): (Uuid, &DataKey),
        action: &'static str,
        object: Uuid,
        debtor: Uuid,
    ) -> Result<AuditEntry, CryptoError> {
        if !self.are_personal() {
            return Ok(self.entry(action, object, debtor));
        }
        // What is sealed is bound to its row, which therefore needs its id now.
        let id = ids::next();
        let personal = json!({ "before": self.personal.before, "after": self.personal.after });
        let sealed = keys.seal(
            profile,
            "audit_events",
            "details",
            id,
            personal.to_string().as_bytes(),
        )?;
        let details = json!({
            "changed": self.names, "before": self.plain.before, "after": self.plain.after, "sealed": URL_SAFE_NO_PAD.encode(sealed),
        });
        Ok(AuditEntry {
            id: Some(id),
            key_id: Some(key_id),
            ..AuditEntry::plain(action, object, &details).about(Some(debtor))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_as_it_was_is_no_change() {
        let mut changes = Changes::default();
        changes.note("status", "ACTIVE", "ACTIVE");
        changes.note("due_date", None::<&str>, Some("2026-07-01"));
        assert!(!changes.are_personal());
        let entry = changes.entry("account.updated", Uuid::nil(), Uuid::max());
        let details: Value = serde_json::from_slice(&entry.details).unwrap();
        assert_eq!(
            details,
            json!({ "changed": ["due_date"], "before": { "due_date": null }, "after": { "due_date": "2026-07-01" } })
        );
        assert_eq!((entry.key_id, entry.debtor_id), (None, Some(Uuid::max())));
    }

    #[test]
    fn a_field_of_a_person_is_kept_apart() {
        let mut changes = Changes::default();
        changes.note_personal("last_name", "Vega", "Vega");
        assert!(!changes.are_personal());
        changes.note_personal("last_name", "Vega", "Alvarez");
        assert!(changes.are_personal() && changes.plain.is_empty());
    }
}
