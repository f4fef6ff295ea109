//! The safety net under the doorbell: compares the heads of the watched businesses with what was rung, so that a
//! commit whose ring was lost (process killed between the two, Redis away) is seen a few seconds later.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::platform::{
    context::SystemCtx,
    db::{Db, DbError},
};

/// Compares every `period` until stopped.
pub async fn run_sweep(db: Db, period: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = compare(&db).await {
            tracing::warn!(%error, "the live sweep could not read the heads");
        }
    }
}

async fn compare(db: &Db) -> Result<(), DbError> {
    let watched: Vec<_> = db.live().watched().into_iter().map(|(id, _)| id).collect();
    if watched.is_empty() {
        return Ok(());
    }
    let mut tx = db
        .system(&SystemCtx::for_reason("live sweep", "live-sweep"))
        .await?;
    let heads = sqlx::query!(
        "SELECT business_id, live_position FROM business_head WHERE business_id = ANY($1)",
        &watched
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    for head in heads {
        db.live().heard(head.business_id, head.live_position);
    }
    Ok(())
}
