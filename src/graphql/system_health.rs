//! How the platform itself fares, for its staff.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    identity::{Caller, Identity},
    platform::{
        context::SystemCtx,
        db::migrate::known_versions,
        error::OpError,
        gql::{forbidden, op_error},
    },
};

/// The queue of background jobs. Counts stop at 10,000.
#[derive(SimpleObject)]
pub struct QueueHealth {
    /// Jobs that are not done, those of a later time too.
    waiting: i32,
    /// Jobs that should be running by now.
    due: i32,
    /// Since when the oldest of those is due; null when none is.
    oldest_due_since: Option<DateTime<Utc>>,
    /// Jobs that failed at least once and are tried again.
    retrying: i32,
    /// Jobs that failed for good within the last 24 hours.
    failed_last_day: i32,
}

/// How the platform fares, as this process sees it.
#[derive(SimpleObject)]
pub struct SystemHealth {
    /// The queue of background jobs.
    queue: QueueHealth,
    /// How many migrations this build brings that the database has not run: 0 is right.
    migrations_pending: i32,
    /// How far business time is ahead of wall time, in seconds: 0 in production.
    clock_offset_seconds: i64,
    /// Open database connections of this process.
    database_connections: i32,
    /// Businesses and threads that somebody follows live in this process.
    live_topics: i32,
}

/// Queries of the platform's health.
#[derive(Default)]
pub struct HealthQueries;

#[Object]
impl HealthQueries {
    /// How the platform fares. For super admins.
    async fn system_health(&self, ctx: &Context<'_>) -> async_graphql::Result<SystemHealth> {
        if !matches!(ctx.data::<Caller>()?, Caller::Platform { .. }) {
            return Err(forbidden("Only the platform's own staff may do this."));
        }
        look(ctx.data::<Identity>()?).await.map_err(op_error)
    }
}

async fn look(identity: &Identity) -> Result<SystemHealth, OpError> {
    let db = &identity.db;
    let mut tx = db
        .system(&SystemCtx::for_reason("health of the platform", "system-health"))
        .await?;
    let queue = sqlx::query!(
        r#"SELECT waiting AS "waiting!", due AS "due!", oldest_due_since, retrying AS "retrying!",
                  failed_last_day AS "failed_last_day!"
           FROM queue.health()"#
    )
    .fetch_one(tx.conn())
    .await?;
    let run = sqlx::query_scalar!(r#"SELECT app.migrations_run() AS "version!""#)
        .fetch_all(tx.conn())
        .await?;
    tx.commit().await?;
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let pending = known_versions().filter(|version| !run.contains(version)).count();
    let (app, system) = db.open_connections();
    Ok(SystemHealth {
        queue: QueueHealth {
            waiting: count(queue.waiting),
            due: count(queue.due),
            oldest_due_since: queue.oldest_due_since,
            retrying: count(queue.retrying),
            failed_last_day: count(queue.failed_last_day),
        },
        migrations_pending: i32::try_from(pending).unwrap_or(i32::MAX),
        clock_offset_seconds: db.clock().offset().num_seconds(),
        database_connections: i32::try_from(app + system).unwrap_or(i32::MAX),
        live_topics: i32::try_from(db.live().topics()).unwrap_or(i32::MAX),
    })
}
