//! The servers of a run: PostgreSQL, Redis, and the service's processes.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    str::FromStr as _,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use funnelchat::{
    app::{App, Databases},
    config::Config,
    platform::{
        clock::{SystemWallClock, WallClock as _},
        db::{
            bootstrap::{LOGIN_ROLES, LoginRole, bootstrap},
            migrate::migrate,
        },
        local_services::{LocalPostgres, LocalPostgresOptions, LocalRedis},
    },
};
use sqlx::{
    ConnectOptions as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Plan, caller::sign_in, data, data::Tenant};

const DATABASE: &str = "funnelchat_bench";
const PASSWORD: &str = "only-for-benchmarks";

/// Everything that the measurements share.
pub struct Bench {
    pub tenants: Vec<Tenant>,
    superuser: PgConnectOptions,
    /// The service's own role, as the service has it: for the floors.
    pub app_pool: PgPool,
    /// The service's own code in this process, on the same Redis: a second process that commits.
    pub app: App,
    redis: LocalRedis,
    databases: Databases,
    pool: usize,
    _postgres: LocalPostgres,
}

impl Bench {
    /// Starts the servers and fills the database.
    pub async fn prepare(plan: &Plan) -> anyhow::Result<Self> {
        std::fs::File::create(log_file())?;
        let postgres = tokio::task::spawn_blocking(|| {
            LocalPostgres::start(LocalPostgresOptions {
                data_dir: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-postgres"),
                durable: true,
                port: None,
                keep_data: false,
            })
        })
        .await??;
        let redis = tokio::task::spawn_blocking(LocalRedis::start).await??;
        let admin = PgConnectOptions::from_str(&postgres.superuser_url("postgres"))?;
        let roles: Vec<LoginRole> = LOGIN_ROLES
            .iter()
            .map(|name| LoginRole {
                name: (*name).to_owned(),
                password: PASSWORD.to_owned(),
            })
            .collect();
        bootstrap(&admin, DATABASE, &roles).await?;
        let login = |role: &str| admin.clone().username(role).password(PASSWORD).database(DATABASE);
        let databases = Databases {
            app: login("funnelchat_app"),
            system: login("funnelchat_system"),
            worker: login("funnelchat_worker"),
            owner: Some(login("funnelchat_owner")),
        };
        migrate(
            &login("funnelchat_owner"),
            &databases.worker,
            SystemWallClock.now(),
        )
        .await?;
        let superuser = admin.database(DATABASE);
        let app_pool = pool(&databases.app, plan.pool)?;
        let redis_url = redis.url();
        let config = Config::from_env(&move |name| match name {
            "FUNNELCHAT_ENV" => Some("development".to_owned()),
            "REDIS_URL" => Some(redis_url.clone()),
            _ => None,
        })?;
        let app = App::build(&config, &databases, Arc::new(SystemWallClock)).await?;
        app.start_background().await?;
        let tenants = if plan.shares_data() {
            data::fill(&app, &mut superuser.connect().await?, plan.accounts).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            tenants,
            superuser,
            app_pool,
            app,
            redis,
            databases,
            pool: plan.pool,
            _postgres: postgres,
        })
    }

    /// Beside every row policy: to look, and to clean up.
    pub async fn superuser(&self) -> anyhow::Result<PgConnection> {
        Ok(self.superuser.connect().await?)
    }

    /// The port of PostgreSQL.
    pub fn database_port(&self) -> u16 {
        self.databases.app.get_port()
    }

    /// Starts `serve` as the only process, which needs no Redis, and waits until it answers.
    pub async fn serve(&self) -> anyhow::Result<Process> {
        self.serve_through(self.database_port()).await
    }

    /// The same, on a proxy in front of the database.
    pub async fn serve_through(&self, port: u16) -> anyhow::Result<Process> {
        let address = free_address()?;
        let mut command = self.command("serve", address);
        command.env("DATABASE_URL", self.url("funnelchat_app", port));
        start_serving(command, address).await
    }

    /// Starts `serve` as one of several processes, which hear of each other's commits over Redis.
    pub async fn serve_beside_others(&self) -> anyhow::Result<Process> {
        let address = free_address()?;
        let mut command = self.command("serve", address);
        command.env("REDIS_URL", self.redis.url());
        start_serving(command, address).await
    }

    /// Starts `worker`.
    pub fn work(&self) -> anyhow::Result<Process> {
        let address = free_address()?;
        let mut command = self.command("worker", address);
        command.env("REDIS_URL", self.redis.url());
        Process::start(command, address)
    }

    /// An agent of each business, signed in.
    pub async fn agents(&self, address: SocketAddr) -> anyhow::Result<Vec<String>> {
        let mut tokens = Vec::with_capacity(self.tenants.len());
        for tenant in &self.tenants {
            tokens.push(sign_in(address, &tenant.agent).await?);
        }
        Ok(tokens)
    }

    fn url(&self, role: &str, port: u16) -> String {
        let host = self.databases.app.get_host();
        format!("postgres://{role}:{PASSWORD}@{host}:{port}/{DATABASE}")
    }

    fn command(&self, command: &str, address: SocketAddr) -> Command {
        let url = |role: &str| self.url(role, self.database_port());
        let mut process = Command::new(env!("CARGO_BIN_EXE_funnelchat"));
        process
            .arg(command)
            .env_clear()
            .env("FUNNELCHAT_ENV", "development")
            .env("LOG_FORMAT", "json")
            .env("FUNNELCHAT_LISTEN", address.to_string())
            .env("PUBLIC_BASE_URL", data::PUBLIC_BASE_URL)
            .env("DATABASE_URL", url("funnelchat_app"))
            .env("DATABASE_SYSTEM_URL", url("funnelchat_system"))
            .env("DATABASE_WORKER_URL", url("funnelchat_worker"))
            .env("DATABASE_MAX_CONNECTIONS", self.pool.to_string())
            .env("FILE_STORE_URL", format!("file://{}", file_store().display()))
            // The limits stay in force; only nobody reaches them.
            .env("RATE_LIMIT_IP_PER_MINUTE", "10000000")
            .env("RATE_LIMIT_IP_PER_HOUR", "10000000")
            .env("RATE_LIMIT_USER_PER_MINUTE", "10000000")
            .env("RATE_LIMIT_BUSINESS_COST_PER_MINUTE", "1000000000")
            .env("RATE_LIMIT_PUBLIC_PER_MINUTE", "10000000")
            .env("SOCKET_MAX_CONNECTIONS_PER_CALLER", "1000");
        process
    }
}

/// As the service makes it.
fn pool(options: &PgConnectOptions, connections: usize) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(u32::try_from(connections)?)
        .test_before_acquire(false)
        .connect_lazy_with(options.clone()))
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?)
}

async fn start_serving(command: Command, address: SocketAddr) -> anyhow::Result<Process> {
    let mut process = Process::start(command, address)?;
    let started = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        process.still_runs()?;
        if started.elapsed() > Duration::from_secs(30) {
            bail!("`serve` does not answer: see {}", log_file().display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(process)
}

/// Where the contents of files lie.
fn file_store() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-files")
}

fn log_file() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-service.log")
}

/// A process of the service; it ends with this value.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    fn start(mut command: Command, address: SocketAddr) -> anyhow::Result<Self> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_file())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("the service cannot be started")?;
        Ok(Self { child, address })
    }

    /// Fails when the process has ended by itself.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("a process ended ({status}): see {}", log_file().display()),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
