//! Stories about single rules and their borders, on top of the published vectors.

use super::content::{ContentNeeds, append_required, detect_content};
use super::decide::{Strictness, decide};
use super::decision::{Decision, Outcome};
use super::facts::Facts;
use super::rule_set::{RuleSet, RuleSetError};
use super::test_facts::{lay_over, permitted_text};
use serde_json::{Value, json};

/// The permitted text with some keys laid over it; null removes one.
fn text_with(changes: Value) -> Decision {
    let mut facts = permitted_text();
    lay_over(&mut facts, changes);
    let facts: Facts = serde_json::from_value(facts).expect("facts");
    decide(RuleSet::current(), &facts, Strictness::Production)
}

fn refused_by(changes: Value) -> String {
    let decision = text_with(changes);
    assert_eq!(decision.outcome, Outcome::Deny, "{decision:?}");
    assert!(
        !format!("{}{}", decision.reason, decision.reason_es).contains('{'),
        "{}",
        decision.reason
    );
    decision.rule
}

fn until(decision: &Decision) -> String {
    assert_eq!(decision.outcome, Outcome::Defer, "{decision:?}");
    decision.next_permitted_at.expect("an instant").to_rfc3339()
}

#[test]
fn production_permits_a_complete_document_and_says_with_which_rules() {
    let decision = text_with(json!({}));
    assert_eq!(
        (decision.outcome, decision.rule.as_str()),
        (Outcome::Allow, "reg-f-quiet-hours"),
        "{decision:?}"
    );
    assert!(
        decision
            .findings
            .iter()
            .any(|finding| &*finding.rule == "reg-f-text-procedures")
    );
    assert_eq!(decision.tzdb_version, chrono_tz::IANA_TZDB_VERSION);
}

#[test]
fn in_production_each_missing_fact_denies_and_is_named() {
    for (section, fact) in [
        ("now", "now"),
        ("action", "action"),
        ("history", "history"),
        ("optouts", "optouts"),
        ("inconvenient", "inconvenient"),
        ("attorney", "attorney"),
        ("bankruptcy", "bankruptcy"),
        ("deceased", "deceased"),
        ("cease", "cease"),
        ("dispute", "dispute"),
        ("identity_theft", "identity_theft"),
        ("consents", "consents"),
        ("validation", "validation"),
        ("location", "location"),
        ("provider", "provider.third_party_collections_permitted"),
    ] {
        let decision = text_with(json!({ section: null }));
        assert_eq!(decision.outcome, Outcome::Deny, "without {section}");
        assert!(
            decision.reason.contains(&format!("`{fact}`")),
            "without {section}: {}",
            decision.reason
        );
        assert!(
            decision.reason_es.contains(&format!("`{fact}`")),
            "without {section}: {}",
            decision.reason_es
        );
    }
    let decision = text_with(json!({ "action": { "content": null } }));
    assert_eq!(
        decision.rule, "reg-f-mini-miranda-subsequent",
        "a text that nobody has looked at is not sent"
    );
}

#[test]
fn a_document_that_says_nothing_is_on_file_lacks_no_hold() {
    let mut facts: Facts = serde_json::from_value(permitted_text()).expect("facts");
    let empty = Facts::nothing_on_file();
    facts = Facts {
        now: facts.now,
        profile: facts.profile,
        tenant: facts.tenant,
        location: facts.location,
        action: facts.action,
        consents: facts.consents,
        provider: facts.provider,
        validation: facts.validation,
        ..empty
    };
    let decision = decide(RuleSet::current(), &facts, Strictness::Production);
    assert_eq!(decision.outcome, Outcome::Allow, "{decision:?}");
}

#[test]
fn every_hold_refuses() {
    assert_eq!(
        refused_by(json!({ "bankruptcy": { "status": "filed" } })),
        "bankruptcy-stay"
    );
    assert_eq!(
        refused_by(json!({ "bankruptcy": { "status": "discharged" } })),
        "bankruptcy-discharge"
    );
    assert_eq!(
        refused_by(json!({ "deceased": { "flag": true } })),
        "deceased-representative-only"
    );
    assert_eq!(
        refused_by(json!({ "attorney": { "known": true } })),
        "reg-f-attorney-represented"
    );
    let cease = json!({ "cease": { "received_at": "2026-06-01T12:00:00Z", "written": true } });
    assert_eq!(refused_by(cease), "reg-f-cease-communication");
    let dispute =
        json!({ "received_at": "2026-06-01T12:00:00Z", "written": true, "within_validation_period": true });
    assert_eq!(refused_by(json!({ "dispute": dispute })), "reg-f-dispute-cease");
    assert_eq!(
        refused_by(json!({ "action": { "recipient": "roommate" } })),
        "reg-f-third-party"
    );
}

#[test]
fn after_the_dismissal_of_a_bankruptcy_and_an_answered_dispute_contact_is_possible_again() {
    assert_eq!(
        text_with(json!({ "bankruptcy": { "status": "dismissed" } })).outcome,
        Outcome::Allow
    );
    let answered = json!({ "dispute": {
        "received_at": "2026-06-01T12:00:00Z", "written": true, "within_validation_period": true,
        "verification_sent_at": "2026-06-05T12:00:00Z"
    } });
    assert_eq!(text_with(answered).outcome, Outcome::Allow);
}

#[test]
fn the_product_waits_two_days_after_an_oral_dispute() {
    let dispute = json!({ "dispute": { "received_at": "2026-06-09T14:00:00Z", "written": false } });
    assert_eq!(until(&text_with(dispute)), "2026-06-11T14:00:00+00:00");
}

#[test]
fn an_opt_out_reaches_its_number_its_channel_or_everything() {
    let by = |opt_out: Value| json!({ "optouts": [opt_out] });
    let sms = |scope: &str, number: &str| {
        by(json!({ "channel": "sms", "number": number, "at": "2026-06-09T12:00:00Z", "scope": scope }))
    };
    assert_eq!(refused_by(sms("number", "N1")), "reg-f-medium-opt-out");
    assert_eq!(text_with(sms("number", "N2")).outcome, Outcome::Allow);
    assert_eq!(refused_by(sms("channel", "N2")), "reg-f-medium-opt-out");
    assert_eq!(
        refused_by(by(json!({ "channel": "email", "scope": "all" }))),
        "reg-f-medium-opt-out"
    );
    assert_eq!(
        text_with(by(json!({ "channel": "email", "number": "a@example.test" }))).outcome,
        Outcome::Allow
    );
    let widened = json!({ "optouts": [{ "channel": "email" }], "policy": { "optout_scope": "all" } });
    assert_eq!(refused_by(widened), "reg-f-medium-opt-out");
}

#[test]
fn an_opt_out_by_voice_ends_texts_to_that_number_too() {
    let voice = json!({ "optouts": [{ "channel": "voice", "number": "N1", "at": "2026-06-09T12:00:00Z" }] });
    assert_eq!(refused_by(voice), "tcpa-revocation-scope");
    let withdrawn =
        json!({ "consents": { "tcpa_voice": { "status": "revoked", "number": "N1", "method": "oral" } } });
    assert_eq!(refused_by(withdrawn), "tcpa-revocation-scope");
}

#[test]
fn a_debtor_who_opted_out_and_then_writes_gets_one_answer() {
    let opted_out_then = |wrote_at: &str, history: Value| {
        text_with(json!({
            "optouts": [{ "channel": "sms", "number": "N1", "at": "2026-06-10T16:50:00Z" }],
            "action": { "kind": "reply", "in_reply_to": { "at": wrote_at, "channel": "sms" } },
            "history": history
        }))
    };
    assert_eq!(
        opted_out_then("2026-06-10T16:58:00Z", json!([])).outcome,
        Outcome::Allow
    );
    assert_eq!(
        opted_out_then("2026-06-10T16:50:00Z", json!([])).outcome,
        Outcome::Deny,
        "the STOP itself"
    );
    let answered =
        json!([{ "at": "2026-06-10T16:59:00Z", "type": "sms", "direction": "outbound", "kind": "reply" }]);
    assert_eq!(
        opted_out_then("2026-06-10T16:58:00Z", answered).rule,
        "reg-f-medium-opt-out"
    );
}

#[test]
fn an_opt_out_is_confirmed_once_within_five_minutes_at_any_hour_and_with_nothing_else() {
    let confirm = |now: &str, changes: Value| {
        let mut action = json!({
            "now": now,
            "action": { "kind": "optout_confirmation", "content": { "confirms_only": true } },
            "optouts": [{ "channel": "sms", "number": "N1", "at": "2026-06-10T06:00:00Z" }]
        });
        lay_over(&mut action, changes);
        text_with(action)
    };
    assert_eq!(
        confirm("2026-06-10T06:05:00Z", json!({})).outcome,
        Outcome::Allow,
        "02:05 in the morning"
    );
    assert_eq!(
        confirm("2026-06-10T06:05:01Z", json!({})).rule,
        "tcpa-optout-confirmation-5min"
    );
    let with_start = json!({ "action": { "content": { "extra": ["resubscribe_instruction"] } } });
    assert_eq!(
        confirm("2026-06-10T06:01:00Z", with_start).rule,
        "reg-f-opt-out-confirmation"
    );
    let sent = json!({ "history": [{
        "at": "2026-06-10T06:00:10Z", "type": "sms", "direction": "outbound", "kind": "optout_confirmation"
    }] });
    assert_eq!(
        confirm("2026-06-10T06:01:00Z", sent).rule,
        "reg-f-opt-out-confirmation"
    );
}

#[test]
fn a_night_time_question_gets_exactly_one_answer_within_a_quarter_of_an_hour() {
    let answer = |now: &str, channel: &str, history: Value| {
        text_with(json!({
            "now": now,
            "action": { "kind": "reply", "in_reply_to": { "at": "2026-06-11T03:30:00Z", "channel": channel } },
            "history": history
        }))
    };
    let prompt = answer("2026-06-11T03:45:00Z", "sms", json!([]));
    assert_eq!(
        (prompt.outcome, prompt.rule.as_str()),
        (Outcome::Allow, "quiet-hours-consumer-initiated-reply")
    );
    let morning = "2026-06-11T12:00:00+00:00";
    assert_eq!(
        until(&answer("2026-06-11T03:45:01Z", "sms", json!([]))),
        morning,
        "too late"
    );
    assert_eq!(
        until(&answer("2026-06-11T03:31:00Z", "webchat", json!([]))),
        morning,
        "another channel"
    );
    let answered =
        json!([{ "at": "2026-06-11T03:30:30Z", "type": "sms", "direction": "outbound", "kind": "reply" }]);
    assert_eq!(
        until(&answer("2026-06-11T03:31:00Z", "sms", answered)),
        morning,
        "answered already"
    );
}

#[test]
fn deferrals_of_several_rules_combine_to_the_first_instant_that_satisfies_all() {
    let text =
        |at: &str| json!({ "at": at, "type": "sms", "direction": "outbound", "recipient": "consumer" });
    let decision = text_with(json!({
        "now": "2026-06-08T02:00:00Z",
        "history": [text("2026-06-01T14:00:00Z"), text("2026-06-03T14:00:00Z"), text("2026-06-05T14:00:00Z")],
        "inconvenient": [{ "days": ["mon"], "from": "06:00", "to": "10:30", "channels": ["sms"] }]
    }));
    assert_eq!(
        until(&decision),
        "2026-06-08T14:30:00+00:00",
        "Monday 10:30, after cap, night and designated time"
    );
    assert_eq!(
        decision.rule, "reg-f-quiet-hours",
        "the rule that alone defers longest"
    );
}

#[test]
fn zones_without_common_hours_and_days_without_a_free_hour_need_a_person() {
    let scattered =
        json!({ "location": { "candidate_zones": ["Pacific/Guam", "Europe/Athens", "America/New_York"] } });
    assert_eq!(refused_by(scattered), "reg-f-quiet-hours");
    let never = json!({ "inconvenient": [{ "from": "00:00", "to": "24:00", "channels": ["all"] }] });
    assert_eq!(refused_by(never), "reg-f-inconvenient-time-place");
    let by_day = json!({ "inconvenient": [{ "from": "07:00", "to": "22:00" }] });
    assert_eq!(refused_by(by_day), "no-common-time");
}

#[test]
fn a_consent_that_lapses_before_the_morning_is_refused_and_not_deferred() {
    let consent = |days: i64| {
        json!({ "now": "2026-06-08T01:30:00Z",
        "inconvenient": [{ "days": ["mon", "tue"] }],
        "consents": { "sms_consent": { "last_verified_days_ago": days } } })
    };
    assert_eq!(until(&text_with(consent(58))), "2026-06-10T12:00:00+00:00");
    assert_eq!(
        refused_by(consent(59)),
        "reg-f-text-procedures",
        "61 days old on Wednesday morning"
    );
}

#[test]
fn a_text_from_the_debtor_within_sixty_days_stands_in_for_a_renewed_consent() {
    let stale = |history: Value| json!({ "consents": { "sms_consent": { "last_verified_days_ago": 90 } }, "history": history });
    let wrote_on = |day: &str| json!([{ "at": day, "type": "sms", "direction": "inbound", "number": "N1" }]);
    assert_eq!(
        text_with(stale(wrote_on("2026-04-11T17:00:00Z"))).outcome,
        Outcome::Allow,
        "60 days ago"
    );
    assert_eq!(
        refused_by(stale(wrote_on("2026-04-11T16:59:59Z"))),
        "reg-f-text-procedures"
    );
}

#[test]
fn the_fourth_text_in_seven_local_dates_waits_and_answers_do_not_count() {
    let text = |at: &str, kind: &str| json!({ "at": at, "type": "sms", "direction": "outbound", "recipient": "consumer", "kind": kind });
    let history = |last: &str| {
        json!({ "history": [
            text("2026-06-04T14:00:00Z", "collection"), text("2026-06-05T14:00:00Z", "collection"),
            text("2026-06-06T14:00:00Z", last)
        ] })
    };
    let fourth = text_with(history("collection"));
    assert_eq!(fourth.rule, "product-sms-3-per-week");
    assert_eq!(
        until(&fourth),
        "2026-06-11T12:00:00+00:00",
        "08:00 on the eighth date"
    );
    assert_eq!(text_with(history("reply")).outcome, Outcome::Allow);
}

#[test]
fn without_the_validation_notice_nothing_goes_out_after_five_days() {
    let began = |day: &str| {
        let mut facts = permitted_text();
        facts["validation"] = json!({ "provided_on": null, "initial_communication_on": day });
        let facts: Facts = serde_json::from_value(facts).expect("facts");
        decide(RuleSet::current(), &facts, Strictness::Production)
    };
    assert_eq!(began("2026-06-05").outcome, Outcome::Allow, "the fifth day");
    let overdue = began("2026-06-04");
    assert_eq!(
        (overdue.outcome, overdue.rule.as_str()),
        (Outcome::Deny, "reg-f-validation-notice")
    );
    assert!(overdue.reason.contains("2026-06-09"), "{}", overdue.reason);
}

#[test]
fn a_text_with_what_the_law_requires_appended_passes_and_without_it_does_not() {
    let send = |text: &str, language: &str| {
        let content = serde_json::to_value(detect_content(text, language)).expect("facts");
        text_with(json!({ "action": { "content": content, "language": language } }))
    };
    let needs = ContentNeeds {
        identifies_collector: true,
        is_initial: false,
        opt_out_notice: true,
    };
    for (text, language) in [
        ("Can we talk about a plan?", "en"),
        ("¿Podemos hablar de un plan?", "es"),
    ] {
        let bare = send(text, language);
        assert_eq!(bare.outcome, Outcome::RequireContent);
        assert_eq!(
            bare.missing_content,
            ["subsequent_mini_miranda", "opt_out_notice"]
        );
        assert_eq!(
            send(&append_required(text, language, &needs), language).outcome,
            Outcome::Allow
        );
    }
    let french = append_required("Pouvons-nous parler ?", "fr", &needs);
    assert_eq!(
        send(&french, "fr").missing_content,
        ["subsequent_mini_miranda:fr"],
        "never half in English"
    );
}

/// The newest pack without its own tests, which say what it answers as it stands.
fn rules_alone() -> &'static str {
    let pack = include_str!("../../policies/rules/2026-11-29.6.toml");
    pack.split_once("\n[[test]]").map_or(pack, |(rules, _)| rules)
}

#[test]
fn a_pack_whose_own_test_fails_does_not_decide() {
    let pack = include_str!("../../policies/rules/2026-11-29.6.toml");
    assert!(pack.matches("\n[[test]]").count() >= 70);
    let looser = pack.replace("limit = 7\n", "limit = 70\n");
    assert!(matches!(
        RuleSet::from_toml(&looser),
        Err(RuleSetError::TestFails(_, _))
    ));
    let unread = format!(
        "{}\n[[test]]\nname = \"x\"\ndecision = \"deny\"\nfacts = \"{{\\\"nwo\\\":1}}\"\n",
        rules_alone()
    );
    let Err(RuleSetError::TestFails(name, fault)) = RuleSet::from_toml(&unread) else {
        panic!("a test with an unknown fact is no test");
    };
    assert!(name == "x" && fault.contains("nwo"), "{fault}");
}

#[test]
fn a_rule_set_that_lacks_a_rule_or_names_one_twice_is_refused() {
    let spine = rules_alone();
    let renamed = spine.replace("id = \"reg-f-quiet-hours\"", "id = \"other\"");
    assert!(matches!(
        RuleSet::from_toml(&renamed),
        Err(RuleSetError::Absent("reg-f-quiet-hours"))
    ));
    let doubled = spine.replace("id = \"ma-2-per-7\"", "id = \"wa-3-per-week\"");
    assert!(matches!(
        RuleSet::from_toml(&doubled),
        Err(RuleSetError::Duplicate(_))
    ));
    assert!(matches!(
        RuleSet::from_toml("version = 1"),
        Err(RuleSetError::Unreadable(_))
    ));
}

#[test]
fn a_narrower_window_in_the_rule_set_narrows_the_hours_and_a_missing_parameter_denies() {
    let spine = rules_alone();
    let facts: Facts = serde_json::from_value(permitted_text()).expect("facts");
    let narrowed =
        RuleSet::from_toml(&spine.replace("start = \"08:00\"", "start = \"14:00\"")).expect("a rule set");
    assert_eq!(
        until(&decide(&narrowed, &facts, Strictness::Production)),
        "2026-06-10T18:00:00+00:00"
    );
    let hours = "[rule.parameters]\nstart = \"08:00\"\nend = \"21:00\"\n";
    let broken = RuleSet::from_toml(&spine.replace(hours, "")).expect("a rule set");
    let decision = decide(&broken, &facts, Strictness::Vector);
    assert_eq!(
        (decision.outcome, decision.rule.as_str()),
        (Outcome::Deny, "reg-f-quiet-hours")
    );
}

#[test]
fn what_no_rule_of_the_set_covers_is_denied() {
    let payment: Facts =
        serde_json::from_value(json!({ "action": { "type": "payment", "op": "charge" } })).expect("facts");
    let before = RuleSet::of_version("2026-11-20.2").expect("an archived rule set");
    let decision = decide(before, &payment, Strictness::Vector);
    assert_eq!(
        (decision.outcome, decision.rule.as_str()),
        (Outcome::Deny, "action-not-covered")
    );
}

#[test]
fn who_is_said_to_be_a_minor_is_one_whatever_date_of_birth_is_on_file() {
    let said = json!({ "consumer": { "said_to_be_minor": true, "date_of_birth": "1980-01-01" } });
    assert_eq!(refused_by(said), "minor-parent-only");
    let looked = json!({ "consumer": { "said_to_be_minor": false } });
    assert_eq!(text_with(looked).outcome, Outcome::Allow);
    let parent = json!({ "consumer": { "said_to_be_minor": true }, "action": { "recipient": "parent" } });
    assert_eq!(text_with(parent).outcome, Outcome::Allow);
}
