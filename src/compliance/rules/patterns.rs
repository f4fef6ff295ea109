//! Patterns that forbid nothing by themselves and that a person should see.

use super::context::is_made_contact;
use super::counting::{is_call, is_same_person};
use super::{Checked, Context, Missing, Rule, Verdict, Weight};
use crate::compliance::local_time::{local_date, shift_date};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) const RULES: &[Rule] = &[Rule {
    id: AGGREGATE,
    check: reg_f_aggregate_pattern,
}];

const AGGREGATE: &str = "reg-f-aggregate-pattern";

/// 12 CFR 1006.14(a), (b)(1), comment 14(b)(2)(i)-2: the presumption of compliance falls to a pattern. More than seven
/// calls a week over all debts, two within five minutes, or more than three a day, this one included, ask for a look.
fn reg_f_aggregate_pattern(context: &Context<'_>) -> Checked {
    if !context.is_call() || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let parameters = context.parameters(AGGREGATE)?;
    let missing = Missing::Parameter(AGGREGATE);
    let (days, minutes) = (
        parameters.days.ok_or(missing)?,
        parameters.minutes.ok_or(missing)?,
    );
    let (a_week, a_day) = (
        parameters.limit.ok_or(missing)?,
        parameters.limit_a_day.ok_or(missing)?,
    );
    let calls: Vec<DateTime<Utc>> = context
        .recent(days)
        .iter()
        .filter(|(_, entry)| is_call(entry) && is_made_contact(entry) && is_same_person(entry, context))
        .map(|(at, _)| *at)
        .collect();
    let most_since = |days: i64| {
        let in_zone = |zone| {
            let since = shift_date(local_date(context.at, zone), 1 - days);
            calls.iter().filter(|at| local_date(**at, zone) >= since).count()
        };
        context.zones.iter().map(in_zone).max().unwrap_or_default() + 1
    };
    let is_close = calls
        .last()
        .is_some_and(|at| context.at - *at <= TimeDelta::minutes(minutes));
    let (of_week, of_day) = (most_since(days), most_since(1));
    Ok(if of_week > a_week || of_day > a_day || is_close {
        Verdict::Review(vec![("week", of_week.to_string()), ("day", of_day.to_string())])
    } else {
        Verdict::Pass(Weight::Routine)
    })
}
