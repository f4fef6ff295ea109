//! The consent ledger and the list of addresses that are not to be contacted.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{
        MARIA, account, act, ask,
        holds::{JAMES, gate},
    },
    support::{Client, TestApp, data, error_code, send, send_refused, user_errors},
};

const LEDGER: &str = "consents(first: 20) { edges { node { id contactPointId channel purpose status givenDirectly source saidAt
    recordedBy { id } text textVersion ipAddress userAgent note } } pageInfo { hasNextPage endCursor } }";

/// The ledger of the n-th demo debtor, as the account shows it.
pub(super) async fn ledger(app: &TestApp, client: &Client, nth: usize) -> Vec<Value> {
    let id = app.account_id(&app.acme, nth).await;
    let seen = account(client, &id, LEDGER).await;
    let edges = seen["consents"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

/// Kind and channel of each word, the newest first.
fn words(ledger: &[Value]) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| match value.as_str() {
        Some("GRANTED") => "GRANTED",
        Some("REVOKED") => "REVOKED",
        Some("IMPLIED_FROM_CREDITOR") => "IMPLIED_FROM_CREDITOR",
        Some("SMS") => "SMS",
        Some("VOICE") => "VOICE",
        Some("WHATSAPP") => "WHATSAPP",
        Some("EMAIL") => "EMAIL",
        _ => "?",
    };
    ledger
        .iter()
        .map(|word| (text(&word["status"]), text(&word["channel"])))
        .collect()
}

pub(super) async fn consent(client: &Client, point: &Value, channel: &str, more: Value) -> Value {
    let mut input =
        json!({ "contactPointId": point, "channel": channel, "source": "WEB_FORM", "text": "Yes, you may." });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    act(
        client,
        "recordConsent",
        "consent { id status text ipAddress }",
        input,
    )
    .await
}

#[tokio::test]
async fn a_revocation_removes_no_grant_and_the_last_word_by_business_time_counts() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let before = ledger(&app, &agent, MARIA).await;
    assert_eq!(words(&before), [("GRANTED", "SMS")]);
    let point = before[0]["contactPointId"].clone();
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");

    app.advance(TimeDelta::days(2)).await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let revoked = act(
        &agent,
        "revokeConsent",
        "consent { status source note recordedBy { id } }",
        json!({ "contactPointId": point, "channel": "SMS", "source": "CALL", "note": "Said so on the telephone." }),
    )
    .await;
    assert_eq!(revoked["consent"]["status"], "REVOKED", "{revoked}");
    assert_eq!(revoked["consent"]["note"], "Said so on the telephone.");
    assert!(revoked["consent"]["recordedBy"]["id"].is_string());
    assert_eq!(
        words(&ledger(&app, &agent, MARIA).await),
        [("REVOKED", "SMS"), ("GRANTED", "SMS")]
    );
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");

    // A form from before, found afterwards, is not the last word.
    let now: chrono::DateTime<chrono::Utc> = app.app.db.clock().now();
    let earlier = json!({ "saidAt": (now - TimeDelta::days(1)).to_rfc3339() });
    assert_eq!(
        user_errors(&consent(&agent, &point, "SMS", earlier).await),
        Vec::<&str>::new()
    );
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");
    let ahead = json!({ "saidAt": (now + TimeDelta::days(1)).to_rfc3339() });
    assert_eq!(
        user_errors(&consent(&agent, &point, "SMS", ahead).await),
        ["INVALID_INPUT"]
    );

    // A consent to offers is none to contact about a debt.
    let offers = json!({ "purpose": "MARKETING" });
    assert_eq!(
        user_errors(&consent(&agent, &point, "SMS", offers).await),
        Vec::<&str>::new()
    );
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");
    assert_eq!(
        user_errors(&consent(&agent, &point, "SMS", json!({})).await),
        Vec::<&str>::new()
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    assert_eq!(
        ledger(&app, &agent, MARIA).await.len(),
        5,
        "nothing is ever removed"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_proves_a_consent_is_sealed_with_the_persons_records() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    let given = consent(
        &agent,
        &point,
        "VOICE",
        json!({ "text": "I agree to recorded calls.", "textVersion": "2026-03", "ipAddress": "192.0.2.44",
            "userAgent": "Firefox", "note": "Form 7" }),
    )
    .await;
    assert_eq!(given["consent"]["text"], "I agree to recorded calls.", "{given}");
    assert_eq!(given["consent"]["ipAddress"], "192.0.2.44");
    let mut superuser = app.superuser().await;
    let rows = superuser
        .fetch_all("SELECT to_jsonb(c)::text, encode(evidence_cipher, 'escape') FROM consents c WHERE evidence_cipher IS NOT NULL")
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    for text in [rows[0].get::<String, _>(0), rows[0].get::<String, _>(1)] {
        assert!(
            !text.contains("192.0.2.44") && !text.contains("recorded calls"),
            "{text}"
        );
    }
    for (wrong, more) in [
        ("ipAddress", json!({ "ipAddress": "not an address" })),
        ("text", json!({ "text": " " })),
        ("channel", json!({ "channel": "EMAIL" })),
    ] {
        let refused = consent(&agent, &point, "SMS", more).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{wrong}: {refused}");
    }
    superuser
        .execute("UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE purpose = 'RECORD'")
        .await
        .unwrap();
    let left = ledger(&app, &agent, MARIA).await;
    assert_eq!(left[0]["text"], Value::Null);
    assert_eq!(left[0]["ipAddress"], Value::Null);
    assert_eq!(left[0]["status"], "GRANTED", "that they said so stays");
    app.finish().await;
}

#[tokio::test]
async fn stop_takes_every_machines_consent_back_and_start_gives_back_that_to_texts_alone() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let point = ledger(&app, &agent, JAMES).await[0]["contactPointId"].clone();
    for channel in ["VOICE", "WHATSAPP"] {
        assert_eq!(
            user_errors(&consent(&agent, &point, channel, json!({})).await),
            Vec::<&str>::new()
        );
    }
    let phone = app.acme.debtor_number(JAMES);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    app.text(&app.acme, &phone, "please stop texting me").await;
    let after = ledger(&app, &agent, JAMES).await;
    assert_eq!(after.len(), 6, "{after:?}");
    let mut taken: Vec<_> = words(&after)[..3].to_vec();
    taken.sort_unstable();
    assert_eq!(
        taken,
        [("REVOKED", "SMS"), ("REVOKED", "VOICE"), ("REVOKED", "WHATSAPP")]
    );
    assert!(after[..3].iter().all(|word| word["source"] == "TEXT"));
    send_refused(&agent, &thread, "Are you sure?").await;

    app.text(&app.acme, &phone, "START").await;
    let after = ledger(&app, &agent, JAMES).await;
    assert_eq!(words(&after)[0], ("GRANTED", "SMS"));
    assert_eq!(after.len(), 7, "no other channel comes back");
    send(&agent, &thread, "Welcome back.").await;

    // START is no consent where there was none.
    let globex = app.globex.agent().await;
    let stranger = "+13125550177";
    app.text(&app.acme, stranger, "START").await;
    let granted = "SELECT count(*) FROM consents WHERE status = 'GRANTED' AND source = 'TEXT'";
    let granted: i64 = app.superuser().await.fetch_one(granted).await.unwrap().get(0);
    assert_eq!(granted, 1);
    drop(globex);
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_on_the_telephone_stops_texts_too() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.advance(TimeDelta::minutes(1)).await;
    let revoked = act(
        &agent,
        "revokeConsent",
        "consent { status }",
        json!({ "contactPointId": point, "channel": "VOICE", "source": "CALL", "note": "No more calls, she said." }),
    )
    .await;
    assert_eq!(revoked["consent"]["status"], "REVOKED", "{revoked}");
    let stopped = ("DENY".to_owned(), "tcpa-revocation-scope".to_owned());
    assert_eq!(gate(&compliance, &maria).await, stopped);
    // Only a later yes to texts brings them back.
    app.advance(TimeDelta::minutes(1)).await;
    consent(&agent, &point, "SMS", json!({})).await;
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn a_number_that_is_taken_off_and_put_on_again_is_the_same_number() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&agent, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    app.advance(TimeDelta::minutes(1)).await;
    let input =
        json!({ "contactPointId": point, "channel": "SMS", "source": "CALL", "note": "No more texts." });
    act(&agent, "revokeConsent", "consent { status }", input).await;
    let stopped = gate(&compliance, &maria).await;
    assert_eq!(stopped.0, "DENY");

    let removed = act(&agent, "removeContactPoint", "", json!({ "id": point })).await;
    assert_eq!(user_errors(&removed), Vec::<&str>::new());
    let phone = json!({ "debtorId": debtor, "phone": app.acme.debtor_number(MARIA), "lineType": "MOBILE",
        "provenance": "CONSUMER" });
    let added = act(&agent, "addContactPoint", "contactPoint { id }", phone).await;
    assert_eq!(user_errors(&added), Vec::<&str>::new(), "{added}");
    assert_eq!(
        gate(&compliance, &maria).await,
        stopped,
        "and not only for want of a consent"
    );

    app.advance(TimeDelta::minutes(1)).await;
    consent(&agent, &added["contactPoint"]["id"], "SMS", json!({})).await;
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn a_consent_by_word_of_mouth_is_no_written_opt_in() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    let known = json!({ "textVersion": "2026-03", "ipAddress": "192.0.2.44" });
    for (source, evidence, rule) in [
        ("CALL", json!({}), Some("product-written-opt-in")),
        ("CALL", known.clone(), Some("product-written-opt-in")),
        ("OTHER", json!({}), Some("product-written-opt-in")),
        ("OTHER", known, None),
        ("CALL", json!({}), Some("product-written-opt-in")),
        ("PAPER", json!({}), None),
    ] {
        app.advance(TimeDelta::seconds(1)).await;
        let mut more = evidence;
        more["source"] = json!(source);
        let given = consent(&agent, &point, "SMS", more).await;
        assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
        let asked = gate(&compliance, &maria).await;
        match rule {
            Some(rule) => assert_eq!(asked, ("DENY".to_owned(), rule.to_owned()), "{source}"),
            None => assert_eq!(asked.0, "ALLOW", "{source}"),
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let point = ledger(&app, &agent, MARIA).await[0]["contactPointId"].clone();
    for _ in 0..4 {
        consent(&agent, &point, "SMS", json!({})).await;
    }
    let maria = app.account_id(&app.acme, MARIA).await;
    let mut after = Value::Null;
    let mut seen = Vec::new();
    loop {
        let page = agent
            .gql(
                "query($a: ID!, $after: String) { account(id: $a) { debtor { consents(first: 2, after: $after) {
                   edges { node { id } } pageInfo { hasNextPage endCursor } } } } }",
                json!({ "a": maria, "after": after }),
            )
            .await;
        let page = data(&page)["account"]["debtor"]["consents"].clone();
        seen.extend(
            page["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edge| edge["node"]["id"].clone()),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let whole: Vec<Value> = ledger(&app, &agent, MARIA)
        .await
        .iter()
        .map(|word| word["id"].clone())
        .collect();
    assert_eq!(seen, whole);
    assert_eq!(seen.len(), 5);
    app.finish().await;
}

async fn list(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: SuppressionFilter) { suppressionList(filter: $f, first: 50) { edges { node {
               id channel reason note createdBy { id } releasedAt releasedBy { id } releaseNote debtor { id } } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["suppressionList"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn an_address_on_the_business_s_own_list_is_contacted_for_nobody_until_it_is_taken_off() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let phone = app.acme.debtor_number(MARIA);
    let maria = app.account_id(&app.acme, MARIA).await;
    let listed = act(
        &agent,
        "suppressContact",
        "suppression { id channel reason note }",
        json!({ "phone": phone, "note": "Asked on the telephone." }),
    )
    .await;
    let id = listed["suppression"]["id"].clone();
    assert_eq!(listed["suppression"]["channel"], "ALL", "{listed}");
    assert_eq!(listed["suppression"]["reason"], "STAFF");
    assert_eq!(gate(&compliance, &maria).await.0, "DENY");
    let again = json!({ "phone": phone, "note": "Asked again." });
    assert_eq!(
        user_errors(&act(&agent, "suppressContact", "", again).await),
        ["CONFLICT"]
    );
    let neither = json!({ "note": "Nobody's." });
    assert_eq!(
        user_errors(&act(&agent, "suppressContact", "", neither).await),
        ["INVALID_INPUT"]
    );

    // Found by exactly the address, and by its reason; the other business has its own list.
    assert_eq!(list(&agent, json!({ "phone": phone })).await.len(), 1);
    assert_eq!(
        list(&agent, json!({ "phone": app.acme.debtor_number(JAMES) }))
            .await
            .len(),
        0
    );
    assert_eq!(list(&agent, json!({ "reason": ["OPT_OUT"] })).await.len(), 0);
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "STOP").await;
    assert_eq!(list(&agent, json!({ "reason": ["OPT_OUT"] })).await.len(), 1);
    let globex = app.globex.sign_in("manager").await;
    assert_eq!(list(&globex, json!({ "phone": phone })).await.len(), 0);

    let release = json!({ "id": id, "note": "She called and asked for texts again." });
    assert_eq!(
        error_code(&ask(&agent, "releaseSuppression", "", release.clone()).await),
        "FORBIDDEN"
    );
    let released = act(
        &compliance,
        "releaseSuppression",
        "suppression { releasedAt releaseNote }",
        release.clone(),
    )
    .await;
    assert_eq!(
        released["suppression"]["releaseNote"], "She called and asked for texts again.",
        "{released}"
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    assert_eq!(
        user_errors(&act(&compliance, "releaseSuppression", "", release).await),
        ["CONFLICT"]
    );
    assert_eq!(list(&agent, json!({ "phone": phone })).await.len(), 0);
    assert_eq!(
        list(&agent, json!({ "phone": phone, "withReleased": true }))
            .await
            .len(),
        1
    );

    // What a text brought ends with its hold.
    app.text(&app.acme, &phone, "wrong number").await;
    let wrong = list(&agent, json!({ "phone": phone })).await;
    let resting = json!({ "id": wrong[0]["id"], "note": "It is hers." });
    assert_eq!(
        user_errors(&act(&compliance, "releaseSuppression", "", resting).await),
        ["CONFLICT"]
    );
    app.finish().await;
}
