//! Types of debtors and accounts. No I/O.

use async_graphql::{Enum, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};

/// At most this many labels on one account.
pub(super) const MOST_TAGS: usize = 50;

/// Where an account stands.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum AccountStatus {
    /// Owed and worked on.
    Active,
    /// A payment plan is running.
    InPaymentPlan,
    /// Nothing is owed any more.
    PaidInFull,
    /// The debtor disputes it; collection pauses until it is verified.
    Disputed,
    /// Handed to a lawyer or court.
    Legal,
    /// Closed for another reason.
    Closed,
}

impl AccountStatus {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::InPaymentPlan => "IN_PAYMENT_PLAN",
            Self::PaidInFull => "PAID_IN_FULL",
            Self::Disputed => "DISPUTED",
            Self::Legal => "LEGAL",
            Self::Closed => "CLOSED",
        }
    }

    /// The reverse of [`AccountStatus::as_str`]; the column's CHECK allows nothing else.
    pub fn parse(text: &str) -> Self {
        match text {
            "IN_PAYMENT_PLAN" => Self::InPaymentPlan,
            "PAID_IN_FULL" => Self::PaidInFull,
            "DISPUTED" => Self::Disputed,
            "LEGAL" => Self::Legal,
            "CLOSED" => Self::Closed,
            _ => Self::Active,
        }
    }
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum Channel {
    /// Text message.
    Sms,
    /// WhatsApp message.
    #[graphql(name = "WHATSAPP")]
    WhatsApp,
    /// E-mail.
    Email,
    /// Chat on a web page.
    WebChat,
    /// Telephone call.
    Voice,
}

impl Channel {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::WhatsApp => "WHATSAPP",
            Self::Email => "EMAIL",
            Self::WebChat => "WEB_CHAT",
            Self::Voice => "VOICE",
        }
    }

    /// The reverse of [`Channel::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sms, Self::WhatsApp, Self::Email, Self::WebChat, Self::Voice]
            .into_iter()
            .find(|c| c.as_str() == text)
    }
}

/// A postal address.
#[derive(Clone, Debug, Deserialize, InputObject, PartialEq, Eq, Serialize, SimpleObject)]
#[graphql(input_name = "PostalAddressInput")]
pub struct PostalAddress {
    /// Street and house number.
    pub line1: Option<String>,
    /// Apartment, suite, floor.
    pub line2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Two-letter state or territory code (USPS), for example `TX`.
    pub state: Option<String>,
    /// ZIP or postal code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, `US` when omitted.
    pub country: Option<String>,
}

/// The key under which names are searched: lower case, last name first.
pub(super) fn name_key(first: &str, last: &str) -> String {
    format!("{} {}", last.trim().to_lowercase(), first.trim().to_lowercase())
}
