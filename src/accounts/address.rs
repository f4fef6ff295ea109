//! Postal addresses in one spelling: the rules of a state apply where the address says that state, so a US address names it
//! by its USPS code, whatever was typed.

use std::{collections::BTreeMap, sync::LazyLock};

use super::PostalAddress;
use crate::platform::{gql::UserError, phone::PhoneNumber};

/// The names and the codes themselves, in lower case.
static STATES: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../policies/geo/states.csv").lines();
    let rows = lines.filter(|line| !line.starts_with('#')).skip(1);
    rows.filter_map(|row| row.split_once(','))
        .flat_map(|(name, code)| [(name.to_lowercase(), code), (code.to_lowercase(), code)])
        .collect()
});

/// How the United States are written where a country is asked for.
const UNITED_STATES: [&str; 3] = ["US", "USA", "UNITED STATES"];

/// The USPS code of a US state, district or territory, given by code or name in any case, with or without full stops.
pub fn usps_code(text: &str) -> Option<&'static str> {
    let bare = text.replace('.', "").to_lowercase();
    let words: Vec<&str> = bare.split_whitespace().collect();
    STATES.get(words.join(" ").as_str()).copied()
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressProblem {
    /// The name of the input field.
    pub field: &'static str,
    /// What to do, in words that repeat nothing of the address.
    pub message: &'static str,
}

pub(super) const UNKNOWN_STATE: &str = "Give a US state or territory by its USPS code, such as TX, or its name; name the country of an address abroad.";

impl AddressProblem {
    /// As an error of `input.<prefix>.<field>`.
    pub fn at(self, prefix: &str) -> UserError {
        UserError::invalid(&format!("{prefix}.{}", self.field), self.message)
    }
}

impl PostalAddress {
    /// The address without blanks around its parts and empty ones, its country as ISO code, and the state of a US address as
    /// USPS code. One without a country is in the US.
    ///
    /// # Errors
    /// A country that is no code, a state of the US that there is not.
    pub fn normalised(&self) -> Result<Self, AddressProblem> {
        let tidy = |part: &Option<String>| {
            let part = part.as_deref().map(str::trim).filter(|part| !part.is_empty());
            part.map(str::to_owned)
        };
        let country = match tidy(&self.country).map(|country| country.replace('.', "").to_uppercase()) {
            Some(country) if UNITED_STATES.contains(&country.as_str()) => Some("US".to_owned()),
            Some(country) if country.len() == 2 && PhoneNumber::knows_region(&country) => Some(country),
            Some(_) => {
                return Err(AddressProblem {
                    field: "country",
                    message: "Give a country code of two letters, such as US (ISO 3166-1 alpha-2).",
                });
            }
            None => None,
        };
        let state = match tidy(&self.state) {
            Some(state) if country.as_deref().is_none_or(|country| country == "US") => {
                let code = usps_code(&state).ok_or(AddressProblem {
                    field: "state",
                    message: UNKNOWN_STATE,
                })?;
                Some(code.to_owned())
            }
            state => state,
        };
        Ok(Self {
            line1: tidy(&self.line1),
            line2: tidy(&self.line2),
            city: tidy(&self.city),
            state,
            postal_code: tidy(&self.postal_code),
            country,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_state(state: &str, country: Option<&str>) -> Result<Option<String>, &'static str> {
        let address = PostalAddress {
            line1: None,
            line2: None,
            city: None,
            state: Some(state.to_owned()),
            postal_code: None,
            country: country.map(str::to_owned),
        };
        let normalised = address.normalised();
        normalised
            .map(|address| address.state)
            .map_err(|problem| problem.field)
    }

    #[test]
    fn a_state_is_known_by_code_and_name_however_it_is_typed() {
        for typed in ["MA", "ma", " Ma ", "Massachusetts", "MASSACHUSETTS", "M.A."] {
            assert_eq!(in_state(typed, None), Ok(Some("MA".to_owned())), "{typed}");
        }
        for (typed, code) in [
            ("new  york", "NY"),
            ("District of Columbia", "DC"),
            ("Washington, D.C.".replace(',', "").as_str(), "DC"),
            ("Puerto Rico", "PR"),
            ("ae", "AE"),
        ] {
            assert_eq!(in_state(typed, Some("usa")), Ok(Some(code.to_owned())), "{typed}");
        }
        assert_eq!(in_state("  ", None), Ok(None));
    }

    #[test]
    fn what_is_no_state_is_refused_and_abroad_it_is_left_alone() {
        for typed in ["XX", "Massachusets", "Bavaria", "MA 02134"] {
            assert_eq!(in_state(typed, Some("US")), Err("state"), "{typed}");
        }
        assert_eq!(in_state(" Ontario", Some("ca")), Ok(Some("Ontario".to_owned())));
        assert_eq!(in_state("Texas", Some("Texas")), Err("country"));
    }

    #[test]
    fn every_code_has_a_name() {
        let codes: std::collections::BTreeSet<&str> = STATES.values().copied().collect();
        assert_eq!(
            codes.len(),
            50 + 1 + 5 + 3 + 3,
            "states, DC, territories, associated states, military"
        );
        for code in codes {
            assert_eq!(usps_code(code), Some(code));
        }
    }
}
