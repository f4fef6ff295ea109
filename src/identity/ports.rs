//! What the slice needs from outside.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::platform::email::EmailAddress;

/// A language in which mails to staff are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MailLanguage {
    #[default]
    English,
    Spanish,
}

/// How whom a mail is sent to reads: in which language, and by the clock of which zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MailReader {
    pub language: MailLanguage,
    pub zone: Tz,
}

impl Default for MailReader {
    fn default() -> Self {
        Self {
            language: MailLanguage::default(),
            zone: Tz::UTC,
        }
    }
}

impl MailReader {
    /// Of a profile's language (a BCP 47 tag) and time zone; English where nobody says, or we do not write it, and UTC.
    pub fn of(language: Option<&str>, zone: Option<&str>) -> Self {
        let primary = language.and_then(|tag| tag.split('-').next());
        Self {
            language: match primary {
                Some("es") => MailLanguage::Spanish,
                _ => MailLanguage::English,
            },
            zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC),
        }
    }
}

/// A mail to a member of staff or an invitee: fixed templates, no debtor data, no permit.
#[derive(Clone, Debug)]
pub enum StaffMail {
    /// Asks the new user to open a link. It names who registered, so that the owner of the address can tell whether it was
    /// they.
    VerifyEmail {
        /// How whoever registered is called, as they say.
        name: String,
        /// And the business that they registered.
        business: String,
        /// The link with the one-time token.
        link: String,
    },
    /// Somebody tried to register with an address that has an identity already.
    AlreadyRegistered,
    /// Asks somebody to join a business.
    Invitation {
        /// Who invites.
        business: String,
        /// The link with the one-time token.
        link: String,
    },
    /// Greets a new member.
    Welcome {
        /// Whose staff they are now.
        business: String,
        /// Where to sign in.
        link: String,
    },
    /// A link for a new password, as somebody asked for.
    PasswordReset {
        /// The link with the one-time token.
        link: String,
    },
    /// The password was changed or reset.
    PasswordChanged,
    /// Somebody fails to sign in as this person.
    LoginFailures,
    /// The second factor is another one now.
    MfaReplaced,
    /// An administrator, or the platform's staff, took the second factor off.
    MfaReset,
    /// There are new recovery codes.
    RecoveryCodesMade,
    /// Asks whether an address is to be somebody's new one.
    ConfirmEmail {
        /// The link with the one-time token.
        link: String,
    },
    /// Somebody wants an address that somebody signs in with already: to its owner.
    EmailTaken,
    /// Somebody who knows the password wants another address: to the present one.
    EmailChangeAsked,
    /// The platform's staff is inside the business.
    BreakGlass {
        /// Which business.
        business: String,
        /// Until when at the latest.
        ends: DateTime<Utc>,
    },
    /// A thread was assigned to whom it is sent to.
    ConversationAssigned {
        /// In which business.
        business: String,
        /// Where to sign in.
        link: String,
    },
    /// A thread waits for somebody with more authority, and whom it is sent to may take it.
    ConversationEscalated {
        /// In which business.
        business: String,
        /// Where to sign in.
        link: String,
    },
    /// A colleague named whom it is sent to in a note.
    Mentioned {
        /// In which business.
        business: String,
        /// Where to sign in.
        link: String,
    },
    /// An import that whom it is sent to began is over.
    ImportFinished {
        /// In which business.
        business: String,
        /// Where to sign in.
        link: String,
    },
    /// An API key of the business ends soon.
    ApiKeyEnds {
        /// The key's beginning.
        prefix: String,
        /// When it ends.
        ends: DateTime<Utc>,
    },
    /// A licence of the business to collect ends soon.
    LicenseEnds {
        /// Where it is valid: a USPS code, or NYC.
        state: String,
        /// Its number.
        number: String,
        /// The last day.
        ends: NaiveDate,
    },
    /// Patterns of the business's decisions that somebody should look at.
    CompliancePatterns {
        /// Each in a sentence of ours, in the reader's language, which names nobody.
        patterns: Vec<String>,
        /// Where the dashboard shows them.
        link: String,
    },
    /// Holds because an attorney represents a debtor have stood for so long that a person may review them.
    AttorneysSilent {
        /// How many.
        holds: i64,
        /// How long they have stood at least.
        days: i64,
    },
    /// Keys stay good whose maker was suspended or has another role.
    KeysStay {
        /// The keys' beginnings.
        prefixes: Vec<String>,
    },
}

/// Sends mails to staff.
#[async_trait]
pub trait StaffMailer: Send + Sync {
    /// Hands the mail over, in the words of whom it is sent to.
    ///
    /// # Errors
    /// When the mail server does not take it; the job tries again.
    async fn send(&self, to: &EmailAddress, reader: MailReader, mail: StaffMail) -> anyhow::Result<()>;
}
