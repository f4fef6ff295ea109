//! The words of disputes, and which step may follow which. No I/O.

use async_graphql::Enum;
use chrono::{DateTime, NaiveDate, Utc};

use crate::compliance::{earliest_date_anywhere, facts::ActionKind};

/// What somebody asks for.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeKind {
    /// They dispute the debt, or a part of it.
    Dispute,
    /// They do not dispute it, but ask for the original creditor's name and address (12 CFR 1006.38(c)).
    OriginalCreditorRequest,
}

impl DisputeKind {
    /// As the database spells it.
    pub(in crate::compliance) fn as_str(self) -> &'static str {
        match self {
            Self::Dispute => "DISPUTE",
            Self::OriginalCreditorRequest => "ORIGINAL_CREDITOR_REQUEST",
        }
    }

    /// The reverse of [`DisputeKind::as_str`]; the column's CHECK allows nothing else.
    pub(in crate::compliance) fn parse(text: &str) -> Self {
        match text {
            "ORIGINAL_CREDITOR_REQUEST" => Self::OriginalCreditorRequest,
            _ => Self::Dispute,
        }
    }
}

/// Why somebody disputes a debt, as 12 CFR 1006, appendix B, Model Form B-1 asks.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeReason {
    /// "This is not my debt."
    NotMyDebt,
    /// "The amount is wrong."
    AmountWrong,
    /// "Other": their words say what.
    Other,
}

impl DisputeReason {
    const ALL: [Self; 3] = [Self::NotMyDebt, Self::AmountWrong, Self::Other];

    /// As the database spells it.
    pub(in crate::compliance) fn as_str(self) -> &'static str {
        match self {
            Self::NotMyDebt => "NOT_MY_DEBT",
            Self::AmountWrong => "AMOUNT_WRONG",
            Self::Other => "OTHER",
        }
    }

    /// The reverse of [`DisputeReason::as_str`].
    pub(in crate::compliance) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How far a dispute has come.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeStatus {
    /// Nobody has begun to answer it.
    Open,
    /// What verifies the debt is being obtained.
    Verifying,
    /// Everything that was owed in answer was sent.
    VerificationSent,
    /// It is over.
    Resolved,
}

impl DisputeStatus {
    /// As the database spells it.
    pub(in crate::compliance) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Verifying => "VERIFYING",
            Self::VerificationSent => "VERIFICATION_SENT",
            Self::Resolved => "RESOLVED",
        }
    }

    /// The reverse of [`DisputeStatus::as_str`]; the column's CHECK allows nothing else.
    pub(in crate::compliance) fn parse(text: &str) -> Self {
        match text {
            "VERIFYING" => Self::Verifying,
            "VERIFICATION_SENT" => Self::VerificationSent,
            "RESOLVED" => Self::Resolved,
            _ => Self::Open,
        }
    }

    /// An answer is owed still.
    pub(in crate::compliance) fn waits(self) -> bool {
        matches!(self, Self::Open | Self::Verifying)
    }
}

/// What became of a dispute.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeOutcome {
    /// The debt was verified. Needs the verification sent.
    Verified,
    /// The debt, or its amount, was corrected and so verified. Needs the verification sent.
    Corrected,
    /// The account is closed over it. What was not answered stays disputed: it is not collected any more.
    ClosedAccount,
    /// The person took it back, or what was read as a dispute was none. Collection goes on.
    Withdrawn,
    /// It repeated an earlier, answered one (12 CFR 1006.38(a)(1)). Needs the notice that says so, or the verification, sent.
    Duplicative,
}

impl DisputeOutcome {
    const ALL: [Self; 5] = [
        Self::Verified,
        Self::Corrected,
        Self::ClosedAccount,
        Self::Withdrawn,
        Self::Duplicative,
    ];

    /// As the database spells it.
    pub(in crate::compliance) fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Corrected => "CORRECTED",
            Self::ClosedAccount => "CLOSED_ACCOUNT",
            Self::Withdrawn => "WITHDRAWN",
            Self::Duplicative => "DUPLICATIVE",
        }
    }

    /// The reverse of [`DisputeOutcome::as_str`].
    pub(in crate::compliance) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What is sent in answer to a dispute.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum DisputeAnswer {
    /// Verification of the debt, or a copy of a judgment (12 CFR 1006.38(d)(2)(i)).
    Verification,
    /// The notice that the dispute is duplicative, with the reasons (12 CFR 1006.38(d)(2)(ii)).
    DuplicativeNotice,
    /// The original creditor's name and address (12 CFR 1006.38(c)).
    OriginalCreditor,
}

impl DisputeAnswer {
    const ALL: [Self; 3] = [
        Self::Verification,
        Self::DuplicativeNotice,
        Self::OriginalCreditor,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "VERIFICATION",
            Self::DuplicativeNotice => "DUPLICATIVE_NOTICE",
            Self::OriginalCreditor => "ORIGINAL_CREDITOR",
        }
    }

    /// The reverse of [`DisputeAnswer::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == text)
    }

    /// What a contact is that brings it. The notice takes the verification's place ((d)(2)).
    pub(in crate::compliance) fn kind(self) -> ActionKind {
        match self {
            Self::Verification | Self::DuplicativeNotice => ActionKind::VerificationResponse,
            Self::OriginalCreditor => ActionKind::OriginalCreditorResponse,
        }
    }

    /// The step of the timeline.
    pub(in crate::compliance) fn step(self) -> &'static str {
        match self {
            Self::Verification => "VERIFICATION_SENT",
            Self::DuplicativeNotice => "DUPLICATIVE_NOTICE_SENT",
            Self::OriginalCreditor => "ORIGINAL_CREDITOR_SENT",
        }
    }
}

/// What of a dispute decides whether it is answered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owed {
    pub(super) is_dispute: bool,
    pub(super) requests_original_creditor: bool,
    pub(super) verification: Option<DateTime<Utc>>,
    pub(super) duplicative_notice: Option<DateTime<Utc>>,
    pub(super) original_creditor: Option<DateTime<Utc>>,
}

impl Owed {
    /// The same, with these sent.
    pub(super) fn with(mut self, answers: &[DisputeAnswer], at: DateTime<Utc>) -> Self {
        for answer in answers {
            match answer {
                DisputeAnswer::Verification => self.verification = Some(at),
                DisputeAnswer::DuplicativeNotice => self.duplicative_notice = Some(at),
                DisputeAnswer::OriginalCreditor => self.original_creditor = Some(at),
            }
        }
        self
    }

    /// A dispute asks for the verification, or the notice in its place; a request for the original creditor's name and address.
    pub(super) fn is_answered(self) -> bool {
        let disputed = !self.is_dispute || self.verification.is_some() || self.duplicative_notice.is_some();
        let asked = !self.requests_original_creditor || self.original_creditor.is_some();
        disputed && asked
    }
}

/// Whether what was received then is within the period: on its last day at the latest, wherever on earth the person is (UTC-12
/// is the last to leave a day). A period whose end is not known counts as running: that stops more.
pub(super) fn is_within_period(received_at: DateTime<Utc>, ends_on: Option<NaiveDate>) -> bool {
    ends_on.is_none_or(|ends_on| earliest_date_anywhere(received_at) <= ends_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_ends_when_its_last_day_has_ended_everywhere() {
        let ends_on = "2026-07-08".parse().ok();
        assert!(is_within_period(at("2026-07-09T11:59:59Z"), ends_on));
        assert!(!is_within_period(at("2026-07-09T12:00:00Z"), ends_on));
        assert!(is_within_period(at("2030-01-01T00:00:00Z"), None));
    }

    #[test]
    fn all_that_is_owed_has_to_be_sent() {
        let sent = Some(at("2026-07-09T12:00:00Z"));
        let both = Owed {
            is_dispute: true,
            requests_original_creditor: true,
            ..Owed::default()
        };
        assert!(!both.is_answered());
        assert!(
            !Owed {
                verification: sent,
                ..both
            }
            .is_answered()
        );
        assert!(
            !Owed {
                original_creditor: sent,
                ..both
            }
            .is_answered()
        );
        let answered = Owed {
            original_creditor: sent,
            duplicative_notice: sent,
            ..both
        };
        assert!(answered.is_answered());
        let request = Owed {
            is_dispute: false,
            ..both
        };
        assert!(
            !Owed {
                verification: sent,
                ..request
            }
            .is_answered()
        );
        assert!(
            Owed {
                original_creditor: sent,
                ..request
            }
            .is_answered()
        );
    }
}
