//! `keys`: rotation, while the service runs.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;

use crate::{
    app::{App, Databases},
    config::Config,
    platform::{
        clock::SystemWallClock,
        context::SystemCtx,
        key_rotation::{rewrap_keys, rotate_business_key},
    },
};

/// What to rotate.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Wraps every stored key with the newest master key of MASTER_KEYS; then the older one may leave the setting.
    Rewrap,
    /// Gives a business a new key version for whatever is written from now on.
    Rotate {
        /// The business's slug.
        slug: String,
    },
}

pub(super) async fn keys(config: &Config, command: &KeysCommand) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    match command {
        KeysCommand::Rewrap => println!(
            "{} key(s) wrapped anew",
            rewrap_keys(&app.db, &app.keyring).await?
        ),
        KeysCommand::Rotate { slug } => {
            let mut tx = app
                .db
                .system(&SystemCtx::for_reason("rotate a business key", "cli-keys"))
                .await?;
            let business = sqlx::query_scalar!("SELECT id FROM businesses WHERE slug = $1", slug)
                .fetch_optional(tx.conn())
                .await?
                .with_context(|| format!("there is no business {slug}"))?;
            tx.commit().await?;
            println!(
                "{slug} uses key version {}",
                rotate_business_key(&app.db, &app.keyring, business).await?
            );
        }
    }
    app.close().await;
    Ok(())
}
