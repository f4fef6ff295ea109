//! What people said of the use of an address, as facts.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    Contact,
    consents::{ConsentSource, is_written},
    facts::{Consent, ConsentStatus, Consents},
};
use crate::accounts::Channel;

/// The last word for a channel on one of the person's records of the address.
#[derive(Deserialize)]
pub(super) struct ConsentJson {
    channel: String,
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
}

impl ConsentJson {
    fn is(&self, status: &str) -> bool {
        self.status == status
    }

    fn is_written(&self) -> bool {
        ConsentSource::parse(&self.source).is_some_and(|source| is_written(source, self.words_kept))
    }
}

/// The words that count for a channel. An address that was taken off the person and put on again is the same one: what was
/// taken back there stays taken back until they say yes again.
fn on_channel(words: &[ConsentJson], channel: Channel) -> Vec<&ConsentJson> {
    let of_channel = || words.iter().filter(|word| word.channel == channel.as_str());
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
