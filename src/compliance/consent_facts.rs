//! What people said of the use of an address, as facts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::{
    Contact,
    consents::{ConsentPurpose, ConsentSource, is_written},
    facts::{
        self, CallConsent, ClockTime, Consent, ConsentStatus, Consents, HistoryEntry, Medium, TimeConsent,
    },
};
use crate::accounts::Channel;

/// The last word for a channel on one of the person's records of the address.
#[derive(Deserialize)]
pub(super) struct ConsentJson {
    channel: String,
    /// As [`ConsentPurpose`] spells it.
    purpose: String,
    status: String,
    given_directly: bool,
    said_at: DateTime<Utc>,
    /// When the consent itself was given: START gives back an earlier one. None where that is not on record.
    given_at: Option<DateTime<Utc>>,
    source: String,
    /// The words that were shown are on record, with their version or whence they came.
    words_kept: bool,
    /// The record was taken off the person.
    is_removed: bool,
    from_minute: Option<u32>,
    to_minute: Option<u32>,
    on_date: Option<NaiveDate>,
}

impl ConsentJson {
    fn is(&self, status: &str) -> bool {
        self.status == status
    }

    fn is_written(&self) -> bool {
        ConsentSource::parse(&self.source).is_some_and(|source| is_written(source, self.words_kept))
    }
}

/// The last word on legal notices in electronic form at the address.
#[derive(Deserialize)]
pub(super) struct NoticeJson {
    status: String,
    given_directly: bool,
    source: String,
    words_kept: bool,
}

/// 15 USC 7001(c)(1): the statement that was shown before it is on record, and who consented in electronic form, by the very means by
/// which the notice comes, has shown that they can open it. What was said to the creditor is no consent to receive from the collector.
pub(super) fn esign(word: Option<&NoticeJson>) -> Consent {
    let Some(word) = word.filter(|word| word.given_directly || word.status == "REVOKED") else {
        return Consent {
            status: Some(ConsentStatus::None),
            ..Consent::default()
        };
    };
    let by_themselves = ConsentSource::parse(&word.source).is_some_and(|source| {
        matches!(
            source,
            ConsentSource::WebForm
                | ConsentSource::Portal
                | ConsentSource::Link
                | ConsentSource::Text
                | ConsentSource::Email
        )
    });
    Consent {
        status: Some(match word.status.as_str() {
            "GRANTED" => ConsentStatus::Granted,
            _ => ConsentStatus::Revoked,
        }),
        disclosure_given: Some(word.words_kept),
        access_demonstrated: Some(by_themselves),
        ..Consent::default()
    }
}

/// The words that count for a channel. An address that was taken off the person and put on again is the same one: what was
/// taken back there stays taken back until they say yes again.
fn on_channel(words: &[ConsentJson], channel: Channel) -> Vec<&ConsentJson> {
    let is_of_it = |word: &&ConsentJson| {
        word.channel == channel.as_str() && word.purpose == ConsentPurpose::Collection.as_str()
    };
    let of_channel = || words.iter().filter(is_of_it);
    let consented_at = of_channel()
        .filter(|word| !word.is_removed && word.is("GRANTED"))
        .map(|word| word.said_at)
        .max();
    of_channel()
        .filter(|word| !word.is_removed || word.is("REVOKED") && consented_at < Some(word.said_at))
        .collect()
}

/// When the consent was given that counts for a channel; the earliest of several records'. A keyword gives back what the same
/// person said before, and nothing that another one said (47 CFR 64.1200(m)).
pub(super) fn granted_at(words: &[ConsentJson], channel: Channel) -> Option<DateTime<Utc>> {
    let words = on_channel(words, channel).into_iter();
    let granted = words.filter(|word| !word.is("REVOKED"));
    granted.map(|word| word.given_at.unwrap_or(word.said_at)).min()
}

/// The consent to the channel that the contact takes, for the address that it goes to; and what was taken back there for
/// another machine's use, which ends this one too (47 CFR 64.1200(a)(10)) until the person says yes to it again. `checked`: so
/// many days ago the number was found to reach still whoever consented.
pub(super) fn consents(
    contact: &Contact<'_>,
    words: &[ConsentJson],
    checked: Option<i64>,
    now: DateTime<Utc>,
) -> Consents {
    let own = on_channel(words, contact.channel);
    let own = strictest(&own);
    let consented_at = own.filter(|word| word.is("GRANTED")).map(|word| word.said_at);
    let of = |channel: Channel| {
        if channel == contact.channel {
            return Some(as_fact(own, contact, checked, now));
        }
        let other = on_channel(words, channel);
        let revoked = other.into_iter().filter(|word| word.is("REVOKED"));
        let last = revoked.max_by_key(|word| word.said_at)?;
        (consented_at < Some(last.said_at)).then(|| as_fact(Some(last), contact, None, now))
    };
    match contact.channel {
        Channel::Sms | Channel::WhatsApp | Channel::Voice => Consents {
            sms_consent: of(Channel::Sms),
            whatsapp_consent: of(Channel::WhatsApp),
            tcpa_voice: of(Channel::Voice),
            ..Consents::default()
        },
        Channel::Email => Consents {
            email_consent: of(Channel::Email),
            ..Consents::default()
        },
        Channel::WebChat => Consents::default(),
    }
}

/// The last word of the person on what they ask for, at the number or address that is contacted.
fn wish(words: &[ConsentJson], channel: Channel, purpose: ConsentPurpose) -> Option<&ConsentJson> {
    let is_such = |word: &&ConsentJson| {
        word.channel == channel.as_str() && word.purpose == purpose.as_str() && !word.is_removed
    };
    let last = words.iter().filter(is_such).max_by_key(|word| word.said_at)?;
    last.is("GRANTED").then_some(last)
}

/// When the attorney of the person said that they may be contacted there directly (12 CFR 1006.6(b)(2)).
pub(super) fn direct_contact_at(words: &[ConsentJson], channel: Channel) -> Option<DateTime<Utc>> {
    wish(words, channel, ConsentPurpose::DirectContact).map(|word| word.said_at)
}

/// 12 CFR 1006.14(b)(3)(i): the call that they asked for. It ends with the next conversation; of a call it is not known here whether
/// it was one, so that the next call ends it.
pub(super) fn call_consent(words: &[ConsentJson], history: &[HistoryEntry]) -> Option<CallConsent> {
    let word = wish(words, Channel::Voice, ConsentPurpose::CallBack)?;
    let spent_at = history
        .iter()
        .filter(|entry| entry.medium == Some(Medium::Call) && entry.at > Some(word.said_at))
        .filter_map(|entry| entry.at)
        .min();
    Some(CallConsent {
        given_at: Some(word.said_at),
        given_directly: Some(word.given_directly),
        scope: word.on_date.map(|day| format!("callback {day}")),
        spent_at,
    })
}

/// 12 CFR 1006.6(b)(1): the hours at which they want to be contacted on the channel.
pub(super) fn time_consent(
    words: &[ConsentJson],
    contact: &Contact<'_>,
    channel: facts::Channel,
) -> Option<TimeConsent> {
    let word = wish(words, contact.channel, ConsentPurpose::OutsideHours)?;
    let (from, to) = word.from_minute.zip(word.to_minute)?;
    Some(TimeConsent {
        from: Some(ClockTime::of_minutes(from)),
        to: Some(ClockTime::of_minutes(to)),
        channel: Some(channel),
        given_directly: Some(word.given_directly),
    })
}

fn as_fact(
    word: Option<&ConsentJson>,
    contact: &Contact<'_>,
    checked: Option<i64>,
    now: DateTime<Utc>,
) -> Consent {
    let number = Some(contact.recipient.to_owned());
    let Some(word) = word else {
        return Consent {
            status: Some(ConsentStatus::None),
            number,
            ..Consent::default()
        };
    };
    let is_revoked = word.is("REVOKED");
    Consent {
        status: Some(match word.status.as_str() {
            "GRANTED" => ConsentStatus::Granted,
            "IMPLIED_FROM_CREDITOR" => ConsentStatus::ImpliedFromCreditor,
            _ => ConsentStatus::Revoked,
        }),
        number,
        given_directly_to_collector: Some(word.given_directly),
        written: Some(word.is_written()),
        last_verified_days_ago: [Some((now - word.said_at).num_days()), checked]
            .into_iter()
            .flatten()
            .min(),
        granted_at: (!is_revoked).then_some(word.said_at),
        revoked_at: is_revoked.then_some(word.said_at),
        ..Consent::default()
    }
}

/// The strictest of the last words on the person's records: one revocation counts for all of them.
fn strictest<'a>(words: &[&'a ConsentJson]) -> Option<&'a ConsentJson> {
    let first = |status| words.iter().find(|word| word.is(status));
    first("REVOKED")
        .or_else(|| first("GRANTED"))
        .or(words.first())
        .copied()
}
