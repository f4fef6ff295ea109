//! Numbers and addresses: what is known of them, and what the gate makes of that.

use funnelchat::{
    accounts::Channel,
    compliance::{Author, ConsentSource, Contact, NewConsent, explain, record_consent},
    platform::ids::{self, IdKind},
};
use serde_json::{Value, json};

use super::{debtor, debtor_of, done};
use crate::{
    account_work::{
        MARIA, account, act,
        holds::{JAMES, gate},
    },
    support::{Client, TestApp, data, recipes::uuid_of, send, send_refused, user_errors},
};

const POINTS: &str = "contactPoints { id kind value lineType use label provenance validity validitySince
  validityBy { id } sharedWith unreachable }";

async fn phones(client: &Client, id: &Value) -> Vec<String> {
    let points = debtor(client, id, POINTS).await["contactPoints"].clone();
    let phones = points.as_array().unwrap().iter();
    phones
        .filter(|point| point["kind"] == "PHONE")
        .map(|point| point["value"].as_str().unwrap().to_owned())
        .collect()
}

async fn point_with(client: &Client, id: &Value, value: &str) -> Value {
    let points = debtor(client, id, POINTS).await["contactPoints"].clone();
    let found = points
        .as_array()
        .unwrap()
        .iter()
        .find(|point| point["value"] == value);
    found.cloned().unwrap_or_else(|| panic!("{value}: {points}"))
}

/// The rule that settles whether Maria may be contacted so.
async fn explained(app: &TestApp, maria: &Value, channel: Channel, recipient: &str) -> String {
    let ctx = app.service_ctx(&app.acme).await;
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ctx.business_id())
        .await
        .unwrap();
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let contact = Contact {
        debtor_id: uuid_of(maria.as_str().unwrap()),
        account_id: Some(uuid_of(&app.account_id(&app.acme, MARIA).await)),
        channel,
        recipient,
        content: "Hello.",
        in_reply_to: None,
        mode: None,
        author: Author::Unknown,
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    explain(&mut tx, &keys, &contact).await.unwrap().unwrap().rule
}

#[tokio::test]
async fn a_person_has_several_numbers_in_order_each_with_what_is_known_of_it() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let (maria, james) = (
        debtor_of(&app, &admin, MARIA).await,
        debtor_of(&app, &admin, JAMES).await,
    );
    let (first, shared) = (app.acme.debtor_number(MARIA), app.acme.debtor_number(JAMES));
    assert_eq!(phones(&agent, &maria).await, [first.as_str()]);

    let added = done(
        &agent,
        "addContactPoint",
        &format!("contactPoint {{ id lineType use label provenance validity sharedWith }} debtor {{ {POINTS} }}"),
        json!({ "debtorId": maria, "phone": shared, "lineType": "MOBILE", "use": "HOME", "label": " husband's ",
            "provenance": "CONSUMER", "isFirst": true }),
    )
    .await;
    let point = &added["contactPoint"];
    assert_eq!(
        *point,
        json!({ "id": point["id"], "lineType": "MOBILE", "use": "HOME", "label": "husband's",
            "provenance": "CONSUMER", "validity": "UNVERIFIED", "sharedWith": 1 })
    );
    assert_eq!(added["debtor"]["contactPoints"][0]["id"], point["id"], "{added}");
    assert_eq!(phones(&agent, &maria).await, [shared.clone(), first.clone()]);
    assert_eq!(point_with(&admin, &james, &shared).await["sharedWith"], 1);

    // Once, also of two at the same moment, and in whatever spelling.
    let again = json!({ "debtorId": maria, "phone": "(646) 555-0301" });
    let (one, two) = tokio::join!(
        act(&admin, "addContactPoint", "contactPoint { id }", again.clone()),
        act(&agent, "addContactPoint", "contactPoint { id }", again)
    );
    let codes = [user_errors(&one), user_errors(&two)];
    assert!(
        codes.contains(&vec!["CONFLICT"]) && codes.contains(&Vec::new()),
        "{one} {two}"
    );
    for (wrong, field) in [
        (json!({ "debtorId": maria }), "phone"),
        (
            json!({ "debtorId": maria, "phone": "+16465550302", "email": "a@b.example" }),
            "phone",
        ),
        (
            json!({ "debtorId": maria, "email": "a@b.example", "lineType": "MOBILE" }),
            "lineType",
        ),
        (
            json!({ "debtorId": maria, "email": "a@b.example", "label": "x".repeat(51) }),
            "label",
        ),
    ] {
        let refused = act(&admin, "addContactPoint", "contactPoint { id }", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", field]));
    }

    // What is removed leaves no gap, is found no more, and can be added anew.
    done(
        &agent,
        "removeContactPoint",
        "debtor { id }",
        json!({ "id": point["id"] }),
    )
    .await;
    assert_eq!(
        phones(&agent, &maria).await,
        [first.clone(), "+16465550301".to_owned()]
    );
    let gone = json!({ "id": point["id"] });
    for mutation in ["removeContactPoint", "updateContactPoint"] {
        assert_eq!(
            user_errors(&act(&agent, mutation, "", gone.clone()).await),
            ["NOT_FOUND"]
        );
    }
    let found = admin
        .gql(
            "query($q: String!) { debtors(first: 9, search: $q) { edges { node { id } } } }",
            json!({ "q": shared }),
        )
        .await;
    assert_eq!(
        data(&found)["debtors"]["edges"],
        json!([{ "node": { "id": james } }])
    );
    for nth in 3..=20 {
        let next = json!({ "debtorId": maria, "phone": format!("+16465550{:03}", 310 + nth) });
        done(&admin, "addContactPoint", "contactPoint { id }", next).await;
    }
    let many = act(
        &admin,
        "addContactPoint",
        "",
        json!({ "debtorId": maria, "phone": shared }),
    )
    .await;
    assert_eq!(user_errors(&many), ["INVALID_INPUT"], "twenty are enough");
    assert_eq!(app.audited("contact_point.added").await, 20);
    assert_eq!(app.audited("contact_point.removed").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn nobody_is_contacted_at_a_number_that_reaches_somebody_else() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let (account_id, maria) = (
        app.account_id(&app.acme, MARIA).await,
        debtor_of(&app, &agent, MARIA).await,
    );
    let number = app.acme.debtor_number(MARIA);
    let point = point_with(&agent, &maria, &number).await["id"].clone();
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let mark = async |validity: &str| {
        let input = json!({ "id": point, "validity": validity });
        done(
            &agent,
            "updateContactPoint",
            "contactPoint { validity validitySince validityBy { id } }",
            input,
        )
        .await["contactPoint"]
            .clone()
    };
    // Marked while a message waits: it is stopped at the last moment.
    let waiting = send(&agent, &thread, "Can we talk about your balance?").await;
    let marked = mark("WRONG_NUMBER").await;
    assert!(
        marked["validitySince"].is_string() && marked["validityBy"]["id"].is_string(),
        "{marked}"
    );
    app.run_jobs().await;
    assert_eq!(app.status(&waiting).await, "BLOCKED");
    assert_eq!(app.received_by(&number).len(), 0);
    for (validity, rule) in [
        ("WRONG_NUMBER", "reg-f-third-party"),
        ("REASSIGNED", "tcpa-reassigned-number"),
    ] {
        mark(validity).await;
        let refused = send_refused(&agent, &thread, "Can we talk about your balance?").await;
        assert_eq!(refused["decision"]["rule"], rule, "{refused}");
        let called = explained(&app, &maria, Channel::Voice, &number).await;
        assert_eq!(called, "reg-f-third-party", "nor is it called");
        assert_eq!(gate(&compliance, &account_id).await.0, "DENY");
        let shown = account(&agent, &account_id, "phone").await;
        assert_eq!(shown["phone"], Value::Null, "it is not offered any more");
    }
    mark("UNVERIFIED").await;
    assert_eq!(gate(&compliance, &account_id).await.0, "ALLOW");

    // Known from another person's record: it counts here too, until it is known to be right.
    let james = debtor_of(&app, &agent, JAMES).await;
    let wrong = done(
        &agent,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": james, "phone": number, "validity": "WRONG_NUMBER" }),
    )
    .await;
    let third_party = ("DENY".to_owned(), "reg-f-third-party".to_owned());
    assert_eq!(gate(&compliance, &account_id).await, third_party);
    let gone = json!({ "id": wrong["contactPoint"]["id"] });
    done(&agent, "removeContactPoint", "debtor { id }", gone).await;
    assert_eq!(
        gate(&compliance, &account_id).await,
        third_party,
        "who takes it off the record does not make it right"
    );
    mark("VALID").await;
    assert_eq!(gate(&compliance, &account_id).await.0, "ALLOW");
    // A text cannot reach a landline, and nothing is sent where the employer reads it.
    let landline = json!({ "id": point, "lineType": "LANDLINE" });
    done(&agent, "updateContactPoint", "contactPoint { id }", landline).await;
    let started = app.start_with_message(&agent, &account_id, "Hello?").await;
    assert_eq!(user_errors(&started), ["CONFLICT"], "{started}");
    let at_work = json!({ "id": point, "lineType": "MOBILE", "use": "WORK" });
    done(&agent, "updateContactPoint", "contactPoint { id }", at_work).await;
    assert_eq!(
        gate(&compliance, &account_id).await,
        ("DENY".to_owned(), "reg-f-workplace-prohibited".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn an_employers_address_is_not_written_to_without_the_persons_own_consent() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = debtor_of(&app, &admin, MARIA).await;
    let added = done(
        &admin,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": maria, "email": "maria@employer.example", "use": "WORK" }),
    )
    .await;
    let point = added["contactPoint"]["id"].clone();
    let ask = async || explained(&app, &maria, Channel::Email, "maria@employer.example").await;
    assert_eq!(ask().await, "reg-f-work-email");
    let ctx = app.service_ctx(&app.acme).await;
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ctx.business_id())
        .await
        .unwrap();
    let point_id = ids::decode(IdKind::ContactPoint, point.as_str().unwrap()).unwrap();
    let consent = NewConsent::granted(point_id, Channel::Email, ConsentSource::Paper);
    record_consent(&mut tx, &keys, consent).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(ask().await, "reg-f-work-email", "the person wants it there");
    // Removed, it takes its consent along; added anew, it has none.
    done(
        &admin,
        "removeContactPoint",
        "debtor { id }",
        json!({ "id": point }),
    )
    .await;
    done(
        &admin,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": maria, "email": "maria@employer.example", "use": "WORK" }),
    )
    .await;
    assert_eq!(ask().await, "reg-f-work-email");
    app.finish().await;
}
