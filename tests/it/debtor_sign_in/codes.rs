//! A code by text message, and what is known of oneself.

use chrono::TimeDelta;
use funnelchat::platform::clock::WallClock as _;
use serde_json::json;

use super::{code_in_newest, complete, may_act, send_code};
use crate::support::{
    Options, TestApp, data,
    debtors::{challenge, link_to, open, verify, with_session},
    error_code, user_errors,
};

#[tokio::test]
async fn a_code_by_text_opens_one_account_and_nothing_beside_it() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let (link, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let opened = open(&nobody, &token).await;
    assert_eq!(
        opened["mfaChallenge"]["methods"],
        json!(["SMS_CODE", "IDENTITY_FACTORS"])
    );
    let challenge = opened["mfaChallenge"]["token"].as_str().unwrap().to_owned();
    let phone = app.acme.debtor_number(0);

    assert_eq!(send_code(&nobody, &challenge).await["sent"], true);
    app.run_jobs().await;
    let text = app.received_by(&phone).pop().expect("a text").body;
    for told in ["Maria", "Alvarez", "Acme", "1,250", "1250", "balance", "owe"] {
        assert!(!text.contains(told), "the text tells {told}: {text}");
    }
    let code = code_in_newest(&app, &phone);
    assert_eq!(
        user_errors(&complete(&nobody, &challenge, "not a code").await),
        ["BAD_CREDENTIALS"]
    );
    let answer = complete(&nobody, &challenge, &code).await;
    assert_eq!(
        answer["session"]["viewer"],
        json!({ "role": "DEBTOR", "account": null })
    );
    let debtor = with_session(nobody.clone(), &answer);
    let seen = debtor
        .gql(
            "{ viewer { role account { id firstName currentBalance { amount } } business { name } }
               accounts(first: 10) { totalCount edges { node { id } } } }",
            json!({}),
        )
        .await;
    let seen = data(&seen);
    assert_eq!(seen["viewer"]["account"]["id"], account.as_str());
    assert_eq!(seen["viewer"]["account"]["currentBalance"]["amount"], "1250.50");
    assert_eq!(seen["viewer"]["business"]["name"], "Acme Recovery");
    assert_eq!(seen["accounts"]["edges"], json!([{ "node": { "id": account } }]));
    // Used up.
    assert_eq!(
        user_errors(&complete(&nobody, &challenge, &code).await),
        ["BAD_CREDENTIALS"]
    );

    // Neither staff nor the debtor reads the code in the thread.
    let thread = "query($a: ID!) { account(id: $a) { conversations(first: 1) { edges { node {
        messages(last: 5) { edges { node { content senderType } } } } } } } }";
    for who in [&staff, &debtor] {
        let read = who.gql(thread, json!({ "a": account })).await;
        let text = data(&read).to_string();
        assert!(text.contains("••••••") && text.contains("SYSTEM"), "{text}");
        assert!(!text.contains(&code), "{text}");
    }
    let listed = staff
        .gql(
            "query($a: ID!) { debtorLinks(accountId: $a, first: 5) { edges { node { id uses origin } } } }",
            json!({ "a": account }),
        )
        .await;
    assert_eq!(
        data(&listed)["debtorLinks"]["edges"],
        json!([{ "node": { "id": link, "uses": 1, "origin": "STAFF" } }])
    );
    app.finish().await;
}

#[tokio::test]
async fn a_code_that_is_asked_for_comes_at_any_hour_and_is_no_attempt_to_collect() {
    let app = TestApp::start().await;
    let (account, phone) = (app.account_id(&app.acme, 11).await, app.acme.debtor_number(11));
    // Past ten in the evening in Ohio.
    app.advance(TimeDelta::hours(10)).await;
    let staff = app.acme.sign_in("admin").await;
    let (_, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let asked = challenge(&nobody, &token).await;
    assert_eq!(send_code(&nobody, &asked).await["sent"], true);
    app.run_jobs().await;
    let code = code_in_newest(&app, &phone);
    assert_eq!(app.slots_taken().await, 0, "none of the week's texts is spent");
    let answer = complete(&nobody, &asked, &code).await;
    assert_eq!(user_errors(&answer), Vec::<&str>::new(), "{answer}");
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_anybody_may_ask_for_is_sent_within_the_hours_and_counts() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(11);
    let ask = async || {
        let asked = app
            .anonymous()
            .gql(
                "mutation($i: RequestDebtorLinkInput!) { requestDebtorLink(input: $i) { accepted } }",
                json!({ "i": { "businessSlug": "acme", "phone": phone } }),
            )
            .await;
        assert_eq!(data(&asked)["requestDebtorLink"]["accepted"], true);
        app.run_jobs().await;
    };
    ask().await;
    assert_eq!((app.received_by(&phone).len(), app.slots_taken().await), (1, 1));
    // Past ten in the evening in Ohio: whoever knows a number could wake its owner.
    app.advance(TimeDelta::hours(10)).await;
    ask().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_and_five_tries_and_three_are_sent_an_hour() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    // In Ohio, where no rule of the state counts texts.
    let (account, phone) = (app.account_id(&app.acme, 11).await, app.acme.debtor_number(11));
    let (_, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let first = challenge(&nobody, &token).await;
    assert_eq!(send_code(&nobody, &first).await["sent"], true);
    app.run_jobs().await;
    let old = code_in_newest(&app, &phone);
    app.wall.advance(TimeDelta::minutes(11));
    let second = challenge(&nobody, &token).await;
    assert_eq!(
        user_errors(&complete(&nobody, &second, &old).await),
        ["BAD_CREDENTIALS"],
        "it has expired"
    );
    assert_eq!(
        user_errors(&complete(&nobody, &first, &old).await),
        ["BAD_CREDENTIALS"],
        "and so has the challenge"
    );
    assert_eq!(send_code(&nobody, &second).await["sent"], true);
    app.run_jobs().await;
    let code = code_in_newest(&app, &phone);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        assert_eq!(
            user_errors(&complete(&nobody, &second, wrong).await),
            ["BAD_CREDENTIALS"]
        );
    }
    // The fifth failure locks the link, the right code is not even looked at.
    assert_eq!(user_errors(&complete(&nobody, &second, &code).await), ["LOCKED"]);
    app.wall.advance(TimeDelta::minutes(2));
    assert_eq!(
        user_errors(&complete(&nobody, &second, wrong).await),
        ["BAD_CREDENTIALS"],
        "the fifth try"
    );
    app.wall.advance(TimeDelta::minutes(3));
    assert_eq!(
        user_errors(&complete(&nobody, &second, &code).await),
        ["BAD_CREDENTIALS"],
        "a sixth is none"
    );
    let third = challenge(&nobody, &token).await;
    assert_eq!(send_code(&nobody, &third).await["sent"], true);
    app.run_jobs().await;
    assert_eq!(user_errors(&send_code(&nobody, &third).await), ["LOCKED"]);
    assert_eq!(app.received_by(&phone).len(), 3);
    app.wall.advance(TimeDelta::minutes(5));
    let answer = complete(&nobody, &third, &code_in_newest(&app, &phone)).await;
    assert!(may_act(&with_session(nobody, &answer)).await);
    app.finish().await;
}

#[tokio::test]
async fn two_things_that_one_knows_do_as_well_and_which_was_wrong_is_not_told() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 1).await;
    let (_, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let challenge = challenge(&nobody, &token).await;
    let one = verify(&nobody, &challenge, &json!({ "postalCode": "60614" })).await;
    assert_eq!(user_errors(&one), ["INVALID_INPUT"]);
    let mut messages = Vec::new();
    for factors in [
        json!({ "postalCode": "60615", "accountNumber": "ACME-10002" }),
        json!({ "postalCode": "60614", "accountNumber": "ACME-10003" }),
        // Nobody has recorded a date of birth.
        json!({ "postalCode": "60614", "birthDate": "1980-01-31" }),
    ] {
        let refused = verify(&nobody, &challenge, &factors).await;
        assert_eq!(user_errors(&refused), ["BAD_CREDENTIALS"], "{factors}");
        messages.push(refused["userErrors"].clone());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
    let right = json!({ "postalCode": "60614-0000", "accountNumber": "acme 10002" });
    let answer = verify(&nobody, &challenge, &right).await;
    let debtor = with_session(nobody, &answer);
    let seen = debtor.gql("{ viewer { account { id } } }", json!({})).await;
    assert_eq!(data(&seen)["viewer"]["account"]["id"], account.as_str());
    assert_eq!(app.audited("debtor_sign_in.failed").await, 3);
    assert_eq!(app.audited("debtor_sign_in.passed").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn after_a_stop_no_code_is_texted_and_what_one_knows_still_opens() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let nobody = app.anonymous();
    let phone = app.acme.debtor_number(1);
    app.text(&app.acme, &phone, "STOP").await;
    let account = app.account_id(&app.acme, 1).await;
    let (_, token) = link_to(&staff, &account).await;
    let challenge = challenge(&nobody, &token).await;
    let before = app.received_by(&phone).len();
    let refused = send_code(&nobody, &challenge).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"], "{refused}");
    let told = refused.to_string().to_lowercase();
    for word in ["stop", "opt", "debt", "law", "hour"] {
        assert!(!told.contains(word), "{told}");
    }
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), before);
    let answer = verify(&nobody, &challenge, &app.factors(&app.acme, 1)).await;
    assert!(may_act(&with_session(nobody.clone(), &answer)).await);
    app.finish().await;
}

#[tokio::test]
async fn failures_lock_the_link_longer_and_longer_whichever_process_is_asked() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let (_, token) = link_to(&staff, &account).await;
    let (_, other_link) = link_to(&staff, &account).await;
    let second = TestApp::start_with(Options {
        database: Some(app.database()),
        wall: Some(app.wall.now()),
        ..Options::default()
    })
    .await;
    let (here, there) = (app.anonymous(), second.anonymous());
    let wrong = json!({ "postalCode": "00000", "accountNumber": "ACME-10001" });
    // Links name the process that made them, tokens do not.
    let challenges = [challenge(&here, &token).await, challenge(&there, &token).await];
    for nth in 0..5 {
        let (client, challenge) = if nth % 2 == 0 {
            (&here, &challenges[0])
        } else {
            (&there, &challenges[1])
        };
        let refused = verify(client, challenge, &wrong).await;
        assert_eq!(user_errors(&refused), ["BAD_CREDENTIALS"], "failure {nth}");
    }
    let right = app.factors(&app.acme, 0);
    for (client, challenge) in [(&here, &challenges[0]), (&there, &challenges[1])] {
        assert_eq!(user_errors(&verify(client, challenge, &right).await), ["LOCKED"]);
    }
    let other = challenge(&there, &other_link).await;
    let newer = verify(&there, &other, &right).await;
    assert!(
        may_act(&with_session(there.clone(), &newer)).await,
        "another link to the same person is as good as ever"
    );
    for clock in [&app.wall, &second.wall] {
        clock.advance(TimeDelta::seconds(61));
    }
    assert_eq!(
        user_errors(&verify(&here, &challenges[0], &wrong).await),
        ["BAD_CREDENTIALS"]
    );
    for clock in [&app.wall, &second.wall] {
        clock.advance(TimeDelta::seconds(61));
    }
    assert_eq!(
        user_errors(&verify(&there, &challenges[1], &right).await),
        ["LOCKED"],
        "twice as long now"
    );
    for clock in [&app.wall, &second.wall] {
        clock.advance(TimeDelta::seconds(61));
    }
    let answer = verify(&there, &challenges[1], &right).await;
    let debtor = with_session(there, &answer);
    assert!(may_act(&debtor).await);
    assert_eq!(
        error_code(
            &debtor
                .gql("{ users(first: 1) { edges { node { id } } } }", json!({}))
                .await
        ),
        "FORBIDDEN"
    );
    second.finish().await;
    app.finish().await;
}

/// A link may have been forwarded, or may lie about: who holds it can neither spend the codes of the person's new one nor
/// make it wait.
#[tokio::test]
async fn who_holds_an_old_link_cannot_keep_the_person_from_a_new_one() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let (account, phone) = (app.account_id(&app.acme, 11).await, app.acme.debtor_number(11));
    let (stranger, person) = (app.anonymous(), app.anonymous());
    let old = challenge(&stranger, &link_to(&staff, &account).await.1).await;
    // Of the three texts that the law leaves in a day.
    for _ in 0..2 {
        assert_eq!(send_code(&stranger, &old).await["sent"], true);
        app.run_jobs().await;
    }
    let wrong = json!({ "postalCode": "00000", "accountNumber": "ACME-10012" });
    for _ in 0..5 {
        assert_eq!(
            user_errors(&verify(&stranger, &old, &wrong).await),
            ["BAD_CREDENTIALS"]
        );
    }
    assert_eq!(user_errors(&verify(&stranger, &old, &wrong).await), ["LOCKED"]);

    let new = challenge(&person, &link_to(&staff, &account).await.1).await;
    assert_eq!(send_code(&person, &new).await["sent"], true);
    app.run_jobs().await;
    let answer = complete(&person, &new, &code_in_newest(&app, &phone)).await;
    assert!(may_act(&with_session(person.clone(), &answer)).await);
    // By what the person knows, too, with whatever link is new.
    let newest = challenge(&person, &link_to(&staff, &account).await.1).await;
    let answer = verify(&person, &newest, &app.factors(&app.acme, 11)).await;
    assert!(may_act(&with_session(person, &answer)).await);
    assert_eq!(user_errors(&verify(&stranger, &old, &wrong).await), ["LOCKED"]);
    app.finish().await;
}
