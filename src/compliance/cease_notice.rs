//! What may still be said to somebody who has asked to be left alone (15 USC 1692c(c)(1)-(3); 12 CFR 1006.6(c)(2)): three notices,
//! each once, by a person, in words that were approved for them. Whoever sends one chooses which, and writes nothing: a message
//! that says more is no notice, and after a cease there is no other.

use async_graphql::Enum;

use super::content::{disclosure_language, says_only};
use super::facts::ActionKind;

/// A notice that may be sent after a cease request.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum CeaseNotice {
    /// That efforts to collect the debt are ended.
    EffortsTerminated,
    /// That a lawsuit, a remedy that is ordinarily used, may be filed.
    MayInvokeRemedies,
    /// That a lawsuit is intended.
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

    /// Its approved words in the language of a reader; another wording is counsel's to approve. (c)(2)(ii) and (iii) want the
    /// remedy specified: of a lawsuit the gate has facts to judge by, who decided it and until when it can be brought, and of no
    /// other remedy.
    pub fn wording(self, language: &str) -> &'static str {
        match (self, disclosure_language(language)) {
            (Self::EffortsTerminated, "es") => {
                "Como usted pidió, ponemos fin a nuestras gestiones para cobrar esta deuda."
            }
            (Self::MayInvokeRemedies, "es") => {
                "Puede presentarse una demanda judicial por esta deuda. Es un recurso que se usa habitualmente por deudas como esta."
            }
            (Self::IntendsRemedy, "es") => {
                "Tenemos la intención de que se presente una demanda judicial por esta deuda."
            }
            (Self::EffortsTerminated, _) => "As you asked, we are ending our efforts to collect this debt.",
            (Self::MayInvokeRemedies, _) => {
                "A lawsuit may be filed about this debt. It is a remedy that is ordinarily used for debts like this one."
            }
            (Self::IntendsRemedy, _) => "We intend to have a lawsuit filed about this debt.",
        }
    }

    /// Whether a text is this notice of a business, and nothing beside it but who writes and what the law requires in every message.
    pub(super) fn is_all_of(self, text: &str, business: &str, language: &str) -> bool {
        let language = disclosure_language(language);
        says_only(text, self.wording(language), business, language)
    }

    pub(super) fn kind(self) -> ActionKind {
        match self {
            Self::EffortsTerminated => ActionKind::NoticeTermination,
            Self::MayInvokeRemedies => ActionKind::NoticeRemedies,
            Self::IntendsRemedy => ActionKind::NoticeIntendedRemedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::content::{ContentNeeds, append_required, append_sender};
    use crate::compliance::demand::payment_demand;

    const SENDER: &str = "Sunrise Group, Inc.";

    fn sent(notice: CeaseNotice, language: &str, is_initial: bool) -> String {
        let needs = ContentNeeds {
            identifies_collector: true,
            is_initial,
            opt_out_notice: true,
        };
        let text = append_sender(notice.wording(language), SENDER, language);
        append_required(&text, language, &needs)
    }

    #[test]
    fn what_is_sent_is_the_notice_and_demands_nothing() {
        for notice in CeaseNotice::ALL {
            for (language, is_initial) in [("en", true), ("en-US", false), ("es", true), ("es-MX", false)] {
                let text = sent(notice, language, is_initial);
                assert!(notice.is_all_of(&text, SENDER, language), "{text}");
                assert_eq!(payment_demand(&text), Some(false), "{text}");
                let others = CeaseNotice::ALL.into_iter().filter(|other| *other != notice);
                for other in others {
                    assert!(!other.is_all_of(&text, SENDER, language), "{text}");
                }
            }
        }
    }

    #[test]
    fn one_word_more_or_less_is_no_notice() {
        let notice = CeaseNotice::EffortsTerminated;
        let text = sent(notice, "en", false);
        for other in [
            format!("{text} Once you have settled $50 of it."),
            format!("{text} Can you settle it?"),
            format!("Hello. {text}"),
            text.replace("debt.", "debt once you settle it."),
            text.replace("are ending", "are not ending"),
            "We end our efforts.".to_owned(),
            "This communication is from a debt collector. Reply STOP to opt out.".to_owned(),
            String::new(),
        ] {
            assert!(!notice.is_all_of(&other, SENDER, "en"), "{other}");
        }
        // To a reader of another language it is no notice.
        assert!(!notice.is_all_of(&text, SENDER, "es"));
    }
}
