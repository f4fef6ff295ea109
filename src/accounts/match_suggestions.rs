//! Who else may be the same person. Only ever a suggestion: households share telephones, and names are not rare.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use async_graphql::Enum;
use uuid::Uuid;

use super::{
    NationalId, PostalAddress, duplicates::told_apart, match_key::area,
    same_contacts::people_with_contacts_of,
};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    keys::{TenantKeys, WrappedKey},
};

/// At most this many suggestions for one person.
const MOST: usize = 20;

/// Why two records may be of one person.
#[derive(Clone, Copy, Debug, Enum, Eq, Ord, PartialEq, PartialOrd)]
pub enum MatchReason {
    /// They have the national id in common.
    NationalId,
    /// They have a telephone number in common.
    Phone,
    /// They have an e-mail address in common.
    Email,
    /// They have name and date of birth in common.
    NameAndBirthDate,
    /// They have name and postal code in common.
    NameAndPostalCode,
}

impl MatchReason {
    const ALL: [Self; 5] = [
        Self::NationalId,
        Self::Phone,
        Self::Email,
        Self::NameAndBirthDate,
        Self::NameAndPostalCode,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NationalId => "NATIONAL_ID",
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::NameAndBirthDate => "NAME_AND_BIRTH_DATE",
            Self::NameAndPostalCode => "NAME_AND_POSTAL_CODE",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Somebody who may be the same person, and why.
#[derive(Clone, Debug)]
pub(super) struct Suggestion {
    pub(super) person_id: Uuid,
    pub(super) reasons: Vec<MatchReason>,
}

/// The suggestions for one person: who has their national id, then those with the most reasons.
pub(super) type Suggestions = Arc<Vec<Suggestion>>;

/// By person and other person.
type Reasons = HashMap<Uuid, BTreeMap<Uuid, BTreeSet<MatchReason>>>;

/// A record with the same name as one of the person's.
struct Namesake {
    /// The person for whom is looked.
    asked: Uuid,
    id: Uuid,
    person_id: Uuid,
    address_cipher: Option<Vec<u8>>,
    birth_date_cipher: Option<Vec<u8>>,
    key_id: Uuid,
    business_key_version: i32,
    wrapped: Option<Vec<u8>>,
}

/// What of a record tells namesakes apart.
struct Traits {
    person_id: Uuid,
    birth_date: Option<String>,
    postal_code: Option<String>,
}

/// A record with a national id, of a person for whom is looked.
struct Numbered {
    id: Uuid,
    person_id: Uuid,
    national_id_cipher: Vec<u8>,
    key_id: Uuid,
    business_key_version: i32,
    wrapped: Option<Vec<u8>>,
}

/// Looks in at most six statements, however many people are asked for.
pub(super) async fn suggestions_for(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    persons: &[Uuid],
) -> Result<HashMap<Uuid, Suggestions>, OpError> {
    let mut reasons = Reasons::new();
    shared_contacts(tx, keys, persons, &mut reasons).await?;
    shared_numbers(tx, keys, persons, &mut reasons).await?;
    let namesakes = namesakes_of(tx, persons).await?;
    compare_namesakes(keys, namesakes, &mut reasons)?;
    if !reasons.is_empty() {
        let apart = told_apart(tx, persons).await?;
        for (person, others) in &mut reasons {
            others.retain(|other, _| !apart.contains(&(*person, *other)));
        }
    }
    Ok(reasons
        .into_iter()
        .map(|(person, others)| {
            let mut found: Vec<Suggestion> = others
                .into_iter()
                .map(|(person_id, reasons)| Suggestion {
                    person_id,
                    reasons: reasons.into_iter().collect(),
                })
                .collect();
            let weight =
                |reasons: &[MatchReason]| (reasons.contains(&MatchReason::NationalId), reasons.len());
            found.sort_by_key(|suggestion| std::cmp::Reverse(weight(&suggestion.reasons)));
            found.truncate(MOST);
            (person, Arc::new(found))
        })
        .collect())
}

/// Households share telephones: it is a reason among others.
async fn shared_contacts(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    persons: &[Uuid],
    reasons: &mut Reasons,
) -> Result<(), OpError> {
    for found in people_with_contacts_of(tx, keys, persons).await? {
        let reason = match found.kind.as_str() {
            "EMAIL" => MatchReason::Email,
            _ => MatchReason::Phone,
        };
        let others = reasons.entry(found.asked).or_default();
        others.entry(found.other).or_default().insert(reason);
    }
    Ok(())
}

/// By what the number may be indexed under any version of the business's key, which the stored index of one record does
/// not tell: two may have been written under different ones.
async fn shared_numbers(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    persons: &[Uuid],
    reasons: &mut Reasons,
) -> Result<(), OpError> {
    let mut asked: HashMap<Vec<u8>, BTreeSet<Uuid>> = HashMap::new();
    for record in numbered(tx, persons).await? {
        let stored = WrappedKey {
            id: record.key_id,
            business_key_version: record.business_key_version,
            wrapped: record.wrapped,
        };
        let Some(key) = keys.data_key(&stored)? else {
            continue;
        };
        let cipher = &record.national_id_cipher;
        let text = keys.open_text(&key, "debtors", "national_id_cipher", record.id, cipher)?;
        for blind in NationalId::stored(text.expose()).blinds(keys) {
            asked.entry(blind).or_default().insert(record.person_id);
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let (business, blinds): (Uuid, Vec<Vec<u8>>) = (tx.business_id(), asked.keys().cloned().collect());
    let rows = sqlx::query!(
        r#"SELECT b.blind AS "blind!", o.person_id AS "person_id!" FROM unnest($2::bytea[]) AS b(blind)
         CROSS JOIN LATERAL (
             SELECT d.person_id FROM debtors d WHERE d.business_id = $1 AND d.national_id_blind = b.blind
             ORDER BY d.id LIMIT 21) o"#,
        business,
        &blinds,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    for row in rows {
        for person in asked.get(&row.blind).into_iter().flatten() {
            if *person != row.person_id {
                let others = reasons.entry(*person).or_default();
                others
                    .entry(row.person_id)
                    .or_default()
                    .insert(MatchReason::NationalId);
            }
        }
    }
    Ok(())
}

async fn numbered(tx: &mut TenantTx, persons: &[Uuid]) -> Result<Vec<Numbered>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Numbered,
        r#"SELECT d.id, d.person_id AS "person_id!", d.national_id_cipher AS "national_id_cipher!", k.id AS key_id,
                k.business_key_version, k.wrapped
         FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE d.business_id = $1 AND d.person_id = ANY($2) AND d.national_id_cipher IS NOT NULL"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The person's own records come first, then a bounded number of others with the same name.
async fn namesakes_of(tx: &mut TenantTx, persons: &[Uuid]) -> Result<Vec<Namesake>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Namesake,
        r#"SELECT q.person_id AS "asked!", o.id AS "id!", o.person_id AS "person_id!", o.address_cipher, o.birth_date_cipher,
                k.id AS "key_id!", k.business_key_version AS "business_key_version!", k.wrapped
         FROM debtors q
         CROSS JOIN LATERAL (
             SELECT c.* FROM debtors c
             WHERE c.business_id = $1 AND c.name_key COLLATE "C" = q.name_key COLLATE "C" AND c.name_key <> ''
             ORDER BY c.id <> q.id, c.id LIMIT 21) o
         JOIN data_keys k ON k.business_id = o.business_id AND k.id = o.profile_key_id
         WHERE q.business_id = $1 AND q.person_id = ANY($2)"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await?)
}

fn compare_namesakes(
    keys: &TenantKeys,
    namesakes: Vec<Namesake>,
    reasons: &mut Reasons,
) -> Result<(), OpError> {
    let mut by_person: HashMap<Uuid, Vec<Traits>> = HashMap::new();
    for namesake in namesakes {
        let asked = namesake.asked;
        let traits = open_traits(keys, namesake)?;
        by_person.entry(asked).or_default().push(traits);
    }
    let is_same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    for (person, records) in by_person {
        let (own, others): (Vec<Traits>, Vec<Traits>) =
            records.into_iter().partition(|record| record.person_id == person);
        for (mine, other) in own
            .iter()
            .flat_map(|mine| others.iter().map(move |other| (mine, other)))
        {
            for (reason, holds) in [
                (
                    MatchReason::NameAndBirthDate,
                    is_same(&mine.birth_date, &other.birth_date),
                ),
                (
                    MatchReason::NameAndPostalCode,
                    is_same(&mine.postal_code, &other.postal_code),
                ),
            ] {
                if holds {
                    let found = reasons.entry(person).or_default();
                    found.entry(other.person_id).or_default().insert(reason);
                }
            }
        }
    }
    Ok(())
}

fn open_traits(keys: &TenantKeys, record: Namesake) -> Result<Traits, OpError> {
    let key = keys.data_key(&WrappedKey {
        id: record.key_id,
        business_key_version: record.business_key_version,
        wrapped: record.wrapped,
    })?;
    let open = |column: &'static str, cipher: Option<&Vec<u8>>| match (&key, cipher) {
        (Some(key), Some(cipher)) => keys
            .open_text(key, "debtors", column, record.id, cipher)
            .map(Some),
        _ => Ok(None),
    };
    let address = open("address_cipher", record.address_cipher.as_ref())?;
    let address: Option<PostalAddress> =
        address.and_then(|address| serde_json::from_str(address.expose()).ok());
    let birth_date = open("birth_date_cipher", record.birth_date_cipher.as_ref())?;
    Ok(Traits {
        person_id: record.person_id,
        birth_date: birth_date.map(|date| date.expose().clone()),
        postal_code: address.and_then(|address| area(&address.postal_code?)),
    })
}
