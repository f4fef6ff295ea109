//! By what a person is known again without a word of anybody's: an equal national id, or equal name, date of birth and
//! postal code. Telephone and e-mail never say it, for households share them.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{NationalId, PostalAddress, model::name_key};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    keys::{TenantKeys, WrappedKey},
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

/// What is told of somebody who may be known already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) reference: Option<&'a str>,
    pub(super) national_id: Option<&'a NationalId>,
    pub(super) birth_date: Option<NaiveDate>,
    pub(super) key: Option<&'a MatchKey>,
}

/// What records are looked for by: references, and blind indexes of national ids and match keys.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) references: Vec<String>,
    pub(super) national_ids: Vec<Vec<u8>>,
    pub(super) matches: Vec<Vec<u8>>,
}

impl Wanted {
    /// Adds what one of them is looked for by.
    pub(super) fn add(&mut self, keys: &TenantKeys, told: &Told<'_>) {
        self.references.extend(told.reference.map(str::to_owned));
        self.national_ids
            .extend(told.national_id.into_iter().flat_map(|id| id.blinds(keys)));
        self.matches
            .extend(told.key.into_iter().flat_map(|key| key.blinds(keys)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.references.is_empty() && self.national_ids.is_empty() && self.matches.is_empty()
    }
}

/// A record that has a reference, a national id or a match key that was looked for.
#[derive(Clone, Debug)]
pub(super) struct KnownRecord {
    pub(super) id: Uuid,
    pub(super) person_id: Uuid,
    pub(super) reference: Option<String>,
    pub(super) national_id_blind: Option<Vec<u8>>,
    pub(super) match_blind: Option<Vec<u8>>,
    /// Only of one that has a national id that was looked for.
    pub(super) birth_date: Option<NaiveDate>,
}

/// Looks for records, in the order of their ids.
async fn known_records(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    wanted: &Wanted,
) -> Result<Vec<KnownRecord>, OpError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", person_id AS "person_id!", external_reference AS reference, national_id_blind, match_blind
           FROM (
             SELECT id, person_id, external_reference, national_id_blind, match_blind FROM debtors
             WHERE business_id = $1 AND external_reference = ANY($2)
             UNION
             SELECT id, person_id, external_reference, national_id_blind, match_blind FROM debtors
             WHERE business_id = $1 AND national_id_blind = ANY($3)
             UNION
             SELECT id, person_id, external_reference, national_id_blind, match_blind FROM debtors
             WHERE business_id = $1 AND match_blind = ANY($4)) AS d ORDER BY id"#,
        business,
        &wanted.references,
        &wanted.national_ids,
        &wanted.matches,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let has_number = |blind: &Option<Vec<u8>>| {
        blind
            .as_ref()
            .is_some_and(|blind| wanted.national_ids.contains(blind))
    };
    let numbered: Vec<Uuid> = rows
        .iter()
        .filter(|row| has_number(&row.national_id_blind))
        .map(|row| row.id)
        .collect();
    let births = birth_dates(tx, keys, &numbered).await?;
    Ok(rows
        .into_iter()
        .map(|row| KnownRecord {
            birth_date: births.get(&row.id).copied(),
            id: row.id,
            person_id: row.person_id,
            reference: row.reference,
            national_id_blind: row.national_id_blind,
            match_blind: row.match_blind,
        })
        .collect())
}

/// Those of the dates of birth that are known.
async fn birth_dates(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, NaiveDate>, OpError> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT d.id, d.birth_date_cipher AS "cipher!", k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE d.business_id = $1 AND d.id = ANY($2) AND d.birth_date_cipher IS NOT NULL"#,
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    for row in rows {
        let stored = WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        };
        let Some(key) = keys.data_key(&stored)? else {
            continue;
        };
        let text = keys.open_text(&key, "debtors", "birth_date_cipher", row.id, &row.cipher)?;
        if let Ok(date) = text.expose().parse() {
            found.insert(row.id, date);
        }
    }
    Ok(found)
}

/// Records of a business by what they are known by.
#[derive(Default)]
pub(super) struct KnownRecords {
    records: HashMap<Uuid, KnownRecord>,
    by_reference: HashMap<String, Uuid>,
    /// By blind index, in the order in which they were added.
    by_national_id: HashMap<Vec<u8>, Vec<Uuid>>,
    by_match: HashMap<Vec<u8>, Vec<Uuid>>,
}

impl KnownRecords {
    /// Those that the business has.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub(super) async fn load(tx: &mut TenantTx, keys: &TenantKeys, wanted: &Wanted) -> Result<Self, OpError> {
        let mut known = Self::default();
        if !wanted.is_empty() {
            for record in known_records(tx, keys, wanted).await? {
                known.add(record);
            }
        }
        Ok(known)
    }

    pub(super) fn add(&mut self, record: KnownRecord) {
        if let Some(reference) = &record.reference {
            self.by_reference.insert(reference.clone(), record.id);
        }
        for (places, blind) in [
            (&mut self.by_national_id, &record.national_id_blind),
            (&mut self.by_match, &record.match_blind),
        ] {
            if let Some(blind) = blind {
                places.entry(blind.clone()).or_default().push(record.id);
            }
        }
        self.records.insert(record.id, record);
    }

    /// All of them.
    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        self.records.keys().copied().collect()
    }

    /// Whether the business calls somebody so.
    pub(super) fn has_reference(&self, reference: &str) -> bool {
        self.by_reference.contains_key(reference)
    }

    /// Whose record it is: the reference decides where it is known. Else the one person with this national id, else the
    /// one with this match key, unless the business calls them by another reference. Of several people it is none; nor
    /// is it who has the number and another date of birth, or the name and another number: one of the two was mistyped, and
    /// a person has to say which.
    pub(super) fn find(&self, keys: &TenantKeys, told: &Told<'_>) -> Option<Uuid> {
        if let Some(known) = told
            .reference
            .and_then(|reference| self.by_reference.get(reference))
        {
            return Some(*known);
        }
        if self.by_national_id.is_empty() && self.by_match.is_empty() {
            return None;
        }
        let may_be = |record: &&KnownRecord| told.reference.is_none() || record.reference.is_none();
        let numbers = told.national_id.map(|id| id.blinds(keys)).unwrap_or_default();
        let numbered: Vec<&KnownRecord> = self.with(&self.by_national_id, &numbers).filter(may_be).collect();
        if !numbered.is_empty() {
            let was_born_otherwise = |record: &&KnownRecord| {
                record
                    .birth_date
                    .zip(told.birth_date)
                    .is_some_and(|(a, b)| a != b)
            };
            return if numbered.iter().any(was_born_otherwise) {
                None
            } else {
                one_person(&numbered)
            };
        }
        let matches = told.key?.blinds(keys);
        let has_other_number = |record: &&KnownRecord| {
            let number = record.national_id_blind.as_ref();
            !numbers.is_empty() && number.is_some_and(|number| !numbers.contains(number))
        };
        let named: Vec<&KnownRecord> = self
            .with(&self.by_match, &matches)
            .filter(may_be)
            .filter(|record| !has_other_number(record))
            .collect();
        one_person(&named)
    }

    fn with<'s>(
        &'s self,
        places: &'s HashMap<Vec<u8>, Vec<Uuid>>,
        blinds: &'s [Vec<u8>],
    ) -> impl Iterator<Item = &'s KnownRecord> {
        blinds
            .iter()
            .filter_map(|blind| places.get(blind))
            .flatten()
            .filter_map(|id| self.records.get(id))
    }

    /// A record without a reference has this one from now on.
    pub(super) fn name(&mut self, record: Uuid, reference: &str) {
        self.by_reference.insert(reference.to_owned(), record);
        if let Some(known) = self.records.get_mut(&record) {
            known.reference = Some(reference.to_owned());
        }
    }
}

/// The record of the person whom all of these are of: the one that stands for them, where it is among these. None of
/// several people.
fn one_person(records: &[&KnownRecord]) -> Option<Uuid> {
    let first = records.first()?;
    if records.iter().any(|record| record.person_id != first.person_id) {
        return None;
    }
    let standing = records.iter().find(|record| record.id == record.person_id);
    Some(standing.unwrap_or(first).id)
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
