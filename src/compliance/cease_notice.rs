//! What may still be said to somebody who has asked to be left alone (15 USC 1692c(c)(1)-(3); 12 CFR 1006.6(c)(2)): three notices,
//! each once, by a person, without a demand.

use async_graphql::Enum;

use super::facts::ActionKind;

/// A notice that may be sent after a cease request.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum CeaseNotice {
    /// That efforts are terminated.
    EffortsTerminated,
    /// That you may invoke remedies that you ordinarily invoke.
    MayInvokeRemedies,
    /// That you intend to invoke a remedy, which you name.
    IntendsRemedy,
}

impl CeaseNotice {
    const ALL: [Self; 3] = [
        Self::EffortsTerminated,
        Self::MayInvokeRemedies,
        Self::IntendsRemedy,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EffortsTerminated => "EFFORTS_TERMINATED",
            Self::MayInvokeRemedies => "MAY_INVOKE_REMEDIES",
            Self::IntendsRemedy => "INTENDS_REMEDY",
        }
    }

    /// The reverse of [`CeaseNotice::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }

    pub(super) fn kind(self) -> ActionKind {
        match self {
            Self::EffortsTerminated => ActionKind::NoticeTermination,
            Self::MayInvokeRemedies => ActionKind::NoticeRemedies,
            Self::IntendsRemedy => ActionKind::NoticeIntendedRemedy,
        }
    }
}
