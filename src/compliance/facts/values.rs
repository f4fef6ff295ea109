//! The words and small values of a facts document.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Declares a closed set of words, written in snake case.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[$variant_meta])* $variant, )* }
    };
}

/// Declares an open set of words: what is not listed is kept as written and treated as the strictest case.
macro_rules! open_words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A word that no rule knows.
            #[serde(untagged)]
            Other(String),
        }
    };
}

words! {
    /// Which rules count.
    Profile {
        /// The law only.
        Floor,
        /// The law and the product's own, stricter rules.
        Product,
    }
}

words! {
    /// What the business is to the debt.
    TenantRole {
        /// Collects its own debts.
        FirstPartyCreditor,
        /// Collects for others, or bought the debt.
        ThirdPartyCollector,
    }
}

words! {
    /// What sort of act is decided.
    ActionType {
        /// Contact somebody.
        Contact,
        /// Classify what the debtor wrote.
        Inbound,
        /// Take or retry a payment.
        Payment,
        /// Record or transcribe a call.
        RecordCall,
        /// Compute the validation period.
        ComputeValidationPeriod,
        /// Answer a request for erasure.
        ErasureRequest,
        /// Delete a record.
        Delete,
    }
}

words! {
    /// A medium of contact.
    Channel {
        /// Text message.
        Sms,
        /// WhatsApp.
        Whatsapp,
        /// E-mail.
        Email,
        /// Web chat.
        Webchat,
        /// Telephone call.
        Voice,
        /// Voicemail message.
        Voicemail,
        /// Letter.
        Letter,
    }
}

words! {
    /// Who began a contact.
    Direction {
        /// The debtor.
        Inbound,
        /// The business.
        Outbound,
    }
}

words! {
    /// Who or what speaks on a call.
    CallMode {
        /// A person.
        Human,
        /// A synthetic voice, AI included (FCC 24-17).
        ArtificialVoice,
        /// A recording.
        Prerecorded,
    }
}

words! {
    /// What a telephone number is connected to.
    LineType {
        /// A mobile telephone.
        Wireless,
        /// A residential landline.
        ResidentialLandline,
    }
}

words! {
    /// The state of a consent.
    ConsentStatus {
        /// Given and not withdrawn.
        Granted,
        /// Only inferred from dealings with the creditor.
        ImpliedFromCreditor,
        /// Never given.
        None,
        /// Withdrawn.
        Revoked,
    }
}

words! {
    /// How far an opt-out reaches, from narrow to wide.
    #[derive(PartialOrd, Ord)]
    OptOutScope {
        /// This number or address on this channel.
        Number,
        /// Every number or address of this channel.
        Channel,
        /// Every channel.
        All,
    }
}

words! {
    /// The channel that an opt-out names.
    OptOutTarget {
        /// Text message.
        Sms,
        /// WhatsApp.
        Whatsapp,
        /// E-mail.
        Email,
        /// Web chat.
        Webchat,
        /// Telephone call.
        Voice,
        /// Voicemail message.
        Voicemail,
        /// Letter.
        Letter,
        /// Every channel.
        All,
    }
}

words! {
    /// A day of the week.
    DayOfWeek {
        /// Monday.
        Mon,
        /// Tuesday.
        Tue,
        /// Wednesday.
        Wed,
        /// Thursday.
        Thu,
        /// Friday.
        Fri,
        /// Saturday.
        Sat,
        /// Sunday.
        Sun,
    }
}

open_words! {
    /// What a contact is for. An unlisted kind has no exemption from any rule.
    ActionKind {
        /// Collection.
        Collection,
        /// An answer to the debtor's own message.
        Reply,
        /// Limited-content voicemail (12 CFR 1006.2(j)).
        LimitedContent,
        /// Notice that efforts are terminated (12 CFR 1006.6(c)(2)(i)).
        NoticeTermination,
        /// Notice that ordinary remedies may be invoked (12 CFR 1006.6(c)(2)(ii)).
        NoticeRemedies,
        /// Notice that a specified remedy is intended (12 CFR 1006.6(c)(2)(iii)).
        NoticeIntendedRemedy,
        /// Confirmation of an opt-out (12 CFR 1006.14(h)(2)(i)).
        OptoutConfirmation,
        /// Verification of the debt that the debtor asked for.
        VerificationResponse,
        /// The validation notice itself (12 CFR 1006.34).
        ValidationNotice,
        /// A receipt that the debtor asked for.
        Receipt,
        /// A sign-in code that the debtor, who has shown a link of theirs, asked for a moment ago, elsewhere than on the channel.
        RequestedNotice,
        /// A letter that the debt is satisfied.
        SatisfactionLetter,
        /// A request for consent to electronic contact, and nothing else.
        ConsentRequest,
        /// A question where the debtor is to be found (12 CFR 1006.10).
        LocationInformation,
        /// Marketing: a solicitation of any kind.
        Marketing,
        /// The written confirmation of a payment plan.
        PlanConfirmation,
        /// The answer to a request for the original creditor's name and address.
        OriginalCreditorResponse,
    }
}

open_words! {
    /// Whom a contact reaches. An unlisted relation is a third party.
    Recipient {
        /// The debtor.
        Consumer,
        /// A co-signer, who owes the debt too.
        Cosigner,
        /// The debtor's spouse.
        Spouse,
        /// A parent of a minor debtor.
        Parent,
        /// The debtor's guardian.
        Guardian,
        /// Executor of the estate.
        Executor,
        /// Administrator of the estate.
        Administrator,
        /// Another person authorised to act for the estate.
        PersonalRepresentative,
        /// The debtor's attorney.
        Attorney,
        /// The creditor.
        Creditor,
        /// The creditor's attorney.
        CreditorAttorney,
        /// The collector's attorney.
        CollectorAttorney,
        /// A consumer reporting agency, where the law permits it.
        ConsumerReportingAgency,
        /// A confirmed successor in interest.
        SuccessorInInterest,
    }
}

open_words! {
    /// How a call ended. An unlisted outcome counts as connected.
    CallOutcome {
        /// Nobody answered.
        NoAnswer,
        /// The line was busy.
        Busy,
        /// The number is not in service.
        NotInService,
        /// Answered, then dropped.
        AnsweredDropped,
        /// A conversation took place.
        Conversation,
        /// A machine answered and the call was ended.
        MachineDetectedHangup,
        /// A limited-content message was left.
        VoicemailLimitedContent,
        /// Voicemail answered; no message was left.
        VoicemailNoMessage,
    }
}

/// A time of day, from 00:00 to 24:00, to the second. Written `HH:MM`, or `HH:MM:SS` where it has seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u32);

impl ClockTime {
    /// Begin of the day.
    pub const MIDNIGHT: ClockTime = ClockTime(0);
    /// End of the day, 24:00.
    pub const END_OF_DAY: ClockTime = ClockTime(86_400);

    /// So many minutes after midnight, 1,440 at most.
    pub fn of_minutes(minutes: u32) -> Self {
        ClockTime(minutes.min(1_440) * 60)
    }

    /// Seconds since the begin of the day, 0 to 86,400.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Reads `HH:MM` or `HH:MM:SS`; `None` when it is not a time between 00:00 and 24:00.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut next = |limit: u32| -> Option<u32> {
            let part = parts.next()?;
            let is_two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let value: u32 = is_two_digits.then(|| part.parse().ok())??;
            (value <= limit).then_some(value)
        };
        let (hours, minutes) = (next(24)?, next(59)?);
        let seconds = if text.len() > 5 { next(59)? } else { 0 };
        let total = hours * 3600 + minutes * 60 + seconds;
        (parts.next().is_none() && total <= Self::END_OF_DAY.0).then_some(ClockTime(total))
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60)?;
        if self.0.is_multiple_of(60) {
            Ok(())
        } else {
            write!(f, ":{:02}", self.0 % 60)
        }
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        ClockTime::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is not a time of day; write it as HH:MM, 00:00 to 24:00"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ClockTime;

    #[test]
    fn clock_times_are_read_and_written_alike() {
        for text in ["00:00", "08:00", "23:59", "24:00", "12:30:15"] {
            assert_eq!(ClockTime::parse(text).expect("valid").to_string(), text);
        }
        for text in ["24:01", "8:00", "12", "12:60", "12:00:00:00", "noon", ""] {
            assert_eq!(ClockTime::parse(text), None, "{text}");
        }
    }
}
