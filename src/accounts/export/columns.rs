//! What a line of an export tells of an account.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::people::People;
use crate::{
    accounts::{
        PostalAddress,
        balance_components::{ComponentsRow, components_of},
        contact_store::sealed_contacts_of,
        creditors::{creditors_by_ids, placements_by_ids},
        store::{self, AccountRow, DebtorRow},
    },
    identity,
    platform::{
        db::TenantTx,
        error::OpError,
        ids::{self, IdKind},
        keys::TenantKeys,
        money::Money,
    },
};

/// One column.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(in crate::accounts) enum Column {
    Id,
    AccountNumber,
    FirstName,
    LastName,
    Phone,
    Email,
    Status,
    CurrentBalance,
    OriginalBalance,
    Currency,
    DueDate,
    DaysPastDue,
    DebtType,
    OriginalCreditor,
    Creditor,
    Placement,
    AssignedAgent,
    PreferredLanguage,
    Tags,
    CreatedAt,
    UpdatedAt,
    CompanyName,
    PhoneSecondary,
    AddressLine1,
    AddressLine2,
    City,
    State,
    PostalCode,
    Country,
    Principal,
    Interest,
    Fees,
    Costs,
    ItemizationDate,
    ItemizationEvent,
    Holds,
    CustomFields,
    PreferredContactMethod,
    RiskLevel,
    ExternalDebtorReference,
}

impl Column {
    /// Every column, in the order of an export that names none.
    pub(in crate::accounts) const ALL: [Self; 40] = [
        Self::Id,
        Self::AccountNumber,
        Self::FirstName,
        Self::LastName,
        Self::Phone,
        Self::Email,
        Self::Status,
        Self::CurrentBalance,
        Self::OriginalBalance,
        Self::Currency,
        Self::DueDate,
        Self::DaysPastDue,
        Self::DebtType,
        Self::OriginalCreditor,
        Self::Creditor,
        Self::Placement,
        Self::AssignedAgent,
        Self::PreferredLanguage,
        Self::Tags,
        Self::CreatedAt,
        Self::UpdatedAt,
        // Last: who reads a file by the places of its columns finds the others where they were.
        Self::CompanyName,
        Self::PhoneSecondary,
        Self::AddressLine1,
        Self::AddressLine2,
        Self::City,
        Self::State,
        Self::PostalCode,
        Self::Country,
        Self::Principal,
        Self::Interest,
        Self::Fees,
        Self::Costs,
        Self::ItemizationDate,
        Self::ItemizationEvent,
        Self::Holds,
        Self::CustomFields,
        Self::PreferredContactMethod,
        Self::RiskLevel,
        Self::ExternalDebtorReference,
    ];

    /// The name at its head: that of the API's field.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::AccountNumber => "accountNumber",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Status => "status",
            Self::CurrentBalance => "currentBalance",
            Self::OriginalBalance => "originalBalance",
            Self::Currency => "currency",
            Self::DueDate => "dueDate",
            Self::DaysPastDue => "daysPastDue",
            Self::DebtType => "debtType",
            Self::OriginalCreditor => "originalCreditor",
            Self::Creditor => "creditor",
            Self::Placement => "placement",
            Self::AssignedAgent => "assignedAgent",
            Self::PreferredLanguage => "preferredLanguage",
            Self::Tags => "tags",
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::CompanyName => "companyName",
            Self::PhoneSecondary => "phoneSecondary",
            Self::AddressLine1 => "addressLine1",
            Self::AddressLine2 => "addressLine2",
            Self::City => "city",
            Self::State => "state",
            Self::PostalCode => "postalCode",
            Self::Country => "country",
            Self::Principal => "principal",
            Self::Interest => "interest",
            Self::Fees => "fees",
            Self::Costs => "costs",
            Self::ItemizationDate => "itemizationDate",
            Self::ItemizationEvent => "itemizationEvent",
            Self::Holds => "holds",
            Self::CustomFields => "customFields",
            Self::PreferredContactMethod => "preferredContactMethod",
            Self::RiskLevel => "riskLevel",
            Self::ExternalDebtorReference => "externalDebtorReference",
        }
    }
}

/// What is read of the person's records.
const OF_PEOPLE: &[Column] = &[
    Column::AddressLine1,
    Column::AddressLine2,
    Column::City,
    Column::State,
    Column::PostalCode,
    Column::Country,
    Column::CustomFields,
    Column::PreferredContactMethod,
    Column::RiskLevel,
    Column::ExternalDebtorReference,
];
/// Of these what is in their address.
const OF_ADDRESSES: &[Column] = &[
    Column::AddressLine1,
    Column::AddressLine2,
    Column::City,
    Column::State,
    Column::PostalCode,
    Column::Country,
];
/// What a balance is made of.
const OF_COMPONENTS: &[Column] = &[
    Column::Principal,
    Column::Interest,
    Column::Fees,
    Column::Costs,
    Column::ItemizationDate,
    Column::ItemizationEvent,
];

/// One value of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nothing,
    Text(String),
    /// A decimal number as text, exact.
    Number(String),
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

impl Value {
    fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_owned()))
    }
}

/// What the accounts of one page name, looked up in one statement each.
#[derive(Default)]
pub(super) struct Surroundings {
    phones: HashMap<Uuid, String>,
    emails: HashMap<Uuid, String>,
    second_phones: HashMap<Uuid, String>,
    companies: HashMap<Uuid, String>,
    people: People,
    components: HashMap<Uuid, ComponentsRow>,
    tags: HashMap<Uuid, Vec<String>>,
    creditors: HashMap<Uuid, String>,
    placements: HashMap<Uuid, String>,
    agents: HashMap<Uuid, String>,
    today: NaiveDate,
}

impl Surroundings {
    pub(super) async fn of(
        tx: &mut TenantTx,
        keys: &TenantKeys,
        columns: &[Column],
        page: &[AccountRow],
    ) -> Result<Self, OpError> {
        let mut found = Self {
            today: tx.now().date_naive(),
            ..Self::default()
        };
        let wants = |column| columns.contains(&column);
        let wants_any = |wanted: &[Column]| columns.iter().any(|column| wanted.contains(column));
        if wants_any(&[Column::Phone, Column::PhoneSecondary, Column::Email]) {
            found
                .read_contacts(tx, keys, &ids_of(page, |row| Some(row.debtor_id)))
                .await?;
        }
        if wants_any(OF_PEOPLE) {
            found.people = People::of(tx, &ids_of(page, |row| Some(row.debtor_id))).await?;
            if wants_any(OF_ADDRESSES) {
                found.people.open_addresses(keys)?;
            }
            if wants(Column::CustomFields) {
                found.people.open_custom(keys, page)?;
            }
        }
        if wants(Column::Holds) {
            let accounts = ids_of(page, |row| Some(row.id));
            found.people.read_holds(tx, &accounts).await?;
        }
        if wants_any(OF_COMPONENTS) {
            let rows = components_of(tx, &ids_of(page, |row| Some(row.id))).await?;
            found.components = rows.into_iter().map(|row| (row.account_id, row)).collect();
        }
        if wants(Column::CompanyName) {
            let debtors = ids_of(page, |row| Some(row.debtor_id));
            found.companies = store::company_names(tx, &debtors).await?.into_iter().collect();
        }
        if wants(Column::Tags) {
            for (account, tag) in store::tags_of(tx, &ids_of(page, |row| Some(row.id))).await? {
                found.tags.entry(account).or_default().push(tag);
            }
        }
        if wants(Column::Creditor) {
            let rows = creditors_by_ids(tx, &ids_of(page, |row| row.creditor_id)).await?;
            found.creditors = rows.into_iter().map(|row| (row.id, row.name)).collect();
        }
        if wants(Column::Placement) {
            let rows = placements_by_ids(tx, &ids_of(page, |row| row.placement_id)).await?;
            found.placements = rows.into_iter().map(|row| (row.id, row.name)).collect();
        }
        if wants(Column::AssignedAgent) {
            let rows = identity::user_names(tx, &ids_of(page, |row| row.assigned_agent_id)).await?;
            found.agents = rows.into_iter().map(|(id, (name, _))| (id, name)).collect();
        }
        Ok(found)
    }

    /// The first two numbers and the first address of each person, those that can be opened.
    async fn read_contacts(
        &mut self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        debtors: &[Uuid],
    ) -> Result<(), OpError> {
        for contact in sealed_contacts_of(tx, debtors).await? {
            let found = match contact.point.kind.as_str() {
                "PHONE" if self.phones.contains_key(&contact.asked) => &mut self.second_phones,
                "PHONE" => &mut self.phones,
                _ => &mut self.emails,
            };
            if found.contains_key(&contact.asked) {
                continue;
            }
            let (Some(cipher), Some(key)) = (&contact.point.value_cipher, keys.data_key(&contact.key)?)
            else {
                continue;
            };
            let text = keys.open_text(&key, "contact_points", "value_cipher", contact.point.id, cipher)?;
            found.insert(contact.asked, text.expose().clone());
        }
        Ok(())
    }

    /// The value of a column.
    pub(super) fn value(&self, column: Column, row: &AccountRow) -> Result<Value, OpError> {
        let named = |names: &HashMap<Uuid, String>, id: Option<Uuid>| {
            Value::text(id.and_then(|id| names.get(&id)).map(String::as_str))
        };
        Ok(match column {
            Column::Id => Value::Text(ids::encode(IdKind::Account, row.id)),
            Column::AccountNumber => Value::Text(row.account_number.clone()),
            Column::FirstName => Value::text(row.first_name.as_deref()),
            Column::LastName => Value::text(row.last_name.as_deref()),
            Column::Phone => named(&self.phones, Some(row.debtor_id)),
            Column::Email => named(&self.emails, Some(row.debtor_id)),
            Column::Status => Value::Text(row.status.clone()),
            Column::CurrentBalance => amount(Some(row.balance_minor), &row.currency)?,
            Column::OriginalBalance => amount(row.original_balance_minor, &row.currency)?,
            Column::Currency => Value::Text(row.currency.clone()),
            Column::DueDate => row.due_date.map_or(Value::Nothing, Value::Day),
            Column::DaysPastDue => {
                let days = row.due_date.map_or(0, |due| (self.today - due).num_days().max(0));
                Value::Number(days.to_string())
            }
            Column::DebtType => Value::text(row.debt_type.as_deref()),
            Column::OriginalCreditor => Value::text(row.original_creditor.as_deref()),
            Column::Creditor => named(&self.creditors, row.creditor_id),
            Column::Placement => named(&self.placements, row.placement_id),
            Column::AssignedAgent => named(&self.agents, row.assigned_agent_id),
            Column::PreferredLanguage => Value::Text(row.preferred_language.clone()),
            Column::Tags => Value::Text(
                self.tags
                    .get(&row.id)
                    .map_or(String::new(), |tags| tags.join("; ")),
            ),
            Column::CreatedAt => Value::Instant(row.created_at),
            Column::UpdatedAt => Value::Instant(row.updated_at),
            Column::CompanyName => named(&self.companies, Some(row.debtor_id)),
            Column::PhoneSecondary => named(&self.second_phones, Some(row.debtor_id)),
            Column::AddressLine1 => self.of_address(row, |address| address.line1.as_deref()),
            Column::AddressLine2 => self.of_address(row, |address| address.line2.as_deref()),
            Column::City => self.of_address(row, |address| address.city.as_deref()),
            Column::State => self.of_address(row, |address| address.state.as_deref()),
            Column::PostalCode => self.of_address(row, |address| address.postal_code.as_deref()),
            Column::Country => self.of_address(row, |address| address.country.as_deref()),
            Column::Principal => self.component(row, |parts| parts.principal_minor)?,
            Column::Interest => self.component(row, |parts| parts.interest_minor)?,
            Column::Fees => self.component(row, |parts| parts.fees_minor)?,
            Column::Costs => self.component(row, |parts| parts.costs_minor)?,
            Column::ItemizationDate => {
                let parts = self.components.get(&row.id);
                parts.map_or(Value::Nothing, |parts| Value::Day(parts.itemization_date))
            }
            Column::ItemizationEvent => {
                let parts = self.components.get(&row.id);
                Value::text(parts.map(|parts| parts.itemization_event.as_str()))
            }
            Column::Holds => Value::text(self.people.holds(row.id)),
            Column::CustomFields => Value::text(self.people.custom(row.id)),
            Column::PreferredContactMethod => {
                self.of_person(row, |person| person.preferred_channel.as_deref())
            }
            Column::RiskLevel => self.of_person(row, |person| person.risk_level.as_deref()),
            Column::ExternalDebtorReference => {
                self.of_person(row, |person| person.external_reference.as_deref())
            }
        })
    }
}

impl Surroundings {
    fn of_person<'a>(&'a self, row: &AccountRow, part: impl Fn(&'a DebtorRow) -> Option<&'a str>) -> Value {
        Value::text(self.people.person(row.debtor_id).and_then(part))
    }

    fn of_address<'a>(
        &'a self,
        row: &AccountRow,
        part: impl Fn(&'a PostalAddress) -> Option<&'a str>,
    ) -> Value {
        Value::text(self.people.address(row.debtor_id).and_then(part))
    }

    fn component(&self, row: &AccountRow, part: impl Fn(&ComponentsRow) -> i64) -> Result<Value, OpError> {
        amount(self.components.get(&row.id).map(part), &row.currency)
    }
}

fn ids_of(page: &[AccountRow], of: impl Fn(&AccountRow) -> Option<Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = page.iter().filter_map(of).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn amount(minor: Option<i64>, currency: &str) -> Result<Value, OpError> {
    let Some(minor) = minor else {
        return Ok(Value::Nothing);
    };
    let currency = currency.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Value::Number(
        Money::from_minor(minor, currency).to_decimal_string(),
    ))
}
