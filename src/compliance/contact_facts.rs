//! What was said about being contacted, and what contacts there were, as facts.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    CeaseNotice, Contact,
    facts::{
        Action, ActionKind, ClockTime, Direction, HistoryEntry, InconvenientTime, Medium, OptOut,
        OptOutScope, OptOutTarget, Recipient,
    },
};
use crate::platform::{
    error::OpError,
    ids::{self, IdKind},
};

#[derive(Deserialize)]
pub(super) struct InconvenientJson {
    pub(super) days: Option<Vec<String>>,
    pub(super) from_minute: u32,
    pub(super) to_minute: u32,
    pub(super) channels: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(super) struct SuppressionJson {
    pub(super) channel: String,
    pub(super) reason: String,
    pub(super) created_at: DateTime<Utc>,
    /// It is of the address that is to be contacted; otherwise of another one of the person's.
    pub(super) here: bool,
}

impl SuppressionJson {
    /// Whether it says something of this contact. What was said at another address of theirs does where the business lets an
    /// opt-out reach further (12 CFR 1006.14(h)(1) asks for less).
    pub(super) fn is_opt_out(&self, reach: Option<OptOutScope>) -> bool {
        self.reason != WRONG_PARTY && (self.here || reach > Some(OptOutScope::Number))
    }
}

/// Stands in the facts for a number that is not the one to be contacted.
const ANOTHER_NUMBER: &str = "another number";

#[derive(Deserialize)]
pub(super) struct ContactJson {
    pub(super) at: DateTime<Utc>,
    pub(super) channel: String,
    pub(super) inbound: bool,
    /// Whether it came from, or went to, the address that is to be contacted now.
    pub(super) here: bool,
    pub(super) reply: bool,
    pub(super) account_id: Option<Uuid>,
    pub(super) cease_notice: Option<String>,
}

/// The facts spell days and channels in small letters.
pub(super) fn inconvenient_time(row: &InconvenientJson) -> Result<InconvenientTime, OpError> {
    let day = |word: &String| {
        let word = serde_json::Value::String(word.to_lowercase());
        serde_json::from_value(word).map_err(|error| OpError::Internal(error.into()))
    };
    let days = row
        .days
        .as_ref()
        .map(|days| days.iter().map(day).collect::<Result<Vec<_>, _>>());
    let channel = |word: &String| word.to_lowercase().replace('_', "");
    Ok(InconvenientTime {
        days: days.transpose()?,
        from: Some(ClockTime::of_minutes(row.from_minute)),
        to: Some(ClockTime::of_minutes(row.to_minute)),
        channels: row
            .channels
            .as_ref()
            .map(|channels| channels.iter().map(channel).collect()),
        places: None,
    })
}

/// Why an address is suppressed that reaches somebody else.
const WRONG_PARTY: &str = "WRONG_PARTY";

/// 15 USC 1692c(b): what is said to reach somebody else is contacted for nobody, not even in answer.
pub(super) fn with_suppressions(mut action: Action, suppressions: &[SuppressionJson]) -> Action {
    if suppressions
        .iter()
        .any(|row| row.here && row.reason == WRONG_PARTY)
    {
        action.recipient = Some(Recipient::Other("wrong_party".to_owned()));
    }
    action
}

pub(super) fn opt_out(row: &SuppressionJson, contact: &Contact<'_>) -> OptOut {
    let (target, scope) = match row.channel.as_str() {
        "SMS" => (OptOutTarget::Sms, OptOutScope::Number),
        "WHATSAPP" => (OptOutTarget::Whatsapp, OptOutScope::Number),
        "EMAIL" => (OptOutTarget::Email, OptOutScope::Number),
        "VOICE" => (OptOutTarget::Voice, OptOutScope::Number),
        _ => (OptOutTarget::All, OptOutScope::All),
    };
    // What was asked for elsewhere is of that address, however many channels it names.
    let (number, scope) = match row.here {
        true => (contact.recipient, scope),
        false => (ANOTHER_NUMBER, OptOutScope::Number),
    };
    OptOut {
        channel: Some(target),
        number: Some(number.to_owned()),
        at: Some(row.created_at),
        scope: Some(scope),
    }
}

pub(super) fn history_entry(entry: &ContactJson, contact: &Contact<'_>) -> HistoryEntry {
    let medium = match entry.channel.as_str() {
        "WHATSAPP" => Medium::Whatsapp,
        "EMAIL" => Medium::Email,
        "WEB_CHAT" => Medium::Webchat,
        "VOICE" => Medium::Call,
        _ => Medium::Sms,
    };
    HistoryEntry {
        at: Some(entry.at),
        medium: Some(medium),
        direction: Some(if entry.inbound {
            Direction::Inbound
        } else {
            Direction::Outbound
        }),
        kind: entry
            .cease_notice
            .as_deref()
            .and_then(CeaseNotice::parse)
            .map(CeaseNotice::kind)
            .or(entry.reply.then_some(ActionKind::Reply)),
        // A text from one number says nothing of who holds another (12 CFR 1006.6(d)(5)).
        number: (medium == Medium::Sms && entry.inbound).then(|| {
            let number = if entry.here {
                contact.recipient
            } else {
                ANOTHER_NUMBER
            };
            number.to_owned()
        }),
        recipient: Some(Recipient::Consumer),
        debts: entry.account_id.map(|id| vec![ids::encode(IdKind::Account, id)]),
        ..HistoryEntry::default()
    }
}
