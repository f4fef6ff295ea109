//! Time and place: permitted hours on the debtor's clock, and hours that the debtor called inconvenient.

use super::context::CONSUMER_REPLY;
use super::{Checked, Context, Missing, PLACE, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Channel, ClockTime, InconvenientTime};
use crate::compliance::local_time::{Hours, WeeklyBar, next_open};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "location-evidence-required",
        check: location_evidence_required,
    },
    Rule {
        id: CONSUMER_REPLY,
        check: quiet_hours_consumer_initiated_reply,
    },
    Rule {
        id: QUIET_HOURS,
        check: reg_f_quiet_hours,
    },
    Rule {
        id: FLORIDA,
        check: fl_fccpa_quiet_hours,
    },
    Rule {
        id: INCONVENIENT,
        check: reg_f_inconvenient_time_place,
    },
];

pub(super) const QUIET_HOURS: &str = "reg-f-quiet-hours";
const INCONVENIENT: &str = "reg-f-inconvenient-time-place";
const FLORIDA: &str = "fl-fccpa-quiet-hours";

/// A week holds every pattern of daily and weekly windows; two days more bridge a change of clocks.
const SEARCH_DAYS: i64 = 9;

/// Comment 6(b)(1)(i)-2: without any evidence of where the debtor is there is no clock to go by, and none is
/// guessed. What may go out at any hour needs none.
fn location_evidence_required(context: &Context<'_>) -> Checked {
    if goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    need(context.facts.location.as_ref(), "location")?;
    Ok(if context.zones.is_empty() {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Routine)
    })
}

/// Comment 6(b)(1)-2; 12 CFR 1006.6(b)(4)(i): the debtor who writes at a barred hour gets one prompt answer
/// in the same medium. It frees from [`reg_f_quiet_hours`] and [`reg_f_inconvenient_time_place`]; by itself
/// it never bars.
fn quiet_hours_consumer_initiated_reply(context: &Context<'_>) -> Checked {
    if !context.is_prompt_reply()? {
        return Ok(Verdict::NotApplicable);
    }
    let is_barred_hour = earliest_open(context, &permitted_hours(context, QUIET_HOURS)?) != Some(context.at)
        || earliest_convenient(context) != Some(context.at);
    Ok(Verdict::Pass(if is_barred_hour {
        Weight::Exception
    } else {
        Weight::Routine
    }))
}

/// 15 USC 1692c(a)(1); 12 CFR 1006.6(b)(1)(i): from 08:00:00 to before 21:00:00 on the clock of every zone in
/// which the debtor may be; the clock is that of sending. Zones without a common window need a person to find
/// out.
fn reg_f_quiet_hours(context: &Context<'_>) -> Checked {
    let applies = context.reg_f_applies() || has_state_hours(context);
    if !applies || goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    within_hours(context, QUIET_HOURS)
}

/// The debtor's state has the same hours for creditors, and no rule of its own for them.
fn has_state_hours(context: &Context<'_>) -> bool {
    let mut hours = context.rows().filter_map(|row| row.hours.as_ref());
    hours.any(|hours| hours.rule.is_none())
}

/// Fla. Stat. 559.72(17) (2025): calls and texts between 08:00 and 21:00, creditors included; e-mail is free.
fn fl_fccpa_quiet_hours(context: &Context<'_>) -> Checked {
    let mut hours = context.rows().filter_map(|row| row.hours.as_ref());
    let is_in_florida = hours.any(|hours| hours.rule.as_deref() == Some(FLORIDA));
    if !is_in_florida || goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    if context.is_call() || context.is_text() {
        return within_hours(context, FLORIDA);
    }
    let bars_nothing_else = context.channel == Channel::Email && !context.reg_f_applies();
    Ok(if bars_nothing_else {
        Verdict::Pass(Weight::Engaged)
    } else {
        Verdict::NotApplicable
    })
}

/// 12 CFR 1006.6(b)(1), comment 6(b)(1)-1: times that the debtor called inconvenient, on their own clock.
fn reg_f_inconvenient_time_place(context: &Context<'_>) -> Checked {
    let designated = need(context.facts.inconvenient.as_ref(), "inconvenient")?;
    if designated.is_empty() || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let is_designated = designated.iter().any(|window| {
        let is_any_time = window.from.is_none() && window.to.is_none() && window.days.is_none();
        (window.places.is_some() || window.numbers.is_some()) && is_any_time && holds_here(window, context)
    });
    if is_designated && !context.is_response() {
        return Ok(Verdict::Deny(vec![
            ("zones", zone_names(context)),
            (PLACE, context.place().unwrap_or_default().to_owned()),
        ]));
    }
    if goes_out_at_any_hour(context)? {
        return Ok(Verdict::NotApplicable);
    }
    Ok(match earliest_convenient(context) {
        Some(at) if at == context.at => Verdict::Pass(Weight::Routine),
        Some(until) => Verdict::Defer(until, vec![]),
        None => Verdict::Deny(vec![("zones", zone_names(context))]),
    })
}

/// A prompt answer to the debtor's own message or to what they asked for on a page (comment 6(b)(1)-2), and the confirmation of
/// an opt-out (47 CFR 64.1200(a)(12)), whose own rule has seen to its five minutes.
pub(super) fn goes_out_at_any_hour(context: &Context<'_>) -> Result<bool, Missing> {
    let is_asked_for = matches!(
        context.kind,
        ActionKind::OptoutConfirmation | ActionKind::RequestedNotice
    );
    Ok(is_asked_for || context.is_prompt_reply()?)
}

fn within_hours(context: &Context<'_>, rule: &'static str) -> Checked {
    let hours = permitted_hours(context, rule)?;
    Ok(within(context, &hours, Weight::Baseline))
}

/// Whether every zone's clock is inside the hours, and from when on it is.
pub(super) fn within(context: &Context<'_>, hours: &[Hours], weight: Weight) -> Verdict {
    match earliest_open(context, hours) {
        Some(at) if at == context.at => Verdict::Pass(weight),
        Some(until) => Verdict::Defer(until, vec![("zones", zone_names(context))]),
        None => Verdict::Deny(vec![("zones", zone_names(context))]),
    }
}

/// The rule's hours, and those to which the debtor gave direct prior consent for this channel.
fn permitted_hours(context: &Context<'_>, rule: &'static str) -> Result<Vec<Hours>, Missing> {
    let parameters = context.parameters(rule)?;
    let start = parameters.start.ok_or(Missing::Parameter(rule))?;
    let end = parameters.end.ok_or(Missing::Parameter(rule))?;
    let mut hours = Hours::between(start, end);
    if let Some((from, to)) = consented_hours(context) {
        hours.extend(Hours::between(from, to));
    }
    Ok(hours)
}

/// The hours to which the debtor gave direct prior consent for this channel.
pub(super) fn consented_hours(context: &Context<'_>) -> Option<(ClockTime, ClockTime)> {
    let consent = context.facts.time_consent.as_ref()?;
    let counts = consent.given_directly == Some(true) && consent.channel == Some(context.channel);
    consent.from.zip(consent.to).filter(|_| counts)
}

/// The earliest instant at which every zone's clock is inside the hours; `None` where they have none in
/// common.
fn earliest_open(context: &Context<'_>, hours: &[Hours]) -> Option<DateTime<Utc>> {
    earliest_common(context, |at, zone| next_open(at, zone, hours))
}

/// The earliest instant at which no zone's clock is inside a designated window; `None` where there is none.
fn earliest_convenient(context: &Context<'_>) -> Option<DateTime<Utc>> {
    let windows = context.facts.inconvenient.iter().flatten();
    let windows = windows.filter(|window| holds_here(window, context));
    let bars: Vec<WeeklyBar<'_>> = windows
        .map(|window| WeeklyBar {
            days: window.days.as_deref(),
            from: window.from.unwrap_or(ClockTime::MIDNIGHT),
            to: window.to.unwrap_or(ClockTime::END_OF_DAY),
        })
        .collect();
    earliest_common(context, |at, zone| {
        bars.iter()
            .filter_map(|bar| bar.end(at, zone))
            .max()
            .unwrap_or(at)
    })
}

/// The designation is of this channel, of this number, and of the place where it rings. A word that names no channel is taken for all
/// of them. At an employer's e-mail address they are at work (12 CFR 1006.22(f)(3)); versions of before knew telephone numbers alone.
fn holds_here(window: &InconvenientTime, context: &Context<'_>) -> bool {
    let is_of_channel = window.channels.as_deref().is_none_or(|channels| {
        channels
            .iter()
            .any(|name| name == "all" || is_named(name, context.channel) || is_strange(name, context))
    });
    let number = context.action.number.as_ref();
    let place = context.place();
    let is_of_place = window
        .places
        .as_ref()
        .is_none_or(|places| place.is_some_and(|place| places.iter().any(|named| named == place)));
    let is_of_number = window
        .numbers
        .as_ref()
        .is_none_or(|numbers| number.is_some_and(|number| numbers.contains(number)));
    is_of_channel && is_of_place && is_of_number
}

fn is_strange(name: &str, context: &Context<'_>) -> bool {
    const ALL: [Channel; 6] = [
        Channel::Sms,
        Channel::Whatsapp,
        Channel::Email,
        Channel::Webchat,
        Channel::Voice,
        Channel::Letter,
    ];
    context.reads_closely() && !ALL.iter().any(|channel| is_named(name, *channel))
}

fn is_named(name: &str, channel: Channel) -> bool {
    match channel {
        Channel::Sms => name == "sms",
        Channel::Whatsapp => name == "whatsapp",
        Channel::Email => name == "email",
        Channel::Webchat => name == "webchat",
        Channel::Voice | Channel::Voicemail => matches!(name, "voice" | "voicemail" | "call"),
        Channel::Letter => name == "letter",
    }
}

/// The least instant from `context.at` on that every zone accepts. `next` gives the earliest instant that one
/// zone accepts from an instant on, so going to the latest of them never passes over a common one.
fn earliest_common(
    context: &Context<'_>,
    next: impl Fn(DateTime<Utc>, Tz) -> DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let horizon = context.at + TimeDelta::days(SEARCH_DAYS);
    let mut at = context.at;
    while at <= horizon {
        match context.zones.iter().map(|zone| next(at, zone)).max() {
            Some(later) if later > at => at = later,
            _ => return Some(at),
        }
    }
    None
}

fn zone_names(context: &Context<'_>) -> String {
    context.zones.names().join(", ")
}
