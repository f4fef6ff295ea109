//! What those who look after compliance see of a period.

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::{
    account_work::{MARIA, holds::JAMES},
    statements::{listened_to_with, names},
    support::{Client, TestApp, data, error_code, send, send_refused},
};

/// Brenda Hughes, who asked in writing to be left alone.
pub(super) const BRENDA: usize = 23;
const CEASE: &str = "reg-f-cease-communication";

const DASHBOARD: &str = "query($from: Date!, $to: Date!) { complianceDashboard(from: $from, to: $to) {
   decisions { date stage allowed refused deferred contentRequired }
   refusals { rule citation count previousCount change days { date count } }
   optOuts { date channel count } revocations { date channel source count }
   holds { kind open awaitingConfirmation } suppressions { reason count }
   alerts { kind rule count comparedWith message user { name } }
   peopleNearLimit(first: 10) { edges { node { debtor { lastName } channel count limit } } pageInfo { hasNextPage } } } }";

pub(super) fn today(app: &TestApp) -> NaiveDate {
    app.app.db.clock().now().date_naive()
}

async fn ask(client: &Client, from: NaiveDate, to: NaiveDate) -> Value {
    client.gql(DASHBOARD, json!({ "from": from, "to": to })).await
}

async fn dashboard(client: &Client, from: NaiveDate, to: NaiveDate) -> Value {
    data(&ask(client, from, to).await)["complianceDashboard"].clone()
}

fn near(seen: &Value) -> Vec<(String, i64, i64)> {
    let edges = seen["peopleNearLimit"]["edges"].as_array().unwrap();
    edges
        .iter()
        .map(|edge| {
            let node = &edge["node"];
            (
                node["debtor"]["lastName"].as_str().unwrap().to_owned(),
                node["count"].as_i64().unwrap(),
                node["limit"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_period_is_told_by_its_decisions_refusals_and_what_people_said() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    for text in ["Good morning.", "Did you get our letter?"] {
        send(&agent, &thread, text).await;
        app.run_jobs().await;
    }
    let ceased = app.thread_with(&agent, &app.acme, BRENDA).await;
    let refused = send_refused(&agent, &ceased, "Good morning.").await;
    assert_eq!(refused["decision"]["rule"], CEASE);
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "STOP").await;
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "I filed chapter 13")
        .await;

    let day = today(&app);
    let seen = dashboard(&compliance, day, day).await;
    let days = seen["decisions"].as_array().unwrap();
    let of_stage = |stage: &str| days.iter().find(|row| row["stage"] == stage).unwrap().clone();
    assert_eq!(of_stage("QUEUE")["date"], json!(day.to_string()));
    assert_eq!(
        (&of_stage("QUEUE")["allowed"], &of_stage("QUEUE")["refused"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&of_stage("DISPATCH")["allowed"], &of_stage("DISPATCH")["refused"]),
        (&json!(2), &json!(0))
    );
    let refusals = seen["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0]["rule"], CEASE);
    assert!(refusals[0]["citation"].as_str().unwrap().contains("1692c(c)"));
    assert_eq!(
        (
            &refusals[0]["count"],
            &refusals[0]["previousCount"],
            &refusals[0]["change"]
        ),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(
        refusals[0]["days"],
        json!([{ "date": day.to_string(), "count": 1 }])
    );
    assert_eq!(
        seen["optOuts"],
        json!([{ "date": day.to_string(), "channel": "SMS", "count": 1 }])
    );
    let withdrawn = seen["revocations"].as_array().unwrap();
    assert!(
        withdrawn
            .iter()
            .all(|row| row["source"] == "TEXT" && row["count"] == 1),
        "{withdrawn:?}"
    );
    assert!(withdrawn.iter().any(|row| row["channel"] == "SMS"));
    let holds = seen["holds"].as_array().unwrap();
    assert_eq!(holds.len(), 13);
    let of_kind = |kind: &str| holds.iter().find(|row| row["kind"] == kind).unwrap().clone();
    assert_eq!(
        of_kind("BANKRUPTCY"),
        json!({ "kind": "BANKRUPTCY", "open": 1, "awaitingConfirmation": 1 })
    );
    assert_eq!(of_kind("CEASE_CONTACT")["awaitingConfirmation"], 0);
    let opted_out = json!({ "reason": "OPT_OUT", "count": 1 });
    assert!(seen["suppressions"].as_array().unwrap().contains(&opted_out));
    assert_eq!(
        near(&seen),
        [("Alvarez".to_owned(), 2, 3)],
        "one text is left of three"
    );
    assert_eq!(seen["alerts"], json!([]));

    // Seven days later the texts count no more, and the period before is compared with.
    app.advance(TimeDelta::days(7)).await;
    let compliance = app.acme.sign_in("compliance").await;
    let later = dashboard(&compliance, day + TimeDelta::days(1), day + TimeDelta::days(7)).await;
    assert_eq!(later["decisions"], json!([]));
    assert_eq!(near(&later).len(), 0);
    assert_eq!(
        (
            &later["refusals"][0]["count"],
            &later["refusals"][0]["previousCount"]
        ),
        (&json!(0), &json!(1))
    );

    let globex = app.globex.sign_in("compliance").await;
    let theirs = dashboard(&globex, day, day).await;
    for empty in ["decisions", "refusals", "optOuts", "revocations", "alerts"] {
        assert_eq!(theirs[empty], json!([]), "{empty}");
    }
    for (from, to) in [(day, day - TimeDelta::days(1)), (day - TimeDelta::days(92), day)] {
        assert_eq!(error_code(&ask(&compliance, from, to).await), "BAD_USER_INPUT");
    }
    assert_eq!(
        error_code(&ask(&app.acme.agent().await, day, day).await),
        "FORBIDDEN"
    );
    app.finish().await;
}

/// So many more decisions like the one that refused Brenda, wanted by the member of staff of this role.
pub(super) fn copies(count: i32, role: &str, outcome: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "INSERT INTO decisions (business_id, id, debtor_id, channel, stage, outcome, rule_set_version, tzdb_version,
             decision, facts_cipher, key_id, content_hash, decided_at, asked_by)
         SELECT d.business_id, gen_random_uuid(), d.debtor_id, d.channel, d.stage, '{outcome}', d.rule_set_version,
             d.tzdb_version, d.decision, d.facts_cipher, d.key_id, d.content_hash, d.decided_at, u.id
         FROM (SELECT * FROM decisions WHERE outcome = 'DENY' ORDER BY id LIMIT 1) d
         JOIN users u ON u.business_id = d.business_id AND u.role = '{role}' CROSS JOIN generate_series(1, {count})"
    ))
}

#[tokio::test]
async fn patterns_are_told_from_counts_alone() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let ceased = app.thread_with(&agent, &app.acme, BRENDA).await;
    send_refused(&agent, &ceased, "Good morning.").await;
    let day = today(&app);
    let mut superuser = app.superuser().await;
    superuser.execute(copies(8, "AGENT", "DENY")).await.unwrap();
    for role in ["MANAGER", "BUSINESS_ADMIN"] {
        superuser.execute(copies(3, role, "ALLOW")).await.unwrap();
    }
    assert_eq!(
        dashboard(&compliance, day, day).await["alerts"],
        json!([]),
        "nine are no pattern"
    );
    superuser.execute(copies(1, "AGENT", "DENY")).await.unwrap();
    superuser
        .execute(
            "INSERT INTO suppressions (business_id, id, address_blind, channel, reason, created_at)
             SELECT b.id, gen_random_uuid(), sha256(n::text::bytea), 'SMS', 'OPT_OUT', d.decided_at
             FROM businesses b, generate_series(1, 10) n, (SELECT max(decided_at) AS decided_at FROM decisions) d
             WHERE b.slug = 'acme'",
        )
        .await
        .unwrap();
    let alerts = dashboard(&compliance, day, day).await["alerts"].clone();
    let alerts = alerts.as_array().unwrap();
    let kinds: Vec<&str> = alerts
        .iter()
        .map(|alert| alert["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["RULE_REFUSES_MORE", "OPT_OUTS_RISE", "AGENT_REFUSED"],
        "{alerts:?}"
    );
    assert_eq!(
        (
            &alerts[0]["rule"],
            &alerts[0]["count"],
            &alerts[0]["comparedWith"]
        ),
        (&json!(CEASE), &json!(10), &json!(0))
    );
    assert_eq!(alerts[1]["count"], 10);
    assert_eq!(alerts[2]["user"]["name"], "Agent of Acme Recovery");
    assert_eq!(
        (&alerts[2]["count"], &alerts[2]["comparedWith"]),
        (&json!(10), &json!(0))
    );

    // As many before: nothing has risen.
    app.advance(TimeDelta::days(1)).await;
    superuser
        .execute(
            "INSERT INTO decisions (business_id, id, debtor_id, channel, stage, outcome, rule_set_version, tzdb_version,
                 decision, facts_cipher, key_id, content_hash, decided_at)
             SELECT business_id, gen_random_uuid(), debtor_id, channel, stage, outcome, rule_set_version, tzdb_version,
                 decision, facts_cipher, key_id, content_hash, decided_at + interval '1 day' FROM decisions;
             INSERT INTO suppressions (business_id, id, address_blind, channel, reason, created_at)
             SELECT business_id, gen_random_uuid(), sha256(address_blind), channel, reason, created_at + interval '1 day'
             FROM suppressions WHERE reason = 'OPT_OUT'",
        )
        .await
        .unwrap();
    let compliance = app.acme.sign_in("compliance").await;
    let next = day + TimeDelta::days(1);
    assert_eq!(dashboard(&compliance, next, next).await["alerts"], json!([]));
    app.finish().await;
}

/// Forty thousand decisions, ten for each of four thousand people, on ten days; in the order of time, as they are made:
/// scattered over the whole table, a fifth of them is as cheap to read from end to end. So are suppressions while VACUUM
/// does not yet know their pages to be visible to all, which a session of any database that is just beginning may delay:
/// what is asked here is whether there is an index, and not which of two ways costs less.
const DECIDED: &str = "
    INSERT INTO decisions (business_id, id, debtor_id, channel, stage, outcome, rule_set_version, tzdb_version, decision,
        facts_cipher, key_id, content_hash, decided_at)
    SELECT d.business_id, gen_random_uuid(), d.id, 'SMS', 'QUEUE', CASE WHEN n % 4 = 0 THEN 'DENY' ELSE 'ALLOW' END, '1', '1',
        '{\"rule\": \"reg-f-quiet-hours\"}', '', d.record_key_id, '', '2026-06-09T12:00:00Z'::timestamptz - n * interval '10 days'
    FROM debtors d, generate_series(1, 10) n WHERE d.last_name LIKE 'Last%' ORDER BY n DESC;
    INSERT INTO consents (business_id, id, debtor_id, contact_point_id, channel, status, given_directly, source, said_at,
        recorded_at)
    SELECT p.business_id, gen_random_uuid(), p.debtor_id, p.id, 'SMS', 'GRANTED', true, 'WEB_FORM', p.created_at, p.created_at
    FROM contact_points p JOIN debtors d ON d.business_id = p.business_id AND d.id = p.debtor_id WHERE d.last_name LIKE 'Last%';
    INSERT INTO suppressions (business_id, id, address_blind, channel, reason, created_at)
    SELECT d.business_id, d.id, sha256(d.id::text::bytea), 'SMS', 'OPT_OUT', '2026-01-01T12:00:00Z'
    FROM debtors d WHERE d.last_name LIKE 'Last%';
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database()); END $$";

#[tokio::test]
async fn the_dashboard_reads_its_period_by_few_statements_and_their_indexes() {
    let (app, wire) = listened_to_with(DECIDED, Vec::new()).await;
    let names = names(&app).await;
    let compliance = app.acme.sign_in("compliance").await;
    let (from, to) = ("2026-05-25".parse().unwrap(), "2026-06-05".parse().unwrap());
    dashboard(&compliance, from, to).await;
    wire.clear();
    let seen = dashboard(&compliance, from, to).await;
    assert_eq!(seen["decisions"][0]["allowed"], 4_000, "{}", seen["decisions"]);
    let own: Vec<String> = wire
        .statements()
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| !text.starts_with("BEGIN"))
        .collect();
    assert!(own.len() <= 8, "{own:#?}");
    let plans = wire.plans();
    assert!(!plans.is_empty());
    for plan in &plans {
        names.assert_indexed(plan);
        if plan.statement.contains("FROM decisions") {
            let looked_at = names.rows_looked_at(plan);
            assert!(
                looked_at <= 8_100,
                "{looked_at} rows for two times 4,000 decisions: {}",
                plan.statement
            );
        }
    }
    app.finish().await;
}
