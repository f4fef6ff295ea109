//! The words of a notice's life.

use async_graphql::Enum;

use crate::compliance::content::disclosure_language;

/// The language of a notice.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(name = "ValidationNoticeLanguage")]
pub enum NoticeLanguage {
    /// English.
    En,
    /// Spanish: a complete and accurate translation (12 CFR 1006.34(e)).
    Es,
}

impl NoticeLanguage {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "EN",
            Self::Es => "ES",
        }
    }

    /// The reverse of [`Self::as_str`]; also of a person's language, of which everything but Spanish is written to in English.
    pub fn parse(text: &str) -> Self {
        if disclosure_language(text) == "es" {
            Self::Es
        } else {
            Self::En
        }
    }

    /// BCP 47.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

/// How a notice was provided (12 CFR 1006.42(a)).
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(name = "ValidationNoticeMethod")]
pub enum NoticeMethod {
    /// By post, to the address that is printed on it.
    Mail,
    /// By e-mail. After the initial communication only with the person's consent to notices in electronic form (12 CFR
    /// 1006.42(b)).
    Email,
    /// Handed over.
    InPerson,
}

impl NoticeMethod {
    const ALL: [Self; 3] = [Self::Mail, Self::Email, Self::InPerson];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "MAIL",
            Self::Email => "EMAIL",
            Self::InPerson => "IN_PERSON",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// Where a notice stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(name = "ValidationNoticeStatus")]
pub enum NoticeStatus {
    /// Its files are being written: a moment.
    Queued,
    /// It can be provided.
    Ready,
    /// It was provided, and did not come back.
    Provided,
    /// It came back: it counts as never provided.
    Returned,
}

impl NoticeStatus {
    const ALL: [Self; 4] = [Self::Queued, Self::Ready, Self::Provided, Self::Returned];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Ready => "READY",
            Self::Provided => "PROVIDED",
            Self::Returned => "RETURNED",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}
