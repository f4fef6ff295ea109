//! What a template is for, and what fits into one.

use async_graphql::Enum;

use crate::{
    compliance::{WrittenMedium, content::ContentNeeds},
    platform::gql::UserError,
};

/// What becomes of a template's words.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum TemplateType {
    /// A text message.
    Sms,
    /// An e-mail.
    Email,
    /// A WhatsApp message.
    #[graphql(name = "WHATSAPP")]
    WhatsApp,
    /// An agreement that a person is asked to accept.
    Agreement,
    /// A letter on paper.
    Letter,
}

impl TemplateType {
    pub const ALL: [Self; 5] = [
        Self::Sms,
        Self::Email,
        Self::WhatsApp,
        Self::Agreement,
        Self::Letter,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
            Self::WhatsApp => "WHATSAPP",
            Self::Agreement => "AGREEMENT",
            Self::Letter => "LETTER",
        }
    }

    /// The reverse of [`TemplateType::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// A text or a WhatsApp message.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Sms | Self::WhatsApp)
    }

    pub(super) fn medium(self) -> WrittenMedium {
        match self {
            Self::Sms => WrittenMedium::Sms,
            Self::Email => WrittenMedium::Email,
            Self::WhatsApp => WrittenMedium::WhatsApp,
            Self::Agreement | Self::Letter => WrittenMedium::Letter,
        }
    }

    /// The most characters of a message: Twilio takes 1,600 of a text (its Messages API, `Body`), WhatsApp 1,024 of a
    /// template (Meta's message templates, body); of the rest as many as are looked through.
    pub fn most_characters(self) -> usize {
        match self {
            Self::Sms => 1_600,
            Self::WhatsApp => 1_024,
            Self::Email | Self::Agreement | Self::Letter => 20_000,
        }
    }
}

/// Which message of the business to a person it is: the rules of content ask for other words in the first.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum TemplatePurpose {
    /// The first communication about a debt (12 CFR 1006.18(e)(1)).
    FirstContact,
    /// Any later one, answers included (12 CFR 1006.18(e)(2)).
    FollowUp,
}

impl TemplatePurpose {
    pub const ALL: [Self; 2] = [Self::FirstContact, Self::FollowUp];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstContact => "FIRST_CONTACT",
            Self::FollowUp => "FOLLOW_UP",
        }
    }

    /// The reverse of [`TemplatePurpose::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The languages in which required statements exist.
#[derive(Clone, Copy, Debug, Enum, Eq, Hash, PartialEq)]
pub enum TemplateLanguage {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl TemplateLanguage {
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// Its BCP 47 tag, as the database spells it too.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// The reverse of [`TemplateLanguage::tag`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == text)
    }

    /// As staff call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Es => "Spanish",
        }
    }
}

/// What a text is for: what never changes of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub kind: TemplateType,
    pub purpose: TemplatePurpose,
    pub language: TemplateLanguage,
}

impl Use {
    pub(super) fn is_first_text(self) -> bool {
        self.kind.is_text() && self.purpose == TemplatePurpose::FirstContact
    }

    /// The statements that the law wants in it.
    pub(super) fn needs(self, is_collector: bool) -> ContentNeeds {
        ContentNeeds {
            identifies_collector: is_collector,
            is_initial: self.purpose == TemplatePurpose::FirstContact,
            opt_out_notice: !matches!(self.kind, TemplateType::Agreement | TemplateType::Letter),
        }
    }
}

/// Whose templates they are, as far as the rules ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    /// Collects for others.
    pub is_collector: bool,
}

/// The words themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub subject: Option<String>,
    pub body: String,
}

const LONGEST_SUBJECT: usize = 150;

impl Words {
    /// The words without blanks around them; an empty subject is none.
    ///
    /// # Errors
    /// INVALID_INPUT for what is too long, empty, or not to be written in that place.
    pub fn checked(subject: Option<&str>, body: &str, kind: TemplateType) -> Result<Self, UserError> {
        let body = body.trim();
        let most = kind.most_characters();
        if !(1..=most).contains(&body.chars().count()) || has_odd_controls(body) {
            let message = format!("Write 1 to {most} characters, without control characters.");
            return Err(UserError::invalid("body", message));
        }
        let subject = subject.map(str::trim).filter(|subject| !subject.is_empty());
        if let Some(subject) = subject {
            if kind.is_text() {
                return Err(UserError::invalid(
                    "subject",
                    "A text has no subject: leave it out.",
                ));
            }
            if subject.chars().count() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
                let message = format!("Write at most {LONGEST_SUBJECT} characters, on one line.");
                return Err(UserError::invalid("subject", message));
            }
        }
        Ok(Self {
            subject: subject.map(str::to_owned),
            body: body.to_owned(),
        })
    }
}

/// Lines may end; nothing else that nobody sees.
fn has_odd_controls(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}
