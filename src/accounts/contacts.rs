//! Phone numbers and e-mail addresses of a person.

use uuid::Uuid;

use super::contact_store::contact_points_of;
use crate::platform::{
    crypto::DataKey, db::TenantTx, email::EmailAddress, error::OpError, gql::UserError, ids,
    keys::TenantKeys, phone::PhoneNumber,
};

/// At most this many of each kind.
pub(super) const MOST: i16 = 20;

/// A way to reach a person.
#[derive(Clone, Debug)]
pub enum NewContact {
    Phone(PhoneNumber),
    Email(EmailAddress),
}

impl NewContact {
    /// As the database spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "PHONE",
            Self::Email(_) => "EMAIL",
        }
    }

    /// The input field that it comes from.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// As it is stored.
    pub(super) fn written(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_e164(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// As it is indexed.
    pub fn normalised(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_e164().to_owned(),
            Self::Email(email) => email.normalised(),
        }
    }
}

/// Adds those that the person does not have yet, behind those of the same kind.
pub(super) async fn add_contacts(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
    profile: &DataKey,
    contacts: &[NewContact],
) -> Result<(), OpError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let known = contact_points_of(tx, &[debtor]).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let mut added: Vec<&'static str> = Vec::new();
    for contact in contacts {
        let possible = keys.blinds(&contact.normalised());
        if known.iter().any(|point| {
            point
                .blind_index
                .as_ref()
                .is_some_and(|blind| possible.contains(blind))
        }) {
            continue;
        }
        let last = known
            .iter()
            .filter(|point| point.kind == contact.kind())
            .map(|point| point.ordinal)
            .max();
        let same = added.iter().filter(|kind| **kind == contact.kind()).count();
        let ordinal = last
            .unwrap_or(0)
            .saturating_add(1)
            .saturating_add(i16::try_from(same).unwrap_or(MOST));
        if ordinal > MOST {
            let message = format!("A person has at most {MOST} phone numbers and {MOST} e-mail addresses.");
            return Err(UserError::invalid("phone", message).into());
        }
        let id = ids::next();
        let sealed = keys.seal(
            profile,
            "contact_points",
            "value_cipher",
            id,
            contact.written().as_bytes(),
        )?;
        sqlx::query!(
            "INSERT INTO contact_points (business_id, id, debtor_id, kind, ordinal, value_cipher, blind_index,
                 blind_version, provenance, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'STAFF', $9)",
            business,
            id,
            debtor,
            contact.kind(),
            ordinal,
            sealed,
            keys.blind(&contact.normalised()).to_vec(),
            keys.blind_version(),
            now,
        )
        .execute(tx.conn())
        .await?;
        added.push(contact.kind());
    }
    Ok(())
}
