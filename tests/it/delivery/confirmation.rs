//! Who opts out in their own words hears once, and soon, that it is honoured; of a word that the vendor knows, the vendor says so.

use chrono::TimeDelta;
use sqlx::Executor as _;

use crate::support::{TestApp, send_refused};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;
const CONFIRMATION: &str = "We received your request and will not text this number again.";

fn heard(app: &TestApp, phone: &str) -> Vec<String> {
    app.received_by(phone).into_iter().map(|text| text.body).collect()
}

#[tokio::test]
async fn an_opt_out_in_ones_own_words_is_confirmed_once_at_any_hour_and_with_nothing_else() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    // One in the morning.
    app.advance(TimeDelta::hours(13)).await;
    app.text(&app.acme, &phone, "Please stop texting me").await;
    assert_eq!(heard(&app, &phone), [CONFIRMATION]);
    assert_eq!(app.slots_taken().await, 0, "it is no attempt to reach them");

    app.text(&app.acme, &phone, "I said please stop texting me").await;
    assert_eq!(heard(&app, &phone), [CONFIRMATION]);
    let agent = app.acme.agent().await;
    send_refused(&agent, &thread, "Are you sure?").await;
    app.finish().await;
}

#[tokio::test]
async fn what_the_vendor_confirms_what_ends_all_contact_and_what_is_late_is_not_confirmed() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(JAMES);
    app.text(&app.acme, &phone, "STOP").await;
    assert!(heard(&app, &phone).is_empty(), "Twilio has said so");
    let other = app.acme.debtor_number(2);
    app.text(&app.acme, &other, "Do not contact me again, in any way.")
        .await;
    assert!(heard(&app, &other).is_empty(), "12 CFR 1006.6(c)(2)");
    app.text(&app.acme, "+13125559999", "Please stop texting me")
        .await;
    assert!(heard(&app, "+13125559999").is_empty(), "nobody knows who that is");

    let third = app.acme.debtor_number(3);
    assert_eq!(
        app.text_arrives(&app.acme, &third, "Please stop texting me")
            .await,
        200
    );
    app.superuser()
        .await
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
    app.advance(TimeDelta::minutes(6)).await;
    app.run_jobs().await;
    assert!(heard(&app, &third).is_empty(), "47 CFR 64.1200(a)(12)");
    app.finish().await;
}
