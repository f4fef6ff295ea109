//! `payments`: whose account at Stripe is a business's. Nobody connects one over the network: who names another's account would
//! have their debtors pay them.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use crate::{
    app::{App, Databases},
    config::Config,
    payments::connect_stripe,
    platform::{
        clock::SystemWallClock,
        context::{Actor, SystemCtx},
        db::AuditEntry,
    },
};

/// What to do about accounts at Stripe.
#[derive(Debug, Subcommand)]
pub enum PaymentsCommand {
    /// Gives a business the connected account that Stripe's dashboard shows for it: its debtors pay there from now on.
    Connect {
        /// The business, by slug or id.
        #[arg(long)]
        business: String,
        /// The connected account, acct_…
        #[arg(long)]
        account: String,
    },
}

pub(super) async fn payments(config: &Config, command: &PaymentsCommand) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    match command {
        PaymentsCommand::Connect { business, account } => connect(&app, business, account).await?,
    }
    app.close().await;
    Ok(())
}

async fn connect(app: &App, business: &str, account: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        account.starts_with("acct_"),
        "{account} is no connected account: those begin with acct_"
    );
    let found = super::businesses::businesses(app, Some(business), "connect payments", "payments").await?;
    let (slug, ctx) = found.first().context("there is no such business")?;
    let mut tx = app
        .db
        .system(&SystemCtx::for_reason("connect payments", "payments"))
        .await?;
    let id = connect_stripe(&mut tx, ctx.business_id(), account)
        .await
        .map_err(|error| {
            anyhow::anyhow!("{slug} has an account already, or {account} is another's: {error:#}")
        })?;
    let details = json!({ "provider": "STRIPE", "account": account });
    tx.audit_in(
        ctx.business_id(),
        Actor::System,
        AuditEntry::plain("payment_account.connected", id, &details),
    );
    tx.commit().await?;
    println!("{slug} is paid through {account}");
    Ok(())
}
