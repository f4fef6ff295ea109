//! Telephone numbers in E.164 form, masked in logs.

use std::fmt;
use std::str::FromStr;

use phonenumber::country;
use zeroize::Zeroize;

/// ITU-T E.164 section 6.2.1: a number has at most 15 digits including its country code.
const MOST_DIGITS: usize = 15;
/// A number shorter than this, country code included, exists in no numbering plan.
const FEWEST_DIGITS: usize = 7;

/// A telephone number in E.164 form, such as `+12025550143`.
///
/// Its country code exists and its length is possible; whether the number is *assigned* is not asked,
/// because numbering plans change (see [`fits_numbering_plan`](Self::fits_numbering_plan)).
///
/// Personal data: `Debug` masks it and there is no `Display`; read it with [`as_e164`](Self::as_e164).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber {
    e164: String,
}

/// Why a text is not a telephone number. The texts never repeat the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not `+` and 7 to 15 digits.
    #[error("a telephone number is written as + and 7 to 15 digits without spaces, such as +12025550143")]
    NotE164,
    /// Not a text that a person would take for a telephone number.
    #[error(
        "this is not a telephone number: write it as +12025550143, or as it is dialled within the country"
    )]
    NotANumber,
    /// No country has this code.
    #[error("the telephone number's country code does not exist")]
    UnknownCountryCode,
    /// Too few digits for its country.
    #[error("the telephone number has too few digits")]
    TooShort,
    /// Too many digits for its country.
    #[error("the telephone number has too many digits")]
    TooLong,
    /// An extension cannot be sent to or dialled directly.
    #[error("the telephone number must not have an extension")]
    HasExtension,
    /// The default region is not a country.
    #[error("the default region must be a country code of two capital letters, such as US")]
    UnknownRegion,
}

impl PhoneNumber {
    /// Reads a number that is already in E.164 form, as providers and the API give it.
    ///
    /// # Errors
    /// Anything but `+` and the digits of a possible number.
    pub fn parse_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::NotE164)?;
        let right_length = (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len());
        if !right_length || digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::NotE164);
        }
        let number = Self::from_possible(&phonenumber::parse(None, text).map_err(problem)?)?;
        // The library may read digits differently, for example drop a trunk zero after the country code;
        // a strict reading accepts only what it would write itself.
        if number.e164 == text {
            Ok(number)
        } else {
            Err(PhoneError::NotE164)
        }
    }

    /// Reads a number as people write it: `(202) 555-0143`, `+44 20 7946 0000`. Numbers without a country
    /// code are taken to be of `default_region` (ISO 3166, such as `US`).
    ///
    /// # Errors
    /// What is wrong with the number or with the region.
    pub fn parse_lenient(text: &str, default_region: &str) -> Result<Self, PhoneError> {
        let region: country::Id = default_region.parse().map_err(|_| PhoneError::UnknownRegion)?;
        let parsed = phonenumber::parse(Some(region), text.trim()).map_err(problem)?;
        if parsed.extension().is_some() {
            return Err(PhoneError::HasExtension);
        }
        // Through the strict reading, because the library may read its own writing differently: what looks
        // like a trunk prefix is dropped a second time.
        let number = Self::from_possible(&parsed)?;
        Self::parse_e164(&number.e164).map_err(|error| match error {
            PhoneError::NotE164 => PhoneError::NotANumber,
            other => other,
        })
    }

    /// Whether numbers of this country (ISO 3166, such as `US`) can be read without their country code.
    pub fn knows_region(region: &str) -> bool {
        region.parse::<country::Id>().is_ok()
    }

    /// The number as `+` and digits, to send to and to index blindly.
    pub fn as_e164(&self) -> &str {
        &self.e164
    }

    /// The country's calling code, such as 1 or 44.
    pub fn calling_code(&self) -> u16 {
        self.parsed().map_or(0, |number| number.country().code())
    }

    /// The country or territory (ISO 3166, such as `US`) that the numbering plan gives the number to;
    /// `None` for global services and where the plan does not tell.
    pub fn region(&self) -> Option<String> {
        self.parsed()?.country().id().map(|id| id.as_ref().to_owned())
    }

    /// The area code of a number of the North American Numbering Plan (country code 1); also for its
    /// toll-free codes. `None` elsewhere.
    pub fn area_code(&self) -> Option<&str> {
        self.e164
            .strip_prefix("+1")
            .and_then(|national| national.get(..3))
    }

    /// Whether today's numbering plan knows the number's range. A hint for forms, not a test of stored
    /// numbers: the plan is that of the built-in metadata and grows stale.
    pub fn fits_numbering_plan(&self) -> bool {
        self.parsed().is_some_and(|number| number.is_valid())
    }

    fn from_possible(number: &phonenumber::PhoneNumber) -> Result<Self, PhoneError> {
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        let digits = e164.len() - 1;
        if digits > MOST_DIGITS {
            return Err(PhoneError::TooLong);
        }
        // The North American plan is closed: ten digits after the 1, neither area nor exchange code
        // starting with 0 or 1 (NANPA, ATIS-0300051). The library alone would accept seven.
        if let Some(national) = e164.strip_prefix("+1") {
            match national.len() {
                0..10 => return Err(PhoneError::TooShort),
                10 => {}
                _ => return Err(PhoneError::TooLong),
            }
            if [0, 3]
                .iter()
                .any(|&start| matches!(national.as_bytes()[start], b'0' | b'1'))
            {
                return Err(PhoneError::NotANumber);
            }
        }
        if digits < FEWEST_DIGITS {
            return Err(PhoneError::TooShort);
        }
        Ok(Self { e164 })
    }

    fn parsed(&self) -> Option<phonenumber::PhoneNumber> {
        phonenumber::parse(None, &self.e164).ok()
    }
}

fn problem(error: phonenumber::ParseError) -> PhoneError {
    use phonenumber::ParseError;
    match error {
        ParseError::NoNumber | ParseError::MalformedInteger(_) => PhoneError::NotANumber,
        ParseError::InvalidCountryCode => PhoneError::UnknownCountryCode,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneError::TooShort,
        ParseError::TooLong => PhoneError::TooLong,
    }
}

/// The strict reading.
impl FromStr for PhoneNumber {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse_e164(text)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(***)")
    }
}

impl Drop for PhoneNumber {
    fn drop(&mut self) {
        self.e164.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn e164_numbers_are_read_as_they_are() {
        for good in [
            "+12025550143",
            "+442079460000",
            "+4915112345678",
            "+390612345678",
            "+15005550006",
        ] {
            assert_eq!(
                PhoneNumber::parse_e164(good)
                    .map(|n| n.as_e164().to_owned())
                    .as_deref(),
                Ok(good)
            );
        }
    }

    #[test]
    fn anything_but_e164_is_refused_by_the_strict_reading() {
        let reason = |text: &str| PhoneNumber::parse_e164(text).unwrap_err();
        for wrong in [
            "",
            "12025550143",
            "+1 202 555 0143",
            "+1(202)5550143",
            "+0123456789",
            "+1234567890123456",
            "+12345x7890",
        ] {
            assert_eq!(reason(wrong), PhoneError::NotE164, "{wrong}");
        }
        assert_eq!(reason("+1202555014"), PhoneError::TooShort);
        assert_eq!(reason("+120255501433"), PhoneError::TooLong);
        assert_eq!(
            reason("+11025550143"),
            PhoneError::NotANumber,
            "area codes start with 2 to 9"
        );
        assert_eq!(reason("+99912345678"), PhoneError::UnknownCountryCode);
        assert_eq!(
            reason("+4402079460000"),
            PhoneError::NotE164,
            "a trunk zero is not part of E.164"
        );
    }

    #[test]
    fn people_may_write_numbers_their_way() {
        let read = |text: &str, region: &str| {
            PhoneNumber::parse_lenient(text, region).map(|number| number.as_e164().to_owned())
        };
        assert_eq!(read("(202) 555-0143", "US").as_deref(), Ok("+12025550143"));
        assert_eq!(read(" 1-202-555-0143 ", "US").as_deref(), Ok("+12025550143"));
        assert_eq!(read("+44 20 7946 0000", "US").as_deref(), Ok("+442079460000"));
        assert_eq!(read("020 7946 0000", "GB").as_deref(), Ok("+442079460000"));
        assert_eq!(read("555-0143", "US"), Err(PhoneError::TooShort));
        assert_eq!(read("call me", "US"), Err(PhoneError::NotANumber));
        assert_eq!(read("(202) 555-0143 ext. 9", "US"), Err(PhoneError::HasExtension));
        assert_eq!(read("202 555 0143", "Atlantis"), Err(PhoneError::UnknownRegion));
    }

    #[test]
    fn only_north_american_numbers_have_an_area_code() {
        let number = |text| PhoneNumber::parse_e164(text).unwrap();
        assert_eq!(number("+12025550143").area_code(), Some("202"));
        assert_eq!(number("+442079460000").area_code(), None);
        assert_eq!(
            (
                number("+12025550143").calling_code(),
                number("+442079460000").calling_code()
            ),
            (1, 44)
        );
        assert_eq!(number("+12025550143").region().as_deref(), Some("US"));
        assert_eq!(number("+14165550143").region().as_deref(), Some("CA"));
        assert!(number("+12025550143").fits_numbering_plan());
        assert!(
            !number("+15555550143").fits_numbering_plan(),
            "no area has code 555"
        );
    }

    #[test]
    fn debug_output_masks_the_number() {
        assert_eq!(
            format!("{:?}", PhoneNumber::parse_e164("+12025550143").unwrap()),
            "PhoneNumber(***)"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_lenient_reading_accepts_the_strict_one_accepts(text in "[+]?[0-9 ().-]{5,18}") {
            if let Ok(number) = PhoneNumber::parse_lenient(&text, "US") {
                prop_assert_eq!(PhoneNumber::parse_e164(number.as_e164()), Ok(number.clone()));
                prop_assert!(number.as_e164().len() <= MOST_DIGITS + 1);
            }
        }
    }
}
