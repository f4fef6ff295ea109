//! Places a debt: makes the account of the person whom `find_or_make_debtor` finds or makes, and posts its opening balance.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{
    BalanceComponents, DebtType, NationalId, NewContact, Origin, PostalAddress,
    balance_components::set_components,
    creditors::checked_origin,
    custom_fields::CustomFields,
    find_or_make_debtor::{NotTaken, Person, find_or_make_debtor},
    model::{MOST_TAGS, is_birth_date},
    notes, store,
};
use crate::{
    access::{Cell, authorize},
    ledger,
    platform::{
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids::{self, IdKind},
        keys::{Keyring, TenantKeys},
        language::{NO_LANGUAGE, language_tag},
        money::Money,
        outbox,
    },
};

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
    /// Of a debtor that is a company, of which the person is the contact.
    pub company_name: Option<String>,
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
    /// What was told of a person who is known already and was not taken.
    pub not_taken: Vec<NotTaken>,
}

/// Creates the account. Who is known already keeps what is known of them: what else is told is not taken, and named.
///
/// # Errors
/// User errors for what does not fit; [`OpError`] otherwise. Nothing is half-done.
pub async fn create_account(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    mut new: NewAccount,
) -> Result<Created, OpError> {
    authorize(tx.ctx(), Cell::AccountCreate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let mut errors = check(&mut new, tx.now().date_naive());
    errors.extend(
        CustomFields::of_business(tx)
            .await?
            .check(new.custom_fields.as_ref()),
    );
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
    let not_taken: Vec<&str> = person.not_taken.iter().map(|told| told.field).collect();
    let details = json!({ "new_debtor": person.is_new, "not_taken": not_taken });
    tx.audit(AuditEntry::plain("account.created", account_id, &details).about(Some(person.id)));
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

/// What does not fit. The language is given its usual spelling.
fn check(new: &mut NewAccount, today: NaiveDate) -> Vec<UserError> {
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
    if let Some(company) = &new.company_name {
        bounds("companyName", company, 200);
    }
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
    if let Some(given) = &new.preferred_language {
        let tag = language_tag(given);
        if tag.is_none() {
            errors.push(UserError::invalid("preferredLanguage", NO_LANGUAGE));
        }
        new.preferred_language = tag;
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
