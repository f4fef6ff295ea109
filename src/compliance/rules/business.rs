//! What follows from the business itself: whether it may act at all, and the limits that it set below the law's.

use super::frequency::{Bucket, cap_at, is_unprompted};
use super::time::{goes_out_at_any_hour, within};
use super::{Checked, Context, Missing, Rule, Verdict, Weight};
use crate::compliance::facts::{Channel, HistoryEntry, Medium, Policy};
use crate::compliance::local_time::Hours;

/// Asked before anything else.
pub(super) const STANDING: &[Rule] = &[Rule {
    id: "business-suspended",
    check: business_suspended,
}];

/// Limits that a business sets for itself; they only ever add to the others.
pub(super) const LIMITS: &[Rule] = &[
    Rule {
        id: ATTEMPTS,
        check: business_attempts_per_week,
    },
    Rule {
        id: CHANNEL,
        check: business_channel_limit,
    },
    Rule {
        id: "business-contact-hours",
        check: business_contact_hours,
    },
];

const ATTEMPTS: &str = "business-attempts-per-week";
const CHANNEL: &str = "business-channel-limit";

/// Nobody is contacted for a business that the platform has suspended.
fn business_suspended(context: &Context<'_>) -> Checked {
    let tenant = context.facts.tenant.as_ref();
    Ok(match tenant.and_then(|tenant| tenant.suspended) {
        Some(true) => Verdict::Deny(vec![]),
        _ => Verdict::NotApplicable,
    })
}

/// Attempts of every kind to reach the person; answers are left out.
fn business_attempts_per_week(context: &Context<'_>) -> Checked {
    let limit = policy(context).and_then(|policy| policy.attempts_per_week);
    limited(context, limit, days_of(context, ATTEMPTS)?, |_| true)
}

/// Attempts on the channel that is asked about; answers are left out.
fn business_channel_limit(context: &Context<'_>) -> Checked {
    let Some(policy) = policy(context) else {
        return Ok(Verdict::NotApplicable);
    };
    let week = days_of(context, CHANNEL)?;
    let (limit, days, medium) = match context.channel {
        Channel::Sms => (policy.sms_per_week, week, Medium::Sms),
        Channel::Email => (policy.emails_per_week, week, Medium::Email),
        Channel::Voice | Channel::Voicemail => (policy.calls_per_week, week, Medium::Call),
        Channel::Whatsapp => (policy.whatsapp_per_day, 1, Medium::Whatsapp),
        Channel::Webchat | Channel::Letter => return Ok(Verdict::NotApplicable),
    };
    limited(context, limit, days, |entry| entry.medium == Some(medium))
}

/// Hours within the permitted ones, on the clock of every zone in which the debtor may be.
fn business_contact_hours(context: &Context<'_>) -> Checked {
    let hours = policy(context).and_then(|policy| Some((policy.contact_from?, policy.contact_to?)));
    let Some((from, to)) = hours else {
        return Ok(Verdict::NotApplicable);
    };
    if goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    Ok(within(context, &Hours::between(from, to), Weight::Baseline))
}

fn policy<'a>(context: &'a Context<'_>) -> Option<&'a Policy> {
    context.facts.policy.as_ref()
}

fn days_of(context: &Context<'_>, rule: &'static str) -> Result<i64, Missing> {
    context.parameters(rule)?.days.ok_or(Missing::Parameter(rule))
}

fn limited(
    context: &Context<'_>,
    limit: Option<usize>,
    days: i64,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    match limit {
        Some(limit) if !context.is_response() => cap_at(context, (limit, days), Bucket::PerPerson, |entry| {
            is_unprompted(entry) && counts(entry)
        }),
        _ => Ok(Verdict::NotApplicable),
    }
}
