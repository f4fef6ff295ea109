//! ISO 4217 currencies and how many decimals their amounts have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MoneyError;

/// A currency of ISO 4217, with the number of decimals that its amounts have (its *exponent*).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    exponent: u8,
}

/// Active national currencies of ISO 4217 (list one), by exponent. Funds codes, metals and testing codes
/// are left out: nobody owes them.
const BY_EXPONENT: [(u8, &[&str]); 3] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND",
            "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP",
            "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS",
            "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES",
            "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD",
            "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
            "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD",
            "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
            "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VES", "WST", "XCD",
            "XCG", "YER", "ZAR", "ZMW", "ZWG",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
];

impl Currency {
    /// The United States dollar.
    pub const USD: Currency = Currency {
        code: "USD",
        exponent: 2,
    };

    /// The three letters, such as `USD`.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// How many decimals an amount has: 2 for USD, 0 for JPY, 3 for KWD.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// Every known currency.
    pub fn all() -> impl Iterator<Item = Currency> {
        BY_EXPONENT
            .into_iter()
            .flat_map(|(exponent, codes)| codes.iter().map(move |code| Self { code, exponent }))
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    /// Reads three capital letters. Cheap enough for every row: two binary searches and a short one.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        BY_EXPONENT
            .into_iter()
            .find_map(|(exponent, codes)| {
                let position = codes.binary_search(&text).ok()?;
                Some(Self {
                    code: codes[position],
                    exponent,
                })
            })
            .ok_or_else(|| MoneyError::UnknownCurrency {
                found: text.chars().take(16).collect(),
            })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_currency_once() {
        for (_, codes) in BY_EXPONENT {
            assert!(codes.is_sorted(), "binary search needs sorted codes");
        }
        let mut codes: Vec<_> = Currency::all().map(Currency::code).collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(
            codes
                .iter()
                .all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()))
        );
    }

    #[test]
    fn currencies_know_their_decimals() {
        let exponent = |code: &str| code.parse::<Currency>().unwrap().exponent();
        assert_eq!(
            (exponent("USD"), exponent("JPY"), exponent("KWD"), exponent("EUR")),
            (2, 0, 3, 2)
        );
        assert_eq!("USD".parse(), Ok(Currency::USD));
    }

    #[test]
    fn only_known_capital_codes_are_currencies() {
        for wrong in ["usd", "US", "USDT", "XXX", "", "U$D"] {
            let error = wrong.parse::<Currency>().unwrap_err();
            assert_eq!(
                error,
                MoneyError::UnknownCurrency {
                    found: wrong.to_owned()
                }
            );
        }
    }
}
