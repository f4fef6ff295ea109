//! Brings a database up to date: our migrations as the owner, the queue's as its own role.

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Datelike as _, Utc};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};

use crate::platform::jobs::migrate_queue;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// Our door to the queue, made anew each time; no version stands in its name, so that it is no migration.
const QUEUE_DOOR: &str = include_str!("../../../migrations/queue.sql");

/// Runs what is missing; idempotent. `now` says for which years partitions are made.
///
/// # Errors
/// When a migration fails: then that one is rolled back.
pub async fn migrate(
    owner: &PgConnectOptions,
    worker: &PgConnectOptions,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    run((&MIGRATIONS, QUEUE_DOOR), owner, worker, now).await
}

/// As [`migrate`], with the migrations of a folder in place of those that this build carries: a query can then be
/// checked against a migration that is newer than the build.
///
/// # Errors
/// When the folder cannot be read, or a migration fails: then that one is rolled back.
pub async fn migrate_from(
    folder: &Path,
    owner: &PgConnectOptions,
    worker: &PgConnectOptions,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let migrations = Migrator::new(folder)
        .await
        .with_context(|| format!("the migrations in {} cannot be read", folder.display()))?;
    let door = folder.join("queue.sql");
    let door =
        std::fs::read_to_string(&door).with_context(|| format!("{} cannot be read", door.display()))?;
    run((&migrations, &door), owner, worker, now).await
}

async fn run(
    (migrations, queue_door): (&Migrator, &str),
    owner: &PgConnectOptions,
    worker: &PgConnectOptions,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut connection = owner
        .connect()
        .await
        .context("the owner's database URL does not connect")?;
    migrations
        .run(&mut connection)
        .await
        .context("a migration failed")?;
    for year in [now.year(), now.year() + 1] {
        sqlx::query("CALL app.ensure_partitions($1)")
            .bind(year)
            .execute(&mut connection)
            .await?;
    }
    // Of years in which nobody migrated and no worker ran.
    sqlx::query("SELECT app.ensure_partition(parent, year) FROM app.partitions_due($1)")
        .bind(now)
        .execute(&mut connection)
        .await?;
    // The queue's installer says CREATE SCHEMA IF NOT EXISTS, which asks for this right even when it is there.
    allow_schemas(&mut connection, true).await?;
    let migrated = migrate_queue(worker, queue_door)
        .await
        .context("the queue's migrations failed");
    allow_schemas(&mut connection, false).await?;
    connection.close().await?;
    migrated
}

async fn allow_schemas(owner: &mut PgConnection, allowed: bool) -> anyhow::Result<()> {
    let statement = if allowed {
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO funnelchat_worker', current_database()); END $$"
    } else {
        "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM funnelchat_worker', current_database()); END $$"
    };
    sqlx::raw_sql(statement).execute(owner).await?;
    Ok(())
}

/// The versions that this build brings.
pub fn known_versions() -> impl Iterator<Item = i64> {
    MIGRATIONS.iter().map(|migration| migration.version)
}

/// The versions that this build knows and the database has not run yet.
///
/// # Errors
/// When the database cannot be read.
pub async fn pending(connection: &mut PgConnection) -> anyhow::Result<Vec<i64>> {
    let table: bool = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let done: Vec<i64> = if table {
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await?
    } else {
        Vec::new()
    };
    Ok(MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .filter(|version| !done.contains(version))
        .collect())
}
