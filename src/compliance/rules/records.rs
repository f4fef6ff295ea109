//! How long records are kept, and what a request for erasure brings about meanwhile.

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{Facts, Profile};
use crate::compliance::local_time::{local_date, shift_years};
use crate::compliance::rule_set::RuleSet;
use crate::compliance::zones::candidate_zones;
use chrono::NaiveDate;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: AUDIT,
        check: audit_7y_immutable,
    },
    Rule {
        id: RECORDING,
        check: reg_f_recording_3y,
    },
    Rule {
        id: RETENTION,
        check: reg_f_retention_3y,
    },
];

/// What a contact with an erased person is asked about first.
pub(super) const RESTRICTED: &[Rule] = &[Rule {
    id: ERASURE,
    check: erased_person_is_left_alone,
}];

const ERASURE: &str = "erasure-vs-retention";
const AUDIT: &str = "audit-7y-immutable";
const RECORDING: &str = "reg-f-recording-3y";
const RETENTION: &str = "reg-f-retention-3y";

/// GDPR 18(2); CCPA 1798.105(d): what is kept of a person who was erased is kept because the law wants it, and used for
/// nothing else: nobody is contacted with it.
fn erased_person_is_left_alone(context: &Context<'_>) -> Checked {
    let consumer = context.facts.consumer.as_ref();
    Ok(match consumer.and_then(|consumer| consumer.erased) {
        Some(true) => Verdict::Deny(vec![]),
        _ => Verdict::NotApplicable,
    })
}

/// Product rule: the audit trail is only added to, and what says whom not to contact is kept while it holds. Neither is
/// deleted one by one.
fn audit_7y_immutable(context: &Context<'_>) -> Checked {
    let kept = context.parameters(AUDIT)?.labels.as_deref().unwrap_or_default();
    let object = need(context.action.object.as_ref(), "action.object")?;
    if kept.contains(object) {
        Ok(Verdict::Deny(vec![]))
    } else {
        Ok(Verdict::NotApplicable)
    }
}

/// 12 CFR 1006.100(b): a recording is kept for three years from the call, whatever happens to the debt.
fn reg_f_recording_3y(context: &Context<'_>) -> Checked {
    if !is_recording(context) {
        return Ok(Verdict::NotApplicable);
    }
    let recorded_on = need(context.action.recorded_on, "action.recorded_on")?;
    kept_until(context, years(context, RECORDING)?, recorded_on)
}

/// 12 CFR 1006.100(a): evidence of compliance is kept until three years after the last collection activity on the debt.
fn reg_f_retention_3y(context: &Context<'_>) -> Checked {
    if is_recording(context) {
        return Ok(Verdict::NotApplicable);
    }
    let debts = context.facts.debts.iter().flatten();
    let last = debts
        .map(|(_, debt)| debt.last_collection_activity_on)
        .max()
        .flatten();
    let last = last.max(context.action.recorded_on);
    let last = need(last, "debts.*.last_collection_activity_on")?;
    kept_until(context, years(context, RETENTION)?, last)
}

fn is_recording(context: &Context<'_>) -> bool {
    context.action.object.as_deref() == Some("call_recording")
}

fn kept_until(context: &Context<'_>, years: u32, since: NaiveDate) -> Checked {
    let until = shift_years(since, years);
    Ok(if context.earliest_date() > until {
        Verdict::Pass(Weight::Engaged)
    } else {
        Verdict::Deny(vec![("kept_until", until.to_string())])
    })
}

fn years(context: &Context<'_>, rule: &'static str) -> Result<u32, Missing> {
    let parameters = context.parameters(rule)?;
    let floor = parameters.years.ok_or(Missing::Parameter(rule))?;
    Ok(if context.is_product_profile() {
        parameters.product_years.unwrap_or(floor).max(floor)
    } else {
        floor
    })
}

/// GDPR 17(3)(b), (e); CCPA 1798.105(d): while a debt's records must be kept, a request for erasure restricts and
/// pseudonymises what is not needed for that; afterwards it erases all but the hash by which the person stays
/// suppressed. A debt whose last activity is not known is taken as within its time.
pub(in crate::compliance) fn erasure_effect(
    rule_set: &RuleSet,
    facts: &Facts,
) -> Result<&'static str, Missing> {
    let now = need(facts.now, "now")?;
    let parameters = &rule_set
        .rule(RETENTION)
        .ok_or(Missing::Parameter(RETENTION))?
        .parameters;
    let floor = parameters.years.ok_or(Missing::Parameter(RETENTION))?;
    let years = match facts.profile {
        Some(Profile::Floor) => floor,
        _ => parameters.product_years.unwrap_or(floor).max(floor),
    };
    let zones = facts
        .location
        .as_ref()
        .map(|location| candidate_zones(location, now));
    let today = zones.and_then(|zones| zones.iter().map(|zone| local_date(now, zone)).min());
    let today = today.unwrap_or_else(|| now.date_naive());
    let mut debts = facts.debts.iter().flatten().peekable();
    let all_are_over = debts.peek().is_some()
        && debts.all(|(_, debt)| {
            let last = debt.last_collection_activity_on;
            last.is_some_and(|last| today > shift_years(last, years))
        });
    Ok(if all_are_over {
        "erase_all_but_suppression"
    } else {
        "restrict_and_pseudonymise_nonessential"
    })
}
