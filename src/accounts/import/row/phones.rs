//! The row's telephone numbers, with what the names of their columns tell of them.

use super::{Field, ImportFindingCode, ParsedContact, Reading, sentence};
use crate::{
    accounts::{ContactPointUse, LineType},
    platform::phone::PhoneNumber,
};

/// The columns of numbers in their order of preference, with what each tells of its number.
const COLUMNS: [(Field, LineType, ContactPointUse); 5] = [
    (Field::Phone, LineType::Unknown, ContactPointUse::Unknown),
    (Field::MobilePhone, LineType::Mobile, ContactPointUse::Unknown),
    (Field::PhoneSecondary, LineType::Unknown, ContactPointUse::Unknown),
    (Field::HomePhone, LineType::Unknown, ContactPointUse::Home),
    (Field::WorkPhone, LineType::Unknown, ContactPointUse::Work),
];

impl Reading<'_> {
    /// All numbers, each once: one that stands in two columns is what both say.
    pub(super) fn phones(&mut self, region: &str) -> Vec<ParsedContact> {
        let mut phones: Vec<ParsedContact> = Vec::new();
        let mut is_told = false;
        for (field, line_type, contact_use) in COLUMNS {
            let Some((place, original)) = self.cell(field) else {
                continue;
            };
            is_told = true;
            let phone = match PhoneNumber::parse_lenient(&original, region) {
                Ok(phone) => phone.as_e164().to_owned(),
                Err(error) => {
                    self.find(Some(place), ImportFindingCode::InvalidPhone, sentence(&error));
                    continue;
                }
            };
            let at = match phones.iter().position(|known| known.normalised == phone) {
                Some(at) => at,
                None => {
                    phones.push(ParsedContact {
                        kind: "PHONE".to_owned(),
                        written: phone.clone(),
                        normalised: phone,
                        original,
                        line_type: None,
                        contact_use: None,
                    });
                    phones.len() - 1
                }
            };
            let known = &mut phones[at];
            if line_type != LineType::Unknown {
                known.line_type = Some(line_type.as_str().to_owned());
            }
            // Who may be disturbed at work is asked more: where two columns differ, that counts.
            if contact_use == ContactPointUse::Work || known.contact_use.is_none() {
                let word = (contact_use != ContactPointUse::Unknown).then(|| contact_use.as_str().to_owned());
                known.contact_use = word.or(known.contact_use.take());
            }
        }
        if !is_told && self.parser.template.required().contains(&Field::Phone) {
            let columns = &self.parser.columns;
            let place = columns.iter().position(|column| column.field.is_a_phone());
            self.find(place, ImportFindingCode::MissingValue, "Fill this cell in.");
        }
        phones
    }
}
