//! What members of staff do, for those who look after them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    statements::{listened_to_with, names},
    support::{Client, TestApp, data, error_code, noon, send},
};

const TEAM: &str =
    "query($f: UserFilter, $d: DateTimeRange, $n: Int!) { users(first: 10, filter: $f) { edges { node {
  role lastActiveAt activity(during: $d) { openThreads messagesSent accountsWorked
    acts(first: $n) { edges { node { action at objectId } } pageInfo { endCursor hasNextPage } } } } } } }";

async fn team(client: &Client, variables: Value) -> Vec<Value> {
    let mut with = json!({ "n": 3 });
    for (name, value) in variables.as_object().unwrap() {
        with[name] = value.clone();
    }
    let answer = client.gql(TEAM, with).await;
    let edges = data(&answer)["users"]["edges"].as_array().unwrap().clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

/// The roles of those whose activity is shown.
fn shown(team: &[Value]) -> Vec<&str> {
    team.iter()
        .filter(|user| !user["activity"].is_null())
        .filter_map(|user| user["role"].as_str())
        .collect()
}

#[tokio::test]
async fn those_who_look_after_the_staff_see_what_it_does() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let before = noon() - TimeDelta::seconds(1);
    for nth in [0, 1] {
        let thread = app.thread_with(&agent, &app.acme, nth).await;
        for text in ["Can we talk about your balance?", "Or write to us."] {
            send(&agent, &thread, text).await;
            app.run_jobs().await;
        }
    }
    let admin = app.acme.sign_in("admin").await;
    let all = team(&admin, json!({})).await;
    assert_eq!(
        shown(&all),
        ["BUSINESS_ADMIN", "MANAGER", "AGENT", "COMPLIANCE_OFFICER"]
    );
    let of_agent = &all[2];
    assert!(of_agent["lastActiveAt"].is_string(), "{of_agent}");
    let activity = &of_agent["activity"];
    assert_eq!(
        (
            &activity["openThreads"],
            &activity["messagesSent"],
            &activity["accountsWorked"]
        ),
        (&json!(2), &json!(4), &json!(2)),
        "{activity}"
    );
    let acts = |user: &Value| -> Vec<String> {
        let edges = user["activity"]["acts"]["edges"].as_array().unwrap();
        edges
            .iter()
            .filter_map(|edge| edge["node"]["action"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(acts(of_agent).len(), 3);
    assert_eq!(acts(of_agent)[0], "message.queued", "the newest first");
    assert_eq!(acts(&all[0]), ["session.opened"]);

    // Page by page, without a gap: all of them are those of the trail.
    let mut found = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = admin
            .gql(
                "query($a: String) { users(first: 1, filter: { role: [AGENT] }) { edges { node { activity {
                   acts(first: 2, after: $a) { edges { node { objectId action } } pageInfo { endCursor hasNextPage } } } } } } }",
                json!({ "a": after }),
            )
            .await;
        let acts = data(&page)["users"]["edges"][0]["node"]["activity"]["acts"].clone();
        found.extend(acts["edges"].as_array().unwrap().clone());
        if acts["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = acts["pageInfo"]["endCursor"].clone();
    }
    let trail = admin
        .gql(
            "query($u: ID!) { auditEvents(first: 100, filter: { userId: $u }) { edges { node { objectId action } } } }",
            json!({ "u": own_id(&agent).await }),
        )
        .await;
    assert_eq!(json!(found), data(&trail)["auditEvents"]["edges"]);

    // Managers see their agents' and their own, agents their own alone.
    let manager = app.acme.sign_in("manager").await;
    assert_eq!(shown(&team(&manager, json!({})).await), ["MANAGER", "AGENT"]);
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(shown(&team(&compliance, json!({})).await).len(), 4);
    assert_eq!(shown(&team(&agent, json!({})).await), ["AGENT"]);

    // In a time: nothing yet before it began, and no end before the beginning.
    let earlier = json!({ "d": { "to": before } });
    let then = team(&manager, json!({ "d": earlier["d"], "f": { "role": ["AGENT"] } })).await;
    assert_eq!(
        (
            &then[0]["activity"]["openThreads"],
            &then[0]["activity"]["messagesSent"]
        ),
        (&json!(2), &json!(0)),
        "threads are counted as they are now"
    );
    for wrong in [
        json!({ "from": "2026-06-10T00:00:00Z", "to": "2026-06-09T00:00:00Z" }),
        json!({ "from": "2025-01-01T00:00:00Z", "to": "2026-06-09T00:00:00Z" }),
    ] {
        let answer = manager
            .gql(TEAM, json!({ "n": 1, "d": wrong, "f": { "role": ["AGENT"] } }))
            .await;
        assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{answer}");
    }
    app.advance(TimeDelta::days(31)).await;
    let manager = app.acme.sign_in("manager").await;
    let later = team(&manager, json!({ "f": { "role": ["AGENT"] } })).await;
    assert_eq!(later[0]["activity"]["messagesSent"], 0, "of the last thirty days");
    app.run_jobs().await;
    app.finish().await;
}

async fn own_id(client: &Client) -> Value {
    data(&client.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone()
}

/// Forty more collectors.
const STAFF: &str = "INSERT INTO identities (id, email_blind, email_cipher, password_hash, created_at)
    SELECT gen_random_uuid(), sha256(n::text::bytea), '', '!', now() FROM generate_series(1, 40) AS n;
    INSERT INTO users (business_id, id, identity_id, name, role, status, created_at)
    SELECT b.id, gen_random_uuid(), i.id, 'Colleague', 'AGENT', 'ACTIVE', now()
    FROM identities i JOIN businesses b ON b.slug = 'acme' WHERE i.password_hash = '!'";

#[tokio::test]
async fn a_wide_page_of_the_team_is_one_statement_a_level_and_found_by_index() {
    let (app, wire) = listened_to_with(STAFF, Vec::new()).await;
    let names = names(&app).await;
    let manager = app.acme.sign_in("manager").await;
    let page = "{ users(first: 50) { edges { node { name isAvailableNow skills capacity
        activity { openThreads messagesSent accountsWorked acts(first: 2) { edges { node { action } } } } } } } }";
    data(&manager.gql(page, json!({})).await);
    wire.clear();
    let answer = manager.gql(page, json!({})).await;
    assert_eq!(data(&answer)["users"]["edges"].as_array().unwrap().len(), 44);
    let passed = wire.statements();
    assert_eq!(
        passed.len(),
        1 + 1 + 1 + 1 + 1,
        "BEGIN; the page; hours, skills and capacity; threads and messages; acts: {passed:#?}"
    );
    wire.plans().iter().for_each(|plan| names.assert_indexed(plan));
    app.finish().await;
}
