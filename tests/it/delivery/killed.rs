//! The process dies between the vendor's call and its record: nothing is lost and nothing is repeated.

use chrono::TimeDelta;
use funnelchat::{
    platform::clock::{SystemWallClock, WallClock as _},
    sandbox::{Fault, Provider},
};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Options, Program, TestApp, eventually, fresh_database, noon, send};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

async fn reaches_the_vendor(app: &TestApp) {
    let phone = app.acme.debtor_number(JAMES);
    eventually("the vendor has the text", async || {
        (!app.received_by(&phone).is_empty()).then_some(())
    })
    .await;
}

/// What must hold after the death and the look-up.
async fn is_adopted_once(app: &TestApp, message: &str) {
    assert_eq!(app.status(message).await, "DELIVERED");
    let attempts = app.attempts(message).await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(attempts[0].0, "ACCEPTED");
    assert_eq!(app.received_by(&app.acme.debtor_number(JAMES)).len(), 1);
    assert_eq!(app.slots_taken().await, 1);
}

#[tokio::test]
async fn a_job_that_ends_while_the_vendor_is_called_is_not_repeated_but_adopted() {
    let app = TestApp::start_with(Options {
        settings: vec![("PROVIDER_TIMEOUT_SECONDS", "30".to_owned())],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::Timeout, 1)
        .unwrap();
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    tokio::select! {
        () = app.run_due_jobs() => panic!("the vendor holds its answer: the job cannot end"),
        () = reaches_the_vendor(&app) => {}
    }
    assert_eq!(
        app.status(&message).await,
        "QUEUED",
        "nobody recorded what came of it"
    );

    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    assert_eq!(
        app.received_by(&app.acme.debtor_number(JAMES)).len(),
        1,
        "the job, run again, leaves an attempt under way alone"
    );
    app.advance(TimeDelta::seconds(61)).await;
    app.run_jobs().await;
    is_adopted_once(&app, &message).await;
    app.finish().await;
}

/// The real thing: the built program as a worker process, killed with SIGKILL.
#[tokio::test]
async fn a_worker_process_killed_while_it_calls_the_vendor_loses_and_repeats_nothing() {
    // The process reads the machine's clock: business time is put to noon by the clock's row.
    let started = SystemWallClock.now();
    let database = fresh_database().await;
    let offset = (noon() - started).num_microseconds().unwrap();
    let mut superuser = PgConnection::connect(&database.superuser_url).await.unwrap();
    sqlx::query("UPDATE clock SET offset_micros = $1")
        .bind(offset)
        .execute(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
    let app = TestApp::start_with(Options {
        database: Some(database.clone()),
        wall: Some(started),
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    app.sandbox
        .state()
        .add_fault(Provider::Twilio, Fault::Timeout, 1)
        .unwrap();
    let message = send(&agent, &thread, "Does Friday suit you?").await;

    let mut worker = Program::new(&["worker"])
        .on(&database)
        .with("PUBLIC_BASE_URL", format!("http://{}", app.addr))
        .with("TWILIO_BASE_URL", format!("http://{}/twilio", app.sandbox.addr()))
        .with("PROVIDER_TIMEOUT_SECONDS", "45")
        .start();
    tokio::select! {
        ended = worker.wait() => panic!("the worker ended by itself: {ended:?}"),
        () = reaches_the_vendor(&app) => {}
    }
    worker.kill().await.unwrap();
    assert_eq!(app.status(&message).await, "QUEUED");
    let open = "SELECT FROM delivery_attempts WHERE state = 'STARTED'";
    let open = app.superuser().await.fetch_all(open).await.unwrap();
    assert_eq!(open.len(), 1, "what it left behind is the attempt");

    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(3)).await;
    app.run_jobs().await;
    is_adopted_once(&app, &message).await;
    app.finish().await;
}
