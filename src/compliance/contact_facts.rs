//! What was said about being contacted, and what contacts there were, as facts.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    CeaseNotice, Contact,
    facts::{
        Action, ActionKind, ClockTime, Direction, Facts, HistoryEntry, InconvenientTime, Medium, OptOut,
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
    /// What the address is; not known of what was suppressed long ago.
    pub(super) kind: Option<String>,
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
        self.reason != WRONG_PARTY
            && (self.here || self.is_of_the_person() || reach > Some(OptOutScope::Number))
    }

    /// That no e-mail is wanted, said by text, is said of whatever address the person has (12 CFR 1006.14(h)(1)).
    fn is_of_the_person(&self) -> bool {
        self.channel == "EMAIL" && self.kind.as_deref() == Some("PHONE")
    }
}

/// The kind of a number that rings at work.
const WORK: &str = "work";

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
    /// The number was known to ring at work.
    pub(super) at_work: bool,
    pub(super) cease_notice: Option<String>,
}

/// The number to be contacted is known to ring at work.
pub(super) fn rings_at_work(facts: &Facts) -> bool {
    let action = facts.action.as_ref();
    action.and_then(|action| action.number_type.as_deref()) == Some(WORK)
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
        ..InconvenientTime::default()
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
        _ if row.is_of_the_person() => (contact.recipient, OptOutScope::Channel),
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
        number_type: entry.at_work.then(|| WORK.to_owned()),
        recipient: Some(Recipient::Consumer),
        debts: entry.account_id.map(|id| vec![ids::encode(IdKind::Account, id)]),
        ..HistoryEntry::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accounts::Channel, compliance::Author};

    #[test]
    fn a_call_to_work_stands_in_the_history_as_one() {
        let contact = Contact {
            debtor_id: Uuid::nil(),
            account_id: None,
            channel: Channel::Voice,
            recipient: "+12065550100",
            content: "",
            in_reply_to: None,
            mode: None,
            author: Author::Service,
            cease_notice: None,
            dispute_answer: None,
            is_template: false,
        };
        let placed = |at_work: bool| {
            let row = serde_json::json!({ "at": "2026-06-10T17:00:00Z", "channel": "VOICE", "inbound": false, "here": true,
                "reply": false, "account_id": null, "at_work": at_work, "cease_notice": null });
            let row: ContactJson = serde_json::from_value(row).unwrap();
            history_entry(&row, &contact).number_type
        };
        assert_eq!(placed(true).as_deref(), Some(WORK));
        assert_eq!(placed(false), None);
    }
}
