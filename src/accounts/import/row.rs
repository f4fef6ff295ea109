//! Reads one row of a file: what it says of a person and a debt, or what is wrong with it.

mod components;
mod dates;
mod origin;
mod phones;
mod words;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    columns::Column,
    field::AccountImportField as Field,
    finding::{Finding, ImportFindingCode},
    reader::Record,
    template::AccountImportTemplate,
    values::{is_formula, parse_amount, sentence},
};
use crate::{
    accounts::{
        DebtType, NationalId, PostalAddress,
        address::{UNKNOWN_STATE, usps_code},
        custom_fields::CustomFields,
        match_key::{MatchKey, Told},
        model::MOST_TAGS,
        notes,
    },
    platform::email::EmailAddress,
};

/// At most this many bytes of custom fields, as JSON.
const MOST_CUSTOM_BYTES: usize = 16 * 1024;

/// A phone number or e-mail address, checked.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct ParsedContact {
    /// `PHONE` or `EMAIL`.
    pub(super) kind: String,
    /// As it is stored.
    pub(super) written: String,
    /// As it is indexed.
    pub(super) normalised: String,
    /// As it stood in the file.
    pub(super) original: String,
    /// Of a number, what the name of its column says that it is connected to, as the database spells it.
    #[serde(default)]
    pub(super) line_type: Option<String>,
    /// Where it reaches the person, likewise.
    #[serde(default)]
    pub(super) contact_use: Option<String>,
}

/// What a balance is made of, checked.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct ParsedComponents {
    pub(super) principal_minor: i64,
    pub(super) interest_minor: i64,
    pub(super) fees_minor: i64,
    pub(super) costs_minor: i64,
    pub(super) itemization_date: NaiveDate,
    /// As the database spells it.
    pub(super) itemization_event: String,
}

/// What a row says, checked.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct ParsedRow {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(default)]
    pub(super) company_name: Option<String>,
    pub(super) reference: Option<String>,
    /// None for a lead: it gets one when it is placed.
    pub(super) account_number: Option<String>,
    pub(super) contacts: Vec<ParsedContact>,
    pub(super) address: Option<PostalAddress>,
    pub(super) original_creditor: Option<String>,
    #[serde(default)]
    pub(super) creditor: Option<String>,
    #[serde(default)]
    pub(super) placement: Option<String>,
    pub(super) balance_minor: i64,
    pub(super) original_minor: Option<i64>,
    pub(super) due_date: Option<NaiveDate>,
    /// The last day on which suit may be brought.
    #[serde(default)]
    pub(super) limitation: Option<NaiveDate>,
    #[serde(default)]
    pub(super) debt_type: Option<DebtType>,
    #[serde(default)]
    pub(super) components: Option<ParsedComponents>,
    pub(super) language: String,
    /// As the database spells it.
    #[serde(default)]
    pub(super) channel: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) birth_date: Option<NaiveDate>,
    #[serde(default, with = "super::staged_number")]
    pub(super) national_id: Option<NationalId>,
    pub(super) note: Option<String>,
    pub(super) custom: Option<Value>,
}

impl ParsedRow {
    /// What it tells of who the person is; its match key beside it.
    pub(super) fn told<'a>(&'a self, key: Option<&'a MatchKey>) -> Told<'a> {
        Told {
            reference: self.reference.as_deref(),
            national_id: self.national_id.as_ref(),
            birth_date: self.birth_date,
            key,
        }
    }

    /// By what the person is known again who has no reference.
    pub(super) fn match_key(&self) -> Option<MatchKey> {
        MatchKey::of(
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            self.birth_date,
            self.address.as_ref(),
        )
    }

    /// What tells two rows of a file apart: the account number, for a lead the first phone number.
    pub(super) fn identity(&self) -> Option<String> {
        match &self.account_number {
            Some(number) => Some(format!("number {number}")),
            None => self.phone().map(|phone| format!("phone {phone}")),
        }
    }

    /// The first phone number.
    pub(super) fn phone(&self) -> Option<&str> {
        let phone = self.contacts.iter().find(|contact| contact.kind == "PHONE");
        phone.map(|contact| contact.normalised.as_str())
    }
}

/// What was read of a row.
pub(super) struct ReadRow {
    /// What it says, or what is wrong with it.
    pub(super) parsed: Result<ParsedRow, Vec<Finding>>,
    /// Numbers that it says are not to be called (E.164), if it says so: whatever else is wrong with the row, this holds.
    /// Empty where none of them can be read.
    pub(super) do_not_call: Option<Vec<String>>,
}

/// Reads rows by a mapping.
pub(super) struct RowParser<'a> {
    columns: &'a [Column],
    template: AccountImportTemplate,
    custom: &'a CustomFields,
    today: NaiveDate,
}

/// One row while it is read.
struct Reading<'a> {
    parser: &'a RowParser<'a>,
    record: &'a Record,
    findings: Vec<Finding>,
}

impl<'a> RowParser<'a> {
    /// With the custom fields that the business has.
    pub(super) fn new(
        columns: &'a [Column],
        template: AccountImportTemplate,
        custom: &'a CustomFields,
        today: NaiveDate,
    ) -> Self {
        Self {
            columns,
            template,
            custom,
            today,
        }
    }

    /// What the row says, and what is wrong with it: something blocking, or a row.
    pub(super) fn parse(&self, record: &Record) -> ReadRow {
        let mut reading = Reading {
            parser: self,
            record,
            findings: Vec::new(),
        };
        reading.check_cells();
        let row = reading.row();
        let do_not_call = reading.do_not_call().then(|| reading.readable_phones(&row));
        ReadRow {
            parsed: if reading.findings.is_empty() {
                Ok(row)
            } else {
                Err(reading.findings)
            },
            do_not_call,
        }
    }
}

impl Reading<'_> {
    fn find(&mut self, column: Option<usize>, code: ImportFindingCode, message: impl Into<String>) {
        self.findings.push(Finding {
            row: self.record.row,
            column,
            code,
            message: message.into(),
        });
    }

    /// What no cell may hold, whatever becomes of it.
    fn check_cells(&mut self) {
        let known = self.parser.columns.len();
        if self
            .record
            .cells
            .iter()
            .skip(known)
            .any(|cell| !cell.trim().is_empty())
        {
            let message = format!(
                "The row has more cells than the file has columns ({known}): put a cell that holds a separator into quotation marks."
            );
            self.find(None, ImportFindingCode::TooManyCells, message);
        }
        for place in 0..known.min(self.record.cells.len()) {
            let column = &self.parser.columns[place];
            if column.field == Field::Ignore {
                continue;
            }
            let cell = self.record.cells[place].as_str();
            if cell
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n'))
            {
                let message = "The cell holds a control character: take it out.";
                self.find(Some(place), ImportFindingCode::InvalidCharacter, message);
            } else if is_formula(cell) {
                // CWE-1236: what is exported again would be run by the spreadsheet that opens it.
                let message = "The cell begins like a formula of a spreadsheet: write its value instead.";
                self.find(Some(place), ImportFindingCode::Formula, message);
            }
        }
    }

    /// The cell of a field, trimmed; nothing when it is empty, and a finding when it must not be.
    fn cell(&mut self, field: Field) -> Option<(usize, String)> {
        let place = self
            .parser
            .columns
            .iter()
            .position(|column| column.field == field)?;
        let cell = self.record.cells.get(place).map_or("", |cell| cell.trim());
        if cell.is_empty() {
            // Whether there is any number is looked at when all were read.
            if field != Field::Phone && self.is_required(field) {
                let message = "Fill this cell in.";
                self.find(Some(place), ImportFindingCode::MissingValue, message);
            }
            return None;
        }
        Some((place, cell.to_owned()))
    }

    /// Whether the row must tell it: of a company not the names of a contact, and without columns for these, the company.
    fn is_required(&self, field: Field) -> bool {
        let required = self.parser.template.required();
        let has = |field| self.parser.columns.iter().any(|column| column.field == field);
        if field == Field::CompanyName {
            let names = [Field::FirstName, Field::LastName];
            return names.iter().any(|name| required.contains(name) && !has(*name));
        }
        let is_company = || {
            let mut columns = self.parser.columns.iter().zip(&self.record.cells);
            columns.any(|(column, cell)| column.field == Field::CompanyName && !cell.trim().is_empty())
        };
        required.contains(&field) && !(AccountImportTemplate::may_be_a_companys(field) && is_company())
    }

    /// A text of at most so many characters.
    fn text(&mut self, field: Field, most: usize) -> Option<String> {
        let (place, cell) = self.cell(field)?;
        if cell.chars().count() > most {
            let message = format!("At most {most} characters.");
            self.find(Some(place), ImportFindingCode::TooLong, message);
            return None;
        }
        Some(cell)
    }

    fn row(&mut self) -> ParsedRow {
        let country = self.country();
        let region = country.as_deref().unwrap_or("US");
        let mut contacts = self.phones(region);
        contacts.extend(self.email());
        let (creditor, placement) = self.origin();
        let balance = self.amount(Field::CurrentBalance);
        ParsedRow {
            first_name: self.text(Field::FirstName, 100),
            last_name: self.text(Field::LastName, 100),
            company_name: self.text(Field::CompanyName, 200),
            reference: self.text(Field::ExternalDebtorReference, 100),
            account_number: self.text(Field::AccountNumber, 64),
            contacts,
            address: self.address(country),
            original_creditor: self.text(Field::OriginalCreditor, 200),
            creditor,
            placement,
            balance_minor: balance.unwrap_or(0),
            components: self.components(balance),
            original_minor: self.amount(Field::OriginalBalance),
            due_date: self.due_date(),
            limitation: self.limitation(),
            debt_type: self.debt_type(),
            language: self.language(),
            channel: self
                .preferred_channel()
                .map(|channel| channel.as_str().to_owned()),
            tags: self.tags(),
            birth_date: self.birth_date(),
            national_id: self.national_id(),
            note: self.text(Field::Notes, notes::MOST_CHARACTERS),
            custom: self.custom_fields(),
        }
    }

    fn email(&mut self) -> Option<ParsedContact> {
        let (place, original) = self.cell(Field::Email)?;
        match EmailAddress::parse(&original) {
            Ok(email) => Some(ParsedContact {
                kind: "EMAIL".to_owned(),
                written: email.as_str().to_owned(),
                normalised: email.normalised(),
                original,
                line_type: None,
                contact_use: None,
            }),
            Err(error) => {
                self.find(Some(place), ImportFindingCode::InvalidEmail, sentence(&error));
                None
            }
        }
    }

    fn amount(&mut self, field: Field) -> Option<i64> {
        let (place, cell) = self.cell(field)?;
        match parse_amount(&cell) {
            Ok(amount) => Some(amount.minor()),
            Err(_) => {
                let message =
                    "Give an amount in US dollars that is not negative, such as 1250.50 or $1,250.50.";
                self.find(Some(place), ImportFindingCode::InvalidAmount, message);
                None
            }
        }
    }

    fn national_id(&mut self) -> Option<NationalId> {
        let (place, cell) = self.cell(Field::NationalId)?;
        match NationalId::parse(&cell) {
            Ok(number) => Some(number),
            Err(error) => {
                self.find(
                    Some(place),
                    ImportFindingCode::InvalidNationalId,
                    sentence(&error),
                );
                None
            }
        }
    }

    fn address(&mut self, country: Option<String>) -> Option<PostalAddress> {
        let address = PostalAddress {
            line1: self.text(Field::Line1, 200),
            line2: self.text(Field::Line2, 200),
            city: self.text(Field::City, 200),
            state: self.state(country.as_deref()),
            postal_code: self.text(Field::PostalCode, 200),
            country: None,
        };
        let known = [
            &address.line1,
            &address.line2,
            &address.city,
            &address.state,
            &address.postal_code,
        ];
        // A country alone tells how to read phone numbers, not where somebody lives.
        let is_known = known.iter().any(|part| part.is_some());
        is_known.then_some(PostalAddress { country, ..address })
    }

    /// The state of a US address as USPS code: its rules apply.
    fn state(&mut self, country: Option<&str>) -> Option<String> {
        let state = self.text(Field::State, 200)?;
        if country.is_some_and(|country| country != "US") {
            return Some(state);
        }
        let code = usps_code(&state).map(str::to_owned);
        if code.is_none() {
            let place = self.cell(Field::State).map(|(place, _)| place);
            self.find(place, ImportFindingCode::InvalidChoice, UNKNOWN_STATE);
        }
        code
    }

    /// The numbers that are known for certain: one without a country code is read by the row's country, which may be wrong.
    fn readable_phones(&self, row: &ParsedRow) -> Vec<String> {
        let wrong_country = |finding: &Finding| finding.code == ImportFindingCode::InvalidCountry;
        let country_is_wrong = self.findings.iter().any(wrong_country);
        let phones = row.contacts.iter().filter(|contact| contact.kind == "PHONE");
        phones
            .filter(|phone| !country_is_wrong || phone.original.starts_with('+'))
            .map(|phone| phone.normalised.clone())
            .collect()
    }

    /// Whether the row says so in words that can be read; for others there is a finding.
    fn do_not_call(&mut self) -> bool {
        let Some((place, cell)) = self.cell(Field::DoNotCall) else {
            return false;
        };
        match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "t" | "1" => true,
            "false" | "no" | "n" | "f" | "0" => false,
            _ => {
                // Never taken for "no": somebody may have asked not to be called.
                let message = "Write true or false.";
                self.find(Some(place), ImportFindingCode::InvalidChoice, message);
                false
            }
        }
    }

    /// All columns that become tags.
    fn tags(&mut self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for place in 0..self.parser.columns.len() {
            if self.parser.columns[place].field != Field::Tags {
                continue;
            }
            let cell = self.record.cells.get(place).map_or("", String::as_str);
            let words = cell
                .split([';', '|'])
                .map(str::trim)
                .filter(|word| !word.is_empty());
            let words: Vec<String> = words.map(str::to_owned).collect();
            if words.iter().any(|word| word.chars().count() > 50) || tags.len() + words.len() > MOST_TAGS {
                let message = "At most 50 labels of at most 50 characters each, separated by semicolons.";
                self.find(Some(place), ImportFindingCode::TooLong, message);
                continue;
            }
            tags.extend(words);
        }
        tags.sort();
        tags.dedup();
        tags
    }

    fn custom_fields(&mut self) -> Option<Value> {
        let mut fields = Map::new();
        let (columns, custom) = (self.parser.columns, self.parser.custom);
        for (place, column) in columns.iter().enumerate() {
            let cell = self.record.cells.get(place).map_or("", |cell| cell.trim());
            let Some(name) = column.custom.as_ref().filter(|_| !cell.is_empty()) else {
                continue;
            };
            match custom
                .named(name)
                .map_or_else(|| Ok(json!(cell)), |field| field.read(cell))
            {
                Ok(value) => {
                    fields.insert(name.clone(), value);
                }
                Err(wrong) => self.find(Some(place), wrong.finding(), wrong.sentence()),
            }
        }
        if let Some((place, cell)) = self.cell(Field::Priority) {
            let word = cell.to_ascii_lowercase();
            if !["low", "normal", "high", "urgent"].contains(&word.as_str()) {
                let message = "Write low, normal, high or urgent.";
                self.find(Some(place), ImportFindingCode::InvalidChoice, message);
            }
            fields.insert("priority".to_owned(), Value::String(word));
        }
        let fields = Value::Object(fields);
        self.check_required(&fields);
        if fields == json!({}) {
            return None;
        }
        if fields.to_string().len() > MOST_CUSTOM_BYTES {
            let message = "The row's custom fields are longer than 16 KiB together.";
            self.find(None, ImportFindingCode::TooLong, message);
        }
        Some(fields)
    }

    /// What the business asks of every account, and the row's cells leave out.
    fn check_required(&mut self, fields: &Value) {
        let (columns, custom) = (self.parser.columns, self.parser.custom);
        for field in custom.missing(Some(fields)) {
            let place = columns
                .iter()
                .position(|column| column.custom.as_ref() == Some(&field.name));
            let is_told = place
                .and_then(|place| self.record.cells.get(place))
                .is_some_and(|cell| !cell.trim().is_empty());
            // Of one that cannot be read it was said.
            if is_told {
                continue;
            }
            let message = match place {
                Some(_) => "Fill this cell in.".to_owned(),
                None => format!(
                    "Your business asks for the custom field {} of every account.",
                    field.name
                ),
            };
            self.find(place, ImportFindingCode::MissingValue, message);
        }
    }
}

#[cfg(test)]
mod tests;
