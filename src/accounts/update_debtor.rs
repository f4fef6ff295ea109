//! Changes what is known of the person behind an account: name, language, address, the first number and address.

use serde_json::json;
use uuid::Uuid;

use super::{
    Channel, NewContact, PostalAddress, add_contacts,
    model::name_key,
    store::{self, DebtorRow, debtor_by_id},
};
use crate::platform::{
    db::{AuditEntry, Db, TenantTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
    keys::{Keyring, TenantKeys},
};

/// Each `Some` is a new value.
#[derive(Clone, Debug, Default)]
pub struct DebtorPatch {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub preferred_language: Option<String>,
    pub preferred_channel: Option<Channel>,
    pub address: Option<PostalAddress>,
    /// Become the person's first number and address; what was first becomes second.
    pub first_contacts: Vec<NewContact>,
}

impl DebtorPatch {
    fn changed(&self) -> Vec<&'static str> {
        [
            ("first_name", self.first_name.is_some()),
            ("last_name", self.last_name.is_some()),
            ("preferred_language", self.preferred_language.is_some()),
            ("preferred_channel", self.preferred_channel.is_some()),
            ("address", self.address.is_some()),
            ("contact_points", !self.first_contacts.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect()
    }
}

/// Applies the patch to the person; the caller has locked their account.
///
/// # Errors
/// User errors for values that do not fit, CONFLICT for a person whose data was erased.
pub(super) async fn update_debtor(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    debtor: Uuid,
    patch: &DebtorPatch,
) -> Result<(), OpError> {
    let changed = patch.changed();
    if changed.is_empty() {
        return Ok(());
    }
    check(patch)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let row = debtor_by_id(tx, debtor)
        .await?
        .ok_or_else(|| UserError::not_found("id", "account"))?;
    let profile = keys.data_key(&row.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "id",
            "This person's data was erased: nothing of it can be changed.",
        )
    })?;
    let address = match &patch.address {
        Some(address) => {
            let plain = serde_json::to_string(address).unwrap_or_default();
            Some(keys.seal(&profile, "debtors", "address_cipher", debtor, plain.as_bytes())?)
        }
        None => None,
    };
    write(tx, &row, patch, address).await?;
    add_contacts(tx, &keys, debtor, &profile, &patch.first_contacts).await?;
    for contact in &patch.first_contacts {
        move_to_front(tx, &keys, debtor, contact).await?;
    }
    tx.audit(AuditEntry::plain("debtor.updated", debtor, &json!({ "changed": changed })).about(Some(debtor)));
    Ok(())
}

fn check(patch: &DebtorPatch) -> Result<(), OpError> {
    let mut errors = Vec::new();
    for (field, value) in [("firstName", &patch.first_name), ("lastName", &patch.last_name)] {
        if value
            .as_ref()
            .is_some_and(|value| !(1..=100).contains(&value.trim().chars().count()))
        {
            errors.push(UserError::invalid(
                field,
                "Fill this in with 1 to 100 characters.",
            ));
        }
    }
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if patch
        .preferred_language
        .as_ref()
        .is_some_and(|code| !is_code(code))
    {
        errors.push(UserError::invalid(
            "preferredLanguage",
            "Give a two-letter language code such as en or es (ISO 639-1).",
        ));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(OpError::User(errors))
    }
}

async fn write(
    tx: &mut TenantTx,
    row: &DebtorRow,
    patch: &DebtorPatch,
    address_cipher: Option<Vec<u8>>,
) -> Result<(), OpError> {
    let first = patch
        .first_name
        .as_deref()
        .or(row.first_name.as_deref())
        .unwrap_or_default()
        .trim()
        .to_owned();
    let last = patch
        .last_name
        .as_deref()
        .or(row.last_name.as_deref())
        .unwrap_or_default()
        .trim()
        .to_owned();
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtors SET first_name = $3, last_name = $4, name_key = $5,
             preferred_language = coalesce($6, preferred_language), preferred_channel = coalesce($7, preferred_channel),
             address_cipher = coalesce($8, address_cipher), updated_at = $9
         WHERE business_id = $1 AND id = $2",
        business,
        row.id,
        first,
        last,
        name_key(&first, &last),
        patch.preferred_language,
        patch.preferred_channel.map(Channel::as_str),
        address_cipher,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes the contact point the first of its kind, in one statement: the order stays without holes or doubles.
async fn move_to_front(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
    contact: &NewContact,
) -> Result<(), OpError> {
    let blinds = keys.blinds(&contact.normalised());
    let points = store::contact_points_of(tx, &[debtor]).await?;
    let Some(point) = points.into_iter().find(|point| {
        point
            .blind_index
            .as_ref()
            .is_some_and(|blind| blinds.contains(blind))
    }) else {
        return Ok(());
    };
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE contact_points SET ordinal = CASE WHEN id = $4 THEN 1::smallint ELSE (ordinal + 1)::smallint END
         WHERE business_id = $1 AND debtor_id = $2 AND kind = $3 AND ordinal <= $5",
        business,
        debtor,
        point.kind,
        point.id,
        point.ordinal,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
