//! The database. The pools are private to this module; the only doors are [`Db::tenant`], [`Db::snapshot`] and
//! [`Db::system`], so that no statement runs without a context that row-level security can judge.

pub mod bootstrap;
mod error;
pub mod migrate;
mod partitions;
mod system;
mod tenant;

use std::{pin::Pin, task::Poll, time::Duration};

use futures_util::future::BoxFuture;
use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr as _, Transaction,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use tokio::runtime::Handle;

pub use error::DbError;
pub use partitions::ensure_partitions;
pub use system::{PlatformAudit, SystemConnection, SystemTx};
pub use tenant::{AuditEntry, Committed, LiveEvent, TenantTx};

use crate::platform::{
    clock::BusinessClock,
    context::{Audience, SystemCtx, TenantCtx},
    live::LiveBus,
};

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Logs in as `funnelchat_app`.
    pub app: PgConnectOptions,
    /// Logs in as `funnelchat_system`.
    pub system: PgConnectOptions,
    /// Connections of the app's pool; the system pool gets a quarter of it, at least two.
    pub max_connections: u32,
    /// How long a request waits for a connection before it fails as unavailable.
    pub acquire_timeout: Duration,
    /// How long a statement waits for what another transaction holds before it fails as unavailable.
    pub lock_timeout: Duration,
    /// How long a statement may run before it fails as unavailable.
    pub statement_timeout: Duration,
}

/// The doors to the database.
#[derive(Clone)]
pub struct Db {
    app: PgPool,
    system: PgPool,
    clock: BusinessClock,
    live: LiveBus,
}

impl Db {
    /// Makes the pools; connects at first use.
    pub fn new(options: &DbOptions, clock: BusinessClock, live: LiveBus) -> Self {
        // With the connection and not with each transaction: it costs no statement.
        let timeouts = [
            ("lock_timeout", options.lock_timeout.as_millis()),
            ("statement_timeout", options.statement_timeout.as_millis()),
        ];
        let pool = |connect: &PgConnectOptions, size: u32| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(options.acquire_timeout)
                // A ping before each use costs a round trip per request; a broken connection shows in its
                // first statement anyway.
                .test_before_acquire(false)
                .connect_lazy_with(connect.clone().application_name("funnelchat").options(timeouts))
        };
        Self {
            app: pool(&options.app, options.max_connections),
            system: pool(&options.system, (options.max_connections / 4).max(2)),
            clock,
            live,
        }
    }

    /// Opens a read-write transaction in which only the rows of `ctx` exist.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no connection can be had.
    pub async fn tenant(&self, ctx: &TenantCtx) -> Result<TenantTx, DbError> {
        let tx = begin(&self.app, format!("BEGIN; {}", context_settings(ctx))).await?;
        Ok(TenantTx::new(
            tx,
            ctx.clone(),
            self.clock.clone(),
            self.live.clone(),
        ))
    }

    /// Opens the snapshot in which one query runs: repeatable read, read only.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no connection can be had.
    pub async fn snapshot(&self, ctx: &TenantCtx) -> Result<TenantTx, DbError> {
        let begin_text = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; {}",
            context_settings(ctx)
        );
        let tx = begin(&self.app, begin_text).await?;
        Ok(TenantTx::new(
            tx,
            ctx.clone(),
            self.clock.clone(),
            self.live.clone(),
        ))
    }

    /// Opens a transaction outside any one business, with its narrow policies.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no connection can be had.
    pub async fn system(&self, ctx: &SystemCtx) -> Result<SystemTx, DbError> {
        tracing::trace!(reason = ctx.reason(), "system transaction");
        let tx = begin(&self.system, "BEGIN".to_owned()).await?;
        Ok(SystemTx::new(tx, ctx.clone(), self.clock.clone()))
    }

    /// A connection outside any one business without a transaction around its statements.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no connection can be had.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where a connection without a transaction begins"
    )]
    pub async fn system_connection(&self, ctx: &SystemCtx) -> Result<SystemConnection, DbError> {
        tracing::trace!(reason = ctx.reason(), "system connection");
        let connection = Box::pin(self.system.acquire()).await?;
        Ok(SystemConnection(connection))
    }

    /// The clock on which everything stored is dated.
    pub fn clock(&self) -> &BusinessClock {
        &self.clock
    }

    /// The bus that commits ring.
    pub fn live(&self) -> &LiveBus {
        &self.live
    }

    /// Whether the database answers; for health checks.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT 1").execute(&self.app).await?;
        Ok(())
    }

    /// Open connections of the app's and the system's pool; for figures.
    pub fn open_connections(&self) -> (u32, u32) {
        (self.app.size(), self.system.size())
    }

    /// Waits for open transactions and closes the pools.
    pub async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where transactions begin")]
async fn begin(pool: &PgPool, text: String) -> Result<Transaction<'static, Postgres>, DbError> {
    // May be given up at any time: nothing has begun. On the heap, because it has room for making a connection.
    let connection = Box::pin(pool.acquire()).await?;
    // The context travels in the round trip of BEGIN. It holds uuids and fixed words only: nothing to escape.
    let running = Transaction::begin(connection, Some(AssertSqlSafe(text).into_sql_str()));
    Beginning {
        running: Some(running),
        runtime: Handle::current(),
    }
    .await
}

/// A transaction that is about to begin. When nobody waits for it any more (a socket closed, a time limit), it goes on
/// by itself and is rolled back: sqlx counts a transaction as begun only once the answer to BEGIN is there, so that one
/// that is dropped before would hand its connection on to the next request inside an open transaction.
struct Beginning {
    running: Option<BoxFuture<'static, Result<Transaction<'static, Postgres>, sqlx::Error>>>,
    runtime: Handle,
}

impl Future for Beginning {
    type Output = Result<Transaction<'static, Postgres>, DbError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        // Taken out first: what panics or is ready must not be polled again.
        let Some(mut running) = self.running.take() else {
            return Poll::Ready(Err(sqlx::Error::WorkerCrashed.into()));
        };
        let polled = running.as_mut().poll(task);
        if polled.is_pending() {
            self.running = Some(running);
        }
        polled.map_err(DbError::from)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.spawn(running);
        }
    }
}

fn context_settings(ctx: &TenantCtx) -> String {
    let business = ctx.business_id();
    match ctx.audience() {
        Audience::Staff => {
            format!("SET LOCAL app.business_id = '{business}'; SET LOCAL app.audience = 'staff'")
        }
        Audience::Debtor { debtor, account } => {
            let account = account.map(|id| id.to_string()).unwrap_or_default();
            format!(
                "SET LOCAL app.business_id = '{business}'; SET LOCAL app.audience = 'debtor'; \
                 SET LOCAL app.debtor_id = '{debtor}'; SET LOCAL app.account_id = '{account}'"
            )
        }
    }
}
