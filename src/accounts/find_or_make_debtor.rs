//! Whose a new account becomes: somebody whom the business knows, found and locked, or somebody new.

use uuid::Uuid;

use super::{
    PostalAddress, add_contacts,
    create_account::NewAccount,
    debtor_keys,
    match_key::{KnownRecords, MatchKey, Told, Wanted},
    model::name_key,
    store::{DebtorRow, debtor_by_id, lock_person},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        crypto::DataKey,
        db::{DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::TenantKeys,
    },
};

/// In which somebody is written to of whom nobody has said a language.
const LANGUAGE: &str = "en";

/// The person whose account it becomes.
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) profile: DataKey,
    pub(super) is_new: bool,
    /// What was told of somebody known and was not taken.
    pub(super) not_taken: Vec<NotTaken>,
}

/// Something that was told of somebody known and was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// The input field.
    pub field: &'static str,
    /// Whether it is told because it is known otherwise. What the caller could find out by trying is told of in any case.
    pub is_known_otherwise: bool,
}

/// The person whom the caller names or who is known by what is told of them, locked; else a new one.
pub(super) async fn find_or_make_debtor(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: &NewAccount,
) -> Result<Person, OpError> {
    let key = MatchKey::of(
        Some(&new.first_name),
        Some(&new.last_name),
        new.birth_date,
        new.address.as_ref(),
    );
    let found = match new.debtor_id {
        Some(id) => Some(locked_debtor(tx, id).await?),
        None => {
            let told = Told {
                reference: new.external_debtor_reference.as_deref(),
                national_id: new.national_id.as_ref(),
                birth_date: new.birth_date,
                key: key.as_ref(),
            };
            known_debtor(tx, keys, &told).await?
        }
    };
    let Some(row) = found else {
        return make_debtor(tx, keys, new, key.as_ref()).await;
    };
    let profile = keys.data_key(&row.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "debtorId",
            "This person's data was erased: a new account needs a new debtor.",
        )
    })?;
    let may_read = authorize(tx.ctx(), Cell::AccountRead).is_ok();
    let not_taken = not_taken(keys, &profile, &row, new, may_read)?;
    let person = Person {
        id: row.id,
        profile,
        is_new: false,
        not_taken,
    };
    add_contacts(tx, keys, person.id, &person.profile, &new.contacts).await?;
    Ok(person)
}

/// What of the person is told otherwise than it is known: a debt that is placed changes nobody's name, address, date of
/// birth, national id or language. `updateDebtor` does, for whoever may. A national id, which nobody reads in full, is never
/// compared, and nothing of the person is with what is told by who may not read it: the answer would tell a right guess.
fn not_taken(
    keys: &TenantKeys,
    profile: &DataKey,
    row: &DebtorRow,
    new: &NewAccount,
    may_read: bool,
) -> Result<Vec<NotTaken>, OpError> {
    let told = [
        ("firstName", true),
        ("lastName", true),
        ("companyName", new.company_name.is_some()),
        ("address", new.address.is_some()),
        ("birthDate", new.birth_date.is_some()),
        ("nationalId", new.national_id.is_some()),
        ("preferredLanguage", new.preferred_language.is_some()),
    ];
    let otherwise = match may_read {
        true => told_otherwise(keys, profile, row, new)?,
        false => Vec::new(),
    };
    Ok(told
        .into_iter()
        .filter(|(_, is_told)| *is_told)
        .filter_map(|(field, _)| {
            let is_known_otherwise = may_read && field != "nationalId";
            (!is_known_otherwise || otherwise.contains(&field)).then_some(NotTaken {
                field,
                is_known_otherwise,
            })
        })
        .collect())
}

/// The fields, but for the national id, whose value is another than the known one.
fn told_otherwise(
    keys: &TenantKeys,
    profile: &DataKey,
    row: &DebtorRow,
    new: &NewAccount,
) -> Result<Vec<&'static str>, OpError> {
    let open = |column, cipher: &Option<Vec<u8>>| match cipher {
        Some(cipher) => keys
            .open_text(profile, "debtors", column, row.id, cipher)
            .map(Some),
        None => Ok(None),
    };
    let known = open("address_cipher", &row.address_cipher)?;
    let known_address: Option<PostalAddress> =
        known.and_then(|text| serde_json::from_str(text.expose()).ok());
    let told_address = new.address.as_ref().map(PostalAddress::normalised);
    let told_address = told_address
        .transpose()
        .map_err(|problem| problem.at("address"))?;
    let birth_date = open("birth_date_cipher", &row.birth_date_cipher)?;
    let is_other_name = |told: &str, known: &Option<String>| known.as_deref() != Some(told.trim());
    let birth_differs = new.birth_date.is_some_and(|told| {
        birth_date
            .as_ref()
            .is_none_or(|known| *known.expose() != told.to_string())
    });
    let language_differs = new
        .preferred_language
        .as_ref()
        .is_some_and(|told| *told != row.preferred_language);
    let told_otherwise = [
        ("firstName", is_other_name(&new.first_name, &row.first_name)),
        ("lastName", is_other_name(&new.last_name, &row.last_name)),
        (
            "companyName",
            new.company_name.as_deref().map(str::trim) != row.company_name.as_deref(),
        ),
        ("address", told_address.is_some() && told_address != known_address),
        ("birthDate", birth_differs),
        ("preferredLanguage", language_differs),
    ];
    Ok(told_otherwise
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect())
}

/// The person whom the caller names, locked. They are read again once the lock is held: what waited for an erasure or for
/// another account of theirs sees what became of them.
async fn locked_debtor(tx: &mut TenantTx, id: Uuid) -> Result<DebtorRow, OpError> {
    let no_debtor = || UserError::not_found("debtorId", "debtor");
    debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?;
    lock_person(tx, id).await?;
    Ok(debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?)
}

/// How often people are looked for who are changed while their lock is waited for.
const LOOKS: usize = 5;

/// Whom the business calls by this reference, or the one person of this national id, or of this name, date of birth and
/// postal code, who then gets the reference. They are locked, and looked for again once the lock is held.
async fn known_debtor(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    told: &Told<'_>,
) -> Result<Option<DebtorRow>, OpError> {
    let mut wanted = Wanted::default();
    wanted.add(keys, told);
    if wanted.is_empty() {
        return Ok(None);
    }
    one_after_the_other(tx, &wanted).await?;
    let mut locked = None;
    for _ in 0..LOOKS {
        let known = KnownRecords::load(tx, keys, &wanted).await?;
        let found = known.find(keys, told);
        if found == locked {
            let Some(id) = found else { return Ok(None) };
            let row = debtor_by_id(tx, id).await?;
            let new_name = told.reference.filter(|reference| !known.has_reference(reference));
            if let Some(reference) = new_name.filter(|_| row.is_some()) {
                give_reference(tx, id, reference).await?;
            }
            return Ok(row);
        }
        if let Some(id) = found {
            lock_person(tx, id).await?;
        }
        locked = found;
    }
    Err(DbError::Conflict.into())
}

async fn give_reference(tx: &mut TenantTx, id: Uuid, reference: &str) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtors SET external_reference = $3, updated_at = $4 WHERE business_id = $1 AND id = $2",
        business,
        id,
        reference,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Two who place a debt of the same new person at the same moment wait for each other: the second finds the person.
async fn one_after_the_other(tx: &mut TenantTx, wanted: &Wanted) -> Result<(), DbError> {
    let business = tx.business_id();
    let blinds = [wanted.national_ids.as_slice(), wanted.matches.as_slice()].concat();
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(place) FROM (
             SELECT DISTINCT hashtextextended($1::text || ' person ' || word, 0) AS place
             FROM (SELECT unnest($2::text[]) UNION ALL SELECT encode(unnest($3::bytea[]), 'hex')) AS w(word)
             ORDER BY 1) AS places"#,
        business.to_string(),
        &wanted.references,
        &blinds,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn make_debtor(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: &NewAccount,
    key: Option<&MatchKey>,
) -> Result<Person, OpError> {
    let (profile, record, id) = (keys.new_data_key()?, keys.new_data_key()?, ids::next());
    let address = match &new.address {
        Some(address) => Some(
            keys.seal(
                &profile.key,
                "debtors",
                "address_cipher",
                id,
                serde_json::to_string(&address.normalised().map_err(|problem| problem.at("address"))?)
                    .unwrap_or_default()
                    .as_bytes(),
            )?,
        ),
        None => None,
    };
    let birth_date = match new.birth_date {
        Some(date) => {
            let text = date.to_string();
            Some(keys.seal(&profile.key, "debtors", "birth_date_cipher", id, text.as_bytes())?)
        }
        None => None,
    };
    let national_id = match &new.national_id {
        Some(number) => {
            let text = number.expose().as_bytes();
            Some(keys.seal(&profile.key, "debtors", "national_id_cipher", id, text)?)
        }
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO debtors (business_id, id, external_reference, first_name, last_name, name_key, preferred_language,
             profile_key_id, record_key_id, address_cipher, created_at, updated_at, birth_date_cipher, match_blind,
             national_id_cipher, national_id_blind, company_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16)",
        business,
        id,
        new.external_debtor_reference,
        new.first_name.trim(),
        new.last_name.trim(),
        name_key(&new.first_name, &new.last_name),
        new.preferred_language.as_deref().unwrap_or(LANGUAGE),
        profile.id,
        record.id,
        address,
        now,
        birth_date,
        key.map(|key| key.blind(keys)),
        national_id,
        new.national_id.as_ref().map(|number| number.blind(keys)),
        new.company_name.as_deref().map(str::trim),
    )
    .execute(tx.conn())
    .await
    .map_err(taken_reference)?;
    debtor_keys::insert(tx, &profile, Some(id), "PROFILE").await?;
    debtor_keys::insert(tx, &record, Some(id), "RECORD").await?;
    let person = Person {
        id,
        profile: profile.key,
        is_new: true,
        not_taken: Vec::new(),
    };
    add_contacts(tx, keys, person.id, &person.profile, &new.contacts).await?;
    Ok(person)
}

/// Somebody else's person whom the caller does not see, or one whom an import makes at the same moment.
fn taken_reference(error: sqlx::Error) -> OpError {
    let error = DbError::from(error);
    if error.is_constraint("debtors_business_id_external_reference_key") {
        let message = "Another person of your business has this reference, and you do not see them, or they are being added now: try again, or leave the reference out.";
        return UserError::at(UserErrorCode::Conflict, "externalDebtorReference", message).into();
    }
    error.into()
}
