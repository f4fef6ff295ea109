//! What becomes of each column: recognised by its name, or said by the caller.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    field::{AccountImportField, is_single, suggestion},
    template::AccountImportTemplate,
};
use crate::{accounts::NationalId, platform::gql::UserError};

/// At most this many characters in the name of a field of the business's own.
const LONGEST_CUSTOM_NAME: usize = 100;

/// A column of the file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::accounts) struct Column {
    pub(in crate::accounts) name: String,
    /// The first cells that are not empty; of a column of national ids their last digits.
    pub(in crate::accounts) samples: Vec<String>,
    pub(in crate::accounts) suggested: AccountImportField,
    pub(in crate::accounts) field: AccountImportField,
    /// Under which name, for [`AccountImportField::Custom`].
    pub(in crate::accounts) custom: Option<String>,
}

impl Column {
    /// A column as its name suggests it.
    pub(super) fn suggested(name: String, samples: Vec<String>) -> Self {
        let suggested = suggestion(&name);
        let mut column = Self {
            custom: (suggested == AccountImportField::Custom).then(|| name.clone()),
            name,
            samples,
            suggested,
            field: suggested,
        };
        column.mask_numbers();
        column
    }

    /// Becomes one of the business's own.
    fn make_custom(&mut self) {
        self.suggested = AccountImportField::Custom;
        self.field = AccountImportField::Custom;
        self.custom = Some(self.name.clone());
    }

    /// A number of which the whole is never shown is not shown as a sample either, even where it becomes something else
    /// later.
    fn mask_numbers(&mut self) {
        if self.field == AccountImportField::NationalId {
            for sample in &mut self.samples {
                *sample =
                    NationalId::parse(sample).map_or_else(|_| "***".to_owned(), |number| number.masked());
            }
        }
    }
}

/// What a caller says of one column.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct Choice {
    pub(in crate::accounts) column: String,
    pub(in crate::accounts) field: AccountImportField,
    pub(in crate::accounts) custom: Option<String>,
}

/// Suggests for all columns; what two would become, the second does not.
pub(super) fn suggest(names: Vec<String>, first_rows: &[Vec<String>]) -> Vec<Column> {
    let mut taken = HashSet::new();
    let mut columns: Vec<Column> = (0..)
        .zip(names)
        .map(|(place, name)| {
            let cells = first_rows.iter().filter_map(|row| row.get::<usize>(place));
            let samples = cells
                .filter(|cell| !cell.trim().is_empty())
                .take(3)
                .map(|cell| cell.chars().take(80).collect())
                .collect();
            let mut column = Column::suggested(name, samples);
            if is_single(column.suggested) && !taken.insert(column.suggested) {
                column.make_custom();
            }
            column
        })
        .collect();
    // A column of fees or interest alone says nothing of what the balance is made of.
    let tells = |part: fn(AccountImportField) -> bool| columns.iter().any(|column| part(column.field));
    let is_itemized = tells(AccountImportField::is_an_amount_within)
        && tells(|field| field == AccountImportField::ItemizationDate)
        && tells(|field| field == AccountImportField::ItemizationEvent);
    if !is_itemized {
        columns
            .iter_mut()
            .filter(|column| column.field.is_of_an_itemization())
            .for_each(Column::make_custom);
    }
    columns
}

/// Puts the caller's choices in the place of the suggestions.
///
/// # Errors
/// A user error for every choice that cannot be.
pub(super) fn choose(columns: &mut [Column], choices: Vec<Choice>) -> Result<(), Vec<UserError>> {
    let mut errors = Vec::new();
    for (nth, choice) in choices.into_iter().enumerate() {
        let wanted = choice.column.trim().to_lowercase();
        match columns
            .iter_mut()
            .find(|column| column.name.to_lowercase() == wanted)
        {
            None => errors.push(UserError::invalid(
                &format!("mapping.{nth}.column"),
                "The file has no column of this name.",
            )),
            Some(column) => {
                let is_new = column.field != choice.field;
                column.field = choice.field;
                if is_new {
                    column.mask_numbers();
                }
                column.custom = (choice.field == AccountImportField::Custom).then(|| {
                    choice
                        .custom
                        .unwrap_or_else(|| column.name.clone())
                        .trim()
                        .to_owned()
                });
            }
        }
    }
    errors.extend(clashes(columns));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Two columns cannot become the same.
fn clashes(columns: &[Column]) -> Vec<UserError> {
    let mut errors = Vec::new();
    let (mut fields, mut customs) = (HashSet::new(), HashSet::new());
    for column in columns {
        if is_single(column.field) && !fields.insert(column.field) {
            let message = format!(
                "Column {:?} and another one are mapped to the same field.",
                column.name
            );
            errors.push(UserError::invalid("mapping", message));
        }
        let Some(custom) = &column.custom else { continue };
        if !(1..=LONGEST_CUSTOM_NAME).contains(&custom.chars().count()) {
            let message = format!(
                "Name the custom field of column {:?} with 1 to 100 characters.",
                column.name
            );
            errors.push(UserError::invalid("mapping", message));
        } else if !customs.insert(custom) {
            let message = format!("Two columns are mapped to the custom field {custom:?}.");
            errors.push(UserError::invalid("mapping", message));
        }
    }
    let priority = |field| columns.iter().any(|column| column.field == field);
    if priority(AccountImportField::Priority) && customs.iter().any(|name| *name == "priority") {
        errors.push(UserError::invalid(
            "mapping",
            "Two columns are mapped to the custom field \"priority\".",
        ));
    }
    errors
}

/// Required fields that no column becomes. Where a column has companies' names, each row says whether it needs others.
pub(in crate::accounts) fn missing(
    template: AccountImportTemplate,
    columns: &[Column],
) -> Vec<AccountImportField> {
    let has = |field| columns.iter().any(|column| column.field.tells(field));
    let has_companies = has(AccountImportField::CompanyName);
    template
        .required()
        .iter()
        .copied()
        .filter(|field| !has(*field))
        .filter(|field| !has_companies || !AccountImportTemplate::may_be_a_companys(*field))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::import::field::SYNONYMS;

    fn columns_of(template: &str) -> Vec<Column> {
        let header = template.lines().next().unwrap();
        suggest(header.split(',').map(str::to_owned).collect(), &[])
    }

    #[test]
    fn both_templates_are_recognised_whole() {
        for template in [AccountImportTemplate::Accounts, AccountImportTemplate::Leads] {
            let columns = columns_of(template.file());
            assert_eq!(AccountImportTemplate::of(&columns), template);
            assert_eq!(missing(template, &columns), []);
            let customs: Vec<&str> = columns
                .iter()
                .filter_map(|column| column.custom.as_deref())
                .collect();
            let expected: &[&str] = if template == AccountImportTemplate::Leads {
                &["type"]
            } else {
                &[]
            };
            assert_eq!(
                customs, expected,
                "what has no field of its own becomes one of the business's"
            );
        }
    }

    #[test]
    fn synonyms_are_recognised_and_each_field_once() {
        let names = [
            "Acct. No.",
            "Amount Due",
            "SURNAME",
            "Mobile Phone",
            "Cell",
            "Employer",
            "Column 7",
            "SSN / ITIN",
            "Company",
        ];
        let columns = suggest(names.map(str::to_owned).to_vec(), &[]);
        let fields: Vec<_> = columns.iter().map(|column| column.field).collect();
        assert_eq!(
            fields,
            [
                AccountImportField::AccountNumber,
                AccountImportField::CurrentBalance,
                AccountImportField::LastName,
                AccountImportField::MobilePhone,
                AccountImportField::Custom,
                AccountImportField::Custom,
                AccountImportField::Ignore,
                AccountImportField::NationalId,
                AccountImportField::CompanyName,
            ]
        );
        let all: Vec<&str> = SYNONYMS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        assert_eq!(
            all.iter().collect::<HashSet<_>>().len(),
            all.len(),
            "no name means two fields"
        );
    }

    #[test]
    fn what_a_balance_is_made_of_is_recognised_where_it_is_told_whole() {
        let fields = |names: &[&str]| {
            let columns = suggest(names.iter().map(|name| (*name).to_owned()).collect(), &[]);
            columns.iter().map(|column| column.field).collect::<Vec<_>>()
        };
        use AccountImportField::{Custom, Fees, Interest, ItemizationDate, ItemizationEvent, Principal};
        assert_eq!(fields(&["Interest", "Fees"]), [Custom, Custom]);
        assert_eq!(fields(&["Itemization Date", "Fees"]), [Custom, Custom]);
        assert_eq!(
            fields(&[
                "Principal",
                "Interest",
                "Fees",
                "Itemization Date",
                "Itemization Event"
            ]),
            [Principal, Interest, Fees, ItemizationDate, ItemizationEvent]
        );
    }

    #[test]
    fn samples_never_hold_a_whole_national_id() {
        let names = ["SSN", "Social Security", "ident"].map(str::to_owned).to_vec();
        let first = ["123-45-6789", "12345678", "123456780"]
            .map(str::to_owned)
            .to_vec();
        let second = vec!["***".to_owned(); 3];
        let mut columns = suggest(names, &[first, second]);
        assert_eq!(columns[0].samples, ["***-**-6789", "***"]);
        assert_eq!(
            (columns[1].field, columns[1].samples.as_slice()),
            (
                AccountImportField::Custom,
                ["***".to_owned(), "***".to_owned()].as_slice()
            ),
            "the second of its kind becomes something else, and is what it is"
        );
        assert_eq!(columns[2].samples[0], "123456780", "nothing says what it is");
        let chosen = |column: &str, field| Choice {
            column: column.to_owned(),
            field,
            custom: None,
        };
        let choices = vec![
            chosen("ssn", AccountImportField::Ignore),
            chosen("ident", AccountImportField::NationalId),
        ];
        choose(&mut columns, choices).unwrap();
        assert_eq!(columns[0].samples[0], "***-**-6789");
        assert_eq!(columns[2].samples[0], "***-**-6780");
    }

    #[test]
    fn a_choice_must_fit_the_file_and_the_others() {
        let choice = |column: &str, field, custom: Option<&str>| Choice {
            column: column.to_owned(),
            field,
            custom: custom.map(str::to_owned),
        };
        let mut columns = columns_of(AccountImportTemplate::Leads.file());
        let chosen = vec![
            choice(" TYPE ", AccountImportField::Ignore, None),
            choice("notes", AccountImportField::Custom, Some("remark")),
        ];
        choose(&mut columns, chosen).unwrap();
        assert_eq!(columns[4].field, AccountImportField::Ignore);
        assert_eq!(columns[7].custom.as_deref(), Some("remark"));
        for (wrong, problem) in [
            (choice("nowhere", AccountImportField::Phone, None), "no column"),
            (choice("notes", AccountImportField::Phone, None), "same field"),
            (choice("notes", AccountImportField::Custom, Some(" ")), "1 to 100"),
            (
                choice("notes", AccountImportField::Custom, Some("priority")),
                "priority",
            ),
        ] {
            let mut columns = columns_of(AccountImportTemplate::Leads.file());
            let errors = choose(&mut columns, vec![wrong]).unwrap_err();
            assert!(errors[0].message.contains(problem), "{errors:?}");
        }
    }
}
