//! Settings: chosen by administrators, never looser than the rules, and read by the gate.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{UPDATE, only_error, update};
use crate::support::{
    Client, TestApp, data, error_code,
    recipes::settings_version,
    send, send_refused,
    uploads::{PNG, announce, announced, put, upload},
    user_errors,
};

const APPROVE: &str = "mutation($id: ID!) { approveContactPolicyChange(input: { id: $id }) {
  change { status decidedBy { name } } userErrors { code field message } } }";

async fn approve(client: &Client, id: &Value) -> Value {
    let answer = client.gql(APPROVE, json!({ "id": id })).await;
    data(&answer)["approveContactPolicyChange"].clone()
}

#[tokio::test]
async fn settings_are_changed_section_by_section_and_never_over_a_colleagues_change() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let all = json!({
        "company": { "legalName": "Acme Recovery LLC", "phone": "(212) 555-0199", "email": "Office@acme.example",
            "website": "https://acme.example", "address": { "line1": "1 Main Street", "state": "NY", "postalCode": "10001" } },
        "branding": { "displayName": "Acme", "color": "#1A73E8" },
        "locale": { "timeZone": "America/New_York", "languages": ["en", "es"] },
        "paymentTerms": { "maxInstallments": 12, "minInstallment": { "amount": "25.00" },
            "minDownPaymentBasisPoints": 1000, "graceDays": 5 },
        "autoResponse": { "enabled": true, "texts": [
            { "language": "en", "text": "We are back at nine." }, { "language": "es", "text": "Volvemos a las nueve." }] },
        "billingContact": { "name": "Bill Payer", "email": "bills@acme.example" },
        "expectedVersion": 0,
    });
    assert_eq!(update(&admin, all).await["userErrors"], json!([]));
    let query = "{ business { settings { version updatedAt company { legalName phone address { line1 } } branding { color }
        locale { timeZone languages } paymentTerms { maxInstallments minInstallment { amount currency } graceDays }
        autoResponse { enabled texts { language text } } billingContact { name email } sessionIdleMinutes } } }";
    let seen = admin.gql(query, json!({})).await;
    let seen = &data(&seen)["business"]["settings"];
    assert_eq!(seen["version"], 1);
    assert_eq!(
        seen["company"]["phone"], "+12125550199",
        "numbers have one spelling"
    );
    assert_eq!(seen["paymentTerms"]["minInstallment"]["amount"], "25.00");
    assert_eq!(seen["billingContact"]["email"], "bills@acme.example");

    // A section that is given replaces the whole one; what is left out stays.
    let next =
        json!({ "expectedVersion": 1, "branding": { "displayName": "Acme II" }, "billingContact": null });
    assert_eq!(update(&admin, next).await["userErrors"], json!([]));
    let seen = agent.gql(query, json!({})).await;
    let seen = &data(&seen)["business"]["settings"];
    assert_eq!(
        (&seen["branding"]["color"], &seen["billingContact"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(seen["company"]["legalName"], "Acme Recovery LLC");

    // Two who saw the same version: one changes it, whoever comes first, and the other is told.
    let same = |name: &str| json!({ "i": { "expectedVersion": 2, "branding": { "displayName": name } } });
    let (one, two) = tokio::join!(admin.gql(UPDATE, same("One")), admin.gql(UPDATE, same("Two")));
    let refused: Vec<Value> = [&one, &two]
        .iter()
        .map(|answer| data(answer)["updateBusinessSettings"].clone())
        .filter(|payload| payload["business"].is_null())
        .collect();
    let [refused] = refused.as_slice() else {
        panic!("one of two is refused: {one} {two}");
    };
    let (code, place, _) = only_error(refused);
    assert_eq!(
        (code.as_str(), place.as_str()),
        ("CONFLICT", "input.expectedVersion")
    );
    assert_eq!(settings_version(&admin).await, 3);

    // What is wrong is named, and nothing of it is kept.
    let wrong = json!({ "company": { "phone": "12" }, "locale": { "timeZone": "Mars", "languages": [] },
        "autoResponse": { "enabled": true, "texts": [] }, "sessionIdleMinutes": 31 });
    let refused = update(&admin, wrong).await;
    let places: Vec<String> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            error["field"]
                .as_array()
                .unwrap()
                .iter()
                .skip(1)
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(".")
        })
        .collect();
    assert_eq!(
        places,
        [
            "company.phone",
            "locale.timeZone",
            "locale.languages",
            "sessionIdleMinutes"
        ]
    );
    assert_eq!(settings_version(&admin).await, 3);
    for login in ["manager", "agent", "compliance"] {
        let other = app.acme.sign_in(login).await;
        let answer = other.gql(UPDATE, json!({ "i": { "expectedVersion": 3 } })).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{login}");
    }

    // The trail says from what to what, and nothing of the person who is asked about bills; nobody reads them elsewhere.
    let trail = admin
        .gql(
            "{ auditEvents(first: 1, filter: { action: \"business.settings_updated\" }) { edges { node { details } } } }",
            json!({}),
        )
        .await;
    let details = &data(&trail)["auditEvents"]["edges"][0]["node"]["details"]["changes"]["branding"];
    assert_eq!(details["from"]["display_name"], "Acme II");
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT encode(details, 'escape') FROM audit_events UNION ALL SELECT t::text FROM business_settings t")
        .await
        .unwrap();
    assert!(
        rows.iter()
            .all(|row| !row.get::<String, _>(0).contains("bills@acme"))
    );
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(settings_version(&globex).await, 0, "another business has its own");
    app.finish().await;
}

#[tokio::test]
async fn a_business_may_only_be_stricter_and_the_gate_minds_it() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    for (policy, place) in [
        (json!({ "smsPerWeek": 4 }), "smsPerWeek"),
        (json!({ "attemptsPerWeek": 19 }), "attemptsPerWeek"),
        (json!({ "contactFrom": "07:00" }), "contactFrom"),
        (
            json!({ "contactFrom": "12:00", "contactTo": "12:30" }),
            "contactFrom",
        ),
        (json!({ "contactTo": "9pm" }), "contactTo"),
        (json!({ "emailsPerWeek": -1 }), "emailsPerWeek"),
    ] {
        let refused = update(&admin, json!({ "contactPolicy": policy })).await;
        let (code, found, message) = only_error(&refused);
        assert_eq!(
            (code.as_str(), found),
            ("INVALID_INPUT", format!("input.contactPolicy.{place}"))
        );
        assert!(
            place != "smsPerWeek" || message.contains("at most 3"),
            "the limit is named: {message}"
        );
    }
    assert_eq!(settings_version(&admin).await, 0);

    // Stricter: from the next decision on, also for what waits in the queue.
    let thread = app.thread_with(&agent, &app.acme, 0).await;
    send(&agent, &thread, "A first word.").await;
    app.run_jobs().await;
    send(&agent, &thread, "A second one.").await;
    let stricter = update(&admin, json!({ "contactPolicy": { "smsPerWeek": 1 } })).await;
    assert_eq!(stricter["business"]["settings"]["contactPolicy"]["smsPerWeek"], 1);
    assert!(stricter["business"]["settings"]["pendingContactPolicyChange"].is_null());
    app.run_due_jobs().await;
    let received = app.received_by(&app.acme.debtor_number(0)).len();
    assert_eq!(
        received, 1,
        "the gate was asked again before the second one could leave"
    );
    let refused = send_refused(&agent, &thread, "A third one.").await;
    assert_eq!(refused["decision"]["rule"], "business-channel-limit");
    assert_eq!(refused["decision"]["outcome"], "DEFER");
    let other = app.thread_with(&agent, &app.acme, 1).await;
    send(&agent, &other, "To somebody else.").await;

    // Hours: noon in Chicago is outside of 14:00 to 18:00 there, and when that begins it may go.
    update(
        &admin,
        json!({ "contactPolicy": { "smsPerWeek": 1, "contactFrom": "14:00", "contactTo": "18:00" } }),
    )
    .await;
    let third = app.thread_with(&agent, &app.acme, 1).await;
    let refused = send_refused(&agent, &third, "At noon.").await;
    let rules = refused["decision"]["rules"].as_array().unwrap();
    assert!(
        rules
            .iter()
            .any(|found| found["rule"] == "business-contact-hours" && found["outcome"] == "DEFER"),
        "{refused}"
    );
    // Another business is as free as before.
    let globex = app.globex.sign_in("admin").await;
    let policy = globex
        .gql(
            "{ business { settings { contactPolicy { smsPerWeek } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&policy)["business"]["settings"]["contactPolicy"]["smsPerWeek"],
        3
    );
    app.stop().await;
}

#[tokio::test]
async fn what_loosens_the_policy_waits_for_a_compliance_officer() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    update(
        &admin,
        json!({ "contactPolicy": { "smsPerWeek": 1, "contactFrom": "10:00" } }),
    )
    .await;
    // One part is looser, one stricter: the stricter counts at once.
    let asked = update(
        &admin,
        json!({ "contactPolicy": { "smsPerWeek": 2, "contactFrom": "11:00" } }),
    )
    .await;
    let settings = &asked["business"]["settings"];
    assert_eq!(
        settings["contactPolicy"],
        json!({ "smsPerWeek": 1, "contactFrom": "11:00", "contactTo": "21:00" })
    );
    let first = settings["pendingContactPolicyChange"].clone();
    assert_eq!(
        (&first["status"], &first["policy"]["smsPerWeek"]),
        (&json!("PROPOSED"), &json!(2))
    );

    // Neither the administrator nor another business decides; a later change takes its place.
    let own = admin.gql(APPROVE, json!({ "id": first["id"] })).await;
    assert_eq!(error_code(&own), "FORBIDDEN");
    let stranger = app.globex.sign_in("compliance").await;
    assert_eq!(
        user_errors(&approve(&stranger, &first["id"]).await),
        ["NOT_FOUND"]
    );
    let again = update(&admin, json!({ "contactPolicy": { "smsPerWeek": 3 } })).await;
    let second = again["business"]["settings"]["pendingContactPolicyChange"].clone();
    assert_eq!(
        user_errors(&approve(&compliance, &first["id"]).await),
        ["CONFLICT"]
    );

    // Of an approval and a rejection at once, one counts.
    let reject =
        "mutation($id: ID!) { rejectContactPolicyChange(input: { id: $id, reason: \"Too often.\" }) {
        change { status reason } userErrors { code } } }";
    let (yes, no) = tokio::join!(
        compliance.gql(APPROVE, json!({ "id": second["id"] })),
        compliance.gql(reject, json!({ "id": second["id"] }))
    );
    let (yes, no) = (
        data(&yes)["approveContactPolicyChange"].clone(),
        data(&no)["rejectContactPolicyChange"].clone(),
    );
    let approved = yes["userErrors"] == json!([]);
    assert_ne!(approved, no["userErrors"] == json!([]), "{yes} {no}");
    let standing = admin
        .gql(
            "{ business { settings { contactPolicy { smsPerWeek contactFrom } pendingContactPolicyChange { id } } }
               contactPolicyChanges(first: 5) { edges { node { status decidedBy { name } } } } }",
            json!({}),
        )
        .await;
    let standing = data(&standing);
    let expected = if approved {
        json!({ "smsPerWeek": 3, "contactFrom": "08:00" })
    } else {
        json!({ "smsPerWeek": 1, "contactFrom": "11:00" })
    };
    assert_eq!(standing["business"]["settings"]["contactPolicy"], expected);
    assert!(standing["business"]["settings"]["pendingContactPolicyChange"].is_null());
    let states: Vec<&Value> = standing["contactPolicyChanges"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| &edge["node"]["status"])
        .collect();
    assert_eq!(
        states,
        [if approved { "APPROVED" } else { "REJECTED" }, "SUPERSEDED"]
    );
    assert_eq!(app.audited("contact_policy.tightened").await, 2);
    assert_eq!(app.audited("contact_policy.proposed").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_business_lowers_how_long_its_sessions_may_go_unused() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (agent, other) = (app.acme.agent().await, app.globex.agent().await);
    assert_eq!(
        update(&admin, json!({ "sessionIdleMinutes": 15 })).await["userErrors"],
        json!([])
    );
    app.wall.advance(TimeDelta::minutes(16));
    let refresh = "mutation($t: String!) { refreshSession(input: { refreshToken: $t }) { session { accessToken } userErrors { code } } }";
    for (client, goes_on) in [(&agent, false), (&other, true)] {
        let answer = app
            .anonymous()
            .gql(refresh, json!({ "t": client.refresh_token }))
            .await;
        let payload = &data(&answer)["refreshSession"];
        assert_eq!(payload["session"].is_object(), goes_on, "{payload}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_business_has_a_logo_and_its_own_size_of_documents() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let set = async |client: &Client, upload: &str| {
        let answer = client
            .gql(
                "mutation($u: ID!) { setBusinessLogo(input: { uploadId: $u }) { business { settings { logoUrl } } userErrors { code field } } }",
                json!({ "u": upload }),
            )
            .await;
        data(&answer)["setBusinessLogo"].clone()
    };
    // A picture by its content, and the business's to choose.
    let (_, url) = announced(&admin, "BUSINESS_LOGO", "logo.png", 20).await;
    assert_eq!(put(&admin, &url, b"<svg onload=alert(1)").await.0, 415);
    let photo = upload(&admin, "PROFILE_PHOTO", "me.png", PNG).await;
    assert_eq!(only_error(&set(&admin, &photo).await).0, "INVALID_INPUT");
    let first = upload(&admin, "BUSINESS_LOGO", "logo.png", PNG).await;
    let chosen = set(&admin, &first).await;
    let shown = chosen["business"]["settings"]["logoUrl"]
        .as_str()
        .unwrap_or_else(|| panic!("{chosen}"));
    let answer = agent.http().get(shown).send().await.unwrap();
    assert_eq!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .split(';')
            .next(),
        Some("inline")
    );
    assert!(answer.bytes().await.unwrap() == PNG);
    let second = upload(&admin, "BUSINESS_LOGO", "new.png", PNG).await;
    assert_eq!(set(&admin, &second).await["userErrors"], json!([]));
    assert_eq!(
        agent.http().get(shown).send().await.unwrap().status(),
        410,
        "the one before is destroyed"
    );
    let query = "{ business { settings { logoUrl documentMaxBytes } } }";
    let seen = agent.gql(query, json!({})).await;
    assert!(data(&seen)["business"]["settings"]["logoUrl"].is_string());
    let gone = admin
        .gql(
            "mutation { removeBusinessLogo { business { settings { logoUrl } } userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&gone)["removeBusinessLogo"],
        json!({ "business": { "settings": { "logoUrl": null } }, "userErrors": [] })
    );

    // Documents are as large as the business says.
    let size = |payload: &Value| user_errors(payload).first().map(|code| (*code).to_owned());
    let eleven = 11 * 1024 * 1024;
    assert_eq!(
        size(&announce(&agent, "DOCUMENT", "a.pdf", eleven).await).as_deref(),
        Some("INVALID_INPUT")
    );
    let larger = update(&admin, json!({ "documentMaxBytes": eleven })).await;
    assert_eq!(larger["userErrors"], json!([]));
    assert_eq!(size(&announce(&agent, "DOCUMENT", "a.pdf", eleven).await), None);
    let seen = agent.gql(query, json!({})).await;
    assert_eq!(data(&seen)["business"]["settings"]["documentMaxBytes"], eleven);
    for wrong in [1_048_575, 52_428_801, -1] {
        let refused = update(&admin, json!({ "documentMaxBytes": wrong })).await;
        let (code, place, _) = only_error(&refused);
        assert_eq!(
            (code.as_str(), place.as_str()),
            ("INVALID_INPUT", "input.documentMaxBytes")
        );
    }
    update(&admin, json!({ "documentMaxBytes": null })).await;
    let seen = agent.gql(query, json!({})).await;
    assert_eq!(
        data(&seen)["business"]["settings"]["documentMaxBytes"],
        10 * 1024 * 1024
    );
    app.finish().await;
}
