//! Changes what is known of the person behind an account: name, language, address, the first number and address.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{
    Channel, NationalId, NewContact, PostalAddress, RiskLevel, add_contacts,
    contact_points::put_first,
    contact_store::contact_points_of,
    match_key::MatchKey,
    model::{is_birth_date, name_key},
    store::{DebtorRow, debtor_by_id, lock_person},
};
use crate::{
    access::{Cell, authorize_or_own},
    platform::{
        crypto::DataKey,
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{Keyring, TenantKeys},
        language::{NO_LANGUAGE, language_tag},
    },
};

/// Each `Some` is a new value.
#[derive(Clone, Debug, Default)]
pub struct DebtorPatch {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub preferred_language: Option<String>,
    pub preferred_channel: Option<Channel>,
    pub address: Option<PostalAddress>,
    /// `Some(None)` empties it.
    pub birth_date: Option<Option<NaiveDate>>,
    /// `Some(None)` empties it.
    pub national_id: Option<Option<NationalId>>,
    /// `Some(None)` empties it.
    pub company_name: Option<Option<String>>,
    /// `Some(None)` empties it.
    pub risk_level: Option<Option<RiskLevel>>,
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
            ("birth_date", self.birth_date.is_some()),
            ("national_id", self.national_id.is_some()),
            ("company_name", self.company_name.is_some()),
            ("risk_level", self.risk_level.is_some()),
            ("contact_points", !self.first_contacts.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect()
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.changed().is_empty()
    }
}

/// Changes what is known of a person, apart from any one debt, on the record that stands for them.
///
/// # Errors
/// NOT_FOUND for a person who is not the caller's, user errors for values that do not fit, CONFLICT for one whose data
/// was erased.
pub async fn change_debtor(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    patch: &DebtorPatch,
) -> Result<(), OpError> {
    authorize_or_own(tx.ctx(), Cell::AccountUpdate, id)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let no_debtor = || UserError::not_found("id", "debtor");
    debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?;
    lock_person(tx, id).await?;
    let person = debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?.person_id;
    update_debtor(tx, keyring, db, person, patch).await?;
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(person),
        ..LiveEvent::default()
    });
    Ok(())
}

/// Applies the patch to this record of a person. The caller holds the person's lock: what a patch leaves out stays as
/// it is then, not as it was before somebody else's change.
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
    check(patch, tx.now().date_naive())?;
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
    let sealed = seal(&keys, &profile, &row, patch)?;
    write(tx, &row, patch, sealed).await?;
    add_contacts(tx, &keys, debtor, &profile, &patch.first_contacts).await?;
    for contact in &patch.first_contacts {
        move_to_front(tx, &keys, debtor, contact).await?;
    }
    tx.audit(AuditEntry::plain("debtor.updated", debtor, &json!({ "changed": changed })).about(Some(debtor)));
    Ok(())
}

/// What of the patch is stored as ciphertext.
struct SealedPatch {
    address: Option<Vec<u8>>,
    birth_date: Option<Vec<u8>>,
    national_id: Option<Vec<u8>>,
    national_id_blind: Option<Vec<u8>>,
    match_blind: Option<Vec<u8>>,
}

fn seal(
    keys: &TenantKeys,
    profile: &DataKey,
    row: &DebtorRow,
    patch: &DebtorPatch,
) -> Result<SealedPatch, OpError> {
    let debtor = row.id;
    let address = match &patch.address {
        Some(address) => {
            let address = address.normalised().map_err(|problem| problem.at("address"))?;
            let plain = serde_json::to_string(&address).unwrap_or_default();
            Some(keys.seal(profile, "debtors", "address_cipher", debtor, plain.as_bytes())?)
        }
        None => None,
    };
    let birth_date = match patch.birth_date.flatten() {
        Some(date) => {
            let plain = date.to_string();
            Some(keys.seal(profile, "debtors", "birth_date_cipher", debtor, plain.as_bytes())?)
        }
        None => None,
    };
    let number = patch.national_id.as_ref().and_then(Option::as_ref);
    let national_id = match number {
        Some(number) => {
            let plain = number.expose().as_bytes();
            Some(keys.seal(profile, "debtors", "national_id_cipher", debtor, plain)?)
        }
        None => None,
    };
    Ok(SealedPatch {
        address,
        birth_date,
        national_id,
        national_id_blind: number.map(|number| number.blind(keys)),
        match_blind: match_blind(keys, profile, row, patch)?,
    })
}

/// By what the person is known again once the patch is applied.
pub(super) fn match_blind(
    keys: &TenantKeys,
    profile: &DataKey,
    row: &DebtorRow,
    patch: &DebtorPatch,
) -> Result<Option<Vec<u8>>, OpError> {
    let open = |column, cipher: &Option<Vec<u8>>| match cipher {
        Some(cipher) => keys
            .open_text(profile, "debtors", column, row.id, cipher)
            .map(Some),
        None => Ok(None),
    };
    let birth_date = match patch.birth_date {
        Some(given) => given,
        None => {
            open("birth_date_cipher", &row.birth_date_cipher)?.and_then(|date| date.expose().parse().ok())
        }
    };
    let address = match &patch.address {
        Some(given) => Some(given.clone()),
        None => open("address_cipher", &row.address_cipher)?
            .and_then(|address| serde_json::from_str(address.expose()).ok()),
    };
    let first = patch.first_name.as_deref().or(row.first_name.as_deref());
    let last = patch.last_name.as_deref().or(row.last_name.as_deref());
    Ok(MatchKey::of(first, last, birth_date, address.as_ref()).map(|key| key.blind(keys)))
}

fn check(patch: &DebtorPatch, today: NaiveDate) -> Result<(), OpError> {
    let mut errors = Vec::new();
    if let Some(Some(born)) = patch.birth_date
        && !is_birth_date(born, today)
    {
        errors.push(UserError::invalid(
            "birthDate",
            "Give the day on which the person was born, or null.",
        ));
    }
    if let Some(Err(problem)) = patch.address.as_ref().map(PostalAddress::normalised) {
        errors.push(problem.at("address"));
    }
    for (field, value) in patch.address.iter().flat_map(PostalAddress::parts) {
        if value.chars().count() > 200 {
            errors.push(UserError::invalid(
                &format!("address.{field}"),
                "At most 200 characters.",
            ));
        }
    }
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
    if let Some(Some(name)) = &patch.company_name
        && !(1..=200).contains(&name.trim().chars().count())
    {
        errors.push(UserError::invalid(
            "companyName",
            "Fill this in with 1 to 200 characters, or null.",
        ));
    }
    let language = patch.preferred_language.as_deref();
    if language.is_some_and(|given| language_tag(given).is_none()) {
        errors.push(UserError::invalid("preferredLanguage", NO_LANGUAGE));
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
    sealed: SealedPatch,
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
        "UPDATE debtors SET first_name = nullif($3, ''), last_name = nullif($4, ''), name_key = $5,
             preferred_language = coalesce($6, preferred_language), preferred_channel = coalesce($7, preferred_channel),
             address_cipher = coalesce($8, address_cipher),
             address_at = CASE WHEN $8::bytea IS NULL THEN address_at ELSE $9 END,
             birth_date_cipher = CASE WHEN $10 THEN $11 ELSE birth_date_cipher END, match_blind = $12,
             national_id_cipher = CASE WHEN $13 THEN $14 ELSE national_id_cipher END,
             national_id_blind = CASE WHEN $13 THEN $15 ELSE national_id_blind END,
             company_name = CASE WHEN $16 THEN $17 ELSE company_name END,
             risk_level = CASE WHEN $18 THEN $19 ELSE risk_level END,
             match_due = false, updated_at = $9
         WHERE business_id = $1 AND id = $2",
        business,
        row.id,
        first,
        last,
        name_key(&first, &last),
        patch.preferred_language.as_deref().and_then(language_tag),
        patch.preferred_channel.map(Channel::as_str),
        sealed.address,
        now,
        patch.birth_date.is_some(),
        sealed.birth_date,
        sealed.match_blind,
        patch.national_id.is_some(),
        sealed.national_id,
        sealed.national_id_blind,
        patch.company_name.is_some(),
        patch.company_name.as_ref().and_then(|name| name.as_deref().map(str::trim)),
        patch.risk_level.is_some(),
        patch.risk_level.flatten().map(RiskLevel::as_str),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes the contact point the first of its kind.
async fn move_to_front(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
    contact: &NewContact,
) -> Result<(), OpError> {
    let blinds = keys.blinds(&contact.normalised());
    let points = contact_points_of(tx, &[debtor]).await?;
    let Some(point) = points.into_iter().find(|point| {
        point
            .blind_index
            .as_ref()
            .is_some_and(|blind| blinds.contains(blind))
    }) else {
        return Ok(());
    };
    Ok(put_first(tx, debtor, &point.kind, point.id, point.ordinal).await?)
}
