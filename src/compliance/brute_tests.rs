//! The gate against counters that were written anew, slow and plain: minute by minute, date by date.

use super::decide::{Strictness, decide};
use super::decision::{Decision, Outcome};
use super::facts::Facts;
use super::rule_set::RuleSet;
use super::test_facts::{lay_over, permitted_call};
use super::zones::zones_of_state;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every state, district and territory of the table.
const STATES: &str = include_str!("../../policies/geo/state_zones.csv");

fn every_us_zone() -> Vec<Tz> {
    let mut zones: BTreeMap<&str, Tz> = BTreeMap::new();
    for line in STATES.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let (code, _) = line.split_once(',').expect("two columns");
        zones.extend(zones_of_state(code).iter().map(|zone| (zone.name(), zone)));
    }
    zones.into_values().collect()
}

/// A letter, about which hardly any rule but the hours has anything to say.
fn letter(zones: &[Tz]) -> Facts {
    let names: Vec<&str> = zones.iter().map(|zone| zone.name()).collect();
    let facts = json!({
        "profile": "floor",
        "location": { "candidate_zones": names },
        "action": { "channel": "letter", "content": { "subsequent_mini_miranda": true } },
        "validation": { "provided_on": "2025-11-03" },
    });
    serde_json::from_value(facts).expect("facts")
}

fn at(facts: &Facts, now: DateTime<Utc>) -> Decision {
    let facts = Facts {
        now: Some(now),
        ..facts.clone()
    };
    decide(RuleSet::current(), &facts, Strictness::Vector)
}

fn is_waking(minute: DateTime<Utc>, zones: &[Tz]) -> bool {
    zones
        .iter()
        .all(|zone| (8..21).contains(&minute.with_timezone(zone).hour()))
}

#[test]
fn every_minute_of_the_nights_on_which_clocks_change_is_decided_as_a_clock_on_the_wall_would() {
    let zones = every_us_zone();
    assert!(zones.len() >= 10, "{zones:?}");
    let mut wheres: Vec<Vec<Tz>> = zones.iter().map(|zone| vec![*zone]).collect();
    wheres.push(vec![
        chrono_tz::America::New_York,
        chrono_tz::America::Los_Angeles,
    ]);
    wheres.push(vec![chrono_tz::America::Phoenix, chrono_tz::America::Denver]);
    wheres.push(vec![chrono_tz::America::Chicago, chrono_tz::Pacific::Honolulu]);
    for night in ["2026-03-08T00:00:00Z", "2026-11-01T00:00:00Z"] {
        let start: DateTime<Utc> = night.parse().expect("an instant");
        for zones in &wheres {
            let facts = letter(zones);
            // Backwards, so that the next open minute is known.
            let mut next_open = None;
            for minute in (0..=50 * 60)
                .rev()
                .map(|minutes| start + TimeDelta::minutes(minutes))
            {
                let is_open = is_waking(minute, zones);
                if is_open {
                    next_open = Some(minute);
                }
                let Some(next_open) = next_open else { continue };
                let decision = at(&facts, minute);
                let said = (decision.outcome, decision.next_permitted_at);
                let wanted = if is_open {
                    (Outcome::Allow, None)
                } else {
                    (Outcome::Defer, Some(next_open))
                };
                assert_eq!(said, wanted, "{minute} in {zones:?}");
            }
        }
    }
}

/// One earlier call: hours ago, by whose number, about which debts, how it ended, with consent.
type Call = (i64, u8, Vec<u8>, u8, bool);

fn call() -> impl Strategy<Value = Call> {
    (
        0_i64..(9 * 24 * 60),
        0_u8..3,
        prop::collection::vec(0_u8..3, 1..=2),
        0_u8..5,
        prop::bool::weighted(0.1),
    )
}

const OUTCOMES: [&str; 5] = [
    "no_answer",
    "busy",
    "not_in_service",
    "answered_dropped",
    "voicemail_no_message",
];

fn document(now: DateTime<Utc>, zones: &[Tz], debts: &[u8], calls: &[Call]) -> Value {
    let name = |debt: &u8| format!("D{debt}");
    let names: Vec<String> = debts.iter().map(name).collect();
    let history: Vec<Value> = calls
        .iter()
        .map(|(minutes_ago, number, debts, outcome, consented)| {
            json!({
                "at": now - TimeDelta::minutes(*minutes_ago), "type": "call", "direction": "outbound",
                "number": format!("N{number}"), "recipient": "consumer", "outcome": OUTCOMES[usize::from(*outcome)],
                "debts": debts.iter().map(name).collect::<Vec<_>>(), "with_prior_consent": consented,
            })
        })
        .collect();
    let zones: Vec<&str> = zones.iter().map(|zone| zone.name()).collect();
    let mut facts = permitted_call();
    lay_over(
        &mut facts,
        json!({ "now": now, "profile": "floor", "action": { "debts": names }, "history": history,
            "location": { "address_state": null, "candidate_zones": zones } }),
    );
    facts
}

/// Plain on purpose: for every debt and zone, every date from today on is looked at, and on each every call.
fn seventh_day(now: DateTime<Utc>, zones: &[Tz], debts: &[u8], calls: &[Call]) -> Option<DateTime<Utc>> {
    let mut until = None;
    for zone in zones {
        for debt in debts {
            let mut date = now.with_timezone(zone).date_naive();
            let today = date;
            loop {
                let first = date - Days::new(6);
                let count = calls
                    .iter()
                    .filter(|(minutes_ago, _, of, outcome, consented)| {
                        let made_on = (now - TimeDelta::minutes(*minutes_ago))
                            .with_timezone(zone)
                            .date_naive();
                        let connected = *outcome != 1 && *outcome != 2;
                        connected && !consented && of.contains(debt) && made_on >= first && made_on <= date
                    })
                    .count();
                if count < 7 {
                    break;
                }
                date = date + Days::new(1);
            }
            if date != today {
                until = until.max(Some(midnight(*zone, date)));
            }
        }
    }
    until
}

fn midnight(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_hms_opt(0, 0, 0).expect("midnight");
    let there = zone
        .from_local_datetime(&midnight)
        .earliest()
        .expect("no clock changes at midnight here");
    there.with_timezone(&Utc)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn seven_calls_in_seven_dates_are_counted_as_on_paper(
        minute in 0_i64..(400 * 24 * 60),
        zones in prop::sample::subsequence(
            vec![chrono_tz::America::New_York, chrono_tz::America::Chicago, chrono_tz::America::Phoenix, chrono_tz::Pacific::Guam],
            1..=2),
        debts in prop::sample::subsequence(vec![0_u8, 1, 2], 1..=2),
        calls in prop::collection::vec(call(), 0..16),
    ) {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let now = start + TimeDelta::minutes(minute);
        let facts: Facts = serde_json::from_value(document(now, &zones, &debts, &calls)).expect("facts");
        let decision = decide(RuleSet::current(), &facts, Strictness::Vector);
        let finding = decision.findings.iter().find(|finding| &*finding.rule == "reg-f-call-7-in-7");
        let said = finding.expect("the rule is asked about every call").until;
        prop_assert_eq!(said, seventh_day(now, &zones, &debts, &calls));
    }
}
