//! Caps on how often a person is contacted. Days are calendar dates in the debtor's zone: day D is allowed
//! while the contacts on D-(n-1)..D stay below the limit, in every candidate zone.

use super::consent::artificial_voice_is_granted;
use super::context::{is_made_contact, is_response, same_number};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{
    CallConsent, CallMode, CallOutcome, Channel, Direction, HistoryEntry, LineType, Medium,
};
use crate::compliance::local_time::{local_date, shift_date, start_of_day};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: CALL_7_IN_7,
        check: reg_f_call_7_in_7,
    },
    Rule {
        id: AFTER_CONVERSATION,
        check: reg_f_call_after_conversation,
    },
    Rule {
        id: "ma-2-per-7",
        check: ma_2_per_7,
    },
    Rule {
        id: "ma-work-2-per-30",
        check: ma_work_2_per_30,
    },
    Rule {
        id: "wa-3-per-week",
        check: wa_3_per_week,
    },
    Rule {
        id: "wa-wireless-2-per-day",
        check: wa_wireless_2_per_day,
    },
    Rule {
        id: NEW_YORK_CITY,
        check: nyc_3_per_7,
    },
    Rule {
        id: "dc-4-calls-per-7",
        check: dc_4_calls_per_7,
    },
    Rule {
        id: "dc-5-electronic-per-7",
        check: dc_5_electronic_per_7,
    },
    Rule {
        id: "tcpa-residential-artificial-3-in-30",
        check: tcpa_residential_artificial_3_in_30,
    },
    Rule {
        id: "product-attempts-3-per-week",
        check: product_attempts_3_per_week,
    },
    Rule {
        id: "product-sms-3-per-week",
        check: product_sms_3_per_week,
    },
    Rule {
        id: "product-email-5-per-week",
        check: product_email_5_per_week,
    },
    Rule {
        id: "product-whatsapp-1-per-day",
        check: product_whatsapp_1_per_day,
    },
];

const CALL_7_IN_7: &str = "reg-f-call-7-in-7";
const AFTER_CONVERSATION: &str = "reg-f-call-after-conversation";
const NEW_YORK_CITY: &str = "nyc-3-per-7";

/// 12 CFR 1006.14(b)(2)(i)(A), (b)(3): at most seven calls in seven days to a person about a particular debt.
/// Direct prior consent takes the call out of the count.
fn reg_f_call_7_in_7(context: &Context<'_>) -> Checked {
    if !context.is_call() || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let verdict = cap(context, CALL_7_IN_7, Bucket::PerDebt, |entry| {
        is_call(entry) && entry.with_prior_consent != Some(true)
    })?;
    Ok(match verdict {
        Verdict::Defer(..) if has_call_consent(context) => Verdict::Pass(Weight::Exception),
        Verdict::Pass(_) if called_lately(context)? => Verdict::Pass(Weight::Engaged),
        other => other,
    })
}

/// Any call in the window, whatever its debt: enough for the rule to matter.
fn called_lately(context: &Context<'_>) -> Result<bool, Missing> {
    let verdict = cap(context, CALL_7_IN_7, Bucket::PerPerson, is_call)?;
    Ok(!matches!(verdict, Verdict::Pass(Weight::Routine)))
}

/// 12 CFR 1006.14(b)(2)(i)(B): no call within seven days of a telephone conversation about the debt, whoever
/// began it; the date of the conversation is day one. A text thread is not a telephone conversation.
fn reg_f_call_after_conversation(context: &Context<'_>) -> Checked {
    if !context.is_call() || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    need(context.facts.history.as_ref(), "history")?;
    let days = context.parameters(AFTER_CONVERSATION)?.days;
    let days = days.ok_or(Missing::Parameter("reg-f-call-after-conversation.days"))?;
    let conversations: Vec<DateTime<Utc>> = context
        .history()
        .filter(|entry| is_conversation(entry, context))
        .filter_map(|entry| entry.at)
        .collect();
    let free_from = |zone: Tz| {
        let last = conversations.iter().map(|at| local_date(*at, zone)).max()?;
        let free_on = shift_date(last, days);
        (local_date(context.at, zone) < free_on).then(|| start_of_day(zone, free_on))
    };
    let until = context.zones.iter().filter_map(free_from).max();
    let has_spoken_or_written = !conversations.is_empty()
        || context
            .history()
            .any(|entry| entry.direction == Some(Direction::Inbound));
    Ok(match until {
        Some(_) if has_call_consent(context) => Verdict::Pass(Weight::Exception),
        Some(until) => Verdict::Defer(until, vec![("days", days.to_string())]),
        None if has_spoken_or_written => Verdict::Pass(Weight::Engaged),
        None => Verdict::Pass(Weight::Routine),
    })
}

fn is_conversation(entry: &HistoryEntry, context: &Context<'_>) -> bool {
    is_call(entry)
        && entry.outcome == Some(CallOutcome::Conversation)
        && is_same_person(entry, context)
        && debts_of(context)
            .iter()
            .any(|debt| concerns(entry, debt, context))
}

/// 12 CFR 1006.14(b)(3)(i): direct prior consent to a call holds for seven days from the day it is given,
/// only for the date it names where it names one, and ends with the next conversation.
fn has_call_consent(context: &Context<'_>) -> bool {
    const CONSENT_DAYS: i64 = 7;
    let Some(consent) = context
        .facts
        .call_consent
        .as_ref()
        .filter(|consent| consent.given_directly == Some(true))
    else {
        return false;
    };
    let Some(given_at) = consent.given_at.filter(|at| *at <= context.at) else {
        return false;
    };
    let is_spent = consent.spent_at.is_some_and(|at| at <= context.at)
        || context
            .history()
            .any(|entry| entry.at > Some(given_at) && is_conversation(entry, context));
    !is_spent
        && context.zones.iter().all(|zone| {
            let (today, given_on) = (local_date(context.at, zone), local_date(given_at, zone));
            today < shift_date(given_on, CONSENT_DAYS)
                && callback_date(consent).is_none_or(|date| date == today)
        })
}

/// The date in a scope such as `callback 2026-06-04`.
fn callback_date(consent: &CallConsent) -> Option<NaiveDate> {
    consent
        .scope
        .as_deref()?
        .split_whitespace()
        .find_map(|word| word.parse().ok())
}

/// 940 CMR 7.04(1)(f): in Massachusetts two calls or texts in seven days per debt, creditors included.
fn ma_2_per_7(context: &Context<'_>) -> Checked {
    if !context.is_in_state("MA") || !(context.is_call() || context.is_text()) || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "ma-2-per-7", Bucket::PerDebt, |entry| {
        is_call(entry) || is_text(entry)
    })
}

/// 940 CMR 7.04(1)(f): in Massachusetts two calls in thirty days to another place than home or a personal
/// number.
fn ma_work_2_per_30(context: &Context<'_>) -> Checked {
    let is_work = context.action.number_type.as_deref() == Some("work");
    if !context.is_in_state("MA") || !context.is_call() || !is_work {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "ma-work-2-per-30", Bucket::PerDebt, |entry| {
        is_call(entry) && entry.number_type.as_deref() == Some("work")
    })
}

/// RCW 19.16.250(13): in Washington three communications a week in any form, answers left out; the week
/// rolls.
fn wa_3_per_week(context: &Context<'_>) -> Checked {
    if !context.is_in_state("WA") || !context.is_third_party() || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "wa-3-per-week", Bucket::PerPerson, is_unprompted)
}

/// RCW 19.16.250(19): in Washington two calls and texts a day to a mobile telephone, answers left out. A line
/// whose type is not known is taken as mobile.
fn wa_wireless_2_per_day(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    let is_call_or_text = context.is_call() || context.is_text();
    if !context.is_in_state("WA") || !is_call_or_text || is_landline || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "wa-wireless-2-per-day", Bucket::PerPerson, |entry| {
        (is_call(entry) || is_text(entry)) && is_unprompted(entry)
    })
}

/// 6 RCNY 5-77 (from 1 September 2026): three contacts or attempts in seven days per account over all
/// channels, answers left out, creditors included.
fn nyc_3_per_7(context: &Context<'_>) -> Checked {
    let from = context
        .parameters(NEW_YORK_CITY)?
        .from
        .ok_or(Missing::Parameter("nyc-3-per-7.from"))?;
    let is_in_force = context.latest_local_date().is_some_and(|today| today >= from);
    if !context.is_in_new_york_city() || !is_in_force || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, NEW_YORK_CITY, Bucket::PerDebt, is_unprompted)
}

/// D.C. Code 28-3814: four calls in seven days per account, creditors included.
fn dc_4_calls_per_7(context: &Context<'_>) -> Checked {
    if !context.is_in_state("DC") || !context.is_call() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "dc-4-calls-per-7", Bucket::PerDebt, is_call)
}

/// D.C. Code 28-3814: five e-mails, texts and private messages together in seven days per account.
fn dc_5_electronic_per_7(context: &Context<'_>) -> Checked {
    if !context.is_in_state("DC") || !is_electronic_channel(context.channel) || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, "dc-5-electronic-per-7", Bucket::PerDebt, |entry| {
        is_electronic(entry) && is_unprompted(entry)
    })
}

/// 47 CFR 64.1200(a)(3)(iii): three artificial-voice calls in thirty days to a residential line without
/// consent.
fn tcpa_residential_artificial_3_in_30(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    if !context.has_artificial_voice() || !is_landline || artificial_voice_is_granted(context) {
        return Ok(Verdict::NotApplicable);
    }
    cap(
        context,
        "tcpa-residential-artificial-3-in-30",
        Bucket::PerPerson,
        |entry| {
            is_call(entry)
                && entry.mode != Some(CallMode::Human)
                && same_number(entry.number.as_ref(), context.action.number.as_ref())
        },
    )
}

/// Product rule: three call attempts a week.
fn product_attempts_3_per_week(context: &Context<'_>) -> Checked {
    product_cap(
        context,
        context.is_call(),
        "product-attempts-3-per-week",
        Medium::Call,
    )
}

/// Product rule: three texts a week; confirmations, receipts asked for and answers are left out.
fn product_sms_3_per_week(context: &Context<'_>) -> Checked {
    product_cap(
        context,
        context.channel == Channel::Sms,
        "product-sms-3-per-week",
        Medium::Sms,
    )
}

/// Product rule: five e-mails a week.
fn product_email_5_per_week(context: &Context<'_>) -> Checked {
    product_cap(
        context,
        context.channel == Channel::Email,
        "product-email-5-per-week",
        Medium::Email,
    )
}

/// Product rule: one WhatsApp message per local day.
fn product_whatsapp_1_per_day(context: &Context<'_>) -> Checked {
    let is_whatsapp = context.channel == Channel::Whatsapp;
    product_cap(
        context,
        is_whatsapp,
        "product-whatsapp-1-per-day",
        Medium::Whatsapp,
    )
}

fn product_cap(context: &Context<'_>, concerns_channel: bool, rule: &'static str, medium: Medium) -> Checked {
    if !context.is_product_profile() || !concerns_channel || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    cap(context, rule, Bucket::PerPerson, |entry| {
        entry.medium == Some(medium) && is_unprompted(entry)
    })
}

/// What shares a count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bucket {
    /// All contacts with the person.
    PerPerson,
    /// Contacts with the person about one debt; a contact about two debts counts for both.
    PerDebt,
}

/// Compares the contacts that count with the rule's `limit` in its `days`.
fn cap(
    context: &Context<'_>,
    rule: &'static str,
    bucket: Bucket,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    let parameters = context.parameters(rule)?;
    let limit = parameters.limit.ok_or(Missing::Parameter(rule))?;
    let days = parameters.days.ok_or(Missing::Parameter(rule))?;
    cap_at(context, (limit, days), bucket, counts)
}

/// Compares the contacts that count with a limit in so many days.
pub(super) fn cap_at(
    context: &Context<'_>,
    (limit, days): (usize, i64),
    bucket: Bucket,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    need(context.facts.history.as_ref(), "history")?;
    let counted: Vec<&HistoryEntry> = context
        .history()
        .filter(|entry| is_made_contact(entry) && is_same_person(entry, context) && counts(entry))
        .collect();
    let values = vec![("limit", limit.to_string()), ("days", days.to_string())];
    if limit == 0 {
        return Ok(Verdict::Deny(values));
    }
    if context.zones.is_empty() && !counted.is_empty() {
        return Err(Missing::Fact("location"));
    }
    let buckets: Vec<Vec<DateTime<Utc>>> = match bucket {
        Bucket::PerPerson => vec![instants(counted.iter().copied())],
        Bucket::PerDebt => debts_of(context)
            .iter()
            .map(|debt| {
                instants(
                    counted
                        .iter()
                        .copied()
                        .filter(|entry| concerns(entry, debt, context)),
                )
            })
            .collect(),
    };
    let windows = buckets
        .iter()
        .flat_map(|made| context.zones.iter().map(move |zone| (made, zone)));
    let windows: Vec<Window> = windows
        .map(|(made, zone)| Window::new(context.at, zone, made, limit, days))
        .collect();
    Ok(match windows.iter().filter_map(|window| window.free_from).max() {
        Some(until) => Verdict::Defer(until, values),
        None if windows.iter().any(|window| window.is_engaged) => Verdict::Pass(Weight::Engaged),
        None => Verdict::Pass(Weight::Routine),
    })
}

fn instants<'a>(entries: impl Iterator<Item = &'a HistoryEntry>) -> Vec<DateTime<Utc>> {
    entries.filter_map(|entry| entry.at).collect()
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
    fn new(at: DateTime<Utc>, zone: Tz, made: &[DateTime<Utc>], limit: usize, days: i64) -> Window {
        let today = local_date(at, zone);
        let dates: Vec<NaiveDate> = made.iter().map(|at| local_date(*at, zone)).collect();
        let count_ending = |date: NaiveDate| {
            let first = shift_date(date, 1 - days);
            dates
                .iter()
                .filter(|made_on| (first..=date).contains(*made_on))
                .count()
        };
        let free_on = (0..=days)
            .map(|wait| shift_date(today, wait))
            .find(|date| count_ending(*date) < limit);
        let free_from = free_on
            .filter(|date| *date != today)
            .map(|date| start_of_day(zone, date));
        let is_recent = made.iter().any(|made_at| at - *made_at <= TimeDelta::days(days));
        Window {
            is_engaged: is_recent || count_ending(today) > 0,
            free_from,
        }
    }
}

/// The debts of the contact; one unnamed debt when none is given, which every contact concerns.
fn debts_of<'a>(context: &'a Context<'_>) -> Vec<Option<&'a str>> {
    match context.action.debts.as_deref() {
        None | Some([]) => vec![None],
        Some(debts) => debts.iter().map(|debt| Some(debt.as_str())).collect(),
    }
}

/// An earlier contact was about the debt, or about another one that is the same particular debt: student
/// loans serviced under one account number (comment 14(b)(4)-1). A contact whose debts are not known concerns
/// all.
fn concerns(entry: &HistoryEntry, debt: &Option<&str>, context: &Context<'_>) -> bool {
    let (Some(debt), Some(of_entry)) = (*debt, entry.debts.as_ref()) else {
        return true;
    };
    let same_debt = particular_debt(debt, context);
    of_entry.iter().any(|other| same_debt.contains(other.as_str()))
}

fn particular_debt<'a>(id: &'a str, context: &'a Context<'_>) -> BTreeSet<&'a str> {
    let debts = context.facts.debts.iter().flatten();
    let loan_account = |id: &str| {
        let debt = context.facts.debts.as_ref()?.get(id)?;
        debt.account_number
            .as_deref()
            .filter(|_| debt.debt_type.as_deref() == Some("student_loan"))
    };
    let account = loan_account(id);
    debts
        .map(|(other, _)| other.as_str())
        .filter(|other| account.is_some() && loan_account(other) == account)
        .chain([id])
        .collect()
}

fn is_same_person(entry: &HistoryEntry, context: &Context<'_>) -> bool {
    entry
        .recipient
        .as_ref()
        .is_none_or(|recipient| *recipient == context.recipient)
}

pub(super) fn is_unprompted(entry: &HistoryEntry) -> bool {
    !entry.kind.as_ref().is_some_and(is_response)
}

fn is_call(entry: &HistoryEntry) -> bool {
    entry.medium == Some(Medium::Call)
}

fn is_text(entry: &HistoryEntry) -> bool {
    matches!(entry.medium, Some(Medium::Sms | Medium::Whatsapp))
}

fn is_electronic(entry: &HistoryEntry) -> bool {
    is_text(entry) || matches!(entry.medium, Some(Medium::Email | Medium::Webchat))
}

fn is_electronic_channel(channel: Channel) -> bool {
    matches!(
        channel,
        Channel::Sms | Channel::Whatsapp | Channel::Email | Channel::Webchat
    )
}
