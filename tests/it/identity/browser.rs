//! Browsers keep their session in cookies, which count only beside a header that no other site can send.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite, tungstenite::client::IntoClientRequest as _};

use super::{COMPLETE, LOGIN};
use crate::support::{Client, Options, TestApp, data, totp_code, user_errors};

const DASHBOARD: &str = "https://dashboard.example";
const ASKS_FOR_COOKIES: (&str, &str) = ("funnelchat-session", "cookie");
const REFRESH: &str =
    "mutation { refreshSession(input: {}) { session { accessToken } userErrors { code message } } }";

/// A browser as far as cookies go.
struct Browser {
    client: Client,
    jar: BTreeMap<String, String>,
}

impl Browser {
    fn of(app: &TestApp) -> Self {
        Self {
            client: app.anonymous(),
            jar: BTreeMap::new(),
        }
    }

    fn cookies(&self) -> String {
        let pairs: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(
                    text.split("; ").any(|found| found == attribute),
                    "{attribute}: {text}"
                );
            }
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{name}");
            if text.contains("Max-Age=0;") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// What the page's own script sends.
    async fn send(&mut self, query: &str, variables: Value) -> Value {
        self.send_with(query, variables, Some(ASKS_FOR_COOKIES)).await
    }

    async fn send_with(&mut self, query: &str, variables: Value, header: Option<(&str, &str)>) -> Value {
        let mut request = self
            .client
            .http()
            .post(format!("http://{}/graphql", self.client.addr))
            .header("accept", "application/json")
            .header("cookie", self.cookies())
            .json(&json!({ "query": query, "variables": variables }));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        self.keep(&response);
        response.json().await.unwrap()
    }

    async fn sign_in(&mut self, app: &TestApp) -> Value {
        let login = json!({ "email": "agent@acme.example", "password": "correct horse battery staple" });
        let challenge = self.send(LOGIN, login).await;
        let token = &data(&challenge)["login"]["mfaChallenge"]["token"];
        let answer = self
            .send(COMPLETE, json!({ "token": token, "code": totp_code(&app.wall) }))
            .await;
        data(&answer)["completeMfa"].clone()
    }

    async fn name(&mut self) -> Value {
        let answer = self.send("{ viewer { user { name } } }", json!({})).await;
        answer["data"]["viewer"]["user"]["name"].clone()
    }

    async fn opens_a_socket(&self, origin: &str) -> Result<(), u16> {
        let mut request = format!("ws://{}/graphql/ws", self.client.addr)
            .into_client_request()
            .unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        headers.insert("cookie", self.cookies().parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => Ok(()),
            Err(tungstenite::Error::Http(refused)) => Err(refused.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }
}

async fn app() -> TestApp {
    TestApp::start_with(Options {
        settings: vec![("ALLOWED_ORIGINS", DASHBOARD.to_owned())],
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_session_in_cookies_is_opened_renewed_and_ended_without_a_script_seeing_a_token() {
    let app = app().await;
    let mut browser = Browser::of(&app);
    let opened = browser.sign_in(&app).await;
    assert_eq!(opened["session"]["accessToken"], Value::Null);
    assert_eq!(opened["session"]["refreshToken"], Value::Null);
    assert!(opened["session"]["viewer"]["user"]["name"].is_string());
    assert_eq!(browser.jar.len(), 2);
    assert!(browser.name().await.is_string());

    let before = browser.jar.clone();
    let renewed = browser.send(REFRESH, json!({})).await;
    let renewed = &data(&renewed)["refreshSession"];
    assert!(
        renewed["session"].is_object() && renewed["session"]["accessToken"].is_null(),
        "{renewed}"
    );
    assert_ne!(browser.jar, before, "it rotates");
    assert!(browser.name().await.is_string());

    let kept = browser.jar.clone();
    let ended = browser.send("mutation { logout { ended } }", json!({})).await;
    assert_eq!(data(&ended)["logout"]["ended"], true);
    assert!(browser.jar.is_empty(), "logout forgets the cookies");
    browser.jar = kept;
    assert_eq!(
        browser.name().await,
        Value::Null,
        "and what a thief kept of them is worth nothing"
    );
    let stale = browser.send(REFRESH, json!({})).await;
    assert_eq!(user_errors(&data(&stale)["refreshSession"]), ["BAD_CREDENTIALS"]);
    assert!(
        browser.jar.is_empty(),
        "a session that cannot be renewed is forgotten"
    );
    assert!(
        browser.sign_in(&app).await["session"].is_object(),
        "nothing stale stands in the way"
    );
    app.finish().await;
}

#[tokio::test]
async fn whoever_comes_back_late_can_still_log_out() {
    let app = app().await;
    let mut browser = Browser::of(&app);
    browser.sign_in(&app).await;
    let kept = browser.jar.clone();
    app.wall.advance(TimeDelta::minutes(20));
    assert_eq!(browser.name().await, Value::Null, "the access cookie has expired");
    let ended = browser
        .send("mutation { logout { ended userErrors { code } } }", json!({}))
        .await;
    assert_eq!(data(&ended)["logout"], json!({ "ended": true, "userErrors": [] }));
    assert!(browser.jar.is_empty(), "the cookies are forgotten");
    browser.jar = kept;
    let stale = browser.send(REFRESH, json!({})).await;
    assert_eq!(
        user_errors(&data(&stale)["refreshSession"]),
        ["BAD_CREDENTIALS"],
        "and the session is over"
    );
    let again = browser
        .send("mutation { logout { ended userErrors { code } } }", json!({}))
        .await;
    assert_eq!(data(&again)["logout"]["ended"], false);
    app.finish().await;
}

#[tokio::test]
async fn cookies_without_the_header_are_nobodys() {
    let app = app().await;
    let mut browser = Browser::of(&app);
    browser.sign_in(&app).await;
    // What another site's form or script sends in the browser's name: the cookies go along, the header cannot.
    for header in [
        None,
        Some(("funnelchat-session", "yes")),
        // A request that wants to become a socket, where none is.
        Some(("upgrade", "websocket")),
    ] {
        let forged = browser
            .send_with("mutation { logout { ended } }", json!({}), header)
            .await;
        assert_eq!(data(&forged)["logout"]["ended"], false, "{forged}");
        let forged = browser.send_with("{ viewer { role } }", json!({}), header).await;
        assert_eq!(
            forged["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{header:?}: {forged}"
        );
    }
    assert!(browser.name().await.is_string(), "the session goes on");
    // A bearer token beside cookies is what counts, and a bad one is refused.
    let refused = browser
        .client
        .gql_with(
            "{ viewer { role } }",
            json!({}),
            &[
                ("cookie", &browser.cookies()),
                ASKS_FOR_COOKIES,
                ("authorization", "Bearer nonsense"),
            ],
        )
        .await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn only_allowed_origins_get_an_answer_or_a_socket() {
    let app = app().await;
    let mut browser = Browser::of(&app);
    browser.sign_in(&app).await;
    assert_eq!(browser.opens_a_socket(DASHBOARD).await, Ok(()));
    assert_eq!(browser.opens_a_socket("https://evil.example").await, Err(403));

    let preflight = async |origin: &str| {
        let url = format!("http://{}/graphql", browser.client.addr);
        let request = browser.client.http().request(Method::OPTIONS, url);
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let asked = "authorization,content-type,funnelchat-session,idempotency-key";
        let response = request
            .header("access-control-request-headers", asked)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.headers().clone()
    };
    let allowed = preflight(DASHBOARD).await;
    assert_eq!(allowed["access-control-allow-origin"], DASHBOARD);
    assert_eq!(allowed["access-control-allow-credentials"], "true");
    assert!(
        allowed["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("funnelchat-session")
    );
    let foreign = preflight("https://evil.example").await;
    assert!(foreign.get("access-control-allow-origin").is_none());

    let request = browser
        .client
        .http()
        .post(format!("http://{}/graphql", browser.client.addr));
    let answer = request
        .header("origin", DASHBOARD)
        .json(&json!({ "query": "{ __typename }" }))
        .send()
        .await
        .unwrap();
    let varies: Vec<_> = answer
        .headers()
        .get_all("vary")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let varies = varies.join(",");
    assert!(varies.contains("origin") && varies.contains("accept"), "{varies}");
    assert_eq!(answer.headers()["access-control-allow-origin"], DASHBOARD);
    app.finish().await;
}
