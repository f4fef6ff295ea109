//! A business asks for its own trail as a file: whole, verified without us, and nobody else's.

use chrono::TimeDelta;
use funnelchat::{audit::verify_bundle, platform::db::AuditEntry, platform::ids};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, TestApp, data, error_code, recipes::stay_of_platform, user_errors};

const BUNDLE: &str = "id status rows totalRows lastPosition headHash checkpoints size downloadUrl expiresAt requestedBy { id }";

async fn ask(client: &Client) -> Value {
    let document = format!(
        "mutation {{ requestAuditBundle {{ bundle {{ {BUNDLE} }} userErrors {{ code message }} }} }}"
    );
    client.gql(&document, json!({})).await
}

async fn bundle(client: &Client, id: &Value) -> Value {
    let document = format!("query($id: ID!) {{ auditBundle(id: $id) {{ {BUNDLE} }} }}");
    client.gql(&document, json!({ "id": id })).await
}

/// More rows of the trail, in one transaction.
async fn acts(app: &TestApp, count: u32) {
    let ctx = app.service_ctx(&app.acme).await;
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    for nth in 0..count {
        tx.audit(AuditEntry::plain(
            "test.acted",
            ids::next(),
            &json!({ "nth": nth }),
        ));
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_bundle_is_the_whole_trail_and_verifies_from_the_file_and_the_key_alone() {
    let app = TestApp::start().await;
    acts(&app, 2_500).await;
    app.advance(TimeDelta::hours(1)).await;
    let officer = app.acme.sign_in("compliance").await;
    let asked = data(&ask(&officer).await)["requestAuditBundle"].clone();
    assert_eq!(user_errors(&asked), Vec::<&str>::new());
    let id = &asked["bundle"]["id"];
    assert_eq!(asked["bundle"]["status"], "QUEUED");
    assert!(asked["bundle"]["totalRows"].as_i64().unwrap() > 2_500, "{asked}");
    assert!(asked["bundle"]["downloadUrl"].is_null() && asked["bundle"]["headHash"].is_null());
    app.run_jobs().await;
    let ready = data(&bundle(&officer, id).await)["auditBundle"].clone();
    assert_eq!(ready["status"], "READY", "{ready}");
    assert!(ready["requestedBy"]["id"].is_string());

    let url = ready["downloadUrl"].as_str().unwrap();
    let answer = officer.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let file = answer.bytes().await.unwrap().to_vec();
    assert_eq!(ready["size"], file.len());
    let keys = app.app.checkpoints.signer.public().clone();
    let found = verify_bundle(file.as_slice(), Some(&keys), |_| {}).unwrap();
    assert_eq!(ready["lastPosition"], found.rows);
    assert_eq!(
        (&ready["rows"], &ready["totalRows"]),
        (&ready["lastPosition"], &ready["lastPosition"])
    );
    assert_eq!((ready["checkpoints"].as_i64(), found.checkpoints), (Some(1), 1));
    let trail = officer
        .gql(
            "query { auditEvents(first: 5, filter: { actionPrefix: \"audit_bundle.\" }) { edges { node { action position } } } }",
            json!({}),
        )
        .await;
    let edges = data(&trail)["auditEvents"]["edges"].as_array().unwrap().clone();
    let actions: Vec<&str> = edges
        .iter()
        .map(|edge| edge["node"]["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["audit_bundle.finished", "audit_bundle.requested"]);
    let head: String = app
        .superuser()
        .await
        .fetch_one(
            sqlx::query(
                "SELECT encode(hash, 'hex') FROM audit_events WHERE position = $1 AND business_id = $2",
            )
            .bind(found.rows)
            .bind(app.business_id(&app.acme).await),
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(ready["headHash"], head);

    // One byte of what the rows, the checkpoint and the end say (the first line names keys, of which the reader knows better);
    // and a row less.
    let first = file.iter().position(|byte| *byte == b'\n').unwrap();
    let digits: Vec<usize> = (first..file.len())
        .filter(|at| file[*at].is_ascii_digit())
        .collect();
    for at in digits.iter().step_by(digits.len() / 97) {
        let mut changed = file.clone();
        changed[*at] ^= 1;
        assert!(
            verify_bundle(changed.as_slice(), Some(&keys), |_| {}).is_err(),
            "byte {at}"
        );
    }
    let text = String::from_utf8(file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(lines.len() / 2);
    assert!(verify_bundle(lines.join("\n").as_bytes(), Some(&keys), |_| {}).is_err());

    // Whoever may read the trail may read it here; that it left is on record; a link is short, a file is not kept for long.
    let admin = app.acme.sign_in("admin").await;
    let listed = admin
        .gql(
            "{ auditBundles(first: 5) { edges { node { id status } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&listed)["auditBundles"]["edges"],
        json!([{ "node": { "id": id, "status": "READY" } }])
    );
    let downloads = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM access_log WHERE operation = 'file.download'")
        .await
        .unwrap();
    assert_eq!(downloads.get::<i64, _>(0), 1);
    app.wall.advance(TimeDelta::minutes(6));
    let late = officer.http().get(url).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::GONE);
    app.advance(TimeDelta::days(3)).await;
    let officer = app.acme.sign_in("compliance").await;
    let gone = data(&bundle(&officer, id).await)["auditBundle"].clone();
    assert_eq!(
        (&gone["status"], &gone["downloadUrl"]),
        (&json!("EXPIRED"), &Value::Null)
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn only_who_may_read_the_trail_sees_a_bundle_and_no_other_business_does() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    for client in [&agent, &app.acme.sign_in("manager").await] {
        assert_eq!(error_code(&ask(client).await), "FORBIDDEN");
        let list = client
            .gql("{ auditBundles(first: 1) { edges { node { id } } } }", json!({}))
            .await;
        assert_eq!(error_code(&list), "FORBIDDEN");
    }
    let id = data(&ask(&admin).await)["requestAuditBundle"]["bundle"]["id"].clone();
    for _ in 0..2 {
        assert_eq!(
            user_errors(&data(&ask(&admin).await)["requestAuditBundle"]),
            Vec::<&str>::new()
        );
    }
    assert_eq!(
        user_errors(&data(&ask(&admin).await)["requestAuditBundle"]),
        ["QUOTA_EXCEEDED"]
    );
    app.run_jobs().await;

    let foreign = app.globex.sign_in("admin").await;
    assert_eq!(error_code(&bundle(&foreign, &id).await), "NOT_FOUND");
    let list = foreign
        .gql("{ auditBundles(first: 5) { edges { node { id } } } }", json!({}))
        .await;
    assert_eq!(data(&list)["auditBundles"]["edges"], json!([]));

    // The platform's staff, inside by break-glass, reads and does not ask.
    let business = data(&admin.gql("{ viewer { business { id } } }", json!({})).await)["viewer"]["business"]
        ["id"]
        .clone();
    let (_, visitor) = stay_of_platform(&app, &business, "A case about the trail").await;
    assert_eq!(error_code(&ask(&visitor).await), "FORBIDDEN");
    let seen = data(&bundle(&visitor, &id).await)["auditBundle"].clone();
    let answer = visitor
        .http()
        .get(seen["downloadUrl"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn a_trail_that_was_meddled_with_is_never_bundled() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    acts(&app, 20).await;
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "SET session_replication_role = replica;
             UPDATE audit_events SET action = 'test.meddled' WHERE action = 'test.acted' AND position =
                 (SELECT max(position) FROM audit_events WHERE action = 'test.acted')",
        )
        .await
        .unwrap();
    let id = data(&ask(&admin).await)["requestAuditBundle"]["bundle"]["id"].clone();
    app.run_jobs().await;
    let failed = data(&bundle(&admin, &id).await)["auditBundle"].clone();
    assert_eq!(
        (&failed["status"], &failed["downloadUrl"]),
        (&json!("FAILED"), &Value::Null)
    );
    let alerts = superuser
        .fetch_one("SELECT count(*) FROM queue.failed_jobs WHERE error LIKE '%not whole%'")
        .await
        .unwrap();
    assert_eq!(alerts.get::<i64, _>(0), 1);
    app.stop().await;
}
