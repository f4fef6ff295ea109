//! Changes what may change on an account by hand. The balance is not among it: that is the ledger's.

use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{
    AccountStatus, BalanceComponents, DebtType, DebtorPatch, OriginPatch,
    balance_components::{ComponentsRow, components_of, set_components},
    changes::Changes,
    custom_fields::CustomFields,
    model::MOST_TAGS,
    store::{self, AccountRow, DebtorRow},
    update_debtor::update_debtor,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        crypto::DataKey,
        db::{Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{Keyring, TenantKeys},
    },
};

/// Each `Some` is a new value; `Some(None)` empties the field.
#[derive(Clone, Debug, Default)]
pub struct AccountPatch {
    pub status: Option<AccountStatus>,
    pub original_creditor: Option<Option<String>>,
    pub due_date: Option<Option<NaiveDate>>,
    pub debt_type: Option<Option<DebtType>>,
    pub tags: Option<Vec<String>>,
    /// `Some(None)` empties them.
    pub custom_fields: Option<Option<serde_json::Value>>,
    pub origin: OriginPatch,
    pub components: Option<BalanceComponents>,
    /// Of the person behind the account.
    pub debtor: DebtorPatch,
}

/// Applies the patch.
///
/// # Errors
/// NOT_FOUND for an account that is not the caller's; user errors for values that do not fit; FORBIDDEN for a status that
/// the caller may not end.
pub async fn update_account(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    patch: AccountPatch,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    // Under the person's lock nobody erases them: what is sealed below can be opened.
    let locked = if patch.debtor.is_empty() && patch.custom_fields.is_none() {
        store::lock_account(tx, id).await?
    } else {
        store::lock_person_and_account(tx, id).await?
    };
    let no_account = || UserError::not_found("id", "account");
    let (debtor_id, status_before) = locked.ok_or_else(no_account)?;
    let before = store::accounts_by_ids(tx, &[id]).await?;
    let before = before.into_iter().next().ok_or_else(no_account)?;
    let mut changes = Changes::default();
    if let Some(status) = patch.status {
        check_status(tx, AccountStatus::parse(&status_before), status)?;
    }
    if let Some(Some(creditor)) = &patch.original_creditor
        && !(1..=200).contains(&creditor.trim().chars().count())
    {
        return Err(UserError::invalid(
            "originalCreditor",
            "Fill this in with 1 to 200 characters, or null.",
        )
        .into());
    }
    if let Some(tags) = &patch.tags {
        if tags.len() > MOST_TAGS || tags.iter().any(|tag| !(1..=50).contains(&tag.chars().count())) {
            return Err(UserError::invalid("tags", "At most 50 tags of 1 to 50 characters each.").into());
        }
        let known: Vec<String> = store::tags_of(tx, &[id])
            .await?
            .into_iter()
            .map(|(_, tag)| tag)
            .collect();
        store::replace_tags(tx, id, tags).await?;
        let mut wanted = tags.clone();
        wanted.sort_unstable();
        wanted.dedup();
        changes.note("tags", known, wanted);
    }
    let origin = patch.origin.checked(tx).await?;
    if let Some(components) = &patch.components {
        let known = components_of(tx, &[id]).await?;
        set_components(tx, id, debtor_id, components).await?;
        let known = known.first().map(components_before);
        changes.note("balance_components", known, components_after(components));
    }
    update_debtor(tx, keyring, db, debtor_id, &patch.debtor).await?;
    note_changes(&mut changes, &before, &patch, origin);
    let person = match &patch.custom_fields {
        Some(fields) => {
            let wrong = CustomFields::of_business(tx).await?.check(fields.as_ref());
            if !wrong.is_empty() {
                return Err(OpError::User(wrong));
            }
            let person = open_person(tx, keyring, db, debtor_id).await?;
            let known = custom_fields_before(&person, &before)?;
            put_custom_fields(tx, &person, id, fields.as_ref()).await?;
            changes.note_personal("custom_fields", known, fields);
            Some(person)
        }
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE accounts SET
             status = coalesce($3, status),
             original_creditor = CASE WHEN $4 THEN $5 ELSE original_creditor END,
             due_date = CASE WHEN $6 THEN $7 ELSE due_date END,
             creditor_id = CASE WHEN $9 THEN $10 ELSE creditor_id END,
             placement_id = CASE WHEN $11 THEN $12 ELSE placement_id END,
             debt_type = CASE WHEN $13 THEN $14 ELSE debt_type END,
             updated_at = $8
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        patch.status.map(AccountStatus::as_str),
        patch.original_creditor.is_some(),
        patch.original_creditor.clone().flatten(),
        patch.due_date.is_some(),
        patch.due_date.flatten(),
        now,
        origin.creditor_id.is_some(),
        origin.creditor_id.flatten(),
        origin.placement_id.is_some(),
        origin.placement_id.flatten(),
        patch.debt_type.is_some(),
        patch.debt_type.flatten().map(DebtType::as_str),
    )
    .execute(tx.conn())
    .await?;
    let entry = match &person {
        Some(Person { keys, row, profile }) => {
            let guard = (row.keys.profile.id, profile);
            changes.sealed_entry(keys, guard, "account.updated", id, debtor_id)?
        }
        None => changes.entry("account.updated", id, debtor_id),
    };
    tx.audit(entry);
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(id),
        debtor_id: Some(debtor_id),
        ..LiveEvent::default()
    });
    Ok(())
}

/// What the patch changes on the account's own row.
fn note_changes(changes: &mut Changes, before: &AccountRow, patch: &AccountPatch, origin: OriginPatch) {
    if let Some(status) = patch.status {
        changes.note("status", &before.status, status.as_str());
    }
    if let Some(creditor) = &patch.original_creditor {
        changes.note("original_creditor", &before.original_creditor, creditor);
    }
    if let Some(date) = patch.due_date {
        changes.note("due_date", before.due_date, date);
    }
    if let Some(debt_type) = patch.debt_type {
        changes.note("debt_type", &before.debt_type, debt_type.map(DebtType::as_str));
    }
    if let Some(creditor) = origin.creditor_id {
        changes.note("creditor", before.creditor_id, creditor);
    }
    if let Some(placement) = origin.placement_id {
        changes.note("placement", before.placement_id, placement);
    }
}

fn components_before(row: &ComponentsRow) -> serde_json::Value {
    json!({ "principal_minor": row.principal_minor, "interest_minor": row.interest_minor, "fees_minor": row.fees_minor,
        "costs_minor": row.costs_minor, "itemization_date": row.itemization_date,
        "itemization_event": row.itemization_event })
}

fn components_after(components: &BalanceComponents) -> serde_json::Value {
    json!({ "principal_minor": components.principal.minor(), "interest_minor": components.interest.minor(),
        "fees_minor": components.fees.minor(), "costs_minor": components.costs.minor(),
        "itemization_date": components.itemization_date, "itemization_event": components.event.as_str() })
}

/// The person behind the account, with the key that opens what is theirs.
struct Person {
    keys: Arc<TenantKeys>,
    row: DebtorRow,
    profile: DataKey,
}

async fn open_person(tx: &mut TenantTx, keyring: &Keyring, db: &Db, debtor: Uuid) -> Result<Person, OpError> {
    let row = store::debtor_by_id(tx, debtor)
        .await?
        .ok_or_else(|| UserError::not_found("id", "account"))?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = keys.data_key(&row.keys.profile)?.ok_or_else(|| {
        let message = "This person's data was erased: nothing more is written down of them.";
        UserError::at(UserErrorCode::Conflict, "customFields", message)
    })?;
    Ok(Person { keys, row, profile })
}

fn custom_fields_before(person: &Person, account: &AccountRow) -> Result<Option<serde_json::Value>, OpError> {
    let Some(cipher) = &account.custom_fields_cipher else {
        return Ok(None);
    };
    let (keys, profile) = (&person.keys, &person.profile);
    let text = keys.open_text(profile, "accounts", "custom_fields_cipher", account.id, cipher)?;
    Ok(serde_json::from_str(text.expose()).ok())
}

async fn put_custom_fields(
    tx: &mut TenantTx,
    person: &Person,
    account: Uuid,
    fields: Option<&serde_json::Value>,
) -> Result<(), OpError> {
    let sealed = match fields {
        Some(fields) => {
            let text = fields.to_string();
            Some(person.keys.seal(
                &person.profile,
                "accounts",
                "custom_fields_cipher",
                account,
                text.as_bytes(),
            )?)
        }
        None => None,
    };
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE accounts SET custom_fields_cipher = $3 WHERE business_id = $1 AND id = $2",
        business,
        account,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the account may get this status by hand. A running plan and a debt that is paid are what payments make of it,
/// and nobody else; and a status that stands for a stop of collection is left by those only who may release a hold.
fn check_status(tx: &TenantTx, before: AccountStatus, status: AccountStatus) -> Result<(), OpError> {
    if before == status {
        return Ok(());
    }
    if before.is_made_by_payments() || status.is_made_by_payments() {
        let message = "IN_PAYMENT_PLAN and PAID_IN_FULL follow from plans and payments: they are neither set nor left by hand.";
        return Err(UserError::at(UserErrorCode::Conflict, "status", message).into());
    }
    if before.stands_for_a_hold() {
        authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    }
    Ok(())
}
