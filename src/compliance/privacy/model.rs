//! Words of privacy requests, and by when they are answered. No I/O.

use async_graphql::Enum;
use chrono::{DateTime, Months, TimeDelta, Utc};

/// the records of a person are kept for at least so many years after the last collection activity.
pub(in crate::compliance) const LEAST_YEARS: i16 = 7;
/// Fifteen business days are 21 days at the least: three weeks, with the weekends that are surely in them.
const OPT_OUT_DAYS: i64 = 21;
/// The longest that a business may keep them.
pub(in crate::compliance) const MOST_YEARS: i16 = 30;

/// What a person asks about their own data.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PrivacyRequestKind {
    /// To know what is kept of them (GDPR Article 15; Cal. Civ. 1798.110).
    Access,
    /// A copy that a program can read (GDPR Article 20; Cal. Civ. 1798.130(a)(3)(B)(iii)).
    Portability,
    /// That something is put right (GDPR Article 16; Cal. Civ. 1798.106).
    Rectification,
    /// That it is erased (GDPR Article 17; Cal. Civ. 1798.105).
    Erasure,
    /// That it is neither sold nor shared for advertising (Cal. Civ. 1798.120). This service does neither (see privacyNotice): the
    /// business answers for what it does beside it.
    OptOutOfSale,
}

/// Under which law.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PrivacyRegime {
    /// California Consumer Privacy Act: answered within 45 days.
    Ccpa,
    /// General Data Protection Regulation: answered within one month.
    Gdpr,
    /// Another law, or none that was named: held to the shorter term of the two.
    Other,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PrivacyRequestStatus {
    /// It waits for a person.
    Open,
    /// The service is at it.
    Running,
    /// It was done.
    Completed,
    /// It was refused; the answer says why.
    Denied,
}

macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal,)* }) => {
        impl $name {
            /// As the database spells it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The reverse of `as_str`.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! { PrivacyRequestKind {
    Access => "ACCESS",
    Portability => "PORTABILITY",
    Rectification => "RECTIFICATION",
    Erasure => "ERASURE",
    OptOutOfSale => "OPT_OUT_OF_SALE",
} }
words! { PrivacyRegime { Ccpa => "CCPA", Gdpr => "GDPR", Other => "OTHER", } }
words! { PrivacyRequestStatus {
    Open => "OPEN",
    Running => "RUNNING",
    Completed => "COMPLETED",
    Denied => "DENIED",
} }

impl PrivacyRegime {
    /// As the facts spell it.
    pub(super) fn fact(self) -> &'static str {
        match self {
            Self::Ccpa => "ccpa",
            Self::Gdpr => "gdpr",
            Self::Other => "other",
        }
    }

    /// By when a request that was received at an instant is answered: within 45 days (Cal. Civ. 1798.130(a)(2)(A)) or one
    /// month (GDPR Article 12(3)); that nothing be sold, within 15 business days (Cal. Code Regs. tit. 11, section 7026(f)(1)). The
    /// extensions that both laws know have to be announced to the person first: they are not counted on.
    pub(super) fn due_at(self, kind: PrivacyRequestKind, received_at: DateTime<Utc>) -> DateTime<Utc> {
        if kind == PrivacyRequestKind::OptOutOfSale {
            return received_at + TimeDelta::days(OPT_OUT_DAYS);
        }
        let month = received_at
            .checked_add_months(Months::new(1))
            .unwrap_or(received_at);
        match self {
            Self::Ccpa => received_at + TimeDelta::days(45),
            Self::Gdpr | Self::Other => month,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_laws_terms_are_counted_from_receipt() {
        let of = |kind: PrivacyRequestKind, regime: PrivacyRegime, received: &str| {
            let received: DateTime<Utc> = received.parse().unwrap();
            regime.due_at(kind, received).to_rfc3339()
        };
        let due = |regime, received| of(PrivacyRequestKind::Access, regime, received);
        assert_eq!(
            of(
                PrivacyRequestKind::OptOutOfSale,
                PrivacyRegime::Ccpa,
                "2026-06-01T12:00:00Z"
            ),
            "2026-06-22T12:00:00+00:00"
        );
        assert_eq!(
            due(PrivacyRegime::Ccpa, "2026-01-31T12:00:00Z"),
            "2026-03-17T12:00:00+00:00"
        );
        // A month that has no such day ends with its last one.
        for regime in [PrivacyRegime::Gdpr, PrivacyRegime::Other] {
            assert_eq!(due(regime, "2026-01-31T12:00:00Z"), "2026-02-28T12:00:00+00:00");
        }
    }

    #[test]
    fn words_are_read_back_as_they_were_written() {
        for kind in [
            "ACCESS",
            "PORTABILITY",
            "RECTIFICATION",
            "ERASURE",
            "OPT_OUT_OF_SALE",
        ] {
            assert_eq!(
                PrivacyRequestKind::parse(kind).map(PrivacyRequestKind::as_str),
                Some(kind)
            );
        }
        for regime in ["CCPA", "GDPR", "OTHER"] {
            assert_eq!(
                PrivacyRegime::parse(regime).map(PrivacyRegime::as_str),
                Some(regime)
            );
        }
        for status in ["OPEN", "RUNNING", "COMPLETED", "DENIED"] {
            assert_eq!(
                PrivacyRequestStatus::parse(status).map(PrivacyRequestStatus::as_str),
                Some(status)
            );
        }
        assert_eq!(PrivacyRequestKind::parse("erasure"), None);
    }
}
