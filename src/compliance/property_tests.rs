//! What holds for every contact, whatever the facts.

use super::decide::{Strictness, decide};
use super::decision::{Decision, Outcome};
use super::facts::{
    Action, ActionKind, Channel, ClockTime, Consent, ConsentStatus, Consents, Content, DayOfWeek, Direction,
    Facts, HistoryEntry, InReplyTo, InconvenientTime, Location, Medium, OptOutScope, Policy, Profile,
    Provider, Recipient, Tenant, TenantRole, Validation,
};
use super::rule_set::RuleSet;
use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    // 2026 and 2027: anywhere, within three days of a change of clocks, and within a second of a half hour.
    let changes = prop::sample::select(vec!["2026-03-08", "2026-11-01", "2027-03-14", "2027-11-07"]);
    let near_change = (changes, -259_200_i64..259_200).prop_map(|(day, seconds)| {
        let day: NaiveDate = day.parse().expect("a date");
        day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(seconds)
    });
    let any = (1_767_225_600_i64..1_830_297_600)
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).expect("an instant of these years"));
    let at_border = (0_i64..35_040, -1_i64..=1).prop_map(|(half_hours, seconds)| {
        DateTime::from_timestamp(1_767_225_600 + half_hours * 1_800 + seconds, 0)
            .expect("an instant of these years")
    });
    prop_oneof![any, near_change, at_border]
}

fn zones() -> impl Strategy<Value = Vec<Tz>> {
    use chrono_tz::{America, Pacific};
    let all = vec![
        America::New_York,
        America::Chicago,
        America::Denver,
        America::Phoenix,
        America::Los_Angeles,
        America::Anchorage,
        America::St_Johns,
        America::Puerto_Rico,
        Pacific::Honolulu,
        Pacific::Guam,
    ];
    prop::sample::subsequence(all, 1..=3)
}

fn clock_time() -> impl Strategy<Value = ClockTime> {
    (0_u32..24, prop::sample::select(vec![0_u32, 15, 30, 59]))
        .prop_map(|(hours, minutes)| ClockTime::parse(&format!("{hours:02}:{minutes:02}")).expect("a time"))
}

fn inconvenient_time() -> impl Strategy<Value = InconvenientTime> {
    let days = vec![
        DayOfWeek::Mon,
        DayOfWeek::Tue,
        DayOfWeek::Wed,
        DayOfWeek::Sat,
        DayOfWeek::Sun,
    ];
    let days = prop::option::of(prop::sample::subsequence(days, 1..=4));
    (days, clock_time(), clock_time()).prop_map(|(days, from, to)| InconvenientTime {
        days,
        from: Some(from),
        to: Some(to),
        channels: Some(vec!["all".into()]),
        places: None,
        numbers: None,
    })
}

fn channel() -> impl Strategy<Value = Channel> {
    prop::sample::select(vec![
        Channel::Sms,
        Channel::Email,
        Channel::Webchat,
        Channel::Voice,
    ])
}

fn earlier_contact(now: DateTime<Utc>) -> impl Strategy<Value = HistoryEntry> {
    let media = prop::sample::select(vec![Medium::Sms, Medium::Email, Medium::Call, Medium::Webchat]);
    let kind = prop::sample::select(vec![ActionKind::Collection, ActionKind::Reply]);
    let seconds_ago = prop_oneof![0_i64..700_000, 0_i64..2_000, 0_i64..3_000_000];
    (seconds_ago, media, kind).prop_map(move |(seconds_ago, medium, kind)| HistoryEntry {
        at: Some(now - TimeDelta::seconds(seconds_ago)),
        medium: Some(medium),
        direction: Some(Direction::Outbound),
        recipient: Some(Recipient::Consumer),
        kind: Some(kind),
        ..HistoryEntry::default()
    })
}

fn consent() -> Option<Consent> {
    Some(Consent {
        status: Some(ConsentStatus::Granted),
        given_directly_to_collector: Some(true),
        last_verified_days_ago: Some(1),
        ..Consent::default()
    })
}

/// A business's own limits, each or none.
fn policy() -> impl Strategy<Value = Policy> {
    let count = || prop::option::weighted(0.3, 1_usize..5);
    let hours = prop::option::weighted(0.3, (8_u32..12, 13_u32..21));
    (
        count(),
        count(),
        count(),
        hours,
        prop::option::weighted(0.3, any::<bool>()),
        prop::option::weighted(0.3, 0_u32..90),
    )
        .prop_map(
            |(attempts, texts, mails, hours, elapsed_hours, guard_minutes)| Policy {
                attempts_per_week: attempts,
                sms_per_week: texts,
                emails_per_week: mails,
                contact_from: hours.map(|(from, _)| ClockTime::of_minutes(from * 60)),
                contact_to: hours.map(|(_, to)| ClockTime::of_minutes(to * 60)),
                elapsed_hours,
                guard_minutes,
                ..Policy::default()
            },
        )
}

fn state() -> impl Strategy<Value = Option<String>> {
    prop::option::of(
        prop::sample::select(vec!["MA", "WA", "DC", "FL", "NY", "CA", "TX"]).prop_map(str::to_owned),
    )
}

/// The same policy with one thing tightened; with its law too where nothing is left of it.
fn tightened(policy: &Policy, which: u8) -> Policy {
    let less = |limit: Option<usize>| Some(limit.unwrap_or(4).saturating_sub(1));
    let mut policy = policy.clone();
    match which {
        0 => policy.attempts_per_week = less(policy.attempts_per_week),
        1 => policy.sms_per_week = less(policy.sms_per_week),
        2 => policy.emails_per_week = less(policy.emails_per_week),
        3 => policy.calls_per_week = less(policy.calls_per_week),
        4 => policy.elapsed_hours = Some(true),
        5 => policy.guard_minutes = Some(policy.guard_minutes.unwrap_or_default() + 30),
        6 => policy.optout_scope = Some(OptOutScope::All),
        _ => {
            let (from, to) = (policy.contact_from, policy.contact_to);
            policy.contact_from = Some(
                from.unwrap_or(ClockTime::of_minutes(480))
                    .max(ClockTime::of_minutes(600)),
            );
            policy.contact_to = Some(
                to.unwrap_or(ClockTime::of_minutes(1_260))
                    .min(ClockTime::of_minutes(1_080)),
            );
        }
    }
    policy
}

/// Contacts without holds and with all consents, so that time and frequency decide.
fn contact() -> impl Strategy<Value = Facts> {
    instant().prop_flat_map(|now| {
        let in_reply_to = prop::option::of((0_i64..2_000, channel()).prop_map(
            move |(seconds_ago, channel)| InReplyTo {
                at: Some(now - TimeDelta::seconds(seconds_ago)),
                channel: Some(channel),
            },
        ));
        let history = prop::collection::vec(earlier_contact(now), 0..8);
        let inconvenient = prop::collection::vec(inconvenient_time(), 0..3);
        (
            zones(),
            channel(),
            in_reply_to,
            history,
            inconvenient,
            any::<bool>(),
            policy(),
            state(),
        )
            .prop_map(
                move |(zones, channel, in_reply_to, history, inconvenient, product, policy, state)| Facts {
                    now: Some(now),
                    profile: Some(if product { Profile::Product } else { Profile::Floor }),
                    tenant: Some(Tenant {
                        role: Some(TenantRole::ThirdPartyCollector),
                        ..Tenant::default()
                    }),
                    location: Some(Location {
                        // The zone is said, so that the state adds its law and no clock.
                        stated_zone: state.as_ref().map(|_| zones[0]),
                        nyc_resident: state.as_ref().map(|state| state == "NY"),
                        address_state: state,
                        candidate_zones: Some(zones),
                        ..Location::default()
                    }),
                    policy: Some(policy),
                    action: Some(Action {
                        channel: Some(channel),
                        kind: in_reply_to.is_some().then_some(ActionKind::Reply),
                        recipient: Some(Recipient::Consumer),
                        mode: Some(super::facts::CallMode::Human),
                        in_reply_to: Some(in_reply_to),
                        content: Some(Content {
                            subsequent_mini_miranda: Some(true),
                            opt_out_notice: Some(true),
                            ..Content::default()
                        }),
                        ..Action::default()
                    }),
                    history: Some(history),
                    inconvenient: Some(inconvenient),
                    consents: Some(Consents {
                        sms_consent: consent(),
                        email_consent: consent(),
                        ..Consents::default()
                    }),
                    provider: Some(Provider {
                        third_party_collections_permitted: Some(true),
                        ..Provider::default()
                    }),
                    validation: Some(Validation {
                        provided_on: Some(NaiveDate::from_ymd_opt(2025, 1, 1)),
                        ..Validation::default()
                    }),
                    ..Facts::nothing_on_file()
                },
            )
    })
}

fn ask(facts: &Facts) -> Decision {
    decide(RuleSet::current(), facts, Strictness::Production)
}

fn ask_at(facts: &Facts, now: DateTime<Utc>) -> Decision {
    ask(&Facts {
        now: Some(now),
        ..facts.clone()
    })
}

/// Written anew on purpose, from the clocks alone.
fn is_waking_hour_everywhere(facts: &Facts) -> bool {
    let now = facts.now.expect("now");
    let zones = facts
        .location
        .as_ref()
        .and_then(|location| location.candidate_zones.as_ref())
        .expect("zones");
    let stated = facts.location.as_ref().and_then(|location| location.stated_zone);
    let zones = stated.map_or_else(|| zones.clone(), |zone| vec![zone]);
    zones
        .iter()
        .all(|zone| (8..21).contains(&now.with_timezone(zone).hour()))
}

/// Written anew on purpose: a prompt first answer on the channel of the debtor's own message.
fn is_first_prompt_answer(facts: &Facts) -> bool {
    let action = facts.action.as_ref().expect("an action");
    let Some(Some(message)) = &action.in_reply_to else {
        return false;
    };
    let (received, now) = (message.at.expect("an instant"), facts.now.expect("now"));
    let own_medium = match action.channel.expect("a channel") {
        Channel::Sms => Medium::Sms,
        Channel::Email => Medium::Email,
        Channel::Webchat => Medium::Webchat,
        _ => Medium::Call,
    };
    let is_answered = facts
        .history
        .iter()
        .flatten()
        .any(|entry| entry.medium == Some(own_medium) && entry.at >= Some(received));
    message.channel == action.channel && (now - received).num_seconds() <= 15 * 60 && !is_answered
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_allowed_at_night_anywhere_but_the_first_prompt_answer(facts in contact()) {
        if ask(&facts).outcome == Outcome::Allow {
            prop_assert!(is_waking_hour_everywhere(&facts) || is_first_prompt_answer(&facts));
        }
    }

    #[test]
    fn a_deferral_ends_exactly_when_it_says(facts in contact()) {
        let decision = ask(&facts);
        if decision.outcome == Outcome::Defer {
            let until = decision.next_permitted_at.expect("a deferral says until when");
            prop_assert!(until > facts.now.expect("now"));
            let then = ask_at(&facts, until);
            prop_assert_eq!(then.outcome, Outcome::Allow, "at {}: {:?}", until, then);
            let before = ask_at(&facts, until - TimeDelta::seconds(1));
            prop_assert_ne!(before.outcome, Outcome::Allow, "one second before {}", until);
        }
    }

    #[test]
    fn no_instant_between_now_and_the_end_of_a_deferral_would_have_done(facts in contact(), part in 0.0_f64..1.0) {
        let decision = ask(&facts);
        if let Some(until) = decision.next_permitted_at {
            let now = facts.now.expect("now");
            let wait = until - now;
            let share = TimeDelta::seconds((wait.num_seconds() as f64 * part) as i64);
            prop_assert_ne!(ask_at(&facts, now + share).outcome, Outcome::Allow, "{} after {}", share, now);
        }
    }

    #[test]
    fn tightening_a_setting_never_turns_a_refusal_into_a_permission(facts in contact(), which in 0_u8..8) {
        let policy = facts.policy.as_ref().expect("a policy");
        let before = ask(&facts);
        let stricter = Facts { policy: Some(tightened(policy, which)), ..facts.clone() };
        let after = ask(&stricter);
        if before.outcome != Outcome::Allow {
            prop_assert_ne!(after.outcome, Outcome::Allow, "{:?} then {:?}", before.rule, after.rule);
        }
        if let (Some(then), Some(now)) = (before.next_permitted_at, after.next_permitted_at) {
            prop_assert!(now >= then, "{} instead of {}", now, then);
        }
        let product = Facts { profile: Some(Profile::Product), ..facts };
        if before.outcome != Outcome::Allow {
            prop_assert_ne!(ask(&product).outcome, Outcome::Allow, "the product's profile is the stricter one");
        }
    }

    #[test]
    fn the_same_facts_give_the_same_decision_also_after_being_stored(facts in contact()) {
        let stored = serde_json::to_string(&facts).expect("facts are JSON");
        let replayed: Facts = serde_json::from_str(&stored).expect("stored facts are facts");
        prop_assert_eq!(&replayed, &facts);
        prop_assert_eq!(ask(&replayed), ask(&facts));
    }
}
