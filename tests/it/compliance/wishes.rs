//! What people ask for in advance, and what their attorneys say, in the consent ledger.

use chrono::TimeDelta;
use serde_json::json;

use super::consents::{consent, ledger};
use crate::{
    account_work::{MARIA, account, act, holds::gate},
    support::{TestApp, user_errors},
};

#[tokio::test]
async fn who_asks_for_texts_at_night_gets_them_at_the_hours_that_they_named() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    for (channel, wrong) in [
        ("SMS", json!({ "purpose": "OUTSIDE_HOURS" })),
        ("SMS", json!({ "purpose": "OUTSIDE_HOURS", "fromTime": "22:00" })),
        (
            "SMS",
            json!({ "purpose": "OUTSIDE_HOURS", "fromTime": "22:00", "toTime": "22:00" }),
        ),
        ("SMS", json!({ "fromTime": "22:00", "toTime": "23:00" })),
        ("SMS", json!({ "onDate": "2026-06-12" })),
        ("SMS", json!({ "purpose": "CALL_BACK" })),
    ] {
        let refused = consent(&agent, &point, channel, wrong.clone()).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{wrong}");
    }
    let hours = json!({ "purpose": "OUTSIDE_HOURS", "fromTime": "22:00", "toTime": "23:00" });
    let given = consent(&agent, &point, "SMS", hours).await;
    assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
    let call = json!({ "purpose": "CALL_BACK", "onDate": "2026-06-12" });
    let given = consent(&agent, &point, "VOICE", call).await;
    assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
    let terms = "consents(first: 2) { edges { node { purpose fromTime toTime onDate } } }";
    let seen = account(&agent, &maria, terms).await["consents"]["edges"].clone();
    assert_eq!(
        seen,
        json!([
            { "node": { "purpose": "CALL_BACK", "fromTime": null, "toTime": null, "onDate": "2026-06-12" } },
            { "node": { "purpose": "OUTSIDE_HOURS", "fromTime": "22:00", "toTime": "23:00", "onDate": null } },
        ])
    );
    // It is 13:00 in New York; the last quarter of an hour of the hours is left out, as of all hours.
    for (minutes, outcome) in [(470, "DEFER"), (80, "ALLOW"), (40, "DEFER")] {
        app.advance(TimeDelta::minutes(minutes)).await;
        let compliance = app.acme.sign_in("compliance").await;
        assert_eq!(
            gate(&compliance, &maria).await.0,
            outcome,
            "{minutes} minutes later"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn whose_attorney_says_so_once_they_are_known_is_contacted_directly() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let direct = json!({ "purpose": "DIRECT_CONTACT", "source": "EMAIL", "text": "Write to my client." });
    let early = consent(&agent, &point, "SMS", direct.clone()).await;
    assert_eq!(user_errors(&early), Vec::<&str>::new(), "{early}");
    app.advance(TimeDelta::minutes(1)).await;
    let hold = json!({ "debtorId": debtor, "kind": "ATTORNEY_REPRESENTED", "reason": "A letter of 9 June." });
    let placed = act(&compliance, "setHold", "hold { id }", hold).await;
    assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
    let stopped = ("DENY".to_owned(), "reg-f-attorney-represented".to_owned());
    assert_eq!(
        gate(&compliance, &maria).await,
        stopped,
        "another attorney said so"
    );
    app.advance(TimeDelta::minutes(1)).await;
    consent(&agent, &point, "SMS", direct).await;
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}
