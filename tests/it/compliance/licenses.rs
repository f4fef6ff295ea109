//! Licences to collect: the gate asks for them where the law of the debtor's state does.

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::{
    account_work::{
        MARIA, act, ask, create,
        holds::{JAMES, gate},
        new_account,
    },
    support::{Client, TestApp, data, error_code, user_errors},
};

const RULE: &str = "state-license-required";
/// Linh Tran in San Francisco.
const LINH: usize = 2;

async fn licenses(client: &Client, all: bool) -> Vec<Value> {
    let answer = client
        .gql(
            "query($all: Boolean!) { licenses(withEnded: $all) { id state kind number validFrom validUntil removedAt
               recordedBy { id } } }",
            json!({ "all": all }),
        )
        .await;
    data(&answer)["licenses"].as_array().unwrap().clone()
}

fn today(app: &TestApp) -> NaiveDate {
    app.app.db.clock().now().date_naive()
}

async fn of_state(client: &Client, state: &str) -> Value {
    let stand = licenses(client, false).await;
    stand
        .into_iter()
        .find(|license| license["state"] == state)
        .unwrap()
}

async fn rule_for(app: &TestApp, client: &Client, nth: usize) -> (String, String) {
    gate(client, &app.account_id(&app.acme, nth).await).await
}

#[tokio::test]
async fn nobody_is_contacted_where_a_licence_is_asked_for_and_none_is_on_record() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(rule_for(&app, &compliance, LINH).await.0, "ALLOW");
    let california = of_state(&compliance, "CA").await;
    let removed = act(
        &compliance,
        "removeLicense",
        "license { removedAt }",
        json!({ "id": california["id"] }),
    )
    .await;
    assert!(removed["license"]["removedAt"].is_string(), "{removed}");
    let denied = ("DENY".to_owned(), RULE.to_owned());
    assert_eq!(rule_for(&app, &compliance, LINH).await, denied);
    assert_eq!(
        rule_for(&app, &compliance, JAMES).await.0,
        "ALLOW",
        "Illinois is not on the list of states that ask"
    );

    // A licence counts from its first to its last day.
    let day = today(&app);
    let new = json!({ "state": "ca", "kind": "COLLECTION_AGENCY", "number": "10234-99",
        "validFrom": day + TimeDelta::days(2), "validUntil": day + TimeDelta::days(4) });
    let set = act(
        &compliance,
        "setLicense",
        "license { id state recordedBy { id } }",
        new,
    )
    .await;
    assert_eq!(user_errors(&set), Vec::<&str>::new(), "{set}");
    assert_eq!(set["license"]["state"], "CA");
    assert!(set["license"]["recordedBy"]["id"].is_string());
    assert_eq!(rule_for(&app, &compliance, LINH).await, denied, "not yet");
    app.advance(TimeDelta::days(3)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(rule_for(&app, &compliance, LINH).await.0, "ALLOW");
    app.advance(TimeDelta::days(2)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(rule_for(&app, &compliance, LINH).await, denied, "no more");
    assert!(
        licenses(&compliance, false)
            .await
            .iter()
            .all(|license| license["state"] != "CA")
    );
    let ended = licenses(&compliance, true).await;
    assert_eq!(ended.iter().filter(|license| license["state"] == "CA").count(), 2);
    let renewed = json!({ "id": set["license"]["id"], "state": "CA", "kind": "COLLECTION_AGENCY",
        "number": "10234-99", "validFrom": day });
    assert_eq!(
        user_errors(&act(&compliance, "setLicense", "", renewed).await),
        Vec::<&str>::new()
    );
    assert_eq!(rule_for(&app, &compliance, LINH).await.0, "ALLOW");
    assert_eq!(app.audited("license.removed").await, 1);

    // From the first of September on New York City asks for its own; the state does not.
    let city = of_state(&compliance, "NYC").await;
    act(&compliance, "removeLicense", "", json!({ "id": city["id"] })).await;
    assert_eq!(rule_for(&app, &compliance, MARIA).await.0, "ALLOW");
    app.advance(TimeDelta::days(90)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(rule_for(&app, &compliance, MARIA).await, denied);
    let new = |state: &str| json!({ "state": state, "kind": "COLLECTION_AGENCY", "number": "1", "validFrom": "2026-01-01" });
    act(&compliance, "setLicense", "", new("NY")).await;
    assert_eq!(
        rule_for(&app, &compliance, MARIA).await,
        denied,
        "Albany is not the city"
    );
    for kind in ["DEBT_BUYER", "OTHER"] {
        let mut other = new("NYC");
        other["kind"] = json!(kind);
        let set = act(&compliance, "setLicense", "", other).await;
        assert_eq!(user_errors(&set), Vec::<&str>::new(), "{set}");
        assert_eq!(
            rule_for(&app, &compliance, MARIA).await,
            denied,
            "{kind} is none to collect for others"
        );
    }
    act(&compliance, "setLicense", "", new("NYC")).await;
    assert_ne!(rule_for(&app, &compliance, MARIA).await.1, RULE);

    // A creditor of its own debts needs none.
    let globex = app.globex.sign_in("compliance").await;
    assert_eq!(licenses(&globex, true).await, Vec::<Value>::new());
    let own = app.account_id(&app.globex, LINH).await;
    assert_ne!(gate(&globex, &own).await.1, RULE);
    // The end of the licence was announced.
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_no_licence_can_be_is_refused() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let good = json!({ "state": "TX", "kind": "OTHER", "number": "1", "validFrom": "2026-01-01" });
    let with = |key: &str, value: Value| {
        let mut input = good.clone();
        input[key] = value;
        input
    };
    for (input, code) in [
        (with("state", json!("ZZ")), "INVALID_INPUT"),
        (with("state", json!("Texas")), "INVALID_INPUT"),
        (with("number", json!("  ")), "INVALID_INPUT"),
        (with("validUntil", json!("2025-12-31")), "INVALID_INPUT"),
        (
            with(
                "id",
                json!(funnelchat::platform::ids::encode(
                    funnelchat::platform::ids::IdKind::License,
                    funnelchat::platform::ids::next(),
                )),
            ),
            "NOT_FOUND",
        ),
    ] {
        let refused = act(&compliance, "setLicense", "", input.clone()).await;
        assert_eq!(user_errors(&refused), [code], "{input}");
    }
    let set = act(&compliance, "setLicense", "license { id }", good.clone()).await;
    let again = act(&compliance, "setLicense", "", good.clone()).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    let id = json!({ "id": set["license"]["id"] });
    let globex = app.globex.sign_in("compliance").await;
    assert_eq!(
        user_errors(&act(&globex, "removeLicense", "", id.clone()).await),
        ["NOT_FOUND"]
    );
    let manager = app.acme.sign_in("manager").await;
    assert_eq!(
        licenses(&manager, false).await.len(),
        licenses(&compliance, false).await.len()
    );
    assert_eq!(
        error_code(&ask(&manager, "removeLicense", "", id.clone()).await),
        "FORBIDDEN"
    );
    let agent = app.acme.agent().await;
    let refused = agent.gql("{ licenses { id } }", json!({})).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    assert_eq!(
        user_errors(&act(&compliance, "removeLicense", "", id.clone()).await),
        Vec::<&str>::new()
    );
    assert_eq!(
        user_errors(&act(&compliance, "removeLicense", "", id).await),
        ["CONFLICT"]
    );
    app.finish().await;
}

#[tokio::test]
async fn the_end_of_a_licence_is_announced_once_thirty_days_before() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let end = today(&app) + TimeDelta::days(40);
    let input = json!({ "state": "TX", "kind": "OTHER", "number": "TX-77", "validFrom": "2026-01-01", "validUntil": end });
    let set = act(&compliance, "setLicense", "license { id }", input.clone()).await;
    let told = async || -> Vec<(String, String)> {
        app.run_jobs().await;
        let mails = app.sandbox.state().mails();
        mails
            .iter()
            .filter(|mail| mail.subject == "A licence of your business ends soon")
            .map(|mail| (mail.to.clone(), mail.text.clone().unwrap_or_default()))
            .collect()
    };
    assert_eq!(told().await.len(), 0, "forty days before");
    app.advance(TimeDelta::days(10)).await;
    let heard = told().await;
    let mut to: Vec<&str> = heard.iter().map(|(to, _)| to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["admin@acme.example", "compliance@acme.example"]);
    assert!(
        heard[0].1.contains("TX-77") && heard[0].1.contains(&end.to_string()),
        "{heard:?}"
    );
    app.advance(TimeDelta::days(5)).await;
    assert_eq!(told().await.len(), 2, "once");
    assert_eq!(app.audited("license.end_announced").await, 1);

    // Another end is another announcement, for who still wants to hear of it.
    let compliance = app.acme.sign_in("compliance").await;
    let silent =
        json!({ "preferences": [{ "kind": "LICENSE_ENDING", "channel": "EMAIL", "enabled": false }] });
    let turned = act(&compliance, "updateNotificationPreferences", "", silent).await;
    assert_eq!(user_errors(&turned), Vec::<&str>::new());
    let mut later = input;
    later["id"] = set["license"]["id"].clone();
    later["validUntil"] = json!(end + TimeDelta::days(1));
    act(&compliance, "setLicense", "", later).await;
    app.advance(TimeDelta::minutes(1)).await;
    let heard = told().await;
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[2].0, "admin@acme.example");
    app.finish().await;
}

#[tokio::test]
async fn whose_state_is_not_known_is_held_to_the_licence_of_every_state_that_is_possible() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let lead = async |number: &str, phone: &str, address: Value| {
        let mut input = new_account(number);
        input["phone"] = json!(phone);
        input["address"] = address;
        create(&admin, input).await
    };
    let californian = lead("L-1", "+14155550177", Value::Null).await;
    let georgian = lead("L-2", "+14045550177", Value::Null).await;
    let canadian = lead("L-3", "+14165550177", Value::Null).await;
    let new_yorker = lead("L-4", "+14045550178", json!({ "state": "NY" })).await;
    for account in [&californian, &georgian, &canadian, &new_yorker] {
        assert_ne!(gate(&compliance, account).await.1, RULE, "all licences are there");
    }
    let california = of_state(&compliance, "CA").await;
    act(
        &compliance,
        "removeLicense",
        "",
        json!({ "id": california["id"] }),
    )
    .await;
    let denied = ("DENY".to_owned(), RULE.to_owned());
    assert_eq!(gate(&compliance, &californian).await, denied);
    assert_eq!(
        gate(&compliance, &canadian).await,
        denied,
        "the number tells of no state: it may be California"
    );
    assert_ne!(
        gate(&compliance, &georgian).await.1,
        RULE,
        "Georgia asks for none"
    );

    let city = of_state(&compliance, "NYC").await;
    act(&compliance, "removeLicense", "", json!({ "id": city["id"] })).await;
    app.advance(TimeDelta::days(93)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(
        gate(&compliance, &new_yorker).await,
        denied,
        "without a ZIP code it may be the city"
    );
    app.finish().await;
}
