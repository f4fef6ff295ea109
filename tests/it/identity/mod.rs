//! Who may come in: registration, log-in, second factors, lockout, passwords, sessions, API keys, invitations, members.

mod activity;
mod api_keys;
mod browser;
mod email;
mod invitations;
mod lockout;
mod log_in;
mod mail_words;
mod members;
mod notifications;
mod own_sessions;
mod passwords;
mod profile;
mod register;
mod second_factor;
mod sessions;
mod switch;
mod work;

use serde_json::{Value, json};

use crate::support::{Client, TestApp, data};

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

/// What `inviteUser` answers, errors and all.
async fn invite_as(client: &Client, email: &str, role: &str) -> Value {
    let (first, rest) = email.split('@').next().unwrap().split_at(1);
    let name = first.to_uppercase() + rest;
    client
        .gql(
            "mutation($i: InviteUserInput!) { inviteUser(input: $i) {
               invitation { id email name role status invitedBy { name } } userErrors { code field message } } }",
            json!({ "i": { "email": email, "name": name, "role": role } }),
        )
        .await
}

/// What `inviteUser` answers to who may.
async fn invite(client: &Client, email: &str, role: &str) -> Value {
    data(&invite_as(client, email, role).await)["inviteUser"].clone()
}

/// The addresses of the open invitations.
async fn open_invitations(client: &Client) -> Value {
    let answer = client
        .gql(
            "{ invitations(first: 10) { edges { node { email } } } }",
            json!({}),
        )
        .await;
    data(&answer)["invitations"]["edges"].clone()
}

/// The token of the newest invitation mailed to this address.
fn link_token(app: &TestApp, address: &str) -> String {
    let mails = app.sandbox.state().mails_to(address);
    let text = mails
        .into_iter()
        .rev()
        .filter_map(|mail| mail.text)
        .find(|text| text.contains("/accept-invitation?token="))
        .expect("an invitation");
    let (_, token) = text.split_once("/accept-invitation?token=").unwrap();
    token.split_whitespace().next().unwrap().to_owned()
}

/// What `acceptInvitation` answers.
async fn accept(app: &TestApp, token: &str, password: &Value) -> Value {
    let answer = app
        .anonymous()
        .gql(
            "mutation($i: AcceptInvitationInput!) { acceptInvitation(input: $i) {
               session { accessToken } mfaChallenge { token } mfaEnrollment { token }
               userErrors { code field message } } }",
            json!({ "i": { "token": token, "password": password } }),
        )
        .await;
    data(&answer)["acceptInvitation"].clone()
}
