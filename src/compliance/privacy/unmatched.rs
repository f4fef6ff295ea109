//! Threads with a number that is nobody's we know: no person's key guards them and nobody asks for their erasure, so their own
//! keys go when the time is over that the records of a person are kept, counted from the last message.

use chrono::{DateTime, Days, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::LEAST_YEARS,
    retention::{retention_years_of, term},
};
use crate::{
    compliance::rule_set::RuleSet,
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError},
        error::OpError,
        jobs::{Job, JobError},
    },
};

/// Threads whose keys go in one transaction.
const BATCH: i64 = 500;

/// Destroys the keys of one business's threads of nobody whose time is over. Idempotent.
#[derive(Debug, Deserialize, Serialize)]
pub struct ForgetUnmatched {}

impl Job for ForgetUnmatched {
    const NAME: &'static str = "privacy.forget_unmatched";
}

/// Finds the businesses that have such threads, and enqueues that.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn find_unmatched(db: &Db) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("threads of nobody", "job-find-unmatched");
    let mut tx = db.system(&ctx).await?;
    // No business keeps records for less.
    let before = horizon(tx.now(), term(RuleSet::current(), LEAST_YEARS));
    let businesses = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM app.businesses_with_old_threads($1) AS id"#,
        before,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    for business in businesses {
        tx.enqueue(Some(business), &ForgetUnmatched {}).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Runs [`ForgetUnmatched`], a batch to a transaction.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn forget_unmatched(db: &Db, ctx: &TenantCtx) -> Result<(), JobError> {
    while forget_batch(db, ctx)
        .await
        .map_err(|error| JobError::Retry(format!("{error:#}")))?
    {}
    Ok(())
}

/// Whether there may be more.
async fn forget_batch(db: &Db, ctx: &TenantCtx) -> Result<bool, OpError> {
    let mut tx = db.tenant(ctx).await?;
    let years = term(RuleSet::current(), retention_years_of(&mut tx).await?);
    let (business, now) = (tx.business_id(), tx.now());
    let before = horizon(now, years);
    // A trigger takes with a key what it does not reach (app.forget_thread).
    let threads: Vec<Uuid> = sqlx::query_scalar!(
        "UPDATE data_keys k SET wrapped = NULL, destroyed_at = $2
         FROM (SELECT v.id, v.record_key_id FROM conversations v
               JOIN data_keys o ON o.business_id = v.business_id AND o.id = v.record_key_id
               WHERE v.business_id = $1 AND v.debtor_id IS NULL AND v.peer_cipher IS NOT NULL
                 AND coalesce(v.last_message_at, v.created_at) < $3 AND o.destroyed_at IS NULL AND o.debtor_id IS NULL
               ORDER BY v.id LIMIT $4) t
         WHERE k.business_id = $1 AND k.id = t.record_key_id AND k.destroyed_at IS NULL RETURNING t.id",
        business,
        now,
        before,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    let details = json!({ "years": years });
    for thread in &threads {
        tx.audit(AuditEntry::plain(
            "conversation.records_destroyed",
            *thread,
            &details,
        ));
    }
    tx.commit().await?;
    Ok(!threads.is_empty())
}

/// What happened before this instant is older than so many years, wherever a leap day lies.
fn horizon(now: DateTime<Utc>, years: u32) -> DateTime<Utc> {
    now.checked_sub_months(Months::new(years * 12))
        .and_then(|then| then.checked_sub_days(Days::new(2)))
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}
