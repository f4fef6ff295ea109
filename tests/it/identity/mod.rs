//! Who may come in: registration, log-in, second factors, lockout, sessions.

mod log_in;
mod register;
mod sessions;

use serde_json::{Value, json};

use crate::support::{Client, data};

const LOGIN: &str = "mutation($email: EmailAddress!, $password: String!) {
  login(input: { email: $email, password: $password }) {
    session { accessToken } mfaChallenge { token methods } mfaEnrollment { token } userErrors { code field message } } }";

const COMPLETE: &str = "mutation($token: String!, $code: String!) {
  completeMfa(input: { token: $token, code: $code }) {
    session { accessToken refreshToken viewer { role user { name } business { name } } }
    userErrors { code field message } } }";

const REFRESH: &str = "mutation($token: String!) {
  refreshSession(input: { refreshToken: $token }) {
    session { accessToken refreshToken } userErrors { code field message } } }";

/// What `login` answers.
async fn log_in(client: &Client, email: &str, password: &str) -> Value {
    let answer = client
        .gql(LOGIN, json!({ "email": email, "password": password }))
        .await;
    data(&answer)["login"].clone()
}

/// What `completeMfa` answers.
async fn complete(client: &Client, token: &Value, code: &str) -> Value {
    let answer = client
        .gql(COMPLETE, json!({ "token": token, "code": code }))
        .await;
    data(&answer)["completeMfa"].clone()
}

/// What `refreshSession` answers.
async fn refresh(client: &Client, token: &Value) -> Value {
    let answer = client.gql(REFRESH, json!({ "token": token })).await;
    data(&answer)["refreshSession"].clone()
}
