//! `dev`: everything on this machine, from nothing, with one command.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use std::str::FromStr as _;
use tokio::net::TcpListener;
use url::Url;

use super::{
    DevOptions,
    sandbox_clock::DatabaseClock,
    seed::{
        BUSINESSES, DEMO_PASSWORD, DEMO_STRIPE_KEY, DEMO_STRIPE_WEBHOOK_SECRET, DEMO_SUPER_ADMIN,
        DEMO_TOTP_SECRET, DemoLink, demo_link, seed,
    },
    serve::serve_until,
};
use crate::{
    app::{App, Databases},
    config::{Config, Environment, MailSettings, StripeSettings},
    files::ObjectStoreSettings,
    platform::{
        clock::{SystemWallClock, WallClock as _},
        db::{
            bootstrap::{LOGIN_ROLES, LoginRole, bootstrap},
            migrate::{migrate, migrate_from},
        },
        jobs::JobWorker,
        local_services::{LocalPostgres, LocalPostgresOptions},
        telemetry::{self, TelemetryConfig},
    },
    sandbox::{
        self, RunningSandbox, SandboxClock, SandboxConfig, StatusDelays, StripePlatform, TwilioAccount,
        TwilioNumber,
    },
};

/// The private database's name.
const DATABASE: &str = "funnelchat";

/// Runs until Ctrl-C.
pub(super) async fn dev(options: DevOptions) -> anyhow::Result<ExitCode> {
    if !options.with_database.is_empty() {
        return run_with_database(&options.with_database).await;
    }
    let mut config = development_config(&options)?;
    let (databases, postgres) = databases(&config, &options).await?;
    if let Some(instant) = options.clock {
        set_clock(&databases.system, instant).await?;
    }
    let guard = telemetry::init(TelemetryConfig {
        service_name: "funnelchat-dev",
        log_format: config.log_format,
        log_filter: config.log_filter.clone(),
        otlp_endpoint: config.otlp_endpoint.clone(),
    })?;
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {} (--listen)", options.listen))?;
    let api = format!("http://{}", listener.local_addr()?);
    config.public_base_url = Url::parse(&api)?;
    let clock = Arc::new(LateClock::default());
    let sandbox = start_sandbox(&options, &api, clock.clone()).await?;
    point_at_sandbox(&mut config, &sandbox)?;
    let app = App::build(&config, &databases, Arc::new(SystemWallClock)).await?;
    app.start_background().await?;
    let simulated = DatabaseClock {
        db: app.db.clone(),
        clock: app.clock.clone(),
        registry: app.registry.clone(),
    };
    // Set once, here.
    let _ = clock.0.set(simulated);
    seed(&app.db, &app.keyring).await?;
    let worker = JobWorker::connect(&app.worker, app.registry.clone()).await?;
    // Somebody may have taken the demo debtor's account away: then there is no link, and all else is as ever.
    let link = demo_link(&app).await;
    announce(&api, &sandbox, &link);
    let grace = config.shutdown_grace.min(Duration::from_secs(5));
    let served = tokio::select! {
        served = serve_until(&app, listener, super::stop_signal(), grace) => served,
        worked = worker.run() => worked.context("the worker ended"),
    };
    worker.stop();
    app.close().await;
    sandbox.shutdown().await;
    guard.shutdown(Duration::from_secs(2)).await;
    if let Some(postgres) = postgres {
        tokio::task::spawn_blocking(move || postgres.stop()).await??;
    }
    served.map(|()| ExitCode::SUCCESS)
}

/// The environment's settings, as a developer's machine needs them.
fn development_config(options: &DevOptions) -> anyhow::Result<Config> {
    let mut config = Config::from_env(&|name| match name {
        "FUNNELCHAT_ENV" => Some("development".to_owned()),
        "FUNNELCHAT_LISTEN" => Some(options.listen.to_string()),
        "PUBLIC_BASE_URL" => Some(format!("http://{}", options.listen)),
        "SIMULATED_CLOCK" => Some("true".to_owned()),
        name => std::env::var(name).ok(),
    })?;
    config.environment = Environment::Development;
    if matches!(config.files.store, ObjectStoreSettings::Memory) && !options.throwaway {
        let folder = data_dir().with_file_name("files");
        if options.fresh && folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        config.files.store = ObjectStoreSettings::Folder(folder);
    }
    Ok(config)
}

/// The configured database, or a private one below `target/dev`, or one that goes at the end; migrated either way.
async fn databases(
    config: &Config,
    options: &DevOptions,
) -> anyhow::Result<(Databases, Option<LocalPostgres>)> {
    if let Some(urls) = config.database.urls.as_ref().filter(|_| !options.throwaway) {
        anyhow::ensure!(
            !options.fresh,
            "--fresh empties only the private database, not the one of DATABASE_URL"
        );
        let databases = Databases::parse(urls)?;
        if let Some(owner) = &databases.owner {
            migrate(owner, &databases.worker, SystemWallClock.now()).await?;
        }
        return Ok((databases, None));
    }
    let postgres = if options.throwaway {
        start_throwaway().await?
    } else {
        let (data_dir, fresh) = (data_dir(), options.fresh);
        println!("starting a private PostgreSQL in {} …", data_dir.display());
        tokio::task::spawn_blocking(move || start_postgres(&data_dir, fresh)).await??
    };
    let databases = logins(&postgres).await?;
    let owner = databases
        .owner
        .as_ref()
        .context("the private database has an owner")?;
    migrate(owner, &databases.worker, SystemWallClock.now()).await?;
    Ok((databases, Some(postgres)))
}

/// `target/dev` of the project that we run in.
fn data_dir() -> PathBuf {
    std::env::current_dir()
        .unwrap_or_default()
        .join("target")
        .join("dev")
        .join("postgres")
}

fn start_postgres(data_dir: &Path, fresh: bool) -> anyhow::Result<LocalPostgres> {
    if fresh {
        LocalPostgres::remove_data(data_dir)?;
    }
    LocalPostgres::start(LocalPostgresOptions {
        data_dir: data_dir.to_owned(),
        durable: true,
        port: None,
        keep_data: true,
    })
}

/// Beside whatever else runs here: data of its own, which go when it stops.
async fn start_throwaway() -> anyhow::Result<LocalPostgres> {
    tokio::task::spawn_blocking(LocalPostgres::start_temporary).await?
}

/// Makes the roles, with passwords of this run, and the database.
async fn logins(postgres: &LocalPostgres) -> anyhow::Result<Databases> {
    let superuser = PgConnectOptions::from_str(&postgres.superuser_url("postgres"))?;
    let password = format!("{:032x}", rand::random::<u128>());
    let roles: Vec<LoginRole> = LOGIN_ROLES
        .iter()
        .map(|name| LoginRole {
            name: (*name).to_owned(),
            password: password.clone(),
        })
        .collect();
    bootstrap(&superuser, DATABASE, &roles).await?;
    let login = |role: &str| {
        superuser
            .clone()
            .username(role)
            .password(&password)
            .database(DATABASE)
    };
    Ok(Databases {
        app: login("funnelchat_app"),
        system: login("funnelchat_system"),
        worker: login("funnelchat_worker"),
        owner: Some(login("funnelchat_owner")),
    })
}

/// For tools that need a migrated database for a moment. The migrations are those of the checkout, not of this
/// build: a query that needs a new one keeps the build from compiling until it has been checked here.
async fn run_with_database(command: &[String]) -> anyhow::Result<ExitCode> {
    let [program, arguments @ ..] = command else {
        anyhow::bail!("name a command after --")
    };
    let postgres = start_throwaway().await?;
    let databases = logins(&postgres).await?;
    let owner = databases
        .owner
        .as_ref()
        .context("the private database has an owner")?;
    let (folder, now) = (Path::new("migrations"), SystemWallClock.now());
    if folder.is_dir() {
        migrate_from(folder, owner, &databases.worker, now).await?;
    } else {
        migrate(owner, &databases.worker, now).await?;
    }
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", postgres.superuser_url(DATABASE))
        .status()
        .await
        .with_context(|| format!("cannot run {program}"))?;
    tokio::task::spawn_blocking(move || postgres.stop()).await??;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Business time never goes behind what is stored.
async fn set_clock(system: &PgConnectOptions, instant: DateTime<Utc>) -> anyhow::Result<()> {
    let mut connection = system.connect().await?;
    let newest = sqlx::query_scalar!("SELECT max(last_at) FROM business_head")
        .fetch_one(&mut connection)
        .await?;
    if let Some(newest) = newest.filter(|newest| *newest > instant) {
        anyhow::bail!(
            "--clock {instant} lies before the newest thing stored ({newest}): choose a later instant, or add --fresh"
        );
    }
    let offset = (instant - SystemWallClock.now())
        .num_microseconds()
        .context("--clock is too far away")?;
    sqlx::query!("UPDATE clock SET offset_micros = $1", offset)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// The sandbox starts before the service that owns the clock.
#[derive(Default)]
struct LateClock(OnceLock<DatabaseClock>);

#[async_trait]
impl SandboxClock for LateClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
            .get()
            .map_or_else(|| SystemWallClock.now(), SandboxClock::now)
    }

    async fn advance(&self, by: TimeDelta) -> Result<DateTime<Utc>, String> {
        match self.0.get() {
            Some(clock) => clock.advance(by).await,
            None => Err("the service is still starting".to_owned()),
        }
    }
}

async fn start_sandbox(
    options: &DevOptions,
    api: &str,
    clock: Arc<LateClock>,
) -> anyhow::Result<RunningSandbox> {
    let twilio_accounts = BUSINESSES
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
        .collect();
    let debtor_numbers = BUSINESSES
        .iter()
        .flat_map(|demo| {
            demo.debtors()
                .map(move |(name, number)| (number, format!("{name} ({})", demo.name)))
        })
        .collect();
    sandbox::start(SandboxConfig {
        listen: options.sandbox_listen,
        smtp_listen: ([127, 0, 0, 1], 0).into(),
        twilio_accounts,
        stripe: StripePlatform {
            secret_key: DEMO_STRIPE_KEY.to_owned(),
            accounts: BUSINESSES.iter().map(|demo| demo.stripe_account()).collect(),
            webhook_url: format!("{api}/webhooks/stripe"),
            webhook_secrets: vec![DEMO_STRIPE_WEBHOOK_SECRET.to_owned()],
        },
        debtor_numbers,
        clock,
        status_delays: StatusDelays::default(),
    })
    .await
    .context("the sandbox does not start (--sandbox-listen)")
}

fn point_at_sandbox(config: &mut Config, sandbox: &RunningSandbox) -> anyhow::Result<()> {
    config.twilio_base_url = Url::parse(&format!("http://{}/twilio", sandbox.addr()))?;
    config.stripe = StripeSettings {
        base_url: Url::parse(&format!("http://{}/stripe", sandbox.addr()))?,
        secret_key: Some(SecretString::from(DEMO_STRIPE_KEY)),
        webhook_secrets: vec![SecretString::from(DEMO_STRIPE_WEBHOOK_SECRET)],
    };
    if config.mail.is_none() {
        config.mail = Some(MailSettings {
            smtp_url: SecretString::from(format!("smtp://{}", sandbox.smtp_addr())),
            from: "funnelchat <no-reply@funnelchat.example>".parse()?,
        });
    }
    Ok(())
}

fn announce(api: &str, sandbox: &RunningSandbox, link: &anyhow::Result<DemoLink>) {
    println!();
    println!(
        "  API         {api}/graphql     (sockets {}/graphql/ws)",
        api.replacen("http", "ws", 1)
    );
    println!("  GraphiQL    {api}/graphiql");
    println!("  Schema      {api}/schema.graphql");
    println!("  Health      {api}/api/v1/health");
    println!(
        "  Sandbox     http://{}     telephone, mailbox, faults, clock",
        sandbox.addr()
    );
    println!();
    println!("  Demo log-ins (password \"{DEMO_PASSWORD}\", TOTP secret {DEMO_TOTP_SECRET}):");
    for demo in &BUSINESSES {
        println!(
            "    {:<14} admin@{s}.example  manager@{s}.example  agent@{s}.example  compliance@{s}.example   texts to {}",
            demo.name,
            demo.number,
            s = demo.slug
        );
    }
    println!("    {:<14} {DEMO_SUPER_ADMIN}", "the platform");
    println!();
    match link {
        Ok(link) => {
            println!(
                "  A debtor's own link ({}; the code comes to {} in the sandbox):",
                link.name, link.number
            );
            println!("    {}", link.address);
        }
        Err(error) => println!("  No debtor's link: {error}"),
    }
    println!();
    println!("  Stop with Ctrl-C.");
    println!();
}
