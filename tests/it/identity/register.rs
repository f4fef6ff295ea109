//! A business registers itself, verifies its founder's address, enrols a second factor, and is in.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::{complete, log_in};
use crate::support::{Client, TestApp, code_of, data, error_code, user_errors};

const FOUNDER: &str = "founder@initech.example";
const PASSWORD: &str = "seven purple elephants dance";

const REGISTER: &str = "mutation($email: EmailAddress!, $password: String!) {
  registerBusiness(input: { businessName: \"Initech\", businessRole: THIRD_PARTY_COLLECTOR, name: \"Peter Gibbons\",
                            email: $email, password: $password }) {
    accepted userErrors { code field message } } }";
const VERIFY: &str = "mutation($token: String!, $password: String!) {
  verifyEmail(input: { token: $token, password: $password }) { verified userErrors { code field } } }";
const BEGIN: &str = "mutation($token: String!) {
  beginMfaEnrollment(input: { token: $token }) { secret otpauthUrl qrDataUrl userErrors { code } } }";
const CONFIRM: &str = "mutation($token: String!, $code: String!) {
  confirmMfaEnrollment(input: { token: $token, code: $code }) {
    recoveryCodes session { accessToken viewer { role business { name } } } userErrors { code field } } }";

/// The token of the link in the newest mail to the founder.
fn link_token(app: &TestApp) -> String {
    let mail = app.sandbox.state().mails_to(FOUNDER).pop().expect("a mail");
    assert_eq!(mail.subject, "Verify your e-mail address");
    let text = mail.text.unwrap();
    let (_, token) = text.split_once("/verify-email?token=").expect("a link");
    token.split_whitespace().next().unwrap().to_owned()
}

/// What `verifyEmail` answers.
async fn verify(client: &Client, token: &str, password: &str) -> Value {
    let answer = client
        .gql(VERIFY, json!({ "token": token, "password": password }))
        .await;
    data(&answer)["verifyEmail"].clone()
}

#[tokio::test]
async fn from_the_registration_to_the_first_session() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let registration = json!({ "email": FOUNDER, "password": PASSWORD });
    let registered = client.gql(REGISTER, registration.clone()).await;
    assert_eq!(
        data(&registered)["registerBusiness"],
        json!({ "accepted": true, "userErrors": [] })
    );
    app.run_jobs().await;
    let early = log_in(&client, FOUNDER, PASSWORD).await;
    assert_eq!(user_errors(&early), ["EMAIL_NOT_VERIFIED"]);

    let token = link_token(&app);
    for (verified, errors) in [(true, vec![]), (false, vec!["BAD_CREDENTIALS"])] {
        let answer = &verify(&client, &token, PASSWORD).await;
        assert_eq!(
            (answer["verified"].as_bool(), user_errors(answer)),
            (Some(verified), errors),
            "a link is good once"
        );
    }

    let entered = log_in(&client, FOUNDER, PASSWORD).await;
    assert!(
        entered["session"].is_null() && entered["mfaChallenge"].is_null(),
        "staff cannot do without a second factor: {entered}"
    );
    let enrollment = &entered["mfaEnrollment"]["token"];
    let begun = client.gql(BEGIN, json!({ "token": enrollment })).await;
    let begun = &data(&begun)["beginMfaEnrollment"];
    let secret = begun["secret"].as_str().unwrap();
    assert!(
        begun["otpauthUrl"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/funnelchat:founder")
    );
    assert!(
        begun["qrDataUrl"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,")
    );
    let wrong = client
        .gql(CONFIRM, json!({ "token": enrollment, "code": "000000" }))
        .await;
    assert_eq!(
        user_errors(&data(&wrong)["confirmMfaEnrollment"]),
        ["BAD_CREDENTIALS"]
    );
    let code = code_of(secret, &app.wall);
    let confirmed = client
        .gql(CONFIRM, json!({ "token": enrollment, "code": code }))
        .await;
    let confirmed = &data(&confirmed)["confirmMfaEnrollment"];
    assert_eq!(confirmed["session"]["viewer"]["role"], "BUSINESS_ADMIN");
    assert_eq!(confirmed["session"]["viewer"]["business"]["name"], "Initech");
    let recovery: Vec<String> = serde_json::from_value(confirmed["recoveryCodes"].clone()).unwrap();
    assert_eq!(recovery.len(), 10);
    let mut founder = app.anonymous();
    founder.access_token = confirmed["session"]["accessToken"].as_str().map(str::to_owned);
    let answer = founder
        .gql("{ accounts(first: 5) { edges { node { id } } } }", json!({}))
        .await;
    assert_eq!(
        data(&answer)["accounts"]["edges"],
        json!([]),
        "a business of its own, and nobody else's data"
    );
    let again = client.gql(BEGIN, json!({ "token": enrollment })).await;
    assert_eq!(
        user_errors(&data(&again)["beginMfaEnrollment"]),
        ["BAD_CREDENTIALS"],
        "an enrolled factor is not replaced by whoever has the old token"
    );

    // A recovery code opens the door once, however it is typed.
    let typed = recovery[0].to_uppercase().replace('-', " ");
    for errors in [vec![], vec!["BAD_CREDENTIALS"]] {
        let entered = log_in(&client, FOUNDER, PASSWORD).await;
        let token = &entered["mfaChallenge"]["token"];
        let answer = complete(&client, token, &typed).await;
        assert_eq!(user_errors(&answer), errors);
    }
    app.finish().await;
}

#[tokio::test]
async fn registering_a_known_address_tells_only_its_owner() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let unknown = client
        .gql(REGISTER, json!({ "email": FOUNDER, "password": PASSWORD }))
        .await;
    app.run_jobs().await;
    // Not verified yet: a new link comes.
    let first = link_token(&app);
    client
        .gql(
            REGISTER,
            json!({ "email": "Founder@Initech.example", "password": PASSWORD }),
        )
        .await;
    app.run_jobs().await;
    assert_ne!(link_token(&app), first);
    let known = client
        .gql(
            REGISTER,
            json!({ "email": "agent@acme.example", "password": PASSWORD }),
        )
        .await;
    app.run_jobs().await;
    assert_eq!(data(&known), data(&unknown), "the answer does not tell");
    let mails = app.sandbox.state().mails_to("agent@acme.example");
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "You are registered already");
    let entered = log_in(&client, "agent@acme.example", PASSWORD).await;
    assert_eq!(
        user_errors(&entered),
        ["BAD_CREDENTIALS"],
        "nobody's password is replaced"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named_field_by_field() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let answer = client
        .gql(REGISTER, json!({ "email": "nobody", "password": "short" }))
        .await;
    let answer = &data(&answer)["registerBusiness"];
    let fields: Vec<&str> = answer["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|error| error["field"][1].as_str())
        .collect();
    assert_eq!(
        (answer["accepted"].as_bool(), fields),
        (Some(false), vec!["email", "password"])
    );
    let answer = client
        .gql("{ accounts(first: 5) { edges { node { id } } } }", json!({}))
        .await;
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    app.run_jobs().await;
    assert_eq!(app.sandbox.state().mails().len(), 0);
    app.finish().await;
}

/// The tokens of the links in all mails to the founder, oldest first.
fn link_tokens(app: &TestApp) -> Vec<String> {
    let mails = app.sandbox.state().mails_to(FOUNDER);
    mails
        .into_iter()
        .filter_map(|mail| {
            let text = mail.text?;
            let (_, token) = text.split_once("/verify-email?token=")?;
            Some(token.split_whitespace().next()?.to_owned())
        })
        .collect()
}

const STRANGERS: &str = "nine yellow giraffes march";

/// Somebody registers with an address that is not theirs.
async fn register_as_stranger(app: &TestApp, business: &str) {
    let answer = app
        .anonymous()
        .gql(
            "mutation($b: String!, $e: EmailAddress!, $p: String!) {
               registerBusiness(input: { businessName: $b, businessRole: FIRST_PARTY_CREDITOR, name: \"Bill Lumbergh\",
                                         email: $e, password: $p }) { accepted userErrors { code } } }",
            json!({ "b": business, "e": FOUNDER, "p": STRANGERS }),
        )
        .await;
    assert_eq!(data(&answer)["registerBusiness"]["accepted"], true, "{answer}");
    app.run_jobs().await;
}

/// How many rows there are of what registrations make.
async fn rows(app: &TestApp, of: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {of}");
    let row = app.superuser().await.fetch_one(AssertSqlSafe(sql)).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn who_registers_with_somebody_elses_address_chooses_neither_their_password_nor_their_business() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    register_as_stranger(&app, "Initrode").await;
    let mail = app.sandbox.state().mails_to(FOUNDER).pop().unwrap().text.unwrap();
    for named in ["Bill Lumbergh", "Initrode"] {
        assert!(
            mail.contains(named),
            "the owner of the address can tell whose it is: {mail}"
        );
    }
    client
        .gql(REGISTER, json!({ "email": FOUNDER, "password": PASSWORD }))
        .await;
    app.run_jobs().await;
    register_as_stranger(&app, "Initrode").await;
    let links = link_tokens(&app);
    assert_eq!(links.len(), 3, "the owner of the address has a link of each");
    // They open the wrong ones, with the only password that they know.
    for strangers in [&links[0], &links[2]] {
        let answer = verify(&client, strangers, PASSWORD).await;
        assert_eq!(
            (&answer["verified"], user_errors(&answer)),
            (&json!(false), vec!["BAD_CREDENTIALS"])
        );
        assert_eq!(answer["userErrors"][0]["field"], json!(["input", "password"]));
    }
    let early = log_in(&client, FOUNDER, STRANGERS).await;
    assert_eq!(user_errors(&early), ["EMAIL_NOT_VERIFIED"], "nothing counts yet");
    assert_eq!(
        verify(&client, &links[1], PASSWORD).await["verified"],
        true,
        "their own"
    );
    for dead in [&links[0], &links[2]] {
        let answer = verify(&client, dead, STRANGERS).await;
        assert_eq!(
            answer["userErrors"][0]["field"],
            json!(["input", "token"]),
            "{answer}"
        );
    }
    let entered = log_in(&client, FOUNDER, STRANGERS).await;
    assert_eq!(user_errors(&entered), ["BAD_CREDENTIALS"]);
    let entered = log_in(&client, FOUNDER, PASSWORD).await;
    let enrollment = &entered["mfaEnrollment"]["token"];
    let begun = client.gql(BEGIN, json!({ "token": enrollment })).await;
    let secret = data(&begun)["beginMfaEnrollment"]["secret"].clone();
    let code = code_of(secret.as_str().unwrap(), &app.wall);
    let confirmed = client
        .gql(CONFIRM, json!({ "token": enrollment, "code": code }))
        .await;
    assert_eq!(
        data(&confirmed)["confirmMfaEnrollment"]["session"]["viewer"]["business"]["name"],
        "Initech"
    );
    assert_eq!(rows(&app, "businesses WHERE name = 'Initrode'").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn guessing_the_password_behind_a_link_locks_as_a_log_in_does() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    register_as_stranger(&app, "Initrode").await;
    let link = link_token(&app);
    for _ in 0..5 {
        let wrong = verify(&client, &link, PASSWORD).await;
        assert_eq!(user_errors(&wrong), ["BAD_CREDENTIALS"]);
    }
    assert_eq!(
        user_errors(&verify(&client, &link, STRANGERS).await),
        ["LOCKED"],
        "the right one too"
    );
    app.wall.advance(TimeDelta::minutes(31));
    let right = verify(&client, &link, STRANGERS).await;
    assert_eq!(right["verified"], true, "{right}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn registrations_of_an_address_are_few_and_end_with_their_links() {
    let app = TestApp::start().await;
    let before = (rows(&app, "businesses").await, rows(&app, "identities").await);
    for nth in 0..8 {
        register_as_stranger(&app, &format!("Initrode {nth}")).await;
        app.advance(TimeDelta::minutes(31)).await;
    }
    let links = link_tokens(&app);
    assert_eq!(links.len(), 8);
    let left = rows(
        &app,
        "businesses WHERE name LIKE 'Initrode _' AND status = 'PENDING'",
    )
    .await;
    assert_eq!(
        (left, rows(&app, "registrations").await),
        (5, 5),
        "newer ones take the place of the oldest"
    );
    let oldest = verify(&app.anonymous(), &links[2], STRANGERS).await;
    assert_eq!(
        oldest["userErrors"][0]["field"],
        json!(["input", "token"]),
        "{oldest}"
    );

    // A new password by mail is the owner's, and whatever was registered before is not.
    app.anonymous()
        .gql(
            "mutation($e: EmailAddress!) { requestPasswordReset(input: { email: $e }) { accepted } }",
            json!({ "e": FOUNDER }),
        )
        .await;
    app.run_jobs().await;
    let mail = app.sandbox.state().mails_to(FOUNDER).pop().unwrap().text.unwrap();
    let (_, token) = mail.split_once("/reset-password?token=").expect("a link");
    let reset = app
        .anonymous()
        .gql(
            "mutation($t: String!, $p: String!) { resetPassword(input: { token: $t, newPassword: $p }) { changed } }",
            json!({ "t": token.split_whitespace().next(), "p": PASSWORD }),
        )
        .await;
    assert_eq!(data(&reset)["resetPassword"]["changed"], true, "{reset}");
    assert_eq!(rows(&app, "registrations").await, 0);
    let newest = verify(&app.anonymous(), &links[7], STRANGERS).await;
    assert_eq!(user_errors(&newest), ["BAD_CREDENTIALS"]);

    // One that nobody finishes is forgotten soon after its link, and its person with it.
    register_as_stranger(&app, "Initrode 9").await;
    app.advance(TimeDelta::hours(23)).await;
    assert_eq!(rows(&app, "registrations").await, 1);
    app.advance(TimeDelta::hours(3)).await;
    assert_eq!(
        (rows(&app, "businesses").await, rows(&app, "identities").await),
        before,
        "neither businesses nor addresses are left"
    );
    assert_eq!(
        rows(&app, "registrations").await + rows(&app, "one_time_tokens").await,
        0
    );
    // What is verified stays.
    register_as_stranger(&app, "Initrode 10").await;
    assert_eq!(
        verify(&app.anonymous(), &link_token(&app), STRANGERS).await["verified"],
        true
    );
    app.advance(TimeDelta::hours(30)).await;
    assert_eq!(
        rows(
            &app,
            "businesses WHERE name = 'Initrode 10' AND status = 'ACTIVE'"
        )
        .await,
        1
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn two_who_register_one_address_at_once_have_a_link_each() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let mine = client.gql(REGISTER, json!({ "email": FOUNDER, "password": PASSWORD }));
    let theirs = client.gql(REGISTER, json!({ "email": FOUNDER, "password": STRANGERS }));
    let (mine, theirs) = tokio::join!(mine, theirs);
    assert_eq!(data(&mine), data(&theirs));
    app.run_jobs().await;
    let mut good = 0;
    for link in link_tokens(&app) {
        good += i32::from(verify(&client, &link, PASSWORD).await["verified"] == true);
    }
    assert_eq!(good, 1);
    assert!(log_in(&client, FOUNDER, PASSWORD).await["mfaEnrollment"]["token"].is_string());
    app.finish().await;
}
