//! Where a person is, how old they are, when they do not want to be contacted, and what the gate makes of it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{debtor, debtor_of, done};
use crate::{
    account_work::{MARIA, account, act, holds::gate},
    support::{Client, TestApp, user_errors},
};

const EVIDENCE: &str = "timeZoneEvidence { source timeZones observedAt }";

#[tokio::test]
async fn what_the_person_states_counts_beside_every_other_clue_until_a_second_person_confirms_it() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let (maria, id) = (
        app.account_id(&app.acme, MARIA).await,
        debtor_of(&app, &agent, MARIA).await,
    );
    let seen = account(&agent, &maria, EVIDENCE).await["timeZoneEvidence"].clone();
    let sources: Vec<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|clue| clue["source"].as_str().unwrap())
        .collect();
    assert!(
        sources.contains(&"AREA_CODE") && sources.contains(&"ADDRESS_STATE"),
        "{seen}"
    );
    assert!(seen.to_string().contains("America/New_York"), "{seen}");
    // 13:00 in New York is 07:00 in Honolulu.
    assert_eq!(gate(&agent, &maria).await.0, "ALLOW");
    let stated = done(
        &agent,
        "recordStatedTimeZone",
        &format!("debtor {{ {EVIDENCE} }}"),
        json!({ "debtorId": id, "timeZone": "Pacific/Honolulu", "statement": "I am on Oahu until fall." }),
    )
    .await;
    let first = &stated["debtor"]["timeZoneEvidence"][0];
    assert_eq!(first["source"], "STATED", "{stated}");
    assert_eq!(first["timeZones"], json!(["Pacific/Honolulu"]));
    assert_eq!(
        gate(&agent, &maria).await,
        ("DEFER".to_owned(), "reg-f-quiet-hours".to_owned())
    );
    app.advance(TimeDelta::minutes(61)).await;
    let agent = app.acme.agent().await;
    assert_eq!(gate(&agent, &maria).await.0, "ALLOW");
    // 22:01 in New York: only the stated zone allows it, and an agent's word alone does not move the hours.
    app.advance(TimeDelta::hours(8)).await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    assert_eq!(gate(&agent, &maria).await.0, "DEFER");
    let confirm = async |by: &Client, zone: Value| {
        let selection = format!("debtor {{ statedTimeZoneStatement {EVIDENCE} }}");
        act(
            by,
            "confirmStatedTimeZone",
            &selection,
            json!({ "debtorId": id, "timeZone": zone }),
        )
        .await
    };
    let other = confirm(&compliance, json!("America/New_York")).await;
    assert_eq!(user_errors(&other), ["CONFLICT"], "not what the person stated");
    let confirmed = confirm(&compliance, json!("Pacific/Honolulu")).await["debtor"].clone();
    assert_eq!(confirmed["statedTimeZoneStatement"], "I am on Oahu until fall.");
    assert_eq!(
        confirmed["timeZoneEvidence"][0]["source"], "CONFIRMED",
        "{confirmed}"
    );
    assert_eq!(gate(&agent, &maria).await.0, "ALLOW");
    assert_eq!(
        user_errors(&confirm(&compliance, json!("Pacific/Honolulu")).await),
        ["CONFLICT"],
        "it is confirmed"
    );

    // What holds no more, too, takes two: until then all clues count, with the one that was confirmed.
    app.advance(TimeDelta::minutes(1)).await;
    let withdrawn = json!({ "debtorId": id, "timeZone": null, "statement": "I am back home." });
    let manager = app.acme.sign_in("manager").await;
    let seen = done(
        &manager,
        "recordStatedTimeZone",
        &format!("debtor {{ {EVIDENCE} }}"),
        withdrawn,
    )
    .await;
    assert_eq!(
        seen["debtor"]["timeZoneEvidence"][0]["source"], "CONFIRMED",
        "{seen}"
    );
    assert_eq!(gate(&agent, &maria).await.0, "DEFER");
    assert_eq!(
        user_errors(&confirm(&manager, json!(null)).await),
        ["CONFLICT"],
        "by who recorded it"
    );
    let cleared = confirm(&compliance, json!(null)).await["debtor"].clone();
    assert!(!cleared.to_string().contains("Honolulu"), "{cleared}");

    for (wrong, place) in [
        (
            json!({ "debtorId": id, "timeZone": "Atlantis/Capital", "statement": "Far away." }),
            "timeZone",
        ),
        (
            json!({ "debtorId": id, "timeZone": "Pacific/Honolulu", "statement": " " }),
            "statement",
        ),
    ] {
        let refused = act(&agent, "recordStatedTimeZone", "debtor { id }", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"]);
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", place]));
    }
    assert_eq!(app.audited("debtor.time_zone_stated").await, 2);
    assert_eq!(app.audited("debtor.time_zone_confirmed").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn an_address_moves_the_clock_and_a_minor_is_not_contacted() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let (maria, id) = (
        app.account_id(&app.acme, MARIA).await,
        debtor_of(&app, &agent, MARIA).await,
    );
    let selection = "debtor { firstName lastName birthDate preferredLanguage preferredContactMethod
        address { city state postalCode } }";
    let moved = done(
        &agent,
        "updateDebtor",
        selection,
        // A name is as good as a code.
        json!({ "id": id, "lastName": "Alvarez-Kim", "preferredLanguage": "es", "preferredContactMethod": "EMAIL",
            "address": { "city": "Honolulu", "state": " hawaii", "postalCode": "96813" } }),
    )
    .await["debtor"]
        .clone();
    assert_eq!(moved["lastName"], "Alvarez-Kim");
    assert_eq!(
        (&moved["preferredLanguage"], &moved["preferredContactMethod"]),
        (&json!("es"), &json!("EMAIL"))
    );
    assert_eq!(moved["address"]["state"], "HI");
    assert_eq!(
        gate(&agent, &maria).await,
        ("DEFER".to_owned(), "reg-f-quiet-hours".to_owned()),
        "07:00 in Honolulu, whatever the number says"
    );
    let back = json!({ "id": id, "address": { "state": "NY", "postalCode": "10027" } });
    done(&agent, "updateDebtor", "debtor { id }", back).await;
    assert_eq!(gate(&agent, &maria).await.0, "ALLOW");

    // Eighteen on 2026-06-11 in New York; it is the 10th.
    let young = json!({ "id": id, "birthDate": "2008-06-11" });
    let young = done(&agent, "updateDebtor", selection, young).await;
    assert_eq!(young["debtor"]["birthDate"], "2008-06-11");
    assert_eq!(
        gate(&agent, &maria).await,
        ("DENY".to_owned(), "minor-parent-only".to_owned())
    );
    app.advance(TimeDelta::hours(24)).await;
    let agent = app.acme.agent().await;
    assert_eq!(gate(&agent, &maria).await.0, "ALLOW");
    for (wrong, field) in [
        (json!({ "id": id, "birthDate": "2026-07-01" }), "birthDate"),
        (json!({ "id": id, "birthDate": "1899-12-31" }), "birthDate"),
        (
            json!({ "id": id, "address": { "state": "Hawaia" } }),
            "address.state",
        ),
        (
            json!({ "id": id, "address": { "country": "Oz" } }),
            "address.country",
        ),
        (
            json!({ "id": id, "address": { "city": "x".repeat(201) } }),
            "address.city",
        ),
    ] {
        let refused = act(&agent, "updateDebtor", "debtor { id }", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"]);
        let path: Vec<&str> = field.split('.').collect();
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!([&["input"], path.as_slice()].concat())
        );
    }
    let emptied = json!({ "id": id, "birthDate": null });
    done(&agent, "updateDebtor", "debtor { id }", emptied).await;
    assert_eq!(debtor(&agent, &id, "birthDate").await["birthDate"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn a_time_that_the_person_called_inconvenient_is_waited_for() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let (maria, id) = (
        app.account_id(&app.acme, MARIA).await,
        debtor_of(&app, &agent, MARIA).await,
    );
    let record = async |mut input: Value| {
        input["debtorId"] = id.clone();
        input["statement"] = json!("I sleep then.");
        let selection =
            "inconvenientTime { id days from to channels statement recordedBy { id } withdrawnAt }";
        done(&agent, "recordInconvenientTime", selection, input).await["inconvenientTime"].clone()
    };
    let withdraw = async |time: &Value| {
        let input = json!({ "id": time["id"] });
        act(
            &compliance,
            "withdrawInconvenientTime",
            "inconvenientTime { withdrawnAt }",
            input,
        )
        .await
    };
    // It is Wednesday, 13:00 in New York.
    for (input, bars) in [
        (
            json!({ "days": ["TUESDAY", "WEDNESDAY"], "from": "12:00", "to": "14:00" }),
            true,
        ),
        (
            json!({ "days": ["WEDNESDAY"], "from": "12:00", "to": "13:00" }),
            false,
        ),
        (json!({ "days": ["THURSDAY"] }), false),
        (json!({ "channels": ["EMAIL", "VOICE"] }), false),
        (json!({ "channels": ["SMS", "SMS"] }), true),
        // Over midnight, from the day before.
        (
            json!({ "days": ["TUESDAY"], "from": "22:00", "to": "13:30" }),
            true,
        ),
    ] {
        let time = record(input.clone()).await;
        let (outcome, rule) = gate(&agent, &maria).await;
        assert_eq!(outcome != "ALLOW", bars, "{input}: {outcome} {rule}");
        if bars {
            assert_eq!(rule, "reg-f-inconvenient-time-place");
        }
        let seen = debtor(&agent, &id, "inconvenientTimes { id from to statement }").await;
        assert_eq!(seen["inconvenientTimes"][0]["id"], time["id"]);
        assert_eq!(seen["inconvenientTimes"][0]["statement"], "I sleep then.");
        assert_eq!(user_errors(&withdraw(&time).await), Vec::<&str>::new());
        assert_eq!(gate(&agent, &maria).await.0, "ALLOW", "{input} withdrawn");
        assert_eq!(user_errors(&withdraw(&time).await), ["CONFLICT"]);
    }
    let night = record(json!({ "from": "22:00", "to": "09:00" })).await;
    assert_eq!(
        (&night["from"], &night["to"], &night["days"], &night["channels"]),
        (&json!("22:00"), &json!("09:00"), &Value::Null, &Value::Null)
    );
    for (wrong, field) in [
        (json!({ "from": "8:00" }), "from"),
        (json!({ "to": "24:01" }), "to"),
        (json!({ "from": "08:00", "to": "08:00" }), "to"),
        (json!({ "days": [] }), "days"),
        (json!({ "channels": [] }), "channels"),
    ] {
        let mut wrong = wrong;
        wrong["debtorId"] = id.clone();
        wrong["statement"] = json!("I sleep then.");
        let refused = act(&agent, "recordInconvenientTime", "", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", field]));
    }
    for _ in 2..=20 {
        record(json!({ "channels": ["EMAIL"] })).await;
    }
    let many = json!({ "debtorId": id, "statement": "And not then." });
    assert_eq!(
        user_errors(&act(&agent, "recordInconvenientTime", "", many).await),
        ["CONFLICT"]
    );
    app.finish().await;
}
