//! A text says when its writer does not want to be contacted: nothing leaves then, from the transaction on that stores the text.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::intake::hand_in;
use crate::{
    account_work::{account, act, holds::gate},
    support::{Client, TestApp, send, user_errors},
};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

async fn times(app: &TestApp, client: &Client, nth: usize) -> Vec<Value> {
    let account_id = app.account_id(&app.acme, nth).await;
    let fields = "debtor { inconvenientTimes { id days from to channels statement recordedBy { id } } }";
    let found = account(client, &account_id, fields).await;
    found["debtor"]["inconvenientTimes"].as_array().unwrap().clone()
}

/// On which days, from when and up to when; in no order of theirs.
fn windows(times: &[Value]) -> Vec<(Value, Value, Value)> {
    let mut found: Vec<(Value, Value, Value)> = times
        .iter()
        .map(|time| (time["days"].clone(), time["from"].clone(), time["to"].clone()))
        .collect();
    found.sort_by_key(|(days, ..)| days.to_string().len());
    found
}

#[tokio::test]
async fn a_time_that_a_text_calls_inconvenient_binds_at_once_until_staff_take_it_back() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let waiting = send(&agent, &thread, "Does Friday suit you?").await;
    let words = "Please only text me after 6 pm, and not on Sundays";

    // The webhook alone, before any job runs.
    hand_in(&app, &app.acme, &phone, words).await;
    let stand = times(&app, &compliance, JAMES).await;
    assert_eq!(
        windows(&stand),
        [
            (Value::Null, json!("00:00"), json!("18:00")),
            (json!(["SUNDAY"]), json!("00:00"), json!("24:00")),
        ]
    );
    for time in &stand {
        assert_eq!(time["statement"], words);
        assert_eq!(time["channels"], Value::Null, "by whatever medium");
        assert_eq!(time["recordedBy"], Value::Null);
    }
    app.run_jobs().await;
    assert_eq!(app.status(&waiting).await, "QUEUED", "it waits for the evening");
    assert_eq!(app.received_by(&phone).len(), 0);
    let told = "SELECT count(*), count(DISTINCT i.message_id) FROM live_events e
                JOIN inconvenient_times i ON i.message_id = e.message_id WHERE e.kind = 'HOLDS_STATED'";
    let told = app.superuser().await.fetch_one(told).await.unwrap();
    assert_eq!(
        (told.get::<i64, _>(0), told.get::<i64, _>(1)),
        (2, 1),
        "the inbox hears of it"
    );

    // Said again it is no second record.
    app.text(&app.acme, &phone, "only after 6 pm").await;
    assert_eq!(times(&app, &compliance, JAMES).await.len(), 2);
    assert_eq!(app.audited("inconvenient_time.recorded").await, 2);

    for time in &stand {
        let gone = act(
            &compliance,
            "withdrawInconvenientTime",
            "inconvenientTime { withdrawnAt }",
            json!({ "id": time["id"] }),
        )
        .await;
        assert_eq!(user_errors(&gone), Vec::<&str>::new(), "{gone}");
    }
    assert!(times(&app, &compliance, JAMES).await.is_empty());
    let account_id = app.account_id(&app.acme, JAMES).await;
    assert_eq!(gate(&compliance, &account_id).await.0, "ALLOW");
    app.advance(TimeDelta::hours(6) + TimeDelta::minutes(1)).await;
    app.run_jobs().await;
    assert_eq!(app.status(&waiting).await, "DELIVERED");
    app.finish().await;
}

#[tokio::test]
async fn ordinary_talk_of_hours_binds_nobody_and_days_bind_in_spanish_too() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let before = times(&app, &compliance, JAMES).await.len();
    for text in [
        "I get paid after 6 pm on Fridays",
        "me pagan después de las 6",
        "Don't text me before noon today",
    ] {
        app.text(&app.acme, &app.acme.debtor_number(JAMES), text).await;
    }
    assert_eq!(times(&app, &compliance, JAMES).await.len(), before);
    app.text(
        &app.acme,
        &app.acme.debtor_number(JAMES),
        "Por favor no me escriban los domingos ni antes de las 9",
    )
    .await;
    let stand = times(&app, &compliance, JAMES).await;
    assert_eq!(
        windows(&stand),
        [
            (Value::Null, json!("00:00"), json!("09:00")),
            (json!(["SUNDAY"]), json!("00:00"), json!("24:00")),
        ]
    );
    app.finish().await;
}
