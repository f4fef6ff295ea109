//! Fields of a business's own on its accounts: which there are, of what kind, and whether an account must have them. What is
//! not among them is kept as it is told: integrations bring more than dashboards show.

use std::collections::HashSet;

use async_graphql::Enum;
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::import::{ImportFindingCode, parse_date};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// At most this many fields.
const MOST_FIELDS: usize = 50;
/// At most this many words to choose from.
const MOST_CHOICES: usize = 50;
/// A text in a field.
const MOST_CHARACTERS: usize = 1_000;

/// What a custom field holds.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CustomFieldKind {
    /// A text of at most 1,000 characters.
    Text,
    /// A number, as JSON writes it.
    Number,
    /// A day: a text such as `2026-06-10`.
    Date,
    /// True or false.
    Boolean,
    /// One of the field's choices.
    Choice,
}

/// A field.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct CustomField {
    pub(super) name: String,
    pub(super) kind: CustomFieldKind,
    pub(super) required: bool,
    pub(super) choices: Vec<String>,
}

/// The fields of a business, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct CustomFields {
    /// Counts the changes; 0 where none were ever set.
    pub(super) version: i32,
    pub(super) fields: Vec<CustomField>,
}

/// Why a value is not one of its field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WrongValue {
    TooLong,
    NoNumber,
    NoDate,
    NoBoolean,
    NoChoice,
}

impl WrongValue {
    pub(super) fn finding(self) -> ImportFindingCode {
        match self {
            Self::TooLong => ImportFindingCode::TooLong,
            Self::NoDate => ImportFindingCode::InvalidDate,
            Self::NoNumber | Self::NoBoolean | Self::NoChoice => ImportFindingCode::InvalidChoice,
        }
    }

    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::TooLong => "Write a text of at most 1,000 characters.",
            Self::NoNumber => "Write a number, such as 12 or 12.5.",
            Self::NoDate => "Write a date, such as 2026-06-10.",
            Self::NoBoolean => "Write true or false.",
            Self::NoChoice => "Write one of the field's choices.",
        }
    }
}

impl CustomField {
    /// Whether the value, which is not empty, is of the field's kind.
    fn check(&self, value: &Value) -> Result<(), WrongValue> {
        match self.kind {
            CustomFieldKind::Text => value
                .as_str()
                .filter(|text| text.chars().count() <= MOST_CHARACTERS)
                .map(drop)
                .ok_or(WrongValue::TooLong),
            CustomFieldKind::Number => value.is_number().then_some(()).ok_or(WrongValue::NoNumber),
            CustomFieldKind::Date => value
                .as_str()
                .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
                .filter(|day| (1900..=2199).contains(&day.year()))
                .map(drop)
                .ok_or(WrongValue::NoDate),
            CustomFieldKind::Boolean => value.is_boolean().then_some(()).ok_or(WrongValue::NoBoolean),
            CustomFieldKind::Choice => self
                .choices
                .iter()
                .any(|choice| value.as_str() == Some(choice.as_str()))
                .then_some(())
                .ok_or(WrongValue::NoChoice),
        }
    }

    /// What a cell of a file, which is not empty, says of it.
    pub(super) fn read(&self, cell: &str) -> Result<Value, WrongValue> {
        let value = match self.kind {
            CustomFieldKind::Text => json!(cell),
            CustomFieldKind::Number => {
                let number = serde_json::from_str::<serde_json::Number>(cell);
                Value::Number(number.map_err(|_| WrongValue::NoNumber)?)
            }
            CustomFieldKind::Date => {
                let day = parse_date(cell).ok_or(WrongValue::NoDate)?;
                json!(day.to_string())
            }
            CustomFieldKind::Boolean => match cell.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "t" | "1" => json!(true),
                "false" | "no" | "n" | "f" | "0" => json!(false),
                _ => return Err(WrongValue::NoBoolean),
            },
            CustomFieldKind::Choice => {
                let is_meant = |choice: &&String| choice.to_lowercase() == cell.to_lowercase();
                json!(self.choices.iter().find(is_meant).ok_or(WrongValue::NoChoice)?)
            }
        };
        self.check(&value).map(|()| value)
    }

    fn is_well_defined(&self) -> bool {
        let is_word = |text: &str, most: usize| {
            text.trim() == text
                && (1..=most).contains(&text.chars().count())
                && !text.chars().any(char::is_control)
        };
        let different: HashSet<String> = self.choices.iter().map(|choice| choice.to_lowercase()).collect();
        let has_choices = match self.kind {
            CustomFieldKind::Choice => (1..=MOST_CHOICES).contains(&self.choices.len()),
            _ => self.choices.is_empty(),
        };
        is_word(&self.name, 60)
            && has_choices
            && different.len() == self.choices.len()
            && self.choices.iter().all(|choice| is_word(choice, 100))
    }
}

/// Whether nothing is told: left out, null, or an empty text.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

impl CustomFields {
    /// Those of the business.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub(super) async fn of_business(tx: &mut TenantTx) -> Result<Self, OpError> {
        let business = tx.business_id();
        let row = sqlx::query!(
            "SELECT version, fields FROM custom_field_lists WHERE business_id = $1",
            business,
        )
        .fetch_optional(tx.conn())
        .await
        .map_err(DbError::from)?;
        let Some(row) = row else {
            return Ok(Self::default());
        };
        Ok(Self {
            version: row.version,
            fields: serde_json::from_value(row.fields).map_err(anyhow::Error::from)?,
        })
    }

    /// The field of this name.
    pub(super) fn named(&self, name: &str) -> Option<&CustomField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that an account must have and these values leave out.
    pub(super) fn missing<'f>(
        &'f self,
        values: Option<&'f Value>,
    ) -> impl Iterator<Item = &'f CustomField> + 'f {
        let is_missing = move |field: &&CustomField| {
            field.required && is_empty(values.and_then(|values| values.get(&field.name)))
        };
        self.fields.iter().filter(is_missing)
    }

    /// What is wrong with an account's values: what must be there and is not, and what is of another kind.
    pub(super) fn check(&self, values: Option<&Value>) -> Vec<UserError> {
        let say = |field: &CustomField, words: &str| {
            UserError::invalid("customFields", format!("{}: {words}", field.name))
        };
        let mut errors: Vec<UserError> = self
            .missing(values)
            .map(|field| say(field, "Fill this in."))
            .collect();
        for field in &self.fields {
            let value = values.and_then(|values| values.get(&field.name));
            if let Some(value) = value.filter(|value| !is_empty(Some(value)))
                && let Err(wrong) = field.check(value)
            {
                errors.push(say(field, wrong.sentence()));
            }
        }
        errors
    }
}

/// Puts this list in the place of the one that the business has. Accounts keep what they hold; what is asked of them is asked
/// when they are written next.
///
/// # Errors
/// User errors: INVALID_INPUT for a list that does not fit, CONFLICT where it has changed since `version`.
pub(super) async fn set_custom_fields(
    tx: &mut TenantTx,
    version: Option<i32>,
    fields: Vec<CustomField>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BusinessUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_list(&fields)?;
    let before = CustomFields::of_business(tx).await?;
    let wanted = version.unwrap_or(before.version);
    let stale = || {
        UserError::at(
            UserErrorCode::Conflict,
            "version",
            "The fields have changed meanwhile: read them, and change those.",
        )
    };
    if before.version != wanted {
        return Err(stale().into());
    }
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let written = sqlx::query!(
        "INSERT INTO custom_field_lists (business_id, fields, version, updated_at, updated_by) VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (business_id) DO UPDATE
         SET fields = $2, version = custom_field_lists.version + 1, updated_at = $3, updated_by = $4
         WHERE custom_field_lists.version = $5",
        business,
        json!(fields),
        now,
        user,
        wanted,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    // Somebody else was faster.
    if written.rows_affected() == 0 {
        return Err(stale().into());
    }
    let details = json!({ "before": before.fields, "after": fields });
    tx.audit(AuditEntry::plain("custom_fields.set", business, &details));
    Ok(())
}

fn check_list(fields: &[CustomField]) -> Result<(), UserError> {
    if fields.len() > MOST_FIELDS {
        return Err(UserError::invalid("fields", "At most 50 fields."));
    }
    let names: HashSet<String> = fields.iter().map(|field| field.name.to_lowercase()).collect();
    if names.len() < fields.len() {
        return Err(UserError::invalid("fields", "Give each field a name of its own."));
    }
    match fields.iter().position(|field| !field.is_well_defined()) {
        None => Ok(()),
        Some(nth) => Err(UserError::invalid(
            &format!("fields.{nth}"),
            "Give a name of 1 to 60 characters; a choice 1 to 50 different words of 1 to 100, any other kind none.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: CustomFieldKind, required: bool) -> CustomField {
        let choices = match kind {
            CustomFieldKind::Choice => vec!["Low".to_owned(), "High".to_owned()],
            _ => Vec::new(),
        };
        CustomField {
            name: name.to_owned(),
            kind,
            required,
            choices,
        }
    }

    fn fields() -> CustomFields {
        CustomFields {
            version: 1,
            fields: vec![
                field("employer", CustomFieldKind::Text, true),
                field("income", CustomFieldKind::Number, false),
                field("since", CustomFieldKind::Date, false),
                field("owns a home", CustomFieldKind::Boolean, false),
                field("risk", CustomFieldKind::Choice, false),
            ],
        }
    }

    #[test]
    fn what_must_be_there_is_and_each_is_of_its_kind() {
        let all = json!({ "employer": "First Example", "income": 12.5, "since": "2020-02-29", "owns a home": false,
            "risk": "High", "a field of nobody's": [1] });
        assert_eq!(fields().check(Some(&all)).len(), 0);
        for (values, wrong) in [
            (None, 1),
            (Some(json!({ "employer": " " })), 1),
            (Some(json!({ "employer": 7 })), 1),
            (Some(json!({ "employer": "x".repeat(1_001) })), 1),
            (Some(json!({ "employer": "E", "income": "12" })), 1),
            (
                Some(json!({ "employer": "E", "since": "2021-02-29", "owns a home": "no" })),
                2,
            ),
            (Some(json!({ "employer": "E", "risk": "high" })), 1),
            (Some(json!({ "employer": "E", "risk": null, "income": "" })), 0),
        ] {
            assert_eq!(fields().check(values.as_ref()).len(), wrong, "{values:?}");
        }
    }

    #[test]
    fn a_cell_is_read_as_people_write_it() {
        let known = fields();
        for (name, cell, value) in [
            ("employer", "First Example", json!("First Example")),
            ("income", "12.5", json!(12.5)),
            ("since", "02/29/2020", json!("2020-02-29")),
            ("owns a home", "Yes", json!(true)),
            ("risk", "HIGH", json!("High")),
        ] {
            assert_eq!(known.named(name).unwrap().read(cell), Ok(value), "{name}");
        }
        for (name, cell) in [
            ("income", "much"),
            ("since", "June"),
            ("owns a home", "maybe"),
            ("risk", "none"),
        ] {
            assert!(known.named(name).unwrap().read(cell).is_err(), "{name}");
        }
    }

    #[test]
    fn a_list_has_names_of_their_own_and_choices_where_there_is_a_choice() {
        assert!(check_list(&fields().fields).is_ok());
        let mut twice = fields().fields;
        twice.push(field("Employer", CustomFieldKind::Text, false));
        let mut without = fields().fields;
        without[4].choices.clear();
        let mut unnamed = fields().fields;
        unnamed[0].name = " employer".to_owned();
        for refused in [twice, without, unnamed] {
            assert!(check_list(&refused).is_err(), "{refused:?}");
        }
    }
}
