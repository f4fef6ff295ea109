//! What debtors came in by goes once nothing can be done with it any more; what was done with it stays in the trail.

use chrono::TimeDelta;

use super::{Portal, cookies, store};
use crate::{
    identity::{forget_debtor_sessions, forget_debtor_tokens},
    platform::{context::SystemCtx, jobs::JobError},
};

/// Codes and refresh tokens are good for minutes; a day is more than any clock can be wrong.
const CODES_KEPT: TimeDelta = TimeDelta::days(1);
/// Sessions that ended.
const SESSIONS_KEPT: TimeDelta = TimeDelta::days(30);
/// Links that ended: staff look at who was sent which.
const LINKS_KEPT: TimeDelta = TimeDelta::days(90);
/// What visitors chose about cookies: long enough to show that they did.
const CHOICES_KEPT: TimeDelta = TimeDelta::days(730);
/// At most this many of each are forgotten in one transaction.
const BATCH: i64 = 5_000;

/// Forgets old codes, ended sessions and the links that led to them, and old choices of cookies.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn forget_old_entrances(portal: &Portal) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("old links of debtors", "job-forget-debtor-links");
    loop {
        let mut tx = portal.identity.db.system(&ctx).await?;
        let (wall, now) = (portal.identity.wall.now(), tx.now());
        // In this order: each goes once nothing hangs on it.
        let gone = [
            store::forget_codes(&mut tx, wall - CODES_KEPT, BATCH).await?,
            forget_debtor_tokens(&mut tx, wall - CODES_KEPT, BATCH).await?,
            forget_debtor_sessions(&mut tx, wall - SESSIONS_KEPT, BATCH).await?,
            store::forget_links(&mut tx, now - LINKS_KEPT, BATCH).await?,
            cookies::forget_choices(&mut tx, now - CHOICES_KEPT, BATCH).await?,
        ];
        tx.commit().await?;
        if gone.into_iter().all(|rows| rows < BATCH) {
            return Ok(());
        }
    }
}
