//! Who has a number or address in common. The stored index of one contact point does not tell: it is an HMAC under the
//! version of the business's key that was newest when it was written, and two of the same number may have different ones. So
//! the value is opened, and looked for under every version.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    email::EmailAddress,
    error::OpError,
    keys::{TenantKeys, WrappedKey},
};

/// A contact point, sealed, with what opens it.
struct Sealed {
    id: Uuid,
    person_id: Uuid,
    kind: String,
    value_cipher: Option<Vec<u8>>,
    blind_index: Vec<u8>,
    key_id: Uuid,
    business_key_version: i32,
    wrapped: Option<Vec<u8>>,
}

impl Sealed {
    /// What the same number or address may be indexed as. Of one whose value is gone, what it is indexed as itself.
    fn blinds(&self, keys: &TenantKeys) -> Result<Vec<Vec<u8>>, OpError> {
        let stored = WrappedKey {
            id: self.key_id,
            business_key_version: self.business_key_version,
            wrapped: self.wrapped.clone(),
        };
        let (Some(cipher), Some(key)) = (&self.value_cipher, keys.data_key(&stored)?) else {
            return Ok(vec![self.blind_index.clone()]);
        };
        let text = keys.open_text(&key, "contact_points", "value_cipher", self.id, cipher)?;
        let email = (self.kind == "EMAIL").then(|| EmailAddress::parse(text.expose()).ok());
        let mut blinds = match email.flatten() {
            Some(email) => keys.blinds(&email.normalised()),
            None => keys.blinds(text.expose()),
        };
        if !blinds.contains(&self.blind_index) {
            blinds.push(self.blind_index.clone());
        }
        Ok(blinds)
    }
}

/// How many other people have the same number or address as each of these contact points, counted up to 100; those that
/// nobody else has are left out.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn others_with_contact(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    points: &[Uuid],
) -> Result<HashMap<Uuid, i32>, OpError> {
    let business = tx.business_id();
    let sealed = sqlx::query_as!(
        Sealed,
        r#"SELECT p.id, d.person_id AS "person_id!", p.kind, p.value_cipher, p.blind_index AS "blind_index!",
                k.id AS key_id, k.business_key_version, k.wrapped
         FROM contact_points p
         JOIN debtors d ON d.business_id = p.business_id AND d.id = p.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE p.business_id = $1 AND p.id = ANY($2) AND p.blind_index IS NOT NULL"#,
        business,
        points,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let (mut asked, mut persons, mut blinds) = (Vec::new(), Vec::new(), Vec::new());
    for point in &sealed {
        for blind in point.blinds(keys)? {
            asked.push(point.id);
            persons.push(point.person_id);
            blinds.push(blind);
        }
    }
    let rows = sqlx::query!(
        r#"SELECT w.point AS "point!", count(DISTINCT o.person_id) AS "others!"
         FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS w(point, person, blind)
         CROSS JOIN LATERAL (
             SELECT g.person_id FROM contact_points c
             JOIN debtors g ON g.business_id = c.business_id AND g.id = c.debtor_id
             WHERE c.business_id = $1 AND c.blind_index = w.blind AND c.removed_at IS NULL AND g.person_id <> w.person
             LIMIT 100) o
         GROUP BY w.point"#,
        business,
        &asked,
        &persons,
        &blinds,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.point, i32::try_from(row.others).unwrap_or(i32::MAX).min(100)))
        .collect())
}

/// A person who has a number or address in common with one who was asked for.
pub(super) struct Shared {
    pub(super) asked: Uuid,
    pub(super) other: Uuid,
    pub(super) kind: String,
}

/// Who has a number or address in common with these people, at most 20 for each. One that is known to be somebody else's
/// tells nothing.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn people_with_contacts_of(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    persons: &[Uuid],
) -> Result<Vec<Shared>, OpError> {
    let business = tx.business_id();
    let sealed = sqlx::query_as!(
        Sealed,
        r#"SELECT p.id, d.person_id AS "person_id!", p.kind, p.value_cipher, p.blind_index AS "blind_index!",
                k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors d
         JOIN contact_points p ON p.business_id = d.business_id AND p.debtor_id = d.id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE d.business_id = $1 AND d.person_id = ANY($2) AND p.blind_index IS NOT NULL
           AND p.validity IN ('VALID', 'UNVERIFIED')"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let (mut asked, mut kinds, mut blinds) = (Vec::new(), Vec::new(), Vec::new());
    for point in &sealed {
        for blind in point.blinds(keys)? {
            asked.push(point.person_id);
            kinds.push(point.kind.clone());
            blinds.push(blind);
        }
    }
    Ok(sqlx::query_as!(
        Shared,
        r#"SELECT DISTINCT w.person AS "asked!", o.person_id AS "other!", w.kind AS "kind!"
         FROM unnest($2::uuid[], $3::text[], $4::bytea[]) AS w(person, kind, blind)
         CROSS JOIN LATERAL (
             SELECT g.person_id FROM contact_points c
             JOIN debtors g ON g.business_id = c.business_id AND g.id = c.debtor_id
             WHERE c.business_id = $1 AND c.blind_index = w.blind AND g.person_id <> w.person
               AND c.validity IN ('VALID', 'UNVERIFIED')
             LIMIT 20) o"#,
        business,
        &asked,
        &kinds,
        &blinds,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?)
}

/// What the numbers and addresses may be indexed as that stand on these records and on nobody else's.
///
/// # Errors
/// [`OpError`] as met.
pub async fn addresses_of_nobody_else(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    records: &[Uuid],
) -> Result<Vec<Vec<u8>>, OpError> {
    let business = tx.business_id();
    let sealed = sqlx::query_as!(
        Sealed,
        r#"SELECT p.id, d.person_id AS "person_id!", p.kind, p.value_cipher, p.blind_index AS "blind_index!",
                k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors d
         JOIN contact_points p ON p.business_id = d.business_id AND p.debtor_id = d.id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE d.business_id = $1 AND d.id = ANY($2) AND p.blind_index IS NOT NULL"#,
        business,
        records,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let mut addresses = Vec::with_capacity(sealed.len());
    for point in &sealed {
        addresses.push(point.blinds(keys)?);
    }
    let taken = sqlx::query_scalar!(
        r#"SELECT DISTINCT blind_index AS "blind_index!" FROM contact_points
         WHERE business_id = $1 AND blind_index = ANY($2) AND debtor_id <> ALL($3)"#,
        business,
        &addresses.concat(),
        records,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let taken: HashSet<Vec<u8>> = taken.into_iter().collect();
    addresses.retain(|blinds| !blinds.iter().any(|blind| taken.contains(blind)));
    Ok(addresses.concat())
}
