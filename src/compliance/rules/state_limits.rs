//! Caps of states and cities. The numbers, dates and whom they bind stand in the overlay rows of the rule set; what
//! counts stands here.

use super::counting::{Bucket, Span, cap, is_call, is_electronic, is_text, is_unprompted, unless_answering};
use super::{Checked, Context, Rule, Verdict};
use crate::compliance::facts::{Channel, HistoryEntry, LineType};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ma-2-per-7",
        check: ma_2_per_7,
    },
    Rule {
        id: "ma-work-2-per-30",
        check: ma_work_2_per_30,
    },
    Rule {
        id: WASHINGTON,
        check: wa_3_per_week,
    },
    Rule {
        id: "wa-wireless-2-per-day",
        check: wa_wireless_2_per_day,
    },
    Rule {
        id: "nyc-3-per-7",
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
];

const WASHINGTON: &str = "wa-3-per-week";

/// 940 CMR 7.04(1)(f), 7.05(3)(d): in Massachusetts two calls or texts in seven days per debt, to the debtor and who lives with
/// them, creditors included. Those count that the business initiates: no answer, and no confirmation of an opt-out.
fn ma_2_per_7(context: &Context<'_>) -> Checked {
    let concerns_channel = context.is_call() || context.is_text();
    let bucket = match context.reads_closely() {
        true => Bucket::HouseholdDebt,
        false => Bucket::Debt,
    };
    let verdict = limited(context, "ma-2-per-7", concerns_channel, bucket, |entry| {
        let is_initiated = is_unprompted(entry) || !context.reads_closely();
        (is_call(entry) || is_text(entry)) && is_initiated
    });
    unless_answering(context, verdict)
}

/// 940 CMR 7.04(1)(f): in Massachusetts two calls in thirty days to another place than home or a personal
/// number.
fn ma_work_2_per_30(context: &Context<'_>) -> Checked {
    let concerns_place = context.is_call() && context.is_at_work();
    limited(
        context,
        "ma-work-2-per-30",
        concerns_place,
        Bucket::Debt,
        |entry| is_call(entry) && is_at_work(entry),
    )
}

/// RCW 19.16.250(13): in Washington three communications a week in any form to the debtor or the spouse, of them one
/// at work, answers left out; the week rolls.
fn wa_3_per_week(context: &Context<'_>) -> Checked {
    unless_answering(context, of_a_week(context))
}

fn of_a_week(context: &Context<'_>) -> Checked {
    let Some(limit) = context.state_limit(WASHINGTON) else {
        return Ok(Verdict::NotApplicable);
    };
    let in_all = cap(context, Span::of_state(limit), Bucket::Household, is_unprompted)?;
    let Some(at_work) = limit.at_work.filter(|_| context.is_at_work()) else {
        return Ok(in_all);
    };
    let span = Span {
        limit: at_work,
        days: limit.days,
    };
    let at_work = cap(context, span, Bucket::Household, |entry| {
        is_unprompted(entry) && is_at_work(entry)
    })?;
    Ok(match (in_all, at_work) {
        (Verdict::Defer(one, values), Verdict::Defer(other, _)) => Verdict::Defer(one.max(other), values),
        (Verdict::Pass(_), of_work) => of_work,
        (of_all, _) => of_all,
    })
}

/// RCW 19.16.250(19): in Washington two calls and texts a day to a mobile telephone, answers left out. A line
/// whose type is not known is taken as mobile.
fn wa_wireless_2_per_day(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    let concerns_channel = (context.is_call() || context.is_text()) && !is_landline;
    let verdict = limited(
        context,
        "wa-wireless-2-per-day",
        concerns_channel,
        Bucket::Person,
        |entry| (is_call(entry) || is_text(entry)) && is_unprompted(entry),
    );
    unless_answering(context, verdict)
}

/// 6 RCNY 5-77: in New York City three contacts or attempts in seven days per account over all channels, answers
/// left out, creditors included.
fn nyc_3_per_7(context: &Context<'_>) -> Checked {
    let verdict = limited(context, "nyc-3-per-7", true, Bucket::Debt, is_unprompted);
    unless_answering(context, verdict)
}

/// D.C. Code 28-3814: four calls in seven days per account, creditors included.
fn dc_4_calls_per_7(context: &Context<'_>) -> Checked {
    limited(
        context,
        "dc-4-calls-per-7",
        context.is_call(),
        Bucket::Debt,
        is_call,
    )
}

/// D.C. Code 28-3814: five e-mails, texts and private messages together in seven days per account.
fn dc_5_electronic_per_7(context: &Context<'_>) -> Checked {
    let is_electronic_channel = matches!(
        context.channel,
        Channel::Sms | Channel::Whatsapp | Channel::Email | Channel::Webchat
    );
    let verdict = limited(
        context,
        "dc-5-electronic-per-7",
        is_electronic_channel,
        Bucket::Debt,
        |entry| is_electronic(entry) && is_unprompted(entry),
    );
    unless_answering(context, verdict)
}

/// Compares with the limit of the debtor's state or city, where it has one under this rule.
fn limited(
    context: &Context<'_>,
    rule: &'static str,
    concerns: bool,
    bucket: Bucket,
    counts: impl Fn(&HistoryEntry) -> bool,
) -> Checked {
    match context.state_limit(rule) {
        Some(limit) if concerns => cap(context, Span::of_state(limit), bucket, counts),
        _ => Ok(Verdict::NotApplicable),
    }
}

fn is_at_work(entry: &HistoryEntry) -> bool {
    entry.number_type.as_deref() == Some("work")
}
