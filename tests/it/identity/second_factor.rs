//! A second factor after its enrolment: replaced, with new recovery codes, and taken off somebody who has lost theirs.

use chrono::TimeDelta;
use funnelchat::cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET};
use serde_json::{Value, json};

use super::{complete, invite, log_in};
use crate::support::{Client, Options, TestApp, code_of, data, error_code, user_errors};

const BEGIN: &str = "mutation($i: BeginMfaReplacementInput!) { beginMfaReplacement(input: $i) {
  secret otpauthUrl userErrors { code field } } }";
const CONFIRM: &str = "mutation($i: ConfirmMfaReplacementInput!) { confirmMfaReplacement(input: $i) {
  recoveryCodes userErrors { code field } } }";
const REGENERATE: &str = "mutation($i: RegenerateRecoveryCodesInput!) { regenerateRecoveryCodes(input: $i) {
  recoveryCodes userErrors { code field } } }";
const RESET: &str = "mutation($i: ResetMemberMfaInput!) { resetMemberMfa(input: $i) { reset userErrors { code field message } } }";
const RESET_STAFF: &str = "mutation($i: ResetStaffMfaInput!) { resetStaffMfa(input: $i) { reset userErrors { code field message } } }";

async fn call(client: &Client, document: &str, input: Value) -> Value {
    let answer = client.gql(document, json!({ "i": input })).await;
    data(&answer)
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone()
}

async fn is_in(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none()
}

/// What the last step of a log-in with this code answers.
async fn sign_in_with(app: &TestApp, email: &str, code: &str) -> Value {
    let client = app.anonymous();
    let entered = log_in(&client, email, DEMO_PASSWORD).await;
    complete(&client, &entered["mfaChallenge"]["token"], code).await
}

fn subject(app: &TestApp, email: &str) -> String {
    app.sandbox.state().mails_to(email).pop().expect("a mail").subject
}

fn codes(payload: &Value) -> Vec<String> {
    serde_json::from_value(payload["recoveryCodes"].clone()).unwrap()
}

#[tokio::test]
async fn another_app_takes_the_place_of_the_first_and_whoever_has_that_is_out() {
    const AGENT: &str = "agent@acme.example";
    let app = TestApp::start().await;
    let (agent, elsewhere) = (app.acme.agent().await, app.acme.agent().await);
    let now = code_of(DEMO_TOTP_SECRET, &app.wall);
    let proof = |password: &str, code: &str| json!({ "currentPassword": password, "code": code });
    let wrong = call(&agent, BEGIN, proof("not the password at all", &now)).await;
    assert_eq!(
        wrong["userErrors"],
        json!([{ "code": "BAD_CREDENTIALS", "field": ["input", "currentPassword"] }])
    );
    let wrong = call(&agent, BEGIN, proof(DEMO_PASSWORD, "000000")).await;
    assert_eq!(
        wrong["userErrors"],
        json!([{ "code": "BAD_CREDENTIALS", "field": ["input", "code"] }])
    );
    let early = call(&agent, CONFIRM, json!({ "code": now })).await;
    assert_eq!(user_errors(&early), ["BAD_CREDENTIALS"], "nothing was begun");

    let begun = call(&agent, BEGIN, proof(DEMO_PASSWORD, &now)).await;
    assert_eq!(user_errors(&begun), Vec::<&str>::new());
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let still = sign_in_with(&app, AGENT, &now).await;
    assert_eq!(
        user_errors(&still),
        Vec::<&str>::new(),
        "the first is good until then"
    );
    let wrong = call(&agent, CONFIRM, json!({ "code": now })).await;
    assert_eq!(
        user_errors(&wrong),
        ["BAD_CREDENTIALS"],
        "it takes a code of the new one"
    );
    let confirmed = call(&agent, CONFIRM, json!({ "code": code_of(&secret, &app.wall) })).await;
    assert_eq!(user_errors(&confirmed), Vec::<&str>::new());
    let recovery = codes(&confirmed);
    assert_eq!(recovery.len(), 10);
    assert!(
        is_in(&agent).await && !is_in(&elsewhere).await,
        "all sessions but this one have ended"
    );
    app.run_jobs().await;
    assert_eq!(subject(&app, AGENT), "Your second factor was replaced");
    assert_eq!(
        user_errors(&sign_in_with(&app, AGENT, &now).await),
        ["BAD_CREDENTIALS"]
    );
    let entered = sign_in_with(&app, AGENT, &recovery[0]).await;
    assert_eq!(user_errors(&entered), Vec::<&str>::new());

    // Codes that others may have seen are replaced by new ones, for the last of them if need be.
    let again = call(&agent, REGENERATE, proof(DEMO_PASSWORD, &recovery[1])).await;
    assert_eq!(user_errors(&again), Vec::<&str>::new());
    app.run_jobs().await;
    assert_eq!(subject(&app, AGENT), "You have new recovery codes");
    assert_eq!(
        user_errors(&sign_in_with(&app, AGENT, &recovery[2]).await),
        ["BAD_CREDENTIALS"]
    );
    // What failed here counts as failed log-ins do.
    app.wall.advance(TimeDelta::minutes(20));
    let entered = sign_in_with(&app, AGENT, &codes(&again)[0]).await;
    assert_eq!(user_errors(&entered), Vec::<&str>::new());
    app.finish().await;
}

#[tokio::test]
async fn many_at_once_wait_for_no_second_connection_while_they_hold_one() {
    let app = TestApp::start_with(Options {
        // Of which the pool for what belongs to no one business gets two.
        settings: vec![("DATABASE_MAX_CONNECTIONS", "8".to_owned())],
        ..Options::default()
    })
    .await;
    let mut staff = Vec::new();
    for role in ["agent", "manager", "admin", "compliance"] {
        // No more than may fail at one address: each try counts as failed until it was right.
        staff.push(app.acme.sign_in(role).await);
    }
    let code = code_of(DEMO_TOTP_SECRET, &app.wall);
    let proof = json!({ "currentPassword": DEMO_PASSWORD, "code": code });
    for document in [REGENERATE, BEGIN] {
        let calls = staff.iter().map(|client| call(client, document, proof.clone()));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(user_errors(&answer), Vec::<&str>::new());
        }
    }
    app.run_jobs().await;
    app.finish().await;
}

async fn user_id(client: &Client) -> Value {
    let answer = client.gql("{ viewer { user { id } } }", json!({})).await;
    data(&answer)["viewer"]["user"]["id"].clone()
}

#[tokio::test]
async fn an_administrator_takes_a_lost_factor_off_who_belongs_to_their_business_alone() {
    const AGENT: &str = "agent@acme.example";
    let app = TestApp::start().await;
    let (admin, manager, agent) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("manager").await,
        app.acme.agent().await,
    );
    let lost = json!({ "userId": user_id(&agent).await });
    let refused = manager.gql(RESET, json!({ "i": lost })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&call(&globex, RESET, lost.clone()).await),
        ["NOT_FOUND"]
    );
    let own = json!({ "userId": user_id(&admin).await });
    assert_eq!(
        user_errors(&call(&admin, RESET, own).await),
        ["CONFLICT"],
        "nobody takes off their own"
    );

    let reset = call(&admin, RESET, lost.clone()).await;
    assert_eq!(
        (reset["reset"].as_bool(), user_errors(&reset)),
        (Some(true), vec![])
    );
    assert!(!is_in(&agent).await, "their sessions have ended");
    assert_eq!(app.audited("user.mfa_reset").await, 1);
    app.run_jobs().await;
    assert_eq!(subject(&app, AGENT), "Your second factor was taken off");
    let entered = log_in(&app.anonymous(), AGENT, DEMO_PASSWORD).await;
    assert!(
        entered["mfaEnrollment"]["token"].is_string(),
        "they enrol another: {entered}"
    );
    assert_eq!(
        user_errors(&call(&admin, RESET, lost).await),
        ["CONFLICT"],
        "there is none to take off"
    );

    // Who may enter another business too: their factor guards that as well.
    let manager_id = json!({ "userId": user_id(&manager).await });
    invite(&globex, "manager@acme.example", "AGENT").await;
    app.run_jobs().await;
    let mail = app
        .sandbox
        .state()
        .mails_to("manager@acme.example")
        .pop()
        .expect("a mail");
    let text = mail.text.unwrap();
    let token = text
        .split_once("token=")
        .unwrap()
        .1
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let accepted = app
        .anonymous()
        .gql(
            "mutation($t: String!, $p: String!) { acceptInvitation(input: { token: $t, password: $p }) { mfaChallenge { token } userErrors { code } } }",
            json!({ "t": token, "p": DEMO_PASSWORD }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&accepted)["acceptInvitation"]),
        Vec::<&str>::new()
    );
    let refused = call(&admin, RESET, manager_id).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    assert!(is_in(&manager).await, "nothing was changed");

    let input = json!({ "email": "manager@acme.example" });
    let refused = admin.gql(RESET_STAFF, json!({ "i": input })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let staff = app.super_admin().await;
    let reset = call(&staff, RESET_STAFF, input.clone()).await;
    assert_eq!(
        (reset["reset"].as_bool(), user_errors(&reset)),
        (Some(true), vec![])
    );
    assert!(!is_in(&manager).await);
    assert_eq!(
        user_errors(&call(&staff, RESET_STAFF, input).await),
        ["NOT_FOUND"]
    );
    app.run_jobs().await;
    app.finish().await;
}
