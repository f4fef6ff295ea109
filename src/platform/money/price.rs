//! Unit prices below the smallest coin, such as 0.0079 USD for a text message.

use std::fmt;

use super::{Currency, Money, MoneyError};

/// Micro-units in one major unit: a dollar has a million micro-dollars.
const MICROS_PER_MAJOR: i128 = 1_000_000;

/// A unit price in millionths of the currency's major unit: 7,900 is 0.0079 USD.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MicroPrice {
    micros: i64,
    currency: Currency,
}

impl MicroPrice {
    /// A price of `micros` millionths of a major unit.
    pub const fn from_micros(micros: i64, currency: Currency) -> Self {
        Self { micros, currency }
    }

    /// The price in millionths of a major unit.
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// What `quantity` units cost. The exact product is rounded once, half a minor unit away from zero,
    /// so that a credit is the mirror image of its charge.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the result does not fit in 64 bits of minor units.
    pub fn times(self, quantity: u64) -> Result<Money, MoneyError> {
        // Both factors fit in 64 bits, hence their product in 128.
        let micros = i128::from(self.micros) * i128::from(quantity);
        let minor_per_major = 10_i128.pow(u32::from(self.currency.exponent()));
        let micros_per_minor = MICROS_PER_MAJOR / minor_per_major;
        let magnitude =
            (micros.unsigned_abs() + micros_per_minor.unsigned_abs() / 2) / micros_per_minor.unsigned_abs();
        let rounded = i128::try_from(magnitude).map_err(|_| MoneyError::Overflow)? * micros.signum();
        let minor = i64::try_from(rounded).map_err(|_| MoneyError::Overflow)?;
        Ok(Money::from_minor(minor, self.currency))
    }
}

impl fmt::Debug for MicroPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MicroPrice({} micro-{})", self.micros, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(micros: i64) -> MicroPrice {
        MicroPrice::from_micros(micros, Currency::USD)
    }

    #[test]
    fn a_thousand_texts_are_rounded_once_and_not_a_thousand_times() {
        assert_eq!(usd(7_900).times(1_000), Ok(Money::from_minor(790, Currency::USD)));
        assert_eq!(usd(7_900).times(1), Ok(Money::from_minor(1, Currency::USD)));
    }

    #[test]
    fn exactly_half_a_cent_goes_away_from_zero() {
        let minor = |micros| usd(micros).times(1).unwrap().minor();
        assert_eq!(
            (minor(4_999), minor(5_000), minor(14_999), minor(15_000)),
            (0, 1, 1, 2)
        );
        assert_eq!((minor(-4_999), minor(-5_000)), (0, -1));
    }

    #[test]
    fn the_currencys_decimals_decide_where_to_round() {
        let minor = |code: &str, micros| {
            MicroPrice::from_micros(micros, code.parse().unwrap())
                .times(1)
                .unwrap()
                .minor()
        };
        assert_eq!(minor("JPY", 1_500_000), 2);
        assert_eq!(minor("KWD", 1_500), 2);
    }

    #[test]
    fn an_invoice_line_that_does_not_fit_is_refused() {
        assert_eq!(usd(i64::MAX).times(u64::MAX), Err(MoneyError::Overflow));
        assert_eq!(usd(i64::MIN).times(u64::MAX), Err(MoneyError::Overflow));
        assert_eq!(usd(1).times(u64::MAX).unwrap().minor(), 1_844_674_407_370_955);
    }

    proptest! {
        #[test]
        fn rounding_errs_by_at_most_half_a_cent(micros in -1_000_000_i64..1_000_000, quantity in 0_u64..1_000_000) {
            let minor = i128::from(usd(micros).times(quantity).unwrap().minor());
            let exact_micros = i128::from(micros) * i128::from(quantity);
            prop_assert!((minor * 10_000 - exact_micros).abs() <= 5_000);
        }
    }
}
