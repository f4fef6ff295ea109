//! Federal caps on how often a person is called, and the product's own. What is counted how stands in [`super::counting`].

use super::consent::artificial_voice_is_granted;
use super::context::same_number;
use super::counting::{
    Bucket, Span, cap, concerns, debts_of, is_call, is_same_person, is_unprompted, unless_answering,
};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{
    ActionKind, CallConsent, CallMode, CallOutcome, Channel, Direction, HistoryEntry, LineType, Medium,
    Recipient,
};
use crate::compliance::local_time::{local_date, shift_date, start_of_day};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: CALL_7_IN_7,
        check: reg_f_call_7_in_7,
    },
    Rule {
        id: AFTER_CONVERSATION,
        check: reg_f_call_after_conversation,
    },
];

pub(super) const PRODUCT: &[Rule] = &[
    Rule {
        id: LANDLINE,
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
const LANDLINE: &str = "tcpa-residential-artificial-3-in-30";

/// 12 CFR 1006.14(b)(2)(i)(A), (b)(3): at most seven calls in seven days to a person about a particular debt.
/// Direct prior consent takes the call out of the count; calls to attorneys, the creditor and consumer
/// reporting agencies are not in it.
fn reg_f_call_7_in_7(context: &Context<'_>) -> Checked {
    if !counts_as_call(context) {
        return Ok(Verdict::NotApplicable);
    }
    let verdict = cap(context, Span::of(context, CALL_7_IN_7)?, Bucket::Debt, |entry| {
        is_call(entry) && entry.with_prior_consent != Some(true)
    })?;
    Ok(match verdict {
        Verdict::Defer(..) if has_call_consent(context) => Verdict::Pass(Weight::Exception),
        Verdict::Pass(_) if called_lately(context)? => Verdict::Pass(Weight::Engaged),
        Verdict::Pass(_) => Verdict::Pass(Weight::Routine),
        other => other,
    })
}

/// A call to somebody whose calls the regulation counts (12 CFR 1006.14(b)(3)(iii)).
fn counts_as_call(context: &Context<'_>) -> bool {
    let is_professional = matches!(
        context.recipient,
        Recipient::Attorney
            | Recipient::Creditor
            | Recipient::CreditorAttorney
            | Recipient::CollectorAttorney
            | Recipient::ConsumerReportingAgency
    );
    context.is_call() && context.reg_f_applies() && !is_professional
}

/// Any call in the window, whatever its debt and whoever of those who owe it was called (each has a count of their own):
/// enough for the rule to matter. Of a conversation [`reg_f_call_after_conversation`] speaks.
fn called_lately(context: &Context<'_>) -> Result<bool, Missing> {
    let span = Span::of(context, CALL_7_IN_7)?;
    let verdict = cap(context, span, Bucket::Everyone, |entry| {
        is_call(entry) && entry.outcome != Some(CallOutcome::Conversation)
    })?;
    Ok(!matches!(verdict, Verdict::Pass(Weight::Routine)))
}

/// 12 CFR 1006.14(b)(2)(i)(B): no call within seven days of a telephone conversation about the debt, whoever
/// began it; the date of the conversation is day one. A text thread is not a telephone conversation.
fn reg_f_call_after_conversation(context: &Context<'_>) -> Checked {
    if !counts_as_call(context) {
        return Ok(Verdict::NotApplicable);
    }
    need(context.facts.history.as_ref(), "history")?;
    let days = context.days(AFTER_CONVERSATION)?;
    let conversations: Vec<DateTime<Utc>> = context
        .history()
        .filter(|entry| is_conversation(entry, context))
        .filter_map(|entry| entry.at)
        .collect();
    let by_hours = Span::counts_hours(context)
        .then(|| {
            conversations
                .iter()
                .max()
                .map(|at| *at + TimeDelta::days(days) + TimeDelta::seconds(1))
        })
        .flatten()
        .filter(|free_from| context.at < *free_from);
    let free_from = |zone: Tz| {
        let last = conversations.iter().map(|at| local_date(*at, zone)).max()?;
        let free_on = shift_date(last, days);
        (local_date(context.at, zone) < free_on).then(|| start_of_day(zone, free_on))
    };
    let until = context.zones.iter().filter_map(free_from).chain(by_hours).max();
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

/// 47 CFR 64.1200(a)(3)(iii): three artificial-voice calls in thirty days to a residential line without
/// consent; with it, as many as other rules leave.
fn tcpa_residential_artificial_3_in_30(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    if !context.has_artificial_voice() || !is_landline {
        return Ok(Verdict::NotApplicable);
    }
    let verdict = cap(context, Span::of(context, LANDLINE)?, Bucket::Person, |entry| {
        is_call(entry)
            && entry.mode != Some(CallMode::Human)
            && same_number(entry.number.as_ref(), context.action.number.as_ref())
    });
    if !artificial_voice_is_granted(context) {
        return verdict;
    }
    Ok(Verdict::Pass(match verdict {
        Ok(Verdict::Defer(..)) => Weight::Exception,
        _ => Weight::Engaged,
    }))
}

/// Product rule: three call attempts a week.
fn product_attempts_3_per_week(context: &Context<'_>) -> Checked {
    product_cap(
        context,
        context.is_call(),
        "product-attempts-3-per-week",
        Medium::Call,
        |_| true,
    )
}

/// Product rule: three texts a week; confirmations, receipts asked for and answers are left out.
fn product_sms_3_per_week(context: &Context<'_>) -> Checked {
    let is_sms = context.channel == Channel::Sms;
    product_cap(context, is_sms, "product-sms-3-per-week", Medium::Sms, |_| true)
}

/// Product rule: five e-mails a week; legal notices are left out.
fn product_email_5_per_week(context: &Context<'_>) -> Checked {
    let is_email = context.channel == Channel::Email && !is_legal_notice(&context.kind);
    product_cap(
        context,
        is_email,
        "product-email-5-per-week",
        Medium::Email,
        |entry| !entry.kind.as_ref().is_some_and(is_legal_notice),
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
        |_| true,
    )
}

fn product_cap(
    context: &Context<'_>,
    concerns_channel: bool,
    rule: &'static str,
    medium: Medium,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    if !context.is_product_profile() || !concerns_channel {
        return Ok(Verdict::NotApplicable);
    }
    let verdict = cap(context, Span::of(context, rule)?, Bucket::Person, |entry| {
        entry.medium == Some(medium) && is_unprompted(entry) && counts(entry)
    });
    unless_answering(context, verdict)
}

/// What the law makes the business send.
fn is_legal_notice(kind: &ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::ValidationNotice
            | ActionKind::VerificationResponse
            | ActionKind::OriginalCreditorResponse
            | ActionKind::NoticeTermination
            | ActionKind::NoticeRemedies
            | ActionKind::NoticeIntendedRemedy
            | ActionKind::PlanConfirmation
    )
}
