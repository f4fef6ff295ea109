//! `migrate`: roles and database on request, then what is missing.

use std::str::FromStr as _;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::{
    app::Databases,
    config::{Config, DatabaseUrls},
    platform::{
        clock::{SystemWallClock, WallClock as _},
        db::{
            bootstrap::{LoginRole, bootstrap},
            migrate::migrate as migrate_database,
        },
    },
};

pub(super) async fn migrate(config: &Config, with_bootstrap: bool) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let databases = Databases::parse(urls)?;
    if with_bootstrap {
        let superuser = std::env::var("DATABASE_SUPERUSER_URL")
            .context("DATABASE_SUPERUSER_URL is not set: --bootstrap makes roles and needs a superuser")?;
        let superuser =
            PgConnectOptions::from_str(&superuser).context("DATABASE_SUPERUSER_URL is not a database URL")?;
        let database = databases
            .app
            .get_database()
            .context("DATABASE_URL names no database")?;
        bootstrap(&superuser, database, &login_roles(urls)?).await?;
        println!("roles and database are there");
    }
    let owner = databases
        .owner
        .context("DATABASE_OWNER_URL is not set: migrations run as the owner")?;
    migrate_database(&owner, &databases.worker, SystemWallClock.now()).await?;
    println!("the database is up to date");
    Ok(())
}

/// Names and passwords as the URLs have them.
fn login_roles(urls: &DatabaseUrls) -> anyhow::Result<Vec<LoginRole>> {
    let owner = urls.owner.as_ref().context("DATABASE_OWNER_URL is not set")?;
    [
        ("DATABASE_OWNER_URL", owner, "funnelchat_owner"),
        ("DATABASE_URL", &urls.app, "funnelchat_app"),
        ("DATABASE_SYSTEM_URL", &urls.system, "funnelchat_system"),
        ("DATABASE_WORKER_URL", &urls.worker, "funnelchat_worker"),
    ]
    .into_iter()
    .map(|(variable, url, role)| {
        let url = Url::parse(url.expose_secret()).with_context(|| format!("{variable} is not a URL"))?;
        anyhow::ensure!(
            url.username() == role,
            "{variable} must log in as {role}: the policies name that role"
        );
        let password = url
            .password()
            .with_context(|| format!("{variable} has no password"))?;
        let password = form_urlencoded::parse(format!("p={}", password.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        Ok(LoginRole {
            name: role.to_owned(),
            password,
        })
    })
    .collect()
}
