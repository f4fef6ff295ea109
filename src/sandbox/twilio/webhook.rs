//! Delivers signed webhooks, retries them as Twilio does, and remembers what came of each.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use reqwest::{Client, Response, Url, redirect};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::super::loopback;
use super::super::state::SandboxState;
use super::signature;

/// How often a failed delivery is tried again.
const RETRIES: u32 = 3;

/// How long Twilio waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How many deliveries may be on the wire at once.
const CONCURRENCY: usize = 64;

/// How much of a refusal's body is kept for the page, in bytes.
const EXCERPT_LIMIT: usize = 300;

/// One webhook or callback and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct WebhookDelivery {
    /// Counts up from 1.
    pub id: u64,
    /// The text that it is about.
    pub message_sid: String,
    /// What it tells: `inbound`, or `status sent` and the like.
    pub event: String,
    /// Where it went.
    pub url: String,
    /// How often it was sent; 0 while it waits and when it was refused.
    pub attempts: u32,
    /// The last HTTP status; none when nobody answered.
    pub last_status: Option<u16>,
    /// What happened, in words; empty while it is under way.
    pub outcome: String,
    /// The same for all attempts; sent as `I-Twilio-Idempotency-Token`.
    pub idempotency_token: String,
    /// When it was first due.
    pub at: DateTime<Utc>,
}

/// A webhook to deliver.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) message_sid: String,
    pub(super) event: String,
    pub(super) url: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) auth_token: String,
    pub(super) idempotency_token: String,
}

/// The HTTP client for webhooks.
pub(in crate::sandbox) struct WebhookClient {
    client: Client,
    slots: Semaphore,
}

impl WebhookClient {
    /// A client that uses no proxy, follows no redirect and keeps no connection, so that it reaches exactly the
    /// loopback address that was checked.
    pub(in crate::sandbox) fn new() -> anyhow::Result<Self> {
        // A process has one TLS provider; another part may have installed the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(ANSWER_TIMEOUT)
            .user_agent("TwilioProxy/1.1 (funnelchat sandbox)")
            .build()
            .context("the sandbox cannot make its HTTP client")?;
        Ok(Self {
            client,
            slots: Semaphore::new(CONCURRENCY),
        })
    }
}

impl WebhookClient {
    /// Posts a body as it is, with these headers, and answers the HTTP status; none when nobody answered.
    pub(in crate::sandbox) async fn post_raw(
        &self,
        url: Url,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<u16> {
        // Never closed, so always granted; it is held until the answer is there.
        let _slot = self.slots.acquire().await;
        let request = headers
            .iter()
            .fold(self.client.post(url), |request, (name, value)| {
                request.header(*name, *value)
            });
        let answer = request.body(body).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }
}

enum Attempt {
    /// The receiver took it, or refused it for good.
    Final(u16, String),
    /// Worth another try: a 5xx, or nobody answered.
    Failed(Option<u16>, String),
}

/// Delivers a webhook and answers the last HTTP status. A connection error or 5xx is tried up to [`RETRIES`]
/// times more with growing pauses; everything else is final.
pub(super) async fn deliver(state: &SandboxState, webhook: &Webhook) -> Option<u16> {
    let id = state.add_delivery(WebhookDelivery {
        id: 0,
        message_sid: webhook.message_sid.clone(),
        event: webhook.event.clone(),
        url: webhook.url.clone(),
        attempts: 0,
        last_status: None,
        outcome: String::new(),
        idempotency_token: webhook.idempotency_token.clone(),
        at: state.now(),
    });
    let url = match loopback::check_callback(&webhook.url) {
        Ok(url) => url,
        Err(reason) => {
            state.update_delivery(id, |delivery| delivery.outcome = reason);
            return None;
        }
    };
    for attempt in 0..=RETRIES {
        if attempt > 0 {
            tokio::time::sleep(state.delays().webhook_retry * 2_u32.pow(attempt - 1)).await;
        }
        let (status, outcome, done) = match post(state, webhook, url.clone()).await {
            Attempt::Final(status, outcome) => (Some(status), outcome, true),
            Attempt::Failed(status, outcome) if attempt == RETRIES => {
                (status, format!("{outcome}; given up"), true)
            }
            Attempt::Failed(status, outcome) => (status, format!("{outcome}; trying again"), false),
        };
        state.update_delivery(id, |delivery| {
            delivery.attempts = attempt + 1;
            delivery.last_status = status;
            delivery.outcome = outcome;
        });
        if done {
            return status;
        }
    }
    None
}

async fn post(state: &SandboxState, webhook: &Webhook, url: Url) -> Attempt {
    let webhooks = state.webhooks();
    // Never closed, so always granted; it is held until the answer is read.
    let _slot = webhooks.slots.acquire().await;
    let sent = webhooks
        .client
        .post(url)
        .header(
            "X-Twilio-Signature",
            signature::sign(&webhook.auth_token, &webhook.url, &webhook.params),
        )
        .header("I-Twilio-Idempotency-Token", &webhook.idempotency_token)
        .form(&webhook.params)
        .send()
        .await;
    let response = match sent {
        Ok(response) => response,
        Err(err) if err.is_connect() => return Attempt::Failed(None, "could not connect".to_owned()),
        Err(err) if err.is_timeout() => return Attempt::Failed(None, "no answer in 15 s".to_owned()),
        Err(_) => return Attempt::Failed(None, "the connection broke before an answer".to_owned()),
    };
    let status = response.status();
    let outcome = format!("answered {}", status.as_u16());
    if status.is_success() {
        return Attempt::Final(status.as_u16(), outcome);
    }
    let outcome = match excerpt(response).await {
        text if text.is_empty() => outcome,
        text => format!("{outcome}: {text}"),
    };
    if status.is_server_error() {
        Attempt::Failed(Some(status.as_u16()), outcome)
    } else {
        Attempt::Final(status.as_u16(), outcome)
    }
}

/// The beginning of an answer's body.
async fn excerpt(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < EXCERPT_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(EXCERPT_LIMIT);
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
