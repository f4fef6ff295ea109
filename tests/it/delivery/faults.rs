//! The vendor misbehaves: whatever it does, a text is on the phone once or not at all, and its status tells the truth.

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    platform::ids::{self, IdKind},
    sandbox::{Fault, Provider},
};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, Options, TestApp, Webhook, data, send};
use serde_json::json;

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

pub(super) struct Story {
    pub(super) app: TestApp,
    pub(super) agent: Client,
    pub(super) thread: String,
    pub(super) phone: String,
}

impl Story {
    pub(super) async fn begin(faults: &[Fault]) -> Self {
        let app = TestApp::start_with(Options {
            settings: vec![("PROVIDER_TIMEOUT_SECONDS", "1".to_owned())],
            ..Options::default()
        })
        .await;
        for fault in faults {
            app.sandbox
                .state()
                .add_fault(Provider::Twilio, *fault, 1)
                .unwrap();
        }
        let agent = app.acme.agent().await;
        let thread = app.thread_with(&agent, &app.acme, JAMES).await;
        let phone = app.acme.debtor_number(JAMES);
        Self {
            app,
            agent,
            thread,
            phone,
        }
    }

    pub(super) async fn send(&self) -> String {
        let message = send(&self.agent, &self.thread, "A payment of $50 would do.").await;
        self.app.run_jobs().await;
        message
    }

    pub(super) async fn pass(&self, by: TimeDelta) {
        self.app.advance(by).await;
        self.app.run_jobs().await;
    }

    /// Until the reconciler takes up what is due: here delayed jobs run at once and find that it is not.
    pub(super) async fn wait_out(&self, pause: TimeDelta) {
        self.pass(pause + TimeDelta::seconds(31)).await;
    }

    pub(super) async fn states(&self, message: &str) -> Vec<String> {
        self.app
            .attempts(message)
            .await
            .into_iter()
            .map(|(state, _)| state)
            .collect()
    }

    pub(super) fn on_the_phone(&self) -> usize {
        self.app.received_by(&self.phone).len()
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_at_the_vendor_and_adopted() {
    let story = Story::begin(&[Fault::Timeout]).await;
    let app = &story.app;
    let message = story.send().await;
    assert_eq!(app.status(&message).await, "UNKNOWN");
    assert_eq!(
        app.attempts(&message).await,
        [("UNKNOWN".to_owned(), Some("TIMEOUT".to_owned()))]
    );
    assert_eq!(
        app.slots_taken().await,
        1,
        "it may have gone: the slot stays taken"
    );

    story.pass(TimeDelta::seconds(59)).await;
    assert_eq!(
        app.status(&message).await,
        "UNKNOWN",
        "it is not looked up before a minute"
    );
    story.pass(TimeDelta::seconds(2)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(story.states(&message).await, ["ACCEPTED"]);
    assert_eq!(story.on_the_phone(), 1);
    assert_eq!(app.slots_taken().await, 1);
    assert_eq!(app.audited_statuses(&message).await, ["SENT", "DELIVERED"]);
    story.app.finish().await;
}

#[tokio::test]
async fn what_the_vendor_never_had_is_sent_once_more_after_two_empty_look_ups_a_minute_apart() {
    let story = Story::begin(&[Fault::Error500]).await;
    let app = &story.app;
    let message = story.send().await;
    assert_eq!(app.status(&message).await, "UNKNOWN");
    story.pass(TimeDelta::seconds(61)).await;
    assert_eq!(
        app.status(&message).await,
        "UNKNOWN",
        "one empty look-up proves nothing"
    );
    assert_eq!(story.on_the_phone(), 0);
    story.pass(TimeDelta::seconds(61)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(story.states(&message).await, ["LOST", "ACCEPTED"]);
    assert_eq!(story.on_the_phone(), 1);
    assert_eq!(
        app.slots_taken().await,
        1,
        "the lost attempt's slot was given back, the new decision took its own"
    );
    let decisions = "SELECT decision_id FROM delivery_attempts UNION SELECT decision_id FROM messages WHERE decision_id IS NOT NULL";
    let decisions = app.superuser().await.fetch_all(decisions).await.unwrap();
    assert_eq!(
        decisions.len(),
        3,
        "queueing and each attempt have a decision of their own"
    );
    story.app.finish().await;
}

#[tokio::test]
async fn what_is_lost_twice_fails_with_a_reason() {
    let story = Story::begin(&[Fault::Error500, Fault::Error500]).await;
    let app = &story.app;
    let message = story.send().await;
    for _ in 0..4 {
        story.pass(TimeDelta::seconds(61)).await;
    }
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("FAILED", Some("LOST"))
    );
    assert!(state.failure_reason.unwrap().contains("never received"));
    assert_eq!(story.states(&message).await, ["LOST", "LOST"]);
    story.pass(TimeDelta::hours(1)).await;
    assert_eq!(
        (story.states(&message).await.len(), story.on_the_phone()),
        (2, 0),
        "nothing more is tried"
    );
    assert_eq!(app.slots_taken().await, 0);
    story.app.finish().await;
}

#[tokio::test]
async fn a_busy_vendor_is_tried_again_and_does_not_count_as_a_loss() {
    let story = Story::begin(&[Fault::RateLimit, Fault::RateLimit, Fault::Error500]).await;
    let app = &story.app;
    let message = story.send().await;
    assert_eq!(story.states(&message).await, ["REFUSED"]);
    story.wait_out(TimeDelta::seconds(5)).await;
    story.wait_out(TimeDelta::seconds(10)).await;
    assert_eq!(story.states(&message).await, ["REFUSED", "REFUSED", "UNKNOWN"]);
    story.pass(TimeDelta::seconds(61)).await;
    story.pass(TimeDelta::seconds(61)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(
        story.states(&message).await,
        ["REFUSED", "REFUSED", "LOST", "ACCEPTED"]
    );
    assert_eq!((story.on_the_phone(), app.slots_taken().await), (1, 1));
    story.app.finish().await;
}

#[tokio::test]
async fn a_vendor_that_is_away_for_hours_costs_pauses_that_grow_and_no_message() {
    let story = Story::begin(&[Fault::RateLimit; 20]).await;
    let app = &story.app;
    let message = story.send().await;
    let mut pauses = Vec::new();
    for _ in 0..19 {
        let state = app.message_state(&message).await;
        assert_eq!(state.status, "QUEUED");
        let pause = state.due.unwrap() - app.app.clock.now();
        pauses.push(pause.num_seconds());
        story.wait_out(pause).await;
    }
    assert_eq!(pauses[..8], [5, 10, 20, 40, 80, 160, 320, 640]);
    assert!(pauses[8..].iter().all(|pause| *pause == 900), "{pauses:?}");
    assert_eq!(story.states(&message).await.len(), 20, "all in three hours");

    story.pass(TimeDelta::minutes(16)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!((story.on_the_phone(), app.slots_taken().await), (1, 1));
    story.app.finish().await;
}

#[tokio::test]
async fn a_vendor_that_asks_for_an_hour_gets_it_whatever_the_reconciler_finds() {
    let story = Story::begin(&[Fault::RateLimitHour]).await;
    let app = &story.app;
    let message = story.send().await;
    for _ in 0..3 {
        story.pass(TimeDelta::minutes(19)).await;
        assert_eq!(
            story.states(&message).await,
            ["REFUSED"],
            "nothing before the hour is over"
        );
    }
    story.pass(TimeDelta::minutes(4)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    story.app.finish().await;
}

#[tokio::test]
async fn a_message_that_no_vendor_takes_for_long_gives_up_and_says_why() {
    let app = TestApp::start_with(Options {
        settings: vec![("DELIVERY_GIVE_UP_HOURS", "2".to_owned())],
        ..Options::default()
    })
    .await;
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::RateLimit, 40)
        .unwrap();
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "A payment of $50 would do.").await;
    app.run_jobs().await;
    for _ in 0..7 {
        app.advance(TimeDelta::minutes(16)).await;
        app.run_jobs().await;
        assert_eq!(app.status(&message).await, "QUEUED");
    }
    app.advance(TimeDelta::minutes(16)).await;
    app.run_jobs().await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("FAILED", Some("BUSY"))
    );
    assert!(state.failure_reason.unwrap().contains("within 2 hours"));
    assert_eq!(app.slots_taken().await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_report_on_what_was_presumed_lost_takes_the_presumption_back() {
    let story = Story::begin(&[Fault::Error500, Fault::Error500]).await;
    let app = &story.app;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE accounts SET initial_communication_on = NULL")
        .await
        .unwrap();
    let message = story.send().await;
    for _ in 0..4 {
        story.pass(TimeDelta::seconds(61)).await;
    }
    assert_eq!(app.status(&message).await, "FAILED");
    assert_eq!(app.slots_taken().await, 0);

    // The vendor had it all the while.
    let first = "SELECT id FROM delivery_attempts WHERE number = 1";
    let first: uuid::Uuid = superuser.fetch_one(first).await.unwrap().get(0);
    let sid = "SM0123456789abcdef0123456789abcdef";
    let path = format!(
        "/webhooks/twilio/status?attempt={}",
        ids::encode(IdKind::DeliveryAttempt, first)
    );
    let report = Webhook::text(&app.acme, &story.phone, "", sid)
        .with("MessageStatus", "delivered")
        .with("To", &story.phone)
        .at(&path);
    assert_eq!(report.post(app).await.0, 204);
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code, state.failure_reason),
        ("DELIVERED", None, None)
    );
    assert_eq!(story.states(&message).await, ["ACCEPTED", "LOST"]);
    assert_eq!(app.slots_taken().await, 1, "the person was contacted once");
    let known = superuser
        .fetch_one(
            "SELECT (SELECT provider_message_id FROM messages WHERE direction = 'OUTBOUND'),
                    (SELECT count(*) FROM accounts WHERE initial_communication_on IS NOT NULL)",
        )
        .await
        .unwrap();
    assert_eq!(known.get::<Option<String>, _>(0).as_deref(), Some(sid));
    assert_eq!(known.get::<i64, _>(1), 1);
    story.pass(TimeDelta::hours(1)).await;
    assert_eq!(story.on_the_phone(), 0, "nothing is sent once more");
    story.app.finish().await;
}

#[tokio::test]
async fn an_attempt_that_nobody_can_be_asked_about_is_let_go_after_days_without_a_failed_job() {
    let story = Story::begin(&[Fault::Error500]).await;
    let app = &story.app;
    let message = story.send().await;
    let mut superuser = app.superuser().await;
    let gone = "DELETE FROM inbound_numbers; DELETE FROM provider_accounts";
    superuser.execute(gone).await.unwrap();
    for _ in 0..10 {
        story.pass(TimeDelta::seconds(61)).await;
    }
    let tries = "SELECT failed_lookups::bigint, lookup_due_at, (SELECT count(*) FROM queue.failed_jobs)
                 FROM delivery_attempts";
    let row = superuser.fetch_one(tries).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 4, "at 1, 2, 4 and 8 minutes");
    assert_eq!(row.get::<i64, _>(2), 0);

    story.pass(TimeDelta::days(4)).await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("UNKNOWN", Some("UNANSWERED"))
    );
    let row = superuser.fetch_one(tries).await.unwrap();
    assert_eq!(
        row.get::<Option<DateTime<Utc>>, _>(1),
        None,
        "nobody asks any more"
    );
    assert_eq!(app.slots_taken().await, 1, "it may have gone");
    assert!(
        app.log().contains("could not be found out"),
        "somebody hears of it"
    );
    story.app.stop().await;
}

#[tokio::test]
async fn callbacks_that_come_twice_or_in_the_wrong_order_never_move_a_status_back() {
    let story = Story::begin(&[Fault::DuplicateCallback, Fault::ReorderCallbacks]).await;
    let app = &story.app;
    for _ in 0..2 {
        let message = story.send().await;
        assert_eq!(app.status(&message).await, "DELIVERED");
        assert_eq!(app.audited_statuses(&message).await, ["SENT", "DELIVERED"]);
        assert_eq!(story.states(&message).await, ["ACCEPTED"]);
    }
    assert_eq!(story.on_the_phone(), 2);
    let callbacks = app.sandbox.state().deliveries();
    assert!(
        callbacks.iter().all(|callback| callback.last_status == Some(204)),
        "{callbacks:?}"
    );
    assert_eq!(
        callbacks.len(),
        6,
        "two reports, each twice; two in the wrong order"
    );
    story.app.finish().await;
}

#[tokio::test]
async fn lost_callbacks_are_made_up_for_by_asking_the_vendor() {
    let story = Story::begin(&[Fault::DropCallback]).await;
    let app = &story.app;
    let message = story.send().await;
    assert_eq!(app.status(&message).await, "SENT");
    story.pass(TimeDelta::minutes(14)).await;
    assert_eq!(app.status(&message).await, "SENT");
    story.pass(TimeDelta::minutes(2)).await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    assert_eq!(app.audited_statuses(&message).await, ["SENT", "DELIVERED"]);

    // A text whose callbacks came is not asked about.
    let asked = app.sandbox.state().requests().len();
    let agent = app.acme.agent().await;
    send(&agent, &story.thread, "Shall we say on Friday?").await;
    app.run_jobs().await;
    story.pass(TimeDelta::hours(1)).await;
    assert_eq!(
        app.sandbox.state().requests().len(),
        asked + 1,
        "only the sending itself"
    );
    story.app.finish().await;
}

#[tokio::test]
async fn the_vendor_is_asked_three_times_at_most() {
    let story = Story::begin(&[Fault::DropCallback]).await;
    let app = &story.app;
    let message = story.send().await;
    let unknown = "UPDATE delivery_attempts SET provider_message_id = 'SM00000000000000000000000000000000'";
    app.superuser().await.execute(unknown).await.unwrap();
    for _ in 0..5 {
        story.pass(TimeDelta::minutes(16)).await;
    }
    let asked = app
        .sandbox
        .state()
        .requests()
        .iter()
        .filter(|request| request.method == "GET")
        .count();
    assert_eq!(asked, 3);
    assert_eq!(
        app.status(&message).await,
        "SENT",
        "what nobody knows stays as it was last reported"
    );
    story.app.finish().await;
}

#[tokio::test]
async fn a_number_blocked_at_the_vendor_is_learnt_from_its_refusal() {
    let story = Story::begin(&[]).await;
    let app = &story.app;
    // The vendor heard STOP and we did not: the record is lost.
    app.text(&app.acme, &story.phone, "STOP").await;
    app.superuser()
        .await
        .execute("DELETE FROM suppressions")
        .await
        .unwrap();
    let message = story.send().await;
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("FAILED", Some("21610"))
    );
    assert!(state.failure_reason.unwrap().contains("opted out"));
    assert_eq!(app.slots_taken().await, 0, "nobody was contacted");

    let refused = story
        .agent
        .gql(
            crate::support::SEND,
            json!({ "c": story.thread, "text": "Once more?" }),
        )
        .await;
    let refused = &data(&refused)["sendMessage"];
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    assert_eq!(story.on_the_phone(), 0);
    // What the vendor blocks nobody here opens: only START does.
    let officer = app.acme.sign_in("compliance").await;
    let listed = officer
        .gql(
            "{ suppressionList(first: 5, filter: { reason: [VENDOR_BLOCKED] }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let id = &data(&listed)["suppressionList"]["edges"][0]["node"]["id"];
    let release = "mutation($id: ID!) { releaseSuppression(input: { id: $id, note: \"They agreed again.\" }) { userErrors { code } } }";
    let kept = officer.gql(release, json!({ "id": id })).await;
    assert_eq!(
        data(&kept)["releaseSuppression"]["userErrors"],
        json!([{ "code": "CONFLICT" }])
    );
    story.app.finish().await;
}
