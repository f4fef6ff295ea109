//! The validation notice, from what is missing for it to what the gate makes of it once it was provided, or came back.

use chrono::{NaiveDate, TimeDelta};
use funnelchat::{
    accounts::Channel,
    compliance::{ConsentPurpose, ConsentSource, NewConsent, record_consent},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{
        MARIA, account, act, ask,
        holds::{JAMES, gate},
    },
    support::{Client, TestApp, data, error_code, recipes::uuid_of, user_errors},
};

const NOTICE: &str = "notice { id status language itemizationDate itemizationEvent amountOnItemizationDate { amount }
    interest { amount } payments { amount } currentAmount { amount } provideBy periodEndsOn pdfUrl pageUrl pdfSha256 method
    providedAt assumedReceivedOn returnedAt generatedBy { id } recordedBy { id } returnRecordedBy { id } account { id } }";

const RULE: &str = "reg-f-validation-notice";

/// Maria's account, with everything that a notice needs but what `without` names.
async fn prepared(app: &TestApp, admin: &Client, without: &[&str]) -> String {
    let id = app.account_id(&app.acme, MARIA).await;
    if !without.contains(&"company") {
        company(admin, Some("disputes@acme.example")).await;
    }
    let seen = account(admin, &id, "debtor { id address { postalCode } }").await;
    let debtor = &seen["debtor"];
    if !without.contains(&"address") {
        let address = json!({ "line1": "7 Elm Street", "line2": "Apt 3", "city": "New York", "state": "NY",
            "postalCode": debtor["address"]["postalCode"] });
        let changed = act(
            admin,
            "updateDebtor",
            "debtor { id }",
            json!({ "id": debtor["id"], "address": address }),
        )
        .await;
        assert_eq!(user_errors(&changed), none(), "{changed}");
    }
    if !without.contains(&"account") {
        let creditor = act(
            admin,
            "createCreditor",
            "creditor { id }",
            json!({ "name": "Main Street Funding" }),
        )
        .await;
        let change = json!({ "id": id, "creditorId": creditor["creditor"]["id"], "balanceComponents": {
            "principal": { "amount": "1200.00" }, "interest": { "amount": "50.50" },
            "itemizationDate": "2026-01-31", "itemizationEvent": "CHARGE_OFF" } });
        let changed = act(admin, "updateAccount", "account { id }", change).await;
        assert_eq!(user_errors(&changed), none(), "{changed}");
    }
    id
}

async fn company(admin: &Client, email: Option<&str>) {
    let seen = admin
        .gql("{ business { settings { version } } }", json!({}))
        .await;
    let company = json!({ "legalName": "Acme Recovery, LLC", "email": email, "phone": "+12125550100", "address": {
        "line1": "P.O. Box 123456", "city": "Pasadena", "state": "CA", "postalCode": "91111" } });
    let input =
        json!({ "expectedVersion": data(&seen)["business"]["settings"]["version"], "company": company });
    let set = act(admin, "updateBusinessSettings", "business { id }", input).await;
    assert_eq!(user_errors(&set), none(), "{set}");
}

/// Generates a notice that must be taken, and waits for its files.
async fn generated(app: &TestApp, client: &Client, account: &str, more: Value) -> Value {
    let mut input = json!({ "accountId": account });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    let queued = act(client, "generateValidationNotice", NOTICE, input).await;
    assert_eq!(user_errors(&queued), none(), "{queued}");
    assert_eq!(queued["notice"]["status"], "QUEUED");
    assert!(queued["notice"]["pdfUrl"].is_null() && queued["notice"]["pdfSha256"].is_null());
    app.run_jobs().await;
    let ready = read(client, &queued["notice"]["id"]).await;
    assert_eq!(ready["status"], "READY", "{ready}");
    ready
}

async fn read(client: &Client, id: &Value) -> Value {
    let document = format!(
        "query($id: ID!) {{ validationNotice(id: $id) {{ {} }} }}",
        fields()
    );
    data(&client.gql(&document, json!({ "id": id })).await)["validationNotice"].clone()
}

fn fields() -> &'static str {
    NOTICE
        .strip_prefix("notice { ")
        .unwrap()
        .strip_suffix(" }")
        .unwrap()
}

async fn provide(client: &Client, notice: &Value, more: Value) -> Value {
    let mut input = json!({ "noticeId": notice["id"], "method": "MAIL" });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    act(client, "recordValidationNoticeProvided", NOTICE, input).await
}

async fn returned(client: &Client, notice: &Value) -> Value {
    act(
        client,
        "recordValidationNoticeReturned",
        NOTICE,
        json!({ "noticeId": notice["id"] }),
    )
    .await
}

async fn download(client: &Client, url: &Value) -> reqwest::Response {
    client
        .http()
        .get(url.as_str().expect("a link"))
        .send()
        .await
        .unwrap()
}

/// The words that a PDF shows, without blanks: the operands of `Tj`.
fn words_of_pdf(bytes: &[u8]) -> String {
    let latin: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let strings = latin.lines().filter_map(|line| line.strip_suffix(" Tj"));
    strings
        .map(|operand| {
            let inner = operand
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'));
            inner.unwrap_or(operand).replace('\\', "")
        })
        .collect()
}

/// Somebody was told of the debt six days ago, and had no notice.
async fn told_without_notice(app: &TestApp, account: &str) {
    let sql = "UPDATE accounts SET initial_communication_on = '2026-06-04', validation_notice_on = NULL,
                   validation_period_ends_on = NULL WHERE id = $1";
    let told = sqlx::query(sql).bind(uuid_of(account));
    assert_eq!(
        app.superuser().await.execute(told).await.unwrap().rows_affected(),
        1
    );
}

/// What the account says to the gate: first communication, notice, end of the period.
async fn dates(app: &TestApp, account: &str) -> [Option<String>; 3] {
    let sql = "SELECT initial_communication_on, validation_notice_on, validation_period_ends_on FROM accounts WHERE id = $1";
    let row = app
        .superuser()
        .await
        .fetch_one(sqlx::query(sql).bind(uuid_of(account)))
        .await
        .unwrap();
    [0, 1, 2].map(|nth| row.get::<Option<NaiveDate>, _>(nth).map(|date| date.to_string()))
}

fn said(initial: Option<&str>, notice: Option<&str>, end: Option<&str>) -> [Option<String>; 3] {
    [initial, notice, end].map(|date| date.map(str::to_owned))
}

async fn due(client: &Client) -> Vec<Value> {
    let document = "{ validationNoticesDue(first: 10) { edges { node {
        account { id } initialCommunicationOn dueOn isOverdue } } } }";
    let answer = client.gql(document, json!({})).await;
    let edges = data(&answer)["validationNoticesDue"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

fn none() -> Vec<&'static str> {
    Vec::new()
}

#[tokio::test]
async fn a_debt_whose_notice_is_overdue_is_contacted_again_once_it_was_provided_and_not_once_it_came_back() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let compliance = app.acme.sign_in("compliance").await;
    let maria = prepared(&app, &admin, &[]).await;
    told_without_notice(&app, &maria).await;
    assert_eq!(
        gate(&compliance, &maria).await,
        ("DENY".to_owned(), RULE.to_owned())
    );
    assert_eq!(
        due(&compliance).await,
        [
            json!({ "account": { "id": maria }, "initialCommunicationOn": "2026-06-04", "dueOn": "2026-06-09",
            "isOverdue": true })
        ]
    );
    let refused = ask(
        &agent,
        "generateValidationNotice",
        "",
        json!({ "accountId": maria }),
    )
    .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");

    let notice = generated(&app, &compliance, &maria, json!({})).await;
    assert_eq!(
        (&notice["language"], &notice["provideBy"], &notice["periodEndsOn"]),
        (&json!("EN"), &json!("2026-06-10"), &json!("2026-07-17")),
        "five days without a weekend and Juneteenth, and thirty"
    );
    assert_eq!(notice["itemizationEvent"], "CHARGE_OFF");
    assert_eq!(notice["amountOnItemizationDate"]["amount"], "1250.50");
    assert_eq!(notice["currentAmount"]["amount"], "1250.50");
    assert!(notice["generatedBy"]["id"].is_string() && notice["account"]["id"] == maria.as_str());

    let pdf = download(&compliance, &notice["pdfUrl"]).await;
    assert_eq!(pdf.status(), StatusCode::OK);
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    let bytes = pdf.bytes().await.unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(notice["pdfSha256"], hash);
    let words = words_of_pdf(&bytes);
    for text in [
        "Acme Recovery, LLC is a debt collector.",
        "P.O. Box 123456",
        "Pasadena, CA 91111",
        "Maria Alvarez",
        "7 Elm Street",
        "account with First Example Bank with account number ****0001",
        "you owe to Main Street Funding",
        "As of January 31, 2026, you owed: $1,250.50",
        "Total amount of the debt now: $1,250.50",
        "by July 17, 2026",
        "We accept disputes electronically at disputes@acme.example.",
        "This is not my debt.",
        notice["id"].as_str().unwrap(),
    ] {
        let bare: String = text.split_whitespace().collect();
        assert!(words.contains(&bare), "{text}: {words}");
    }
    let page = download(&compliance, &notice["pageUrl"]).await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        page.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("inline")
    );
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<td>$1,250.50</td>") && page.contains("July 17, 2026"),
        "{page}"
    );

    assert_eq!(
        gate(&compliance, &maria).await.0,
        "DENY",
        "written is not provided"
    );
    assert_eq!(user_errors(&returned(&compliance, &notice).await), ["CONFLICT"]);
    let provided = provide(&compliance, &notice, json!({})).await;
    assert_eq!(user_errors(&provided), none(), "{provided}");
    let provided = &provided["notice"];
    assert_eq!(provided["status"], "PROVIDED");
    assert_eq!(provided["assumedReceivedOn"], "2026-06-17");
    assert!(provided["recordedBy"]["id"].is_string());
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-06-04"), Some("2026-06-10"), Some("2026-07-17"))
    );
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    assert_eq!(due(&compliance).await, Vec::<Value>::new());
    assert_eq!(
        user_errors(&provide(&compliance, &notice, json!({})).await),
        ["CONFLICT"],
        "what is sent again is a new notice"
    );

    app.advance(TimeDelta::days(1)).await;
    let compliance = app.acme.sign_in("compliance").await;
    let again = generated(&app, &compliance, &maria, json!({ "language": "ES" })).await;
    assert_eq!(
        user_errors(&provide(&compliance, &again, json!({ "method": "IN_PERSON" })).await),
        none()
    );
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-06-04"), Some("2026-06-11"), Some("2026-07-18")),
        "the period begins anew"
    );
    assert_eq!(
        user_errors(&returned(&compliance, &again).await),
        ["CONFLICT"],
        "nobody returns what was handed over"
    );
    let back = returned(&compliance, &notice).await;
    assert_eq!(user_errors(&back), none(), "{back}");
    assert_eq!(back["notice"]["status"], "RETURNED");
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-06-04"), Some("2026-06-11"), Some("2026-07-18")),
        "the other one stands"
    );
    assert_eq!(user_errors(&returned(&compliance, &notice).await), ["CONFLICT"]);

    // One of which the other is taken back too.
    let third = generated(&app, &compliance, &maria, json!({})).await;
    assert_eq!(
        user_errors(&provide(&compliance, &third, json!({})).await),
        none()
    );
    let sql = "UPDATE validation_notices SET status = 'RETURNED', returned_at = provided_at, return_recorded_at = provided_at
               WHERE id = $1";
    let handed = uuid_of(again["id"].as_str().unwrap());
    app.superuser()
        .await
        .execute(sqlx::query(sql).bind(handed))
        .await
        .unwrap();
    assert_eq!(user_errors(&returned(&compliance, &third).await), none());
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-06-04"), None, None),
        "as before the first"
    );
    assert_eq!(
        gate(&compliance, &maria).await,
        ("DENY".to_owned(), RULE.to_owned())
    );
    assert_eq!(due(&compliance).await.len(), 1);
    let agent = app.acme.agent().await;
    let listed = account(&agent, &maria, "validationNotices { id status }").await;
    let statuses: Vec<&str> = listed["validationNotices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["RETURNED", "RETURNED", "RETURNED"]);
    for (act, times) in [("generated", 3), ("written", 3), ("provided", 3), ("returned", 2)] {
        assert_eq!(
            app.audited(&format!("validation_notice.{act}")).await,
            times,
            "{act}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_missing_is_told_at_once_with_where_to_enter_it_and_nothing_is_written() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let maria = prepared(&app, &admin, &["company", "address", "account"]).await;
    let refused = act(
        &compliance,
        "generateValidationNotice",
        NOTICE,
        json!({ "accountId": maria }),
    )
    .await;
    let told: Vec<&str> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["message"].as_str().unwrap())
        .collect();
    for (what, paragraph, place) in [
        (
            "the business's postal address",
            "1006.34(c)(2)(i)",
            "updateBusinessSettings(company)",
        ),
        (
            "the city of the consumer's address",
            "1006.34(c)(2)(ii)",
            "updateDebtor(address)",
        ),
        (
            "the creditor to whom the debt is owed now",
            "1006.34(c)(2)(v)",
            "updateAccount(creditorId)",
        ),
        (
            "creditor to whom the debt was owed on the itemization date",
            "1006.34(c)(2)(iii)",
            "creditorOnItemizationDate",
        ),
        (
            "the itemization date with the amount",
            "1006.34(c)(2)(vi)",
            "updateAccount(balanceComponents)",
        ),
    ] {
        let found = told.iter().filter(|message| message.contains(what));
        let found: Vec<&&str> = found.collect();
        assert_eq!(found.len(), 1, "{what}: {told:?}");
        assert!(
            found[0].contains(paragraph) && found[0].contains(place),
            "{found:?}"
        );
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(refused["notice"].is_null());
    let counted = "SELECT (SELECT count(*) FROM validation_notices) + (SELECT count(*) FROM files WHERE purpose = 'LEGAL_NOTICE') AS c";
    let row = app.superuser().await.fetch_one(counted).await.unwrap();
    assert_eq!(row.get::<i64, _>("c"), 0, "nothing half-made");

    prepared(&app, &admin, &[]).await;
    // A statement may have been a later creditor's: then somebody has to say whose.
    let change = json!({ "id": maria, "balanceComponents": { "principal": { "amount": "1250.50" },
        "itemizationDate": "2026-01-31", "itemizationEvent": "LAST_STATEMENT" } });
    assert_eq!(
        user_errors(&act(&admin, "updateAccount", "", change).await),
        none()
    );
    let refused = act(
        &compliance,
        "generateValidationNotice",
        "",
        json!({ "accountId": maria }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"], "{refused}");
    let named = json!({ "creditorOnItemizationDate": "Second Bank", "language": "ES" });
    let notice = generated(&app, &compliance, &maria, named).await;
    let page = download(&compliance, &notice["pageUrl"])
        .await
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("cuenta con Second Bank") && page.contains("lang=\"es\""),
        "{page}"
    );

    for (wrong, code, field) in [
        (json!({ "provideBy": "2026-06-09" }), "INVALID_INPUT", "provideBy"),
        (json!({ "provideBy": "2026-07-11" }), "INVALID_INPUT", "provideBy"),
        (
            json!({ "creditorOnItemizationDate": "銀行" }),
            "CONFLICT",
            "accountId",
        ),
        (
            json!({ "creditorOnItemizationDate": " " }),
            "INVALID_INPUT",
            "creditorOnItemizationDate",
        ),
    ] {
        let mut input = json!({ "accountId": maria });
        for (key, value) in wrong.as_object().unwrap() {
            input[key] = value.clone();
        }
        let refused = act(&compliance, "generateValidationNotice", "", input).await;
        assert_eq!(user_errors(&refused), [code], "{refused}");
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", field]),
            "{refused}"
        );
    }
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let hold = json!({ "debtorId": debtor, "kind": "DECEASED", "reason": "A letter said so." });
    act(&compliance, "setHold", "", hold).await;
    let refused = act(
        &compliance,
        "generateValidationNotice",
        "",
        json!({ "accountId": maria }),
    )
    .await;
    assert_eq!(
        user_errors(&refused),
        ["CONFLICT"],
        "it goes to whoever acts for the estate"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_email_after_the_first_word_needs_the_persons_own_consent_to_electronic_notices() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let maria = prepared(&app, &admin, &["company"]).await;
    company(&admin, None).await;
    let points = account(&admin, &maria, "debtor { contactPoints { id kind } }").await;
    let points = points["debtor"]["contactPoints"].as_array().unwrap().clone();
    let of_kind = |kind: &str| points.iter().find(|point| point["kind"] == kind).unwrap()["id"].clone();
    let (email, phone) = (of_kind("EMAIL"), of_kind("PHONE"));
    let by_email = |point: &Value| json!({ "method": "EMAIL", "contactPointId": point });

    let mute = generated(&app, &compliance, &maria, json!({})).await;
    assert_eq!(
        user_errors(&provide(&compliance, &mute, by_email(&email)).await),
        ["CONFLICT"],
        "it does not say how to dispute electronically"
    );
    company(&admin, Some("disputes@acme.example")).await;
    let notice = generated(&app, &compliance, &maria, json!({})).await;
    let nowhere = provide(&compliance, &notice, json!({ "method": "EMAIL" })).await;
    assert_eq!(user_errors(&nowhere), ["INVALID_INPUT"]);
    assert_eq!(
        user_errors(&provide(&compliance, &notice, by_email(&phone)).await),
        ["NOT_FOUND"]
    );
    let blocked = async |rule: &str| {
        let refused = provide(&compliance, &notice, by_email(&email)).await;
        assert_eq!(user_errors(&refused), ["COMPLIANCE_BLOCKED"], "{refused}");
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(rule), "{message}");
    };
    blocked("reg-f-sending-disclosures").await;
    let consent = async |more: Value| {
        let mut input = json!({ "contactPointId": email, "channel": "EMAIL", "purpose": "ELECTRONIC_NOTICES",
            "source": "WEB_FORM" });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        let recorded = act(&compliance, "recordConsent", "", input).await;
        assert_eq!(user_errors(&recorded), none(), "{recorded}");
    };
    consent(json!({ "text": "Yes.", "givenDirectly": false })).await;
    blocked("reg-f-sending-disclosures").await;
    // One of which nobody wrote down what was shown before it.
    let wordless = NewConsent {
        purpose: ConsentPurpose::ElectronicNotices,
        ..NewConsent::granted(
            uuid_of(email.as_str().unwrap()),
            Channel::Email,
            ConsentSource::Call,
        )
    };
    let ctx = app.service_ctx(&app.acme).await;
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ctx.business_id())
        .await
        .unwrap();
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    record_consent(&mut tx, &keys, wordless).await.unwrap();
    tx.commit().await.unwrap();
    blocked("esign-consent").await;
    consent(json!({ "text": "You may have paper instead, and withdraw at any time." })).await;
    let provided = provide(&compliance, &notice, by_email(&email)).await;
    assert_eq!(user_errors(&provided), none(), "{provided}");
    assert_eq!(provided["notice"]["method"], "EMAIL");
    let bounced = returned(&compliance, &notice).await;
    assert_eq!(user_errors(&bounced), none(), "{bounced}");
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-04-11"), Some("2026-04-11"), Some("2026-05-16")),
        "what the account said before any notice was written here"
    );

    // The first word itself may carry it.
    let sql = "UPDATE accounts SET initial_communication_on = NULL, validation_notice_on = NULL, validation_period_ends_on = NULL
               WHERE id = $1";
    app.superuser()
        .await
        .execute(sqlx::query(sql).bind(uuid_of(&maria)))
        .await
        .unwrap();
    let revoked = json!({ "contactPointId": email, "channel": "EMAIL", "purpose": "ELECTRONIC_NOTICES", "source": "EMAIL" });
    assert_eq!(
        user_errors(&act(&compliance, "revokeConsent", "", revoked).await),
        none()
    );
    let first = generated(&app, &compliance, &maria, json!({})).await;
    assert_eq!(
        user_errors(&provide(&compliance, &first, by_email(&email)).await),
        none()
    );
    assert_eq!(dates(&app, &maria).await[0].as_deref(), Some("2026-06-10"));
    app.finish().await;
}

#[tokio::test]
async fn the_printed_end_holds_over_holidays_or_the_notice_is_not_the_one_that_was_provided() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = prepared(&app, &admin, &[]).await;
    app.advance(TimeDelta::days(22)).await;
    let admin = app.acme.sign_in("admin").await;
    let july = generated(&app, &admin, &maria, json!({})).await;
    let provided = provide(&admin, &july, json!({})).await;
    assert_eq!(
        (
            &provided["notice"]["assumedReceivedOn"],
            &provided["notice"]["periodEndsOn"]
        ),
        (&json!("2026-07-10"), &json!("2026-08-09")),
        "4 July is a Saturday, observed on the day before"
    );
    app.advance(TimeDelta::days(64)).await;
    let admin = app.acme.sign_in("admin").await;
    let early = generated(&app, &admin, &maria, json!({})).await;
    let planned = generated(&app, &admin, &maria, json!({ "provideBy": "2026-09-10" })).await;
    assert_eq!(early["periodEndsOn"], "2026-10-14");
    let ahead = json!({ "providedAt": "2026-09-05T12:00:00Z" });
    assert_eq!(
        user_errors(&provide(&admin, &early, ahead).await),
        ["INVALID_INPUT"]
    );
    let before = json!({ "providedAt": "2026-09-03T12:00:00Z" });
    assert_eq!(
        user_errors(&provide(&admin, &early, before).await),
        ["INVALID_INPUT"]
    );
    let provided = provide(&admin, &early, json!({ "providedAt": "2026-09-04T00:00:00Z" })).await;
    assert_eq!(
        (
            &provided["notice"]["assumedReceivedOn"],
            &provided["notice"]["periodEndsOn"]
        ),
        (&json!("2026-09-14"), &json!("2026-10-14")),
        "Labor Day is left out"
    );
    let late = generated(&app, &admin, &maria, json!({})).await;
    app.advance(TimeDelta::days(5)).await;
    let admin = app.acme.sign_in("admin").await;
    let refused = provide(&admin, &late, json!({})).await;
    assert_eq!(
        user_errors(&refused),
        ["CONFLICT"],
        "its end is too early by now: {refused}"
    );
    let provided = provide(&admin, &planned, json!({})).await;
    assert_eq!(user_errors(&provided), none(), "{provided}");
    let end = provided["notice"]["periodEndsOn"].as_str().unwrap();
    assert_eq!(
        dates(&app, &maria).await,
        said(Some("2026-04-11"), Some("2026-09-09"), Some(end)),
        "as printed: later than it would end"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_debtor_reads_the_notice_that_they_were_given_and_nobody_elses() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = prepared(&app, &admin, &[]).await;
    let debtor = app.debtor(&app.acme, MARIA).await;
    let own = "{ viewer { account { validationNotices { id status periodEndsOn pdfUrl pageUrl } } } }";
    let notices = async |client: &Client| {
        let seen = client.gql(own, json!({})).await;
        data(&seen)["viewer"]["account"]["validationNotices"].clone()
    };
    let notice = generated(&app, &admin, &maria, json!({})).await;
    assert_eq!(notices(&debtor).await, json!([]), "it was not given to them yet");
    assert_eq!(user_errors(&provide(&admin, &notice, json!({})).await), none());
    let given = notices(&debtor).await;
    assert_eq!(given[0]["id"], notice["id"]);
    let answer = download(&debtor, &given[0]["pdfUrl"]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.bytes().await.unwrap().starts_with(b"%PDF-"));
    let page = download(&debtor, &given[0]["pageUrl"])
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("7 Elm Street"), "{page}");
    let james = app.debtor(&app.acme, JAMES).await;
    assert_eq!(notices(&james).await, json!([]));
    let staffs = "{ viewer { account { validationNotices { recordedBy { id } } } } }";
    assert_eq!(error_code(&debtor.gql(staffs, json!({})).await), "FORBIDDEN");
    assert_eq!(user_errors(&returned(&admin, &notice).await), none());
    assert_eq!(notices(&debtor).await, json!([]), "what came back was not given");

    let stranger = app.globex.sign_in("admin").await;
    let document = "query($id: ID!) { validationNotice(id: $id) { id } validationNoticesDue(first: 5) { edges { node { dueOn } } } }";
    let foreign = stranger.gql(document, json!({ "id": notice["id"] })).await;
    assert_eq!(foreign["data"]["validationNotice"], Value::Null);
    assert_eq!(error_code(&foreign), "NOT_FOUND");
    for (mutation, input) in [
        ("generateValidationNotice", json!({ "accountId": maria })),
        (
            "recordValidationNoticeProvided",
            json!({ "noticeId": notice["id"], "method": "MAIL" }),
        ),
        (
            "recordValidationNoticeReturned",
            json!({ "noticeId": notice["id"] }),
        ),
    ] {
        let refused = act(&stranger, mutation, "", input).await;
        assert_eq!(user_errors(&refused), ["NOT_FOUND"], "{mutation}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_notice_outlives_the_profile_as_evidence_and_goes_with_the_records() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = prepared(&app, &admin, &[]).await;
    let notice = generated(&app, &admin, &maria, json!({})).await;
    assert_eq!(user_errors(&provide(&admin, &notice, json!({})).await), none());
    let waiting = act(
        &admin,
        "generateValidationNotice",
        NOTICE,
        json!({ "accountId": maria }),
    )
    .await["notice"]
        .clone();
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let pack = json!({ "accountId": maria, "from": "2026-01-01T00:00:00Z", "until": "2026-12-01T00:00:00Z" });
    let pack = act(&admin, "requestEvidencePack", "archive { id }", pack).await["archive"]["id"].clone();
    app.run_jobs().await;
    let document = "query($id: ID!) { debtorArchive(id: $id) { downloadUrl } }";
    let made = admin.gql(document, json!({ "id": pack })).await;
    let zip = download(&admin, &data(&made)["debtorArchive"]["downloadUrl"])
        .await
        .bytes()
        .await
        .unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let listed: Value = serde_json::from_reader(zip.by_name("validation_notices.json").unwrap()).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        (
            &listed[0]["pdf_sha256"],
            &listed[0]["method"],
            &listed[0]["content"]["consumer"]["name"]
        ),
        (&notice["pdfSha256"], &json!("MAIL"), &json!("Maria Alvarez"))
    );
    let name = format!(
        "documents/{}-validation-notice.pdf",
        listed[0]["pdf_file_id"].as_str().unwrap()
    );
    let mut packed = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name(&name).unwrap(), &mut packed).unwrap();
    let hash: String = Sha256::digest(&packed)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(notice["pdfSha256"], hash);

    let erased = act(
        &admin,
        "eraseDebtor",
        "",
        json!({ "debtorId": debtor, "regime": "CCPA", "reason": "Please." }),
    )
    .await;
    assert_eq!(user_errors(&erased), none(), "{erased}");
    app.run_jobs().await;
    let kept = read(&admin, &notice["id"]).await;
    assert_eq!(
        download(&admin, &kept["pdfUrl"]).await.status(),
        StatusCode::OK,
        "it is evidence"
    );
    let refused = act(
        &admin,
        "generateValidationNotice",
        "",
        json!({ "accountId": maria }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);

    // The records' end, whoever brings it.
    let sql = "UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id = $1 AND purpose = 'RECORD'";
    let id = uuid_of(debtor.as_str().unwrap());
    app.superuser()
        .await
        .execute(sqlx::query(sql).bind(id))
        .await
        .unwrap();
    assert_eq!(download(&admin, &kept["pdfUrl"]).await.status(), StatusCode::GONE);
    let gone = read(&admin, &notice["id"]).await;
    assert!(gone["pdfUrl"].is_null() && gone["pageUrl"].is_null());
    assert_eq!(gone["pdfSha256"], notice["pdfSha256"], "that it was, stays known");
    let row = app
        .superuser()
        .await
        .fetch_one("SELECT count(content_cipher), (SELECT count(*) FROM files WHERE purpose = 'LEGAL_NOTICE' AND state <> 'GONE') FROM validation_notices")
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (0, 0));
    assert_eq!(read(&admin, &waiting["id"]).await["status"], "READY");
    app.finish().await;
}
