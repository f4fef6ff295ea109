//! The answers of the reassigned numbers database.

use chrono::TimeDelta;
use funnelchat::platform::ids;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::number_lists::{lists, today};
use crate::{
    account_work::{MARIA, account, act, ask, holds::gate},
    support::{Client, TestApp, error_code, uploads::upload, user_errors},
};

async fn import(app: &TestApp, client: &Client, content: &str, more: Value) -> Value {
    let file = upload(client, "REASSIGNED_NUMBERS", "answers.csv", content.as_bytes()).await;
    let mut input = json!({ "uploadId": file });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    let begun = act(client, "importReassignedNumbers", "import { id status }", input).await;
    assert_eq!(user_errors(&begun), Vec::<&str>::new(), "{begun}");
    assert_eq!(begun["import"]["status"], "WAITING");
    app.run_jobs().await;
    lists(client).await["reassignedNumbers"]["imports"][0].clone()
}

#[tokio::test]
async fn the_reassigned_numbers_database_has_the_last_word_on_who_holds_a_number() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (maria, number) = (
        app.account_id(&app.acme, MARIA).await,
        app.acme.debtor_number(MARIA),
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let day = today(&app);
    let content = format!("number,date,status\n{number},2020-01-01,YES\n+13125550001,2020-01-01,no data\n");
    let done = import(&app, &compliance, &content, json!({ "queriedOn": day })).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    assert_eq!(
        (
            &done["rowsRead"],
            &done["reassigned"],
            &done["notReassigned"],
            &done["noData"]
        ),
        (&json!(2), &json!(1), &json!(0), &json!(1))
    );
    assert_eq!(done["queriedLast"], json!(day.to_string()));
    assert!(done["createdBy"]["id"].is_string() && done["endedAt"].is_string());
    assert_eq!(
        gate(&compliance, &maria).await,
        ("DENY".to_owned(), "tcpa-reassigned-number".to_owned())
    );
    // The other business has asked nothing, and is told nothing.
    let globex = app.globex.sign_in("compliance").await;
    assert_eq!(lists(&globex).await["reassignedNumbers"]["imports"], json!([]));

    // Whoever holds the number now says that they want to be written to: newer than the answer.
    app.advance(TimeDelta::days(2)).await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let known = account(
        &agent,
        &maria,
        "consents(first: 1) { edges { node { contactPointId } } }",
    )
    .await;
    let point = known["consents"]["edges"][0]["node"]["contactPointId"].clone();
    let given = act(
        &agent,
        "recordConsent",
        "consent { id }",
        json!({ "contactPointId": point, "channel": "SMS", "source": "WEB_FORM", "text": "Yes, you may." }),
    )
    .await;
    assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");

    // After sixty days the consent alone does not do; a fresh answer makes up for it.
    app.advance(TimeDelta::days(61)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &maria).await.1, "reg-f-text-procedures");
    let day = today(&app);
    let too_late = format!("number,date,status\n{number},{day},no\n");
    import(&app, &compliance, &too_late, json!({ "queriedOn": day })).await;
    assert_eq!(
        gate(&compliance, &maria).await.1,
        "reg-f-text-procedures",
        "asked about a date after the consent, the answer proves nothing"
    );
    let fresh = format!("tn,status\n\"{number}\",no\n");
    let done = import(
        &app,
        &compliance,
        &fresh,
        json!({ "queriedOn": day, "askedSince": "2020-01-01" }),
    )
    .await;
    assert_eq!(done["notReassigned"], 1, "{done}");
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let seen = lists(&compliance).await["reassignedNumbers"].clone();
    assert_eq!(
        (&seen["isStale"], &seen["maxAgeDays"]),
        (&json!(false), &json!(60))
    );
    app.advance(TimeDelta::days(61)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(lists(&compliance).await["reassignedNumbers"]["isStale"], true);
    assert_eq!(app.audited("reassigned_import.completed").await, 3);
    let kept: i64 = app
        .superuser()
        .await
        .fetch_one(
            "SELECT count(*) FROM files WHERE purpose = 'REASSIGNED_NUMBERS' AND wrapped_key IS NOT NULL",
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, 0, "the files are not kept");
    app.finish().await;
}

#[tokio::test]
async fn whoever_has_the_number_now_brings_nothing_back_with_a_keyword() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (maria, number) = (
        app.account_id(&app.acme, MARIA).await,
        app.acme.debtor_number(MARIA),
    );
    let content = format!("number,date,status\n{number},2020-01-01,YES\n");
    import(&app, &compliance, &content, json!({ "queriedOn": today(&app) })).await;
    let changed_hands = ("DENY".to_owned(), "tcpa-reassigned-number".to_owned());
    assert_eq!(gate(&compliance, &maria).await, changed_hands);
    app.advance(TimeDelta::days(2)).await;
    for word in ["STOP", "START"] {
        app.text(&app.acme, &number, word).await;
    }
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &maria).await, changed_hands);
    app.finish().await;
}

#[tokio::test]
async fn a_file_of_answers_that_is_not_in_order_counts_not_at_all() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let number = app.acme.debtor_number(MARIA);
    let day = today(&app);
    let long = "9".repeat(400_000);
    for (content, told) in [
        (
            format!("number,status\n{number},yes\nnobody,yes\n{number},perhaps\n"),
            "line 3 has no telephone number",
        ),
        (format!("number,status\n{number},no\n"), "without the date"),
        (
            format!("number,status\n{number},yes\n{long},no\n"),
            "line 3 is longer",
        ),
        (format!("name,status\n{number},yes\n"), "`number`"),
        ("number,status\n".to_owned(), "no line under"),
        (
            format!("number,status,queried_on\n{number},yes,2031-01-01\n"),
            "past date of the query",
        ),
    ] {
        let failed = import(&app, &compliance, &content, json!({ "queriedOn": day })).await;
        assert_eq!(failed["status"], "FAILED", "{failed}");
        let failure = failed["failure"].as_str().unwrap();
        assert!(failure.contains(told), "{told}: {failure}");
        assert!(
            !failure.contains(&number[2..]),
            "no number is repeated: {failure}"
        );
    }
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let rows: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM reassigned_checks")
        .await
        .unwrap()
        .get(0);
    assert_eq!(rows, 0);
    let ahead = json!({ "uploadId": ids::encode(ids::IdKind::File, ids::next()), "queriedOn": day + TimeDelta::days(1) });
    assert_eq!(
        user_errors(&act(&compliance, "importReassignedNumbers", "", ahead).await),
        ["INVALID_INPUT"]
    );
    let nobodys = json!({ "uploadId": ids::encode(ids::IdKind::File, ids::next()) });
    assert_eq!(
        user_errors(&act(&compliance, "importReassignedNumbers", "", nobodys.clone()).await),
        ["NOT_FOUND"]
    );
    let agent = app.acme.agent().await;
    assert_eq!(
        error_code(&ask(&agent, "importReassignedNumbers", "", nobodys).await),
        "FORBIDDEN"
    );
    // Ten thousand answers, of which one in ten is a yes.
    let many: String = (0..10_000)
        .map(|nth| {
            let status = if nth % 10 == 0 { "yes" } else { "no" };
            format!("312{:07},2026-01-01,{status}\n", 5_550_000 + nth)
        })
        .collect();
    let done = import(
        &app,
        &compliance,
        &format!("number,asked_since,status\n{many}"),
        json!({ "queriedOn": day }),
    )
    .await;
    assert_eq!(
        (&done["status"], &done["reassigned"], &done["notReassigned"]),
        (&json!("COMPLETED"), &json!(1_000), &json!(9_000))
    );
    app.finish().await;
}

#[tokio::test]
async fn that_a_number_changed_hands_stays_true_when_another_date_is_asked_about() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (maria, number) = (
        app.account_id(&app.acme, MARIA).await,
        app.acme.debtor_number(MARIA),
    );
    let denied = ("DENY".to_owned(), "tcpa-reassigned-number".to_owned());
    let day = today(&app);
    let yes = format!("number,asked_since,status\n{number},2020-01-01,yes\n");
    import(&app, &compliance, &yes, json!({ "queriedOn": day })).await;
    assert_eq!(gate(&compliance, &maria).await, denied);
    app.advance(TimeDelta::days(5)).await;
    let compliance = app.acme.sign_in("compliance").await;
    let day = today(&app);
    for status in ["no", "no data"] {
        let later = format!("number,asked_since,status\n{number},{day},{status}\n");
        let done = import(&app, &compliance, &later, json!({ "queriedOn": day })).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
        assert_eq!(gate(&compliance, &maria).await, denied, "{status}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_import_that_cannot_end_by_itself_is_ended_and_makes_room() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let day = today(&app);
    let content = "number,asked_since,status\n+13125550001,2020-01-01,no\n";
    // What the database refuses is not tried again.
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "CREATE FUNCTION app.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER die BEFORE INSERT ON reassigned_checks FOR EACH ROW EXECUTE FUNCTION app.die()",
        )
        .await
        .unwrap();
    let failed = import(&app, &compliance, content, json!({ "queriedOn": day })).await;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    superuser
        .execute(
            "DROP TRIGGER die ON reassigned_checks; DROP FUNCTION app.die();
             DELETE FROM queue.failed_jobs WHERE name = 'compliance.load_reassigned'",
        )
        .await
        .unwrap();
    app.log().taken();

    // Their jobs are gone, as after the last try.
    let begin = async |client: &Client| {
        let file = upload(client, "REASSIGNED_NUMBERS", "answers.csv", content.as_bytes()).await;
        let input = json!({ "uploadId": file, "queriedOn": day });
        act(client, "importReassignedNumbers", "import { id }", input).await
    };
    for _ in 0..5 {
        assert_eq!(user_errors(&begin(&compliance).await), Vec::<&str>::new());
    }
    superuser
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
    assert_eq!(user_errors(&begin(&compliance).await), ["QUOTA_EXCEEDED"]);
    app.advance(TimeDelta::hours(23)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(
        user_errors(&begin(&compliance).await),
        ["QUOTA_EXCEEDED"],
        "their job may run still"
    );
    app.advance(TimeDelta::hours(2)).await;
    let compliance = app.acme.sign_in("compliance").await;
    for import in lists(&compliance).await["reassignedNumbers"]["imports"]
        .as_array()
        .unwrap()
    {
        assert_eq!(import["status"], "FAILED", "{import}");
        assert!(import["failure"].as_str().unwrap().contains("upload it again"));
    }
    let done = import(&app, &compliance, content, json!({ "queriedOn": day })).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    let kept: i64 = superuser
        .fetch_one(
            "SELECT count(*) FROM files f JOIN reassigned_imports i ON i.file_id = f.id WHERE f.wrapped_key IS NOT NULL",
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, 0, "the files are not kept");
    assert_eq!(app.log().taken().len(), 1, "it alerts");
    app.stop().await;
}
