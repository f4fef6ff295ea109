//! A caller of the API over real HTTP.

use std::net::SocketAddr;

use funnelchat::{
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
    platform::clock::{ManualWallClock, WallClock as _},
};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret};

use super::Socket;

/// Somebody with or without a log-in.
#[derive(Clone)]
pub struct Client {
    pub addr: SocketAddr,
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    /// Who signed in.
    pub email: Option<String>,
    forwarded_for: Option<String>,
    http: reqwest::Client,
}

/// The six digits that an authenticator with the demo secret shows now.
pub fn totp_code(wall: &ManualWallClock) -> String {
    code_of(DEMO_TOTP_SECRET, wall)
}

/// The six digits that an authenticator with this secret shows now.
pub fn code_of(secret: &str, wall: &ManualWallClock) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret)
        .build_noncompliant();
    totp.generate(u64::try_from(wall.now().timestamp()).unwrap())
        .to_string()
}

impl Client {
    pub fn anonymous(addr: SocketAddr) -> Self {
        funnelchat::app::install_crypto_provider();
        Self {
            addr,
            access_token: None,
            refresh_token: None,
            email: None,
            forwarded_for: None,
            http: reqwest::Client::builder()
                .timeout(std::time::Duration::from_secs(30))
                .build()
                .unwrap(),
        }
    }

    /// The same caller behind a proxy that says where they are.
    #[must_use]
    pub fn calling_from(mut self, address: &str) -> Self {
        self.forwarded_for = Some(address.to_owned());
        self
    }

    /// Password, then TOTP.
    pub async fn sign_in(addr: SocketAddr, wall: &ManualWallClock, email: &str) -> Self {
        Self::anonymous(addr).signing_in(wall, email, DEMO_PASSWORD).await
    }

    /// The same with another password, from wherever this caller is.
    pub async fn signing_in(self, wall: &ManualWallClock, email: &str, password: &str) -> Self {
        self.signing_in_with(email, password, &totp_code(wall)).await
    }

    /// The same with a second factor of one's own.
    pub async fn signing_in_with(mut self, email: &str, password: &str, code: &str) -> Self {
        let client = &mut self;
        let login = client
            .gql(
                "mutation($email: EmailAddress!, $password: String!) {
                   login(input: {email: $email, password: $password}) { mfaChallenge { token } userErrors { message } } }",
                json!({ "email": email, "password": password }),
            )
            .await;
        let token = data(&login)["login"]["mfaChallenge"]["token"]
            .as_str()
            .expect("a challenge")
            .to_owned();
        let session = client
            .gql(
                "mutation($token: String!, $code: String!) {
                   completeMfa(input: {token: $token, code: $code}) {
                     session { accessToken refreshToken } userErrors { message } } }",
                json!({ "token": token, "code": code }),
            )
            .await;
        let session = &data(&session)["completeMfa"]["session"];
        client.access_token = Some(session["accessToken"].as_str().expect("a session").to_owned());
        client.refresh_token = session["refreshToken"].as_str().map(str::to_owned);
        client.email = Some(email.to_owned());
        self
    }

    /// The id of the session that acts.
    pub async fn session_id(&self) -> String {
        let answer = self.gql("{ sessions { id isCurrent } }", json!({})).await;
        let sessions = data(&answer)["sessions"].as_array().expect("a list");
        let current = sessions.iter().find(|session| session["isCurrent"] == true);
        current.expect("the present one")["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// One operation; the whole answer.
    pub async fn gql(&self, query: &str, variables: Value) -> Value {
        self.gql_with(query, variables, &[]).await
    }

    /// One operation with more headers.
    pub async fn gql_with(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Value {
        let mut request = self
            .http
            .post(format!("http://{}/graphql", self.addr))
            .header("accept", "application/json")
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.access_token {
            request = request.bearer_auth(token);
        }
        if let Some(address) = &self.forwarded_for {
            request = request.header("x-forwarded-for", address);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// A plain HTTP request of another kind.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A socket, signed in like this client.
    pub async fn socket(&self) -> Socket {
        Socket::connect(self.addr, self.access_token.as_deref()).await
    }
}

/// The `data` of an answer without errors.
#[track_caller]
pub fn data(answer: &Value) -> &Value {
    assert!(answer.get("errors").is_none(), "no errors expected: {answer}");
    &answer["data"]
}

/// The code of the first top-level error.
pub fn error_code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or("(none)")
}

/// The codes of a payload's user errors.
pub fn user_errors(payload: &Value) -> Vec<&str> {
    payload["userErrors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["code"].as_str())
        .collect()
}
