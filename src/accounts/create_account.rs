//! Places a debt: finds or makes the person, makes the account, posts its opening balance.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{
    BalanceComponents, DebtType, NationalId, NewContact, Origin, PostalAddress, add_contacts,
    balance_components::set_components,
    creditors::checked_origin,
    debtor_keys,
    match_key::{KnownRecords, MatchKey, Told, Wanted},
    model::{MOST_TAGS, is_birth_date, name_key},
    notes,
    store::{self, DebtorRow, debtor_by_id, lock_person},
};
use crate::{
    access::{Cell, authorize},
    ledger,
    platform::{
        crypto::DataKey,
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids::{self, IdKind},
        keys::{Keyring, TenantKeys},
        money::Money,
        outbox,
    },
};

/// In which somebody is written to of whom nobody has said a language.
const LANGUAGE: &str = "en";

/// What is known of a new account; already parsed.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The account joins this person.
    pub debtor_id: Option<Uuid>,
    /// Or the person with this reference, if there is one; else the person of the same national id, or name, date of birth
    /// and postal code, or a new one, gets it.
    pub external_debtor_reference: Option<String>,
    pub first_name: String,
    pub last_name: String,
    /// None: a number of its own is made.
    pub account_number: Option<String>,
    pub contacts: Vec<NewContact>,
    pub address: Option<PostalAddress>,
    pub birth_date: Option<NaiveDate>,
    pub national_id: Option<NationalId>,
    pub original_creditor: Option<String>,
    pub origin: Origin,
    pub current_balance: Money,
    pub components: Option<BalanceComponents>,
    pub original_balance: Option<Money>,
    pub due_date: Option<NaiveDate>,
    /// None where nobody has said.
    pub debt_type: Option<DebtType>,
    pub tags: Vec<String>,
    pub notes: Option<String>,
    /// English for somebody new of whom nobody has said.
    pub preferred_language: Option<String>,
    pub custom_fields: Option<serde_json::Value>,
}

/// An account that was made.
#[derive(Clone, Debug)]
pub struct Created {
    pub id: Uuid,
    /// What was told of a person who is known already and was not taken, by input field.
    pub not_taken: Vec<&'static str>,
}

/// Creates the account. Who is known already keeps what is known of them: what else is told is not taken, and named.
///
/// # Errors
/// User errors for what does not fit; [`OpError`] otherwise. Nothing is half-done.
pub async fn create_account(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewAccount,
) -> Result<Created, OpError> {
    authorize(tx.ctx(), Cell::AccountCreate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let errors = check(&new, tx.now().date_naive());
    if !errors.is_empty() {
        return Err(OpError::User(errors));
    }
    let origin = checked_origin(tx, new.origin).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let person = find_or_make_debtor(tx, &keys, &new).await?;
    let account_id = ids::next();
    insert_account(tx, &keys, account_id, &person, origin, &new).await?;
    ledger::post_opening(tx, account_id, person.id, new.current_balance).await?;
    if let Some(components) = &new.components {
        set_components(tx, account_id, person.id, components).await?;
    }
    if !new.tags.is_empty() {
        store::replace_tags(tx, account_id, &new.tags).await?;
    }
    if let Some(body) = new.notes.as_deref().filter(|body| !body.trim().is_empty()) {
        notes::insert_note(tx, &keys, account_id, &person.profile, body).await?;
    }
    tx.audit(
        AuditEntry::plain(
            "account.created",
            account_id,
            &json!({ "new_debtor": person.is_new, "not_taken": person.not_taken }),
        )
        .about(Some(person.id)),
    );
    outbox::record(tx, "account.created", &[account_id]).await?;
    tx.emit(LiveEvent {
        kind: "ACCOUNT_CREATED",
        account_id: Some(account_id),
        debtor_id: Some(person.id),
        ..LiveEvent::default()
    });
    Ok(Created {
        id: account_id,
        not_taken: person.not_taken,
    })
}

fn check(new: &NewAccount, today: NaiveDate) -> Vec<UserError> {
    let mut errors = Vec::new();
    if new.birth_date.is_some_and(|born| !is_birth_date(born, today)) {
        errors.push(UserError::invalid(
            "birthDate",
            "Give the day on which the person was born, or leave it out.",
        ));
    }
    let mut bounds = |field: &str, value: &str, max: usize| {
        if !(1..=max).contains(&value.trim().chars().count()) {
            errors.push(UserError::invalid(
                field,
                format!("Fill this in with 1 to {max} characters."),
            ));
        }
    };
    bounds("firstName", &new.first_name, 100);
    bounds("lastName", &new.last_name, 100);
    if let Some(number) = &new.account_number {
        bounds("accountNumber", number, 64);
    }
    if let Some(reference) = &new.external_debtor_reference {
        bounds("externalDebtorReference", reference, 100);
    }
    if let Some(creditor) = &new.original_creditor {
        bounds("originalCreditor", creditor, 200);
    }
    for tag in &new.tags {
        bounds("tags", tag, 50);
    }
    if let Some(Err(problem)) = new.address.as_ref().map(PostalAddress::normalised) {
        errors.push(problem.at("address"));
    }
    for (field, value) in new.address.iter().flat_map(PostalAddress::parts) {
        if value.chars().count() > 200 {
            errors.push(UserError::invalid(
                &format!("address.{field}"),
                "At most 200 characters.",
            ));
        }
    }
    if new.tags.len() > MOST_TAGS {
        errors.push(UserError::invalid("tags", "An account has at most 50 tags."));
    }
    if new.current_balance.minor() < 0 {
        errors.push(UserError::invalid(
            "currentBalance.amount",
            "A balance starts at zero or more.",
        ));
    }
    if new
        .original_balance
        .is_some_and(|original| original.currency() != new.current_balance.currency())
    {
        errors.push(UserError::invalid(
            "originalBalance.currency",
            "Use the currency of currentBalance.",
        ));
    }
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if new.preferred_language.as_ref().is_some_and(|code| !is_code(code)) {
        errors.push(UserError::invalid(
            "preferredLanguage",
            "Give a two-letter language code such as en or es (ISO 639-1).",
        ));
    }
    if new
        .notes
        .as_ref()
        .is_some_and(|text| text.chars().count() > notes::MOST_CHARACTERS)
    {
        errors.push(UserError::invalid(
            "notes",
            "A note has at most 10,000 characters.",
        ));
    }
    errors
}

/// The person whose account it becomes.
struct Person {
    id: Uuid,
    profile: DataKey,
    is_new: bool,
    /// What was told of somebody known and was not taken.
    not_taken: Vec<&'static str>,
}

async fn find_or_make_debtor(
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
    let not_taken = not_taken(keys, &profile, &row, new)?;
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
/// birth, national id or language. `updateDebtor` does, for whoever may.
fn not_taken(
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
    let national_id = open("national_id_cipher", &row.national_id_cipher)?;
    let is_other_name = |told: &str, known: &Option<String>| known.as_deref() != Some(told.trim());
    let birth_differs = new.birth_date.is_some_and(|told| {
        birth_date
            .as_ref()
            .is_none_or(|known| *known.expose() != told.to_string())
    });
    let number_differs = new.national_id.as_ref().is_some_and(|told| {
        national_id
            .as_ref()
            .is_none_or(|known| known.expose() != told.expose())
    });
    let language_differs = new
        .preferred_language
        .as_ref()
        .is_some_and(|told| *told != row.preferred_language);
    let told_otherwise = [
        ("firstName", is_other_name(&new.first_name, &row.first_name)),
        ("lastName", is_other_name(&new.last_name, &row.last_name)),
        ("address", told_address.is_some() && told_address != known_address),
        ("birthDate", birth_differs),
        ("nationalId", number_differs),
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
             national_id_cipher, national_id_blind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15)",
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

async fn insert_account(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: Uuid,
    person: &Person,
    origin: Origin,
    new: &NewAccount,
) -> Result<(), OpError> {
    let custom = match &new.custom_fields {
        Some(fields) => Some(keys.seal(
            &person.profile,
            "accounts",
            "custom_fields_cipher",
            id,
            fields.to_string().as_bytes(),
        )?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    let number = match &new.account_number {
        Some(number) => number.trim().to_owned(),
        None => own_number(id),
    };
    check_number(tx, &number).await?;
    let taken = |error: crate::platform::db::DbError| {
        if error.is_constraint("accounts_business_id_account_number_key") {
            return UserError::at(
                UserErrorCode::Conflict,
                "accountNumber",
                "Another account of your business has this number. Update that one, or choose another number.",
            )
            .into();
        }
        OpError::from(error)
    };
    sqlx::query!(
        "INSERT INTO accounts (business_id, id, debtor_id, account_number, original_creditor, status, currency,
             balance_minor, original_balance_minor, due_date, custom_fields_cipher, creditor_id, placement_id, created_at,
             updated_at, debt_type)
         VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)",
        business,
        id,
        person.id,
        number,
        new.original_creditor,
        new.current_balance.currency().code(),
        new.current_balance.minor(),
        new.original_balance.map(Money::minor),
        new.due_date,
        custom,
        origin.creditor_id,
        origin.placement_id,
        now,
        new.debt_type.map(DebtType::as_str),
    )
    .execute(tx.conn())
    .await
    .map_err(|error| taken(error.into()))?;
    Ok(())
}

/// The number of an account that came without one: unique, for its id is, and short enough to be read out.
fn own_number(id: Uuid) -> String {
    let text = ids::encode(IdKind::Account, id);
    let random = text.get(text.len().saturating_sub(12)..).unwrap_or(&text);
    format!("A-{}", random.to_uppercase())
}

/// A number stays its account's, also of one that was deleted: whoever may restore it is told which it is.
async fn check_number(tx: &mut TenantTx, number: &str) -> Result<(), OpError> {
    let business = tx.business_id();
    let deleted = sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE business_id = $1 AND account_number = $2 AND deleted_at IS NOT NULL",
        business,
        number,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(deleted) = deleted else {
        return Ok(());
    };
    let remedy = match authorize(tx.ctx(), Cell::AccountRestore) {
        Ok(()) => format!(
            "Bring it back with restoreAccount ({})",
            ids::encode(IdKind::Account, deleted)
        ),
        Err(_) => "Ask an administrator of your business to restore it".to_owned(),
    };
    let message = format!(
        "An account of your business that was deleted has this number. {remedy}, or choose another number."
    );
    Err(UserError::at(UserErrorCode::Conflict, "accountNumber", message).into())
}
