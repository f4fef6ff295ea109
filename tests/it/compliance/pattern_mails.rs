//! Compliance officers are mailed of the patterns that the dashboard shows, each once a day, and see the score.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::dashboard::{BRENDA, copies, today};
use crate::{
    account_work::act,
    support::{Client, TestApp, data, send_refused, user_errors},
};

const SUBJECT: &str = "Patterns in your business's compliance decisions";

async fn told(app: &TestApp) -> Vec<(String, String)> {
    app.run_jobs().await;
    let mails = app.sandbox.state().mails();
    mails
        .iter()
        .filter(|mail| mail.subject == SUBJECT)
        .map(|mail| (mail.to.clone(), mail.text.clone().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_pattern_is_mailed_once_a_day_to_the_compliance_officer_who_wants_to_hear_of_it() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let ceased = app.thread_with(&agent, &app.acme, BRENDA).await;
    send_refused(&agent, &ceased, "Good morning.").await;
    app.advance(TimeDelta::minutes(61)).await;
    assert_eq!(told(&app).await.len(), 0, "one refusal is no pattern");
    let mut superuser = app.superuser().await;
    superuser.execute(copies(9, "AGENT", "DENY")).await.unwrap();
    for role in ["MANAGER", "BUSINESS_ADMIN"] {
        superuser.execute(copies(3, role, "ALLOW")).await.unwrap();
    }
    app.advance(TimeDelta::minutes(59)).await;
    assert_eq!(told(&app).await.len(), 0, "it was looked at an hour ago at most");
    app.advance(TimeDelta::minutes(2)).await;
    let heard = told(&app).await;
    assert_eq!(heard.len(), 1, "one mail of both: {heard:?}");
    let (to, text) = &heard[0];
    assert_eq!(to, "compliance@acme.example", "and nobody at the other business");
    let last = today(&app);
    let first = last - TimeDelta::days(6);
    for said in [
        "reg-f-cease-communication refused 10 times, after 0",
        "One member of staff was refused 10 times; the median of all is 0",
        &format!("/compliance?from={first}&to={last}"),
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(
        !text.contains("Agent of Acme") && !text.contains("Hughes"),
        "{text}"
    );
    assert_eq!(app.audited("compliance_alert.found").await, 2);
    app.advance(TimeDelta::hours(2)).await;
    assert_eq!(told(&app).await.len(), 1, "once a day");

    // It lasts: on the next day it is told again, to who still wants to hear of it.
    app.advance(TimeDelta::days(1)).await;
    assert_eq!(told(&app).await.len(), 2);
    let compliance = app.acme.sign_in("compliance").await;
    let silent =
        json!({ "preferences": [{ "kind": "COMPLIANCE_ALERT", "channel": "EMAIL", "enabled": false }] });
    let turned = act(&compliance, "updateNotificationPreferences", "", silent).await;
    assert_eq!(user_errors(&turned), Vec::<&str>::new());
    app.advance(TimeDelta::days(1)).await;
    assert_eq!(
        told(&app).await.len(),
        2,
        "it is still found, and mailed to nobody"
    );
    assert_eq!(app.audited("compliance_alert.found").await, 6);
    app.finish().await;
}

#[tokio::test]
async fn where_there_is_no_compliance_officer_the_administrators_hear_of_it() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let ceased = app.thread_with(&agent, &app.acme, BRENDA).await;
    send_refused(&agent, &ceased, "Good morning.").await;
    let mut superuser = app.superuser().await;
    superuser.execute(copies(9, "AGENT", "DENY")).await.unwrap();
    superuser
        .execute("UPDATE users SET status = 'INACTIVE' WHERE role = 'COMPLIANCE_OFFICER'")
        .await
        .unwrap();
    app.advance(TimeDelta::minutes(61)).await;
    let heard = told(&app).await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].0, "admin@acme.example");
    app.finish().await;
}

async fn score(client: &Client, app: &TestApp) -> Value {
    let (from, to) = (today(app) - TimeDelta::days(6), today(app));
    let answer = client
        .gql(
            "query($from: Date!, $to: Date!) { complianceDashboard(from: $from, to: $to) {
               score { points components { kind weight count outOf lost } } } }",
            json!({ "from": from, "to": to }),
        )
        .await;
    data(&answer)["complianceDashboard"]["score"].clone()
}

fn of(score: &Value, kind: &str) -> Value {
    let components = score["components"].as_array().unwrap();
    components
        .iter()
        .find(|part| part["kind"] == kind)
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_score_is_what_its_components_leave_of_a_hundred() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let before = score(&compliance, &app).await;
    let parts = before["components"].as_array().unwrap();
    assert_eq!(parts.len(), 6);
    let sum = |key: &str, of: &Value| -> i64 {
        let parts = of["components"].as_array().unwrap();
        parts.iter().map(|part| part[key].as_i64().unwrap()).sum()
    };
    assert_eq!(sum("weight", &before), 100);
    assert_eq!(before["points"], 100 - sum("lost", &before));
    assert_eq!(
        of(&before, "REFUSED_WHEN_WRITTEN")["outOf"],
        0,
        "nothing was decided yet"
    );

    let ceased = app.thread_with(&agent, &app.acme, BRENDA).await;
    send_refused(&agent, &ceased, "Good morning.").await;
    let refused = score(&compliance, &app).await;
    assert_eq!(
        of(&refused, "REFUSED_WHEN_WRITTEN"),
        json!({ "kind": "REFUSED_WHEN_WRITTEN", "weight": 15, "count": 1, "outOf": 1, "lost": 15 })
    );
    assert_eq!(refused["points"], before["points"].as_i64().unwrap() - 15);

    // A dispute that nobody answered in time, and licences that ended.
    let account = app.account_id(&app.acme, 0).await;
    let filed = act(
        &agent,
        "fileDispute",
        "dispute { id }",
        json!({ "accountId": account, "channel": "LETTER" }),
    )
    .await;
    assert_eq!(user_errors(&filed), Vec::<&str>::new());
    let waiting = of(&score(&compliance, &app).await, "DISPUTES_OVERDUE");
    assert_eq!(
        (&waiting["count"], &waiting["lost"]),
        (&json!(0), &json!(0)),
        "{waiting}"
    );
    assert!(waiting["outOf"].as_i64().unwrap() >= 1, "{waiting}");
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "UPDATE disputes SET due_at = '2026-01-01T00:00:00Z';
             UPDATE business_licenses SET valid_until = '2026-01-31', valid_from = '2026-01-01'",
        )
        .await
        .unwrap();
    let late = score(&compliance, &app).await;
    assert_eq!(of(&late, "DISPUTES_OVERDUE")["lost"], 25);
    let licenses = of(&late, "LICENSES_ENDED");
    assert_eq!(
        (&licenses["lost"], &licenses["count"]),
        (&json!(20), &licenses["outOf"])
    );
    assert_eq!(late["points"], 100 - sum("lost", &late));
    let globex = app.globex.sign_in("compliance").await;
    let theirs = score(&globex, &app).await;
    assert_eq!(
        of(&theirs, "REFUSED_WHEN_WRITTEN")["outOf"],
        0,
        "another business's count for it alone"
    );
    app.finish().await;
}
