//! When members of staff work, what they can do, and on how much at once.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, data, error_code, recipes::settings_version, user_errors};

const WORK: &str = "id role isAvailableNow skills capacity availability { timeZone
  week { day hours { from to } } exceptions { date hours { from to } } }";

async fn update(client: &Client, input: Value) -> Value {
    let document = format!(
        "mutation($i: UpdateUserInput!) {{ updateUser(input: $i) {{ user {{ {WORK} }} userErrors {{ code field message }} }} }}"
    );
    data(&client.gql(&document, json!({ "i": input })).await)["updateUser"].clone()
}

async fn set_mine(client: &Client, availability: Value) -> Value {
    let document = format!(
        "mutation($i: SetMyAvailabilityInput!) {{ setMyAvailability(input: $i) {{ user {{ {WORK} }} userErrors {{ code field message }} }} }}"
    );
    client
        .gql(&document, json!({ "i": { "availability": availability } }))
        .await
}

/// Which roles the list shows, and what each says of itself.
async fn staff(client: &Client, filter: Value) -> Vec<(String, Value)> {
    let answer = client
        .gql(
            "query($f: UserFilter) { users(filter: $f, first: 10) { edges { node { role isAvailableNow } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["users"]["edges"].as_array().unwrap().clone();
    edges
        .into_iter()
        .map(|edge| {
            let role = edge["node"]["role"].as_str().unwrap().to_owned();
            (role, edge["node"]["isAvailableNow"].clone())
        })
        .collect()
}

fn roles(found: &[(String, Value)]) -> Vec<&str> {
    found.iter().map(|(role, _)| role.as_str()).collect()
}

fn hours(zone: &str, days: &[&str], from: &str, to: &str) -> Value {
    let week: Vec<Value> = days
        .iter()
        .map(|day| json!({ "day": day, "hours": [{ "from": from, "to": to }] }))
        .collect();
    json!({ "timeZone": zone, "week": week })
}

const WEEKDAYS: [&str; 5] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"];

#[tokio::test]
async fn managers_say_when_their_agents_work_and_the_clock_on_the_wall_decides() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let agent = app.acme.agent().await;
    let ids = admin
        .gql("{ users(first: 10) { edges { node { id } } } }", json!({}))
        .await;
    let id = |nth: usize| data(&ids)["users"]["edges"][nth]["node"]["id"].clone();
    assert_eq!(
        roles(&staff(&admin, json!({ "available": true })).await),
        [""; 0],
        "nothing is known yet, and nothing is made up"
    );

    // Noon in Chicago on a Wednesday in June.
    let mut wanted = hours("America/Chicago", &WEEKDAYS, "09:00", "17:00");
    wanted["exceptions"] = json!([
        { "date": "2026-11-26", "hours": [] },
        { "date": "2026-06-13", "hours": [{ "from": "20:00", "to": "24:00" }, { "from": "08:00", "to": "10:00" }] },
    ]);
    let set = update(
        &manager,
        json!({ "id": id(2), "availability": wanted, "skills": ["Spanish", "medical ", "spanish"], "capacity": 12 }),
    )
    .await;
    assert_eq!(set["userErrors"], json!([]), "{set}");
    let user = &set["user"];
    assert_eq!(
        (&user["isAvailableNow"], &user["skills"], &user["capacity"]),
        (&json!(true), &json!(["medical", "spanish"]), &json!(12))
    );
    assert_eq!(
        user["availability"]["week"][4],
        json!({ "day": "FRIDAY", "hours": [{ "from": "09:00", "to": "17:00" }] })
    );
    assert_eq!(
        user["availability"]["exceptions"],
        json!([
            { "date": "2026-06-13", "hours": [{ "from": "08:00", "to": "10:00" }, { "from": "20:00", "to": "24:00" }] },
            { "date": "2026-11-26", "hours": [] },
        ])
    );
    assert!(
        agent.gql("{ viewer { role } }", json!({})).await["errors"].is_null(),
        "hours end no session"
    );
    // Somebody in Honolulu, where it is seven in the morning.
    let far = hours("Pacific/Honolulu", &WEEKDAYS, "09:00", "17:00");
    let set = update(
        &admin,
        json!({ "id": id(1), "availability": far, "skills": ["spanish"] }),
    )
    .await;
    assert_eq!(set["user"]["isAvailableNow"], false, "{set}");

    let both = async |now: &[&str], later: &[&str]| {
        let (yes, no) = (
            staff(&admin, json!({ "available": true })).await,
            staff(&admin, json!({ "available": false })).await,
        );
        assert_eq!((roles(&yes), roles(&no)), (now.to_vec(), later.to_vec()));
        // What the list finds and what each one's own field says never differ.
        assert!(yes.iter().all(|(_, says)| *says == json!(true)), "{yes:?}");
        assert!(no.iter().all(|(_, says)| *says == json!(false)), "{no:?}");
    };
    both(&["AGENT"], &["MANAGER"]).await;
    app.advance(TimeDelta::hours(4) + TimeDelta::minutes(59)).await;
    let admin = app.acme.sign_in("admin").await;
    let both = async |now: &[&str], later: &[&str]| {
        let (yes, no) = (
            staff(&admin, json!({ "available": true })).await,
            staff(&admin, json!({ "available": false })).await,
        );
        assert_eq!((roles(&yes), roles(&no)), (now.to_vec(), later.to_vec()));
    };
    both(&["MANAGER", "AGENT"], &[]).await;
    app.advance(TimeDelta::minutes(1)).await;
    both(&["MANAGER"], &["AGENT"]).await;
    assert_eq!(
        roles(&staff(&admin, json!({ "available": true, "skill": "SPANISH" })).await),
        ["MANAGER"]
    );
    assert_eq!(
        roles(&staff(&admin, json!({ "skill": "medical" })).await),
        ["AGENT"]
    );
    assert_eq!(roles(&staff(&admin, json!({ "skill": " " })).await), [""; 0]);
    let words = admin.gql("{ business { skills } }", json!({})).await;
    assert_eq!(data(&words)["business"]["skills"], json!(["medical", "spanish"]));
    let other = app.globex.sign_in("admin").await;
    let words = other.gql("{ business { skills } }", json!({})).await;
    assert_eq!(data(&words)["business"]["skills"], json!([]));

    // Who is kept out works at no hour, and a schedule that is taken away leaves nothing known.
    let out = update(&admin, json!({ "id": id(1), "status": "SUSPENDED" })).await;
    assert_eq!(out["user"]["isAvailableNow"], false);
    let gone = update(
        &admin,
        json!({ "id": id(2), "availability": null, "capacity": null }),
    )
    .await;
    assert_eq!(
        (
            &gone["user"]["availability"],
            &gone["user"]["isAvailableNow"],
            &gone["user"]["capacity"]
        ),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    both(&[], &["MANAGER"]).await;
    assert_eq!(app.audited("user.updated").await, 4);
    app.finish().await;
}

#[tokio::test]
async fn agents_say_when_they_work_where_their_business_lets_them() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let nights = json!({ "timeZone": "America/New_York", "week": [
        { "day": "FRIDAY", "hours": [{ "from": "22:00", "to": "24:00" }] },
        { "day": "SATURDAY", "hours": [{ "from": "00:00", "to": "06:00" }] } ] });
    let refused = set_mine(&agent, nights.clone()).await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "{refused}");
    let manager = app.acme.sign_in("manager").await;
    let own = set_mine(&manager, nights.clone()).await;
    assert_eq!(
        data(&own)["setMyAvailability"]["userErrors"],
        json!([]),
        "who looks after the staff does so for themselves"
    );

    let input =
        json!({ "expectedVersion": settings_version(&admin).await, "agentsSetOwnAvailability": true });
    let allowed = admin
        .gql(
            "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) {
               business { settings { agentsSetOwnAvailability } } userErrors { code } } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(
        data(&allowed)["updateBusinessSettings"]["business"]["settings"],
        json!({ "agentsSetOwnAvailability": true })
    );
    let set = set_mine(&agent, nights).await;
    let user = &data(&set)["setMyAvailability"]["user"];
    assert_eq!(user["availability"]["week"][1]["day"], "SATURDAY", "{set}");
    for (wrong, place) in [
        (hours("Mars/Olympus", &["MONDAY"], "09:00", "17:00"), "timeZone"),
        (hours("UTC", &["MONDAY"], "17:00", "09:00"), "week"),
        (hours("UTC", &["MONDAY", "MONDAY"], "09:00", "17:00"), "week"),
        (
            json!({ "timeZone": "UTC", "week": [], "exceptions": (0..101).map(|nth| {
                let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + TimeDelta::days(nth);
                json!({ "date": date, "hours": [] })
            }).collect::<Vec<_>>() }),
            "exceptions",
        ),
    ] {
        let answer = set_mine(&agent, wrong).await;
        let payload = &data(&answer)["setMyAvailability"];
        assert_eq!(user_errors(payload), ["INVALID_INPUT"]);
        assert_eq!(
            payload["userErrors"][0]["field"],
            json!(["input", "availability", place])
        );
    }
    let still = agent
        .gql(
            "{ viewer { user { availability { week { day } } skills capacity } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&still)["viewer"]["user"],
        json!({ "availability": { "week": [{ "day": "FRIDAY" }, { "day": "SATURDAY" }] }, "skills": [], "capacity": null }),
        "what is refused changes nothing"
    );
    let (me, boss) = (own_id(&agent).await, own_id(&admin).await);
    let document = "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code } } }";
    for id in [me, boss] {
        let answer = agent
            .gql(document, json!({ "i": { "id": id, "skills": ["law"] } }))
            .await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "skills are for others to say");
    }
    assert_eq!(app.audited("user.availability_set").await, 2);
    app.finish().await;
}

async fn own_id(client: &Client) -> Value {
    data(&client.gql("{ viewer { user { id } } }", json!({})).await)["viewer"]["user"]["id"].clone()
}
