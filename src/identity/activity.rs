//! When sessions were used last, for idle log-out. A request only notes it in memory; a task beside the
//! requests writes what is new, at once for a session that was not written down within the last minute, so that
//! another process hears of it before the next refresh, and else not again before the minute is over.
//!
//! Operations over HTTP are use. A refresh is not, nor is the log-in of a socket: both come by themselves from a page
//! that was left open.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Identity, credential_store, debtor_session_store, tokens::ACCESS_LIFETIME};
use crate::platform::{context::SystemCtx, db::DbError};

/// A session is written down at most so often.
const RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Copy, Debug)]
struct Use {
    last: DateTime<Utc>,
    recorded: Option<DateTime<Utc>>,
}

impl Use {
    fn is_due(self) -> bool {
        self.recorded.is_none_or(|at| self.last >= at + RECORDED_EVERY)
    }
}

/// The uses seen by this process.
#[derive(Debug, Default)]
pub struct Activity {
    seen: Mutex<HashMap<Uuid, Use>>,
    news: Notify,
}

impl Activity {
    /// Notes a use.
    pub(super) fn note(&self, session: Uuid, now: DateTime<Utc>) {
        let due = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let found = seen.entry(session).or_insert(Use {
                last: now,
                recorded: None,
            });
            found.last = found.last.max(now);
            found.is_due()
        };
        if due {
            self.news.notify_one();
        }
    }

    /// The row of a new session says by itself when it was used last.
    pub(super) fn opened(&self, session: Uuid, now: DateTime<Utc>) {
        let opened = Use {
            last: now,
            recorded: Some(now),
        };
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session, opened);
    }

    /// The last use that this process knows of.
    pub(super) fn last(&self, session: Uuid) -> Option<DateTime<Utc>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&session).map(|found| found.last)
    }

    fn due(&self) -> (Vec<Uuid>, Vec<DateTime<Utc>>) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .filter(|(_, found)| found.is_due())
            .map(|(id, found)| (*id, found.last))
            .unzip()
    }

    /// Remembers what was written, and forgets sessions whose access token has ended since.
    fn recorded(&self, sessions: &[Uuid], at: &[DateTime<Utc>], now: DateTime<Utc>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (session, at) in sessions.iter().zip(at) {
            if let Some(found) = seen.get_mut(session) {
                found.recorded = Some(*at);
            }
        }
        seen.retain(|_, found| found.last + ACCESS_LIFETIME * 2 > now || found.is_due());
    }
}

/// Writes uses down, until stopped.
pub async fn run_activity_recorder(identity: Identity, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = identity.activity.news.notified() => {}
        }
        if let Err(error) = record(&identity).await {
            // The next use of the session tries again.
            tracing::warn!(%error, "could not write down when sessions were used");
        }
    }
}

async fn record(identity: &Identity) -> Result<(), DbError> {
    let (sessions, at) = identity.activity.due();
    if !sessions.is_empty() {
        let ctx = SystemCtx::for_reason("use of sessions", "activity");
        let mut tx = identity.db.system(&ctx).await?;
        credential_store::record_use(&mut tx, &sessions, &at).await?;
        debtor_session_store::record_use(&mut tx, &sessions, &at).await?;
        tx.commit().await?;
    }
    identity.activity.recorded(&sessions, &at, identity.wall.now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_written_down_once_a_minute() {
        let (activity, session) = (Activity::default(), Uuid::from_u128(1));
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let after = |seconds| start + TimeDelta::seconds(seconds);
        activity.note(session, after(0));
        assert_eq!(activity.due(), (vec![session], vec![after(0)]));
        activity.recorded(&[session], &[after(0)], after(0));
        activity.note(session, after(59));
        assert_eq!(activity.due(), (vec![], vec![]));
        assert_eq!(activity.last(session), Some(after(59)), "but known here");
        activity.note(session, after(60));
        assert_eq!(activity.due(), (vec![session], vec![after(60)]));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (activity, session) = (Activity::default(), Uuid::from_u128(1));
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        activity.opened(session, start);
        activity.recorded(&[], &[], start + ACCESS_LIFETIME);
        assert_eq!(activity.last(session), Some(start));
        activity.recorded(&[], &[], start + ACCESS_LIFETIME * 2);
        assert_eq!(activity.last(session), None);
    }
}
