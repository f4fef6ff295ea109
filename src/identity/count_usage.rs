//! Keeps the numbers by which the platform's staff sees how much each business uses (`business_counts`).

use uuid::Uuid;

use crate::platform::{
    context::SystemCtx,
    db::{Db, DbError},
    jobs::JobError,
};

/// Businesses of one look.
const PAGE: i64 = 100;

/// Counts on, business by business, each in a transaction of its own.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn count_usage(db: &Db) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("usage of businesses", "job-count-usage");
    let mut past: Option<Uuid> = None;
    loop {
        let mut tx = db.system(&ctx).await?;
        let page = sqlx::query_scalar!(
            "SELECT id FROM businesses WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
            past,
            PAGE,
        )
        .fetch_all(tx.conn())
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        past = Some(*last);
        for business in page {
            let mut tx = db.system(&ctx).await?;
            let now = tx.now();
            sqlx::query!("SELECT app.count_usage($1, $2)", business, now)
                .execute(tx.conn())
                .await
                .map_err(DbError::from)?;
            tx.commit().await?;
        }
    }
}
