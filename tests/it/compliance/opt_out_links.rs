//! A link in a message takes back the permission to write to its address: without signing in, at once, once, and for nobody
//! else.

use chrono::TimeDelta;
use funnelchat::{
    accounts::Channel,
    compliance::{Author, Contact, Outcome, explain},
};
use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{
        MARIA, account, act,
        holds::{JAMES, gate},
    },
    support::{Client, TestApp, data, recipes::uuid_of, send, send_refused, user_errors},
};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const FORM: &str = "application/x-www-form-urlencoded";

/// The contact point of this kind on an account's person, and its link.
async fn point(client: &Client, account_id: &str, kind: &str) -> Value {
    point_by(client, account_id, |point| point["kind"] == kind).await
}

async fn point_by(client: &Client, account_id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let links = "debtor { contactPoints { id kind optOutLink { url listUnsubscribe listUnsubscribePost } } }";
    let seen = account(client, account_id, links).await;
    let points = seen["debtor"]["contactPoints"].as_array().unwrap();
    let found = points.iter().find(|point| is_it(point));
    found.unwrap_or_else(|| panic!("no such point: {seen}")).clone()
}

fn url(point: &Value) -> &str {
    point["optOutLink"]["url"].as_str().unwrap()
}

async fn post(app: &TestApp, url: &str, kind: &str, body: &str) -> Response {
    let request = app
        .anonymous()
        .http()
        .post(url)
        .header(header::CONTENT_TYPE, kind);
    let request = request.header(header::USER_AGENT, "MailProgram/7");
    request.body(body.to_owned()).send().await.unwrap()
}

/// What an opt-out writes, by business: suppressions, consents, blocked messages, holds, the trail.
async fn written(app: &TestApp, slug: &str) -> Vec<i64> {
    let row = app
        .superuser()
        .await
        .fetch_one(
            sqlx::query(
                "SELECT (SELECT count(*) FROM suppressions s WHERE s.business_id = b.id),
                    (SELECT count(*) FROM consents c WHERE c.business_id = b.id),
                    (SELECT count(*) FROM messages m WHERE m.business_id = b.id AND m.delivery_status = 'BLOCKED'),
                    (SELECT count(*) FROM holds h WHERE h.business_id = b.id),
                    (SELECT count(*) FROM audit_events a WHERE a.business_id = b.id),
                    (SELECT count(*) FROM live_events l WHERE l.business_id = b.id)
                 FROM businesses b WHERE b.slug = $1",
            )
            .bind(slug),
        )
        .await
        .unwrap();
    (0..6).map(|column| row.get(column)).collect()
}

const LEDGER: &str = "consents(first: 20) { edges { node { channel status source text note ipAddress userAgent recordedBy { id } } } }";

async fn ledger(client: &Client, account_id: &str) -> Vec<Value> {
    let seen = account(client, account_id, LEDGER).await;
    let edges = seen["consents"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn a_scanner_that_follows_the_link_changes_nothing_and_one_click_ends_it_for_this_business_alone() {
    let app = TestApp::start().await;
    let (agent, globex) = (app.acme.agent().await, app.globex.agent().await);
    let james = app.account_id(&app.acme, JAMES).await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let message = send(&agent, &thread, "Does Friday suit you?").await;
    let other_thread = app.thread_with(&globex, &app.globex, JAMES).await;
    let others = send(&globex, &other_thread, "And Monday?").await;
    let phone = app.acme.debtor_number(JAMES);
    let link = point(&agent, &james, "PHONE").await;
    let before = (written(&app, "acme").await, written(&app, "globex").await);

    for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
        let request = app.anonymous().http().request(method, url(&link));
        let answer = request
            .header(header::ACCEPT_LANGUAGE, "es-MX")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers();
        assert!(headers.get(header::SET_COOKIE).is_none());
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"));
        let page = answer.text().await.unwrap();
        if !page.is_empty() {
            assert!(
                page.contains(app.acme.demo.name) && page.contains("lang=\"es\""),
                "{page}"
            );
            assert!(
                page.contains(&format!("••{}", &phone[phone.len() - 2..])),
                "{page}"
            );
            for private in [&phone[2..], "James", &james] {
                assert!(!page.contains(private), "{private}: {page}");
            }
        }
    }
    let unmeant = post(&app, url(&link), FORM, "List-Unsubscribe=Maybe").await;
    assert_eq!(unmeant.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        (written(&app, "acme").await, written(&app, "globex").await),
        before
    );

    // RFC 8058 lets a mail program send the field in either encoding.
    let body =
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let answer = post(&app, url(&link), "multipart/form-data; boundary=b", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("We have received your request and will honor it."),
        "{page}"
    );
    assert!(
        !page.contains(app.acme.demo.name),
        "it confirms and says nothing else"
    );
    let state = app.message_state(&message).await;
    assert_eq!(
        (state.status.as_str(), state.failure_code.as_deref()),
        ("BLOCKED", Some("reg-f-medium-opt-out"))
    );
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT action, actor_kind, request_id FROM audit_events ORDER BY position DESC LIMIT 3")
        .await
        .unwrap();
    let actions: Vec<String> = rows.iter().rev().map(|row| row.get(0)).collect();
    assert_eq!(
        actions,
        ["suppression.recorded", "consent.revoked", "message.blocked"]
    );
    let request: String = rows[0].get(2);
    assert!(
        rows.iter()
            .all(|row| row.get::<String, _>(2) == request && row.get::<String, _>(1) == "SYSTEM")
    );
    let word = ledger(&agent, &james).await[0].clone();
    assert_eq!(
        word,
        json!({ "channel": "SMS", "status": "REVOKED", "source": "LINK", "text": ONE_CLICK,
            "note": "The one-click request of a mail program (RFC 8058).", "ipAddress": "127.0.0.1",
            "userAgent": "MailProgram/7", "recordedBy": null })
    );

    // Again, twice at once: nothing more is written.
    let after = (written(&app, "acme").await, written(&app, "globex").await);
    let (first, second) = tokio::join!(
        post(&app, url(&link), FORM, ONE_CLICK),
        post(&app, url(&link), FORM, ONE_CLICK)
    );
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(
        (written(&app, "acme").await, written(&app, "globex").await),
        after
    );
    assert_eq!(after.1, before.1, "nothing of another business is touched");

    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 0);
    assert_eq!(app.status(&others).await, "DELIVERED");
    let refused = send_refused(&agent, &thread, "Are you sure?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    app.finish().await;
}

#[tokio::test]
async fn two_answers_at_once_are_one_and_start_gives_back_only_what_a_text_took() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let james = app.account_id(&app.acme, JAMES).await;
    let phone = app.acme.debtor_number(JAMES);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let link = point(&agent, &james, "PHONE").await;
    let (first, second) = tokio::join!(
        post(&app, url(&link), FORM, ONE_CLICK),
        post(&app, url(&link), FORM, ONE_CLICK)
    );
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let words = ledger(&agent, &james).await;
    assert_eq!(
        words.iter().filter(|word| word["source"] == "LINK").count(),
        1,
        "{words:?}"
    );
    assert_eq!(app.audited("suppression.recorded").await, 1);

    // START lifts the suppression, as ever; what was taken back by link takes a new consent.
    app.text(&app.acme, &phone, "START").await;
    assert_eq!(app.audited("suppression.lifted").await, 1);
    assert_eq!(ledger(&agent, &james).await[0]["status"], "REVOKED");
    // START itself may be answered for a quarter of an hour.
    app.advance(TimeDelta::minutes(16)).await;
    let agent = app.acme.agent().await;
    let refused = send_refused(&agent, &thread, "Welcome back.").await;
    assert_ne!(refused["decision"]["rule"], "reg-f-medium-opt-out", "{refused}");
    let consent = json!({ "contactPointId": link["id"], "channel": "SMS", "source": "PAPER", "text": "Yes, text me again." });
    let given = act(&agent, "recordConsent", "consent { status }", consent).await;
    assert_eq!(user_errors(&given), Vec::<&str>::new());
    send(&agent, &thread, "Welcome back.").await;
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_mail_address_is_opted_out_for_everybody_who_has_it_and_texts_go_on() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let (maria, james) = (
        app.account_id(&app.acme, MARIA).await,
        app.account_id(&app.acme, JAMES).await,
    );
    let mut household = Value::Null;
    for id in [&james, &maria] {
        let debtor = account(&agent, id, "debtor { id }").await["debtor"]["id"].clone();
        let input = json!({ "debtorId": debtor, "email": "Household@Mail.example" });
        let added = act(&manager, "addContactPoint", "contactPoint { id }", input).await;
        household = added["contactPoint"]["id"].clone();
        let consent = json!({ "contactPointId": added["contactPoint"]["id"], "channel": "EMAIL", "source": "PAPER", "text": "Yes." });
        assert_eq!(
            user_errors(&act(&agent, "recordConsent", "consent { id }", consent).await),
            Vec::<&str>::new()
        );
    }
    let rule = async || {
        let ctx = app.service_ctx(&app.acme).await;
        let keys = app
            .app
            .keyring
            .business(&app.app.db, ctx.business_id())
            .await
            .unwrap();
        let debtor = account(&agent, &maria, "debtor { id }").await["debtor"]["id"].clone();
        let contact = Contact {
            debtor_id: uuid_of(debtor.as_str().unwrap()),
            account_id: Some(uuid_of(&maria)),
            channel: Channel::Email,
            recipient: "household@mail.example",
            content: "Good afternoon.",
            in_reply_to: None,
            mode: None,
            author: Author::Unknown,
            cease_notice: None,
            dispute_answer: None,
            is_template: false,
        };
        let mut tx = app.app.db.snapshot(&ctx).await.unwrap();
        let decision = explain(&mut tx, &keys, &contact).await.unwrap().unwrap();
        tx.finish_read().await.unwrap();
        let finding = decision
            .findings
            .iter()
            .find(|found| *found.rule == *"reg-f-medium-opt-out");
        finding.expect("the rule was asked").outcome
    };
    assert_ne!(rule().await, Outcome::Deny);

    let link = point_by(&agent, &maria, |point| point["id"] == household).await;
    let mail = &link["optOutLink"];
    assert_eq!(mail["listUnsubscribe"], format!("<{}>", url(&link)));
    assert_eq!(mail["listUnsubscribePost"], ONE_CLICK);
    // The page's own form, with the words that it showed.
    let shown = post(&app, url(&link), FORM, &format!("{ONE_CLICK}&shown=es")).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(rule().await, Outcome::Deny);
    for id in [&maria, &james] {
        let word = ledger(&agent, id).await[0].clone();
        assert_eq!(
            (&word["channel"], &word["status"]),
            (&json!("EMAIL"), &json!("REVOKED"))
        );
        assert_eq!(word["text"], "No me envíen más correos a esta dirección");
    }
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW", "texts were not meant");
    app.finish().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_link_the_answer_is_the_same_and_guessing_gets_little_done() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let james = app.account_id(&app.acme, JAMES).await;
    let link = point(&agent, &james, "PHONE").await;
    let globex = point(
        &app.globex.agent().await,
        &app.account_id(&app.globex, JAMES).await,
        "PHONE",
    )
    .await;
    let links = &app.app.http.opt_out_links;
    let token = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let read = |point: &Value| links.read(&token(url(point))).unwrap();
    let mut foreign = read(&link);
    foreign.business_id = read(&globex).business_id;
    let mut unknown = read(&link);
    unknown.contact_point_id = uuid_of(&james);
    let mut altered = url(&link).to_owned();
    let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
    altered.push(last);
    let base = url(&link).rsplit_once('/').unwrap().0;
    let before = written(&app, "acme").await;
    let mut pages = Vec::new();
    for wrong in [
        altered.clone(),
        format!("{base}/x"),
        format!("{base}/{}", "A".repeat(3_000)),
        links.url(&foreign),
        links.url(&unknown),
    ] {
        let asked = app.anonymous().http().get(&wrong).send().await.unwrap();
        assert_eq!(asked.status(), StatusCode::NOT_FOUND, "{wrong}");
        pages.push(asked.text().await.unwrap());
        let answered = post(&app, &wrong, FORM, ONE_CLICK).await;
        assert_eq!(answered.status(), StatusCode::NOT_FOUND, "{wrong}");
        pages.push(answered.text().await.unwrap());
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let long = format!("{ONE_CLICK}&more={}", "x".repeat(5_000));
    assert_eq!(
        post(&app, url(&link), FORM, &long).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(written(&app, "acme").await, before);

    let mut limited = 0;
    for _ in 0..40 {
        let tried = app.anonymous().http().get(&altered).send().await.unwrap();
        limited += i32::from(tried.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(limited >= 10, "{limited}");
    assert_eq!(
        post(&app, url(&link), FORM, ONE_CLICK).await.status(),
        StatusCode::OK,
        "who has a link is heard all the same"
    );
    app.finish().await;
}

#[tokio::test]
async fn in_every_way_is_a_notice_to_cease_and_a_link_outlives_the_person_at_the_business() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let james = app.account_id(&app.acme, JAMES).await;
    let link = point(&admin, &james, "PHONE").await;
    let all = post(&app, url(&link), FORM, &format!("{ONE_CLICK}&shown=en&reach=all")).await;
    assert_eq!(all.status(), StatusCode::OK);
    let seen = account(&admin, &james, "holds { id kind source needsConfirmation }").await;
    assert_eq!(seen["holds"][0]["kind"], "CEASE_CONTACT");
    assert_eq!(seen["holds"][0]["source"], "LINK");
    assert_eq!(seen["holds"][0]["needsConfirmation"], false);
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &james).await.0, "DENY");

    // The person is erased, and their number comes back on another record: the old link still binds.
    let maria = app.account_id(&app.acme, MARIA).await;
    let (link, phone) = (
        point(&admin, &maria, "PHONE").await,
        app.acme.debtor_number(MARIA),
    );
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let input = json!({ "debtorId": debtor, "regime": "CCPA", "reason": "Please." });
    let erased = act(&admin, "eraseDebtor", "request { id }", input).await;
    assert_eq!(user_errors(&erased), Vec::<&str>::new());
    app.run_jobs().await;
    let page = app.anonymous().http().get(url(&link)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("this number"));
    assert_eq!(
        post(&app, url(&link), FORM, ONE_CLICK).await.status(),
        StatusCode::OK
    );
    let created = admin
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } userErrors { message } } }",
            json!({ "i": { "firstName": "Maria", "lastName": "Later", "accountNumber": "LATER-9", "phone": phone,
                "currentBalance": { "amount": "10.00" } } }),
        )
        .await;
    let again = data(&created)["createAccount"]["account"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let started = app.start_with_message(&admin, &again, "Good afternoon.").await;
    assert_eq!(started["decision"]["rule"], "reg-f-medium-opt-out", "{started}");
    app.finish().await;
}
