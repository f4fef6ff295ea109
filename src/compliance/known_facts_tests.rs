//! Facts that the newest rules want to be known, and what those before them made of an unknown one.

use super::decide::{Strictness, decide};
use super::decision::Outcome;
use super::facts::Facts;
use super::rule_set::{RuleSet, newest};
use super::test_facts::{lay_over, permitted_call, permitted_email, permitted_text};
use serde_json::{Value, json};

/// The outcome, with the rule where it is none that allows.
fn answer(rule_set: &RuleSet, mut facts: Value, changes: Value) -> (Outcome, Option<String>) {
    lay_over(&mut facts, changes);
    let facts: Facts = serde_json::from_value(facts).expect("facts");
    let decision = decide(rule_set, &facts, Strictness::Production);
    let is_allowed = decision.outcome == Outcome::Allow;
    (decision.outcome, (!is_allowed).then_some(decision.rule))
}

fn denied(rule: &str) -> (Outcome, Option<String>) {
    (Outcome::Deny, Some(rule.to_owned()))
}

const ALLOWED: (Outcome, Option<String>) = (Outcome::Allow, None);

fn before() -> &'static RuleSet {
    RuleSet::of_version("2026-11-29.1").expect("the rules before")
}

#[test]
fn an_amount_whose_rate_nobody_knows_is_not_named_to_somebody_on_active_duty() {
    let rule = "scra-rate-cap";
    let serves = json!({ "scra": { "active_duty": true, "notice_received": true } });
    assert_eq!(answer(newest(), permitted_text(), serves.clone()), denied(rule));
    assert_eq!(answer(before(), permitted_text(), serves.clone()), ALLOWED);
    for (content, expected) in [
        (json!({ "payment_demand": false }), ALLOWED),
        (json!({ "amount_includes_interest_rate": 0.05 }), ALLOWED),
        (json!({ "amount_includes_interest_rate": 0.18 }), denied(rule)),
    ] {
        let mut changes = serves.clone();
        lay_over(&mut changes, json!({ "action": { "content": content } }));
        assert_eq!(answer(newest(), permitted_text(), changes), expected);
    }
    // 50 USC 3937(a): a debt from during the service has no cap.
    let later = json!({ "scra": { "active_duty": true, "pre_service_debt": false } });
    assert_eq!(answer(newest(), permitted_text(), later), ALLOWED);
}

#[test]
fn a_medical_debt_needs_the_agreement_to_be_known() {
    let rule = "hipaa-minimum-necessary";
    let debt = |agreement: Value| {
        json!({ "debts": { "D1": { "type": "medical" } }, "tenant": { "business_associate_agreement": agreement },
            "action": { "content": { "extra": [] } } })
    };
    assert_eq!(
        answer(newest(), permitted_text(), debt(Value::Null)),
        denied(rule)
    );
    assert_eq!(answer(before(), permitted_text(), debt(Value::Null)), ALLOWED);
    assert_eq!(
        answer(newest(), permitted_text(), debt(json!(false))),
        denied(rule)
    );
    assert_eq!(answer(newest(), permitted_text(), debt(json!(true))), ALLOWED);
}

#[test]
fn at_work_nobody_is_called_whose_employer_nobody_has_asked() {
    let rule = "reg-f-workplace-prohibited";
    let call = |prohibits: Value| {
        json!({ "profile": "floor", "action": { "number_type": "work" },
            "workplace": { "employer_prohibits": prohibits } })
    };
    assert_eq!(
        answer(newest(), permitted_call(), call(Value::Null)),
        denied(rule)
    );
    assert_eq!(answer(before(), permitted_call(), call(Value::Null)), ALLOWED);
    assert_eq!(answer(newest(), permitted_call(), call(json!(false))), ALLOWED);
}

#[test]
fn a_closed_account_is_collected_no_more_and_its_debtor_is_answered_without_a_demand() {
    let closed = json!({ "debts": { "D1": { "closed": true } } });
    let rule = "business-account-closed";
    assert_eq!(answer(newest(), permitted_text(), closed.clone()), denied(rule));
    assert_eq!(answer(before(), permitted_text(), closed.clone()), ALLOWED);
    let reply = |demand: Value| {
        let mut changes = closed.clone();
        let reply = json!({ "action": { "kind": "reply", "content": { "payment_demand": demand },
            "in_reply_to": { "at": "2026-06-10T16:58:00Z", "channel": "sms" } } });
        lay_over(&mut changes, reply);
        answer(newest(), permitted_text(), changes)
    };
    assert_eq!(reply(json!(false)), ALLOWED);
    assert_eq!(reply(json!(true)), denied(rule));
}

#[test]
fn after_a_cease_a_notice_is_one_by_its_words_and_not_by_its_senders() {
    let rule = "reg-f-cease-communication";
    let notice = |kind: &str, content: Value| {
        json!({ "cease": { "received_at": "2026-06-01T12:00:00Z", "written": true },
            "action": { "kind": kind, "content": content } })
    };
    let last = RuleSet::of_version("2026-11-29.2").expect("the rules before");
    for kind in ["notice_termination", "notice_remedies", "notice_intended_remedy"] {
        let approved = json!({ "payment_demand": false, "approved_notice": kind });
        assert_eq!(
            answer(newest(), permitted_text(), notice(kind, approved)),
            ALLOWED
        );
        for other in [
            json!({ "payment_demand": false }),
            json!({ "approved_notice": kind }),
            json!({ "payment_demand": true, "approved_notice": kind }),
            json!({ "payment_demand": false, "approved_notice": "reply" }),
        ] {
            let demands = other["payment_demand"] == true;
            let facts = notice(kind, other);
            assert_eq!(answer(newest(), permitted_text(), facts.clone()), denied(rule));
            // Then the sender's word was enough, unless the text plainly demanded payment.
            let then = if demands { denied(rule) } else { ALLOWED };
            assert_eq!(answer(last, permitted_text(), facts), then);
        }
    }
}

#[test]
fn who_objects_to_contact_at_work_is_not_contacted_there_by_mail_either() {
    let last = RuleSet::of_version("2026-11-29.3").expect("the rules before");
    let call = json!({ "profile": "floor", "action": { "number_type": "work" },
        "workplace": { "employer_prohibits": false, "consumer_objects": true } });
    let workplace = "reg-f-workplace-prohibited";
    assert_eq!(
        answer(newest(), permitted_call(), call.clone()),
        denied(workplace)
    );
    assert_eq!(answer(last, permitted_call(), call), ALLOWED);
    // An employer's address that they had consented to themselves (12 CFR 1006.22(f)(3)).
    let mail = json!({ "action": { "address_type": "employer" }, "inconvenient": [{ "places": ["work"] }],
        "consents": { "email_consent": { "number": "ana@example.test" } } });
    let inconvenient = "reg-f-inconvenient-time-place";
    assert_eq!(
        answer(newest(), permitted_email(), mail.clone()),
        denied(inconvenient)
    );
    assert_eq!(answer(last, permitted_email(), mail.clone()), ALLOWED);
    let mut home = mail;
    lay_over(
        &mut home,
        json!({ "action": { "address_type": "personal_verified" } }),
    );
    assert_eq!(answer(newest(), permitted_email(), home), ALLOWED);
}

#[test]
fn an_answer_to_a_dispute_is_one_by_what_it_does_not_demand() {
    let last = RuleSet::of_version("2026-11-29.3").expect("the rules before");
    let facts = |kind: &str, demand: Value| {
        json!({ "dispute": { "received_at": "2026-06-01T12:00:00Z", "written": true, "within_validation_period": true },
            "original_creditor_request": { "received_at": "2026-06-01T12:00:00Z", "written": true,
                "within_validation_period": true },
            "consents": { "esign": { "status": "granted", "disclosure_given": true, "access_demonstrated": true } },
            "action": { "kind": kind, "content": { "payment_demand": demand } } })
    };
    for kind in ["verification_response", "original_creditor_response"] {
        assert_eq!(
            answer(newest(), permitted_text(), facts(kind, json!(false))),
            ALLOWED
        );
        for demand in [json!(true), Value::Null] {
            let (outcome, _) = answer(newest(), permitted_text(), facts(kind, demand.clone()));
            assert_eq!(outcome, Outcome::Deny, "{kind}: {demand}");
            assert_eq!(
                answer(last, permitted_text(), facts(kind, demand)),
                ALLOWED,
                "then the sender's word was enough"
            );
        }
    }
}
