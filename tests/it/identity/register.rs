//! A business registers itself, verifies its founder's address, enrols a second factor, and is in.

use serde_json::json;

use super::{complete, log_in};
use crate::support::{TestApp, code_of, data, error_code, user_errors};

const FOUNDER: &str = "founder@initech.example";
const PASSWORD: &str = "seven purple elephants dance";

const REGISTER: &str = "mutation($email: EmailAddress!, $password: String!) {
  registerBusiness(input: { businessName: \"Initech\", businessRole: THIRD_PARTY_COLLECTOR, name: \"Peter Gibbons\",
                            email: $email, password: $password }) {
    accepted userErrors { code field message } } }";
const VERIFY: &str =
    "mutation($token: String!) { verifyEmail(input: { token: $token }) { verified userErrors { code } } }";
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
        let answer = client.gql(VERIFY, json!({ "token": token })).await;
        let answer = &data(&answer)["verifyEmail"];
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

#[tokio::test]
async fn who_registers_with_somebody_elses_address_chooses_neither_their_password_nor_their_business() {
    const STRANGERS: &str = "nine yellow giraffes march";
    const AS_STRANGER: &str = "mutation($email: EmailAddress!, $password: String!) {
      registerBusiness(input: { businessName: \"Initrode\", businessRole: FIRST_PARTY_CREDITOR, name: \"Nobody\",
                                email: $email, password: $password }) { accepted userErrors { code } } }";
    let app = TestApp::start().await;
    let client = app.anonymous();
    let stranger = json!({ "email": FOUNDER, "password": STRANGERS });
    client.gql(AS_STRANGER, stranger.clone()).await;
    app.run_jobs().await;
    client
        .gql(REGISTER, json!({ "email": FOUNDER, "password": PASSWORD }))
        .await;
    app.run_jobs().await;
    client.gql(AS_STRANGER, stranger).await;
    app.run_jobs().await;
    let links = link_tokens(&app);
    assert_eq!(links.len(), 3, "the owner of the address has a link of each");
    let follow = async |token: &str| {
        let answer = client.gql(VERIFY, json!({ "token": token })).await;
        data(&answer)["verifyEmail"]["verified"].clone()
    };
    assert_eq!(follow(&links[1]).await, true, "their own");
    for dead in [&links[0], &links[2]] {
        assert_eq!(follow(dead).await, false, "no other is good any more");
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
    app.finish().await;
}
