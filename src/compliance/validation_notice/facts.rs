//! Everything that a notice says. Complete by construction: what is missing is found before (`draft`).

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::PostalAddress,
    platform::money::{Currency, Money},
};

/// The facts of one notice, in the order of 12 CFR 1006.34(c)(2). Sealed with its row.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct NoticeFacts {
    /// The notice's own id, by which an answer by post is told apart.
    pub(super) reference: String,
    pub(super) written_at: DateTime<Utc>,
    /// That instant's date on the business's clock: the `today` of the form.
    pub(super) written_on: NaiveDate,
    pub(super) collector: Collector,
    pub(super) consumer: Addressee,
    pub(super) creditor_then: String,
    /// Truncated.
    pub(super) account_number: String,
    pub(super) creditor_now: String,
    pub(super) itemization_date: NaiveDate,
    pub(super) itemization: Itemization,
    pub(super) period_ends_on: NaiveDate,
}

/// Who writes.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Collector {
    pub(super) name: String,
    pub(super) address: Vec<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    pub(super) website: Option<String>,
}

/// To whom.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Addressee {
    pub(super) name: String,
    pub(super) address: Vec<String>,
}

/// What is owed and how it came to that, in minor units of one currency.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Itemization {
    /// ISO 4217.
    #[serde(with = "currency_code")]
    pub(super) currency: Currency,
    /// On the itemization date.
    pub(super) then: i64,
    /// Since then. Payments and credits are what they took off.
    pub(super) interest: i64,
    pub(super) fees: i64,
    pub(super) payments: i64,
    pub(super) credits: i64,
    pub(super) now: i64,
}

impl Itemization {
    /// Payments and credits together, as the form shows them; none where they are more than can be.
    pub(super) fn taken_off(&self) -> Option<i64> {
        self.payments.checked_add(self.credits)
    }

    /// Whether the parts come to what is owed now.
    pub(super) fn adds_up(&self) -> bool {
        let added = [self.then, self.interest, self.fees]
            .into_iter()
            .try_fold(0_i64, i64::checked_add);
        let sum = added
            .zip(self.taken_off())
            .and_then(|(plus, minus)| plus.checked_sub(minus));
        sum == Some(self.now)
    }

    /// An amount as people read it: `$1,234.50`, or `EUR 1,234.50`.
    pub(super) fn printed(&self, minor: i64) -> String {
        let text = Money::from_minor(minor, self.currency).to_decimal_string();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.as_str()),
        };
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let digits: Vec<char> = whole.chars().collect();
        let groups: Vec<String> = digits
            .rchunks(3)
            .rev()
            .map(|group| group.iter().collect())
            .collect();
        let point = if rest.is_empty() { "" } else { "." };
        let symbol = match self.currency.code() {
            "USD" => "$".to_owned(),
            code => format!("{code} "),
        };
        format!("{sign}{symbol}{}{point}{rest}", groups.join(","))
    }
}

mod currency_code {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::platform::money::Currency;

    pub(super) fn serialize<S: Serializer>(currency: &Currency, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(currency.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Currency, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// An account number of which the last four characters show; one of four or fewer shows whole (12 CFR 1006.34(c)(2)(iv) takes a
/// truncated one).
pub(super) fn truncated(number: &str) -> String {
    const SHOWN: usize = 4;
    let characters: Vec<char> = number.chars().collect();
    let hidden = characters.len().saturating_sub(SHOWN);
    if hidden == 0 {
        return number.to_owned();
    }
    let shown: String = characters.iter().skip(hidden).collect();
    format!("****{shown}")
}

/// An address as an envelope has it (USPS Publication 28); the country only abroad.
pub(super) fn lines(address: &PostalAddress) -> Vec<String> {
    let part = |part: &Option<String>| part.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let (city, state, code) = (
        part(&address.city),
        part(&address.state),
        part(&address.postal_code),
    );
    let region = format!("{state} {code}").trim().to_owned();
    let last = [city, region].into_iter().filter(|text| !text.is_empty());
    let country = part(&address.country);
    let country = if country == "US" { String::new() } else { country };
    [
        part(&address.line1),
        part(&address.line2),
        last.collect::<Vec<_>>().join(", "),
        country,
    ]
    .into_iter()
    .filter(|line| !line.is_empty())
    .collect()
}
