//! Background work: jobs are enqueued inside the transaction that needs them and run at least once.
//!
//! A job carries ids only and is idempotent. It ends in one of three ways: done; to be tried again because the
//! infrastructure failed (the queue's own back-off); or failed for good, which writes `queue.failed_jobs`, counts
//! and alerts. Work that must happen at an instant is not a delayed job: it is a row with a due instant, found by
//! a reconciler, because the queue lives on wall time (design: business time).

mod worker;

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub use worker::{JobWorker, WorkerOptions, migrate_queue};

use crate::platform::{context::TenantCtx, db::DbError};

/// What a job is called in the queue, and its arguments.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// `slice.verb_noun`; stable, because jobs outlive deployments.
    const NAME: &'static str;
    /// Beside which others it runs.
    const LANE: Lane = Lane::Ordinary;
}

/// A worker has slots of its own for each lane: whatever fills one, the others go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Short work that somebody waits for.
    Ordinary,
    /// A slice of much work, which enqueues the next one behind those of others; one of a business at a time.
    Bulk,
    /// Work that cannot be cut and takes long; one of a business at a time.
    Long,
}

impl Lane {
    /// As `queue.enqueue` takes it; none for the ordinary one.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Ordinary => None,
            Self::Bulk => Some("bulk"),
            Self::Long => Some("long"),
        }
    }
}

/// How a job ended when it did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Try again later with growing delay: the infrastructure failed, nothing is known to be wrong.
    #[error("{0}")]
    Retry(String),
    /// Never try again: recorded in `queue.failed_jobs`. The text is a class, without personal data.
    #[error("{0}")]
    Fatal(String),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// What the queue stores; `v` lets an old worker refuse what it does not know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Envelope {
    pub(crate) v: u32,
    pub(crate) business_id: Option<Uuid>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) args: serde_json::Value,
}

type Outcome = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
type Handler = Box<dyn Fn(Option<Uuid>, serde_json::Value) -> Outcome + Send + Sync>;

/// Which code runs which job; filled once, in `app.rs`.
#[derive(Clone, Default)]
pub struct JobRegistry {
    handlers: HashMap<&'static str, Arc<Handler>>,
    schedules: Vec<(&'static str, &'static str)>,
}

impl std::fmt::Debug for JobRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.handlers.keys()).finish()
    }
}

impl JobRegistry {
    /// Registers a job that acts inside a business.
    pub fn tenant<J, F, Fut>(&mut self, run: F)
    where
        J: Job,
        F: Fn(TenantCtx, J) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = Arc::new(run);
        let handler: Handler = Box::new(move |business_id, args| {
            let run = run.clone();
            Box::pin(async move {
                let business_id = business_id
                    .ok_or_else(|| JobError::Fatal(format!("{} came without a business", J::NAME)))?;
                let job: J = serde_json::from_value(args).map_err(|error| {
                    JobError::Fatal(format!("{} has unreadable arguments: {error}", J::NAME))
                })?;
                run(
                    TenantCtx::for_service(business_id, format!("job-{}", J::NAME)),
                    job,
                )
                .await
            })
        });
        self.handlers.insert(J::NAME, Arc::new(handler));
    }

    /// Registers a job that acts for no one business.
    pub fn platform<J, F, Fut>(&mut self, run: F)
    where
        J: Job,
        F: Fn(J) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = Arc::new(run);
        let handler: Handler = Box::new(move |_, args| {
            let run = run.clone();
            Box::pin(async move {
                let job: J = serde_json::from_value(args).map_err(|error| {
                    JobError::Fatal(format!("{} has unreadable arguments: {error}", J::NAME))
                })?;
                run(job).await
            })
        });
        self.handlers.insert(J::NAME, Arc::new(handler));
    }

    /// Registers a reconciler: it takes no input, is idempotent, finds what is due by itself, and is woken by
    /// `schedule` (five cron fields) or by anyone who knows that something may be due.
    pub fn reconciler<F, Fut>(&mut self, name: &'static str, schedule: &'static str, run: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = Arc::new(run);
        let handler: Handler = Box::new(move |_, _| {
            let run = run.clone();
            Box::pin(async move { run().await })
        });
        self.handlers.insert(name, Arc::new(handler));
        self.schedules.push((name, schedule));
    }

    /// Runs every reconciler once; after the simulated clock moved, and in tests.
    ///
    /// # Errors
    /// The first [`JobError`] met.
    pub async fn reconcile_all(&self) -> Result<(), JobError> {
        for (name, _) in &self.schedules {
            self.dispatch(&Envelope {
                v: 1,
                business_id: None,
                name: (*name).to_owned(),
                args: serde_json::Value::Null,
            })
            .await?;
        }
        Ok(())
    }

    pub(crate) fn schedules(&self) -> &[(&'static str, &'static str)] {
        &self.schedules
    }

    pub(crate) async fn dispatch(&self, envelope: &Envelope) -> Result<(), JobError> {
        if envelope.v != 1 {
            return Err(JobError::Retry(format!(
                "job of version {} waits for a newer worker",
                envelope.v
            )));
        }
        let handler = self.handlers.get(envelope.name.as_str()).ok_or_else(|| {
            JobError::Retry(format!(
                "no handler for {}: waits for a newer worker",
                envelope.name
            ))
        })?;
        handler(envelope.business_id, envelope.args.clone()).await
    }
}
