//! The number by which a state knows a person. Of the United States alone: a social security number, or the taxpayer
//! number of somebody who has none. Other countries' numbers are refused, not stored unchecked.

use std::fmt;

use crate::platform::{keys::TenantKeys, secret::Masked};

/// Numbers that were printed on sample cards and taken for their own by thousands: they tell nobody apart
/// (Social Security Administration, <https://www.ssa.gov/history/ssn/misused.html>).
const PRINTED: [&str; 2] = ["078051120", "219099999"];

/// A social security number (SSN), or an individual taxpayer identification number (ITIN), whole.
///
/// `Debug` masks it and there is no `Display`: what may be shown is [`NationalId::masked`].
#[derive(Clone, PartialEq, Eq)]
pub struct NationalId(Masked<String>);

/// Why a text is no national id. The texts never repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NationalIdError {
    /// Not nine digits, or grouped otherwise.
    #[error(
        "a social security number or ITIN has nine digits, such as AAA-GG-SSSS (spreadsheets drop zeros at the \
         beginning)"
    )]
    Digits,
    /// Area, group or serial number that is never assigned.
    #[error(
        "no social security number begins with 000 or 666, has 00 in the middle or ends with 0000, and no ITIN has such \
         digits in the middle"
    )]
    NeverIssued,
    /// One of those on sample cards.
    #[error("this number was printed on sample cards and is nobody's")]
    Sample,
}

impl NationalId {
    /// Reads a number: nine digits, bare or grouped as on the card by hyphens or spaces.
    ///
    /// # Errors
    /// Says what is wrong without repeating the number.
    pub fn parse(text: &str) -> Result<Self, NationalIdError> {
        let digits = digits(text).ok_or(NationalIdError::Digits)?;
        let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
        let is_issued = if area.starts_with('9') {
            is_itin_group(group)
        } else {
            // SSA, Program Operations Manual System RM 10201.035.
            area != "000" && area != "666" && group != "00" && serial != "0000"
        };
        if !is_issued {
            return Err(NationalIdError::NeverIssued);
        }
        if PRINTED.contains(&digits.as_str()) {
            return Err(NationalIdError::Sample);
        }
        Ok(Self(Masked::new(digits)))
    }

    /// One that was checked when it was written down: what is refused later does not make it unreadable.
    pub(super) fn stored(digits: &str) -> Self {
        Self(Masked::from(digits))
    }

    /// The nine digits, to be sealed; whoever calls this answers for where they go.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What may be shown: the last four digits.
    pub fn masked(&self) -> String {
        format!("***-**-{}", self.0.expose().get(5..).unwrap_or_default())
    }

    /// By what it is found, as it is stored.
    pub(super) fn blind(&self, keys: &TenantKeys) -> Vec<u8> {
        keys.blind(&self.indexed()).to_vec()
    }

    /// As it may have been stored, under whatever version of the business's key.
    pub(super) fn blinds(&self, keys: &TenantKeys) -> Vec<Vec<u8>> {
        keys.blinds(&self.indexed())
    }

    /// With a word in front: telephone numbers are indexed under the same key.
    fn indexed(&self) -> String {
        format!("national id\u{1f}US\u{1f}{}", self.0.expose())
    }
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalId(***)")
    }
}

/// Nine digits: together, or three, two and four. An employer's number (two and seven) is none.
fn digits(text: &str) -> Option<String> {
    let is_separator = |c: char| c == '-' || c == ' ' || c == '\u{2011}';
    let groups: Vec<&str> = text
        .trim()
        .split(is_separator)
        .filter(|group| !group.is_empty())
        .collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = groups.concat();
    let fits = matches!(lengths.as_slice(), [9] | [3, 2, 4]) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(digits)
}

/// The fourth and fifth digits of a number that the Internal Revenue Service gives to who has no social security number
/// (Internal Revenue Manual 3.21.263). The others that begin with 9 are for the time being: of children who are being
/// adopted (93), or the service's own.
fn is_itin_group(group: &str) -> bool {
    matches!(group.parse::<u8>(), Ok(50..=65 | 70..=88 | 90..=92 | 94..=99))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_number(area: u32, group: u32, serial: u32) -> bool {
        let itin_group = (50..=99).contains(&group) && ![66, 67, 68, 69, 89, 93].contains(&group);
        match area {
            0 | 666 => false,
            900.. => itin_group,
            _ => {
                group != 0 && serial != 0 && ![(78, 5, 1120), (219, 9, 9999)].contains(&(area, group, serial))
            }
        }
    }

    /// Numbers of which many are at an edge.
    fn parts() -> impl Strategy<Value = (u32, u32, u32)> {
        let area = prop_oneof![0_u32..1000, Just(0), Just(666), 899_u32..=900, 900_u32..1000];
        let serial = prop_oneof![0_u32..10_000, Just(0)];
        (area, 0_u32..100, serial)
    }

    proptest! {
        #[test]
        fn what_is_never_issued_is_refused_and_all_else_is_the_same_however_it_is_written(
            (area, group, serial) in parts(),
            separator in prop_oneof![Just("-"), Just(" "), Just(""), Just(" - "), Just("\u{2011}")],
        ) {
            let written = format!(" {area:03}{separator}{group:02}{separator}{serial:04} ");
            match NationalId::parse(&written) {
                Ok(id) => {
                    prop_assert!(is_number(area, group, serial), "{written}");
                    prop_assert_eq!(id.expose(), format!("{area:03}{group:02}{serial:04}"));
                    prop_assert_eq!(NationalId::parse(id.expose()), Ok(id.clone()));
                    prop_assert_eq!(&NationalId::stored(id.expose()), &id);
                    prop_assert_eq!(id.masked(), format!("***-**-{serial:04}"));
                    prop_assert_eq!(format!("{id:?}"), "NationalId(***)");
                }
                Err(error) => {
                    prop_assert!(!is_number(area, group, serial), "{written}: {error}");
                    prop_assert!(!error.to_string().contains(written.trim()));
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(id) = NationalId::parse(&text) {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                prop_assert_eq!(id.expose(), digits);
            }
        }
    }

    #[test]
    fn the_reason_is_told() {
        for (text, reason) in [
            ("", NationalIdError::Digits),
            ("12345678", NationalIdError::Digits),
            ("1234567890", NationalIdError::Digits),
            ("12-3456789", NationalIdError::Digits),
            ("123-456-789", NationalIdError::Digits),
            ("12345678x", NationalIdError::Digits),
            ("１２３４５６７８９", NationalIdError::Digits),
            ("000-12-3456", NationalIdError::NeverIssued),
            ("666-12-3456", NationalIdError::NeverIssued),
            ("123-00-4567", NationalIdError::NeverIssued),
            ("123-45-0000", NationalIdError::NeverIssued),
            ("900-49-1234", NationalIdError::NeverIssued),
            ("912-93-1234", NationalIdError::NeverIssued),
            ("078-05-1120", NationalIdError::Sample),
            ("219099999", NationalIdError::Sample),
        ] {
            assert_eq!(NationalId::parse(text), Err(reason), "{text}");
        }
        for text in ["123-45-6789", "900-70-0000", "899 99 9999"] {
            assert!(NationalId::parse(text).is_ok(), "{text}");
        }
    }
}
