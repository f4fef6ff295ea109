//! `worker`: the background process.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    app::{App, Databases},
    config::Config,
    platform::{clock::SystemWallClock, jobs::JobWorker},
};

/// Runs jobs until told to stop, then lets the running ones finish.
pub(super) async fn worker(config: &Config) -> anyhow::Result<()> {
    let urls = config
        .database
        .urls
        .as_ref()
        .context("DATABASE_URL is not set: `funnelchat dev` brings its own database")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    super::rule_sets::follow_active_rules(&app).await?;
    app.start_background().await?;
    let worker = JobWorker::connect(&app.worker, app.registry.clone()).await?;
    tracing::info!(concurrency = app.worker.concurrency, "working");
    tokio::select! {
        ended = worker.run() => ended?,
        () = async {
            super::stop_signal().await;
            tracing::info!("stopping: running jobs finish");
            worker.stop();
            // `run` returns when they have.
            std::future::pending::<()>().await
        } => {}
    }
    app.close().await;
    Ok(())
}
