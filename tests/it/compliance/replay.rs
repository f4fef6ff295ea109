//! Every stored decision can be made again, and says so when it cannot.

use std::collections::BTreeMap;

use funnelchat::{
    compliance::{Replayed, each_decision},
    platform::{
        ids::{self, IdKind},
        keys::WrappedKey,
    },
};
use serde_json::Value;
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::support::{Program, TestApp, decisions::store_decisions, send, send_refused};

const MARIA: usize = 0;
/// What is stored beside the story's own; `cargo bench -- gate` takes 100,000.
const MANY: usize = 2_000;

/// Runs `funnelchat compliance …` on the test's database.
pub(super) async fn compliance(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    run(app, &[&["compliance"][..], arguments].concat()).await
}

/// Runs `funnelchat …` on the test's database.
async fn run(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    let ended = Program::new(arguments).on(&app.database()).run().await;
    (ended.code, ended.stdout, ended.stderr)
}

/// Seals other facts into a stored decision, as nobody can who has not the whole key ring and the superuser's rights.
async fn flip(app: &TestApp, change: impl Fn(&mut Value)) -> Uuid {
    let business = app.business_id(&app.acme).await;
    let keys = app.app.keyring.business(&app.app.db, business).await.unwrap();
    let mut superuser = app.superuser().await;
    let row = superuser
        .fetch_one(sqlx::query(
            "SELECT d.id, d.facts_cipher, k.id AS key_id, k.business_key_version, k.wrapped FROM decisions d
             JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.key_id
             WHERE d.outcome = 'ALLOW' AND d.business_id = $1 ORDER BY d.id LIMIT 1",
        ).bind(business))
        .await
        .unwrap();
    let id: Uuid = row.get("id");
    let key = WrappedKey {
        id: row.get("key_id"),
        business_key_version: row.get("business_key_version"),
        wrapped: row.get("wrapped"),
    };
    let key = keys.data_key(&key).unwrap().unwrap();
    let cipher: Vec<u8> = row.get("facts_cipher");
    let facts = keys
        .open_text(&key, "decisions", "facts_cipher", id, &cipher)
        .unwrap();
    let mut facts: Value = serde_json::from_str(facts.expose()).unwrap();
    change(&mut facts);
    let sealed = serde_json::to_vec(&facts).unwrap();
    let sealed = keys.seal(&key, "decisions", "facts_cipher", id, &sealed).unwrap();
    superuser
        .execute("SET session_replication_role = replica")
        .await
        .unwrap();
    superuser
        .execute(
            sqlx::query("UPDATE decisions SET facts_cipher = $2 WHERE id = $1")
                .bind(id)
                .bind(sealed),
        )
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn what_was_decided_is_decided_alike_and_a_flipped_fact_is_reported() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    for text in [
        "Good morning from Acme.",
        "Did you see my message?",
        "One more thing.",
    ] {
        send(&agent, &thread, text).await;
        app.run_jobs().await;
    }
    send_refused(&agent, &thread, "And a fourth this week.").await;
    let (business, ctx) = (app.business_id(&app.acme).await, app.service_ctx(&app.acme).await);
    let keys = app.app.keyring.business(&app.app.db, business).await.unwrap();
    let now = app.app.clock.now();
    store_decisions(&mut app.superuser().await, &keys, business, now, MANY).await;

    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    each_decision(&app.app.db, &app.app.keyring, &ctx, None, |stored| {
        assert_eq!(stored.replay(), Replayed::Same, "{stored:?}");
        *found.entry(format!("{:?}", stored.decision.outcome)).or_default() += 1;
    })
    .await
    .unwrap();
    assert_eq!(found.values().sum::<usize>(), MANY + 7, "{found:?}");
    assert_eq!(found.len(), 4, "allowed, denied, deferred, incomplete: {found:?}");

    let (code, told, _) = compliance(&app, &["replay"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains(&format!("{0} decision(s): {0} the same, 0 different", MANY + 7)),
        "{told}"
    );

    // Maria would have been spoken to after her death.
    let flipped = flip(&app, |facts| facts["deceased"]["flag"] = true.into()).await;
    let flipped = ids::encode(IdKind::Decision, flipped);
    let (code, told, _) = compliance(&app, &["replay", "--business", "acme"]).await;
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(&flipped) && told.contains("deceased-representative-only"),
        "{told}"
    );
    assert!(told.contains("1 different"), "{told}");
    let (code, told, _) = compliance(&app, &["replay", "--since", "2026-06-11"]).await;
    assert_eq!(
        (code, told.as_str()),
        (0, "0 decision(s): 0 the same, 0 different, 0 erased\n")
    );
    let (code, _, why) = compliance(&app, &["replay", "--business", "nobody"]).await;
    assert!(code != 0 && why.contains("there is no business nobody"), "{why}");
    app.finish().await;
}

#[tokio::test]
async fn a_decision_that_was_changed_in_the_database_is_found_by_the_trail() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    for text in [
        "Good morning from Acme.",
        "Did you see my message?",
        "One more thing.",
    ] {
        send(&agent, &thread, text).await;
        app.run_jobs().await;
    }
    send_refused(&agent, &thread, "And a fourth this week.").await;
    let (code, told, why) = run(&app, &["audit", "verify", "--business", "acme"]).await;
    assert_eq!(code, 0, "{why}");
    assert!(told.contains("7 decision(s) are as the trail says"), "{told}");

    let flipped = ids::encode(
        IdKind::Decision,
        flip(&app, |facts| facts["cease"] = serde_json::json!({})).await,
    );
    let mut superuser = app.superuser().await;
    let answer = "SET session_replication_role = replica;
        UPDATE decisions SET decision = decision || '{\"decision\": \"allow\"}' WHERE outcome = 'DENY' OR outcome = 'DEFER'";
    superuser.execute(answer).await.unwrap();
    let (code, _, why) = run(&app, &["audit", "verify", "--business", "acme"]).await;
    assert_ne!(code, 0);
    assert!(why.contains(&flipped), "{why}");
    assert_eq!(why.matches("dec_").count(), 2, "{why}");
    app.finish().await;
}

#[tokio::test]
async fn what_was_erased_is_counted_and_shows_no_difference() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    send(&agent, &thread, "Good morning from Acme.").await;
    app.run_jobs().await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE id IN (SELECT key_id FROM decisions)")
        .await
        .unwrap();
    let (code, told, _) = compliance(&app, &["replay"]).await;
    assert_eq!(
        (code, told.as_str()),
        (0, "2 decision(s): 0 the same, 0 different, 2 erased\n")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_new_rule_set_shows_what_it_would_have_changed_before_it_takes_effect() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    for text in ["Good morning from Acme.", "Did you see my message?"] {
        send(&agent, &thread, text).await;
        app.run_jobs().await;
    }
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/rules/2026-11-29.6.toml");
    // Without its own tests, which say what it answers as it stands.
    let rules = std::fs::read_to_string(pack).unwrap();
    let rules = rules.split_once("\n[[test]]").unwrap().0.to_owned();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let pack = folder.join(format!("next-{}.toml", std::process::id()));
    let path = pack.to_str().unwrap();

    std::fs::write(
        &pack,
        rules.replace("version = \"2026-11-29.6\"", "version = \"next\""),
    )
    .unwrap();
    let (code, told, why) = compliance(&app, &["shadow", "--pack", path, "--days", "3660"]).await;
    assert_eq!(code, 0, "{why}");
    assert!(
        told.ends_with("rule set next: 0 of 4 decision(s) of the last 3660 day(s) would have been others\n"),
        "{told}"
    );

    // One text a week: the second was asked about twice, when it was queued and when it went out.
    let (head, after) = rules.split_once("id = \"product-sms-3-per-week\"").unwrap();
    std::fs::write(
        &pack,
        format!(
            "{head}id = \"product-sms-3-per-week\"{}",
            after.replacen("limit = 3", "limit = 1", 1)
        ),
    )
    .unwrap();
    let (code, told, why) = compliance(&app, &["shadow", "--pack", path, "--days", "3660"]).await;
    assert_eq!(code, 0, "{why}");
    assert!(
        told.contains("2: allow becomes defer by product-sms-3-per-week"),
        "{told}"
    );
    assert!(told.contains("2 of 4 decision(s)"), "{told}");

    std::fs::write(&pack, rules.replace("limit = 7\n", "limit = 7000\n")).unwrap();
    let (code, _, why) = compliance(&app, &["shadow", "--pack", path]).await;
    assert_eq!(code, 2);
    assert!(
        why.contains("`reg-f-") && why.contains("`limit` is from 0 to 1000"),
        "{why}"
    );
    std::fs::remove_file(&pack).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn the_commands_that_need_no_database_answer_from_the_rules_alone() {
    let run = async |arguments: &[&str]| {
        let ended = Program::new(&[&["compliance"], arguments].concat()).run().await;
        (ended.code, ended.stdout, ended.stderr)
    };
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/compliance-vectors.json");
    let (code, told, why) = run(&["decide", vectors]).await;
    assert_eq!(code, 0, "{why}");
    let answers: Vec<Value> = serde_json::from_str(&told).unwrap();
    let asked: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(vectors).unwrap()).unwrap();
    assert_eq!(answers.len(), asked.len());
    for (answer, asked) in answers.iter().zip(&asked) {
        assert_eq!(answer["id"], asked["id"]);
        for (key, value) in asked["expected"].as_object().unwrap() {
            assert_eq!(&answer[key], value, "{}", asked["id"]);
        }
    }
    let (code, told, why) = run(&["decide", "-"]).await;
    assert_eq!(
        (code, told.as_str()),
        (2, ""),
        "nothing comes from an empty input"
    );
    assert!(why.contains("not JSON"), "{why}");

    let (code, in_august, _) = run(&["rules", "--on", "2026-08-31", "--state", "nyc"]).await;
    assert_eq!(code, 0);
    let (_, in_september, _) = run(&["rules", "--on", "2026-09-01", "--state", "NYC"]).await;
    assert!(
        !in_august.contains("nyc-3-per-7") && in_september.contains("nyc-3-per-7"),
        "{in_august}"
    );
    assert!(
        in_september.contains("limit\":3") && !in_september.contains("ma-2-per-7"),
        "{in_september}"
    );
    let (code, _, why) = run(&["rules", "--state", "XX"]).await;
    assert!(code == 2 && why.contains("XX is no state"), "{why}");
}
