//! The command line.

mod admin;
mod audit;
mod businesses;
mod compliance;
mod contact_profile;
mod dev;
mod doctor;
mod keys;
mod migrate;
mod payments;
mod privacy;
mod progress;
mod rule_sets;
pub mod sandbox_clock;
pub mod seed;
mod serve;
mod worker;

use std::{net::SocketAddr, process::ExitCode};

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};

use crate::{
    config::Config,
    graphql::sdl,
    platform::telemetry::{self, TelemetryConfig},
};

/// The backend with which businesses that collect debts talk to debtors, inside the law, and get paid.
#[derive(Debug, Parser)]
#[command(name = "funnelchat", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API, webhooks and sockets.
    Serve,
    /// Runs background jobs.
    Worker,
    /// Everything on this machine: a private database if none is configured, demo data, the sandbox, API and worker.
    Dev(DevOptions),
    /// Brings the database up to date.
    Migrate {
        /// First makes roles and database, as the superuser of DATABASE_SUPERUSER_URL.
        #[arg(long)]
        bootstrap: bool,
    },
    /// Writes the demo data (two businesses, their staff and 25 accounts each; in development a super admin too); what is
    /// there already stays.
    Seed,
    /// Rotates keys while the service runs.
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Says who operates the platform.
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
    /// Says which account at Stripe is a business's.
    Payments {
        /// What to do.
        #[command(subcommand)]
        command: payments::PaymentsCommand,
    },
    /// Exports audit trails and verifies their hash chains.
    Audit {
        #[command(subcommand)]
        command: audit::AuditCommand,
    },
    /// What the gate's rules say, said, and would say.
    Compliance {
        #[command(subcommand)]
        command: compliance::ComplianceCommand,
    },
    /// What is kept of people, and what is not kept any longer.
    Privacy {
        #[command(subcommand)]
        command: privacy::PrivacyCommand,
    },
    /// Prints the GraphQL schema.
    Schema,
    /// Checks roles, row security, migrations, settings, and at Twilio each business's account and numbers; one line for each
    /// thing that is wrong.
    Doctor {
        /// Only asks the server of FUNNELCHAT_LISTEN whether it is healthy.
        #[arg(long)]
        health: bool,
    },
}

/// Options of `dev`.
#[derive(Clone, Debug, clap::Args)]
pub struct DevOptions {
    /// Where the API listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the sandbox (telephone, mailbox, faults) listens.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub sandbox_listen: SocketAddr,
    /// Starts with an empty private database.
    #[arg(long)]
    pub fresh: bool,
    /// Uses a private database of its own that goes when this ends; what `dev` keeps otherwise is not touched.
    #[arg(long, conflicts_with = "fresh")]
    pub throwaway: bool,
    /// Sets business time to this instant (RFC 3339); it ticks on from there. Not before anything stored.
    #[arg(long)]
    pub clock: Option<DateTime<Utc>>,
    /// Instead of the service, runs a command with DATABASE_URL of a private throwaway database, migrated from
    /// ./migrations where that folder exists.
    #[arg(last = true)]
    pub with_database: Vec<String>,
}

/// Parses the arguments, runs the command, and says in one sentence what went wrong.
pub async fn run() -> ExitCode {
    let command = Cli::parse().command;
    match execute(command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("funnelchat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Schema => {
            print!("{}", sdl());
            Ok(ExitCode::SUCCESS)
        }
        Command::Dev(options) => dev::dev(options).await,
        Command::Doctor { health: true } => doctor::health().await,
        Command::Audit {
            command:
                audit::AuditCommand::Verify {
                    bundle: Some(bundle),
                    keys,
                    ..
                },
        } => {
            audit::verify_file(&bundle, &keys)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Compliance { command } => compliance::compliance(command).await,
        command => {
            let config = Config::from_process()?;
            match command {
                Command::Serve => with_telemetry(&config, "funnelchat-api", serve::serve(&config)).await?,
                Command::Worker => {
                    with_telemetry(&config, "funnelchat-worker", worker::worker(&config)).await?
                }
                Command::Migrate { bootstrap } => migrate::migrate(&config, bootstrap).await?,
                Command::Seed => seed::seed_configured(&config).await?,
                Command::Admin { command } => admin::admin(&config, &command).await?,
                Command::Payments { command } => payments::payments(&config, &command).await?,
                Command::Audit { command } => audit::audit(&config, &command).await?,
                Command::Keys { command } => keys::keys(&config, &command).await?,
                Command::Privacy { command } => privacy::privacy(&config, &command).await?,
                Command::Doctor { .. } => return doctor::doctor(&config).await,
                Command::Schema | Command::Dev(_) | Command::Compliance { .. } => {}
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Logs, traces and figures for the time of `work`.
async fn with_telemetry(
    config: &Config,
    service_name: &'static str,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let guard = telemetry::init(TelemetryConfig {
        service_name,
        log_format: config.log_format,
        log_filter: config.log_filter.clone(),
        otlp_endpoint: config.otlp_endpoint.clone(),
    })?;
    let result = work.await;
    guard.shutdown(std::time::Duration::from_secs(5)).await;
    result
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => {
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
