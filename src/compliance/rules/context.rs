//! What every check looks at: the facts, the instant that is asked about, and what follows from both.

use std::{cmp::Reverse, rc::Rc};

use super::{Act, Missing, need};
use crate::compliance::decide::Strictness;
use crate::compliance::facts::{
    Action, ActionKind, CallMode, CallOutcome, Channel, Debt, Direction, Facts, HistoryEntry, InReplyTo,
    Location, Medium, Profile, Recipient, TenantRole,
};
use crate::compliance::local_time::local_date;
use crate::compliance::rule_set::{Parameters, RuleData, RuleSet, StateLimit, StateRow};
use crate::compliance::zones::{ZoneSet, candidate_zones};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Id of the rule whose parameter says how prompt a reply must be.
pub(in crate::compliance) const CONSUMER_REPLY: &str = "quiet-hours-consumer-initiated-reply";

/// Id of the rule that extends the conduct rules to creditors.
pub(super) const ROSENTHAL: &str = "ca-rosenthal-scope";

/// One act at one instant.
pub(in crate::compliance) struct Context<'a> {
    pub(super) facts: &'a Facts,
    pub(super) action: &'a Action,
    /// Of what is no contact: a letter, which no rule of another act asks about.
    pub(super) channel: Channel,
    pub(super) kind: ActionKind,
    pub(super) recipient: Recipient,
    /// The instant that is asked about: `facts.now`, or later when a deferral is being worked out.
    pub(in crate::compliance) at: DateTime<Utc>,
    /// Every zone in which the debtor may be.
    pub(super) zones: ZoneSet,
    /// The debtor's earliest and latest local date; the date in UTC where nothing is known.
    dates: (NaiveDate, NaiveDate),
    rule_set: &'a RuleSet,
    strictness: Strictness,
    /// The overlays of the debtor's state and city, or of those that are possible, whether in force or not.
    rows: Vec<&'a StateRow>,
    /// Earlier contacts that have a date, oldest first.
    timeline: Rc<[(DateTime<Utc>, &'a HistoryEntry)]>,
    /// The instant for which the facts were collected.
    as_of: DateTime<Utc>,
}

impl<'a> Context<'a> {
    /// Reads the facts that no rule can do without.
    pub(in crate::compliance) fn new(
        rule_set: &'a RuleSet,
        facts: &'a Facts,
        act: Act,
        strictness: Strictness,
    ) -> Result<Self, Missing> {
        let now = need(facts.now, "now")?;
        let action = need(facts.action.as_ref(), "action")?;
        let channel = match act {
            Act::Contact => need(action.channel, "action.channel")?,
            _ => action.channel.unwrap_or(Channel::Letter),
        };
        let zones = zones_at(facts, now);
        Ok(Context {
            facts,
            action,
            channel,
            kind: action.kind.clone().unwrap_or(ActionKind::Collection),
            recipient: action.recipient.clone().unwrap_or(Recipient::Consumer),
            at: now,
            dates: dates_at(&zones, now),
            zones,
            rule_set,
            strictness,
            rows: rows_of(rule_set, facts),
            timeline: timeline_of(facts),
            as_of: now,
        })
    }

    /// The same act, asked about at another instant.
    pub(in crate::compliance) fn asked_at(&self, at: DateTime<Utc>) -> Self {
        let zones = zones_at(self.facts, at);
        Context {
            at,
            dates: dates_at(&zones, at),
            zones,
            kind: self.kind.clone(),
            recipient: self.recipient.clone(),
            rows: self.rows.clone(),
            timeline: Rc::clone(&self.timeline),
            ..*self
        }
    }

    pub(super) fn parameters(&self, rule: &'static str) -> Result<&'a Parameters, Missing> {
        self.rule_set
            .rule(rule)
            .map(|data| &data.parameters)
            .ok_or(Missing::Parameter(rule))
    }

    /// The span of days that a rule names.
    pub(super) fn days(&self, rule: &'static str) -> Result<i64, Missing> {
        self.parameters(rule)?.days.ok_or(Missing::Parameter(rule))
    }

    /// The rule set has the rule, and it is in force.
    pub(super) fn has_rule(&self, rule: &str) -> bool {
        self.rule_set
            .rule(rule)
            .is_some_and(|data| self.is_in_force(data))
    }

    pub(in crate::compliance) fn is_in_force(&self, rule: &RuleData) -> bool {
        rule.is_in_force(self.dates.0, self.dates.1)
    }

    /// The pack was written for the edition of the checks in which an answer is one by its message and not by its kind, and in which
    /// an omitted fact is neutral in an exception too. What packs of before decided comes out as it did.
    pub(super) fn reads_closely(&self) -> bool {
        self.rule_set.edition() >= 2
    }

    /// An omitted fact says nothing (facts of a vector); otherwise it denies.
    pub(super) fn is_neutral_on_omissions(&self) -> bool {
        self.strictness == Strictness::Vector
    }

    pub(super) fn is_third_party(&self) -> bool {
        self.facts.tenant.as_ref().and_then(|tenant| tenant.role) != Some(TenantRole::FirstPartyCreditor)
    }

    pub(super) fn is_product_profile(&self) -> bool {
        self.facts.profile != Some(Profile::Floor)
    }

    /// Regulation F binds third-party collectors; the product applies its conduct rules to every business, and
    /// California to creditors.
    pub(super) fn reg_f_applies(&self) -> bool {
        self.is_third_party() || self.is_product_profile() || self.rosenthal_applies()
    }

    /// Cal. Civ. 1788.17: a creditor of a Californian's debt is bound as a collector is.
    pub(super) fn rosenthal_applies(&self) -> bool {
        self.is_in_state("CA") && !self.is_third_party() && self.has_rule(ROSENTHAL)
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

    pub(super) fn is_at_work(&self) -> bool {
        self.action.number_type.as_deref() == Some("work")
    }

    /// What answers the debtor or carries out their wish; frequency caps leave it out. A reply is an answer when the message that it
    /// names has had none, on the same channel, and is not old: what follows up on it is a contact like any other (rule table,
    /// [`CONSUMER_REPLY`]).
    pub(super) fn is_response(&self) -> bool {
        let is_judged = self.reads_closely() && self.kind == ActionKind::Reply;
        is_response(&self.kind) && (!is_judged || self.is_the_answer())
    }

    fn is_the_answer(&self) -> bool {
        if self.action.in_reply_to.is_none() {
            return self.is_neutral_on_omissions();
        }
        let rule = self.rule_set.rule(CONSUMER_REPLY);
        let hours = rule.and_then(|rule| rule.parameters.hours);
        let received_at = self.unanswered_message().and_then(|message| message.at);
        received_at.is_some_and(|at| hours.is_none_or(|hours| self.at - at <= TimeDelta::hours(hours)))
    }

    /// It plainly asks for money.
    pub(super) fn demands_payment(&self) -> bool {
        self.payment_demand() == Some(true)
    }

    /// It plainly asks for none; what a vector leaves out is not there.
    pub(super) fn makes_no_demand(&self) -> bool {
        let is_omitted = self.payment_demand().is_none();
        self.payment_demand() == Some(false)
            || is_omitted && self.reads_closely() && self.is_neutral_on_omissions()
    }

    pub(super) fn payment_demand(&self) -> Option<bool> {
        self.action.content.as_ref()?.payment_demand
    }

    /// A program writes or speaks.
    pub(super) fn is_by_a_program(&self) -> bool {
        self.has_artificial_voice() || self.action.automated == Some(true)
    }

    /// The kind of place that the number or address reaches, e.g. `work`.
    pub(super) fn place(&self) -> Option<&'a str> {
        let of_number = self.action.number_type.as_deref();
        let is_employers = self.reads_closely() && self.action.address_type.as_deref() == Some("employer");
        of_number.or(is_employers.then_some("work"))
    }

    pub(super) fn state(&self) -> Option<&'a str> {
        self.facts.location.as_ref()?.address_state.as_deref()
    }

    /// The address is in the state, or may be: without one, what the area code allows counts.
    pub(super) fn is_in_state(&self, code: &str) -> bool {
        self.facts
            .location
            .as_ref()
            .is_some_and(|location| may_be_in(location, code))
    }

    /// The overlays that are in force and bind this business.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a StateRow> {
        let is_third_party = self.is_third_party();
        let (earliest, latest) = self.dates;
        self.rows
            .iter()
            .copied()
            .filter(move |row| row.is_in_force(earliest, latest) && (is_third_party || row.binds_creditors()))
    }

    /// The limit that the law of the debtor's state or city puts under a rule; of several that may hold the strictest.
    pub(super) fn state_limit(&self, rule: &str) -> Option<&'a StateLimit> {
        self.rows()
            .filter_map(|row| row.limit(rule))
            .min_by_key(|limit| (limit.limit, Reverse(limit.days)))
    }

    /// Any state's row, whether the debtor lives there or not.
    pub(super) fn row_of(&self, code: &str) -> Option<&'a StateRow> {
        let (earliest, latest) = self.dates;
        self.rule_set
            .states()
            .find(|row| row.code == code && row.is_in_force(earliest, latest))
    }

    /// The debts of the act, as far as the document describes them.
    pub(super) fn debts(&self) -> impl Iterator<Item = &'a Debt> {
        let described = self.facts.debts.as_ref();
        let named = self.action.debts.iter().flatten();
        named.filter_map(move |id| described?.get(id))
    }

    /// What those who look through a text found in it; `None` when nobody has looked.
    pub(super) fn labels(&self) -> Option<&'a [String]> {
        self.action.content.as_ref()?.extra.as_deref()
    }

    /// Earlier contacts up to the instant that is asked about, oldest first.
    pub(super) fn history(&self) -> impl DoubleEndedIterator<Item = &'a HistoryEntry> {
        let past = self.timeline.partition_point(|(at, _)| *at <= self.at);
        self.timeline[..past].iter().map(|(_, entry)| *entry)
    }

    /// Those of them that are no older than so many days and two for the zones, each with its instant.
    pub(super) fn recent(&self, days: i64) -> &[(DateTime<Utc>, &'a HistoryEntry)] {
        const ZONES: i64 = 2;
        let since = self.at - TimeDelta::days(days + ZONES);
        let from = self.timeline.partition_point(|(at, _)| *at < since);
        let past = self.timeline.partition_point(|(at, _)| *at <= self.at);
        &self.timeline[from..past]
    }

    /// The debtor's latest local date: the strictest reading of "today" for a term that runs out.
    pub(super) fn latest_date(&self) -> NaiveDate {
        self.dates.1
    }

    /// The debtor's earliest local date: the strictest reading of "today" for a term that protects them.
    pub(super) fn earliest_date(&self) -> NaiveDate {
        self.dates.0
    }

    /// The earliest date that it was at an instant in any zone in which the debtor may be; `None` where no zone is known.
    pub(super) fn earliest_date_of(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        self.zones.iter().map(|zone| local_date(at, zone)).min()
    }

    /// Whole days between the instant for which the facts were collected and the one that is asked about.
    pub(super) fn days_since_collected(&self) -> i64 {
        (self.at - self.as_of).num_days()
    }

    /// The debtor's own message on this channel that is being answered, if it has had no answer yet.
    pub(super) fn unanswered_message(&self) -> Option<&'a InReplyTo> {
        let message = self.action.in_reply_to.as_ref()?.as_ref()?;
        let received_at = message.at.filter(|at| *at <= self.at)?;
        let is_reply = self.kind == ActionKind::Reply && message.channel == Some(self.channel);
        let is_answer = |entry: &HistoryEntry| {
            entry.direction != Some(Direction::Inbound)
                && entry.medium == Some(medium_of(self.channel))
                && entry.kind != Some(ActionKind::OptoutConfirmation)
        };
        let since = self
            .history()
            .rev()
            .take_while(|entry| entry.at >= Some(received_at));
        (is_reply && !since.into_iter().any(is_answer)).then_some(message)
    }

    /// This is the one prompt answer to the debtor's own message on the same channel.
    pub(super) fn is_prompt_reply(&self) -> Result<bool, Missing> {
        let Some(rule) = self.rule_set.rule(CONSUMER_REPLY) else {
            return Ok(false);
        };
        let minutes = rule
            .parameters
            .minutes
            .ok_or(Missing::Parameter(CONSUMER_REPLY))?;
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

fn dates_at(zones: &ZoneSet, at: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    let dates = || zones.iter().map(|zone| local_date(at, zone));
    let by_utc = at.date_naive();
    (dates().min().unwrap_or(by_utc), dates().max().unwrap_or(by_utc))
}

fn rows_of<'a>(rule_set: &'a RuleSet, facts: &Facts) -> Vec<&'a StateRow> {
    let Some(location) = &facts.location else {
        return Vec::new();
    };
    let is_in_city = location.nyc_resident == Some(true);
    rule_set
        .states()
        .filter(|row| may_be_in(location, &row.code) || (row.code == "NYC" && is_in_city))
        .collect()
}

/// The address is there; without one, the area code allows it.
fn may_be_in(location: &Location, code: &str) -> bool {
    match &location.address_state {
        Some(state) => state == code,
        None => location
            .possible_states
            .iter()
            .flatten()
            .any(|state| state == code),
    }
}

fn timeline_of(facts: &Facts) -> Rc<[(DateTime<Utc>, &HistoryEntry)]> {
    let entries = facts.history.iter().flatten();
    let mut dated: Vec<(DateTime<Utc>, &HistoryEntry)> =
        entries.filter_map(|entry| Some((entry.at?, entry))).collect();
    dated.sort_by_key(|(at, _)| *at);
    dated.into()
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
        ActionKind::Reply
            | ActionKind::OptoutConfirmation
            | ActionKind::Receipt
            | ActionKind::RequestedNotice
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
