//! Counting contacts. Days are calendar dates in the debtor's zone: day D is allowed while the contacts on
//! D-(n-1)..D stay below the limit, in every candidate zone. A business may also count by the hour, which is stricter.

use super::context::{is_made_contact, is_response};
use super::{Checked, Context, Missing, Verdict, Weight, need};
use crate::compliance::facts::{HistoryEntry, Medium, Recipient};
use crate::compliance::local_time::{local_date, shift_date, start_of_day};
use crate::compliance::rule_set::StateLimit;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

/// What shares a count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bucket {
    /// All contacts with the person.
    Person,
    /// All contacts, whoever was reached.
    Everyone,
    /// All contacts with the person or their spouse.
    Household,
    /// Contacts with the person or their spouse about one debt.
    HouseholdDebt,
    /// Contacts with the person about one debt; a contact about two debts counts for both.
    Debt,
}

/// So many contacts in so many calendar dates.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) limit: usize,
    pub(super) days: i64,
}

impl Span {
    /// As the rule's parameters say.
    pub(super) fn of(context: &Context<'_>, rule: &'static str) -> Result<Span, Missing> {
        let parameters = context.parameters(rule)?;
        Ok(Span {
            limit: parameters.limit.ok_or(Missing::Parameter(rule))?,
            days: parameters.days.ok_or(Missing::Parameter(rule))?,
        })
    }

    /// As the law of the debtor's state says.
    pub(super) fn of_state(limit: &StateLimit) -> Span {
        Span {
            limit: limit.limit,
            days: limit.days,
        }
    }

    /// The business counts spans of a week or more by the hour too.
    pub(super) fn counts_hours(context: &Context<'_>) -> bool {
        let policy = context.facts.policy.as_ref();
        policy.and_then(|policy| policy.elapsed_hours) == Some(true)
    }
}

/// Compares the contacts that count with a limit in so many days.
pub(super) fn cap(
    context: &Context<'_>,
    span: Span,
    bucket: Bucket,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    need(context.facts.history.as_ref(), "history")?;
    let values = || vec![("limit", span.limit.to_string()), ("days", span.days.to_string())];
    if span.limit == 0 {
        return Ok(Verdict::Deny(values()));
    }
    let is_counted = |entry: &HistoryEntry| {
        is_made_contact(entry) && is_in_bucket(entry, bucket, context) && counts(entry)
    };
    let recent = context.recent(span.days).iter();
    let counted: Vec<(DateTime<Utc>, &HistoryEntry)> =
        recent.filter(|(_, entry)| is_counted(entry)).copied().collect();
    if counted.is_empty() {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    if context.zones.is_empty() {
        return Err(Missing::Fact("location"));
    }
    let mut free_from = None;
    let mut is_engaged = false;
    let mut look = |made: &[DateTime<Utc>]| {
        for zone in context.zones.iter() {
            let window = Window::new(context.at, zone, made, span, Span::counts_hours(context));
            free_from = free_from.max(window.free_from);
            is_engaged |= window.is_engaged;
        }
    };
    if matches!(bucket, Bucket::Debt | Bucket::HouseholdDebt) {
        for debt in debts_of(context) {
            let about_it = counted
                .iter()
                .filter(|(_, entry)| concerns(entry, &debt, context));
            look(&about_it.map(|(at, _)| *at).collect::<Vec<_>>());
        }
    } else {
        look(&counted.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    }
    Ok(match free_from {
        Some(until) => Verdict::Defer(until, values()),
        None if is_engaged => Verdict::Pass(Weight::Engaged),
        None => Verdict::Pass(Weight::Routine),
    })
}

/// A cap that leaves answers to the debtor out: it matters to one that it would have stopped.
pub(super) fn unless_answering(context: &Context<'_>, verdict: Checked) -> Checked {
    if !context.is_response() {
        return verdict;
    }
    Ok(match verdict {
        Ok(Verdict::Defer(..) | Verdict::Deny(_)) => Verdict::Pass(Weight::Exception),
        _ => Verdict::NotApplicable,
    })
}

/// A span of local dates that ends today, in one zone.
struct Window {
    /// Contacts were made in it, or within as many times 24 hours, which a count by hours would have taken
    /// in.
    is_engaged: bool,
    /// When the limit again allows one, if it does not now.
    free_from: Option<DateTime<Utc>>,
}

impl Window {
    fn new(at: DateTime<Utc>, zone: Tz, made: &[DateTime<Utc>], span: Span, by_hours: bool) -> Window {
        let today = local_date(at, zone);
        let dates: Vec<NaiveDate> = made.iter().map(|at| local_date(*at, zone)).collect();
        let count_ending = |date: NaiveDate| {
            let first = shift_date(date, 1 - span.days);
            dates
                .iter()
                .filter(|made_on| (first..=date).contains(*made_on))
                .count()
        };
        let free_on = (0..=span.days)
            .map(|wait| shift_date(today, wait))
            .find(|date| count_ending(*date) < span.limit);
        let by_dates = free_on
            .filter(|date| *date != today)
            .map(|date| start_of_day(zone, date));
        let elapsed = TimeDelta::days(span.days);
        let is_recent = made.iter().any(|made_at| at - *made_at <= elapsed);
        let by_hours = (by_hours && span.days >= 7)
            .then(|| free_after(at, made, elapsed, span.limit))
            .flatten();
        Window {
            is_engaged: is_recent || count_ending(today) > 0,
            free_from: by_dates.max(by_hours),
        }
    }
}

/// When fewer than `limit` of the contacts, oldest first, are no older than `elapsed`, if that is later than `at`.
fn free_after(
    at: DateTime<Utc>,
    made: &[DateTime<Utc>],
    elapsed: TimeDelta,
    limit: usize,
) -> Option<DateTime<Utc>> {
    let decisive = made.len().checked_sub(limit).and_then(|place| made.get(place))?;
    let free_from = *decisive + elapsed + TimeDelta::seconds(1);
    (free_from > at).then_some(free_from)
}

/// The debts of the contact; one unnamed debt when none is given, which every contact concerns.
pub(super) fn debts_of<'a>(context: &Context<'a>) -> Vec<Option<&'a str>> {
    match context.action.debts.as_deref() {
        None | Some([]) => vec![None],
        Some(debts) => debts.iter().map(|debt| Some(debt.as_str())).collect(),
    }
}

/// An earlier contact was about the debt, or about another one that is the same particular debt: student
/// loans serviced under one account number (comment 14(b)(4)-1). A contact whose debts are not known concerns
/// all.
pub(super) fn concerns(entry: &HistoryEntry, debt: &Option<&str>, context: &Context<'_>) -> bool {
    let (Some(debt), Some(of_entry)) = (*debt, entry.debts.as_ref()) else {
        return true;
    };
    let account = loan_account(debt, context);
    of_entry
        .iter()
        .any(|other| other == debt || account.is_some() && loan_account(other, context) == account)
}

fn loan_account<'a>(id: &str, context: &Context<'a>) -> Option<&'a str> {
    let debt = context.facts.debts.as_ref()?.get(id)?;
    debt.account_number
        .as_deref()
        .filter(|_| debt.debt_type.as_deref() == Some("student_loan"))
}

fn is_in_bucket(entry: &HistoryEntry, bucket: Bucket, context: &Context<'_>) -> bool {
    let is_spouse = |recipient: &Recipient| matches!(recipient, Recipient::Consumer | Recipient::Spouse);
    bucket == Bucket::Everyone
        || is_same_person(entry, context)
        || matches!(bucket, Bucket::Household | Bucket::HouseholdDebt)
            && is_spouse(&context.recipient)
            && entry.recipient.as_ref().is_some_and(is_spouse)
}

pub(super) fn is_same_person(entry: &HistoryEntry, context: &Context<'_>) -> bool {
    entry
        .recipient
        .as_ref()
        .is_none_or(|recipient| *recipient == context.recipient)
}

pub(super) fn is_unprompted(entry: &HistoryEntry) -> bool {
    !entry.kind.as_ref().is_some_and(is_response)
}

pub(super) fn is_call(entry: &HistoryEntry) -> bool {
    entry.medium == Some(Medium::Call)
}

pub(super) fn is_text(entry: &HistoryEntry) -> bool {
    matches!(entry.medium, Some(Medium::Sms | Medium::Whatsapp))
}

pub(super) fn is_electronic(entry: &HistoryEntry) -> bool {
    is_text(entry) || matches!(entry.medium, Some(Medium::Email | Medium::Webchat))
}
