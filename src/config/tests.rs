//! Settings as an operator writes them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::platform::secret::ExposeSecret;

const EXAMPLE: &str = include_str!("../../.env.example");

/// 32 different bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

type Variables = BTreeMap<String, String>;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The least that production needs.
fn production() -> Variables {
    variables(&[
        ("DATABASE_URL", "postgres://funnelchat_app:app-pw@db/funnelchat"),
        (
            "DATABASE_SYSTEM_URL",
            "postgres://funnelchat_system:system-pw@db/funnelchat",
        ),
        (
            "DATABASE_WORKER_URL",
            "postgres://funnelchat_worker:worker-pw@db/funnelchat",
        ),
        ("PUBLIC_BASE_URL", "https://api.example.com"),
        ("MASTER_KEYS", &format!("1:{KEY}")),
        ("TOKEN_SIGNING_KEYS", &format!("a:{KEY}")),
        ("AUDIT_SIGNING_KEYS", &format!("a:{KEY}")),
        ("FILE_STORE_URL", "s3://bucket/files"),
    ])
}

fn development() -> Variables {
    variables(&[("FUNNELCHAT_ENV", "development")])
}

fn read(variables: &Variables) -> Result<Config, ConfigError> {
    Config::from_env(&|name| variables.get(name).cloned())
}

fn with(mut variables: Variables, name: &str, value: &str) -> Variables {
    variables.insert(name.to_owned(), value.to_owned());
    variables
}

fn problems(variables: &Variables) -> Vec<String> {
    read(variables)
        .expect_err("the settings should be refused")
        .problems
}

/// The one problem that `value` causes in otherwise good settings.
fn problem_of(name: &str, value: &str) -> String {
    let problems = problems(&with(production(), name, value));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(&format!("{name} ")), "{}", problems[0]);
    problems[0].clone()
}

fn example() -> Variables {
    EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('=').expect("a line is a comment or NAME=value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn every_variable_is_in_the_example_file_and_the_example_file_has_no_others() {
    let asked = RefCell::new(BTreeSet::new());
    for base in [development(), production(), Variables::new()] {
        let _ = Config::from_env(&|name| {
            asked.borrow_mut().insert(name.to_owned());
            base.get(name).cloned()
        });
    }
    assert_eq!(asked.into_inner(), example().into_keys().collect::<BTreeSet<_>>());
}

#[test]
fn every_variable_of_the_example_file_is_explained_by_a_comment_above_it() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for (index, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains('=') && !line.starts_with('#'))
    {
        assert!(
            index > 0 && lines[index - 1].starts_with("# "),
            "`{line}` has no comment above it"
        );
    }
}

#[test]
fn the_values_of_the_example_file_are_the_defaults_of_a_development_machine() {
    let (from_example, from_defaults) = (read(&example()).unwrap(), read(&development()).unwrap());
    assert_eq!(format!("{from_example:#?}"), format!("{from_defaults:#?}"));
}

#[test]
fn a_development_machine_needs_no_settings() {
    let config = read(&development()).unwrap();
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.public_base_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.allowed_origins, ["http://127.0.0.1:8080"]);
    assert!(config.database.urls.is_none() && config.redis_url.is_none() && config.mail.is_none());
    assert!(config.simulated_clock);
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.rate_limits, RateLimits::default());
}

#[test]
fn production_is_the_default_and_says_everything_it_lacks_at_once() {
    let missing = problems(&Variables::new());
    let names: Vec<&str> = missing
        .iter()
        .filter_map(|problem| problem.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "PUBLIC_BASE_URL",
            "DATABASE_URL",
            "DATABASE_SYSTEM_URL",
            "DATABASE_WORKER_URL",
            "MASTER_KEYS",
            "TOKEN_SIGNING_KEYS",
            "AUDIT_SIGNING_KEYS",
            "FILE_STORE_URL"
        ]
    );
    assert!(
        missing
            .iter()
            .all(|problem| problem.contains("is missing: give ") && problem.ends_with('.'))
    );
}

#[test]
fn a_complete_production_is_accepted() {
    let mut variables = production();
    for (name, value) in [
        ("FUNNELCHAT_LISTEN", "[::]:9000"),
        (
            "DATABASE_OWNER_URL",
            "postgresql://funnelchat_owner@db/funnelchat",
        ),
        ("REDIS_URL", "redis://:redis-pw@cache:6379/0"),
        (
            "ALLOWED_ORIGINS",
            "https://app.example.com, https://portal.example.com:8443/",
        ),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32"),
        ("SMTP_URL", "smtps://mailer:mail-pw@smtp.example.com:465"),
        ("MAIL_FROM", "funnelchat <no-reply@example.com>"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("RATE_LIMIT_USER_PER_MINUTE", "250"),
        ("RATE_LIMIT_LOGIN_WINDOW_SECONDS", "3600"),
        ("OPERATION_TIMEOUT_SECONDS", " 12 "),
    ] {
        variables = with(variables, name, value);
    }
    let config = read(&variables).unwrap();
    assert_eq!(config.listen.port(), 9000);
    assert_eq!(
        config.database.urls.as_ref().unwrap().app.expose_secret(),
        variables["DATABASE_URL"]
    );
    assert!(config.database.urls.unwrap().owner.is_some());
    assert_eq!(
        config.allowed_origins,
        [
            "https://app.example.com",
            "https://portal.example.com:8443",
            "https://api.example.com"
        ]
    );
    assert!(config.trusted_proxies.trusts("10.1.2.3".parse().unwrap()));
    assert_eq!(
        config.mail.unwrap().from.email.to_string(),
        "no-reply@example.com"
    );
    assert_eq!(config.rate_limits.user_per_minute.limit, 250);
    assert_eq!(
        config.rate_limits.login_failures_per_account.window,
        Duration::from_secs(3600)
    );
    assert_eq!(
        config.rate_limits.ip_per_minute,
        RateLimits::default().ip_per_minute
    );
    assert_eq!(config.limits.operation_timeout, Duration::from_secs(12));
    assert_eq!(
        (config.log_format, config.simulated_clock),
        (LogFormat::Json, false)
    );
    assert_eq!(config.token_signing_keys.signing().kid(), "a");
}

#[test]
fn each_wrong_value_is_one_clear_sentence() {
    for (name, value, sentence) in [
        (
            "FUNNELCHAT_LISTEN",
            "8080",
            "FUNNELCHAT_LISTEN must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080.",
        ),
        (
            "GRAPHQL_MAX_DEPTH",
            "deep",
            "GRAPHQL_MAX_DEPTH is not a number: give a whole number from 3 to 100.",
        ),
        (
            "GRAPHQL_MAX_DEPTH",
            "101",
            "GRAPHQL_MAX_DEPTH is too large: give a whole number from 3 to 100.",
        ),
        (
            "GRAPHQL_MAX_DEPTH",
            "-1",
            "GRAPHQL_MAX_DEPTH is not a number: give a whole number from 3 to 100.",
        ),
        (
            "WORKER_CONCURRENCY",
            "0",
            "WORKER_CONCURRENCY is too small: give a whole number from 1 to 1000.",
        ),
        (
            "MAX_PAGE_SIZE",
            "99999999999999999999",
            "MAX_PAGE_SIZE is too large: give a whole number from 1 to 100.",
        ),
        (
            "PUBLIC_BASE_URL",
            "http://api.example.com",
            "PUBLIC_BASE_URL must start with https:// in production.",
        ),
        (
            "PUBLIC_BASE_URL",
            "https://x.example/api",
            "PUBLIC_BASE_URL must end after the host and port, without a path.",
        ),
        (
            "PUBLIC_BASE_URL",
            "https://me:pw@x.example",
            "PUBLIC_BASE_URL must not contain a user name or a password.",
        ),
        (
            "TWILIO_BASE_URL",
            "api.twilio.com",
            "TWILIO_BASE_URL must be an address such as https://host.example.com.",
        ),
        (
            "TRUSTED_PROXIES",
            "10.0.0.0/8,10.0.0.1/8",
            "TRUSTED_PROXIES (entry 2) has address bits set behind its prefix length: write the first address of the block.",
        ),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be `json` or `text`."),
        (
            "RUST_LOG",
            "funnelchat=loud",
            "RUST_LOG is not a log filter: write, for example, `info` or `warn,funnelchat=debug`.",
        ),
        (
            "SIMULATED_CLOCK",
            "yes",
            "SIMULATED_CLOCK must be `true` or `false`.",
        ),
        (
            "SIMULATED_CLOCK",
            "true",
            "SIMULATED_CLOCK must not be true in production: it lets business time be advanced.",
        ),
        (
            "TOTP_REUSE_ALLOWED",
            "true",
            "TOTP_REUSE_ALLOWED must not be true in production: a one-time code is good once.",
        ),
        (
            "MAIL_FROM",
            "nobody",
            "MAIL_FROM must be a sender such as `funnelchat <no-reply@example.com>`.",
        ),
        (
            "MASTER_KEYS",
            "1:AAAA",
            "MASTER_KEYS has a key (version 1) of 3 bytes after decoding: it must have 32.",
        ),
        (
            "REDIS_URL",
            "rediss://cache",
            "REDIS_URL asks for TLS, which is not built in: use redis:// within a private network.",
        ),
        (
            "REDIS_URL",
            "cache:6379",
            "REDIS_URL must be a Redis URL such as redis://host:6379 or redis+unix:///run/redis.sock.",
        ),
    ] {
        assert_eq!(problem_of(name, value), sentence);
    }
    assert!(problem_of("FUNNELCHAT_ENV", "staging").ends_with("must be `development` or `production`."));
    assert!(problem_of("ALLOWED_ORIGINS", "https://a.example,*").contains("(entry 2) must name each origin"));
    assert!(problem_of("SMTP_URL", "https://smtp.example.com").contains("must be an SMTP URL"));
    assert!(problem_of("TOKEN_SIGNING_KEYS", "a:AAAA").contains("it must have at least 32"));
}

#[test]
fn database_roles_must_be_there_and_apart() {
    assert!(problem_of("DATABASE_URL", "mysql://x@db/funnelchat").contains("must be a PostgreSQL URL"));
    assert!(problem_of("DATABASE_URL", "postgres://db/funnelchat").contains("names no role"));
    assert!(problem_of("DATABASE_URL", "postgres://app@db").contains("names no database"));
    let same = problem_of(
        "DATABASE_WORKER_URL",
        "postgres://funnelchat_app:other@db/funnelchat",
    );
    assert!(same.contains("same role as DATABASE_URL"), "{same}");

    let half = with(
        development(),
        "DATABASE_URL",
        "postgres://funnelchat_app@localhost/funnelchat",
    );
    let names: Vec<String> = problems(&half)
        .iter()
        .map(|p| p.split(' ').next().unwrap_or("").to_owned())
        .collect();
    assert_eq!(
        names,
        ["DATABASE_SYSTEM_URL", "DATABASE_WORKER_URL"],
        "some but not all is a mistake in development too"
    );
}

#[test]
fn mail_needs_a_sender() {
    let lone = with(
        production(),
        "SMTP_URL",
        "smtp://smtp.example.com:587?tls=required",
    );
    assert_eq!(problems(&lone).len(), 1);
    assert!(problems(&lone)[0].starts_with("MAIL_FROM is missing: "));
}

#[test]
fn files_lie_in_a_bucket_or_a_folder() {
    use crate::files::ObjectStoreSettings;
    let store = |url: &str| {
        read(&with(production(), "FILE_STORE_URL", url))
            .unwrap()
            .files
            .store
    };
    assert!(
        matches!(store("file:///var/lib/files"), ObjectStoreSettings::Folder(folder) if folder.ends_with("lib/files"))
    );
    assert!(
        matches!(store("s3://b/p/q/"), ObjectStoreSettings::S3 { bucket, prefix, .. } if bucket == "b" && prefix == "p/q")
    );
    for wrong in ["memory:", "files", "https://bucket", "s3:bucket", ""] {
        assert!(problem_of("FILE_STORE_URL", wrong).starts_with("FILE_STORE_URL "));
    }
    let half = problems(&with(production(), "FILE_STORE_ACCESS_KEY_ID", "AKIA"));
    assert_eq!(half.len(), 1);
    assert!(
        half[0].starts_with("FILE_STORE_SECRET_ACCESS_KEY is missing"),
        "{half:?}"
    );
    assert!(problem_of("FILE_STORE_ENDPOINT", "http://minio:9000").contains("https"));
}

#[test]
fn an_empty_value_counts_as_missing() {
    let config = read(&with(production(), "REDIS_URL", "  ")).unwrap();
    assert!(config.redis_url.is_none());
    assert!(problem_of("MASTER_KEYS", "").contains("is missing"));
}

#[test]
fn neither_the_settings_nor_their_errors_ever_show_a_secret() {
    let secrets = [
        "app-pw",
        "system-pw",
        "worker-pw",
        "redis-pw",
        "mail-pw",
        "file-pw",
        KEY,
    ];
    let mut variables = production();
    for (name, value) in [
        ("REDIS_URL", "redis://:redis-pw@cache:6379"),
        ("SMTP_URL", "smtps://mailer:mail-pw@smtp.example.com"),
        ("MAIL_FROM", "no-reply@example.com"),
        ("FILE_STORE_ACCESS_KEY_ID", "AKIA"),
        ("FILE_STORE_SECRET_ACCESS_KEY", "file-pw"),
    ] {
        variables = with(variables, name, value);
    }
    let printed = format!("{:#?}", read(&variables).unwrap());
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} leaked: {printed}");
    }
    // Every variable in turn holds every secret, as after a mix-up of lines.
    for name in example().into_keys() {
        for secret in secrets {
            if let Err(error) = read(&with(variables.clone(), &name, &format!("{secret}:{secret}"))) {
                assert!(!error.to_string().contains(secret), "{error}");
            }
        }
    }
}

#[test]
fn the_error_lists_its_problems_line_by_line() {
    let error = read(&Variables::new()).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1 + error.problems.len());
    assert!(text.lines().skip(1).all(|line| line.starts_with("  - ")));
}
