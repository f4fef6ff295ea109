//! Yearly partitions of the large tables. `migrate` makes them; so does the worker, for a deployment that is not migrated
//! for longer than a year.

use super::{Db, DbError};
use crate::platform::{context::SystemCtx, jobs::JobError};

/// Makes the partitions of this year and the next that are missing, and those of years of which a default partition
/// holds rows, which move there. One transaction each, so that no more than one table waits at a time.
///
/// # Errors
/// [`JobError::Retry`] while the database is away, or its tables are too busy for it.
pub async fn ensure_partitions(db: &Db) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("yearly partitions", "job-ensure-partitions");
    let mut tx = db.system(&ctx).await?;
    let now = tx.now();
    let due = sqlx::query!(
        r#"SELECT parent AS "parent!", year AS "year!" FROM app.partitions_due($1)"#,
        now
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    tx.commit().await?;
    for partition in due {
        let mut tx = db.system(&ctx).await?;
        // What a default partition gathered in years is moved at once or not at all.
        sqlx::query!("SET LOCAL statement_timeout = '30min'")
            .execute(tx.conn())
            .await
            .map_err(DbError::from)?;
        let made = sqlx::query_scalar!(
            r#"SELECT app.ensure_partition($1, $2) AS "made!""#,
            partition.parent,
            partition.year
        )
        .fetch_one(tx.conn())
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        if made {
            tracing::info!(
                table = partition.parent,
                year = partition.year,
                "made a yearly partition"
            );
        }
    }
    Ok(())
}
