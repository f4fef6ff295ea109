//! SQL of contact points.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    keys::WrappedKey,
};

/// A phone number or e-mail address of a person, sealed.
#[derive(Clone, Debug)]
pub struct ContactPoint {
    pub id: Uuid,
    pub debtor_id: Uuid,
    pub kind: String,
    pub ordinal: i16,
    pub value_cipher: Option<Vec<u8>>,
    pub blind_index: Option<Vec<u8>>,
    pub unreachable_code: Option<String>,
    pub line_type: String,
    pub validity: String,
}

/// A contact point with all that is known of it, and the key that opens it.
pub(super) struct SealedContact {
    /// The record of the person that was asked for.
    pub(super) asked: Uuid,
    pub(super) point: ContactPoint,
    pub(super) label_cipher: Option<Vec<u8>>,
    /// As it stood in the file that it was imported from.
    pub(super) original_cipher: Option<Vec<u8>>,
    pub(super) contact_use: String,
    pub(super) provenance: String,
    pub(super) validity_since: Option<DateTime<Utc>>,
    pub(super) validity_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) key: WrappedKey,
}

/// All contact points of the people behind these records with their keys, in order: the record's own, then those of the
/// others of the person.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn sealed_contacts_of(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<SealedContact>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT q.id AS asked, c.id, c.debtor_id, c.kind, c.ordinal AS "ordinal!", c.value_cipher, c.blind_index,
                c.unreachable_code, c.line_type, c.contact_use, c.label_cipher, c.original_cipher, c.provenance, c.validity, c.validity_since, c.validity_by,
                c.created_at, k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors q
         JOIN debtors d ON d.business_id = q.business_id AND d.person_id = q.person_id
         JOIN contact_points c ON c.business_id = d.business_id AND c.debtor_id = d.id AND c.ordinal IS NOT NULL
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE q.business_id = $1 AND q.id = ANY($2)
         ORDER BY q.id, d.id <> q.id, d.id, c.kind, c.ordinal"#,
        business,
        debtors
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedContact {
            asked: row.asked,
            point: ContactPoint {
                id: row.id,
                debtor_id: row.debtor_id,
                kind: row.kind,
                ordinal: row.ordinal,
                value_cipher: row.value_cipher,
                blind_index: row.blind_index,
                unreachable_code: row.unreachable_code,
                line_type: row.line_type,
                validity: row.validity,
            },
            label_cipher: row.label_cipher,
            original_cipher: row.original_cipher,
            contact_use: row.contact_use,
            provenance: row.provenance,
            validity_since: row.validity_since,
            validity_by: row.validity_by,
            created_at: row.created_at,
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        })
        .collect())
}

/// All contact points of these debtors, in order.
///
/// # Errors
/// [`DbError`] as met.
pub async fn contact_points_of(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<Vec<ContactPoint>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ContactPoint,
        r#"SELECT id, debtor_id, kind, ordinal AS "ordinal!", value_cipher, blind_index, unreachable_code, line_type, validity
         FROM contact_points WHERE business_id = $1 AND debtor_id = ANY($2) AND ordinal IS NOT NULL
         ORDER BY debtor_id, kind, ordinal"#,
        business,
        debtors
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Somebody's record with a phone number.
#[derive(Clone)]
pub struct PhoneOwner {
    pub debtor_id: Uuid,
    /// The record that stands for the person.
    pub person_id: Uuid,
    /// As the record has it; null once it was erased.
    pub first_name: Option<String>,
    pub last_name: Option<String>,
}

/// Whose this phone number is: several share one in a household. Who texts from a number that is known to be somebody
/// else's is not the person on whose record it stands. All of them: what is asked from the number binds for each.
///
/// # Errors
/// [`DbError`] as met.
pub async fn debtors_by_phone(tx: &mut TenantTx, blinds: &[Vec<u8>]) -> Result<Vec<PhoneOwner>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PhoneOwner,
        r#"SELECT c.debtor_id, d.person_id AS "person_id!", d.first_name, d.last_name FROM contact_points c
         JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         WHERE c.business_id = $1 AND c.blind_index = ANY($2) AND c.kind = 'PHONE'
           AND c.validity NOT IN ('WRONG_NUMBER', 'REASSIGNED')
         ORDER BY c.debtor_id, c.id"#,
        business,
        blinds
    )
    .fetch_all(tx.conn())
    .await?)
}

/// On whose records this e-mail address stands, each once; but for those whom it is known not to reach.
///
/// # Errors
/// [`DbError`] as met.
pub async fn debtors_by_email(tx: &mut TenantTx, blinds: &[Vec<u8>]) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT debtor_id FROM contact_points
         WHERE business_id = $1 AND blind_index = ANY($2) AND kind = 'EMAIL'
           AND validity NOT IN ('WRONG_NUMBER', 'REASSIGNED')
         ORDER BY debtor_id",
        business,
        blinds
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether this phone number stands on a record of the person behind this one, whatever is known of it.
///
/// # Errors
/// [`DbError`] as met.
pub async fn has_phone(tx: &mut TenantTx, debtor: Uuid, blinds: &[Vec<u8>]) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM debtors d
             JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
             JOIN contact_points c ON c.business_id = g.business_id AND c.debtor_id = g.id
             WHERE d.business_id = $1 AND d.id = $2 AND c.blind_index = ANY($3) AND c.kind = 'PHONE'
               AND c.removed_at IS NULL) AS "has!""#,
        business,
        debtor,
        blinds,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Notes that the network cannot deliver texts to this number.
///
/// # Errors
/// [`DbError`] as met.
pub async fn mark_phone_unreachable(
    tx: &mut TenantTx,
    debtor: Uuid,
    blinds: &[Vec<u8>],
    code: &str,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE contact_points SET unreachable_code = $4
         WHERE business_id = $1 AND blind_index = ANY($3) AND debtor_id = ANY(ARRAY(
             SELECT g.id FROM debtors d JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
             WHERE d.business_id = $1 AND d.id = $2))",
        business,
        debtor,
        blinds,
        code,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes on the person's records that this phone number reaches somebody else: who texts from it is not them.
///
/// # Errors
/// [`DbError`] as met.
pub async fn mark_wrong_number(tx: &mut TenantTx, debtor: Uuid, blind: &[u8]) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE contact_points SET validity = 'WRONG_NUMBER', validity_since = $4, validity_by = $5
         WHERE business_id = $1 AND blind_index = $3 AND kind = 'PHONE' AND debtor_id = ANY(ARRAY(
             SELECT g.id FROM debtors d JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
             WHERE d.business_id = $1 AND d.id = $2))",
        business,
        debtor,
        blind,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
