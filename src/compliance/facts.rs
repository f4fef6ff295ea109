//! The facts document: everything that a decision may depend on, and nothing else.
//!
//! It is stored with each decision and replayed later, so it survives a round trip through JSON unchanged: a
//! key that was absent stays absent and a key that was null stays null. An unknown key is an error that names
//! it. Every key is optional; what a missing one means is the business of [`super::decide::Strictness`].

mod action;
mod status;
mod values;

pub use action::{Action, Content, Fee, InReplyTo};
pub use status::{
    Attorney, Bankruptcy, Cease, Consumer, Deceased, Dispute, DoNotCall, IdentityTheft,
    OriginalCreditorRequest, ReassignedNumberCheck, ServiceMember, Workplace,
};
pub use values::{
    ActionKind, ActionType, CallMode, CallOutcome, Channel, ClockTime, ConsentStatus, DayOfWeek, Direction,
    LineType, OptOutScope, OptOutTarget, Profile, Recipient, TenantRole,
};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Declares one object of the document: every key optional, absent keys not written, unknown keys refused.
macro_rules! facts_object {
    ($(#[$meta:meta])* $name:ident { $( $(#[$field_meta:meta])* $field:ident : $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[$field_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>, )*
        }
    };
}
pub(in crate::compliance) use facts_object;

/// Reads a key that may be null, so that "null" (`Some(None)`) and "absent" (`None`) stay apart.
pub(in crate::compliance) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

facts_object! {
    /// One facts document.
    Facts {
        /// The instant for which is decided.
        now: DateTime<Utc>,
        /// `floor` (the law only) or `product` (the law and the product's own caps; taken when absent).
        profile: Profile,
        /// The business that acts.
        tenant: Tenant,
        /// Where the debtor may be.
        location: Location,
        /// What is to be done.
        action: Action,
        /// Calls and messages so far, of this business with this person.
        history: Vec<HistoryEntry>,
        /// Consents on record.
        consents: Consents,
        /// What the sending providers permit.
        provider: Provider,
        /// Dates of the validation notice.
        validation: Validation,
        /// Times that the debtor called inconvenient.
        inconvenient: Vec<InconvenientTime>,
        /// The debts named in the document, by id.
        debts: BTreeMap<String, Debt>,
        /// Direct prior consent to be called.
        call_consent: CallConsent,
        /// Direct prior consent to be contacted at an otherwise barred hour.
        time_consent: TimeConsent,
        /// Whether the debtor's state asks collectors for a licence.
        state_requires_license: bool,
        /// Opt-outs that stand.
        optouts: Vec<OptOut>,
        /// The business's own stricter choices.
        policy: Policy,
        /// Representation by an attorney.
        attorney: Attorney,
        /// A notice to cease communication.
        cease: Cease,
        /// A dispute of the debt.
        dispute: Dispute,
        /// A request for the original creditor's name and address.
        original_creditor_request: OriginalCreditorRequest,
        /// The person.
        consumer: Consumer,
        /// Service members' protection.
        scra: ServiceMember,
        /// What is known of the employer.
        workplace: Workplace,
        /// The reassigned numbers database's answer for the number.
        rnd: ReassignedNumberCheck,
        /// Whether the person has died.
        deceased: Deceased,
        /// A bankruptcy of the person.
        bankruptcy: Bankruptcy,
        /// The debt is said to come of identity theft.
        identity_theft: IdentityTheft,
        /// Do-not-call lists on which the number stands.
        do_not_call: DoNotCall,
    }
}

impl Facts {
    /// A document that says explicitly that nothing stands against the contact: no hold, no opt-out, no
    /// designated time, no history, no communication yet. A facts builder starts from it *after* it has read
    /// those tables and overwrites what it found; in production a section left out denies, an empty one does
    /// not.
    pub fn nothing_on_file() -> Self {
        Facts {
            history: Some(Vec::new()),
            inconvenient: Some(Vec::new()),
            optouts: Some(Vec::new()),
            attorney: Some(Attorney {
                known: Some(false),
                ..Attorney::default()
            }),
            cease: Some(Cease::default()),
            dispute: Some(Dispute::default()),
            deceased: Some(Deceased {
                flag: Some(false),
                ..Deceased::default()
            }),
            bankruptcy: Some(Bankruptcy::default()),
            identity_theft: Some(IdentityTheft::default()),
            validation: Some(Validation {
                initial_communication_on: Some(None),
                provided_on: Some(None),
                ..Validation::default()
            }),
            ..Facts::default()
        }
    }
}

facts_object! {
    /// The business that acts.
    Tenant {
        /// First-party creditor or third-party collector.
        role: TenantRole,
        /// States (USPS codes) in which it holds a licence; `*` for everywhere.
        licensed_states: Vec<String>,
        /// The platform has suspended it.
        suspended: bool,
        /// It has a business associate agreement with the platform (45 CFR 164.504(e)).
        business_associate_agreement: bool,
    }
}

facts_object! {
    /// Evidence of where the debtor is.
    Location {
        /// USPS code of the address.
        address_state: String,
        /// Without an address: the states that the telephone number's area code is of, and `NYC` where it is the city's.
        possible_states: Vec<String>,
        /// Zone of the address, where known exactly.
        address_zone: Tz,
        /// North American area code of the telephone number.
        area_code: String,
        /// Zones of that area code.
        area_code_zones: Vec<Tz>,
        /// All zones in which the debtor may be, as already resolved.
        candidate_zones: Vec<Tz>,
        /// Lives in New York City.
        nyc_resident: bool,
        /// The number was ported.
        number_ported: bool,
        /// The zone in which the debtor says they are.
        stated_zone: Tz,
        /// When they said so.
        stated_at: DateTime<Utc>,
    }
}

facts_object! {
    /// One earlier call or message.
    HistoryEntry {
        /// When it was placed, sent or received.
        at: DateTime<Utc>,
        /// `call`, `sms`, `whatsapp`, `email`, `webchat`.
        #[serde(rename = "type")]
        medium: Medium,
        /// Whether the debtor or the business began it.
        direction: Direction,
        /// How a call ended.
        outcome: CallOutcome,
        /// The telephone number or address.
        number: String,
        /// Kind of that number, e.g. `work`.
        number_type: String,
        /// Whom it went to.
        recipient: Recipient,
        /// Ids of the debts it was about.
        debts: Vec<String>,
        /// Who or what spoke on a call.
        mode: CallMode,
        /// What it was for.
        kind: ActionKind,
        /// It was made with direct prior consent, so it does not count towards call frequencies.
        with_prior_consent: bool,
    }
}

/// The medium of an earlier contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// A telephone call, whatever came of it, voicemail included.
    Call,
    /// A text message.
    Sms,
    /// A WhatsApp message.
    Whatsapp,
    /// An e-mail.
    Email,
    /// A web chat message.
    Webchat,
    /// A letter.
    Letter,
}

facts_object! {
    /// Consents on record, per medium.
    Consents {
        /// Text messages.
        sms_consent: Consent,
        /// WhatsApp.
        whatsapp_consent: Consent,
        /// E-mail.
        email_consent: Consent,
        /// Artificial or prerecorded voice.
        tcpa_voice: Consent,
        /// Notices in electronic form (15 USC 7001(c)).
        esign: Consent,
    }
}

facts_object! {
    /// One consent.
    Consent {
        /// Its present state.
        status: ConsentStatus,
        /// The number that it covers.
        number: String,
        /// Given to this collector itself, not through the creditor.
        given_directly_to_collector: bool,
        /// It is evidenced in writing.
        written: bool,
        /// Days since it was last renewed, or the number last checked as not reassigned.
        last_verified_days_ago: i64,
        /// When it was given.
        granted_at: DateTime<Utc>,
        /// Where it comes from, e.g. `credit_application`.
        source: String,
        /// When it was withdrawn.
        revoked_at: DateTime<Utc>,
        /// How it was withdrawn, e.g. `oral`.
        method: String,
        /// For electronic notices: the right to paper, to withdraw, and what hardware and software it takes were
        /// disclosed.
        disclosure_given: bool,
        /// For electronic notices: the person has shown that they can open them.
        access_demonstrated: bool,
    }
}

facts_object! {
    /// What the sending providers permit.
    Provider {
        /// The provider or route of text messages.
        sms: String,
        /// That route has approved third-party collection.
        third_party_collections_permitted: bool,
        /// Meta has approved collection messages.
        whatsapp_collections_permitted: bool,
        /// Brand and campaign are registered for application-to-person text messages.
        sms_campaign_registered: bool,
    }
}

facts_object! {
    /// Dates of the validation notice.
    Validation {
        /// When the first communication took place; null when there was none.
        #[serde(deserialize_with = "nullable")]
        initial_communication_on: Option<NaiveDate>,
        /// When the notice was provided; null when it was not.
        #[serde(deserialize_with = "nullable")]
        provided_on: Option<NaiveDate>,
        /// Last day of the validation period.
        period_ends_on: NaiveDate,
        /// The debt was disputed within it, in whatever way, and that was not taken back.
        disputed: bool,
    }
}

facts_object! {
    /// A time that the debtor called inconvenient, on their own clock.
    InconvenientTime {
        /// Days of the week; every day when absent. A window over midnight belongs to the day it begins on.
        days: Vec<DayOfWeek>,
        /// Begin, inclusive; midnight when absent.
        from: ClockTime,
        /// End, exclusive; the end of the day when absent.
        to: ClockTime,
        /// Channels it holds for, `all` for every one.
        channels: Vec<String>,
        /// Places it holds for, as the kinds of their numbers, e.g. `work`; everywhere when absent.
        places: Vec<String>,
        /// Numbers and addresses it holds for; every one when absent.
        numbers: Vec<String>,
    }
}

facts_object! {
    /// A debt.
    Debt {
        /// Its type, e.g. `student_loan`, `medical`; absent where nobody has said.
        #[serde(rename = "type")]
        debt_type: String,
        /// The account number under which it is serviced.
        account_number: String,
        /// The limitation period has run.
        time_barred: bool,
        /// State whose law governs it.
        governing_law: String,
        /// Last collection activity.
        last_collection_activity_on: NaiveDate,
        /// Nothing is owed any more.
        paid: bool,
        /// The business has closed the account: it is collected no more.
        closed: bool,
        /// A person recorded that suit is intended, and by whose authority.
        suit_authorised: bool,
    }
}

facts_object! {
    /// Direct prior consent to be called (12 CFR 1006.14(b)(3)(i)).
    CallConsent {
        /// When it was given: that local date is day one of seven.
        given_at: DateTime<Utc>,
        /// Given to this collector itself.
        given_directly: bool,
        /// What it was limited to, e.g. `callback 2026-06-04`.
        scope: String,
        /// When it was used up.
        spent_at: DateTime<Utc>,
    }
}

facts_object! {
    /// Direct prior consent to be contacted at an otherwise barred hour.
    TimeConsent {
        /// Begin of the hours, inclusive.
        from: ClockTime,
        /// End of the hours, exclusive.
        to: ClockTime,
        /// The channel it is limited to.
        channel: Channel,
        /// Given to this collector itself.
        given_directly: bool,
    }
}

facts_object! {
    /// An opt-out that stands.
    OptOut {
        /// The channel on which it was made, or `all`.
        channel: OptOutTarget,
        /// The number or address; every one of the channel when absent.
        number: String,
        /// When it was received.
        at: DateTime<Utc>,
        /// How far it reaches; this number and channel when absent.
        scope: OptOutScope,
    }
}

facts_object! {
    /// The business's own stricter choices.
    Policy {
        /// Least reach that an opt-out is given.
        optout_scope: OptOutScope,
        /// Attempts in seven days over all channels.
        attempts_per_week: usize,
        /// Calls in seven days.
        calls_per_week: usize,
        /// Texts in seven days.
        sms_per_week: usize,
        /// E-mails in seven days.
        emails_per_week: usize,
        /// WhatsApp messages on one day.
        whatsapp_per_day: usize,
        /// Begin of the hours in which it contacts anybody, inclusive, on the debtor's clock.
        contact_from: ClockTime,
        /// Their end, exclusive.
        contact_to: ClockTime,
        /// Spans of days are also counted by the hour: seven days are 168 hours.
        elapsed_hours: bool,
        /// Minutes before the end of the permitted hours in which nothing is handed to a provider any more.
        guard_minutes: u32,
        /// The national do-not-call list binds collection too.
        national_do_not_call: bool,
    }
}
