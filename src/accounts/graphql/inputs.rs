//! Inputs of the slice and how they are parsed.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};

use super::{BalanceComponentsInput, national_id::NationalIdScalar};
use crate::{
    accounts::{
        AccountPatch, AccountStatus, Channel, DebtType, DebtorPatch, NewAccount, NewContact, Origin,
        OriginPatch, PostalAddress, list::AccountOrdering,
    },
    platform::{
        email::EmailAddress,
        gql::{Date, EmailAddressScalar, MoneyInput, PhoneNumberScalar, UserError, input_id},
        ids::IdKind,
        phone::PhoneNumber,
    },
};

/// A new account. The person is found by `debtorId` or `externalDebtorReference`, or is the one whom your business has with
/// the same national id, else with the same name, date of birth and postal code, else made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateAccountInput {
    /// An existing person.
    pub debtor_id: Option<ID>,
    /// Your own number of the person: accounts with the same one belong to the same person.
    pub external_debtor_reference: Option<String>,
    /// First name of the person. Of somebody who is known already nothing changes: `notTaken` says what was told otherwise.
    pub first_name: String,
    /// Last name of the person.
    pub last_name: String,
    /// The company's name, of a new debtor that is one: the person named above is then the contact there.
    pub company_name: Option<String>,
    /// Your number for the debt, unique in your business; left out, the account gets one of its own.
    pub account_number: Option<String>,
    /// E-mail address.
    pub email: Option<EmailAddressScalar>,
    /// Phone number, preferably mobile.
    pub phone: Option<PhoneNumberScalar>,
    /// Postal address: decides which state's rules and which hours apply.
    pub address: Option<PostalAddress>,
    /// Date of birth of a new person.
    pub birth_date: Option<Date>,
    /// National id of a new person, by which they are known again. Who has the same number and another date of birth is
    /// not taken for them, but suggested (`Debtor.matchSuggestions`).
    pub national_id: Option<NationalIdScalar>,
    /// Who was owed first.
    pub original_creditor: Option<String>,
    /// Who is owed now.
    pub creditor_id: Option<ID>,
    /// With what it was handed over; brings its creditor along.
    pub placement_id: Option<ID>,
    /// What is owed now; posted to the ledger.
    pub current_balance: MoneyInput,
    /// What that is made of; sums to `currentBalance`.
    pub balance_components: Option<BalanceComponentsInput>,
    /// What was owed at the beginning.
    pub original_balance: Option<MoneyInput>,
    /// When it was or is due.
    pub due_date: Option<Date>,
    /// What it is for. The gate takes a debt of which nobody has said so for what it is strictest with.
    pub debt_type: Option<DebtType>,
    /// Labels, at most 50.
    pub tags: Option<Vec<String>>,
    /// A first internal note, never shown to the debtor.
    pub notes: Option<String>,
    /// The language to write in (a BCP 47 tag such as `es` or `es-MX`), of a new person; `en` where nobody says.
    pub preferred_language: Option<String>,
    /// Fields of your own: a JSON object of at most 16 KiB.
    pub custom_fields: Option<async_graphql::Json<serde_json::Value>>,
}

impl CreateAccountInput {
    /// Parses every field; all problems are reported together.
    ///
    /// # Errors
    /// The user errors.
    pub(super) fn parse(self) -> Result<NewAccount, Vec<UserError>> {
        let mut errors = Vec::new();
        let mut keep = |result: Result<(), UserError>| {
            if let Err(error) = result {
                errors.push(error);
            }
        };
        let (mut parsed_contacts, mut debtor_id, mut current, mut original) = (Vec::new(), None, None, None);
        let (mut origin, mut components, mut national_id) = (Origin::default(), None, None);
        if let Some(id) = &self.debtor_id {
            keep(input_id(IdKind::Debtor, "debtorId", id).map(|id| debtor_id = Some(id)));
        }
        if let Some(number) = &self.national_id {
            keep(number.read("nationalId").map(|number| national_id = Some(number)));
        }
        if let Some(id) = &self.creditor_id {
            keep(input_id(IdKind::Creditor, "creditorId", id).map(|id| origin.creditor_id = Some(id)));
        }
        if let Some(id) = &self.placement_id {
            keep(input_id(IdKind::Placement, "placementId", id).map(|id| origin.placement_id = Some(id)));
        }
        match self
            .balance_components
            .as_ref()
            .map(BalanceComponentsInput::parse)
        {
            Some(Err(found)) => found.into_iter().for_each(|error| keep(Err(error))),
            found => components = found.and_then(Result::ok),
        }
        match contacts(self.phone.as_ref(), self.email.as_ref()) {
            Ok(found) => parsed_contacts = found,
            Err(found) => found.into_iter().for_each(|error| keep(Err(error))),
        }
        keep(
            self.current_balance
                .parse("currentBalance")
                .map(|money| current = Some(money)),
        );
        if let Some(money) = &self.original_balance {
            keep(money.parse("originalBalance").map(|money| original = Some(money)));
        }
        if let Some(fields) = &self.custom_fields {
            keep(check_custom_fields(&fields.0));
        }
        let Some(current_balance) = current.filter(|_| errors.is_empty()) else {
            return Err(errors);
        };
        Ok(NewAccount {
            debtor_id,
            external_debtor_reference: self.external_debtor_reference,
            first_name: self.first_name,
            last_name: self.last_name,
            company_name: self.company_name,
            account_number: self.account_number,
            contacts: parsed_contacts,
            address: self.address,
            birth_date: self.birth_date.map(|date| date.0),
            national_id,
            original_creditor: self.original_creditor,
            origin,
            current_balance,
            components,
            original_balance: original,
            due_date: self.due_date.map(|date| date.0),
            debt_type: self.debt_type,
            tags: self.tags.unwrap_or_default(),
            notes: self.notes,
            preferred_language: self.preferred_language,
            custom_fields: self.custom_fields.map(|fields| fields.0),
        })
    }
}

/// Changes to an account and its debtor: a field that is left out stays as it is; null empties it where the field
/// says so, else changes nothing.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateAccountInput {
    /// The account.
    pub id: ID,
    /// Where it stands: ACTIVE, DISPUTED, LEGAL or CLOSED. IN_PAYMENT_PLAN and PAID_IN_FULL follow from plans and payments
    /// and are neither set nor left by hand (CONFLICT). DISPUTED, LEGAL and CLOSED are left by those only who may release
    /// holds (FORBIDDEN).
    pub status: Option<AccountStatus>,
    /// Who was owed first; null empties it.
    pub original_creditor: MaybeUndefined<String>,
    /// When it is due; null empties it.
    pub due_date: MaybeUndefined<Date>,
    /// What it is for; null empties it.
    pub debt_type: MaybeUndefined<DebtType>,
    /// All labels that it is to have.
    pub tags: Option<Vec<String>>,
    /// The fields of your own, all of them: a JSON object of at most 16 KiB; null empties them.
    pub custom_fields: MaybeUndefined<async_graphql::Json<serde_json::Value>>,
    /// Who is owed now; null empties it. Takes the account out of its placement, unless `placementId` is given too.
    pub creditor_id: MaybeUndefined<ID>,
    /// With what it was handed over; brings its creditor along. Null empties it.
    pub placement_id: MaybeUndefined<ID>,
    /// What the balance was made of when the account was placed; sums to that balance.
    pub balance_components: Option<BalanceComponentsInput>,
    /// The debtor's first name.
    pub first_name: Option<String>,
    /// The debtor's last name.
    pub last_name: Option<String>,
    /// Becomes the debtor's first e-mail address; the present one becomes the second.
    pub email: Option<EmailAddressScalar>,
    /// Becomes the debtor's first phone number; the present one becomes the second.
    pub phone: Option<PhoneNumberScalar>,
    /// The debtor's postal address, whole.
    pub address: Option<PostalAddress>,
    /// The language to write in, a BCP 47 tag such as `es` or `es-MX`.
    pub preferred_language: Option<String>,
    /// How the debtor prefers to be contacted.
    pub preferred_contact_method: Option<Channel>,
}

impl UpdateAccountInput {
    /// Parses every field; all problems are reported together.
    ///
    /// # Errors
    /// The user errors.
    pub(super) fn patch(self) -> Result<AccountPatch, Vec<UserError>> {
        let mut errors = Vec::new();
        let mut origin = OriginPatch::default();
        for (field, kind, given, parsed) in [
            (
                "creditorId",
                IdKind::Creditor,
                &self.creditor_id,
                &mut origin.creditor_id,
            ),
            (
                "placementId",
                IdKind::Placement,
                &self.placement_id,
                &mut origin.placement_id,
            ),
        ] {
            let read = |id: Option<&ID>| id.map(|id| input_id(kind, field, id)).transpose();
            match given.as_opt_ref().map(read).transpose() {
                Ok(read) => *parsed = read,
                Err(error) => errors.push(error),
            }
        }
        let components = self
            .balance_components
            .as_ref()
            .map(BalanceComponentsInput::parse);
        let components = components.transpose().unwrap_or_else(|found| {
            errors.extend(found);
            None
        });
        let first_contacts = contacts(self.phone.as_ref(), self.email.as_ref()).unwrap_or_else(|found| {
            errors.extend(found);
            Vec::new()
        });
        let custom_fields = self
            .custom_fields
            .as_opt_ref()
            .map(|value| value.map(|fields| fields.0.clone()));
        if let Some(Err(error)) = custom_fields.iter().flatten().map(check_custom_fields).next() {
            errors.push(error);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(AccountPatch {
            status: self.status,
            original_creditor: self.original_creditor.as_opt_ref().map(|value| value.cloned()),
            due_date: self.due_date.as_opt_ref().map(|value| value.map(|date| date.0)),
            debt_type: self.debt_type.into(),
            tags: self.tags,
            custom_fields,
            origin,
            components,
            debtor: DebtorPatch {
                first_name: self.first_name,
                last_name: self.last_name,
                preferred_language: self.preferred_language,
                preferred_channel: self.preferred_contact_method,
                address: self.address,
                birth_date: None,
                national_id: None,
                company_name: None,
                risk_level: None,
                external_reference: None,
                first_contacts,
            },
        })
    }
}

/// Parses a phone number and an e-mail address.
pub(crate) fn contacts(
    phone: Option<&PhoneNumberScalar>,
    email: Option<&EmailAddressScalar>,
) -> Result<Vec<NewContact>, Vec<UserError>> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    match phone.map(|phone| PhoneNumber::parse_lenient(&phone.0, "US")) {
        Some(Ok(phone)) => found.push(NewContact::Phone(phone)),
        Some(Err(error)) => errors.push(UserError::invalid("phone", error.to_string())),
        None => {}
    }
    match email.map(|email| EmailAddress::parse(&email.0)) {
        Some(Ok(email)) => found.push(NewContact::Email(email)),
        Some(Err(error)) => errors.push(UserError::invalid("email", error.to_string())),
        None => {}
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// What accounts can be ordered by.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum AccountOrderField {
    /// When it was placed.
    CreatedAt,
    /// What is owed.
    Balance,
    /// When it is due; accounts without a date come last.
    DueDate,
    /// The debtor's last, then first name.
    LastName,
}

/// Which way.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum OrderDirection {
    /// Smallest, oldest, A first.
    Asc,
    /// Largest, newest, Z first.
    Desc,
}

/// The order of a list of accounts; ties are broken by id.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AccountOrder {
    /// By what.
    pub field: AccountOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

impl AccountOrderField {
    /// As a saved view spells it; the column's CHECK allows nothing else.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "BALANCE" => Self::Balance,
            "DUE_DATE" => Self::DueDate,
            "LAST_NAME" => Self::LastName,
            _ => Self::CreatedAt,
        }
    }
}

impl AccountOrder {
    pub(super) fn parts(order: Option<Self>) -> (AccountOrdering, bool) {
        let Some(order) = order else {
            return (AccountOrdering::CreatedAt, true);
        };
        let ordering = match order.field {
            AccountOrderField::CreatedAt => AccountOrdering::CreatedAt,
            AccountOrderField::Balance => AccountOrdering::Balance,
            AccountOrderField::DueDate => AccountOrdering::DueDate,
            AccountOrderField::LastName => AccountOrdering::LastName,
        };
        (ordering, order.direction == OrderDirection::Desc)
    }
}

/// Deeper than any form's field, and shallow enough for every reader of JSON.
const MOST_LEVELS: usize = 32;

fn check_custom_fields(fields: &serde_json::Value) -> Result<(), UserError> {
    if fields.is_object() && fields.to_string().len() <= 16 * 1024 && is_shallower(fields, MOST_LEVELS) {
        return Ok(());
    }
    let message = format!("Give a JSON object of at most 16 KiB, nested at most {MOST_LEVELS} levels.");
    Err(UserError::invalid("customFields", message))
}

fn is_shallower(value: &serde_json::Value, levels: usize) -> bool {
    use serde_json::Value;
    let Some(below) = levels.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Object(fields) => fields.values().all(|value| is_shallower(value, below)),
        Value::Array(items) => items.iter().all(|value| is_shallower(value, below)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MOST_LEVELS, check_custom_fields};

    #[test]
    fn custom_fields_are_an_object_that_is_neither_long_nor_deep() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |below, _| json!({ "a": [below] }));
        assert!(
            check_custom_fields(&json!({ "employer": "First Example", "since": { "year": 2020 } })).is_ok()
        );
        assert!(check_custom_fields(&nested(MOST_LEVELS / 2)).is_ok());
        for refused in [
            nested(MOST_LEVELS),
            json!([1]),
            Value::Null,
            json!({ "a": "x".repeat(17_000) }),
        ] {
            assert!(check_custom_fields(&refused).is_err());
        }
    }
}
