//! A debtor takes a copy of what concerns them: of the account that they signed in for, theirs alone, and nothing of what
//! staff noted.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{
    Person,
    archives::{list, unpacked_from},
    erase,
};
use crate::support::{Client, TestApp, data, error_code, user_errors};

const OWN: &str = "id status downloadUrl needsSignIn createdAt dueAt finishedAt expiresAt";

async fn ask(client: &Client) -> Value {
    let document = format!(
        "mutation {{ exportOwnData(input: {{}}) {{ export {{ {OWN} }} userErrors {{ code message }} }} }}"
    );
    let answer = client.gql(&document, json!({})).await;
    data(&answer)["exportOwnData"].clone()
}

async fn own(client: &Client) -> Value {
    let answer = client
        .gql(&format!("{{ ownDataExport {{ {OWN} }} }}"), json!({}))
        .await;
    data(&answer)["ownDataExport"].clone()
}

async fn signed_in(app: &TestApp, staff: &Client, person: &Person, line: u8) -> Client {
    let factors = json!({ "postalCode": "10027", "accountNumber": format!("N-{line}") });
    app.debtor_of(staff, &person.account, &factors).await
}

/// Another account of the same person, with a talk about it.
async fn second_account(app: &TestApp, staff: &Client, person: &Person) -> String {
    let made = staff
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } userErrors { message } } }",
            json!({ "i": { "debtorId": person.debtor, "firstName": "First", "lastName": "Last", "accountNumber": "SECOND-1",
                "originalCreditor": "Second Creditor", "currentBalance": { "amount": "99.00" } } }),
        )
        .await;
    let id = data(&made)["createAccount"]["account"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let seen = staff
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { contactPoints { id kind } } } }",
            json!({ "a": id }),
        )
        .await;
    let points = data(&seen)["account"]["debtor"]["contactPoints"]
        .as_array()
        .unwrap()
        .clone();
    let phone = points.iter().find(|point| point["kind"] == "PHONE").unwrap();
    let consented = staff
        .gql(
            "mutation($p: ID!) { recordConsent(input: { contactPointId: $p, channel: SMS, source: PAPER, text: \"Yes.\" }) { userErrors { message } } }",
            json!({ "p": phone["id"] }),
        )
        .await;
    assert_eq!(data(&consented)["recordConsent"]["userErrors"], json!([]));
    let started = app.start_with_message(staff, &id, "About the second one.").await;
    assert!(started["message"]["id"].is_string(), "{started}");
    app.run_jobs().await;
    id
}

#[tokio::test]
async fn a_debtors_copy_holds_their_account_and_their_words_and_nothing_of_the_staffs_or_of_others() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Wanting", 241).await;
    let other = Person::make(&app, &admin, "Neighbour", 242).await;
    let second = second_account(&app, &admin, &person).await;
    let disputed = admin
        .gql(
            "mutation($a: ID!) { fileDispute(input: { accountId: $a, reason: AMOUNT_WRONG, words: \"It is too much.\" }) { userErrors { message } } }",
            json!({ "a": person.account }),
        )
        .await;
    assert_eq!(data(&disputed)["fileDispute"]["userErrors"], json!([]));
    let debtor = signed_in(&app, &admin, &person, 241).await;
    assert_eq!(own(&debtor).await, Value::Null);
    let asked = ask(&debtor).await;
    assert_eq!(user_errors(&asked), Vec::<&str>::new(), "{asked}");
    assert_eq!(asked["export"]["status"], "QUEUED");
    assert_eq!(
        user_errors(&ask(&debtor).await),
        ["QUOTA_EXCEEDED"],
        "one in a day"
    );
    app.run_jobs().await;
    let ready = own(&debtor).await;
    assert_eq!(
        (&ready["status"], &ready["needsSignIn"]),
        (&json!("READY"), &json!(false))
    );
    let files = unpacked_from(&debtor, ready["downloadUrl"].as_str().unwrap()).await;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "accounts.json",
            "consents.json",
            "contact_places.json",
            "contact_points.json",
            "conversations.json",
            "disputes.json",
            "inconvenient_times.json",
            "index.json",
            "messages.json",
            "privacy_acceptances.json",
            "privacy_requests.json",
            "profile.json",
            "summary.html",
        ]
    );
    let whole: String = files
        .values()
        .map(|content| String::from_utf8_lossy(content))
        .collect();
    for theirs in [
        "FirstWanting",
        "LastWanting",
        person.phone.as_str(),
        "wanting@mail.example",
        "7 Wanting Street",
        "Words from Wanting",
        "Answer to Wanting",
        "It is too much.",
        "120.50",
    ] {
        assert!(whole.contains(theirs), "{theirs} is missing");
    }
    let accounts = list(&files, "accounts.json");
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    assert_eq!(list(&files, "messages.json").len(), 2);
    assert_eq!(list(&files, "privacy_requests.json").len(), 1);
    let staffs = [
        "Note on",
        "Employer of",
        "Letter about",
        "Papers of",
        "1981-02-03",
    ];
    let elses = [
        second.as_str(),
        "SECOND-1",
        "Second Creditor",
        "About the second one.",
    ];
    for hidden in staffs.iter().chain(&elses) {
        assert!(!whole.contains(hidden), "{hidden} is not theirs to take here");
    }
    for text in other.profile().iter().chain(&other.records()) {
        assert!(!whole.contains(text), "{text} is somebody else's");
    }
    let page = String::from_utf8(files["summary.html"].clone()).unwrap();
    assert!(
        page.contains("It leaves out your other accounts") && page.contains(app.acme.demo.name),
        "{page}"
    );

    // The business sees the request, with its day, and that it was answered; nobody of the staff sees the archive.
    let requests = admin
        .gql(
            "query($d: ID!) { privacyRequests(first: 5, filter: { debtorId: $d }) { edges { node { kind regime status receivedAt dueAt recordedBy { id } } } } }",
            json!({ "d": person.debtor }),
        )
        .await;
    let request = &data(&requests)["privacyRequests"]["edges"][0]["node"];
    assert_eq!(
        (
            &request["kind"],
            &request["regime"],
            &request["status"],
            &request["recordedBy"]
        ),
        (
            &json!("PORTABILITY"),
            &json!("OTHER"),
            &json!("COMPLETED"),
            &Value::Null
        )
    );
    assert_eq!(request["dueAt"], ready["dueAt"]);
    let archives = admin
        .gql(
            "{ debtorArchives(first: 5) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&archives)["debtorArchives"]["edges"], json!([]));
    let trail = app
        .superuser()
        .await
        .fetch_all(
            "SELECT action, actor_kind FROM audit_events WHERE action IN ('privacy.requested', 'archive.requested',
                 'archive.finished', 'privacy.answered') ORDER BY position",
        )
        .await
        .unwrap();
    let trail: Vec<(String, String)> = trail.iter().map(|row| (row.get(0), row.get(1))).collect();
    let done = |action: &str, actor: &str| (action.to_owned(), actor.to_owned());
    assert_eq!(
        trail,
        [
            done("privacy.requested", "DEBTOR"),
            done("archive.requested", "DEBTOR"),
            done("archive.finished", "SYSTEM"),
            done("privacy.answered", "SYSTEM"),
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn nobody_else_fetches_a_copy_and_it_takes_who_showed_lately_that_it_is_they() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Guarded", 243).await;
    let other = Person::make(&app, &admin, "Curious", 244).await;
    let debtor = signed_in(&app, &admin, &person, 243).await;
    assert_eq!(user_errors(&ask(&debtor).await), Vec::<&str>::new());
    app.run_jobs().await;
    let url = own(&debtor).await["downloadUrl"].as_str().unwrap().to_owned();

    // Another debtor, and staff, have none of their own and no way to this one.
    let stranger = signed_in(&app, &admin, &other, 244).await;
    assert_eq!(own(&stranger).await, Value::Null);
    let hidden = stranger
        .gql(
            "{ debtorArchives(first: 1) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&hidden), "FORBIDDEN");
    let staffs = admin.gql("{ ownDataExport { id } }", json!({})).await;
    assert_eq!(error_code(&staffs), "FORBIDDEN");

    // A link is good for five minutes; the sign-in for fifteen, whatever refreshes it.
    let get = async |url: &str| debtor.http().get(url).send().await.unwrap().status();
    assert_eq!(get(&url).await, StatusCode::OK);
    let mut forged = url.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    assert_eq!(get(&forged).await, StatusCode::NOT_FOUND);
    app.wall.advance(TimeDelta::minutes(6));
    assert_eq!(get(&url).await, StatusCode::GONE);
    let again = own(&debtor).await;
    let url = again["downloadUrl"].as_str().unwrap();
    assert_eq!(get(url).await, StatusCode::OK);
    app.wall.advance(TimeDelta::minutes(8));
    let refreshed = debtor
        .gql(
            "mutation($t: String!) { refreshSession(input: { refreshToken: $t }) { session { accessToken } userErrors { code } } }",
            json!({ "t": debtor.refresh_token }),
        )
        .await;
    let mut stale = debtor.clone();
    stale.access_token = data(&refreshed)["refreshSession"]["session"]["accessToken"]
        .as_str()
        .map(str::to_owned);
    app.wall.advance(TimeDelta::minutes(2));
    let late = own(&stale).await;
    assert_eq!(
        (&late["status"], &late["downloadUrl"], &late["needsSignIn"]),
        (&json!("READY"), &Value::Null, &json!(true))
    );
    assert_eq!(user_errors(&ask(&stale).await), ["BAD_CREDENTIALS"]);
    let admin = app.acme.sign_in("admin").await;
    let fresh = signed_in(&app, &admin, &person, 243).await;
    let url = own(&fresh).await["downloadUrl"].as_str().unwrap().to_owned();

    // Whoever is erased takes the copy along.
    erase(&admin, &person.debtor).await;
    app.run_jobs().await;
    assert_eq!(get(&url).await, StatusCode::GONE);
    let gone = fresh.gql("{ ownDataExport { id } }", json!({})).await;
    assert_eq!(error_code(&gone), "UNAUTHENTICATED", "{gone}");
    app.finish().await;
}

#[tokio::test]
async fn a_copy_is_of_the_sessions_account_also_where_one_person_has_two() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Double", 245).await;
    let second = second_account(&app, &admin, &person).await;
    let first = signed_in(&app, &admin, &person, 245).await;
    assert_eq!(user_errors(&ask(&first).await), Vec::<&str>::new());
    app.run_jobs().await;
    let factors = json!({ "postalCode": "10027", "accountNumber": "SECOND-1" });
    let there = app.debtor_of(&admin, &second, &factors).await;
    assert_eq!(
        own(&there).await,
        Value::Null,
        "another account's copy is not theirs here"
    );
    assert_eq!(user_errors(&ask(&there).await), Vec::<&str>::new());
    app.run_jobs().await;
    let url = own(&there).await["downloadUrl"].as_str().unwrap().to_owned();
    let files = unpacked_from(&there, &url).await;
    let accounts = list(&files, "accounts.json");
    assert_eq!(
        accounts
            .iter()
            .map(|row| &row["account_number"])
            .collect::<Vec<_>>(),
        ["SECOND-1"]
    );
    let whole: String = files
        .values()
        .map(|content| String::from_utf8_lossy(content))
        .collect();
    assert!(whole.contains("About the second one.") && !whole.contains("Answer to Double"));

    // A day later there is another; a suspended business hands nothing out.
    app.advance(TimeDelta::hours(25)).await;
    let admin = app.acme.sign_in("admin").await;
    let first = signed_in(&app, &admin, &person, 245).await;
    assert_eq!(user_errors(&ask(&first).await), Vec::<&str>::new());
    app.run_jobs().await;
    let url = own(&first).await["downloadUrl"].as_str().unwrap().to_owned();
    app.superuser()
        .await
        .execute("UPDATE businesses SET status = 'SUSPENDED' WHERE slug = 'acme'")
        .await
        .unwrap();
    let status = first.http().get(&url).send().await.unwrap().status();
    assert_eq!(status, StatusCode::GONE);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_collected_and_who_else_sees_it_is_told_before_anybody_signs_in() {
    let app = TestApp::start().await;
    let ask =
        "query($l: String!) { privacyNotice(language: $l) { version language soldOrShared keptYears rights
        categories { id collected purpose sensitive } processors { name purpose receives } } }";
    let answer = app.anonymous().gql(ask, json!({ "l": "es-MX" })).await;
    let notice = &data(&answer)["privacyNotice"];
    assert_eq!(
        (&notice["language"], &notice["soldOrShared"], &notice["keptYears"]),
        (&json!("es"), &json!(false), &json!(7))
    );
    let categories = notice["categories"].as_array().unwrap();
    assert!(
        categories
            .iter()
            .any(|of| of["id"] == "GOVERNMENT_IDENTIFIERS" && of["sensitive"] == true)
    );
    assert!(notice["processors"].to_string().contains("Twilio"));
    // In another language than Spanish it is English, and the same to whoever is signed in.
    let english = app.anonymous().gql(ask, json!({ "l": "fr" })).await;
    assert_eq!(data(&english)["privacyNotice"]["language"], "en");
    let agent = app.acme.agent().await.gql(ask, json!({ "l": "en" })).await;
    assert_eq!(data(&agent)["privacyNotice"], data(&english)["privacyNotice"]);
    app.finish().await;
}
