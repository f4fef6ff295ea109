//! Somebody of the staff signs in with another address.

use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::log_in;
use crate::support::{Client, TestApp, data, error_code};

const AGENT: &str = "agent@acme.example";
const NEW: &str = "ana@acme.example";

const CHANGE: &str =
    "mutation($e: EmailAddress!, $p: String!) { changeEmail(input: { email: $e, currentPassword: $p }) {
  accepted userErrors { code field } } }";
const CONFIRM: &str =
    "mutation($t: String!, $p: String!) { confirmEmailChange(input: { token: $t, password: $p }) {
  changed userErrors { code field } } }";

async fn change(client: &Client, email: &str, password: &str) -> Value {
    let answer = client.gql(CHANGE, json!({ "e": email, "p": password })).await;
    data(&answer)["changeEmail"].clone()
}

async fn confirm(app: &TestApp, token: &str, password: &str) -> Value {
    let answer = app
        .anonymous()
        .gql(CONFIRM, json!({ "t": token, "p": password }))
        .await;
    data(&answer)["confirmEmailChange"].clone()
}

fn refused(code: &str, field: &str) -> Value {
    json!([{ "code": code, "field": ["input", field] }])
}

fn subjects(app: &TestApp, email: &str) -> Vec<String> {
    let mails = app.sandbox.state().mails_to(email);
    mails.into_iter().map(|mail| mail.subject).collect()
}

/// The token of the newest link behind `path` that was mailed to this address.
fn link(app: &TestApp, email: &str, path: &str) -> String {
    let mails = app.sandbox.state().mails_to(email);
    let mut texts = mails.into_iter().filter_map(|mail| mail.text);
    let text = texts.rfind(|text| text.contains(path)).expect("a link");
    let (_, token) = text.split_once("?token=").unwrap();
    token.split_whitespace().next().unwrap().to_owned()
}

async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none()
}

async fn may_sign_in(app: &TestApp, email: &str) -> bool {
    let entered = log_in(&app.anonymous(), email, DEMO_PASSWORD).await;
    entered["mfaChallenge"]["token"].is_string()
}

#[tokio::test]
async fn a_new_address_counts_once_its_link_and_the_password_have_confirmed_it() {
    let app = TestApp::start().await;
    let (agent, elsewhere) = (app.acme.agent().await, app.acme.agent().await);
    let admin = app.acme.sign_in("admin").await;
    let wrong = change(&agent, NEW, "not the password at all").await;
    assert_eq!(wrong["userErrors"], refused("BAD_CREDENTIALS", "currentPassword"));
    let same = change(&agent, "Agent@Acme.example", DEMO_PASSWORD).await;
    assert_eq!(same["userErrors"], refused("INVALID_INPUT", "email"));
    let asked = change(&agent, NEW, DEMO_PASSWORD).await;
    assert_eq!(asked, json!({ "accepted": true, "userErrors": [] }));
    app.anonymous()
        .gql(
            "mutation($e: EmailAddress!) { requestPasswordReset(input: { email: $e }) { accepted } }",
            json!({ "e": AGENT }),
        )
        .await;
    app.run_jobs().await;
    assert_eq!(subjects(&app, NEW), ["Confirm your new e-mail address"]);
    assert!(subjects(&app, AGENT).contains(&"Your e-mail address is about to change".to_owned()));
    assert!(
        may_sign_in(&app, AGENT).await && !may_sign_in(&app, NEW).await,
        "nothing counts yet"
    );

    let token = link(&app, NEW, "/confirm-email");
    let wrong = confirm(&app, &token, "not the password at all").await;
    assert_eq!(
        wrong["userErrors"],
        refused("BAD_CREDENTIALS", "password"),
        "a link alone is good for nothing"
    );
    let done = confirm(&app, &token, DEMO_PASSWORD).await;
    assert_eq!(done, json!({ "changed": true, "userErrors": [] }));
    assert!(
        !may_act(&agent).await && !may_act(&elsewhere).await,
        "every session has ended"
    );
    assert!(!may_sign_in(&app, AGENT).await && may_sign_in(&app, NEW).await);
    let again = confirm(&app, &token, DEMO_PASSWORD).await;
    assert_eq!(
        again["userErrors"],
        refused("BAD_CREDENTIALS", "token"),
        "a link is good once"
    );
    let old = link(&app, AGENT, "/reset-password");
    let reset = app
        .anonymous()
        .gql(
            "mutation($t: String!) { resetPassword(input: { token: $t, newPassword: \"eleven quiet umbrellas melt\" }) {
               changed userErrors { code field } } }",
            json!({ "t": old }),
        )
        .await;
    assert_eq!(
        data(&reset)["resetPassword"]["userErrors"],
        refused("BAD_CREDENTIALS", "token"),
        "what was mailed to the old address opens nothing"
    );

    let seen = admin
        .gql(
            "{ users(filter: { search: \"ana@acme.example\" }, first: 1) { edges { node { id email } } }
               auditEvents(first: 1, filter: { action: \"user.email_changed\" }) { edges { node {
                 actorId actorRole details } } } }",
            json!({}),
        )
        .await;
    let (user, act) = (
        &data(&seen)["users"]["edges"][0]["node"],
        &data(&seen)["auditEvents"]["edges"][0]["node"],
    );
    assert_eq!((&user["email"], &act["actorId"]), (&json!(NEW), &user["id"]));
    assert_eq!(act["actorRole"], "AGENT");
    assert!(
        !act["details"].to_string().contains('@'),
        "the trail names no address"
    );
    let nobody = app
        .anonymous()
        .gql(CHANGE, json!({ "e": NEW, "p": DEMO_PASSWORD }))
        .await;
    assert_eq!(error_code(&nobody), "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_somebody_has_is_not_had_and_a_strangers_registration_makes_way() {
    const MANAGER: &str = "manager@acme.example";
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let free = change(&agent, NEW, DEMO_PASSWORD).await;
    let taken = change(&agent, MANAGER, DEMO_PASSWORD).await;
    assert_eq!(taken, free, "the answer does not tell");
    app.run_jobs().await;
    assert_eq!(subjects(&app, MANAGER), ["You sign in with this address already"]);
    assert!(may_sign_in(&app, MANAGER).await);

    app.anonymous()
        .gql(
            "mutation($e: EmailAddress!) { registerBusiness(input: { businessName: \"Trap\", name: \"Trapper\",
               businessRole: THIRD_PARTY_COLLECTOR, email: $e, password: \"the password of a stranger\" }) { accepted } }",
            json!({ "e": NEW }),
        )
        .await;
    change(&agent, NEW, DEMO_PASSWORD).await;
    app.run_jobs().await;
    let done = confirm(&app, &link(&app, NEW, "/confirm-email"), DEMO_PASSWORD).await;
    assert_eq!(done["changed"], true, "{done}");
    assert!(may_sign_in(&app, NEW).await);
    let left = app
        .superuser()
        .await
        .fetch_one("SELECT (SELECT count(*) FROM registrations), (SELECT count(*) FROM businesses WHERE name = 'Trap')")
        .await
        .unwrap();
    assert_eq!((left.get::<i64, _>(0), left.get::<i64, _>(1)), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_ends_the_wish_for_another_address() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    change(&agent, NEW, DEMO_PASSWORD).await;
    app.run_jobs().await;
    let token = link(&app, NEW, "/confirm-email");
    let changed = agent
        .gql(
            "mutation($p: String!) { changePassword(input: { currentPassword: $p,
               newPassword: \"eleven quiet umbrellas melt\" }) { changed } }",
            json!({ "p": DEMO_PASSWORD }),
        )
        .await;
    assert_eq!(data(&changed)["changePassword"]["changed"], true);
    for password in [DEMO_PASSWORD, "eleven quiet umbrellas melt"] {
        let late = confirm(&app, &token, password).await;
        assert_eq!(late["userErrors"], refused("BAD_CREDENTIALS", "token"));
    }
    app.finish().await;
}
