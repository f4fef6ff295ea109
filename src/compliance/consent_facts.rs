//! What people said of the use of an address, as facts.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    Contact,
    facts::{Consent, ConsentStatus, Consents},
};
use crate::accounts::Channel;

/// The last word on one of the person's records of the address.
#[derive(Deserialize)]
pub(super) struct ConsentJson {
    status: String,
    given_directly: bool,
    said_at: DateTime<Utc>,
}

/// When the consent was given that counts; the earliest of several records'.
pub(super) fn granted_at(words: &[ConsentJson]) -> Option<DateTime<Utc>> {
    let granted = words.iter().filter(|row| row.status != "REVOKED");
    granted.map(|row| row.said_at).min()
}

/// The consent to the channel that the contact takes, for the address that it goes to. `checked`: so many days ago the number
/// was found to reach still whoever consented.
pub(super) fn consents(
    contact: &Contact<'_>,
    words: &[ConsentJson],
    checked: Option<i64>,
    now: DateTime<Utc>,
) -> Consents {
    let number = Some(contact.recipient.to_owned());
    let consent = match strictest(words) {
        None => Consent {
            status: Some(ConsentStatus::None),
            number,
            ..Consent::default()
        },
        Some(row) => Consent {
            status: Some(match row.status.as_str() {
                "GRANTED" => ConsentStatus::Granted,
                "IMPLIED_FROM_CREDITOR" => ConsentStatus::ImpliedFromCreditor,
                _ => ConsentStatus::Revoked,
            }),
            number,
            given_directly_to_collector: Some(row.given_directly),
            last_verified_days_ago: [Some((now - row.said_at).num_days()), checked]
                .into_iter()
                .flatten()
                .min(),
            granted_at: (row.status != "REVOKED").then_some(row.said_at),
            revoked_at: (row.status == "REVOKED").then_some(row.said_at),
            ..Consent::default()
        },
    };
    match contact.channel {
        Channel::Sms => Consents {
            sms_consent: Some(consent),
            ..Consents::default()
        },
        Channel::WhatsApp => Consents {
            whatsapp_consent: Some(consent),
            ..Consents::default()
        },
        Channel::Email => Consents {
            email_consent: Some(consent),
            ..Consents::default()
        },
        Channel::Voice => Consents {
            tcpa_voice: Some(consent),
            ..Consents::default()
        },
        Channel::WebChat => Consents::default(),
    }
}

/// The strictest of the last words on the person's records: one revocation counts for all of them.
fn strictest(consents: &[ConsentJson]) -> Option<&ConsentJson> {
    let is_revoked = |row: &&ConsentJson| row.status == "REVOKED";
    let is_granted = |row: &&ConsentJson| row.status == "GRANTED";
    let mut rows = consents.iter();
    rows.find(is_revoked)
        .or_else(|| consents.iter().find(is_granted))
        .or(consents.first())
}
