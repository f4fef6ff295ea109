//! Starting and stopping the sandbox.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, serve};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::{Connection, CuttableListener};
use super::loopback::{check_listen, is_loopback_authority};
use super::state::{SandboxState, StateParts};
use super::twilio::webhook::WebhookClient;
use super::{SandboxConfig, TwilioAccount, control, smtp, stripe, twilio};

/// How long [`RunningSandbox::shutdown`] waits for open connections before it drops them.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// A sandbox that is serving. It stops when this value is dropped.
pub struct RunningSandbox {
    addr: SocketAddr,
    smtp_addr: SocketAddr,
    state: SandboxState,
    servers: Vec<JoinHandle<()>>,
    stop: DropGuard,
}

/// Binds both listeners and serves in the background.
///
/// # Errors
/// A listen address that is not loopback or not free, and accounts that contradict each other.
pub async fn start(config: SandboxConfig) -> anyhow::Result<RunningSandbox> {
    check_listen("HTTP", config.listen)?;
    check_listen("SMTP", config.smtp_listen)?;
    check_accounts(&config.twilio_accounts)?;
    let http = bind("HTTP", config.listen).await?;
    let mail = bind("SMTP", config.smtp_listen).await?;
    let (addr, smtp_addr) = (http.local_addr()?, mail.local_addr()?);

    let stopping = CancellationToken::new();
    let state = SandboxState::new(StateParts {
        accounts: config.twilio_accounts,
        stripe: config.stripe,
        debtor_numbers: config.debtor_numbers,
        clock: config.clock,
        delays: config.status_delays,
        webhooks: WebhookClient::new()?,
        stopping: stopping.clone(),
    });
    let servers = vec![
        tokio::spawn(serve_http(http, state.clone())),
        tokio::spawn(smtp::serve(mail, state.clone())),
    ];
    Ok(RunningSandbox {
        addr,
        smtp_addr,
        state,
        servers,
        stop: stopping.drop_guard(),
    })
}

impl RunningSandbox {
    /// Where HTTP is served; the page is at `/`, Twilio's base URL is `http://<addr>/twilio`, Stripe's `http://<addr>/stripe`.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where mail is accepted.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp_addr
    }

    /// What the sandbox remembers.
    pub fn state(&self) -> &SandboxState {
        &self.state
    }

    /// Returns as soon as no message is on its way from `queued` to its last status, and no callback or webhook
    /// delivery is under way. It waits for notifications and never polls.
    pub async fn idle(&self) {
        self.state.idle().await;
    }

    /// Stops serving: open deliveries are abandoned and held connections are let go.
    pub async fn shutdown(self) {
        drop(self.stop);
        for mut server in self.servers {
            if tokio::time::timeout(SHUTDOWN_PATIENCE, &mut server)
                .await
                .is_err()
            {
                server.abort();
            }
        }
    }
}

async fn bind(purpose: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!(
            "the sandbox cannot serve {purpose} on {addr}; choose another port or stop what listens there"
        )
    })
}

fn check_accounts(accounts: &[TwilioAccount]) -> anyhow::Result<()> {
    let (mut sids, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for account in accounts {
        if !sids.insert(&account.sid) {
            bail!("the sandbox was given the Twilio account {} twice", account.sid);
        }
        for number in &account.numbers {
            if !twilio::is_e164(&number.e164) {
                bail!(
                    "{:?} is no number in E.164 form, such as +15550100001",
                    number.e164
                );
            }
            if !numbers.insert(&number.e164) {
                bail!("the number {} was given to the sandbox twice", number.e164);
            }
        }
    }
    Ok(())
}

async fn serve_http(listener: TcpListener, state: SandboxState) {
    let stopping = state.stopping().clone();
    let app = Router::new()
        .merge(control::router())
        .nest("/twilio", twilio::router(&state))
        .nest("/stripe", stripe::router(&state))
        .layer(middleware::from_fn(refuse_foreign_hosts))
        .with_state(state);
    let served = serve(
        CuttableListener(listener),
        app.into_make_service_with_connect_info::<Connection>(),
    )
    .with_graceful_shutdown(stopping.cancelled_owned())
    .await;
    if let Err(err) = served {
        tracing::error!(error = %err, "the sandbox stopped serving HTTP");
    }
}

async fn refuse_foreign_hosts(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if host.is_some_and(is_loopback_authority) {
        next.run(request).await
    } else {
        let text = "the sandbox answers requests to 127.0.0.1, [::1] and localhost only\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}
