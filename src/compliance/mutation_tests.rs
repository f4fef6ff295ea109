//! What each rule does: without it, at least one case comes out otherwise. A rule whose absence changes nothing would be
//! dead, or its cases too few.

use super::decide::{Strictness, decide};
use super::facts::Facts;
use super::rule_set::RuleSet;
use super::test_facts::{lay_over, permitted_call, permitted_email, permitted_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The laws alone, for a creditor of its own debts.
const CREDITOR: &str = r#"{"profile": "floor", "tenant": {"role": "first_party_creditor"}}"#;

fn over(mut base: Value, changes: Value) -> Value {
    lay_over(&mut base, changes);
    base
}

fn text(changes: Value) -> Value {
    over(permitted_text(), changes)
}

fn call(changes: Value) -> Value {
    over(permitted_call(), changes)
}

fn email(changes: Value) -> Value {
    over(permitted_email(), changes)
}

fn floor(changes: Value) -> Value {
    over(json!({ "profile": "floor" }), changes)
}

fn creditor(changes: Value) -> Value {
    over(serde_json::from_str(CREDITOR).expect("JSON"), changes)
}

fn act(action: Value) -> Value {
    json!({ "now": "2026-06-10T17:00:00Z", "profile": "floor", "action": action })
}

fn inbound(message: &str) -> Value {
    act(json!({ "type": "inbound", "channel": "sms", "texts": [message] }))
}

fn in_text(label: &str) -> Value {
    text(json!({ "action": { "content": { "extra": [label] } } }))
}

fn made(medium: &str, days: &[&str]) -> Value {
    let entry = |day: &&str| {
        json!({ "at": format!("2026-{day}T15:00:00Z"), "type": medium, "direction": "outbound",
            "outcome": "no_answer", "recipient": "consumer", "number": "N1", "debts": ["D1"] })
    };
    json!({ "history": days.iter().map(entry).collect::<Vec<_>>() })
}

/// A validation notice by e-mail with everything in it.
fn notice(changes: Value) -> Value {
    let fields = RuleSet::current()
        .rule("reg-f-validation-content")
        .and_then(|rule| rule.parameters.fields.clone())
        .expect("fields");
    over(
        email(
            json!({ "action": { "kind": "validation_notice", "is_initial": false,
            "content": { "validation_fields": fields } },
            "consents": { "esign": { "status": "granted", "disclosure_given": true, "access_demonstrated": true } } }),
        ),
        changes,
    )
}

fn of_conduct() -> Vec<(&'static str, Value)> {
    vec![
        ("no-debt-in-visible-fields", in_text("debt_in_visible_field")),
        ("fdcpa-threat-violence", in_text("violence")),
        ("fdcpa-profanity", in_text("profanity-abuse")),
        ("fdcpa-harassment", in_text("sympathy-coercion")),
        (
            "fdcpa-false-legal-threat",
            text(json!({ "action": { "content": { "threatens_suit": true } } })),
        ),
        ("fdcpa-impersonation", in_text("impersonation")),
        ("fdcpa-amount-misstatement", in_text("amount-status")),
        ("fdcpa-credit-reporting-threat", in_text("credit-reporting")),
        ("fdcpa-deceptive-means", in_text("false-urgency")),
        ("fdcpa-shame-lists", in_text("family-shame")),
        ("fdcpa-unauthorized-fees", in_text("fees")),
        ("pci-no-pan", in_text("card_number")),
        (
            "hipaa-minimum-necessary",
            over(
                in_text("clinical_detail"),
                json!({ "debts": { "D1": { "type": "medical" } }, "tenant": { "business_associate_agreement": true } }),
            ),
        ),
        (
            "tcpa-telemarketing-pewc",
            text(json!({ "action": { "kind": "marketing" } })),
        ),
        (
            "ai-disclosure",
            text(json!({ "action": { "automated": true, "is_initial": true,
            "content": { "initial_mini_miranda": true, "automation_disclosed": false } } })),
        ),
    ]
}

fn of_time_and_persons() -> Vec<(&'static str, Value)> {
    let night = json!({ "now": "2026-06-11T03:30:20Z" });
    let third = |recipient: &str| json!({ "action": { "recipient": recipient } });
    vec![
        (
            "erasure-vs-retention",
            text(json!({ "consumer": { "erased": true } })),
        ),
        ("reg-f-quiet-hours", text(night.clone())),
        (
            "location-evidence-required",
            text(
                json!({ "location": { "address_state": null, "candidate_zones": null, "area_code": "800" } }),
            ),
        ),
        (
            "reg-f-inconvenient-time-place",
            text(json!({ "inconvenient": [{ "days": ["wed"] }] })),
        ),
        (
            "quiet-hours-consumer-initiated-reply",
            over(
                text(night.clone()),
                json!({ "action": {
            "kind": "reply", "in_reply_to": { "at": "2026-06-11T03:30:00Z", "channel": "sms" } } }),
            ),
        ),
        (
            "fl-fccpa-quiet-hours",
            over(
                text(creditor(night)),
                json!({ "location": { "address_state": "FL" } }),
            ),
        ),
        (
            "reg-f-workplace-prohibited",
            call(json!({ "action": { "number_type": "work" }, "workplace": { "employer_prohibits": true } })),
        ),
        (
            "reg-f-work-email",
            email(json!({ "action": { "address_type": "employer" } })),
        ),
        (
            "reg-f-attorney-represented",
            text(json!({ "attorney": { "known": true } })),
        ),
        (
            "reg-f-cease-communication",
            text(json!({ "cease": { "received_at": "2026-06-01T12:00:00Z" } })),
        ),
        ("reg-f-third-party", text(third("roommate"))),
        (
            "reg-f-location-information",
            call(floor(
                json!({ "action": { "recipient": "neighbor", "kind": "location_information" } }),
            )),
        ),
        (
            "right-party-verification",
            call(
                json!({ "action": { "content": { "reveals_debt": true } }, "consumer": { "right_party_verified": false } }),
            ),
        ),
        ("status-intake", inbound("I filed for bankruptcy")),
        (
            "minor-parent-only",
            text(json!({ "consumer": { "date_of_birth": "2010-01-01" } })),
        ),
        (
            "deceased-representative-only",
            text(json!({ "deceased": { "flag": true } })),
        ),
        ("wrong-party-suppress", text(creditor(third("wrong_party")))),
        (
            "state-license-required",
            text(json!({ "state_requires_license": true, "tenant": { "licensed_states": ["TX"] } })),
        ),
        (
            "ca-rosenthal-scope",
            text(creditor(
                json!({ "location": { "address_state": "CA" }, "attorney": { "known": true } }),
            )),
        ),
    ]
}

fn of_media() -> Vec<(&'static str, Value)> {
    let out = |at: &str| json!({ "optouts": [{ "channel": "sms", "number": "N1", "at": at }] });
    let confirmation =
        |content: Value| json!({ "action": { "kind": "optout_confirmation", "content": content } });
    let bare = json!({ "confirms_only": true, "extra": [] });
    let artificial = |changes: Value| {
        over(
            call(floor(
                json!({ "action": { "mode": "artificial_voice", "line_type": "wireless",
                "content": { "entity_identified_at_start": true } },
                "consents": { "tcpa_voice": { "status": "granted", "number": "N1" } } }),
            )),
            changes,
        )
    };
    vec![
        (
            "reg-f-medium-opt-out",
            email(json!({ "optouts": [{ "channel": "email" }] })),
        ),
        (
            "reg-f-electronic-opt-out-notice",
            text(json!({ "action": { "content": { "opt_out_notice": false } } })),
        ),
        (
            "reg-f-opt-out-confirmation",
            over(
                text(out("2026-06-10T16:58:00Z")),
                confirmation(json!({ "confirms_only": true, "extra": ["resubscribe_instruction"] })),
            ),
        ),
        (
            "tcpa-optout-confirmation-5min",
            over(text(out("2026-06-10T16:54:00Z")), confirmation(bare)),
        ),
        (
            "reg-f-text-procedures",
            text(json!({ "consents": { "sms_consent": { "last_verified_days_ago": 90 } } })),
        ),
        (
            "reg-f-email-procedures",
            email(json!({ "consents": { "email_consent": { "given_directly_to_collector": false } } })),
        ),
        (
            "product-written-opt-in",
            text(
                json!({ "consents": { "sms_consent": { "status": "implied_from_creditor" } },
            "history": [{ "at": "2026-06-01T15:00:00Z", "type": "sms", "direction": "inbound", "number": "N1" }] }),
            ),
        ),
        (
            "tcpa-artificial-voice-consent",
            artificial(json!({ "consents": { "tcpa_voice": { "status": "none" } } })),
        ),
        (
            "tcpa-artificial-voice-identification",
            artificial(json!({ "action": { "content": { "entity_identified_at_start": false } } })),
        ),
        ("tcpa-revocation-reasonable-means", inbound("STOP")),
        (
            "tcpa-revocation-scope",
            text(
                json!({ "optouts": [{ "channel": "voice", "number": "N1", "at": "2026-06-09T12:00:00Z" }] }),
            ),
        ),
        (
            "dnc-solicitation-only",
            text(json!({ "do_not_call": { "internal": true } })),
        ),
        (
            "tcpa-reassigned-number",
            text(json!({ "rnd": { "status": "yes" } })),
        ),
        (
            "provider-sms-third-party-ban",
            text(json!({ "provider": { "third_party_collections_permitted": false } })),
        ),
        (
            "provider-whatsapp-debt-ban",
            text(floor(json!({ "action": { "channel": "whatsapp" },
            "consents": { "whatsapp_consent": { "status": "granted", "given_directly_to_collector": true, "last_verified_days_ago": 1 } },
            "provider": { "whatsapp_collections_permitted": false } }))),
        ),
        (
            "provider-10dlc-registration",
            text(json!({ "provider": { "sms_campaign_registered": false } })),
        ),
        (
            "nyc-electronic-consent",
            text(creditor(
                json!({ "now": "2026-10-08T15:00:00Z", "location": { "nyc_resident": true },
            "consents": { "sms_consent": { "status": "none" } } }),
            )),
        ),
        (
            "dc-electronic-consent",
            text(creditor(
                json!({ "location": { "address_state": "DC" }, "consents": { "sms_consent": { "status": "none" } } }),
            )),
        ),
        (
            "ny-dfs-email-consent",
            email(floor(
                json!({ "location": { "address_state": "NY" }, "consents": { "email_consent": { "status": "none" } },
            "history": [{ "at": "2026-06-01T15:00:00Z", "type": "email", "direction": "inbound" }] }),
            )),
        ),
    ]
}

fn of_frequency() -> Vec<(&'static str, Value)> {
    let week = ["06-04", "06-05", "06-06", "06-07", "06-08", "06-09", "06-10"];
    let in_state = |code: &str| floor(json!({ "location": { "address_state": code } }));
    let conversation = json!({ "history": [{ "at": "2026-06-09T15:00:00Z", "type": "call", "direction": "inbound",
        "outcome": "conversation", "debts": ["D1"] }] });
    vec![
        (
            "reg-f-call-7-in-7",
            over(call(floor(json!({}))), made("call", &week)),
        ),
        (
            "reg-f-call-after-conversation",
            over(call(floor(json!({}))), conversation),
        ),
        (
            "reg-f-aggregate-pattern",
            over(
                call(floor(json!({ "action": { "debts": ["D2"] } }))),
                made("call", &week),
            ),
        ),
        (
            "product-attempts-3-per-week",
            over(call(json!({})), made("call", &week[..3])),
        ),
        (
            "product-sms-3-per-week",
            over(text(json!({})), made("sms", &week[..3])),
        ),
        (
            "product-email-5-per-week",
            over(email(json!({})), made("email", &week[..5])),
        ),
        (
            "product-whatsapp-1-per-day",
            over(
                text(
                    json!({ "action": { "channel": "whatsapp" }, "provider": { "whatsapp_collections_permitted": true },
                "consents": { "whatsapp_consent": { "status": "granted", "given_directly_to_collector": true, "last_verified_days_ago": 1 } } }),
                ),
                made("whatsapp", &["06-10"]),
            ),
        ),
        ("ma-2-per-7", over(call(in_state("MA")), made("call", &week[..2]))),
        (
            "wa-3-per-week",
            over(email(in_state("WA")), made("email", &week[..3])),
        ),
        (
            "wa-wireless-2-per-day",
            over(text(in_state("WA")), made("sms", &["06-10", "06-10"])),
        ),
        (
            "nyc-3-per-7",
            over(
                call(floor(
                    json!({ "now": "2026-10-08T15:00:00Z", "location": { "nyc_resident": true } }),
                )),
                made("email", &["10-05", "10-06", "10-07"]),
            ),
        ),
        (
            "dc-4-calls-per-7",
            over(call(in_state("DC")), made("call", &week[..4])),
        ),
        (
            "dc-5-electronic-per-7",
            over(email(in_state("DC")), made("email", &week[..5])),
        ),
    ]
}

fn of_notices_and_debts() -> Vec<(&'static str, Value)> {
    let dispute = |more: Value| {
        over(
            json!({ "received_at": "2026-06-01T12:00:00Z", "written": true, "within_validation_period": true }),
            more,
        )
    };
    let running = json!({ "validation": { "provided_on": "2026-06-01", "period_ends_on": "2026-07-08" } });
    let in_text = |content: Value| json!({ "action": { "content": content } });
    let mut overdue = text(json!({ "action": { "is_initial": false } }));
    overdue["validation"] = json!({ "provided_on": null, "initial_communication_on": "2026-06-01" });
    vec![
        (
            "reg-f-mini-miranda-subsequent",
            text(in_text(json!({ "subsequent_mini_miranda": false }))),
        ),
        (
            "reg-f-call-identity",
            call(json!({ "action": { "content": { "entity_identified_at_start": false } } })),
        ),
        (
            "reg-f-limited-content",
            call(
                json!({ "action": { "channel": "voicemail", "kind": "limited_content",
            "content": { "business_name": "Sunrise Debt Recovery", "reply_request": true, "natural_person": "Ana Lopez", "callback_number": true } } }),
            ),
        ),
        ("reg-f-validation-notice", overdue),
        (
            "reg-f-validation-content",
            notice(json!({ "action": { "content": { "validation_fields": ["mini_miranda"] } } })),
        ),
        (
            "reg-f-overshadowing",
            over(
                text(running),
                in_text(json!({ "deadline_inside_validation_period": true })),
            ),
        ),
        (
            "reg-f-sending-disclosures",
            notice(json!({ "consents": { "esign": { "status": "none" } } })),
        ),
        (
            "esign-consent",
            notice(json!({ "consents": { "esign": { "access_demonstrated": false } } })),
        ),
        (
            "ny-dfs-payment-plan",
            email(json!({ "location": { "address_state": "NY" },
            "action": { "kind": "plan_confirmation", "content": { "extra": ["plan_terms"] } } })),
        ),
        (
            "reg-f-dispute-cease",
            text(json!({ "dispute": dispute(json!({})) })),
        ),
        (
            "reg-f-original-creditor-request",
            text(json!({ "original_creditor_request": dispute(json!({})) })),
        ),
        (
            "reg-f-duplicative-dispute",
            text(
                json!({ "dispute": dispute(json!({ "duplicative": true, "within_validation_period": false })) }),
            ),
        ),
        (
            "bankruptcy-stay",
            text(json!({ "bankruptcy": { "status": "filed" } })),
        ),
        (
            "bankruptcy-discharge",
            text(json!({ "bankruptcy": { "status": "discharged" } })),
        ),
        (
            "scra-rate-cap",
            text(
                json!({ "scra": { "active_duty": true }, "action": { "content": { "amount_includes_interest_rate": 0.18 } } }),
            ),
        ),
        (
            "identity-theft-block",
            text(json!({ "identity_theft": { "reported_at": "2026-06-01T12:00:00Z" } })),
        ),
        (
            "time-barred-no-suit-threat",
            over(
                text(in_text(json!({ "threatens_suit": true }))),
                json!({ "location": { "address_state": "GA" }, "action": { "approved_template": true }, "debts": { "D1": { "time_barred": true, "suit_authorised": true } } }),
            ),
        ),
        (
            "time-barred-extinguished",
            over(
                text(json!({})),
                json!({ "location": { "address_state": "GA" }, "action": { "approved_template": true },
            "debts": { "D1": { "time_barred": true, "governing_law": "WI" } } }),
            ),
        ),
        (
            "paid-debt-no-collect",
            text(json!({ "debts": { "D1": { "paid": true } } })),
        ),
    ]
}

fn of_payments_and_records() -> Vec<(&'static str, Value)> {
    let pay = |mut action: Value| {
        lay_over(&mut action, json!({ "type": "payment" }));
        act(action)
    };
    let autopay = |more: Value| {
        pay(over(
            json!({ "rail": "ach", "op": "preauthorized_debit", "authorization_signed": true }),
            more,
        ))
    };
    let ach = |more: Value| {
        pay(over(
            json!({ "rail": "ach", "op": "reinitiate", "return_code": "R01", "reinitiations": 0,
            "original_settled_on": "2026-06-01" }),
            more,
        ))
    };
    let card = |more: Value| {
        pay(over(
            json!({ "rail": "card", "op": "retry", "retries_in_30d": 1, "decline_code": "51" }),
            more,
        ))
    };
    vec![
        (
            "reg-e-written-authorization",
            autopay(json!({ "authorization_signed": false })),
        ),
        (
            "reg-e-varying-amount-10-days",
            autopay(json!({ "amount_varies": true, "notice_sent_on": "2026-06-05" })),
        ),
        (
            "payment-revocation",
            autopay(json!({ "stop_requested_at": "2026-06-09T12:00:00Z" })),
        ),
        (
            "payment-disputed-debt",
            over(
                pay(json!({ "rail": "card", "op": "charge" })),
                json!({ "dispute": { "received_at": "2026-06-01T12:00:00Z" } }),
            ),
        ),
        (
            "fdcpa-unauthorized-fees",
            autopay(json!({ "fee": { "type": "convenience", "amount": "4.95" } })),
        ),
        (
            "recording-all-party-notice",
            act(json!({ "type": "record_call", "notice_given": true })),
        ),
        (
            "nacha-no-retry-codes",
            ach(json!({ "return_code": "R07", "authorization_renewed": true })),
        ),
        (
            "nacha-reinitiation-2-in-180",
            ach(json!({ "original_settled_on": "2025-12-01" })),
        ),
        (
            "visa-category-1-never",
            card(json!({ "network": "visa", "decline_code": "43" })),
        ),
        (
            "mastercard-retry",
            card(json!({ "network": "mastercard", "merchant_advice_code": "03" })),
        ),
        (
            "pci-no-pan",
            act(json!({ "type": "record_call", "notice_given": true, "card_data_exchanged": true })),
        ),
        // What no rule frees is refused: here, and above, the rule frees what is old enough, or was announced.
        (
            "reg-f-recording-3y",
            act(json!({ "type": "delete", "object": "call_recording", "recorded_on": "2022-06-10" })),
        ),
        (
            "reg-f-retention-3y",
            over(
                act(json!({ "type": "delete", "object": "message" })),
                json!({ "debts": { "D1": { "last_collection_activity_on": "2022-01-10" } } }),
            ),
        ),
        (
            "audit-7y-immutable",
            over(
                act(json!({ "type": "delete", "object": "audit_event" })),
                json!({ "debts": { "D1": { "last_collection_activity_on": "2016-01-10" } } }),
            ),
        ),
    ]
}

fn vectors() -> Vec<Value> {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/data/compliance-vectors.json")).expect("the vectors");
    vectors
        .into_iter()
        .map(|vector| vector["facts"].clone())
        .collect()
}

/// What a decision permits or brings about; not which rule says so, nor in which words.
fn outcome(rule_set: &RuleSet, facts: &Facts) -> Value {
    let mut decision = serde_json::to_value(decide(rule_set, facts, Strictness::Vector)).expect("JSON");
    let map = decision.as_object_mut().expect("an object");
    for said in ["rule", "reason", "reason_es", "findings"] {
        map.remove(said);
    }
    decision
}

#[test]
fn each_of_the_108_rules_changes_a_case_or_says_why_it_checks_nothing() {
    let all = RuleSet::current();
    let own: Vec<(&str, Value)> = [
        of_conduct(),
        of_time_and_persons(),
        of_media(),
        of_frequency(),
        of_notices_and_debts(),
        of_payments_and_records(),
    ]
    .concat();
    let mut cases: BTreeMap<&str, Vec<Facts>> = BTreeMap::new();
    let read = |facts: &Value| -> Facts {
        serde_json::from_value(facts.clone()).unwrap_or_else(|error| panic!("{error}: {facts}"))
    };
    for (rule, facts) in &own {
        cases.entry(rule).or_default().push(read(facts));
    }
    let vectors: Vec<Facts> = vectors().iter().map(read).collect();
    let table: Vec<_> = all.rules().filter(|rule| rule.confidence.is_some()).collect();
    assert_eq!(table.len(), 108);
    let mut unchanged = Vec::new();
    for rule in &table {
        let without = all.without(&rule.id);
        let of_rule = cases.remove(&*rule.id).unwrap_or_default();
        if rule.data_only.is_some() {
            assert!(
                of_rule.is_empty(),
                "{} has a case, so it is not data only",
                rule.id
            );
            continue;
        }
        // The case that was written for the rule has to change; where there is none, a vector has.
        let candidates = if of_rule.is_empty() { &vectors } else { &of_rule };
        let changes = |facts: &&Facts| outcome(all, facts) != outcome(&without, facts);
        let changed = candidates.iter().filter(changes).count();
        let is_enough = changed > 0 && (of_rule.is_empty() || changed == of_rule.len());
        if !is_enough {
            unchanged.push(rule.id.to_string());
        }
    }
    assert!(
        unchanged.is_empty(),
        "their absence changes nothing: {unchanged:#?}"
    );
    assert!(
        cases.is_empty(),
        "cases of no rule of the table: {:?}",
        cases.keys()
    );
}
