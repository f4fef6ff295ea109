//! Sessions and API keys that ended while what was begun with them goes on. A log-out counts at once in this process, within
//! a ring in the others, and within a poll where the ring was lost.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Identity, break_glass::LONGEST};
use crate::platform::{context::SystemCtx, db::DbError, live::Ring};

/// As long as the longest-lived access token, and a while for clocks that differ.
const REMEMBERED: TimeDelta = TimeDelta::minutes(65);
const _: () = assert!(REMEMBERED.num_minutes() > LONGEST.num_minutes());

/// Ended sessions, stays and API keys, remembered for as long as their last access token could live.
#[derive(Debug, Default)]
pub struct Revocations {
    ended: RwLock<HashMap<Uuid, DateTime<Utc>>>,
}

impl Revocations {
    /// Whether the session or API key has ended.
    pub fn contains(&self, session: Uuid) -> bool {
        self.ended
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&session)
    }

    pub(super) fn add(&self, session: Uuid, at: DateTime<Utc>) {
        self.ended
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session, at);
    }

    /// A key is good again once the suspension of its business is over.
    pub(super) fn forget(&self, session: Uuid) {
        if self.contains(session) {
            self.ended
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&session);
        }
    }

    fn forget_before(&self, instant: DateTime<Utc>) {
        self.ended
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, at| *at >= instant);
    }
}

/// Says here and everywhere that these sessions or API keys have ended: call it once that is committed.
pub(super) fn forget_all(identity: &Identity, ended: &[Uuid]) {
    for session_id in ended.iter().copied() {
        identity.revocations.add(session_id, identity.wall.now());
        identity.db.live().ring(Ring::SessionEnded { session_id });
    }
}

/// Hears of ended sessions by ring and by looking, until stopped.
pub async fn run_revocation_poll(identity: Identity, period: Duration, stop: CancellationToken) {
    let mut rings = identity.db.live().control();
    let mut ticks = tokio::time::interval(period);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            ring = rings.recv() => {
                if let Ok(Ring::SessionEnded { session_id }) = ring {
                    identity.revocations.add(session_id, identity.wall.now());
                }
            }
            _ = ticks.tick() => {
                if let Err(error) = look_for_revocations(&identity).await {
                    tracing::warn!(%error, "could not read ended sessions");
                }
            }
        }
    }
}

/// Learns what has ended. Before the first time, access tokens of sessions that ended before this process began would be
/// taken: call it before the first request.
///
/// # Errors
/// [`DbError`] as met.
pub async fn look_for_revocations(identity: &Identity) -> Result<(), DbError> {
    let horizon = identity.wall.now() - REMEMBERED;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("ended sessions", "revocation-poll"))
        .await?;
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", revoked_at AS "revoked_at!" FROM sessions WHERE revoked_at > $1
           UNION ALL SELECT id, revoked_at FROM debtor_sessions WHERE revoked_at > $1
           UNION ALL SELECT id, revoked_at FROM api_keys WHERE revoked_at > $1
           UNION ALL SELECT id, ended_at FROM break_glass_sessions WHERE ended_at > $1
           UNION ALL SELECT k.id, b.suspended_at FROM businesses b JOIN api_keys k ON k.business_id = b.id
             WHERE b.suspended_at > $1 AND k.revoked_at IS NULL"#,
        horizon
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    for row in rows {
        if !identity.revocations.contains(row.id) {
            identity.revocations.add(row.id, row.revoked_at);
            identity
                .db
                .live()
                .ring_here(&Ring::SessionEnded { session_id: row.id });
        }
    }
    identity.revocations.forget_before(horizon);
    Ok(())
}
