//! The variables that a template may name, and where each may stand. Closed: what is not here cannot be written.

use std::collections::BTreeMap;

use super::model::{TemplateLanguage, TemplatePurpose, TemplateType, Use};

/// A value that differs from message to message.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Variable {
    DebtorFirstName,
    DebtorLastName,
    BusinessName,
    BusinessPhone,
    BusinessEmail,
    BusinessAddress,
    AccountNumberEnding,
    Balance,
    DueDate,
    CreditorName,
    OriginalCreditor,
    PortalLink,
    CollectorDisclosure,
    OptOutNotice,
}

/// What stands in the places of a text.
pub type Values = BTreeMap<Variable, String>;

/// Why a variable may not stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) rule: &'static str,
    pub(super) citation: Option<&'static str>,
    pub(super) why: &'static str,
}

impl Variable {
    pub const ALL: [Self; 14] = [
        Self::DebtorFirstName,
        Self::DebtorLastName,
        Self::BusinessName,
        Self::BusinessPhone,
        Self::BusinessEmail,
        Self::BusinessAddress,
        Self::AccountNumberEnding,
        Self::Balance,
        Self::DueDate,
        Self::CreditorName,
        Self::OriginalCreditor,
        Self::PortalLink,
        Self::CollectorDisclosure,
        Self::OptOutNotice,
    ];

    /// As it is written between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::DebtorFirstName => "debtorFirstName",
            Self::DebtorLastName => "debtorLastName",
            Self::BusinessName => "businessName",
            Self::BusinessPhone => "businessPhone",
            Self::BusinessEmail => "businessEmail",
            Self::BusinessAddress => "businessAddress",
            Self::AccountNumberEnding => "accountNumberEnding",
            Self::Balance => "balance",
            Self::DueDate => "dueDate",
            Self::CreditorName => "creditorName",
            Self::OriginalCreditor => "originalCreditor",
            Self::PortalLink => "portalLink",
            Self::CollectorDisclosure => "collectorDisclosure",
            Self::OptOutNotice => "optOutNotice",
        }
    }

    /// The reverse of [`Variable::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }

    /// What it stands for, for whoever writes a template.
    pub fn description(self) -> &'static str {
        match self {
            Self::DebtorFirstName => "The person's first name.",
            Self::DebtorLastName => "The person's last name.",
            Self::BusinessName => "The true name of your business.",
            Self::BusinessPhone => "Where debtors can call your business, from the settings (company).",
            Self::BusinessEmail => "Where debtors can write to your business, from the settings (company).",
            Self::BusinessAddress => "The postal address of your business, from the settings (company).",
            Self::AccountNumberEnding => "The last four characters of the account number.",
            Self::Balance => "The balance of the account when the message is made, from the ledger.",
            Self::DueDate => "The due date of the account.",
            Self::CreditorName => {
                "Who is owed now: the account's creditor, or your business where it collects its own debts."
            }
            Self::OriginalCreditor => "Who the debt was owed to first.",
            Self::PortalLink => {
                "A personal link by which the debtor signs in and sees the account; it shows nothing before they \
                 proved who they are. At most once in a text."
            }
            Self::CollectorDisclosure => {
                "The statement by which a debt collector makes itself known (12 CFR 1006.18(e)), in the approved \
                 wording. A sentence of its own."
            }
            Self::OptOutNotice => {
                "How to get no more of these messages (12 CFR 1006.6(e)), in the approved wording. A sentence of its \
                 own."
            }
        }
    }

    /// Something that it may stand for, in a language.
    pub fn example(self, language: TemplateLanguage, purpose: TemplatePurpose) -> String {
        let is_spanish = language == TemplateLanguage::Es;
        match self {
            Self::DebtorFirstName => "Ana".to_owned(),
            Self::DebtorLastName => "Ruiz".to_owned(),
            Self::BusinessName => "Sunrise Group".to_owned(),
            Self::BusinessPhone => "(212) 555-0100".to_owned(),
            Self::BusinessEmail => "help@sunrise.example".to_owned(),
            Self::BusinessAddress => "1 Main Street, Springfield, IL 62701".to_owned(),
            Self::AccountNumberEnding => "4821".to_owned(),
            Self::Balance => "$812.40".to_owned(),
            Self::DueDate if is_spanish => "30 de junio de 2027".to_owned(),
            Self::DueDate => "June 30, 2027".to_owned(),
            Self::CreditorName => "First Example Bank".to_owned(),
            Self::OriginalCreditor => "Example Stores".to_owned(),
            Self::PortalLink => format!("https://pay.example/d/{}", "x".repeat(98)),
            Self::CollectorDisclosure => disclosure(language, purpose).to_owned(),
            Self::OptOutNotice => opt_out(language).to_owned(),
        }
    }

    /// Whether it may stand in the subject.
    pub fn may_stand_in_subject(self) -> bool {
        self.in_subject().is_ok()
    }

    /// Whether it may stand in the body of a business that collects for others, or of one that does not.
    pub fn may_stand_in_body(self, of: Use, is_collector: bool) -> bool {
        self.in_body(of, is_collector).is_ok()
    }

    pub(super) fn in_subject(self) -> Result<(), Misplaced> {
        match self {
            Self::DebtorFirstName => Ok(()),
            _ => Err(Misplaced {
                rule: "no-debt-in-visible-fields",
                citation: Some("12 CFR 1006.22(f)(1)-(2); 1006.6(d)"),
                why: "Others may see a subject: it tells nothing of an account, a creditor or a collector. Only \
                      {{debtorFirstName}} may stand in it.",
            }),
        }
    }

    pub(super) fn in_body(self, of: Use, is_collector: bool) -> Result<(), Misplaced> {
        let is_of_the_debt = matches!(
            self,
            Self::AccountNumberEnding
                | Self::Balance
                | Self::DueDate
                | Self::CreditorName
                | Self::OriginalCreditor
        );
        match self {
            _ if is_of_the_debt && of.is_first_text() => Err(Misplaced {
                rule: "reg-f-text-procedures",
                citation: Some("12 CFR 1006.6(d)(3), (d)(5)"),
                why: "In a first text it is not known yet who reads it: it tells neither balance, creditor, date nor \
                      account. Let {{portalLink}} lead to them.",
            }),
            Self::CollectorDisclosure if !is_collector => Err(Misplaced {
                rule: "fdcpa-impersonation",
                citation: Some("15 USC 1692a(6), 1692e(11)"),
                why: "Your business collects its own debts: that it is a debt collector would not be true.",
            }),
            Self::OptOutNotice if matches!(of.kind, TemplateType::Agreement | TemplateType::Letter) => {
                Err(Misplaced {
                    rule: "template-misplaced-variable",
                    citation: None,
                    why: "Nobody can answer paper with STOP: this statement belongs in texts and e-mails.",
                })
            }
            _ => Ok(()),
        }
    }
}

/// The statement of 12 CFR 1006.18(e) in its approved wording.
pub(super) fn disclosure(language: TemplateLanguage, purpose: TemplatePurpose) -> &'static str {
    use crate::compliance::content::RequiredText;
    let statement = match purpose {
        TemplatePurpose::FirstContact => RequiredText::InitialMiniMiranda,
        TemplatePurpose::FollowUp => RequiredText::SubsequentMiniMiranda,
    };
    statement.wording(language.tag())
}

/// The statement of 12 CFR 1006.6(e) in its approved wording.
pub(super) fn opt_out(language: TemplateLanguage) -> &'static str {
    crate::compliance::content::RequiredText::OptOutNotice.wording(language.tag())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_one_name_and_is_found_by_it() {
        for variable in Variable::ALL {
            assert_eq!(Variable::parse(variable.name()), Some(variable));
        }
        assert_eq!(Variable::parse("debtorSsn"), None);
    }

    #[test]
    fn a_first_text_tells_nothing_of_the_debt() {
        let of = |kind, purpose| Use {
            kind,
            purpose,
            language: TemplateLanguage::En,
        };
        for kind in [TemplateType::Sms, TemplateType::WhatsApp] {
            assert!(!Variable::Balance.may_stand_in_body(of(kind, TemplatePurpose::FirstContact), true));
            assert!(Variable::Balance.may_stand_in_body(of(kind, TemplatePurpose::FollowUp), true));
        }
        let letter = of(TemplateType::Letter, TemplatePurpose::FirstContact);
        assert!(Variable::Balance.may_stand_in_body(letter, true));
        assert!(!Variable::CollectorDisclosure.may_stand_in_body(letter, false));
        let seen: Vec<Variable> = Variable::ALL
            .into_iter()
            .filter(|variable| variable.may_stand_in_subject())
            .collect();
        assert_eq!(seen, [Variable::DebtorFirstName]);
    }
}
