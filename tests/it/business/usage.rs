//! How much businesses use, for the platform's staff: exact, also far beyond ten thousand, and counted once.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::{
    account_work::{create, new_account},
    support::{
        Client, TestApp, data,
        uploads::{pdf, upload},
    },
};

async fn usage(client: &Client, slug: &str) -> Value {
    let answer = client
        .gql(
            "{ businesses(first: 10) { edges { node { slug usage { users accounts messagesThisMonth importsThisMonth
               importedRowsThisMonth storageMebibytes storageCountedAt } } } } }",
            json!({}),
        )
        .await;
    let edges = data(&answer)["businesses"]["edges"].as_array().unwrap();
    let found = edges.iter().find(|edge| edge["node"]["slug"] == slug);
    found.expect("the business")["node"]["usage"].clone()
}

#[tokio::test]
async fn what_a_business_uses_is_counted_exactly() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (panel, mut superuser) = (app.super_admin().await, app.superuser().await);
    let business = app.business_id(&app.acme).await;
    let before = usage(&panel, "acme").await;
    assert_eq!(before["accounts"], 25);
    assert_eq!(before["storageMebibytes"], Value::Null, "never counted yet");

    // As after years: more than ten thousand, most of them long ago.
    superuser
        .execute(AssertSqlSafe(format!(
            "SET session_replication_role = replica;
             INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, balance_minor, created_at,
                 updated_at)
             SELECT a.business_id,
                 overlay(app.uuid_v7_bound('2025-01-01Z'::timestamptz + n * interval '1 minute')::text placing '7' from 15)::uuid,
                 a.debtor_id, 'OLD-' || n, a.status, a.currency, 0, a.created_at, a.updated_at
             FROM (SELECT * FROM accounts WHERE business_id = '{business}' LIMIT 1) a, generate_series(1, 10050) n;
             SET session_replication_role = origin"
        )))
        .await
        .unwrap();
    upload(&admin, "DOCUMENT", "Letter.pdf", &pdf(1_200_000)).await;
    assert_eq!(
        usage(&panel, "acme").await["accounts"],
        10_075,
        "with nothing counted"
    );
    app.advance(TimeDelta::zero()).await;
    let counted = usage(&panel, "acme").await;
    assert_eq!(counted["accounts"], 10_075);
    assert_eq!(counted["storageMebibytes"], 2, "rounded up");
    assert!(counted["storageCountedAt"].is_string());
    let kept: i64 = superuser
        .fetch_one(AssertSqlSafe(format!(
            "SELECT accounts FROM business_counts WHERE business_id = '{business}'"
        )))
        .await
        .unwrap()
        .get(0);
    assert!(kept >= 10_050, "{kept}");

    // What comes later is counted at once, and kept once it is a day old; messages of the month alone.
    create(&admin, new_account("Z-1")).await;
    app.text(&app.acme, &app.acme.debtor_number(0), "Hello?").await;
    app.run_jobs().await;
    let seen = usage(&panel, "acme").await;
    assert_eq!(
        (&seen["accounts"], &seen["messagesThisMonth"]),
        (&json!(10_076), &json!(1))
    );
    for days in [2, 1] {
        app.advance(TimeDelta::days(days)).await;
        let panel = app.super_admin().await;
        let seen = usage(&panel, "acme").await;
        assert_eq!(
            (&seen["accounts"], &seen["messagesThisMonth"]),
            (&json!(10_076), &json!(1))
        );
    }
    // What one business has is none of another's.
    let panel = app.super_admin().await;
    assert_eq!(usage(&panel, "globex").await["accounts"], 25);
    app.finish().await;
}
