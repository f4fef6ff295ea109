//! Cells that hold one of a few words: a country, a language, a kind of debt.

use super::{Field, ImportFindingCode, Reading};
use crate::{
    accounts::DebtType,
    platform::{
        language::{NO_LANGUAGE, language_tag},
        phone::PhoneNumber,
    },
};

impl Reading<'_> {
    pub(super) fn country(&mut self) -> Option<String> {
        let (place, cell) = self.cell(Field::Country)?;
        let code = cell.to_ascii_uppercase();
        if code.len() == 2 && PhoneNumber::knows_region(&code) {
            return Some(code);
        }
        let message = "Give a country code of two letters, such as US (ISO 3166-1 alpha-2).";
        self.find(Some(place), ImportFindingCode::InvalidCountry, message);
        None
    }

    pub(super) fn language(&mut self) -> String {
        let Some((place, cell)) = self.cell(Field::PreferredLanguage) else {
            return "en".to_owned();
        };
        let tag = language_tag(&cell);
        if tag.is_none() {
            self.find(Some(place), ImportFindingCode::InvalidChoice, NO_LANGUAGE);
        }
        tag.unwrap_or_default()
    }

    pub(super) fn debt_type(&mut self) -> Option<DebtType> {
        let (place, cell) = self.cell(Field::DebtType)?;
        let kind = DebtType::read(&cell);
        if kind.is_none() {
            self.find(Some(place), ImportFindingCode::InvalidChoice, DebtType::choices());
        }
        kind
    }
}
