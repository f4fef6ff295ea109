//! The composition root: the one place that knows every concrete type.

mod jobs;

use std::{str::FromStr as _, sync::Arc, time::Duration};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::AccessTable,
    accounts::{ExportLimit, Exporter, LookLimit, PlanStatus, import::AccountImports},
    assistant::{self, Assistant},
    audit::{AccessLog, CheckpointSigner, Checkpoints},
    compliance::{
        ImportedLimitations, NoticeWriter, OptOutLinks, Suppressions, privacy, prohibited,
        rule_set::check_embedded,
    },
    config::{Config, DatabaseUrls, Environment},
    conversations::{Conversations, feed::InboxReaders, ports::VendorAccounts},
    files::{FileSettings, Files, LinkKeys, UploadRoom, open_store},
    graphql::{
        Execution, FieldTypes, GraphqlEngine, Shared, build_schema,
        charges::Meter,
        sdl,
        transport::{self, Connections},
    },
    http::HttpState,
    identity::{self, Activity, Identity, IdentitySettings, Revocations, TokenKeys, ports::StaffMailer},
    payments::{Payments, ports::PaymentGateway},
    platform::{
        clock::{BusinessClock, WallClock},
        crypto::{OsEntropy, Vault},
        db::{Db, DbOptions},
        gql::PageLimit,
        jobs::{JobRegistry, WorkerOptions},
        keys::Keyring,
        live::{LiveBus, Ring, run_redis_bell, run_sweep},
        rate_limit::{Backend, RateLimiter, RedisBackend},
        request_id::RequestIds,
        telemetry,
    },
    portal::Portal,
    providers::{smtp::SmtpMailer, stripe::StripePayments, twilio::TwilioSms},
    settings::CompanyLetterhead,
};

/// How often a lost ring is made up for.
const SWEEP: Duration = Duration::from_secs(3);
/// How often ended sessions and the clock's row are looked up.
const POLL: Duration = Duration::from_secs(2);

/// The database, as each role.
#[derive(Clone, Debug)]
pub struct Databases {
    pub app: PgConnectOptions,
    pub system: PgConnectOptions,
    pub worker: PgConnectOptions,
    pub owner: Option<PgConnectOptions>,
}

impl Databases {
    /// Parses the configured URLs.
    ///
    /// # Errors
    /// When one is not a database URL.
    pub fn parse(urls: &DatabaseUrls) -> anyhow::Result<Self> {
        let parse = |name: &str, url: &SecretString| {
            PgConnectOptions::from_str(url.expose_secret())
                .with_context(|| format!("{name} is not a database URL"))
        };
        Ok(Self {
            app: parse("DATABASE_URL", &urls.app)?,
            system: parse("DATABASE_SYSTEM_URL", &urls.system)?,
            worker: parse("DATABASE_WORKER_URL", &urls.worker)?,
            owner: urls
                .owner
                .as_ref()
                .map(|url| parse("DATABASE_OWNER_URL", url))
                .transpose()?,
        })
    }
}

/// Everything a process needs, wired.
pub struct App {
    pub db: Db,
    pub keyring: Keyring,
    pub conversations: Conversations,
    /// Says what becomes of businesses' accounts and numbers at Twilio.
    pub vendor_accounts: Arc<dyn VendorAccounts>,
    pub identity: Identity,
    pub portal: Portal,
    pub payments: Payments,
    pub files: Files,
    pub checkpoints: Checkpoints,
    pub http: Arc<HttpState>,
    pub registry: JobRegistry,
    pub worker: WorkerOptions,
    pub clock: BusinessClock,
    /// Fires when the process begins to stop.
    pub stopping: CancellationToken,
    tasks: TaskTracker,
    redis: Option<redis::Client>,
}

impl App {
    /// Wires the service. Fails when the database is away: a process that cannot serve should say so and end.
    ///
    /// # Errors
    /// One sentence on what is missing.
    pub async fn build(
        config: &Config,
        databases: &Databases,
        wall: Arc<dyn WallClock>,
    ) -> anyhow::Result<Self> {
        install_crypto_provider();
        check_embedded().context("the embedded compliance rules are not in order")?;
        prohibited::check_embedded()
            .context("the embedded patterns of prohibited language are not in order")?;
        let offset = read_clock_offset(&databases.system).await?;
        let clock = BusinessClock::with_offset(wall.clone(), offset);
        let live = LiveBus::default();
        let options = DbOptions {
            app: databases.app.clone(),
            system: databases.system.clone(),
            max_connections: config.database.max_connections,
            acquire_timeout: Duration::from_secs(5),
            lock_timeout: config.database.lock_timeout,
            statement_timeout: config.database.statement_timeout,
        };
        let db = Db::new(&options, clock.clone(), live);
        db.ping()
            .await
            .context("DATABASE_URL: the database does not answer")?;
        let vault = Arc::new(Vault::new(
            config.master_keys.clone(),
            Arc::new(OsEntropy),
            config.key_cache_entries,
        ));
        let keyring = Keyring::open(vault, &db)
            .await
            .context("the stored keys do not open: check MASTER_KEYS")?;
        let redis = match &config.redis_url {
            Some(url) => {
                Some(redis::Client::open(url.expose_secret()).context("REDIS_URL is not a Redis URL")?)
            }
            None => None,
        };
        let limiter = Arc::new(limiter(config, redis.as_ref())?);
        let public_base_url = config.public_base_url.as_str().trim_end_matches('/').to_owned();
        let identity = Identity {
            db: db.clone(),
            keyring: keyring.clone(),
            access: Arc::new(AccessTable::load().await.context("policies/access")?),
            tokens: Arc::new(TokenKeys::new(&config.token_signing_keys)),
            wall: wall.clone(),
            limiter: limiter.clone(),
            revocations: Arc::new(Revocations::default()),
            activity: Arc::new(Activity::default()),
            settings: IdentitySettings {
                public_base_url: public_base_url.clone(),
                totp_reuse_allowed: config.totp_reuse_allowed,
                session_idle: chrono::TimeDelta::from_std(config.session_idle)?,
                password_classes_required: config.password_classes_required,
                rate_limits: config.rate_limits,
            },
        };
        let sources: Vec<&[u8]> = config
            .token_signing_keys
            .all()
            .map(|key| key.expose_secret())
            .collect();
        let portal = Portal::new(
            identity.clone(),
            &sources,
            chrono::TimeDelta::days(i64::from(config.debtor_link_days)),
        );
        let opt_out_links = OptOutLinks::derived_from(&sources, public_base_url.clone());
        let files = files(config, &db, &keyring, wall.clone())?;
        let imports = AccountImports::new(
            db.clone(),
            keyring.clone(),
            files.clone(),
            Arc::new(Suppressions),
            Arc::new(ImportedLimitations),
        );
        let vendor_http = reqwest::Client::builder()
            .timeout(config.provider_timeout)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let gateway = config.stripe.secret_key.clone().map(|key| {
            Arc::new(StripePayments::new(
                vendor_http.clone(),
                &config.stripe.base_url,
                key,
            )) as Arc<dyn PaymentGateway>
        });
        let payments = Payments::new(db.clone(), gateway);
        let sms = Arc::new(TwilioSms::new(vendor_http, &config.twilio_base_url));
        let conversations = Conversations::new(
            db.clone(),
            keyring.clone(),
            sms.clone(),
            public_base_url.clone(),
            config.delivery_give_up,
            Arc::new(assistant::Listener),
        );
        let assistant = Assistant {
            db: db.clone(),
            keyring: keyring.clone(),
        };
        let stopping = CancellationToken::new();
        let request_ids = Arc::new(RequestIds::new(rand::random()));
        let page_limit = PageLimit(i32::try_from(config.limits.page_size).unwrap_or(100));
        let export_limit = ExportLimit(config.files.export_max_rows);
        let access_log = AccessLog::start(db.clone());
        let exporter = Exporter {
            db: db.clone(),
            keyring: keyring.clone(),
            files: files.clone(),
            access_log: access_log.clone(),
            limit: export_limit,
        };
        let archivist = privacy::Archivist {
            db: db.clone(),
            keyring: keyring.clone(),
            files: files.clone(),
            access_log: access_log.clone(),
        };
        let execution = Execution {
            schema: build_schema(Shared {
                identity: identity.clone(),
                portal: portal.clone(),
                payments: payments.clone(),
                opt_out_links: opt_out_links.clone(),
                files: files.clone(),
                imports: imports.clone(),
                readers: InboxReaders::default(),
                plans: Arc::new(PlanStatus),
                letterheads: Arc::new(CompanyLetterhead),
                vendor_accounts: sms.clone(),
                debtor_links: Arc::new(portal.clone()),
                page_limit,
                look_limit: LookLimit(i64::try_from(config.limits.list_look)?),
                export_limit,
            }),
            field_types: Arc::new(FieldTypes::of(&sdl())),
            access_log,
            db: db.clone(),
            keyring: identity.keyring.clone(),
            open_introspection: config.environment == Environment::Development,
        };
        let engine = Arc::new(GraphqlEngine {
            execution: Arc::new(execution),
            identity: identity.clone(),
            limits: transport_limits(config),
            request_ids: request_ids.clone(),
            meter: Meter {
                limiter: limiter.clone(),
                rate_limits: config.rate_limits,
                wall: wall.clone(),
            },
            wall: wall.clone(),
            stopping: stopping.clone(),
        });
        let http = Arc::new(HttpState {
            db: db.clone(),
            conversations: conversations.clone(),
            payments: payments.clone(),
            stripe_webhook_secrets: config.stripe.webhook_secrets.clone(),
            stripe_is_live: config.stripe.is_live(),
            opt_out_links,
            files: files.clone(),
            engine,
            connections: Connections::default(),
            limiter,
            rate_limits: config.rate_limits,
            wall,
            trusted_proxies: config.trusted_proxies.clone(),
            public_base_url,
            metrics: telemetry::prometheus_handle()?,
            request_ids,
            development: config.environment == Environment::Development,
            stopping: stopping.clone(),
        });
        let checkpoints = Checkpoints {
            db: db.clone(),
            signer: Arc::new(CheckpointSigner::new(&config.audit_signing_keys)),
        };
        let registry = jobs::registry(jobs::Owners {
            db: &db,
            keyring: &keyring,
            identity: &identity,
            mailer: mailer(config)?,
            conversations: &conversations,
            payments: &payments,
            assistant: &assistant,
            files: &files,
            exporter,
            imports: &imports,
            portal: &portal,
            checkpoints: &checkpoints,
            archivist,
            notices: NoticeWriter {
                db: db.clone(),
                keyring: keyring.clone(),
                files: files.clone(),
            },
        });
        let worker = WorkerOptions {
            connect: databases.worker.clone(),
            concurrency: config.worker_concurrency.get(),
            bulk_concurrency: config.worker_bulk_concurrency.get(),
            long_concurrency: config.worker_long_concurrency.get(),
            grace: config.shutdown_grace,
        };
        let tasks = TaskTracker::new();
        Ok(Self {
            db,
            keyring,
            conversations,
            vendor_accounts: sms,
            identity,
            portal,
            payments,
            files,
            checkpoints,
            http,
            registry,
            worker,
            clock,
            stopping,
            tasks,
            redis,
        })
    }

    /// Starts what runs beside requests: the doorbell, its sweep, the look-out for ended sessions and for the clock.
    ///
    /// # Errors
    /// When the sessions that have ended cannot be read: without them no token may be trusted.
    pub async fn start_background(&self) -> anyhow::Result<()> {
        identity::look_for_revocations(&self.identity)
            .await
            .context("ended sessions cannot be read")?;
        let stop = &self.stopping;
        self.tasks.spawn(run_sweep(self.db.clone(), SWEEP, stop.clone()));
        self.tasks.spawn(identity::run_revocation_poll(
            self.identity.clone(),
            POLL,
            stop.clone(),
        ));
        self.tasks.spawn(identity::run_activity_recorder(
            self.identity.clone(),
            stop.clone(),
        ));
        self.tasks
            .spawn(follow_clock(self.db.clone(), self.clock.clone(), stop.clone()));
        if let Some(redis) = &self.redis {
            self.tasks.spawn(run_redis_bell(
                self.db.live().clone(),
                redis.clone(),
                stop.clone(),
            ));
        }
        Ok(())
    }

    /// Ends the background work and closes the pools; call it after the servers have drained.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }
}

/// Two TLS libraries in one tree panic at first use unless one is chosen.
pub fn install_crypto_provider() {
    // Somebody may have chosen already; then theirs stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn read_clock_offset(system: &PgConnectOptions) -> anyhow::Result<i64> {
    let mut connection = system
        .connect()
        .await
        .context("the database does not answer (DATABASE_SYSTEM_URL): is it running?")?;
    let offset = sqlx::query_scalar!("SELECT offset_micros FROM clock")
        .fetch_one(&mut connection)
        .await
        .context("the database is not migrated: run `funnelchat migrate`")?;
    connection.close().await?;
    Ok(offset)
}

/// Takes over the clock's row when it moved.
async fn follow_clock(db: Db, clock: BusinessClock, stop: CancellationToken) {
    let mut rings = db.live().control();
    let mut ticks = tokio::time::interval(POLL);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
            ring = rings.recv() => {
                if !matches!(ring, Ok(Ring::ClockMoved)) {
                    continue;
                }
            }
        }
        if let Err(error) = take_over_clock(&db, &clock).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the clock's row could not be followed"
            );
        }
    }
}

async fn take_over_clock(db: &Db, clock: &BusinessClock) -> anyhow::Result<()> {
    use crate::platform::context::SystemCtx;
    let mut tx = db.system(&SystemCtx::for_reason("clock", "clock")).await?;
    let offset = sqlx::query_scalar!("SELECT offset_micros FROM clock")
        .fetch_one(tx.conn())
        .await?;
    tx.commit().await?;
    clock.apply(offset)?;
    Ok(())
}

fn limiter(config: &Config, redis: Option<&redis::Client>) -> anyhow::Result<RateLimiter> {
    let backend = match redis {
        Some(client) => Backend::Redis(RedisBackend::new(client).context("REDIS_URL")?),
        None => Backend::InProcess,
    };
    Ok(RateLimiter::new(
        backend,
        config.master_keys.fingerprint_key("rate limit"),
        config.rate_limit_max_subjects,
    ))
}

fn files(config: &Config, db: &Db, keyring: &Keyring, wall: Arc<dyn WallClock>) -> anyhow::Result<Files> {
    let sources = config.token_signing_keys.all().map(|key| key.expose_secret());
    Ok(Files {
        db: db.clone(),
        keyring: keyring.clone(),
        store: open_store(&config.files.store)?,
        links: Arc::new(LinkKeys::derived_from(sources)),
        wall,
        room: Arc::new(UploadRoom::new(config.files.uploads)),
        settings: FileSettings {
            public_base_url: config.public_base_url.as_str().trim_end_matches('/').to_owned(),
            import_max_bytes: config.files.import_max_bytes,
            upload_timeout: config.files.upload_timeout,
            upload_idle: config.files.upload_idle,
        },
    })
}

fn transport_limits(config: &Config) -> transport::Limits {
    let limits = &config.limits;
    transport::Limits {
        max_body_bytes: limits.body_bytes,
        max_tokens: limits.graphql_max_tokens,
        max_depth: limits.graphql_max_depth,
        max_aliases: limits.graphql_max_aliases,
        max_cost: u64::try_from(limits.graphql_max_cost).unwrap_or(u64::MAX),
        operation_timeout: limits.operation_timeout,
        max_connections: limits.socket_connections,
        max_connections_per_caller: limits.socket_connections_per_caller,
        max_operations_per_socket: limits.socket_operations,
        allowed_origins: config.allowed_origins.clone(),
        ..transport::Limits::default()
    }
}

/// Without SMTP nobody gets mail: registration says so in the log and the job waits.
fn mailer(config: &Config) -> anyhow::Result<Option<Arc<dyn StaffMailer>>> {
    config
        .mail
        .as_ref()
        .map(|mail| {
            let smtp = SmtpMailer::new(mail.smtp_url.expose_secret(), mail.from.clone())?;
            Ok(Arc::new(smtp) as Arc<dyn StaffMailer>)
        })
        .transpose()
}
