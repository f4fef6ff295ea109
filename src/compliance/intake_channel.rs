//! By which way a dispute or complaint came, or its answer went.

use async_graphql::Enum;

/// By which way a dispute or complaint came, or its answer went.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum IntakeChannel {
    /// A text message.
    Sms,
    /// A WhatsApp message.
    #[graphql(name = "WHATSAPP")]
    WhatsApp,
    /// An e-mail.
    Email,
    /// A chat on a web page.
    WebChat,
    /// A letter.
    Letter,
    /// A telephone call.
    Call,
    /// The debtors' portal.
    Portal,
    /// Otherwise, by a member of staff.
    Agent,
    /// A regulator passed it on, for example by the CFPB's company portal.
    Regulator,
}

impl IntakeChannel {
    const ALL: [Self; 9] = [
        Self::Sms,
        Self::WhatsApp,
        Self::Email,
        Self::WebChat,
        Self::Letter,
        Self::Call,
        Self::Portal,
        Self::Agent,
        Self::Regulator,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::WhatsApp => "WHATSAPP",
            Self::Email => "EMAIL",
            Self::WebChat => "WEB_CHAT",
            Self::Letter => "LETTER",
            Self::Call => "CALL",
            Self::Portal => "PORTAL",
            Self::Agent => "AGENT",
            Self::Regulator => "REGULATOR",
        }
    }

    /// The reverse of [`IntakeChannel::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// What is said on the telephone is oral; what comes by any other way is in writing (12 CFR 1006.38 and its comment on
    /// electronic means that a collector accepts). Where nobody says how it was, it counts as in writing: that stops more.
    pub(super) fn is_in_writing(self) -> bool {
        self != Self::Call
    }
}
