//! By what a person is known again without a word of anybody's: equal name, date of birth and postal code. Telephone and
//! e-mail never say it, for households share them.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{PostalAddress, model::name_key};
use crate::platform::{
    db::{DbError, TenantTx},
    keys::TenantKeys,
};

/// What two records of one person have in common, as one text; none where one of the three is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MatchKey(String);

impl MatchKey {
    pub(super) fn of(
        first_name: Option<&str>,
        last_name: Option<&str>,
        birth_date: Option<NaiveDate>,
        address: Option<&PostalAddress>,
    ) -> Option<Self> {
        let given = |name: Option<&str>| name.map(str::trim).is_some_and(|name| !name.is_empty());
        if !given(first_name) || !given(last_name) {
            return None;
        }
        let area = area(address?.postal_code.as_deref()?)?;
        let name = name_key(first_name?, last_name?);
        Some(Self(format!(
            "person\u{1f}{name}\u{1f}{}\u{1f}{area}",
            birth_date?
        )))
    }

    /// As it is stored.
    pub(super) fn blind(&self, keys: &TenantKeys) -> Vec<u8> {
        keys.blind(&self.0).to_vec()
    }

    /// As it may have been stored, under whatever version of the business's key.
    pub(super) fn blinds(&self, keys: &TenantKeys) -> Vec<Vec<u8>> {
        keys.blinds(&self.0)
    }
}

/// What a postal code is compared by: ZIP+4 and ZIP name the same area.
pub(super) fn area(postal_code: &str) -> Option<String> {
    let area = postal_code.split('-').next().unwrap_or_default();
    let area: String = area.chars().filter(|c| !c.is_whitespace()).collect();
    (!area.is_empty()).then(|| area.to_uppercase())
}

/// A record that has a reference or a match key that was looked for.
#[derive(Clone, Debug)]
pub(super) struct KnownRecord {
    pub(super) id: Uuid,
    pub(super) person_id: Uuid,
    pub(super) reference: Option<String>,
    pub(super) match_blind: Option<Vec<u8>>,
}

/// Looks for records with these references or these match keys (blind indexes), in the order of their ids.
pub(super) async fn known_records(
    tx: &mut TenantTx,
    references: &[String],
    blinds: &[Vec<u8>],
) -> Result<Vec<KnownRecord>, DbError> {
    if references.is_empty() && blinds.is_empty() {
        return Ok(Vec::new());
    }
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        KnownRecord,
        r#"SELECT id AS "id!", person_id AS "person_id!", external_reference AS reference, match_blind FROM (
             SELECT id, person_id, external_reference, match_blind FROM debtors
             WHERE business_id = $1 AND external_reference = ANY($2)
             UNION
             SELECT id, person_id, external_reference, match_blind FROM debtors
             WHERE business_id = $1 AND match_blind = ANY($3)) AS d ORDER BY id"#,
        business,
        references,
        blinds,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Records of a business by what they are known by.
#[derive(Default)]
pub(super) struct KnownRecords {
    by_reference: HashMap<String, Uuid>,
    by_match: HashMap<Vec<u8>, Vec<KnownRecord>>,
}

impl KnownRecords {
    pub(super) fn new(records: Vec<KnownRecord>) -> Self {
        let mut known = Self::default();
        for record in records {
            known.add(record);
        }
        known
    }

    pub(super) fn add(&mut self, record: KnownRecord) {
        if let Some(reference) = &record.reference {
            self.by_reference.insert(reference.clone(), record.id);
        }
        if let Some(blind) = &record.match_blind {
            self.by_match.entry(blind.clone()).or_default().push(record);
        }
    }

    /// All of them.
    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        let matched = self.by_match.values().flatten().map(|record| record.id);
        self.by_reference.values().copied().chain(matched).collect()
    }

    /// Whose record it is: the reference decides where it is known. Else the one person with this match key, unless the
    /// business calls them by another reference; of several people it is none.
    pub(super) fn find(
        &self,
        keys: &TenantKeys,
        reference: Option<&str>,
        key: Option<&MatchKey>,
    ) -> Option<Uuid> {
        if let Some(known) = reference.and_then(|reference| self.by_reference.get(reference)) {
            return Some(*known);
        }
        if self.by_match.is_empty() {
            return None;
        }
        let blinds = key?.blinds(keys);
        let matched = blinds
            .iter()
            .filter_map(|blind| self.by_match.get(blind))
            .flatten();
        let mut possible = matched.filter(|record| reference.is_none() || record.reference.is_none());
        let first = possible.next()?;
        let mut found = first;
        for other in possible {
            if other.person_id != first.person_id {
                return None;
            }
            // The record that stands for the person, where it is among them.
            if other.id == other.person_id {
                found = other;
            }
        }
        Some(found.id)
    }

    /// A record without a reference has this one from now on.
    pub(super) fn name(&mut self, record: Uuid, reference: &str) {
        self.by_reference.insert(reference.to_owned(), record);
        for known in self.by_match.values_mut().flatten() {
            if known.id == record {
                known.reference = Some(reference.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: &str, last: &str, born: Option<&str>, postal_code: Option<&str>) -> Option<MatchKey> {
        let address = PostalAddress {
            line1: None,
            line2: None,
            city: None,
            state: None,
            postal_code: postal_code.map(str::to_owned),
            country: None,
        };
        let born = born.map(|date| date.parse().unwrap());
        MatchKey::of(Some(first), Some(last), born, Some(&address))
    }

    #[test]
    fn the_same_person_is_the_same_however_they_are_written_and_nobody_else_is() {
        let born = Some("1980-01-31");
        let maria = key("Maria", "Alvarez", born, Some("10001"));
        assert!(maria.is_some());
        assert_eq!(maria, key(" maria ", "ALVAREZ", born, Some("10001-1234")));
        for other in [
            key("Mario", "Alvarez", born, Some("10001")),
            key("Maria", "Alvarez", Some("1980-02-01"), Some("10001")),
            key("Maria", "Alvarez", born, Some("10002")),
        ] {
            assert!(other.is_some() && other != maria);
        }
        for unknown in [
            key("", "Alvarez", born, Some("10001")),
            key("Maria", " ", born, Some("10001")),
            key("Maria", "Alvarez", None, Some("10001")),
            key("Maria", "Alvarez", born, None),
            key("Maria", "Alvarez", born, Some(" - ")),
        ] {
            assert_eq!(unknown, None, "two of the three are not enough");
        }
    }
}
