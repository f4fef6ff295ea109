//! The stage: a sandbox with one business, a fake service that receives its webhooks, and a frozen clock.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::sandbox::twilio::signature;
use crate::sandbox::{
    RunningSandbox, SandboxClock, SandboxConfig, StatusDelays, StripePlatform, TwilioAccount, TwilioNumber,
    start,
};

pub(super) const ACME: &str = "AC0123456789abcdef0123456789abcdef";
pub(super) const ACME_TOKEN: &str = "acme-token";
pub(super) const ACME_NUMBER: &str = "+15550100001";
pub(super) const BOLT: &str = "ACffffffffffffffffffffffffffffffff";
pub(super) const BOLT_TOKEN: &str = "bolt-token";
pub(super) const BOLT_NUMBER: &str = "+15550100002";
pub(super) const DEBTOR: &str = "+15550100099";

pub(super) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Stands still until it is advanced.
pub(super) struct FrozenClock(Mutex<DateTime<Utc>>);

impl FrozenClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-03-02T15:04:05Z".parse().unwrap())))
    }
}

#[async_trait]
impl SandboxClock for FrozenClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    async fn advance(&self, by: TimeDelta) -> Result<DateTime<Utc>, String> {
        let mut now = self.0.lock().unwrap();
        *now += by;
        Ok(*now)
    }
}

/// One webhook as the fake service received it.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) path: String,
    pub(super) params: HashMap<String, String>,
    pub(super) idempotency_token: String,
    pub(super) signature_fits: bool,
}

/// Our own service, played: remembers what it receives and answers as told.
#[derive(Clone)]
pub(super) struct FakeService {
    base: String,
    hits: Arc<Mutex<Vec<Hit>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl FakeService {
    async fn start() -> Self {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = Self {
            base,
            hits: Arc::default(),
            answers: Arc::default(),
        };
        let app = Router::new().fallback(Self::receive).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        service
    }

    /// The statuses of the next answers; afterwards 204.
    pub(super) fn answer_next(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub(super) fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// The statuses of a message in the order in which they were called back.
    pub(super) fn statuses(&self) -> Vec<String> {
        self.hits()
            .iter()
            .filter_map(|hit| hit.params.get("MessageStatus").cloned())
            .collect()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn receive(State(service): State<Self>, request: Request) -> (StatusCode, &'static str) {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().unwrap().to_string();
        let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
        let (signed, idempotency_token) =
            (header("X-Twilio-Signature"), header("I-Twilio-Idempotency-Token"));
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let params: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let token = match params
            .iter()
            .find(|(name, _)| name == "AccountSid")
            .unwrap()
            .1
            .as_str()
        {
            ACME => ACME_TOKEN,
            _ => BOLT_TOKEN,
        };
        let signature_fits = signature::sign(token, &service.url(&path), &params) == signed;
        let params = params.into_iter().collect();
        service.hits.lock().unwrap().push(Hit {
            path,
            params,
            idempotency_token,
            signature_fits,
        });
        let status = service.answers.lock().unwrap().pop_front().unwrap_or(204);
        (
            StatusCode::from_u16(status).unwrap(),
            if status == 204 { "" } else { "because I say so" },
        )
    }
}

/// The sandbox, the service and an HTTP client.
pub(super) struct Stage {
    pub(super) sandbox: RunningSandbox,
    pub(super) service: FakeService,
    pub(super) client: Client,
}

impl Stage {
    pub(super) async fn set() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(adjust: impl FnOnce(&mut SandboxConfig)) -> Self {
        let service = FakeService::start().await;
        let mut config = config(&service);
        adjust(&mut config);
        let sandbox = start(config).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            sandbox,
            service,
            client,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.addr())
    }

    /// A request to Acme's part of the Twilio API.
    pub(super) fn acme(&self, method: &str, path: &str) -> RequestBuilder {
        let url = self.url(&format!("/twilio/2010-04-01/Accounts/{ACME}/{path}"));
        self.client
            .request(method.parse().unwrap(), url)
            .basic_auth(ACME, Some(ACME_TOKEN))
    }

    /// Acme texts the debtor and asks for callbacks.
    pub(super) fn text_request(&self, body: &str) -> RequestBuilder {
        let callback = self.service.url("/status?attempt=7");
        let form = [
            ("To", DEBTOR),
            ("From", ACME_NUMBER),
            ("Body", body),
            ("StatusCallback", callback.as_str()),
        ];
        self.acme("POST", "Messages.json").form(&form)
    }

    /// Acme texts the debtor; answers the HTTP status and Twilio's JSON.
    pub(super) async fn text(&self, body: &str) -> (u16, Value) {
        read(self.text_request(body).send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.client.get(self.url(path)).send().await.unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.client.post(self.url(path)).json(&body).send().await.unwrap()).await
    }
}

pub(super) fn config(service: &FakeService) -> SandboxConfig {
    let account = |sid: &str, token: &str, number: &str, label: &str| TwilioAccount {
        sid: sid.to_owned(),
        auth_token: token.to_owned(),
        numbers: vec![TwilioNumber {
            e164: number.to_owned(),
            sms_webhook_url: service.url("/inbound?key=a%20b"),
            label: label.to_owned(),
        }],
    };
    SandboxConfig {
        listen: loopback(),
        smtp_listen: loopback(),
        twilio_accounts: vec![
            account(ACME, ACME_TOKEN, ACME_NUMBER, "Acme Recovery"),
            account(BOLT, BOLT_TOKEN, BOLT_NUMBER, "Bolt Collections"),
        ],
        stripe: StripePlatform {
            secret_key: "sk_test_sandbox".to_owned(),
            accounts: vec!["acct_acme".to_owned(), "acct_bolt".to_owned()],
            webhook_url: String::new(),
            webhook_secrets: vec!["whsec_sandbox".to_owned()],
        },
        debtor_numbers: vec![(DEBTOR.to_owned(), "Dora Debtor".to_owned())],
        clock: FrozenClock::new(),
        status_delays: StatusDelays::ZERO,
    }
}

pub(super) async fn read(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}
