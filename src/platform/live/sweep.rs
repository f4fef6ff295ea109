//! The safety net under the doorbell: reads, of the businesses that somebody here listens to, which topics had
//! events since the last look, and rings those that nobody rang for, so that a commit whose ring was lost (process
//! killed between the two, Redis away) is heard a few seconds later, whatever other rings came meanwhile.

use std::{collections::HashMap, time::Duration};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Topic;
use crate::platform::{
    context::SystemCtx,
    db::{Db, DbError},
};

/// Topics looked at in one sweep; when more have changed, everybody looks for themselves.
const AT_MOST: i64 = 5_000;

/// Looks every `period` until stopped.
pub async fn run_sweep(db: Db, period: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = look(&db).await {
            tracing::warn!(%error, "the live sweep could not read what is new");
        }
    }
}

async fn look(db: &Db) -> Result<(), DbError> {
    let watched = db.live().watched();
    if watched.is_empty() {
        return Ok(());
    }
    let businesses: Vec<Uuid> = watched.iter().map(|(id, _)| *id).collect();
    let swept: HashMap<Uuid, i64> = watched
        .iter()
        .filter_map(|(id, position)| Some((*id, (*position)?)))
        .collect();
    let mut tx = db
        .system(&SystemCtx::for_reason("live sweep", "live-sweep"))
        .await?;
    let heads = sqlx::query!(
        "SELECT business_id, live_position FROM business_head WHERE business_id = ANY($1)",
        &businesses
    )
    .fetch_all(tx.conn())
    .await?;
    let moved: Vec<(Uuid, i64, i64)> = heads
        .iter()
        .filter_map(|head| {
            Some((
                head.business_id,
                *swept.get(&head.business_id)?,
                head.live_position,
            ))
        })
        .filter(|(_, from, head)| from < head)
        .collect();
    let mut found: HashMap<Uuid, Vec<(Topic, i64)>> = HashMap::new();
    let mut too_many = false;
    if !moved.is_empty() {
        let (ids, from): (Vec<Uuid>, Vec<i64>) = moved.iter().map(|(id, from, _)| (*id, *from)).unzip();
        let rows = sqlx::query!(
            r#"SELECT e.business_id AS "business_id!", e.conversation_id, e.object_id, max(e.position) AS "position!"
             FROM unnest($1::uuid[], $2::bigint[]) AS w(business_id, swept)
             JOIN live_events e ON e.business_id = w.business_id AND e.position > w.swept
             WHERE e.conversation_id IS NOT NULL OR e.object_id IS NOT NULL
             GROUP BY 1, 2, 3 LIMIT $3"#,
            &ids,
            &from,
            AT_MOST
        )
        .fetch_all(tx.conn())
        .await?;
        too_many = i64::try_from(rows.len()).is_ok_and(|read| read == AT_MOST);
        for row in rows {
            let topics = [
                row.conversation_id.map(Topic::Conversation),
                row.object_id.map(Topic::Object),
            ];
            let found = found.entry(row.business_id).or_default();
            found.extend(topics.into_iter().flatten().map(|topic| (topic, row.position)));
        }
    }
    tx.commit().await?;
    for head in heads {
        // The first look at a business has nothing to compare with.
        let compared = swept.contains_key(&head.business_id) && !too_many;
        let found = found.remove(&head.business_id).unwrap_or_default();
        db.live().swept(
            head.business_id,
            head.live_position,
            compared.then_some(found.as_slice()),
        );
    }
    Ok(())
}
