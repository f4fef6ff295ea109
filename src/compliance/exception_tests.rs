//! What lets a contact through that another rule, or another day, would have stopped: the answer names it.

use super::decide::{Strictness, decide};
use super::decision::{Decision, Outcome};
use super::facts::Facts;
use super::rule_set::RuleSet;
use super::test_facts::{lay_over, permitted_call, permitted_email, permitted_text};
use serde_json::{Value, json};

fn decided(mut facts: Value, changes: Value) -> Decision {
    lay_over(&mut facts, changes);
    let facts: Facts = serde_json::from_value(facts).expect("facts");
    decide(RuleSet::current(), &facts, Strictness::Vector)
}

fn answer(facts: Value, changes: Value) -> (Outcome, String) {
    let decision = decided(facts, changes);
    (decision.outcome, decision.rule)
}

fn allowed_by(rule: &str) -> (Outcome, String) {
    (Outcome::Allow, rule.to_owned())
}

fn denied_by(rule: &str) -> (Outcome, String) {
    (Outcome::Deny, rule.to_owned())
}

/// Calls that nobody answered, on days of June 2026.
fn calls(days: &[u32]) -> Value {
    let entry = |day: &u32| {
        json!({ "at": format!("2026-06-{day:02}T15:00:00Z"), "type": "call", "direction": "outbound",
            "outcome": "no_answer", "recipient": "consumer", "number": "N1", "debts": ["D1"] })
    };
    days.iter().map(entry).collect()
}

#[test]
fn a_debit_whose_notice_came_late_waits_until_ten_days_have_passed() {
    let decision = decided(
        json!({ "now": "2026-06-10T17:00:00Z", "action": { "type": "payment", "rail": "ach", "op": "preauthorized_debit",
            "authorization_signed": true, "amount_varies": true, "notice_sent_on": "2026-06-05" } }),
        json!({ "action": { "scheduled_on": "2026-06-12" } }),
    );
    assert_eq!(decision.rule, "reg-e-varying-amount-10-days");
    assert_eq!(decision.outcome, Outcome::Defer);
    let until = decision.next_permitted_at.expect("an instant");
    assert_eq!(until.to_rfc3339(), "2026-06-15T00:00:00+00:00");
}

#[test]
fn who_owes_the_debt_too_has_calls_of_their_own() {
    let seven = json!({ "profile": "floor", "history": calls(&[4, 5, 6, 7, 8, 9, 10]) });
    let to_cosigner = json!({ "action": { "recipient": "cosigner", "number": "N9" } });
    let mut facts = permitted_call();
    lay_over(&mut facts, seven);
    assert_eq!(answer(facts.clone(), json!({})).0, Outcome::Defer);
    assert_eq!(answer(facts, to_cosigner), allowed_by("reg-f-call-7-in-7"));
}

#[test]
fn on_the_eighth_day_the_conversation_is_what_has_passed() {
    let conversation = json!({ "now": "2026-06-17T14:00:00Z", "profile": "floor", "history": [
        { "at": "2026-06-10T15:00:00Z", "type": "call", "direction": "outbound", "outcome": "conversation",
            "recipient": "consumer", "number": "N1", "debts": ["D1"] }] });
    assert_eq!(
        answer(permitted_call(), conversation),
        allowed_by("reg-f-call-after-conversation")
    );
}

#[test]
fn consent_lifts_the_cap_on_an_artificial_voice_at_home() {
    let fourth = |status| {
        json!({ "profile": "floor", "history": calls(&[1, 3, 5]),
            "action": { "mode": "artificial_voice", "line_type": "residential_landline" },
            "consents": { "tcpa_voice": { "status": status, "number": "N1", "source": "consumer_direct" } } })
    };
    let rule = "tcpa-residential-artificial-3-in-30";
    assert_eq!(answer(permitted_call(), fourth("granted")), allowed_by(rule));
    assert_eq!(answer(permitted_call(), fourth("none")).0, Outcome::Defer);
}

#[test]
fn a_person_calls_without_the_consent_that_a_program_needs() {
    let by = |mode| {
        json!({ "profile": "floor", "action": { "mode": mode, "line_type": "wireless" },
            "consents": { "tcpa_voice": { "status": "none" } } })
    };
    let rule = "tcpa-artificial-voice-consent";
    assert_eq!(answer(permitted_call(), by("human")), allowed_by(rule));
    assert_eq!(answer(permitted_call(), by("artificial_voice")), denied_by(rule));
}

#[test]
fn an_answer_is_left_out_of_the_caps_that_would_have_stopped_it() {
    let in_washington = |kind| {
        json!({ "profile": "floor", "history": calls(&[7, 8, 9]),
            "location": { "address_state": "WA", "candidate_zones": ["America/Los_Angeles"] },
            "action": { "kind": kind, "in_reply_to": { "at": "2026-06-10T16:58:00Z", "channel": "sms" } } })
    };
    assert_eq!(
        answer(permitted_text(), in_washington("reply")),
        allowed_by("wa-3-per-week")
    );
    assert_eq!(
        answer(permitted_text(), in_washington("collection")).0,
        Outcome::Defer
    );
}

#[test]
fn the_carriers_ban_stops_third_parties_only() {
    let refused = |role| json!({ "tenant": { "role": role }, "provider": { "third_party_collections_permitted": false } });
    let rule = "provider-sms-third-party-ban";
    assert_eq!(
        answer(permitted_text(), refused("first_party_creditor")),
        allowed_by(rule)
    );
    assert_eq!(
        answer(permitted_text(), refused("third_party_collector")),
        denied_by(rule)
    );
}

#[test]
fn a_dispute_is_in_time_while_it_is_the_last_day_where_the_debtor_is() {
    let received = |at| {
        json!({ "dispute": { "received_at": at, "written": true },
            "validation": { "provided_on": "2026-05-20", "period_ends_on": "2026-06-08" } })
    };
    let rule = "reg-f-dispute-cease";
    assert_eq!(
        answer(permitted_call(), received("2026-06-09T02:00:00Z")),
        denied_by(rule)
    );
    assert_ne!(
        answer(permitted_call(), received("2026-06-09T06:00:00Z")),
        denied_by(rule)
    );
}

#[test]
fn after_a_cease_what_the_consumer_asks_later_is_answered_without_a_demand() {
    let reply = |ceased_at, demand| {
        json!({ "cease": { "received_at": ceased_at, "written": true },
            "action": { "kind": "reply", "in_reply_to": { "at": "2026-06-10T16:58:00Z", "channel": "sms" },
                "content": { "payment_demand": demand } } })
    };
    let rule = "reg-f-cease-communication";
    let earlier = "2026-06-05T12:00:00Z";
    assert_eq!(answer(permitted_text(), reply(earlier, false)).0, Outcome::Allow);
    assert_eq!(answer(permitted_text(), reply(earlier, true)), denied_by(rule));
    // The notice itself asks for nothing.
    assert_eq!(
        answer(permitted_text(), reply("2026-06-10T16:58:00Z", false)),
        denied_by(rule)
    );
}

#[test]
fn an_employers_address_that_the_consumer_wrote_from_is_theirs_until_they_opt_out() {
    let wrote_from = |address| {
        json!({ "profile": "floor", "action": { "address_type": "employer" },
            "history": [{ "at": "2026-06-01T15:00:00Z", "type": "email", "direction": "inbound", "number": address }] })
    };
    let rule = "reg-f-work-email";
    assert_eq!(
        answer(permitted_email(), wrote_from("ana@example.test")),
        allowed_by(rule)
    );
    assert_eq!(
        answer(permitted_email(), wrote_from("other@example.test")),
        denied_by(rule)
    );
    let mut opted_out = wrote_from("ana@example.test");
    lay_over(
        &mut opted_out,
        json!({ "optouts": [{ "at": "2026-06-02T15:00:00Z", "scope": "channel", "channel": "email" }] }),
    );
    assert_eq!(answer(permitted_email(), opted_out).0, Outcome::Deny);
}

#[test]
fn an_old_text_will_do_where_the_number_was_checked_since() {
    let texted = |checked_days_ago| {
        json!({ "profile": "floor",
            "history": [{ "at": "2026-03-12T15:00:00Z", "type": "sms", "direction": "inbound", "number": "N1" }],
            "consents": { "sms_consent": { "status": "none", "last_verified_days_ago": checked_days_ago } } })
    };
    assert_eq!(answer(permitted_text(), texted(10)).0, Outcome::Allow);
    for before_the_text_or_too_long_ago in [95, 61] {
        assert_eq!(
            answer(permitted_text(), texted(before_the_text_or_too_long_ago)),
            denied_by("reg-f-text-procedures")
        );
    }
}

#[test]
fn of_a_debt_whose_limitation_period_has_run_templates_are_sent_and_answers_of_persons() {
    let in_illinois = |action| {
        json!({ "location": { "address_state": "IL", "candidate_zones": ["America/Chicago"] },
            "debts": { "D1": { "time_barred": true } }, "action": action })
    };
    let reply = |automated| {
        json!({ "kind": "reply", "automated": automated,
            "in_reply_to": { "at": "2026-06-10T16:58:00Z", "channel": "sms" } })
    };
    for (action, is_allowed) in [
        (json!({ "automated": false, "approved_template": false }), false),
        // In a vector, what is not said is neutral, but for a program.
        (json!({ "automated": false }), true),
        (json!({ "automated": true }), false),
        (json!({ "automated": false, "approved_template": true }), true),
        (json!({ "automated": true, "approved_template": true }), true),
        (reply(false), true),
        (reply(true), false),
    ] {
        let said = answer(permitted_text(), in_illinois(action.clone()));
        let expected = if is_allowed {
            said.0 == Outcome::Allow
        } else {
            said == denied_by("time-barred-state-disclosure")
        };
        assert!(expected, "{action}: {said:?}");
    }
}
