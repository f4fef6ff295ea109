//! What follows from the business itself: whether it may act at all, and the limits that it set below the law's.

use super::counting::{Bucket, Span, cap, is_unprompted};
use super::time::{QUIET_HOURS, consented_hours, goes_out_at_any_hour, within};
use super::{Checked, Context, Missing, Rule, Verdict, Weight};
use crate::compliance::facts::{Channel, ClockTime, HistoryEntry, Medium, Policy};
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
    Rule {
        id: "product-guard-time",
        check: product_guard_time,
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
    limited(context, limit, context.days(ATTEMPTS)?, |_| true)
}

/// Attempts on the channel that is asked about; answers are left out.
fn business_channel_limit(context: &Context<'_>) -> Checked {
    let Some(policy) = policy(context) else {
        return Ok(Verdict::NotApplicable);
    };
    let week = context.days(CHANNEL)?;
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
    let hours = with_consented(context, Hours::between(from, to), 0);
    Ok(within(context, &hours, Weight::Baseline))
}

/// The hours to which the debtor said yes are their own wish, which the business's own hours do not narrow. So many minutes before
/// their end are left out.
fn with_consented(context: &Context<'_>, mut hours: Vec<Hours>, guard: u32) -> Vec<Hours> {
    let consented = consented_hours(context).filter(|_| context.reads_closely());
    if let Some((from, to)) = consented {
        const DAY: u32 = 1_440;
        let (begin, end) = (from.seconds() / 60, to.seconds() / 60);
        let end = if end <= begin { end + DAY } else { end };
        let last = end.saturating_sub(guard);
        if last > begin {
            let last = if last > DAY { last - DAY } else { last };
            hours.extend(Hours::between(from, ClockTime::of_minutes(last)));
        }
    }
    hours
}

/// Product rule: what is handed to a provider in the last minutes before the end of the permitted hours may arrive after
/// it, so that nothing written is. A call is placed at once.
fn product_guard_time(context: &Context<'_>) -> Checked {
    let guard = policy(context).and_then(|policy| policy.guard_minutes);
    let is_carried = context.is_text() || context.channel == Channel::Email;
    let Some(guard) = guard.filter(|minutes| *minutes > 0 && is_carried) else {
        return Ok(Verdict::NotApplicable);
    };
    if goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    let hours = context.parameters(QUIET_HOURS)?;
    let missing = Missing::Parameter(QUIET_HOURS);
    let (from, to) = (hours.start.ok_or(missing)?, hours.end.ok_or(missing)?);
    let last = ClockTime::of_minutes((to.seconds() / 60).saturating_sub(guard)).max(from);
    let hours = with_consented(context, Hours::between(from, last), guard);
    Ok(within(context, &hours, Weight::Routine))
}

fn policy<'a>(context: &Context<'a>) -> Option<&'a Policy> {
    context.facts.policy.as_ref()
}

fn limited(
    context: &Context<'_>,
    limit: Option<usize>,
    days: i64,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    match limit {
        Some(limit) if !context.is_response() => {
            cap(context, Span { limit, days }, Bucket::Person, |entry| {
                is_unprompted(entry) && counts(entry)
            })
        }
        _ => Ok(Verdict::NotApplicable),
    }
}
