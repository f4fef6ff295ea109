//! The process side of the queue: graphile_worker behind our façade.

use std::time::Duration;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, Worker, WorkerContext};
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Envelope, JobError, JobRegistry};
use crate::platform::db::DbError;

/// The schema that the queue owns.
const SCHEMA: &str = "queue";

/// How the worker runs.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Logs in as `funnelchat_worker`.
    pub connect: PgConnectOptions,
    /// Ordinary jobs that run at once, at least 1.
    pub concurrency: usize,
    /// Slices of bulk work that run at once beside them, at least 1.
    pub bulk_concurrency: usize,
    /// Long jobs that run at once beside them, at least 1.
    pub long_concurrency: usize,
    /// How long running jobs may finish at shutdown.
    pub grace: Duration,
}

/// Runs jobs until told to stop.
pub struct JobWorker {
    ordinary: Worker,
    bulk: Worker,
    long: Worker,
}

#[derive(Clone)]
struct Registry(JobRegistry, PgPool);

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What the queue knows of a job is its lane; the envelope says which job it is.
macro_rules! lanes {
    ($($task:ident = $identifier:literal,)+) => {$(
        #[derive(Deserialize, Serialize)]
        struct $task(Envelope);

        impl TaskHandler for $task {
            const IDENTIFIER: &'static str = $identifier;

            async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
                run_envelope(self.0, &ctx).await
            }
        }
    )+};
}

lanes! {
    RunOrdinary = "funnelchat",
    RunBulk = "funnelchat_bulk",
    RunLong = "funnelchat_long",
}

async fn run_envelope(envelope: Envelope, ctx: &WorkerContext) -> Result<(), String> {
    let Some(Registry(registry, pool)) = ctx.get_ext::<Registry>().cloned() else {
        return Err("the worker has no registry".to_owned());
    };
    let job = ctx.job();
    let last_try = *job.attempts() >= *job.max_attempts();
    match registry.dispatch(&envelope).await {
        Ok(()) => {
            metrics::counter!("jobs_total", "job" => envelope.name, "outcome" => "done").increment(1);
            Ok(())
        }
        Err(JobError::Retry(reason)) if !last_try => {
            tracing::warn!(job = envelope.name, reason, "job will be tried again");
            metrics::counter!("jobs_total", "job" => envelope.name, "outcome" => "retried").increment(1);
            Err(reason)
        }
        Err(JobError::Retry(reason) | JobError::Fatal(reason)) => {
            record_failure(&pool, envelope, &reason).await
        }
    }
}

/// A job that failed for good leaves the queue and is kept where people look.
async fn record_failure(pool: &PgPool, envelope: Envelope, reason: &str) -> Result<(), String> {
    tracing::error!(job = envelope.name, reason, "job failed for good");
    sqlx::query!(
        "INSERT INTO queue.failed_jobs (name, business_id, args, error) VALUES ($1, $2, $3, $4)",
        envelope.name,
        envelope.business_id,
        envelope.args,
        reason,
    )
    .execute(pool)
    .await
    .map_err(|error| error.to_string())?;
    metrics::counter!("jobs_total", "job" => envelope.name, "outcome" => "failed").increment(1);
    Ok(())
}

impl JobWorker {
    /// Connects and registers; nothing runs yet.
    ///
    /// # Errors
    /// When the queue's database cannot be reached.
    pub async fn connect(options: &WorkerOptions, registry: JobRegistry) -> anyhow::Result<Self> {
        let slots = options.concurrency + options.bulk_concurrency + options.long_concurrency;
        let pool = PgPoolOptions::new()
            // Each lane listens, beats and sweeps on connections of its own.
            .max_connections(u32::try_from(slots)?.saturating_add(12))
            .connect_with(options.connect.clone().application_name("funnelchat-worker"))
            .await?;
        let crontab: String = registry
            .schedules()
            .iter()
            .map(|(name, schedule)| {
                let envelope = serde_json::json!({ "v": 1, "name": name });
                // The crontab's own identifiers are alphanumeric.
                let id: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
                format!("{schedule} {} ?id={id} {envelope}\n", RunOrdinary::IDENTIFIER)
            })
            .collect();
        let lane = |concurrency| lane(&pool, concurrency, options.grace);
        let mut ordinary = lane(options.concurrency).define_job::<RunOrdinary>();
        if !crontab.is_empty() {
            ordinary = ordinary.with_cron(crontab)?;
        }
        let registry = Registry(registry, pool.clone());
        Ok(Self {
            ordinary: ordinary.add_extension(registry.clone()).init().await?,
            bulk: lane(options.bulk_concurrency)
                .define_job::<RunBulk>()
                .add_extension(registry.clone())
                .init()
                .await?,
            long: lane(options.long_concurrency)
                .define_job::<RunLong>()
                .add_extension(registry)
                .init()
                .await?,
        })
    }

    /// Runs until [`JobWorker::stop`].
    ///
    /// # Errors
    /// When the queue's database is lost for good.
    pub async fn run(&self) -> anyhow::Result<()> {
        tokio::try_join!(self.ordinary.run(), self.bulk.run(), self.long.run())?;
        Ok(())
    }

    /// Runs what is due now, then returns; for tests.
    ///
    /// # Errors
    /// As [`JobWorker::run`].
    pub async fn run_once(&self) -> anyhow::Result<()> {
        for lane in [&self.ordinary, &self.bulk, &self.long] {
            lane.run_once().await?;
        }
        Ok(())
    }

    /// Takes no new job and lets the running ones finish within the grace period.
    pub fn stop(&self) {
        for lane in [&self.ordinary, &self.bulk, &self.long] {
            lane.request_shutdown();
        }
    }
}

fn lane(pool: &PgPool, concurrency: usize, grace: Duration) -> graphile_worker::WorkerOptions {
    Worker::options()
        .schema(SCHEMA)
        .concurrency(concurrency)
        .pg_pool(pool.clone())
        .listen_os_shutdown_signals(false)
        .shutdown_grace_period(grace)
        // A worker that died without a word is found by its silence and its jobs are given back.
        .heartbeat_interval(Duration::from_secs(10))
        .sweep_interval(Duration::from_secs(20))
        .sweep_threshold(Duration::from_secs(60))
}

/// Brings the queue's schema up to date, as its owner `funnelchat_worker`, and puts our functions before it.
///
/// # Errors
/// [`DbError`] as met.
pub async fn migrate_queue(connect: &PgConnectOptions, door: &str) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .connect_with(connect.clone())
        .await?;
    Worker::options()
        .schema(SCHEMA)
        .pg_pool(pool.clone())
        .listen_os_shutdown_signals(false)
        .init()
        .await?;
    sqlx::raw_sql(AssertSqlSafe(door))
        .execute(&pool)
        .await
        .map_err(DbError::from)?;
    pool.close().await;
    Ok(())
}
