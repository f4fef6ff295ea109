//! What every check looks at: the facts, the instant that is asked about, and what follows from both.

use super::{Missing, need};
use crate::compliance::facts::{
    Action, ActionKind, CallMode, CallOutcome, Channel, Direction, Facts, HistoryEntry, InReplyTo, Medium,
    Profile, Recipient, TenantRole,
};
use crate::compliance::local_time::local_date;
use crate::compliance::rule_set::{Parameters, RuleSet};
use crate::compliance::zones::{ZoneSet, candidate_zones};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Id of the rule whose parameter says how prompt a reply must be.
pub(in crate::compliance) const CONSUMER_REPLY: &str = "quiet-hours-consumer-initiated-reply";

/// One contact at one instant.
pub(in crate::compliance) struct Context<'a> {
    pub(super) facts: &'a Facts,
    pub(super) action: &'a Action,
    pub(super) channel: Channel,
    pub(super) kind: ActionKind,
    pub(super) recipient: Recipient,
    /// The instant that is asked about: `facts.now`, or later when a deferral is being worked out.
    pub(in crate::compliance) at: DateTime<Utc>,
    /// Every zone in which the debtor may be.
    pub(super) zones: ZoneSet,
    rule_set: &'a RuleSet,
    /// The instant for which the facts were collected.
    as_of: DateTime<Utc>,
}

impl<'a> Context<'a> {
    /// Reads the facts that no rule can do without.
    pub(in crate::compliance) fn new(rule_set: &'a RuleSet, facts: &'a Facts) -> Result<Self, Missing> {
        let now = need(facts.now, "now")?;
        let action = need(facts.action.as_ref(), "action")?;
        Ok(Context {
            facts,
            action,
            channel: need(action.channel, "action.channel")?,
            kind: action.kind.clone().unwrap_or(ActionKind::Collection),
            recipient: action.recipient.clone().unwrap_or(Recipient::Consumer),
            at: now,
            zones: zones_at(facts, now),
            rule_set,
            as_of: now,
        })
    }

    /// The same contact, asked about at another instant.
    pub(in crate::compliance) fn asked_at(&self, at: DateTime<Utc>) -> Self {
        Context {
            at,
            zones: zones_at(self.facts, at),
            kind: self.kind.clone(),
            recipient: self.recipient.clone(),
            ..*self
        }
    }

    pub(super) fn parameters(&self, rule: &'static str) -> Result<&Parameters, Missing> {
        self.rule_set
            .rule(rule)
            .map(|data| &data.parameters)
            .ok_or(Missing::Parameter(rule))
    }

    pub(super) fn is_third_party(&self) -> bool {
        self.facts.tenant.as_ref().and_then(|tenant| tenant.role) != Some(TenantRole::FirstPartyCreditor)
    }

    pub(super) fn is_product_profile(&self) -> bool {
        self.facts.profile != Some(Profile::Floor)
    }

    /// Regulation F binds third-party collectors; the product applies its conduct rules to every business.
    pub(super) fn reg_f_applies(&self) -> bool {
        self.is_third_party() || self.is_product_profile()
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self.channel, Channel::Voice | Channel::Voicemail)
    }

    /// A text message or WhatsApp.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.channel, Channel::Sms | Channel::Whatsapp)
    }

    pub(super) fn has_artificial_voice(&self) -> bool {
        self.is_call()
            && matches!(
                self.action.mode,
                Some(CallMode::ArtificialVoice | CallMode::Prerecorded)
            )
    }

    /// Kinds that answer the debtor or carry out their wish; frequency caps leave them out.
    pub(super) fn is_response(&self) -> bool {
        is_response(&self.kind)
    }

    pub(super) fn state(&self) -> Option<&str> {
        self.facts.location.as_ref()?.address_state.as_deref()
    }

    pub(super) fn is_in_state(&self, code: &str) -> bool {
        self.state() == Some(code)
    }

    pub(super) fn is_in_new_york_city(&self) -> bool {
        self.facts
            .location
            .as_ref()
            .and_then(|location| location.nyc_resident)
            == Some(true)
    }

    /// Earlier contacts up to the instant that is asked about.
    pub(super) fn history(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.facts
            .history
            .iter()
            .flatten()
            .filter(|entry| entry.at.is_some_and(|at| at <= self.at))
    }

    /// The debtor's latest local date: the strictest reading of "today" for a term that runs out.
    pub(super) fn latest_local_date(&self) -> Option<NaiveDate> {
        self.zones.iter().map(|zone| local_date(self.at, zone)).max()
    }

    /// The debtor's earliest local date: the strictest reading of "today" for a term that protects them.
    pub(super) fn earliest_local_date(&self) -> Option<NaiveDate> {
        self.zones.iter().map(|zone| local_date(self.at, zone)).min()
    }

    /// Whole days between the instant for which the facts were collected and the one that is asked about.
    pub(super) fn days_since_collected(&self) -> i64 {
        (self.at - self.as_of).num_days()
    }

    /// The debtor's own message on this channel that is being answered, if it has had no answer yet.
    pub(super) fn unanswered_message(&self) -> Option<&InReplyTo> {
        let message = self.action.in_reply_to.as_ref()?.as_ref()?;
        let received_at = message.at.filter(|at| *at <= self.at)?;
        let is_reply = self.kind == ActionKind::Reply && message.channel == Some(self.channel);
        let is_answered = self.history().any(|entry| {
            entry.direction != Some(Direction::Inbound)
                && entry.medium == Some(medium_of(self.channel))
                && entry.kind != Some(ActionKind::OptoutConfirmation)
                && entry.at >= Some(received_at)
        });
        (is_reply && !is_answered).then_some(message)
    }

    /// This is the one prompt answer to the debtor's own message on the same channel.
    pub(super) fn is_prompt_reply(&self) -> Result<bool, Missing> {
        let minutes = self
            .parameters(CONSUMER_REPLY)?
            .minutes
            .ok_or(Missing::Parameter("quiet-hours-consumer-initiated-reply.minutes"))?;
        let received_at = self.unanswered_message().and_then(|message| message.at);
        Ok(received_at.is_some_and(|received_at| self.at - received_at <= TimeDelta::minutes(minutes)))
    }
}

fn zones_at(facts: &Facts, at: DateTime<Utc>) -> ZoneSet {
    facts
        .location
        .as_ref()
        .map(|location| candidate_zones(location, at))
        .unwrap_or_default()
}

/// The medium under which a contact on a channel stands in the history.
pub(super) fn medium_of(channel: Channel) -> Medium {
    match channel {
        Channel::Sms => Medium::Sms,
        Channel::Whatsapp => Medium::Whatsapp,
        Channel::Email => Medium::Email,
        Channel::Webchat => Medium::Webchat,
        Channel::Voice | Channel::Voicemail => Medium::Call,
        Channel::Letter => Medium::Letter,
    }
}

pub(super) fn is_response(kind: &ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::Reply | ActionKind::OptoutConfirmation | ActionKind::Receipt
    )
}

/// Placed by the business and, for a call, connected: a busy line or a number out of service releases the
/// attempt (comment 14(b)(4)-1).
pub(super) fn is_made_contact(entry: &HistoryEntry) -> bool {
    let not_connected = matches!(entry.outcome, Some(CallOutcome::Busy | CallOutcome::NotInService));
    entry.direction != Some(Direction::Inbound) && !not_connected
}

/// Two numbers are the same, or one of them is not known.
pub(super) fn same_number(left: Option<&String>, right: Option<&String>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}
