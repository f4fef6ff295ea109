//! Facts documents that tests start from.

use serde_json::{Value, json};

/// A text to a New Yorker at 13:00 that every rule permits, with everything that production asks for.
pub(super) fn permitted_text() -> Value {
    json!({
        "now": "2026-06-10T17:00:00Z",
        "profile": "product",
        "tenant": { "role": "third_party_collector", "licensed_states": ["*"] },
        "location": { "address_state": "NY", "candidate_zones": ["America/New_York"] },
        "action": {
            "type": "contact", "channel": "sms", "direction": "outbound", "kind": "collection",
            "recipient": "consumer", "number": "N1", "debts": ["D1"],
            "content": { "subsequent_mini_miranda": true, "opt_out_notice": true }
        },
        "history": [], "optouts": [], "inconvenient": [],
        "attorney": { "known": false }, "bankruptcy": {}, "deceased": { "flag": false }, "cease": {}, "dispute": {},
        "identity_theft": {},
        "consents": { "sms_consent": {
            "number": "N1", "status": "granted", "given_directly_to_collector": true, "written": true,
            "last_verified_days_ago": 10
        } },
        "provider": { "sms": "approved_route", "third_party_collections_permitted": true },
        "validation": { "provided_on": "2025-11-03", "period_ends_on": "2025-12-10" }
    })
}

/// Lays keys over a document; null removes one.
pub(super) fn lay_over(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (key, change) in changes {
                match change {
                    Value::Null => drop(base.remove(&key)),
                    change => lay_over(base.entry(key).or_insert(Value::Null), change),
                }
            }
        }
        (base, change) => *base = change,
    }
}

/// A call by a person to a Texan at noon that every rule permits.
pub(super) fn permitted_call() -> Value {
    let mut facts = permitted_text();
    lay_over(
        &mut facts,
        json!({
            "location": { "address_state": "TX", "candidate_zones": ["America/Chicago"] },
            "action": { "channel": "voice", "mode": "human", "content": null },
        }),
    );
    facts
}

/// An e-mail to a Texan at noon that every rule permits.
pub(super) fn permitted_email() -> Value {
    let mut facts = permitted_text();
    lay_over(
        &mut facts,
        json!({
            "location": { "address_state": "TX", "candidate_zones": ["America/Chicago"] },
            "action": { "channel": "email", "number": "ana@example.test" },
            "consents": { "email_consent": {
                "status": "granted", "given_directly_to_collector": true, "written": true
            } },
        }),
    );
    facts
}
