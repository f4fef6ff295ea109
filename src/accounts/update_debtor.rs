//! Changes what is known of the person behind an account: name, language, address, the first number and address.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    Channel, NationalId, NewContact, PostalAddress, RiskLevel, add_contacts,
    changes::Changes,
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
        db::{Db, DbError, LiveEvent, TenantTx},
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
    /// The business's own number of the person; `Some(None)` empties it.
    pub external_reference: Option<Option<String>>,
    /// Become the person's first number and address; what was first becomes second.
    pub first_contacts: Vec<NewContact>,
}

impl DebtorPatch {
    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        let given = [
            self.first_name.is_some(),
            self.last_name.is_some(),
            self.preferred_language.is_some(),
            self.preferred_channel.is_some(),
            self.address.is_some(),
            self.birth_date.is_some(),
            self.national_id.is_some(),
            self.company_name.is_some(),
            self.risk_level.is_some(),
            self.external_reference.is_some(),
            !self.first_contacts.is_empty(),
        ];
        !given.contains(&true)
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
    if patch.is_empty() {
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
    let mut changes = changes(&keys, &profile, &row, patch)?;
    write(tx, &row, patch, sealed).await?;
    if !patch.first_contacts.is_empty() {
        let before = addresses_of(tx, &keys, &profile, debtor).await?;
        add_contacts(tx, &keys, debtor, &profile, &patch.first_contacts).await?;
        for contact in &patch.first_contacts {
            move_to_front(tx, &keys, debtor, contact).await?;
        }
        let after = addresses_of(tx, &keys, &profile, debtor).await?;
        changes.note_personal("contact_points", before, after);
    }
    let guard = (row.keys.profile.id, &profile);
    tx.audit(changes.sealed_entry(&keys, guard, "debtor.updated", debtor, debtor)?);
    Ok(())
}

/// What the patch changes on the record, but for numbers and addresses. Of a national id the last digits, as it is shown.
fn changes(
    keys: &TenantKeys,
    profile: &DataKey,
    row: &DebtorRow,
    patch: &DebtorPatch,
) -> Result<Changes, OpError> {
    let open = |column, cipher: &Option<Vec<u8>>| match cipher {
        Some(cipher) => keys
            .open_text(profile, "debtors", column, row.id, cipher)
            .map(|text| Some(text.expose().to_owned())),
        None => Ok(None),
    };
    let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_owned);
    let mut changes = Changes::default();
    if patch.first_name.is_some() {
        changes.note_personal("first_name", &row.first_name, trimmed(&patch.first_name));
    }
    if patch.last_name.is_some() {
        changes.note_personal("last_name", &row.last_name, trimmed(&patch.last_name));
    }
    if let Some(name) = &patch.company_name {
        changes.note_personal("company_name", &row.company_name, trimmed(name));
    }
    if let Some(reference) = &patch.external_reference {
        changes.note_personal("external_reference", &row.external_reference, trimmed(reference));
    }
    if let Some(language) = patch.preferred_language.as_deref().and_then(language_tag) {
        changes.note_personal("preferred_language", &row.preferred_language, language);
    }
    if let Some(channel) = patch.preferred_channel {
        changes.note_personal("preferred_channel", &row.preferred_channel, channel.as_str());
    }
    if let Some(level) = patch.risk_level {
        changes.note_personal("risk_level", &row.risk_level, level.map(RiskLevel::as_str));
    }
    if let Some(born) = patch.birth_date {
        changes.note_personal(
            "birth_date",
            open("birth_date_cipher", &row.birth_date_cipher)?,
            born.map(|day| day.to_string()),
        );
    }
    if let Some(number) = &patch.national_id {
        let before = open("national_id_cipher", &row.national_id_cipher)?;
        let masked = |number: &NationalId| number.masked();
        // Two numbers may end alike.
        let is_other = before.as_deref() != number.as_ref().map(NationalId::expose);
        let shown = (
            before.map(|digits| masked(&NationalId::stored(&digits))),
            number.as_ref().map(masked),
        );
        match is_other && shown.0 == shown.1 {
            true => changes.note_personal("national_id", shown.0, "another number with the same last digits"),
            false => changes.note_personal("national_id", shown.0, shown.1),
        }
    }
    if let Some(address) = &patch.address {
        let before = open("address_cipher", &row.address_cipher)?
            .and_then(|text| serde_json::from_str::<PostalAddress>(&text).ok());
        let after = address.normalised().map_err(|problem| problem.at("address"))?;
        changes.note_personal("address", before, after);
    }
    Ok(changes)
}

/// The record's numbers and addresses in clear, the first of each kind first.
async fn addresses_of(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    profile: &DataKey,
    debtor: Uuid,
) -> Result<Vec<String>, OpError> {
    let points = contact_points_of(tx, &[debtor]).await?;
    let ciphers = points
        .iter()
        .filter_map(|point| Some((point.id, point.value_cipher.as_deref()?)));
    ciphers
        .map(|(id, cipher)| {
            let text = keys.open_text(profile, "contact_points", "value_cipher", id, cipher)?;
            Ok(text.expose().to_owned())
        })
        .collect()
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
    if let Some(Some(reference)) = &patch.external_reference
        && !(1..=100).contains(&reference.trim().chars().count())
    {
        errors.push(UserError::invalid(
            "externalDebtorReference",
            "Fill this in with 1 to 100 characters, or null.",
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
             external_reference = CASE WHEN $20 THEN $21 ELSE external_reference END,
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
        patch.external_reference.is_some(),
        patch.external_reference.as_ref().and_then(|text| text.as_deref().map(str::trim)),
    )
    .execute(tx.conn())
    .await
    .map_err(taken_reference)?;
    Ok(())
}

/// A reference names one record of the business: whoever is known by it already is somebody else, or this person on another
/// of their records.
fn taken_reference(error: sqlx::Error) -> OpError {
    let error = DbError::from(error);
    if error.is_constraint("debtors_business_id_external_reference_key") {
        let message = "Another record of your business has this reference. Is it the same person, merge the two with `mergeDebtors`; else empty it there first.";
        return UserError::at(UserErrorCode::Conflict, "externalDebtorReference", message).into();
    }
    error.into()
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
