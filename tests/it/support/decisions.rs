//! Many stored decisions, as the gate would have stored them: made by the rules on facts of every sort, sealed under the
//! record keys of the people whom they are about.

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    compliance::{
        decide::{Strictness, decide},
        facts::Facts,
        rule_set::RuleSet,
    },
    platform::{
        ids,
        keys::{TenantKeys, WrappedKey},
    },
};
use serde_json::{Value, json};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

/// Rows written at once.
const BLOCK: usize = 1_000;

/// A person with the key under which decisions about them are sealed.
struct Person {
    id: Uuid,
    key: WrappedKey,
}

/// Writes `count` decisions about the people of a business, under each of the rule sets in turn.
pub async fn store_decisions(
    superuser: &mut PgConnection,
    keys: &TenantKeys,
    business: Uuid,
    now: DateTime<Utc>,
    count: usize,
) {
    let people = people_of(superuser, business).await;
    let sets: Vec<&RuleSet> = ["2026-11-20.2", RuleSet::current().version()]
        .iter()
        .map(|version| RuleSet::of_version(version).unwrap())
        .collect();
    for start in (0..count).step_by(BLOCK) {
        let (mut ids, mut persons, mut key_ids) = (Vec::new(), Vec::new(), Vec::new());
        let (mut answers, mut ciphers, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (mut outcomes, mut versions) = (Vec::new(), Vec::new());
        for nth in start..count.min(start + BLOCK) {
            let person = &people[nth % people.len()];
            let at = now - TimeDelta::minutes(i64::try_from(nth % 40_000).unwrap());
            let facts: Facts = serde_json::from_value(facts(nth, at)).unwrap();
            let decision = decide(sets[nth % sets.len()], &facts, Strictness::Production);
            let id = ids::next();
            let key = keys.data_key(&person.key).unwrap().unwrap();
            let plain = serde_json::to_vec(&facts).unwrap();
            ciphers.push(keys.seal(&key, "decisions", "facts_cipher", id, &plain).unwrap());
            versions.push(decision.rule_set_version.clone());
            let answer = serde_json::to_value(&decision).unwrap();
            outcomes.push(answer["decision"].as_str().unwrap().to_uppercase());
            answers.push(answer);
            times.push(at);
            ids.push(id);
            persons.push(person.id);
            key_ids.push(person.key.id);
        }
        sqlx::query(
            "INSERT INTO decisions (business_id, id, debtor_id, channel, stage, outcome, rule_set_version, tzdb_version,
                 decision, facts_cipher, key_id, content_hash, decided_at)
             SELECT $1, n.id, n.person, 'SMS', 'QUEUE', n.outcome, n.version, $2, n.answer, n.cipher, n.key, ''::bytea, n.at
             FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::bytea[], $9::uuid[],
                 $10::timestamptz[]) AS n(id, person, outcome, version, answer, cipher, key, at)",
        )
        .bind(business)
        .bind(funnelchat::compliance::zones::TZDB_VERSION)
        .bind(&ids)
        .bind(&persons)
        .bind(&outcomes)
        .bind(&versions)
        .bind(&answers)
        .bind(&ciphers)
        .bind(&key_ids)
        .bind(&times)
        .execute(&mut *superuser)
        .await
        .unwrap();
    }
}

async fn people_of(superuser: &mut PgConnection, business: Uuid) -> Vec<Person> {
    let rows = sqlx::query(
        "SELECT d.id, k.id AS key_id, k.business_key_version, k.wrapped FROM debtors d
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE d.business_id = $1 ORDER BY d.id LIMIT 50",
    )
    .bind(business)
    .fetch_all(superuser)
    .await
    .unwrap();
    rows.iter()
        .map(|row| Person {
            id: row.get("id"),
            key: WrappedKey {
                id: row.get("key_id"),
                business_key_version: row.get("business_key_version"),
                wrapped: row.get("wrapped"),
            },
        })
        .collect()
}

/// The n-th document: every channel, hours of the whole day, states with laws of their own, histories, holds.
fn facts(nth: usize, now: DateTime<Utc>) -> Value {
    let channel = ["sms", "email", "voice", "whatsapp"][nth % 4];
    let (state, zone) = [
        ("NY", "America/New_York"),
        ("TX", "America/Chicago"),
        ("MA", "America/New_York"),
        ("WA", "America/Los_Angeles"),
        ("AZ", "America/Phoenix"),
        ("DC", "America/New_York"),
    ][nth / 4 % 6];
    let consent = json!({ "status": if nth.is_multiple_of(13) { "none" } else { "granted" },
        "given_directly_to_collector": true, "last_verified_days_ago": nth % 70 });
    let history: Vec<Value> = (0..nth % 9)
        .map(|back| {
            let at = now - TimeDelta::hours(i64::try_from(back * 17 + 1).unwrap());
            let kind = ["sms", "call", "email"][(nth + back) % 3];
            json!({ "at": at, "type": kind, "direction": "outbound", "recipient": "consumer", "debts": ["D1"] })
        })
        .collect();
    let mut facts = json!({
        "now": now, "profile": "product", "tenant": { "role": "third_party_collector" },
        "location": { "address_state": state, "candidate_zones": [zone] },
        "action": { "type": "contact", "channel": channel, "kind": "collection", "recipient": "consumer",
            "number": "N1", "debts": ["D1"], "mode": "human", "language": "en",
            "content": { "subsequent_mini_miranda": !nth.is_multiple_of(17), "opt_out_notice": true } },
        "history": history, "optouts": [], "inconvenient": [], "attorney": { "known": nth.is_multiple_of(23) },
        "bankruptcy": {}, "deceased": { "flag": false }, "cease": {}, "dispute": {}, "identity_theft": {},
        "policy": { "guard_minutes": 15 }, "debts": { "D1": { "paid": nth.is_multiple_of(29) } },
        "consents": { "sms_consent": consent, "email_consent": consent, "whatsapp_consent": consent, "tcpa_voice": consent },
        "provider": { "sms": "twilio", "third_party_collections_permitted": true, "whatsapp_collections_permitted": true },
        "validation": { "initial_communication_on": "2025-11-01", "provided_on": "2025-11-03", "period_ends_on": "2025-12-10" },
    });
    if nth.is_multiple_of(11) {
        facts["inconvenient"] =
            json!([{ "days": ["mon", "wed"], "from": "09:00", "to": "12:30", "channels": ["all"] }]);
    }
    facts
}
