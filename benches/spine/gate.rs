//! The compliance gate by itself: one decision on a debtor with much behind them, and every stored decision again.

use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    compliance::{
        Replayed,
        decide::{Strictness, decide},
        each_decision,
        facts::Facts,
        rule_set::RuleSet,
    },
    platform::context::TenantCtx,
};
use serde_json::{Value, json};

use crate::{
    Plan,
    decisions::store_decisions,
    figures::{Bar, percentile},
    servers::Bench,
};

const PAST_CONTACTS: i64 = 200;
const ROUNDS: usize = 20_000;
/// What the issue asks for.
const MOST_MICROSECONDS: f64 = 20.0;

pub async fn measure(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    println!("compliance gate\n");
    for channel in ["sms", "voice"] {
        let facts: Facts = serde_json::from_value(facts(channel))?;
        let rules = RuleSet::current();
        for _ in 0..ROUNDS / 10 {
            std::hint::black_box(decide(rules, &facts, Strictness::Production));
        }
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            std::hint::black_box(decide(
                rules,
                std::hint::black_box(&facts),
                Strictness::Production,
            ));
            times.push(started.elapsed());
        }
        let mut micros = |share| percentile(&mut times, share) * 1000.0;
        let (middle, slow) = (micros(0.5), micros(0.99));
        let verdict = if middle < MOST_MICROSECONDS {
            "holds"
        } else {
            "MISSED"
        };
        println!(
            "decide ({channel}, {PAST_CONTACTS} past contacts): median {middle:.1} µs, 99th percentile {slow:.1} µs; \
             under {MOST_MICROSECONDS} µs: {verdict}"
        );
    }
    replay(bench, plan).await
}

async fn replay(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    let tenant = &bench.tenants[0];
    let mut bar = Bar::new("decisions made again", plan.decisions);
    store_decisions(
        &mut bench.superuser().await?,
        &tenant.keys,
        tenant.id,
        bench.app.clock.now(),
        plan.decisions,
    )
    .await;
    let ctx = TenantCtx::for_service(tenant.id, "bench");
    let (mut same, mut other) = (0_usize, 0_usize);
    let started = Instant::now();
    each_decision(&bench.app.db, &bench.app.keyring, &ctx, None, |stored| {
        if stored.replay() == Replayed::Same {
            same += 1;
        } else {
            other += 1;
        }
        bar.advance(1);
    })
    .await?;
    let took: Duration = started.elapsed();
    ensure!(
        same >= plan.decisions && other == 0,
        "{same} decisions came out the same, {other} others"
    );
    println!(
        "replay of {same} stored decisions: {other} differences, {:.1} s, {:.0}/s\n",
        took.as_secs_f64(),
        same as f64 / took.as_secs_f64()
    );
    Ok(())
}

/// A debtor in a state with laws of its own, contacted in every way over two months, whom one more contact may reach.
fn facts(channel: &str) -> Value {
    let now: DateTime<Utc> = DateTime::from_timestamp(1_780_500_000, 0).unwrap_or_default();
    let history: Vec<Value> = (0..PAST_CONTACTS)
        .map(|nth| {
            let at = now - TimeDelta::hours(7 * 24 + nth * 6);
            let kind = ["call", "email", "sms", "webchat"][usize::try_from(nth % 4).unwrap_or_default()];
            let direction = if nth % 3 == 0 { "inbound" } else { "outbound" };
            json!({ "at": at, "type": kind, "direction": direction, "number": "+12025550143", "recipient": "consumer",
                "outcome": "no_answer", "debts": ["acct_01h455vb4pex5vsknk084sn02q"] })
        })
        .collect();
    let consent =
        json!({ "status": "granted", "given_directly_to_collector": true, "last_verified_days_ago": 3 });
    json!({
        "now": now, "profile": "product", "tenant": { "role": "third_party_collector" },
        "location": { "address_state": "DC", "area_code": "202", "candidate_zones": ["America/New_York"] },
        "action": { "type": "contact", "channel": channel, "kind": "collection", "recipient": "consumer", "mode": "human",
            "number": "+12025550143", "debts": ["acct_01h455vb4pex5vsknk084sn02q"], "language": "en", "is_initial": false,
            "in_reply_to": null,
            "content": { "subsequent_mini_miranda": true, "opt_out_notice": true, "disclosure_language": "en" } },
        "history": history, "optouts": [], "inconvenient": [{ "days": ["sun"], "channels": ["all"] }],
        "attorney": { "known": false }, "bankruptcy": {}, "deceased": { "flag": false }, "cease": {}, "dispute": {},
        "identity_theft": {}, "policy": { "guard_minutes": 15, "contact_from": "09:00", "contact_to": "20:00" },
        "consents": { "sms_consent": consent, "tcpa_voice": consent },
        "provider": { "sms": "twilio", "third_party_collections_permitted": true },
        "validation": { "initial_communication_on": "2025-11-01", "provided_on": "2025-11-03", "period_ends_on": "2025-12-10" },
        "debts": { "acct_01h455vb4pex5vsknk084sn02q": { "paid": false } }, "do_not_call": { "internal": false },
    })
}
