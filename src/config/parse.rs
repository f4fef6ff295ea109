//! The shapes that values have. Errors complete the sentence "VARIABLE …" and never repeat the value.

use std::net::SocketAddr;
use std::path::PathBuf;

use lettre::message::Mailbox;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::platform::net::Cidr;
use crate::platform::secret::SecretString;

type Parsed<T> = Result<T, String>;

/// A database URL and the role that it logs in as.
pub(super) struct DatabaseUrl {
    pub(super) secret: SecretString,
    pub(super) role: String,
}

/// Where the contents of files lie.
pub(super) enum FileStoreUrl {
    Memory,
    Folder(PathBuf),
    Bucket { name: String, prefix: String },
}

pub(super) fn file_store(text: &str) -> Parsed<FileStoreUrl> {
    const SHAPE: &str = "must be s3://bucket/prefix or file:///an/absolute/folder, or memory: for a test";
    let url = Url::parse(text).map_err(|_| SHAPE.to_owned())?;
    match (url.scheme(), url.host_str()) {
        ("memory", None) => Ok(FileStoreUrl::Memory),
        ("file", None) => url
            .to_file_path()
            .map(FileStoreUrl::Folder)
            .map_err(|()| SHAPE.to_owned()),
        ("s3", Some(bucket)) => Ok(FileStoreUrl::Bucket {
            name: bucket.to_owned(),
            prefix: url.path().trim_matches('/').to_owned(),
        }),
        _ => Err(SHAPE.to_owned()),
    }
}

/// One word of visible ASCII.
pub(super) fn word(text: &str) -> Parsed<String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be one word of letters, digits and signs".to_owned())
    }
}

pub(super) fn secret(text: &str) -> Parsed<SecretString> {
    word(text).map(SecretString::from)
}

/// A secret or restricted key of Stripe.
pub(super) fn stripe_key(text: &str) -> Parsed<SecretString> {
    if ["sk_test_", "sk_live_", "rk_test_", "rk_live_"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        Ok(SecretString::from(text))
    } else {
        Err("must be a secret key of Stripe's, which begins with sk_ or rk_".into())
    }
}

/// One signing secret or two, separated by a comma.
pub(super) fn webhook_secrets(text: &str) -> Parsed<Vec<SecretString>> {
    let secrets = list(text, |secret| {
        if secret.starts_with("whsec_") {
            Ok(SecretString::from(secret))
        } else {
            Err("must be signing secrets of Stripe's, which begin with whsec_, separated by commas".into())
        }
    })?;
    if secrets.len() > 2 {
        return Err("must be at most two secrets: the one that is rolled out, and the one before".into());
    }
    Ok(secrets)
}

pub(super) fn listen(text: &str) -> Parsed<SocketAddr> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

pub(super) fn boolean(text: &str) -> Parsed<bool> {
    text.parse().map_err(|_| "must be `true` or `false`".to_owned())
}

pub(super) fn log_filter(text: &str) -> Parsed<String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => {
            Err("is not a log filter: write, for example, `info` or `warn,funnelchat=debug`".to_owned())
        }
    }
}

pub(super) fn database_url(text: &str) -> Parsed<DatabaseUrl> {
    const SHAPE: &str = "must be a PostgreSQL URL such as postgres://role:password@host:5432/funnelchat";
    let url = Url::parse(text).map_err(|_| SHAPE.to_owned())?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(SHAPE.to_owned());
    }
    if url.username().is_empty() {
        return Err(
            "names no role: write it before the @, as in postgres://role:password@host/funnelchat".to_owned(),
        );
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(
            "names no database: write it after the host, as in postgres://role@host/funnelchat".to_owned(),
        );
    }
    Ok(DatabaseUrl {
        secret: SecretString::from(text),
        role: url.username().to_owned(),
    })
}

pub(super) fn redis_url(text: &str) -> Parsed<SecretString> {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme == "rediss" {
        return Err("asks for TLS, which is not built in: use redis:// within a private network".to_owned());
    }
    let known = matches!(scheme, "redis" | "redis+unix" | "unix");
    if !known || redis::Client::open(text).is_err() {
        return Err(
            "must be a Redis URL such as redis://host:6379 or redis+unix:///run/redis.sock".to_owned(),
        );
    }
    Ok(SecretString::from(text))
}

pub(super) fn smtp_url(text: &str) -> Parsed<SecretString> {
    let shape = "must be an SMTP URL such as smtps://user:password@host:465 or smtp://host:587?tls=required";
    let url = Url::parse(text).map_err(|_| shape.to_owned())?;
    if !matches!(url.scheme(), "smtp" | "smtps") || !url.has_host() {
        return Err(shape.to_owned());
    }
    Ok(SecretString::from(text))
}

pub(super) fn mailbox(text: &str) -> Parsed<Mailbox> {
    text.parse()
        .map_err(|_| "must be a sender such as `funnelchat <no-reply@example.com>`".to_owned())
}

/// The base of somebody's API: paths are appended to it.
pub(super) fn base_url(text: &str) -> Parsed<Url> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment".to_owned());
    }
    Ok(url)
}

/// Scheme, host and port only.
pub(super) fn origin(text: &str) -> Parsed<Url> {
    let url = base_url(text)?;
    if url.path() != "/" {
        return Err("must end after the host and port, without a path".to_owned());
    }
    Ok(url)
}

pub(super) fn https_origin(text: &str) -> Parsed<Url> {
    let url = origin(text)?;
    if url.scheme() != "https" {
        return Err("must start with https:// in production".to_owned());
    }
    Ok(url)
}

pub(super) fn origins(text: &str) -> Parsed<Vec<String>> {
    list(text, |entry| {
        if entry == "*" {
            return Err("must name each origin, as logins travel in cookies: `*` is not allowed".to_owned());
        }
        Ok(origin(entry)?.origin().ascii_serialization())
    })
}

pub(super) fn cidrs(text: &str) -> Parsed<Vec<Cidr>> {
    list(text, |entry| {
        entry.parse::<Cidr>().map_err(|error| error.to_string())
    })
}

/// Entries separated by commas; an error tells which one is wrong.
fn list<T>(text: &str, parse: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .enumerate()
        .map(|(index, entry)| parse(entry).map_err(|problem| format!("(entry {}) {problem}", index + 1)))
        .collect()
}

fn web_url(text: &str) -> Parsed<Url> {
    let shape = "must be an address such as https://host.example.com";
    let url = Url::parse(text).map_err(|_| shape.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(shape.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or a password".to_owned());
    }
    Ok(url)
}
