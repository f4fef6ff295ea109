//! Complaints, from the moment that somebody makes one to what was answered.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    account_work::{MARIA, act, ask, holds::gate},
    support::{TestApp, data, error_code, user_errors},
};

#[tokio::test]
async fn a_complaint_is_worked_on_until_it_is_answered() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    const SEEN: &str =
        "complaint { id status about words regulator regulatorReference receivedAt dueAt isOverdue outcome
        resolution account { id } debtor { firstName } filedBy { id } }";
    let input = json!({ "accountId": maria, "about": "CONDUCT", "channel": "REGULATOR", "regulator": "CFPB",
        "regulatorReference": "260610-1234567", "words": "They call me at work." });
    let filed = act(&agent, "fileComplaint", SEEN, input).await["complaint"].clone();
    assert_eq!(filed["status"], "OPEN", "{filed}");
    assert_eq!(filed["words"], "They call me at work.");
    assert_eq!(filed["regulatorReference"], "260610-1234567");
    let at = |value: &Value| {
        value
            .as_str()
            .unwrap()
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    };
    assert_eq!(
        at(&filed["dueAt"]) - at(&filed["receivedAt"]),
        TimeDelta::days(15)
    );
    assert_eq!(
        gate(&compliance, &maria).await.0,
        "ALLOW",
        "a complaint stops nothing by itself"
    );
    let version = crate::support::recipes::settings_version(&compliance).await;
    let admin = app.acme.sign_in("admin").await;
    let chosen = json!({ "expectedVersion": version, "complaintAnswerDays": 7, "disputeAnswerDays": null });
    let settings = "business { settings { complaintAnswerDays disputeAnswerDays } }";
    let set = act(&admin, "updateBusinessSettings", settings, chosen).await;
    assert_eq!(
        set["business"]["settings"],
        json!({ "complaintAnswerDays": 7, "disputeAnswerDays": 30 })
    );
    let input = json!({ "accountId": maria, "about": "OTHER", "channel": "CALL", "words": "No." });
    let sooner = act(&agent, "fileComplaint", SEEN, input).await["complaint"].clone();
    assert_eq!(
        at(&sooner["dueAt"]) - at(&sooner["receivedAt"]),
        TimeDelta::days(7)
    );
    let nameless = json!({ "accountId": maria, "about": "OTHER", "channel": "LETTER", "words": "No.", "regulatorReference": "7" });
    assert_eq!(
        user_errors(&act(&agent, "fileComplaint", "", nameless).await),
        ["INVALID_INPUT"]
    );
    let nobodys = json!({ "about": "OTHER", "channel": "LETTER", "words": "No." });
    assert_eq!(
        user_errors(&act(&agent, "fileComplaint", "", nobodys).await),
        ["INVALID_INPUT"]
    );
    let globex = app.globex.sign_in("admin").await;
    let update = json!({ "complaintId": filed["id"], "status": "IN_PROGRESS", "about": "PRIVACY" });
    assert_eq!(
        user_errors(&act(&globex, "updateComplaint", "", update.clone()).await),
        ["NOT_FOUND"]
    );
    let changed = act(&agent, "updateComplaint", SEEN, update).await["complaint"].clone();
    assert_eq!(
        (&changed["status"], &changed["about"]),
        (&json!("IN_PROGRESS"), &json!("PRIVACY"))
    );
    let resolved = json!({ "complaintId": filed["id"], "status": "RESOLVED" });
    assert_eq!(
        user_errors(&act(&agent, "updateComplaint", "", resolved).await),
        ["INVALID_INPUT"]
    );

    app.advance(TimeDelta::days(16)).await;
    app.run_jobs().await;
    assert_eq!(app.audited("complaint.due_told").await, 2);
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let list = compliance
        .gql(
            "query($n: DateTime) { complaints(first: 5, filter: { about: [PRIVACY], dueBefore: $n }) { edges { node { id isOverdue } } } }",
            json!({ "n": app.app.clock.now().to_rfc3339() }),
        )
        .await;
    assert_eq!(
        data(&list)["complaints"]["edges"],
        json!([{ "node": { "id": filed["id"], "isOverdue": true } }])
    );
    let end = json!({ "complaintId": filed["id"], "outcome": "UPHELD", "resolution": "We do not call there any more." });
    assert_eq!(
        error_code(&ask(&agent, "resolveComplaint", "", end.clone()).await),
        "FORBIDDEN"
    );
    let over = act(&compliance, "resolveComplaint", SEEN, end.clone()).await["complaint"].clone();
    assert_eq!(over["outcome"], "UPHELD", "{over}");
    assert_eq!(over["resolution"], "We do not call there any more.");
    assert_eq!(over["isOverdue"], false);
    assert_eq!(
        user_errors(&act(&compliance, "resolveComplaint", "", end).await),
        ["CONFLICT"]
    );
    app.finish().await;
}
