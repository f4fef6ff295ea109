//! The harness: a whole service per test, on a database of its own, with two businesses and a handle per role.

mod callers;
mod client;
pub mod debtors;
pub mod decisions;
mod errors;
mod problems;
mod program;
pub mod recipes;
mod requests;
mod schema;
mod services;
mod socket;
mod story;
pub mod uploads;
mod webhook;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    app::App,
    cli::{
        sandbox_clock::DatabaseClock,
        seed::{BUSINESSES, DEMO_STRIPE_KEY, DEMO_STRIPE_WEBHOOK_SECRET, DEMO_SUPER_ADMIN, DemoBusiness},
    },
    config::{Config, MailSettings, StripeSettings},
    http,
    platform::{clock::ManualWallClock, jobs::JobWorker},
    sandbox::{
        self, RunningSandbox, SandboxClock, SandboxConfig, StatusDelays, StripePlatform, TwilioAccount,
        TwilioNumber,
    },
};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use url::Url;

pub use callers::Callers;
pub use client::{Client, code_of, data, error_code, totp_code, user_errors};
pub use problems::Problems;
pub use program::Program;
pub use schema::{Field, Schema, Slot};
pub use socket::Socket;
pub use story::{SEND, send, send_refused};
pub use webhook::Webhook;
pub use wire::{Plan, Wire};

/// Noon in Chicago on a Wednesday: day everywhere in the states of the demo data but Hawaii, where it is seven.
pub fn noon() -> DateTime<Utc> {
    "2026-06-10T17:00:00Z".parse().unwrap()
}

/// One service with everything around it.
pub struct TestApp {
    pub app: App,
    pub sandbox: RunningSandbox,
    pub wall: ManualWallClock,
    pub acme: Tenant,
    pub globex: Tenant,
    pub addr: SocketAddr,
    worker: JobWorker,
    clock: Arc<DatabaseClock>,
    database: services::TestDatabase,
    errors: errors::ErrorLog,
}

/// One of the two businesses.
#[derive(Clone)]
pub struct Tenant {
    pub demo: &'static DemoBusiness,
    pub addr: SocketAddr,
    wall: ManualWallClock,
}

impl Tenant {
    /// Signs a role in: `admin`, `manager`, `agent` or `compliance`.
    pub async fn sign_in(&self, login: &str) -> Client {
        Client::sign_in(
            self.addr,
            &self.wall,
            &format!("{login}@{}.example", self.demo.slug),
        )
        .await
    }

    pub async fn agent(&self) -> Client {
        self.sign_in("agent").await
    }

    /// The number of the n-th demo debtor.
    pub fn debtor_number(&self, nth: usize) -> String {
        self.demo.debtors().nth(nth).unwrap().1
    }
}

/// What a test wants otherwise.
#[derive(Clone, Default)]
pub struct Options {
    /// Rings through this Redis instead of in-process.
    pub redis_url: Option<String>,
    /// More environment settings.
    pub settings: Vec<(&'static str, String)>,
    /// Wall time at the start; noon otherwise.
    pub wall: Option<DateTime<Utc>>,
    /// A second process on the database of an earlier one.
    pub database: Option<services::TestDatabase>,
    /// Starts on a database without data and writes the demo data with its own keys.
    pub empty: bool,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let errors = errors::ErrorLog::listen();
        let wall = ManualWallClock::starting_at(options.wall.unwrap_or_else(noon));
        let database = match options.database.clone() {
            Some(database) => database,
            None if options.empty => services::empty_database().await,
            None => services::fresh_database().await,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let api = format!("http://{addr}");
        let late = Arc::new(LateClock::default());
        let sandbox = sandbox::start(sandbox_config(&api, late.clone())).await.unwrap();
        let mut config = config(&options, &api);
        config.twilio_base_url = Url::parse(&format!("http://{}/twilio", sandbox.addr())).unwrap();
        config.stripe = StripeSettings {
            base_url: Url::parse(&format!("http://{}/stripe", sandbox.addr())).unwrap(),
            secret_key: Some(DEMO_STRIPE_KEY.into()),
            webhook_secrets: vec![DEMO_STRIPE_WEBHOOK_SECRET.into()],
        };
        config.mail = Some(MailSettings {
            smtp_url: format!("smtp://{}", sandbox.smtp_addr()).into(),
            from: "funnelchat <no-reply@funnelchat.example>".parse().unwrap(),
        });
        let app = App::build(&config, &database.logins, Arc::new(wall.clone()))
            .await
            .unwrap();
        if options.empty {
            funnelchat::cli::seed::seed(&app.db, &app.keyring).await.unwrap();
        }
        app.start_background().await.unwrap();
        let clock = Arc::new(DatabaseClock {
            db: app.db.clone(),
            clock: app.clock.clone(),
            registry: app.registry.clone(),
        });
        late.0.set(clock.clone()).ok().unwrap();
        let router = http::router(app.http.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let stopping = app.stopping.clone();
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopping.cancelled_owned())
                .await
                .unwrap();
        });
        let worker = JobWorker::connect(&app.worker, app.registry.clone())
            .await
            .unwrap();
        let tenant = |demo: &'static DemoBusiness| Tenant {
            demo,
            addr,
            wall: wall.clone(),
        };
        Self {
            acme: tenant(&BUSINESSES[0]),
            globex: tenant(&BUSINESSES[1]),
            app,
            sandbox,
            wall,
            addr,
            worker,
            clock,
            database,
            errors,
        }
    }

    /// The demo's super admin, signed in: outside every business.
    pub async fn super_admin(&self) -> Client {
        Client::sign_in(self.addr, &self.wall, DEMO_SUPER_ADMIN).await
    }

    /// A caller without a log-in.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.addr)
    }

    /// Another session of the same person: its id.
    pub async fn spare_session(&self, of: &Client) -> String {
        let email = of.email.as_deref().expect("somebody who signed in");
        Client::sign_in(self.addr, &self.wall, email)
            .await
            .session_id()
            .await
    }

    /// The database, to start a second process on it.
    pub fn database(&self) -> services::TestDatabase {
        self.database.clone()
    }

    /// A superuser's connection, for looking behind the curtain.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(&self.database.superuser_url).await.unwrap()
    }

    /// Moves business time, and wall time with it, and wakes what may be due.
    pub async fn advance(&self, by: TimeDelta) {
        self.wall.advance(by);
        self.clock.registry.reconcile_all().await.unwrap();
    }

    /// Runs jobs until none is left, with the vendor's callbacks between. Delayed ones are taken as due.
    pub async fn run_jobs(&self) {
        let mut superuser = self.superuser().await;
        for _ in 0..50 {
            superuser
                .execute("UPDATE queue._private_jobs SET run_at = now() WHERE run_at > now()")
                .await
                .unwrap();
            self.worker.run_once().await.unwrap();
            self.sandbox.idle().await;
            if waiting_jobs(&mut superuser).await == 0 {
                return;
            }
        }
        panic!("jobs keep coming back");
    }

    /// Runs the jobs that are due now, once; what they enqueue is left for later.
    pub async fn run_due_jobs(&self) {
        self.worker.run_once().await.unwrap();
    }

    /// Gives back the jobs of workers that died, as the queue does by itself after a minute of their silence.
    pub async fn release_jobs_of_dead_workers(&self) {
        self.superuser()
            .await
            .execute(
                "UPDATE queue._private_jobs SET locked_at = NULL, locked_by = NULL;
                 UPDATE queue._private_job_queues SET locked_at = NULL, locked_by = NULL",
            )
            .await
            .unwrap();
    }

    /// Where Twilio is to bring what debtors write.
    pub fn sms_webhook(&self) -> String {
        format!("http://{}/webhooks/twilio/sms", self.addr)
    }

    /// A debtor texts a business; jobs run until the text is in its thread.
    pub async fn text(&self, tenant: &Tenant, from: &str, body: &str) -> u16 {
        let status = self.text_arrives(tenant, from, body).await;
        self.run_jobs().await;
        status
    }

    /// A debtor texts a business; no job runs.
    pub async fn text_arrives(&self, tenant: &Tenant, from: &str, body: &str) -> u16 {
        let result = self
            .sandbox
            .state()
            .receive_text(from, tenant.demo.number, body)
            .await
            .unwrap();
        result.webhook_status.unwrap_or_default()
    }

    /// Everything that the service has logged so far.
    pub fn log(&self) -> &errors::ErrorLog {
        &self.errors
    }

    /// Ends the test: no job is left or failed for good, nothing was logged as an error, and no line of the log names a
    /// debtor, their number or what was said.
    pub async fn finish(self) {
        // What the clock woke when it was moved, and nobody ran.
        self.run_jobs().await;
        let mut superuser = self.superuser().await;
        assert_eq!(
            waiting_jobs(&mut superuser).await,
            0,
            "the queue is empty at the end"
        );
        let failed = superuser
            .fetch_all("SELECT name, error FROM queue.failed_jobs")
            .await
            .unwrap();
        let failed: Vec<(String, String)> = failed.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(failed, vec![], "no job failed for good");
        assert_eq!(
            self.errors.taken(),
            Vec::<String>::new(),
            "nothing was logged as an error"
        );
        self.errors.never_says(&self.debtors_data());
        self.stop().await;
    }

    /// Names and numbers of the demo debtors, and what was said in this test. Words as short as "STOP" are left out:
    /// they are words of the log as well.
    fn debtors_data(&self) -> Vec<String> {
        let people = BUSINESSES.iter().flat_map(DemoBusiness::debtors);
        let texts = self.sandbox.state().messages().into_iter().map(|text| text.body);
        people
            .flat_map(|(name, number)| [name, number])
            .chain(texts.filter(|text| text.len() >= 12))
            .collect()
    }

    /// Ends the test without looking back: where errors are what the test is about.
    pub async fn stop(self) {
        requests::keep(&self.sandbox.state().requests());
        self.app.stopping.cancel();
        self.app.close().await;
        self.sandbox.shutdown().await;
    }
}

async fn waiting_jobs(superuser: &mut PgConnection) -> i64 {
    superuser
        .fetch_one("SELECT count(*) FROM queue._private_jobs")
        .await
        .unwrap()
        .get(0)
}

fn config(options: &Options, api: &str) -> Config {
    let extra = options.settings.clone();
    let (api, redis) = (api.to_owned(), options.redis_url.clone());
    Config::from_env(&move |name| {
        if let Some((_, value)) = extra.iter().find(|(known, _)| *known == name) {
            return Some(value.clone());
        }
        match name {
            "FUNNELCHAT_ENV" => Some("development".to_owned()),
            "PUBLIC_BASE_URL" => Some(api.clone()),
            "REDIS_URL" => redis.clone(),
            "DATABASE_MAX_CONNECTIONS" => Some("12".to_owned()),
            "PROVIDER_TIMEOUT_SECONDS" => Some("2".to_owned()),
            "RATE_LIMIT_IP_PER_MINUTE"
            | "RATE_LIMIT_IP_PER_HOUR"
            | "RATE_LIMIT_USER_PER_MINUTE"
            | "RATE_LIMIT_PUBLIC_PER_MINUTE" => Some("100000".to_owned()),
            "RATE_LIMIT_BUSINESS_COST_PER_MINUTE" => Some("1000000000".to_owned()),
            _ => None,
        }
    })
    .unwrap()
}

fn sandbox_config(api: &str, clock: Arc<LateClock>) -> SandboxConfig {
    SandboxConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        smtp_listen: ([127, 0, 0, 1], 0).into(),
        twilio_accounts: BUSINESSES
            .iter()
            .map(|demo| TwilioAccount {
                sid: demo.twilio_sid(),
                auth_token: demo.twilio_token(),
                numbers: vec![TwilioNumber {
                    e164: demo.number.to_owned(),
                    sms_webhook_url: format!("{api}/webhooks/twilio/sms"),
                    label: demo.name.to_owned(),
                }],
            })
            .collect(),
        stripe: StripePlatform {
            secret_key: DEMO_STRIPE_KEY.to_owned(),
            accounts: BUSINESSES.iter().map(DemoBusiness::stripe_account).collect(),
            webhook_url: format!("{api}/webhooks/stripe"),
            webhook_secrets: vec![DEMO_STRIPE_WEBHOOK_SECRET.to_owned()],
        },
        debtor_numbers: Vec::new(),
        clock,
        status_delays: StatusDelays::ZERO,
    }
}

/// The sandbox starts before the service that owns the clock.
#[derive(Default)]
struct LateClock(std::sync::OnceLock<Arc<DatabaseClock>>);

#[async_trait::async_trait]
impl SandboxClock for LateClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.get().map_or_else(noon, |clock| clock.now())
    }

    async fn advance(&self, by: TimeDelta) -> Result<DateTime<Utc>, String> {
        self.0.get().unwrap().advance(by).await
    }
}

/// The databases' log-ins of a test.
pub use services::{TestDatabase, empty_database, fresh_database, redis};

/// Waits until `look` finds something, or fails after a bounded time: for what another task does.
pub async fn eventually<T, F>(what: &str, mut look: F) -> T
where
    F: AsyncFnMut() -> Option<T>,
{
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen: {what}");
}
