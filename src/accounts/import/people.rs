//! People who are known by the business's own reference.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::platform::{
    crypto::DataKey,
    db::TenantTx,
    error::OpError,
    keys::{TenantKeys, WrappedKey},
};

/// A person whose account a row becomes.
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) profile: DataKey,
    /// Blind indexes of the numbers and addresses that they have.
    pub(super) known: HashSet<Vec<u8>>,
    /// The last place among their phone numbers.
    pub(super) phones: i16,
    /// The last place among their e-mail addresses.
    pub(super) emails: i16,
}

/// Those who have these references, locked in the order of their ids until the end of the transaction, so that nobody
/// else gives them numbers meanwhile; `None` for one who was erased.
pub(super) async fn people_by_reference(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    references: Vec<String>,
) -> Result<HashMap<String, Option<Person>>, OpError> {
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT d.id, d.external_reference AS "reference!", k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE d.business_id = $1 AND d.external_reference = ANY($2)
         ORDER BY d.id FOR NO KEY UPDATE OF d"#,
        business,
        &references,
    )
    .fetch_all(tx.conn())
    .await?;
    let found: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut points = points_of(tx, &found).await?;
    let mut people = HashMap::with_capacity(rows.len());
    for row in rows {
        let stored = WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        };
        let own = points.remove(&row.id).unwrap_or_default();
        let person = keys.data_key(&stored)?.map(|profile| Person {
            id: row.id,
            profile,
            known: own.known,
            phones: own.phones,
            emails: own.emails,
        });
        people.insert(row.reference, person);
    }
    Ok(people)
}

/// The numbers and addresses of a person.
#[derive(Default)]
struct Points {
    known: HashSet<Vec<u8>>,
    phones: i16,
    emails: i16,
}

async fn points_of(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<HashMap<Uuid, Points>, OpError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT debtor_id, kind, coalesce(ordinal, 0::smallint) AS "ordinal!", blind_index
         FROM contact_points WHERE business_id = $1 AND debtor_id = ANY($2)"#,
        business,
        debtors,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<Uuid, Points> = HashMap::new();
    for row in rows {
        let points = found.entry(row.debtor_id).or_default();
        let last = if row.kind == "PHONE" {
            &mut points.phones
        } else {
            &mut points.emails
        };
        *last = row.ordinal.max(*last);
        points.known.extend(row.blind_index);
    }
    Ok(found)
}
