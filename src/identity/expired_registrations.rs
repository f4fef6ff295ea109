//! Registrations that nobody finished: the link expires after a day, and then nothing of them is kept, the address neither.

use chrono::TimeDelta;
use serde_json::json;

use super::{Identity, register::LINK_LIFETIME, registration_store, store};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{DbError, PlatformAudit},
    jobs::JobError,
};

/// At most this many people in one run; the next finds the rest.
const PEOPLE: i64 = 1000;
/// The mail with the link may take some time: until then a registration has none.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Takes away what nobody finished: registrations whose link has expired, with their businesses, and people who have shown
/// no address and have none open.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn forget_expired_registrations(identity: &Identity) -> Result<(), JobError> {
    Ok(forget_expired(identity).await?)
}

async fn forget_expired(identity: &Identity) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("expired registrations", "job-forget-registrations");
    let mut tx = identity.db.system(&ctx).await?;
    let horizon = tx.now() - LINK_LIFETIME - PATIENCE;
    let people = registration_store::people_with_expired(&mut tx, horizon, PEOPLE).await?;
    tx.commit().await?;
    for person in people {
        let mut tx = identity.db.system(&ctx).await?;
        // Looked at again under the lock: they may be verifying, or registering again, at this very moment.
        store::lock_identity(&mut tx, person).await?;
        let expired = registration_store::expired_of(&mut tx, person, horizon).await?;
        registration_store::forget(&mut tx, &expired).await?;
        let gone = registration_store::forget_unverified(&mut tx, person).await?;
        if gone || !expired.is_empty() {
            tx.audit(PlatformAudit {
                actor: Actor::System,
                action: "registration.expired",
                object_id: Some(person),
                details: json!({ "registrations": expired.len(), "person_forgotten": gone }),
            });
        }
        tx.commit().await?;
    }
    Ok(())
}
