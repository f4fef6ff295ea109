//! Somebody who is signed in to the service.

use std::net::SocketAddr;

use anyhow::Context as _;
use funnelchat::{
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
    platform::clock::{SystemWallClock, WallClock as _},
};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret};

use crate::http::{Connection, post};

/// The request of an operation, ready to be sent.
pub fn operation(token: Option<&str>, query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/graphql-response+json"),
    ];
    if let Some(authorization) = &authorization {
        headers.push(("authorization", authorization));
    }
    post("/graphql", &headers, &body)
}

/// Password, then TOTP; the access token.
pub async fn sign_in(address: SocketAddr, email: &str) -> anyhow::Result<String> {
    let mut connection = Connection::open(address).await?;
    let login = operation(
        None,
        "mutation($email: EmailAddress!, $password: String!) {
           login(input: {email: $email, password: $password}) { mfaChallenge { token } userErrors { message } } }",
        &json!({ "email": email, "password": DEMO_PASSWORD }),
    );
    let answer: Value = serde_json::from_slice(connection.send(&login).await?.body)?;
    let challenge = answer["data"]["login"]["mfaChallenge"]["token"]
        .as_str()
        .with_context(|| format!("{email} cannot log in: {answer}"))?;
    let factor = operation(
        None,
        "mutation($token: String!, $code: String!) {
           completeMfa(input: {token: $token, code: $code}) { session { accessToken } userErrors { message } } }",
        &json!({ "token": challenge, "code": one_time_code()? }),
    );
    let answer: Value = serde_json::from_slice(connection.send(&factor).await?.body)?;
    answer["data"]["completeMfa"]["session"]["accessToken"]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("{email} has no session: {answer}"))
}

fn one_time_code() -> anyhow::Result<String> {
    let secret = Secret::try_from_base32(DEMO_TOTP_SECRET).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret)
        .build_noncompliant();
    let now = u64::try_from(SystemWallClock.now().timestamp())?;
    Ok(totp.generate(now).to_string())
}
