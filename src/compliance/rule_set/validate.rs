//! What has to be in order in a pack before it may decide.

use std::collections::BTreeSet;

use super::pack::{Kept, RuleSetError};
use super::{Parameters, ProfileSettings, RuleData, StateRow, TimeBarred};
use crate::compliance::decide::rule_ids;
use crate::compliance::facts::ClockTime;

type Fault = Result<(), String>;

pub(super) fn validate(
    rules: &[RuleData],
    states: &[StateRow],
    product: &ProfileSettings,
    kept: Kept,
) -> Result<(), RuleSetError> {
    let mut seen = BTreeSet::new();
    for rule in rules {
        if !seen.insert(&*rule.id) {
            return Err(RuleSetError::Duplicate(rule.id.to_string()));
        }
    }
    let checked: BTreeSet<&'static str> = rule_ids().collect();
    if kept == Kept::Current
        && let Some(id) = rule_ids().find(|id| !seen.contains(id))
    {
        return Err(RuleSetError::Absent(id));
    }
    for rule in rules {
        let has_check = checked.contains(&*rule.id);
        if !has_check && rule.data_only.is_none() {
            return Err(RuleSetError::Unchecked(rule.id.to_string()));
        }
        if has_check && rule.data_only.is_some() {
            let fault = "it is checked, so it cannot be `data_only`; remove one of them".to_owned();
            return Err(RuleSetError::Invalid(rule.id.to_string(), fault));
        }
        rule_in_order(rule).map_err(|fault| RuleSetError::Invalid(rule.id.to_string(), fault))?;
    }
    for (place, row) in states.iter().enumerate() {
        let invalid = |fault| RuleSetError::Invalid(row.code.clone(), fault);
        row_in_order(row, &seen).map_err(invalid)?;
        let overlaps = |other: &&StateRow| other.code == row.code && is_at_the_same_time(other, row);
        if states[..place].iter().any(|other| overlaps(&other)) {
            return Err(invalid(
                "two rows of this state hold on one day; let the first end before".to_owned(),
            ));
        }
    }
    product_in_order(product).map_err(|fault| RuleSetError::Invalid("profile.product".to_owned(), fault))
}

fn rule_in_order(rule: &RuleData) -> Fault {
    let id_is_plain = !rule.id.is_empty()
        && rule
            .id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    ensure(id_is_plain, "an id is made of small letters, digits and hyphens")?;
    for (name, text) in [
        ("citation", &*rule.citation),
        ("explanation_en", &rule.explanation_en),
        ("explanation_es", &rule.explanation_es),
    ] {
        ensure(!text.trim().is_empty(), &format!("`{name}` is empty"))?;
    }
    let is_graded = matches!(&*rule.severity, "S1" | "S2" | "S3" | "S4");
    ensure(is_graded, "`severity` is one of S1, S2, S3 and S4")?;
    let confidence = rule.confidence.as_deref();
    let is_known = confidence.is_none_or(|word| matches!(word, "V" | "S" | "K" | "-"));
    ensure(is_known, "`confidence` is one of V, S, K and -")?;
    let ends_before_it_begins = rule
        .effective_from
        .zip(rule.effective_until)
        .is_some_and(|(from, until)| until < from);
    ensure(
        !ends_before_it_begins,
        "`effective_until` is before `effective_from`",
    )?;
    ensure(
        places(&rule.explanation_en)? == places(&rule.explanation_es)?,
        "the English and the Spanish explanation do not name the same `{…}` places",
    )?;
    match (&rule.denial_en, &rule.denial_es) {
        (Some(english), Some(spanish)) => ensure(
            places(english)? == places(spanish)?,
            "the English and the Spanish denial do not name the same `{…}` places",
        )?,
        (None, None) => {}
        _ => return Err("`denial_en` and `denial_es` go together".to_owned()),
    }
    match (&rule.place_en, &rule.place_es) {
        (Some(english), Some(spanish)) => ensure(
            places(english)? == places(spanish)?,
            "`place_en` and `place_es` do not name the same `{…}` places",
        )?,
        (None, None) => {}
        _ => return Err("`place_en` and `place_es` go together".to_owned()),
    }
    let says_why = rule.data_only.as_deref().is_none_or(|why| why.trim().len() >= 10);
    ensure(says_why, "`data_only` says why nothing is checked")?;
    parameters_in_order(&rule.parameters)
}

/// The `{name}` places of a text.
fn places(text: &str) -> Result<BTreeSet<&str>, String> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| format!("a `{{` without its `}}` in {text:?}"))?;
        found.insert(name);
        rest = after;
    }
    Ok(found)
}

fn parameters_in_order(parameters: &Parameters) -> Fault {
    match (parameters.start, parameters.end) {
        (Some(start), Some(end)) => hours_in_order(start, end)?,
        (None, None) => {}
        _ => return Err("`start` and `end` go together".to_owned()),
    }
    for (name, value, most) in [
        ("seconds", parameters.seconds, 86_400),
        ("minutes", parameters.minutes, 1_440),
        ("hours", parameters.hours, 8_760),
        // The longest look-back of the facts is 61 days; 180 days are counted from a date that is given.
        ("days", parameters.days, 180),
        ("business_days", parameters.business_days, 60),
        ("years", parameters.years.map(i64::from), 100),
        ("product_years", parameters.product_years.map(i64::from), 100),
    ] {
        let in_range = value.is_none_or(|value| (1..=most).contains(&value));
        ensure(in_range, &format!("`{name}` is from 1 to {most}"))?;
    }
    for (name, value) in [
        ("limit", parameters.limit),
        ("product_limit", parameters.product_limit),
        ("limit_a_day", parameters.limit_a_day),
    ] {
        ensure(
            value.is_none_or(|value| value <= 1_000),
            &format!("`{name}` is from 0 to 1000"),
        )?;
    }
    let stricter = |floor: Option<usize>, product: Option<usize>| {
        floor.zip(product).is_none_or(|(floor, product)| product <= floor)
    };
    ensure(
        stricter(parameters.limit, parameters.product_limit),
        "`product_limit` is no looser than `limit`",
    )?;
    let keeps_longer = parameters
        .years
        .zip(parameters.product_years)
        .is_none_or(|(floor, product)| product >= floor);
    ensure(keeps_longer, "`product_years` is no shorter than `years`")?;
    let is_rate = parameters.rate.is_none_or(|rate| (0.0..=1.0).contains(&rate));
    ensure(is_rate, "`rate` is from 0 to 1")?;
    for (name, list) in [
        ("codes", &parameters.codes),
        ("labels", &parameters.labels),
        ("fields", &parameters.fields),
    ] {
        let is_filled = list
            .as_ref()
            .is_none_or(|list| !list.is_empty() && list.iter().all(|word| !word.trim().is_empty()));
        ensure(is_filled, &format!("`{name}` has an empty entry, or none"))?;
    }
    Ok(())
}

fn hours_in_order(start: ClockTime, end: ClockTime) -> Fault {
    ensure(
        start < end,
        "the permitted hours begin before they end, on one day",
    )
}

fn row_in_order(row: &StateRow, rules: &BTreeSet<&str>) -> Fault {
    let is_code =
        row.code == "NYC" || row.code.len() == 2 && row.code.bytes().all(|byte| byte.is_ascii_uppercase());
    ensure(is_code, "`code` is a USPS code, or NYC")?;
    let ends_before_it_begins = row.from.zip(row.until).is_some_and(|(from, until)| until < from);
    ensure(!ends_before_it_begins, "`until` is before `from`")?;
    for hours in [&row.hours, &row.home_hours].into_iter().flatten() {
        hours_in_order(hours.start, hours.end)?;
        let known = hours.rule.as_deref().is_none_or(|rule| rules.contains(rule));
        ensure(known, "`hours.rule` is no rule of this set")?;
    }
    for limit in &row.limits {
        ensure(
            rules.contains(limit.rule.as_str()),
            "a limit names no rule of this set",
        )?;
        ensure(
            (1..=60).contains(&limit.days),
            "`days` of a limit is from 1 to 60",
        )?;
    }
    let cites = row.time_barred.is_none() || row.time_barred_citation.is_some();
    ensure(cites, "`time_barred` needs `time_barred_citation`")?;
    let texts = &row.time_barred_texts;
    ensure(
        texts.is_empty() || row.time_barred == Some(TimeBarred::Disclosure),
        "`time_barred_texts` need `time_barred = \"disclosure\"`",
    )?;
    ensure(
        texts.iter().all(|text| !text.trim().is_empty()),
        "`time_barred_texts` has an empty entry",
    )?;
    ensure(
        matches!(row.confidence.as_str(), "V" | "S" | "K"),
        "`confidence` is one of V, S and K",
    )
}

fn is_at_the_same_time(one: &StateRow, other: &StateRow) -> bool {
    let begins_before_the_end = |from: &StateRow, until: &StateRow| {
        from.from
            .zip(until.until)
            .is_none_or(|(from, until)| from <= until)
    };
    begins_before_the_end(one, other) && begins_before_the_end(other, one)
}

fn product_in_order(product: &ProfileSettings) -> Fault {
    let guard = product.guard_minutes.is_none_or(|minutes| minutes <= 240);
    ensure(guard, "`guard_minutes` is at most 240: more leaves no hours")
}

fn ensure(holds: bool, fault: &str) -> Fault {
    if holds { Ok(()) } else { Err(fault.to_owned()) }
}
