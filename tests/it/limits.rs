//! What one caller may ask of the service: how much at once, and how often.

use serde_json::{Value, json};

use crate::support::{Client, Options, TestApp, data, error_code};

async fn limited(name: &'static str, limit: u32) -> TestApp {
    TestApp::start_with(Options {
        settings: vec![(name, limit.to_string())],
        ..Options::default()
    })
    .await
}

/// One mutation with this field so many times, each under a name of its own.
fn many(field: &str, times: usize) -> String {
    let fields: String = (0..times).map(|n| format!("f{n}: {field} ")).collect();
    format!("mutation {{ {fields} }}")
}

const REFRESH: &str = "refreshSession(input: { refreshToken: \"none\" }) { userErrors { code } }";
const END_OTHERS: &str = "revokeOtherSessions { userErrors { code } }";

/// `None` where it was let through.
async fn refusal(client: &Client, document: &str) -> Option<String> {
    let answer = client.gql(document, json!({})).await;
    answer.get("errors").map(|_| error_code(&answer).to_owned())
}

#[tokio::test]
async fn each_field_of_a_public_operation_and_of_a_mutation_counts() {
    let app = limited("RATE_LIMIT_PUBLIC_PER_MINUTE", 20).await;
    let stranger = app.anonymous();
    assert_eq!(refusal(&stranger, &many(REFRESH, 12)).await, None);
    assert_eq!(
        refusal(&stranger, &many(REFRESH, 9)).await.as_deref(),
        Some("RATE_LIMITED")
    );
    assert_eq!(
        refusal(&stranger, &many(REFRESH, 8)).await,
        None,
        "what was refused did not count"
    );
    assert_eq!(
        refusal(&stranger, &many(REFRESH, 1)).await.as_deref(),
        Some("RATE_LIMITED")
    );
    app.finish().await;

    let app = limited("RATE_LIMIT_USER_PER_MINUTE", 15).await;
    let admin = app.acme.sign_in("admin").await;
    let together = "{ viewer { role } sessions { id } roles { id } }";
    assert_eq!(refusal(&admin, together).await, None, "a query is one");
    assert_eq!(refusal(&admin, &many(END_OTHERS, 14)).await, None);
    assert_eq!(refusal(&admin, together).await.as_deref(), Some("RATE_LIMITED"));
    let answer = app
        .acme
        .sign_in("manager")
        .await
        .gql(&many(END_OTHERS, 16), json!({}))
        .await;
    assert_eq!(error_code(&answer), "RATE_LIMITED");
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("select fewer"), "no waiting helps: {message}");
    app.finish().await;
}

#[tokio::test]
async fn each_subscription_counts_so_that_none_is_begun_and_ended_without_end() {
    let app = limited("RATE_LIMIT_USER_PER_MINUTE", 10).await;
    let agent = app.acme.agent().await;
    let mut socket = agent.socket().await;
    let mut refused = 0;
    for _ in 0..12 {
        socket
            .subscribe("subscription { inboxEvents { __typename } }", json!({}))
            .await;
    }
    while let Some(message) = socket.message().await {
        assert_eq!(message["type"], "error", "{message}");
        assert_eq!(
            message["payload"][0]["extensions"]["code"], "RATE_LIMITED",
            "{message}"
        );
        refused += 1;
        if refused == 2 {
            break;
        }
    }
    assert!(refused >= 2);
    app.stop().await;
}

#[tokio::test]
async fn all_addresses_of_an_ipv6_network_are_one_caller() {
    let app = TestApp::start_with(Options {
        settings: vec![
            ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("RATE_LIMIT_PUBLIC_PER_MINUTE", "2".to_owned()),
        ],
        ..Options::default()
    })
    .await;
    let from = |address: &str| app.anonymous().calling_from(address);
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::7"] {
        assert_eq!(refusal(&from(address), &many(REFRESH, 1)).await, None);
    }
    let third = from("2001:db8:1:2::3");
    assert_eq!(
        refusal(&third, &many(REFRESH, 1)).await.as_deref(),
        Some("RATE_LIMITED")
    );
    assert_eq!(refusal(&from("2001:db8:1:3::3"), &many(REFRESH, 1)).await, None);
    app.finish().await;
}

#[tokio::test]
async fn what_leads_from_person_to_person_costs_what_it_finds() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let listed = agent
        .gql("{ debtors(first: 1) { edges { node { id } } } }", json!({}))
        .await;
    let id = data(&listed)["debtors"]["edges"][0]["node"]["id"].clone();
    let ask = async |rounds: usize| -> Value {
        let below = (0..rounds).fold("id".to_owned(), |inner, _| {
            format!("matchSuggestions {{ debtor {{ {inner} }} }}")
        });
        let document = format!("query($id: ID!) {{ debtor(id: $id) {{ {below} }} }}");
        agent.gql(&document, json!({ "id": id })).await
    };
    data(&ask(2).await);
    assert_eq!(error_code(&ask(3).await), "COST_LIMIT_EXCEEDED");
    app.finish().await;
}

/// What the operation costs together with whether it was let through, and after how many seconds it may be tried again.
async fn priced(client: &Client, document: &str) -> (u64, Option<String>) {
    let mut request = client
        .http()
        .post(format!("http://{}/graphql", client.addr))
        .header("GraphQL-Cost", "1")
        .json(&json!({ "query": document }));
    if let Some(token) = &client.access_token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let after = answer.headers().get("retry-after").cloned();
    let body: Value = answer.json().await.unwrap();
    let cost = body["extensions"]["cost"]["requestedQueryCost"].as_u64().unwrap();
    (cost, after.map(|seconds| seconds.to_str().unwrap().to_owned()))
}

const PAGE: &str = "{ accounts(first: 100) { edges { node { id firstName } } } }";

#[tokio::test]
async fn staff_and_programs_of_a_business_share_what_their_operations_may_cost() {
    let app = limited("RATE_LIMIT_BUSINESS_COST_PER_MINUTE", 1_500).await;
    let (admin, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let made = admin
        .gql(
            "mutation { createApiKey(input: { name: \"K\", scopes: [\"account:read\"] }) { secret userErrors { code } } }",
            json!({}),
        )
        .await;
    let mut program = app.anonymous();
    program.access_token = data(&made)["createApiKey"]["secret"].as_str().map(str::to_owned);
    let (cost, after) = priced(&program, PAGE).await;
    assert!((300..700).contains(&cost) && after.is_none(), "{cost} {after:?}");
    // Two pages of a program, and what is left is not enough for one of a colleague's.
    let mut refused = None;
    for _ in 0..4 {
        refused = priced(&program, PAGE).await.1;
        if refused.is_some() {
            break;
        }
    }
    let seconds: u64 = refused.expect("the budget is spent").parse().unwrap();
    assert!((1..=66).contains(&seconds), "{seconds}");
    let told = admin.gql(PAGE, json!({})).await;
    assert_eq!(error_code(&told), "RATE_LIMITED");
    let message = told["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("Your business") && message.contains("smaller pages"),
        "{message}"
    );
    data(&admin.gql("{ viewer { role } }", json!({})).await);
    data(&globex.gql(PAGE, json!({})).await);
    let too_dear = globex
        .gql(
            "{ accounts(first: 100) { edges { node { id debtor { contactPoints { value } } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&too_dear), "RATE_LIMITED");
    let message = too_dear["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("costs") && !message.contains("Try again"),
        "{message}"
    );
    // Nobody else pays for it: a debtor's own page, and who is no one yet.
    assert_eq!(refusal(&app.anonymous(), &many(REFRESH, 1)).await, None);
    app.wall.advance(chrono::TimeDelta::seconds(67));
    let admin = app.acme.sign_in("admin").await;
    data(&admin.gql(PAGE, json!({})).await);
    app.finish().await;
}

#[tokio::test]
async fn who_calls_too_often_from_one_address_is_told_the_request_id() {
    let app = limited("RATE_LIMIT_IP_PER_MINUTE", 1).await;
    let ask = async || {
        let sent = app
            .anonymous()
            .http()
            .post(format!("http://{}/graphql", app.addr))
            .json(&json!({ "query": "{ __typename }" }));
        sent.send().await.unwrap()
    };
    let mut answer = ask().await;
    while answer.status() != 429 {
        answer = ask().await;
    }
    let header = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: serde_json::Value = answer.json().await.unwrap();
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(
        *extensions,
        json!({ "code": "RATE_LIMITED", "requestId": header })
    );
    app.stop().await;
}
