//! One person, several businesses: one session at a time, in one of them.

use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};

use super::{accept, complete, invite, link_token, log_in, refresh};
use crate::support::{Client, TestApp, data, error_code, totp_code, user_errors};

const SWITCH: &str = "mutation($b: ID!) { switchBusiness(input: { businessId: $b }) {
  session { accessToken refreshToken viewer { role business { id name } memberships { businessId businessName role } } }
  userErrors { code field message } } }";

/// Acme's agent is a manager of Globex too; signed in there.
async fn both(app: &TestApp) -> Client {
    let globex = app.globex.sign_in("admin").await;
    invite(&globex, "agent@acme.example", "MANAGER").await;
    app.run_jobs().await;
    let token = link_token(app, "agent@acme.example");
    let entered = accept(app, &token, &json!(DEMO_PASSWORD)).await;
    let done = complete(
        &app.anonymous(),
        &entered["mfaChallenge"]["token"],
        &totp_code(&app.wall),
    )
    .await;
    app.run_jobs().await;
    with_tokens(app, &done["session"])
}

fn with_tokens(app: &TestApp, session: &Value) -> Client {
    let mut client = app.anonymous();
    client.access_token = session["accessToken"].as_str().map(str::to_owned);
    client.refresh_token = session["refreshToken"].as_str().map(str::to_owned);
    client
}

async fn businesses(client: &Client) -> Vec<Value> {
    let answer = client
        .gql(
            "{ viewer { memberships { businessId businessName role } } }",
            json!({}),
        )
        .await;
    data(&answer)["viewer"]["memberships"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_person_goes_from_one_business_to_another_without_a_second_log_in() {
    let app = TestApp::start().await;
    let at_globex = both(&app).await;
    let found = businesses(&at_globex).await;
    let names: Vec<&str> = found
        .iter()
        .filter_map(|place| place["businessName"].as_str())
        .collect();
    assert_eq!(names, ["Globex Health", "Acme Recovery"], "the last used first");
    let acme = &found[1]["businessId"];
    let mut socket = at_globex.socket().await;

    let switched = at_globex.gql(SWITCH, json!({ "b": acme })).await;
    let session = &data(&switched)["switchBusiness"]["session"];
    assert_eq!(
        (&session["viewer"]["role"], &session["viewer"]["business"]["name"]),
        (&json!("AGENT"), &json!("Acme Recovery"))
    );
    assert_eq!(
        session["viewer"]["memberships"][0]["businessName"],
        "Acme Recovery"
    );
    let at_acme = with_tokens(&app, session);
    let accounts = at_acme
        .gql(
            "{ accounts(first: 1) { edges { node { accountNumber } } } }",
            json!({}),
        )
        .await;
    assert!(accounts.to_string().contains("ACME-"), "{accounts}");
    let renewed = refresh(&app.anonymous(), &json!(at_acme.refresh_token)).await;
    assert!(renewed["session"]["accessToken"].is_string());

    let left = at_globex.gql("{ viewer { role } }", json!({})).await;
    assert_eq!(
        error_code(&left),
        "UNAUTHENTICATED",
        "the session that was left is over"
    );
    let left = refresh(&app.anonymous(), &json!(at_globex.refresh_token)).await;
    assert_eq!(user_errors(&left), ["BAD_CREDENTIALS"]);
    assert_eq!(socket.close_code().await, 4401);

    // The next log-in leads to where they were last.
    app.wall.advance(chrono::TimeDelta::minutes(1));
    let entered = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
    let done = complete(
        &app.anonymous(),
        &entered["mfaChallenge"]["token"],
        &totp_code(&app.wall),
    )
    .await;
    assert_eq!(done["session"]["viewer"]["business"]["name"], "Acme Recovery");
    app.finish().await;
}

#[tokio::test]
async fn only_into_a_business_where_one_is_an_active_member() {
    let app = TestApp::start().await;
    let at_globex = both(&app).await;
    let acme = businesses(&at_globex).await[1]["businessId"].clone();
    let outsider = app.globex.agent().await;
    let refused = outsider.gql(SWITCH, json!({ "b": acme })).await;
    assert_eq!(user_errors(&data(&refused)["switchBusiness"]), ["NOT_FOUND"]);
    assert_eq!(businesses(&outsider).await.len(), 1);

    let admin = app.acme.sign_in("admin").await;
    let agents = admin
        .gql(
            "{ users(filter: { role: [AGENT] }, first: 1) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let id = data(&agents)["users"]["edges"][0]["node"]["id"].clone();
    admin
        .gql(
            "mutation($id: ID!) { updateUser(input: { id: $id, status: INACTIVE }) { userErrors { code } } }",
            json!({ "id": id }),
        )
        .await;
    let refused = at_globex.gql(SWITCH, json!({ "b": acme })).await;
    let refused = &data(&refused)["switchBusiness"];
    assert_eq!(user_errors(refused), ["SUSPENDED"]);
    assert!(
        refused["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("deactivated")
    );
    assert_eq!(
        businesses(&at_globex).await.len(),
        1,
        "the session in the other business goes on, and offers what can be entered"
    );
    let entered = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
    assert!(
        entered["mfaChallenge"]["token"].is_string(),
        "who is out in one business is not out in the other: {entered}"
    );
    app.finish().await;
}

#[tokio::test]
async fn of_two_switches_at_once_one_counts() {
    let app = TestApp::start().await;
    let at_globex = both(&app).await;
    let acme = businesses(&at_globex).await[1]["businessId"].clone();
    let (one, two) = tokio::join!(
        at_globex.gql(SWITCH, json!({ "b": acme })),
        at_globex.gql(SWITCH, json!({ "b": acme }))
    );
    let worked = |answer: &Value| answer["data"]["switchBusiness"]["session"].is_object();
    assert!(worked(&one) != worked(&two), "{one} {two}");
    app.finish().await;
}
