//! `privacy`: what is kept of people, and what is not kept any longer.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;

use super::businesses::businesses;
use crate::{
    app::{App, Databases},
    compliance::privacy::{Retention, RetentionReport, old_access_logs},
    config::Config,
    platform::clock::SystemWallClock,
};

/// What to do about retention.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Destroys the keys of people whose records the law and their business want kept no longer, as the worker does every
    /// night, and drops years of the access log whose time is over; or says what would go.
    #[command(group(clap::ArgGroup::new("how").required(true).args(["dry_run", "execute"])))]
    Retention {
        /// Changes nothing: says how many would go, and how old the oldest is.
        #[arg(long)]
        dry_run: bool,
        /// Destroys. It cannot be undone.
        #[arg(long)]
        execute: bool,
        /// Only of this business, by its slug or id; then no log is looked at, which belongs to all.
        #[arg(long)]
        business: Option<String>,
    },
}

pub(super) async fn privacy(config: &Config, command: &PrivacyCommand) -> anyhow::Result<()> {
    let PrivacyCommand::Retention {
        execute, business, ..
    } = command;
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    for line in lines(&app, *execute, business.as_deref()).await? {
        println!("{line}");
    }
    app.close().await;
    Ok(())
}

/// What is printed, one line for each business and one for each year of the log.
async fn lines(app: &App, execute: bool, business: Option<&str>) -> anyhow::Result<Vec<String>> {
    let retention = Retention {
        identity: app.identity.clone(),
    };
    let mut lines = Vec::new();
    for (slug, ctx) in businesses(app, business, "retention", "cli-privacy").await? {
        let report = retention.of_business(&ctx, execute).await?;
        lines.push(format!("{slug}: {}", said(&report, execute)));
    }
    if business.is_none() {
        for part in old_access_logs(&app.db, execute).await? {
            let verb = if execute { "dropped" } else { "would be dropped" };
            lines.push(format!(
                "{part}: {verb}, its last read is more than seven years old"
            ));
        }
    }
    Ok(lines)
}

fn said(report: &RetentionReport, execute: bool) -> String {
    let verb = if execute { "destroyed" } else { "due" };
    let oldest = report
        .oldest
        .map(|day| format!(", the last activity of the oldest was on {day}"))
        .unwrap_or_default();
    format!(
        "{} people's records {verb}{oldest}; {} kept by a legal hold, {} by a debt that is still collected",
        report.due, report.on_legal_hold, report.still_open
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_went_and_what_stayed_and_why() {
        let report = RetentionReport {
            due: 3,
            oldest: chrono::NaiveDate::from_ymd_opt(2018, 1, 2),
            on_legal_hold: 1,
            still_open: 2,
        };
        assert_eq!(
            said(&report, false),
            "3 people's records due, the last activity of the oldest was on 2018-01-02; 1 kept by a legal hold, 2 by a debt \
             that is still collected"
        );
        assert!(said(&RetentionReport::default(), true).starts_with("0 people's records destroyed; "));
    }
}
