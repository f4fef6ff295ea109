//! `admin`: who operates the platform. Nobody becomes a super admin over the network.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;

use crate::{
    app::{App, Databases},
    config::Config,
    identity::{create_super_admin, remove_super_admin},
    platform::{clock::SystemWallClock, email::EmailAddress},
};

/// What to do about super admins.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Makes the person with this address a super admin, and prints the link with which somebody new chooses a password.
    Create {
        /// Their e-mail address.
        #[arg(long)]
        email: String,
    },
    /// Ends a super admin's office, and every session and stay of theirs.
    Remove {
        /// Their e-mail address.
        #[arg(long)]
        email: String,
    },
}

pub(super) async fn admin(config: &Config, command: &AdminCommand) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    match command {
        AdminCommand::Create { email } => {
            let email = EmailAddress::parse(email)?;
            match create_super_admin(&app.identity, &email).await? {
                Some(link) => println!(
                    "{} is a super admin. This link, good once and for an hour, lets them choose a password:\n{link}",
                    email.as_str()
                ),
                None => println!(
                    "{} is a super admin, and signs in with the password they have",
                    email.as_str()
                ),
            }
        }
        AdminCommand::Remove { email } => {
            let email = EmailAddress::parse(email)?;
            let removed = remove_super_admin(&app.identity, &email).await?;
            anyhow::ensure!(removed, "{} is no super admin", email.as_str());
            println!("{} is no super admin any more", email.as_str());
        }
    }
    app.close().await;
    Ok(())
}
