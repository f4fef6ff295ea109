//! Exact money: whole minor units (cents) and a currency. No floating point, no casts, no silent overflow.
//!
//! - [`Money`]: an amount that can be owed, paid and posted.
//! - [`Currency`]: an ISO 4217 code that knows how many decimals its amounts have.
//! - [`MicroPrice`]: a unit price below the smallest coin, rounded once when it becomes [`Money`].

mod currency;
mod price;

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use currency::Currency;
pub use price::MicroPrice;

/// An exact amount of one currency. May be negative (a ledger entry, a refund).
///
/// There is no `PartialOrd`: amounts of different currencies have no order, see [`Money::compare`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be read or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a currency that funnelchat knows.
    #[error("`{found}` is not a known currency: give an ISO 4217 code of three capital letters, such as USD")]
    UnknownCurrency {
        /// The text found, cut to 16 characters.
        found: String,
    },
    /// Nothing where an amount should be.
    #[error("the amount is empty: write it in digits, such as 12.34")]
    Empty,
    /// A sign where only positive amounts make sense.
    #[error("the amount must not carry a sign: write it in digits only, such as 12.34")]
    SignNotAllowed,
    /// A character that has no place in an amount, such as a comma, a space or an exponent.
    #[error("`{found}` has no place in an amount: write digits and at most one point, such as 12.34")]
    WrongCharacter {
        /// The first such character.
        found: char,
    },
    /// A point without digits on both sides.
    #[error("the amount needs digits before and after its point, such as 0.50")]
    DanglingPoint,
    /// Zeros before the first digit, as in 007.
    #[error("the amount must not start with superfluous zeros")]
    LeadingZero,
    /// More decimals than the currency has.
    #[error("{currency} amounts have at most {allowed} decimals, this one has {found}")]
    TooManyDecimals {
        /// The currency.
        currency: Currency,
        /// How many decimals it has.
        allowed: u8,
        /// How many were given.
        found: usize,
    },
    /// The result does not fit in 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// Two amounts of different currencies were put together.
    #[error("{left} and {right} amounts cannot be put together")]
    CurrencyMismatch {
        /// The first amount's currency.
        left: Currency,
        /// The second amount's currency.
        right: Currency,
    },
}

impl Money {
    /// An amount of `minor` units: `from_minor(1234, USD)` is 12.34 USD.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Reads an amount without a sign, such as `12.34`; fewer decimals than the currency has are fine.
    ///
    /// # Errors
    /// Names what is wrong: signs, exponents, separators, too many decimals, superfluous zeros, overflow.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        if amount.starts_with(['-', '+']) {
            return Err(MoneyError::SignNotAllowed);
        }
        let minor = parse_magnitude(amount, currency)?;
        Ok(Self::from_minor(
            i64::try_from(minor).map_err(|_| MoneyError::Overflow)?,
            currency,
        ))
    }

    /// Reads an amount that may start with a minus sign, such as `-12.34`.
    ///
    /// # Errors
    /// As [`Money::parse`]; a plus sign is refused.
    pub fn parse_signed(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let Some(magnitude) = amount.strip_prefix('-') else {
            return Self::parse(amount, currency);
        };
        let minor = -i128::from(parse_magnitude(magnitude, currency)?);
        Ok(Self::from_minor(
            i64::try_from(minor).map_err(|_| MoneyError::Overflow)?,
            currency,
        ))
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Whether the amount is above zero.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.require_same_currency(other)?;
        self.with_minor(self.minor.checked_add(other.minor))
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.require_same_currency(other)?;
        self.with_minor(self.minor.checked_sub(other.minor))
    }

    /// The amount with the opposite sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the smallest 64-bit number, which has no opposite.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.with_minor(self.minor.checked_neg())
    }

    /// The amount `factor` times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        self.with_minor(self.minor.checked_mul(factor))
    }

    /// The sum of many amounts, all of `currency`; nothing sums to zero.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_sum(
        amounts: impl IntoIterator<Item = Money>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(Self::zero(currency), Self::checked_add)
    }

    /// Compares two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.require_same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Splits the amount into `parts` equal ones; what does not divide evenly goes to the last.
    ///
    /// The parts sum to the amount: 100.00 in three is 33.33, 33.33, 33.34.
    pub fn allocate(self, parts: NonZeroU16) -> Vec<Self> {
        let count = i64::from(parts.get());
        let share = self.minor / count;
        let last = share + self.minor % count;
        let mut split = vec![Self::from_minor(share, self.currency); usize::from(parts.get()) - 1];
        split.push(Self::from_minor(last, self.currency));
        split
    }

    /// The amount as a decimal number with exactly the currency's decimals, such as `-12.34`.
    pub fn to_decimal_string(self) -> String {
        let sign = if self.is_negative() { "-" } else { "" };
        let exponent = usize::from(self.currency.exponent());
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, decimals) = digits.split_at(digits.len() - exponent);
        if decimals.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{decimals}")
        }
    }

    /// The amount as it is written in the United States, in English and Spanish alike: `$1,250.50`, `980.00 MXN`.
    pub fn shown(self) -> String {
        let plain = self.to_decimal_string();
        let (whole, decimals) = plain.split_once('.').unwrap_or((plain.as_str(), ""));
        let digits = whole.len();
        let mut grouped = String::with_capacity(digits + digits / 3);
        for (nth, digit) in whole.chars().enumerate() {
            if nth > 0 && (digits - nth).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let amount = match decimals {
            "" => grouped,
            decimals => format!("{grouped}.{decimals}"),
        };
        match self.currency.code() {
            "USD" => format!("${amount}"),
            code => format!("{amount} {code}"),
        }
    }

    fn require_same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch {
            left: self.currency,
            right: other.currency,
        })
    }

    fn with_minor(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor
            .map(|minor| Self::from_minor(minor, self.currency))
            .ok_or(MoneyError::Overflow)
    }
}

/// Reads digits and an optional point into minor units.
fn parse_magnitude(amount: &str, currency: Currency) -> Result<u64, MoneyError> {
    if amount.is_empty() {
        return Err(MoneyError::Empty);
    }
    let (whole, decimals) = match amount.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (amount, None),
    };
    let decimal_digits = decimals.unwrap_or("");
    let stray = whole
        .chars()
        .chain(decimal_digits.chars())
        .find(|c| !c.is_ascii_digit());
    if let Some(found) = stray {
        return Err(MoneyError::WrongCharacter { found });
    }
    if whole.is_empty() || decimals == Some("") {
        return Err(MoneyError::DanglingPoint);
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(MoneyError::LeadingZero);
    }
    let exponent = usize::from(currency.exponent());
    let missing = exponent
        .checked_sub(decimal_digits.len())
        .ok_or(MoneyError::TooManyDecimals {
            currency,
            allowed: currency.exponent(),
            found: decimal_digits.len(),
        })?;
    let padding = std::iter::repeat_n('0', missing);
    whole
        .chars()
        .chain(decimal_digits.chars())
        .chain(padding)
        .try_fold(0_u64, |minor, character| {
            let digit = character
                .to_digit(10)
                .ok_or(MoneyError::WrongCharacter { found: character })?;
            minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(u64::from(digit)))
                .ok_or(MoneyError::Overflow)
        })
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal_string(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Money({self})")
    }
}

/// The JSON form: `{"amount":"12.34","currency":"USD"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyDocument {
    amount: String,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MoneyDocument {
            amount: self.to_decimal_string(),
            currency: self.currency,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let MoneyDocument { amount, currency } = MoneyDocument::deserialize(deserializer)?;
        Self::parse_signed(&amount, currency).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn usd(amount: &str) -> Money {
        Money::parse_signed(amount, Currency::USD).unwrap()
    }

    #[test]
    fn amounts_are_read_with_the_decimals_of_their_currency() {
        assert_eq!(usd("12.34").minor(), 1234);
        assert_eq!(usd("12.3").minor(), 1230);
        assert_eq!(usd("12").minor(), 1200);
        assert_eq!(usd("0.05").minor(), 5);
        assert_eq!(usd("-0.05").minor(), -5);
        assert_eq!(Money::parse("1234", currency("JPY")).unwrap().minor(), 1234);
        assert_eq!(Money::parse("1.234", currency("KWD")).unwrap().minor(), 1234);
    }

    #[test]
    fn amounts_are_written_with_all_their_decimals() {
        assert_eq!(Money::from_minor(5, Currency::USD).to_decimal_string(), "0.05");
        assert_eq!(Money::from_minor(-1230, Currency::USD).to_string(), "-12.30 USD");
        assert_eq!(Money::from_minor(7, currency("JPY")).to_string(), "7 JPY");
        assert_eq!(Money::from_minor(7, currency("KWD")).to_string(), "0.007 KWD");
        assert_eq!(
            Money::from_minor(i64::MIN, Currency::USD).to_decimal_string(),
            "-92233720368547758.08"
        );
    }

    #[test]
    fn every_malformed_amount_is_refused_with_its_own_reason() {
        let read = |text: &str| Money::parse(text, Currency::USD).unwrap_err();
        assert_eq!(read(""), MoneyError::Empty);
        assert_eq!(read("-1"), MoneyError::SignNotAllowed);
        assert_eq!(read("+1"), MoneyError::SignNotAllowed);
        assert_eq!(read("1e3"), MoneyError::WrongCharacter { found: 'e' });
        assert_eq!(read("1,000"), MoneyError::WrongCharacter { found: ',' });
        assert_eq!(read(" 1"), MoneyError::WrongCharacter { found: ' ' });
        assert_eq!(read("1.2.3"), MoneyError::WrongCharacter { found: '.' });
        assert_eq!(read("٣"), MoneyError::WrongCharacter { found: '٣' });
        assert_eq!(read("."), MoneyError::DanglingPoint);
        assert_eq!(read(".5"), MoneyError::DanglingPoint);
        assert_eq!(read("5."), MoneyError::DanglingPoint);
        assert_eq!(read("007"), MoneyError::LeadingZero);
        assert_eq!(read("99999999999999999999"), MoneyError::Overflow);
        assert_eq!(read("92233720368547758.08"), MoneyError::Overflow);
        assert_eq!(
            read("1.005").to_string(),
            "USD amounts have at most 2 decimals, this one has 3"
        );
        let yen = Money::parse("1.0", currency("JPY")).unwrap_err();
        assert_eq!(
            yen.to_string(),
            "JPY amounts have at most 0 decimals, this one has 1"
        );
        let signed = |text: &str| Money::parse_signed(text, Currency::USD).unwrap_err();
        assert_eq!(signed("--1"), MoneyError::WrongCharacter { found: '-' });
        assert_eq!(signed("+1"), MoneyError::SignNotAllowed);
        assert_eq!(signed("-"), MoneyError::Empty);
    }

    #[test]
    fn currencies_are_never_mixed() {
        let euro = Money::from_minor(1, currency("EUR"));
        let error = usd("1").checked_add(euro).unwrap_err();
        assert_eq!(error.to_string(), "USD and EUR amounts cannot be put together");
        assert!(usd("1").checked_sub(euro).is_err());
        assert!(usd("1").compare(euro).is_err());
        assert!(Money::checked_sum([usd("1"), euro], Currency::USD).is_err());
    }

    #[test]
    fn arithmetic_stops_at_the_edge_instead_of_wrapping() {
        let most = Money::from_minor(i64::MAX, Currency::USD);
        let least = Money::from_minor(i64::MIN, Currency::USD);
        let cent = usd("0.01");
        assert_eq!(most.checked_add(cent), Err(MoneyError::Overflow));
        assert_eq!(least.checked_sub(cent), Err(MoneyError::Overflow));
        assert_eq!(least.checked_neg(), Err(MoneyError::Overflow));
        assert_eq!(most.checked_mul(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_hundred_in_three_leaves_the_odd_cent_to_the_last() {
        let parts = usd("100").allocate(NonZeroU16::new(3).unwrap());
        assert_eq!(parts, [usd("33.33"), usd("33.33"), usd("33.34")]);
    }

    #[test]
    fn json_carries_amounts_as_text() {
        let json = serde_json::to_string(&usd("12.34")).unwrap();
        assert_eq!(json, r#"{"amount":"12.34","currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), usd("12.34"));
        for wrong in [
            r#"{"amount":12.34,"currency":"USD"}"#,
            r#"{"amount":"12.345","currency":"USD"}"#,
            r#"{"amount":"12.34","currency":"usd"}"#,
            r#"{"amount":"12.34"}"#,
            r#"{"amount":"12.34","currency":"USD","cents":1}"#,
        ] {
            assert!(
                serde_json::from_str::<Money>(wrong).is_err(),
                "{wrong} should be refused"
            );
        }
    }

    fn any_currency() -> impl Strategy<Value = Currency> {
        proptest::sample::select(Currency::all().collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_the_identity(minor: i64, currency in any_currency()) {
            let money = Money::from_minor(minor, currency);
            prop_assert_eq!(Money::parse_signed(&money.to_decimal_string(), currency), Ok(money));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn reading_any_text_never_panics(text in ".{0,24}") {
            let _ = Money::parse_signed(&text, Currency::USD);
        }

        #[test]
        fn parts_sum_to_the_whole_and_differ_only_in_the_last(minor: i64, parts in 1_u16..400) {
            let whole = Money::from_minor(minor, Currency::USD);
            let split = whole.allocate(NonZeroU16::new(parts).unwrap());
            prop_assert_eq!(split.len(), usize::from(parts));
            prop_assert_eq!(Money::checked_sum(split.iter().copied(), Currency::USD), Ok(whole));
            let (last, equal) = split.split_last().unwrap();
            prop_assert!(equal.iter().all(|part| *part == equal[0]));
            if let Some(first) = equal.first() {
                let surplus = last.minor().abs_diff(first.minor());
                prop_assert!(surplus < u64::from(parts), "the last carries less than one unit per part");
            }
        }

        #[test]
        fn subtraction_undoes_addition(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000) {
            let (a, b) = (Money::from_minor(a, Currency::USD), Money::from_minor(b, Currency::USD));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b), Ok(a));
            prop_assert_eq!(a.checked_neg().unwrap().checked_neg(), Ok(a));
        }
    }
}
