//! `doctor`: says what is wrong, one line each.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::bail;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    app::{App, Databases, install_crypto_provider},
    compliance::stale_registry,
    config::{Config, MailSettings},
    conversations::check_vendors,
    files::check_store,
    platform::{
        clock::{SystemWallClock, WallClock as _},
        db::migrate::pending,
    },
    providers::smtp::SmtpMailer,
};

/// What was found.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, finding: impl Into<String>) {
        self.0.push(finding.into());
    }
}

pub(super) async fn doctor(config: &Config) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    install_crypto_provider();
    match &config.database.urls {
        None => findings.add("DATABASE_URL is not set (only `funnelchat dev` brings its own database)"),
        Some(urls) => {
            let databases = Databases::parse(urls)?;
            check_databases(&databases, &mut findings).await;
            // What keeps the service from starting was told of above.
            if findings.0.is_empty() {
                check_service(config, &databases, &mut findings).await;
            }
        }
    }
    check_settings(config, &mut findings).await;
    if let Err(problem) = check_store(&config.files.store).await {
        findings.add(format!("FILE_STORE_URL: {problem:#}"));
    }
    if findings.0.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &findings.0 {
        println!("{finding}");
    }
    Ok(ExitCode::FAILURE)
}

/// Whether the service starts, and whether the vendors take what its businesses have connected.
async fn check_service(config: &Config, databases: &Databases, findings: &mut Findings) {
    let app = match App::build(config, databases, Arc::new(SystemWallClock)).await {
        Ok(app) => app,
        Err(error) => return findings.add(format!("the service does not start: {error:#}")),
    };
    let vendor = app.vendor_accounts.as_ref();
    let found = check_vendors(&app.db, &app.keyring, vendor, &app.http.public_base_url).await;
    match found {
        Ok(found) => findings.0.extend(found),
        Err(error) => findings.add(format!("the accounts at Twilio cannot be read: {error}")),
    }
    app.close().await;
}

async fn check_settings(config: &Config, findings: &mut Findings) {
    match &config.mail {
        None => findings.add("SMTP_URL is not set: mails to staff will wait in the queue"),
        Some(mail) => {
            if let Err(problem) = within(LONGEST, greet_mail_server(mail)).await {
                findings.add(format!(
                    "SMTP_URL: mails to staff will wait in the queue: {problem:#}"
                ));
            }
        }
    }
    match &config.redis_url {
        None => findings.add(
            "REDIS_URL is not set: with more than one process live events arrive seconds late and limits count per process",
        ),
        Some(url) => {
            if let Err(problem) = within(LONGEST, ping_redis(url)).await {
                findings.add(format!("REDIS_URL: Redis does not answer: {problem:#}"));
            }
        }
    }
    if config.public_base_url.scheme() != "https" {
        findings.add("PUBLIC_BASE_URL is not https: vendors and browsers will refuse it outside development");
    }
}

/// How long a server may take to say that it is there.
const LONGEST: Duration = Duration::from_secs(5);

async fn within(longest: Duration, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::time::timeout(longest, work)
        .await
        .unwrap_or_else(|_| bail!("no answer within {} s", longest.as_secs()))
}

async fn greet_mail_server(mail: &MailSettings) -> anyhow::Result<()> {
    SmtpMailer::new(mail.smtp_url.expose_secret(), mail.from.clone())?
        .greet()
        .await
}

async fn ping_redis(url: &SecretString) -> anyhow::Result<()> {
    let client = redis::Client::open(url.expose_secret())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let () = redis::cmd("PING").query_async(&mut connection).await?;
    Ok(())
}

async fn check_databases(databases: &Databases, findings: &mut Findings) {
    let roles = [
        ("DATABASE_URL", &databases.app, "funnelchat_app"),
        ("DATABASE_SYSTEM_URL", &databases.system, "funnelchat_system"),
        ("DATABASE_WORKER_URL", &databases.worker, "funnelchat_worker"),
    ];
    for (variable, options, role) in roles {
        if let Err(problem) = check_role(options, role).await {
            findings.add(format!("{variable}: {problem}"));
        }
    }
    // A database that does not answer was told of above.
    if let Ok(mut connection) = databases.system.connect().await {
        match stale_registry(&mut connection, SystemWallClock.now()).await {
            Ok(finding) => finding.into_iter().for_each(|finding| findings.add(finding)),
            Err(error) => findings.add(format!(
                "DATABASE_SYSTEM_URL: the do-not-call registry cannot be looked at: {error}"
            )),
        }
    }
    if let Some(owner) = &databases.owner {
        match owner.connect().await {
            Err(error) => findings.add(format!("DATABASE_OWNER_URL: cannot connect: {error}")),
            Ok(mut connection) => {
                if let Err(error) = check_catalogue(&mut connection, findings).await {
                    findings.add(format!(
                        "DATABASE_OWNER_URL: the catalogue cannot be read: {error}"
                    ));
                }
            }
        }
    }
}

/// A runtime role that could step over row security would make every policy vain.
async fn check_role(options: &PgConnectOptions, role: &str) -> Result<(), String> {
    let mut connection = options
        .connect()
        .await
        .map_err(|error| format!("cannot connect: {error}"))?;
    let row = sqlx::query!(
        r#"SELECT rolname AS "name!", rolsuper AS "superuser!", rolbypassrls AS "bypass!",
                EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.relowner = r.oid AND n.nspname = 'public' AND c.relkind IN ('r', 'p')) AS "owns!"
         FROM pg_roles r WHERE rolname = current_user"#
    )
    .fetch_one(&mut connection)
    .await
    .map_err(|error| error.to_string())?;
    if row.name != role {
        return Err(format!("logs in as {}, but must log in as {role}", row.name));
    }
    if row.superuser || row.bypass {
        return Err(format!(
            "{role} may step over row security: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
        ));
    }
    if row.owns {
        return Err(format!("{role} owns tables, but only funnelchat_owner may"));
    }
    Ok(())
}

async fn check_catalogue(connection: &mut PgConnection, findings: &mut Findings) -> anyhow::Result<()> {
    let missing = pending(connection).await?;
    if !missing.is_empty() {
        findings.add(format!(
            "{} migration(s) have not run: funnelchat migrate",
            missing.len()
        ));
        return Ok(());
    }
    let open = sqlx::query_scalar!(
        r#"SELECT c.relname AS "name!" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'business_id' AND NOT a.attisdropped
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname NOT IN ('sessions', 'provider_accounts', 'inbound_numbers', 'registrations',
               'payment_accounts')
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"#
    )
    .fetch_all(connection)
    .await?;
    for table in open {
        findings.add(format!("{table} holds tenants' rows without forced row security"));
    }
    Ok(())
}

/// For containers without a shell: asks the local server.
pub(super) async fn health() -> anyhow::Result<ExitCode> {
    let listen = std::env::var("FUNNELCHAT_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listen = listen.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
    let answer = tokio::time::timeout(Duration::from_secs(3), async {
        let mut stream = tokio::net::TcpStream::connect(&listen).await?;
        stream
            .write_all(b"GET /api/v1/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .await?;
        let mut answer = [0_u8; 64];
        let read = stream.read(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(answer.get(..read).unwrap_or_default()).into_owned())
    })
    .await;
    let healthy = matches!(answer, Ok(Ok(text)) if text.contains(" 200 "));
    println!("{}", if healthy { "healthy" } else { "not healthy" });
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
