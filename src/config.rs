//! The service's settings, read from environment variables in one place.
//!
//! Every problem is one sentence that names the variable and says what it should look like; all of them
//! are reported together, and none repeats a value, which may be a secret or a secret in the wrong place.
//! An empty variable counts as missing. `.env.example` documents each variable; a test holds the two
//! together.

mod files;
mod parse;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use lettre::message::Mailbox;
use url::Url;

use crate::platform::crypto::{MasterKeys, NamedKeys};
use crate::platform::net::TrustedProxies;
use crate::platform::rate_limit::{RateLimits, Rule};
use crate::platform::secret::SecretString;
use crate::platform::telemetry::LogFormat;
pub use files::FilesConfig;
use parse::DatabaseUrl;
use reader::Reader;

/// All settings. `Debug` masks every secret.
#[derive(Debug)]
pub struct Config {
    /// `FUNNELCHAT_ENV`.
    pub environment: Environment,
    /// `FUNNELCHAT_LISTEN`: where the HTTP server listens.
    pub listen: SocketAddr,
    /// `PUBLIC_BASE_URL`: scheme, host and port under which the world reaches the service; no path.
    pub public_base_url: Url,
    /// `ALLOWED_ORIGINS` and the origin of `public_base_url`: browser origins that may use the API.
    pub allowed_origins: Vec<String>,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The database.
    pub database: DatabaseSettings,
    /// `REDIS_URL`: doorbell and shared rate limits; in-process without it.
    pub redis_url: Option<SecretString>,
    /// `MASTER_KEYS`; in development a key that everybody knows.
    pub master_keys: MasterKeys,
    /// `KEY_CACHE_ENTRIES`: business keys kept unwrapped in memory.
    pub key_cache_entries: NonZeroUsize,
    /// `TOKEN_SIGNING_KEYS`; in development a key that everybody knows.
    pub token_signing_keys: NamedKeys,
    /// `AUDIT_SIGNING_KEYS`: sign where the audit trails stand; in development a key that everybody knows.
    pub audit_signing_keys: NamedKeys,
    /// `RATE_LIMIT_*`.
    pub rate_limits: RateLimits,
    /// `RATE_LIMIT_MAX_SUBJECTS`: subjects counted in this process's memory.
    pub rate_limit_max_subjects: NonZeroUsize,
    /// Bounds on requests and connections.
    pub limits: Limits,
    /// `SMTP_URL` and `MAIL_FROM`: mail to staff; `None` when not configured.
    pub mail: Option<MailSettings>,
    /// `FILE_STORE_*`, `IMPORT_MAX_BYTES`, `EXPORT_MAX_ROWS`, `UPLOAD*`: where the contents of files lie, and how they get there.
    pub files: FilesConfig,
    /// `TWILIO_BASE_URL`: Twilio's API, or the sandbox that stands in for it.
    pub twilio_base_url: Url,
    /// `STRIPE_*`: the platform's account at Stripe; payments are not taken where it has no key.
    pub stripe: StripeSettings,
    /// `PROVIDER_TIMEOUT_SECONDS`: the longest that one call of a provider may take. Below the minute after which a
    /// lost answer is looked up, so that no call is under way any more by then.
    pub provider_timeout: Duration,
    /// How long a message is tried that its vendor does not take.
    pub delivery_give_up: TimeDelta,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `RUST_LOG`: which log lines appear.
    pub log_filter: String,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector of traces.
    pub otlp_endpoint: Option<Url>,
    /// `WORKER_CONCURRENCY`: jobs that one worker process runs at a time.
    pub worker_concurrency: NonZeroUsize,
    /// `WORKER_BULK_CONCURRENCY`: slices of imports that it runs beside them.
    pub worker_bulk_concurrency: NonZeroUsize,
    /// `WORKER_LONG_CONCURRENCY`: exports and imports of all rows or none that it runs beside them.
    pub worker_long_concurrency: NonZeroUsize,
    /// `SHUTDOWN_GRACE_SECONDS`: how long running work may take to finish when the process is stopped.
    pub shutdown_grace: Duration,
    /// `SIMULATED_CLOCK`: whether business time may be advanced; never in production.
    pub simulated_clock: bool,
    /// `SESSION_IDLE_SECONDS`: how long a session may go unused before a refresh ends it.
    pub session_idle: Duration,
    /// `DEBTOR_LINK_DAYS`: how long a link is good by which a debtor signs in, unless staff choose otherwise.
    pub debtor_link_days: u32,
    /// `PASSWORD_CLASSES_REQUIRED`: whether passwords of fewer than twenty characters need small and capital letters,
    /// digits and other characters.
    pub password_classes_required: bool,
    /// `TOTP_REUSE_ALLOWED`: whether a one-time code may be used again while it is shown; never in production.
    pub totp_reuse_allowed: bool,
}

/// What the process is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine: keys that everybody knows, plain HTTP, a database of its own.
    Development,
    /// Real data: everything must be configured.
    Production,
}

impl FromStr for Environment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("must be `development` or `production`"),
        }
    }
}

/// The database and its roles.
#[derive(Debug)]
pub struct DatabaseSettings {
    /// `DATABASE_URL` and its siblings; `None` only in development, which then starts a database itself.
    pub urls: Option<DatabaseUrls>,
    /// `DATABASE_MAX_CONNECTIONS`: connections of one process per role.
    pub max_connections: u32,
    /// `DATABASE_LOCK_TIMEOUT_SECONDS`: how long a statement waits for what another transaction holds.
    pub lock_timeout: Duration,
    /// `DATABASE_STATEMENT_TIMEOUT_SECONDS`: how long a statement may run.
    pub statement_timeout: Duration,
}

/// One URL per database role. They carry passwords.
#[derive(Debug)]
pub struct DatabaseUrls {
    /// `DATABASE_URL`: the role bound by row-level security.
    pub app: SecretString,
    /// `DATABASE_SYSTEM_URL`: the role for tables without one business.
    pub system: SecretString,
    /// `DATABASE_WORKER_URL`: the role that owns the queue.
    pub worker: SecretString,
    /// `DATABASE_OWNER_URL`: the role that migrates; serving processes should not have it.
    pub owner: Option<SecretString>,
}

/// Bounds on what one request, connection or answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `GRAPHQL_MAX_DEPTH`: levels of nested fields.
    pub graphql_max_depth: usize,
    /// `GRAPHQL_MAX_COST`: computed cost of an operation.
    pub graphql_max_cost: usize,
    /// `GRAPHQL_MAX_ALIASES`: aliases in a document.
    pub graphql_max_aliases: usize,
    /// `GRAPHQL_MAX_TOKENS`: lexical tokens in a document.
    pub graphql_max_tokens: usize,
    /// `BODY_LIMIT_BYTES`: bytes of a request's body.
    pub body_bytes: usize,
    /// `MAX_PAGE_SIZE`: items that `first` or `last` may ask for.
    pub page_size: usize,
    /// `LIST_LOOK_LIMIT`: accounts or people that one list looks through for a page.
    pub list_look: usize,
    /// `SOCKET_MAX_CONNECTIONS`: open WebSockets of one process.
    pub socket_connections: usize,
    /// `SOCKET_MAX_CONNECTIONS_PER_CALLER`: of them, those of one user.
    pub socket_connections_per_caller: usize,
    /// `SOCKET_MAX_OPERATIONS`: running subscriptions of one WebSocket.
    pub socket_operations: usize,
    /// `OPERATION_TIMEOUT_SECONDS`: how long a query or mutation may take.
    pub operation_timeout: Duration,
}

/// `STRIPE_*`.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// `STRIPE_BASE_URL`: Stripe's API, or the sandbox that stands in for it.
    pub base_url: Url,
    /// `STRIPE_SECRET_KEY`: of the platform, which speaks for the accounts that are connected to it.
    pub secret_key: Option<SecretString>,
    /// `STRIPE_WEBHOOK_SECRETS`: of the endpoint for connected accounts, two while it is rolled.
    pub webhook_secrets: Vec<SecretString>,
}

impl StripeSettings {
    /// Whether the key is one for real money.
    pub fn is_live(&self) -> bool {
        self.secret_key
            .as_ref()
            .is_some_and(|key| secrecy::ExposeSecret::expose_secret(key).contains("_live_"))
    }
}

/// How mail to staff is sent.
#[derive(Debug)]
pub struct MailSettings {
    /// `SMTP_URL`: server, user and password.
    pub smtp_url: SecretString,
    /// `MAIL_FROM`: the sender.
    pub from: Mailbox,
}

/// Everything that is wrong with the settings, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The sentences, each starting with the variable's name.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not usable (see .env.example):")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigError {}

const POSTGRES_EXAMPLE: &str = "a PostgreSQL URL such as postgres://role:password@host:5432/funnelchat";
const PUBLIC_BASE_URL_EXAMPLE: &str =
    "the address under which the world reaches the service, such as https://api.example.com";
const MASTER_KEYS_EXAMPLE: &str = "`version:base64` entries separated by commas, each key \
                                   32 bytes (make one with `openssl rand -base64 32`)";
const SIGNING_KEYS_EXAMPLE: &str = "`kid:base64` entries separated by commas, each key at \
                                    least 32 bytes (make one with `openssl rand -base64 32`)";

impl Config {
    /// Reads all settings through `lookup`, usually [`from_process`](Self::from_process)'s environment.
    ///
    /// # Errors
    /// All problems together.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self::read(&mut reader);
        match (config, reader.into_problems()) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(ConfigError { problems }),
        }
    }

    /// Reads all settings from the process's environment.
    ///
    /// # Errors
    /// All problems together.
    pub fn from_process() -> Result<Self, ConfigError> {
        Self::from_env(&|name| std::env::var(name).ok())
    }

    /// Reads every variable, whatever is wrong with the others; `None` when a required one is unusable,
    /// which the reader has then noted.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = reader.or_default("FUNNELCHAT_ENV", Environment::Production, Environment::from_str);
        let production = environment == Environment::Production;
        let listen = reader.or_default(
            "FUNNELCHAT_LISTEN",
            (Ipv4Addr::LOCALHOST, 8080).into(),
            parse::listen,
        );
        let public_base_url = read_public_base_url(reader, production, listen);
        let allowed_origins = read_allowed_origins(reader, public_base_url.as_ref());
        let trusted_proxies = reader.or_default("TRUSTED_PROXIES", Vec::new(), parse::cidrs);
        let database = DatabaseSettings {
            urls: read_database_urls(reader, production),
            max_connections: reader.whole("DATABASE_MAX_CONNECTIONS", 20, 2..=1_000),
            lock_timeout: reader.seconds("DATABASE_LOCK_TIMEOUT_SECONDS", 5, 1..=60),
            statement_timeout: reader.seconds("DATABASE_STATEMENT_TIMEOUT_SECONDS", 60, 1..=3_600),
        };
        let redis_url = reader.optional("REDIS_URL", parse::redis_url);
        let master_keys = reader.required_if(
            production,
            "MASTER_KEYS",
            MASTER_KEYS_EXAMPLE,
            MasterKeys::parse,
            MasterKeys::for_development,
        );
        let key_cache_entries = reader.whole(
            "KEY_CACHE_ENTRIES",
            nonzero(1_000),
            nonzero(1)..=nonzero(1_000_000),
        );
        let token_signing_keys = reader.required_if(
            production,
            "TOKEN_SIGNING_KEYS",
            SIGNING_KEYS_EXAMPLE,
            NamedKeys::parse,
            || NamedKeys::for_development("token"),
        );
        let audit_signing_keys = reader.required_if(
            production,
            "AUDIT_SIGNING_KEYS",
            SIGNING_KEYS_EXAMPLE,
            NamedKeys::parse,
            || NamedKeys::for_development("audit"),
        );
        let rate_limits = read_rate_limits(reader);
        let rate_limit_max_subjects = reader.whole(
            "RATE_LIMIT_MAX_SUBJECTS",
            nonzero(100_000),
            nonzero(1_000)..=nonzero(10_000_000),
        );
        let limits = read_limits(reader);
        let mail = read_mail(reader);
        let files = files::read(reader, production);
        let twilio_base_url = reader.or_default(
            "TWILIO_BASE_URL",
            Url::parse("https://api.twilio.com").expect("a literal URL"),
            parse::base_url,
        );
        let stripe = read_stripe(reader);
        let provider_timeout = reader.seconds("PROVIDER_TIMEOUT_SECONDS", 10, 1..=45);
        let delivery_give_up = TimeDelta::hours(reader.whole("DELIVERY_GIVE_UP_HOURS", 24, 1..=168));
        let default_format = if production {
            LogFormat::Json
        } else {
            LogFormat::Text
        };
        let log_format = reader.or_default("LOG_FORMAT", default_format, LogFormat::from_str);
        let log_filter = reader.or_default("RUST_LOG", "info".to_owned(), parse::log_filter);
        let otlp_endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", parse::base_url);
        let worker_concurrency = reader.whole("WORKER_CONCURRENCY", nonzero(10), nonzero(1)..=nonzero(1_000));
        let worker_bulk_concurrency =
            reader.whole("WORKER_BULK_CONCURRENCY", nonzero(2), nonzero(1)..=nonzero(100));
        let worker_long_concurrency =
            reader.whole("WORKER_LONG_CONCURRENCY", nonzero(2), nonzero(1)..=nonzero(100));
        let shutdown_grace = reader.seconds("SHUTDOWN_GRACE_SECONDS", 25, 0..=600);
        let simulated_clock = reader.or_default("SIMULATED_CLOCK", !production, parse::boolean);
        if production && simulated_clock {
            reader.problem(
                "SIMULATED_CLOCK",
                "must not be true in production: it lets business time be advanced",
            );
        }
        // Not below an access token's life: a person at work has no reason to refresh earlier.
        let session_idle = reader.seconds("SESSION_IDLE_SECONDS", 1_800, 900..=604_800);
        let debtor_link_days = reader.whole("DEBTOR_LINK_DAYS", 7, 1..=30);
        let password_classes_required = reader.or_default("PASSWORD_CLASSES_REQUIRED", true, parse::boolean);
        let totp_reuse_allowed = reader.or_default("TOTP_REUSE_ALLOWED", !production, parse::boolean);
        if production && totp_reuse_allowed {
            reader.problem(
                "TOTP_REUSE_ALLOWED",
                "must not be true in production: a one-time code is good once",
            );
        }
        Some(Self {
            environment,
            listen,
            public_base_url: public_base_url?,
            allowed_origins,
            trusted_proxies: TrustedProxies::new(trusted_proxies),
            database,
            redis_url,
            master_keys: master_keys?,
            key_cache_entries,
            token_signing_keys: token_signing_keys?,
            audit_signing_keys: audit_signing_keys?,
            rate_limits,
            rate_limit_max_subjects,
            limits,
            mail,
            files: files?,
            twilio_base_url,
            stripe,
            provider_timeout,
            delivery_give_up,
            log_format,
            log_filter,
            otlp_endpoint,
            worker_concurrency,
            worker_bulk_concurrency,
            worker_long_concurrency,
            shutdown_grace,
            simulated_clock,
            session_idle,
            debtor_link_days,
            password_classes_required,
            totp_reuse_allowed,
        })
    }
}

fn read_public_base_url(reader: &mut Reader<'_>, production: bool, listen: SocketAddr) -> Option<Url> {
    let parse = if production {
        parse::https_origin
    } else {
        parse::origin
    };
    let development =
        || Url::parse(&format!("http://{listen}")).expect("a socket address is a URL's authority");
    reader.required_if(
        production,
        "PUBLIC_BASE_URL",
        PUBLIC_BASE_URL_EXAMPLE,
        parse,
        development,
    )
}

/// The service's own origin is always allowed.
fn read_allowed_origins(reader: &mut Reader<'_>, public_base_url: Option<&Url>) -> Vec<String> {
    let mut origins = reader.or_default("ALLOWED_ORIGINS", Vec::new(), parse::origins);
    let own = public_base_url.map(|url| url.origin().ascii_serialization());
    origins.extend(
        own.filter(|own| !origins.contains(own))
            .into_iter()
            .collect::<Vec<_>>(),
    );
    origins
}

fn read_database_urls(reader: &mut Reader<'_>, production: bool) -> Option<DatabaseUrls> {
    let app = reader.optional("DATABASE_URL", parse::database_url);
    let system = reader.optional("DATABASE_SYSTEM_URL", parse::database_url);
    let worker = reader.optional("DATABASE_WORKER_URL", parse::database_url);
    let owner = reader.optional("DATABASE_OWNER_URL", parse::database_url);
    let configured = [&app, &system, &worker, &owner].into_iter().any(Option::is_some);
    if production || configured {
        let serving = [
            ("DATABASE_URL", &app),
            ("DATABASE_SYSTEM_URL", &system),
            ("DATABASE_WORKER_URL", &worker),
        ];
        require_separate_roles(reader, &serving);
    }
    Some(DatabaseUrls {
        app: app?.secret,
        system: system?.secret,
        worker: worker?.secret,
        owner: owner.map(|url| url.secret),
    })
}

/// Row-level security tells the roles apart, so each URL must be there and log in as another one.
fn require_separate_roles(reader: &mut Reader<'_>, urls: &[(&'static str, &Option<DatabaseUrl>)]) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, url) in urls {
        let Some(url) = url else {
            reader.missing(name, POSTGRES_EXAMPLE);
            continue;
        };
        match seen.iter().find(|(_, role)| *role == url.role) {
            Some((other, _)) => {
                reader.problem(
                    name,
                    &format!("logs in as the same role as {other}: each needs a role of its own"),
                );
            }
            None => seen.push((name, &url.role)),
        }
    }
}

fn read_rate_limits(reader: &mut Reader<'_>) -> RateLimits {
    let defaults = RateLimits::default();
    let login_window = defaults.login_failures_per_ip.window.as_secs();
    let login_window = reader.seconds("RATE_LIMIT_LOGIN_WINDOW_SECONDS", login_window, 60..=86_400);
    let mut limit = |name, rule: Rule| Rule {
        limit: reader.whole(name, rule.limit, 1..=1_000_000_000),
        ..rule
    };
    let mut login = |name, rule| Rule {
        window: login_window,
        ..limit(name, rule)
    };
    let login_failures_per_ip = login("RATE_LIMIT_LOGIN_FAILURES_PER_IP", defaults.login_failures_per_ip);
    let login_failures_per_account = login(
        "RATE_LIMIT_LOGIN_FAILURES_PER_ACCOUNT",
        defaults.login_failures_per_account,
    );
    RateLimits {
        ip_per_minute: limit("RATE_LIMIT_IP_PER_MINUTE", defaults.ip_per_minute),
        ip_per_hour: limit("RATE_LIMIT_IP_PER_HOUR", defaults.ip_per_hour),
        user_per_minute: limit("RATE_LIMIT_USER_PER_MINUTE", defaults.user_per_minute),
        business_cost_per_minute: limit(
            "RATE_LIMIT_BUSINESS_COST_PER_MINUTE",
            defaults.business_cost_per_minute,
        ),
        public_per_minute: limit("RATE_LIMIT_PUBLIC_PER_MINUTE", defaults.public_per_minute),
        login_failures_per_ip,
        login_failures_per_account,
        debtor_failures_per_ip: limit(
            "RATE_LIMIT_DEBTOR_FAILURES_PER_IP",
            defaults.debtor_failures_per_ip,
        ),
    }
}

fn read_limits(reader: &mut Reader<'_>) -> Limits {
    Limits {
        graphql_max_depth: reader.whole("GRAPHQL_MAX_DEPTH", 15, 3..=100),
        graphql_max_cost: reader.whole("GRAPHQL_MAX_COST", 15_000, 100..=1_000_000),
        graphql_max_aliases: reader.whole("GRAPHQL_MAX_ALIASES", 30, 0..=1_000),
        graphql_max_tokens: reader.whole("GRAPHQL_MAX_TOKENS", 5_000, 100..=100_000),
        body_bytes: reader.whole("BODY_LIMIT_BYTES", 1_048_576, 1_024..=104_857_600),
        page_size: reader.whole("MAX_PAGE_SIZE", 100, 1..=100),
        list_look: reader.whole("LIST_LOOK_LIMIT", 10_000, 10..=1_000_000),
        socket_connections: reader.whole("SOCKET_MAX_CONNECTIONS", 10_000, 1..=1_000_000),
        socket_connections_per_caller: reader.whole("SOCKET_MAX_CONNECTIONS_PER_CALLER", 50, 1..=1_000_000),
        socket_operations: reader.whole("SOCKET_MAX_OPERATIONS", 50, 1..=10_000),
        operation_timeout: reader.seconds("OPERATION_TIMEOUT_SECONDS", 30, 1..=600),
    }
}

fn read_stripe(reader: &mut Reader<'_>) -> StripeSettings {
    let base_url = reader.or_default(
        "STRIPE_BASE_URL",
        Url::parse("https://api.stripe.com").expect("a literal URL"),
        parse::base_url,
    );
    let secret_key = reader.optional("STRIPE_SECRET_KEY", parse::stripe_key);
    let webhook_secrets = reader.or_default("STRIPE_WEBHOOK_SECRETS", Vec::new(), parse::webhook_secrets);
    if secret_key.is_some() && webhook_secrets.is_empty() && !reader.has_problem("STRIPE_WEBHOOK_SECRETS") {
        reader.missing(
            "STRIPE_WEBHOOK_SECRETS",
            "the signing secret of the Connect endpoint, such as whsec_…, as STRIPE_SECRET_KEY is set",
        );
    }
    StripeSettings {
        base_url,
        secret_key,
        webhook_secrets,
    }
}

fn read_mail(reader: &mut Reader<'_>) -> Option<MailSettings> {
    let smtp_url = reader.optional("SMTP_URL", parse::smtp_url);
    let from = reader.optional("MAIL_FROM", parse::mailbox);
    if smtp_url.is_some() && from.is_none() && !reader.has_problem("MAIL_FROM") {
        reader.missing(
            "MAIL_FROM",
            "the sender of mail, such as `funnelchat <no-reply@example.com>`, as SMTP_URL is set",
        );
    }
    Some(MailSettings {
        smtp_url: smtp_url?,
        from: from?,
    })
}

const fn nonzero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("defaults and bounds are above zero")
}
