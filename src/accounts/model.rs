//! Types of debtors and accounts. No I/O.

use async_graphql::{Enum, InputObject, SimpleObject};
use chrono::NaiveDate;
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

    /// It follows from plans and payments.
    pub(super) fn is_made_by_payments(self) -> bool {
        matches!(self, Self::InPaymentPlan | Self::PaidInFull)
    }

    /// Collection rests, or is somebody else's, until a person decides that it goes on.
    pub(super) fn stands_for_a_hold(self) -> bool {
        matches!(self, Self::Disputed | Self::Legal | Self::Closed)
    }
}

/// How likely it is, in the judgement of staff, that a debtor does not pay.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum RiskLevel {
    /// Unlikely.
    Low,
    /// As likely as with most.
    Medium,
    /// Likely.
    High,
    /// Almost certain.
    Critical,
}

impl RiskLevel {
    const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The reverse of [`RiskLevel::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
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

/// Declares words that the database stores and whose CHECK allows nothing else.
macro_rules! stored_words {
    ($(#[$meta:meta])* $name:ident, otherwise $fallback:ident {
        $( $(#[$variant_meta:meta])* $variant:ident => $word:literal, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
        pub enum $name { $( $(#[$variant_meta])* $variant, )* }

        impl $name {
            /// As the database spells it.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }

            /// The reverse of `as_str`.
            pub fn parse(text: &str) -> Self {
                match text { $( $word => Self::$variant, )* _ => Self::$fallback }
            }
        }
    };
}

stored_words! {
    /// What a telephone number is connected to.
    LineType, otherwise Unknown {
        /// A mobile telephone.
        Mobile => "MOBILE",
        /// A landline: takes no texts.
        Landline => "LANDLINE",
        /// Not known: held to the rules of a mobile telephone.
        Unknown => "UNKNOWN",
    }
}

stored_words! {
    /// Where a contact point reaches the person.
    ContactPointUse, otherwise Unknown {
        /// At home, or wherever the person carries it.
        Home => "HOME",
        /// At work: no e-mail to an employer's address (12 CFR 1006.22(f)(3)), no contact where the employer prohibits
        /// it (12 CFR 1006.6(b)(3)).
        Work => "WORK",
        /// Not known.
        Unknown => "UNKNOWN",
    }
}

stored_words! {
    /// How a contact point became known (12 CFR 1006.6(d)(4)-(5) ask for it).
    ContactPointProvenance, otherwise Staff {
        /// From the creditor.
        Creditor => "CREDITOR",
        /// From the person themselves.
        Consumer => "CONSUMER",
        /// From an imported file.
        Import => "IMPORT",
        /// Entered by staff, without a word on where it comes from.
        Staff => "STAFF",
        /// Found by research: nobody consented to its use.
        SkipTrace => "SKIP_TRACE",
    }
}

stored_words! {
    /// Whether a contact point reaches the person.
    ContactPointValidity, otherwise Unverified {
        /// It does: the person answered there, or confirmed it.
        Valid => "VALID",
        /// Nobody has checked it.
        Unverified => "UNVERIFIED",
        /// It is out of service, or never existed.
        Invalid => "INVALID",
        /// It reaches somebody else (15 USC 1692c(b)): nobody is contacted there any more.
        WrongNumber => "WRONG_NUMBER",
        /// It now belongs to somebody else (47 CFR 64.1200(m)): nobody is contacted there any more.
        Reassigned => "REASSIGNED",
    }
}

impl ContactPointValidity {
    /// Whether it may still be taken for the person's.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Valid | Self::Unverified)
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
    /// State: of a US address the USPS code, for example `TX`; its name is taken, too, and kept as the code.
    pub state: Option<String>,
    /// ZIP or postal code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, `US` when omitted.
    pub country: Option<String>,
}

impl PostalAddress {
    /// What of it is filled in, by the name of its input field.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("line1", &self.line1),
            ("line2", &self.line2),
            ("city", &self.city),
            ("state", &self.state),
            ("postalCode", &self.postal_code),
            ("country", &self.country),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some((field, value.as_deref()?)))
    }
}

/// Nobody who owes was born before it.
const EARLIEST_BIRTH: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a date");

/// Whether somebody who owes can have been born on this day.
pub(super) fn is_birth_date(born: NaiveDate, today: NaiveDate) -> bool {
    (EARLIEST_BIRTH..=today).contains(&born)
}

/// The key under which names are searched: lower case, last name first.
pub(super) fn name_key(first: &str, last: &str) -> String {
    format!("{} {}", last.trim().to_lowercase(), first.trim().to_lowercase())
}
