//! The end of what is kept.

use chrono::TimeDelta;
use funnelchat::compliance::privacy::{Retention, old_access_logs};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use super::{Person, acts, erase, hold, in_clear, keys_of};
use crate::support::{Client, TestApp, data, user_errors};

const YEAR: TimeDelta = TimeDelta::days(366);

async fn close(client: &Client, person: &Person) {
    let closed = client
        .gql(
            "mutation($a: ID!) { updateAccount(input: { id: $a, status: CLOSED }) { userErrors { message } } }",
            json!({ "a": person.account }),
        )
        .await;
    assert_eq!(user_errors(&data(&closed)["updateAccount"]), Vec::<&str>::new());
}

/// Everything that is stored, table by table.
async fn everything(superuser: &mut PgConnection) -> Vec<String> {
    let mut prints = Vec::new();
    for table in super::tables(superuser).await {
        let print: String = superuser
            .fetch_one(AssertSqlSafe(format!(
                "SELECT md5(coalesce(string_agg(t::text, '/' ORDER BY t::text), '')) FROM {table} t"
            )))
            .await
            .unwrap()
            .get(0);
        prints.push(format!("{table} {print}"));
    }
    prints
}

#[tokio::test]
async fn records_go_when_their_time_is_over_and_nobody_holds_them() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let paid = Person::make(&app, &admin, "Paidup", 241).await;
    let held = Person::make(&app, &admin, "Heldback", 242).await;
    let owing = Person::make(&app, &admin, "Owing", 243).await;
    let erased = Person::make(&app, &admin, "Forgotten", 244).await;
    for person in [&paid, &held] {
        close(&admin, person).await;
    }
    hold(&admin, &held.debtor, "LEGAL").await;
    assert_eq!(
        user_errors(&erase(&admin, &erased.debtor).await),
        Vec::<&str>::new()
    );
    app.run_jobs().await;
    let mut superuser = app.superuser().await;
    let retention = Retention {
        identity: app.app.identity.clone(),
    };
    let ctx = app.service_ctx(&app.acme).await;

    // On the last day of the seven years nothing is due yet.
    app.wall.advance(
        "2033-06-10T12:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
            - app.app.clock.now(),
    );
    let report = retention.of_business(&ctx, false).await.unwrap();
    assert_eq!(
        (report.due, report.on_legal_hold, report.still_open),
        (0, 0, 0),
        "{report:?}"
    );

    app.wall.advance(TimeDelta::days(1));
    let before = everything(&mut superuser).await;
    let report = retention.of_business(&ctx, false).await.unwrap();
    assert_eq!((report.due, report.on_legal_hold), (2, 1), "{report:?}");
    assert!(report.still_open >= 1, "{report:?}");
    assert_eq!(report.oldest.unwrap().to_string(), "2026-06-10");
    assert_eq!(
        old_access_logs(&app.app.db, false).await.unwrap(),
        Vec::<String>::new()
    );
    assert_eq!(
        everything(&mut superuser).await,
        before,
        "a dry run changes nothing"
    );

    // A longer term of the business's own.
    let admin = app.acme.sign_in("admin").await;
    let set = async |years: i32| {
        let answer = admin
            .gql(
                "mutation($y: Int!) { setRecordRetention(input: { years: $y }) { retention { years } userErrors { code } } }",
                json!({ "y": years }),
            )
            .await;
        data(&answer)["setRecordRetention"].clone()
    };
    assert_eq!(user_errors(&set(6).await), ["INVALID_INPUT"], "never shorter");
    assert_eq!(set(9).await["retention"]["years"], 9);
    assert_eq!(retention.of_business(&ctx, true).await.unwrap().due, 0);
    assert_eq!(keys_of(&mut superuser, paid.uuid()).await, ["PROFILE", "RECORD"]);
    assert_eq!(set(7).await["retention"]["years"], 7);

    // What the worker does at night.
    retention.begin().await.unwrap();
    app.run_jobs().await;
    assert_eq!(keys_of(&mut superuser, paid.uuid()).await, Vec::<String>::new());
    assert_eq!(keys_of(&mut superuser, erased.uuid()).await, Vec::<String>::new());
    assert_eq!(keys_of(&mut superuser, held.uuid()).await, ["PROFILE", "RECORD"]);
    assert_eq!(keys_of(&mut superuser, owing.uuid()).await, ["PROFILE", "RECORD"]);
    assert_eq!(
        acts(&mut superuser, "debtor.records_destroyed", paid.uuid()).await,
        1
    );
    assert_eq!(
        acts(&mut superuser, "debtor.records_destroyed", held.uuid()).await,
        0
    );
    assert_eq!(
        in_clear(&mut superuser, &paid.profile()).await,
        Vec::<String>::new()
    );
    let read = admin
        .gql(
            "query($c: ID!) { conversation(id: $c) { messages(last: 5) { edges { node { content } } } } }",
            json!({ "c": paid.thread }),
        )
        .await;
    for edge in data(&read)["conversation"]["messages"]["edges"]
        .as_array()
        .unwrap()
    {
        assert_eq!(edge["node"]["content"], serde_json::Value::Null, "{read}");
    }
    assert_eq!(retention.of_business(&ctx, true).await.unwrap().due, 0, "once");
    app.finish().await;
}

#[tokio::test]
async fn years_of_the_access_log_go_seven_years_after_their_last_read() {
    let app = TestApp::start().await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("CALL app.ensure_partitions(2020)")
        .await
        .unwrap();
    let owned = "SELECT count(*) FROM pg_class WHERE relname = 'access_log_2020'";
    superuser
        .execute("ALTER TABLE access_log_2020 OWNER TO funnelchat_owner")
        .await
        .unwrap();
    assert_eq!(
        old_access_logs(&app.app.db, true).await.unwrap(),
        Vec::<String>::new()
    );
    app.wall.advance(YEAR + YEAR);
    assert_eq!(
        old_access_logs(&app.app.db, false).await.unwrap(),
        ["access_log_2020"]
    );
    let there: i64 = superuser.fetch_one(owned).await.unwrap().get(0);
    assert_eq!(there, 1, "named, not dropped");
    assert_eq!(
        old_access_logs(&app.app.db, true).await.unwrap(),
        ["access_log_2020"]
    );
    let there: i64 = superuser.fetch_one(owned).await.unwrap().get(0);
    assert_eq!(there, 0);
    app.finish().await;
}

#[tokio::test]
async fn records_stay_while_a_complaint_or_a_request_waits_and_their_time_runs_from_it() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let complaining = Person::make(&app, &admin, "Complaining", 245).await;
    let asking = Person::make(&app, &admin, "Asking", 246).await;
    let quiet = Person::make(&app, &admin, "Quiet", 247).await;
    for person in [&complaining, &asking, &quiet] {
        close(&admin, person).await;
    }
    let filed = admin
        .gql(
            "mutation($d: ID!) { fileComplaint(input: { debtorId: $d, about: CONDUCT, channel: LETTER, words: \"They are rude.\" }) {
               userErrors { code } } }",
            json!({ "d": complaining.debtor }),
        )
        .await;
    assert_eq!(user_errors(&data(&filed)["fileComplaint"]), Vec::<&str>::new());
    app.advance(TimeDelta::days(100)).await;
    let admin = app.acme.sign_in("admin").await;
    let asked = admin
        .gql(
            "mutation($d: ID!) { recordPrivacyRequest(input: { debtorId: $d, kind: RECTIFICATION, regime: CCPA,
               reason: \"My street is misspelt.\" }) { request { id } userErrors { code } } }",
            json!({ "d": asking.debtor }),
        )
        .await;
    let request = data(&asked)["recordPrivacyRequest"]["request"]["id"].clone();
    let answered = admin
        .gql(
            "mutation($id: ID!) { closePrivacyRequest(input: { id: $id, outcome: COMPLETED, answer: \"It is put right.\" }) {
               userErrors { code } } }",
            json!({ "id": request }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&answered)["closePrivacyRequest"]),
        Vec::<&str>::new()
    );
    let retention = Retention {
        identity: app.app.identity.clone(),
    };
    let ctx = app.service_ctx(&app.acme).await;
    let mut superuser = app.superuser().await;
    let all = ["PROFILE", "RECORD"];

    // Seven years after the last message of all three.
    app.wall.advance(TimeDelta::days(7 * 366 - 100));
    retention.of_business(&ctx, true).await.unwrap();
    assert_eq!(
        keys_of(&mut superuser, quiet.uuid()).await,
        Vec::<String>::new(),
        "nothing keeps these"
    );
    assert_eq!(keys_of(&mut superuser, complaining.uuid()).await, all, "it waits");
    assert_eq!(
        keys_of(&mut superuser, asking.uuid()).await,
        all,
        "the request is younger"
    );
    superuser
        .execute("UPDATE complaints SET status = 'RESOLVED', outcome = 'UPHELD', resolved_at = filed_at")
        .await
        .unwrap();
    app.wall.advance(TimeDelta::days(100));
    retention.of_business(&ctx, true).await.unwrap();
    for person in [&complaining, &asking] {
        assert_eq!(
            keys_of(&mut superuser, person.uuid()).await,
            Vec::<String>::new(),
            "{}",
            person.mark
        );
    }
    app.run_jobs().await;
    app.finish().await;
}
