//! Where a person is not to be contacted, and what is known of their employer (12 CFR 1006.6(b)(1)(ii), (b)(3)).

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{debtor, debtor_of, done};
use crate::{
    account_work::{MARIA, act, holds::gate},
    support::{Client, TestApp, data, error_code, user_errors},
};

const SELECTION: &str =
    "contactPlace { id place standing contactPointId channels source statement statedAt endsAt
    recordedBy { id } withdrawnAt withdrawnBy { id } withdrawalReason }";
const WORKPLACE: &str = "reg-f-workplace-prohibited";
const INCONVENIENT: &str = "reg-f-inconvenient-time-place";

/// Maria, with the number that the gate asks about, as its contact point.
async fn maria(app: &TestApp, client: &Client) -> (String, Value, Value) {
    let (account, id) = (
        app.account_id(&app.acme, MARIA).await,
        debtor_of(app, client, MARIA).await,
    );
    let seen = debtor(client, &id, "contactPoints { id kind }").await;
    let points = seen["contactPoints"].as_array().unwrap();
    let phone = points.iter().find(|point| point["kind"] == "PHONE").unwrap();
    let phone = phone["id"].clone();
    (account, id, phone)
}

fn told(debtor: &Value, place: &str, standing: &str) -> Value {
    json!({ "debtorId": debtor, "place": place, "standing": standing, "source": "DEBTOR",
        "statement": "On the telephone: please not there." })
}

async fn record(client: &Client, input: Value) -> Value {
    done(client, "recordContactPlace", SELECTION, input).await["contactPlace"].clone()
}

async fn withdraw(client: &Client, place: &Value) -> Value {
    let input = json!({ "id": place["id"], "reason": "They called and took it back." });
    act(client, "withdrawContactPlace", SELECTION, input).await
}

fn denied(rule: &str) -> (String, String) {
    ("DENY".to_owned(), rule.to_owned())
}

#[tokio::test]
async fn at_work_nobody_is_contacted_until_the_employer_is_known_to_allow_it_and_the_person_does_not_mind() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let (account, id, phone) = maria(&app, &agent).await;
    assert_eq!(gate(&agent, &account).await.0, "ALLOW");
    // The record alone says that the number rings at work, whatever its use.
    let mut prohibits = told(&id, "WORK", "EMPLOYER_PROHIBITS");
    prohibits["contactPointId"] = phone.clone();
    prohibits["source"] = json!("EMPLOYER");
    let prohibits = record(&agent, prohibits).await;
    assert_eq!(gate(&agent, &account).await, denied(WORKPLACE));
    assert_eq!(
        (
            &prohibits["standing"],
            &prohibits["source"],
            &prohibits["contactPointId"]
        ),
        (&json!("EMPLOYER_PROHIBITS"), &json!("EMPLOYER"), &phone)
    );
    assert_eq!(prohibits["statement"], "On the telephone: please not there.");
    let seen = debtor(&agent, &id, "contactPlaces { id standing }").await;
    assert_eq!(
        seen["contactPlaces"],
        json!([{ "id": prohibits["id"], "standing": "EMPLOYER_PROHIBITS" }])
    );

    // What lets the gate allow more is for who may release holds; of two records the stricter counts.
    let allows = told(&id, "WORK", "EMPLOYER_ALLOWS");
    let refused = agent
        .gql(
            "mutation($i: RecordContactPlaceInput!) { recordContactPlace(input: $i) { userErrors { code } } }",
            json!({ "i": allows }),
        )
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "{refused}");
    let allows = record(&compliance, allows).await;
    assert_eq!(gate(&agent, &account).await, denied(WORKPLACE));
    let ended = withdraw(&compliance, &prohibits).await["contactPlace"].clone();
    assert_eq!(ended["withdrawalReason"], "They called and took it back.");
    assert!(ended["withdrawnAt"].is_string() && ended["withdrawnBy"]["id"].is_string());
    assert_eq!(
        user_errors(&withdraw(&compliance, &prohibits).await),
        ["CONFLICT"]
    );

    // Of the place of work as a whole: it is of numbers whose use is WORK.
    let update = json!({ "id": phone, "use": "WORK" });
    done(&agent, "updateContactPoint", "contactPoint { id }", update).await;
    assert_eq!(gate(&agent, &account).await.0, "ALLOW", "the employer allows it");
    let objects = record(&agent, told(&id, "WORK", "INCONVENIENT")).await;
    assert_eq!(
        gate(&agent, &account).await,
        denied(WORKPLACE),
        "one \"not at work\" is enough"
    );
    assert_eq!(
        user_errors(&withdraw(&compliance, &objects).await),
        Vec::<&str>::new()
    );
    assert_eq!(
        user_errors(&withdraw(&compliance, &allows).await),
        Vec::<&str>::new()
    );
    assert_eq!(
        gate(&agent, &account).await,
        denied(WORKPLACE),
        "nobody has asked the employer"
    );
    assert_eq!(app.audited("contact_place.recorded").await, 3);
    assert_eq!(app.audited("contact_place.withdrawn").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn a_place_that_the_person_called_inconvenient_bars_what_reaches_them_there_until_it_ends() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let (account, id, phone) = maria(&app, &agent).await;
    let of_use = async |place: &str| {
        let update = json!({ "id": phone, "use": place });
        done(&agent, "updateContactPoint", "contactPoint { id }", update).await;
    };
    // At home: of a number whose use that is, and of no other.
    of_use("HOME").await;
    let home = record(&agent, told(&id, "HOME", "INCONVENIENT")).await;
    assert_eq!(gate(&agent, &account).await, denied(INCONVENIENT));
    of_use("UNKNOWN").await;
    assert_eq!(gate(&agent, &account).await.0, "ALLOW");
    withdraw(&compliance, &home).await;

    // One number, wherever it rings, on the channels that they named, until they said.
    let now = app.app.db.clock().now();
    let mut there = told(&id, "OTHER", "INCONVENIENT");
    there["contactPointId"] = phone.clone();
    there["channels"] = json!(["SMS", "SMS"]);
    there["statedAt"] = json!(now - TimeDelta::days(2));
    there["endsAt"] = json!(now + TimeDelta::days(2));
    let at_sisters = record(&agent, there.clone()).await;
    assert_eq!(at_sisters["channels"], json!(["SMS"]));
    assert_eq!(gate(&agent, &account).await, denied(INCONVENIENT));
    app.advance(TimeDelta::days(2)).await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    assert_eq!(
        gate(&agent, &account).await.0,
        "ALLOW",
        "it ended by its own words"
    );
    assert_eq!(
        debtor(&agent, &id, "contactPlaces { id }").await["contactPlaces"],
        json!([])
    );
    let mut called = there.clone();
    called["channels"] = json!(["VOICE"]);
    called["endsAt"] = Value::Null;
    let called = record(&agent, called).await;
    assert_eq!(gate(&agent, &account).await.0, "ALLOW", "texts were not meant");
    withdraw(&compliance, &called).await;

    // Another address of theirs is free, and the number stays barred when it is taken off and put on again.
    let mail = done(
        &agent,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": id, "email": "maria@work.example", "use": "WORK" }),
    )
    .await["contactPoint"]["id"]
        .clone();
    let mut there = told(&id, "OTHER", "INCONVENIENT");
    there["contactPointId"] = mail;
    record(&agent, there.clone()).await;
    assert_eq!(gate(&agent, &account).await.0, "ALLOW");
    there["contactPointId"] = phone.clone();
    record(&agent, there).await;
    assert_eq!(gate(&agent, &account).await, denied(INCONVENIENT));
    done(
        &agent,
        "removeContactPoint",
        "debtor { id }",
        json!({ "id": phone }),
    )
    .await;
    let number = app.acme.debtor_number(MARIA);
    let again = json!({ "debtorId": id, "phone": number, "isFirst": true });
    let added = done(&agent, "addContactPoint", "contactPoint { id }", again).await;
    let consent = json!({ "contactPointId": added["contactPoint"]["id"], "channel": "SMS", "source": "WEB_FORM",
        "text": "Yes, you may text me.", "textVersion": "1" });
    done(&agent, "recordConsent", "consent { id }", consent).await;
    assert_eq!(gate(&agent, &account).await, denied(INCONVENIENT));
    app.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nobody_elses_places_are_seen() {
    let app = TestApp::start().await;
    let (agent, globex) = (app.acme.agent().await, app.globex.sign_in("compliance").await);
    let (account, id, phone) = maria(&app, &agent).await;
    let now = app.app.db.clock().now();
    for (changes, field) in [
        (
            json!({ "standing": "EMPLOYER_PROHIBITS", "place": "HOME" }),
            "place",
        ),
        (json!({ "place": "OTHER" }), "contactPointId"),
        (json!({ "statement": " " }), "statement"),
        (json!({ "statement": "x".repeat(2_001) }), "statement"),
        (json!({ "channels": [] }), "channels"),
        (
            json!({ "standing": "EMPLOYER_PROHIBITS", "channels": ["SMS"] }),
            "channels",
        ),
        (json!({ "statedAt": now + TimeDelta::hours(1) }), "statedAt"),
        (json!({ "endsAt": now }), "endsAt"),
    ] {
        let mut wrong = told(&id, "WORK", "INCONVENIENT");
        wrong
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let refused = act(&agent, "recordContactPlace", "", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", field]));
    }
    let mut foreign = told(&id, "WORK", "INCONVENIENT");
    assert_eq!(
        user_errors(&act(&globex, "recordContactPlace", "", foreign.clone()).await),
        ["NOT_FOUND"]
    );
    let other = debtor_of(&app, &agent, MARIA + 1).await;
    foreign["debtorId"] = other;
    foreign["contactPointId"] = phone;
    assert_eq!(
        user_errors(&act(&agent, "recordContactPlace", "", foreign).await),
        ["NOT_FOUND"],
        "the number is not this person's"
    );
    let place = record(&agent, told(&id, "WORK", "INCONVENIENT")).await;
    assert_eq!(user_errors(&withdraw(&globex, &place).await), ["NOT_FOUND"]);
    assert_eq!(
        gate(&agent, &account).await.0,
        "ALLOW",
        "the number is not at work"
    );
    for _ in 1..20 {
        record(&agent, told(&id, "WORK", "INCONVENIENT")).await;
    }
    let many = act(
        &agent,
        "recordContactPlace",
        "",
        told(&id, "WORK", "INCONVENIENT"),
    )
    .await;
    assert_eq!(user_errors(&many), ["CONFLICT"]);
    let refused = agent
        .gql(
            "mutation($i: ID!) { withdrawContactPlace(input: { id: $i, reason: \"No.\" }) { userErrors { code } } }",
            json!({ "i": place["id"] }),
        )
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let compliance = app.acme.sign_in("compliance").await;
    let read = compliance
        .gql(
            "query($id: ID!) { debtor(id: $id) { contactPlaces { statement } } }",
            json!({ "id": id }),
        )
        .await;
    let places = data(&read)["debtor"]["contactPlaces"].as_array().unwrap().clone();
    assert_eq!(places.len(), 20);
    app.finish().await;
}
