//! Administrators hear 14 and 3 days before an API key ends: what it feeds would stop without a word.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identity,
    account_mail::address_of,
    api_key_store, credential_store,
    mail_reader::reader_of,
    notifications::{NotificationKind, wants_mail},
    ports::{StaffMail, StaffMailer},
};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{DbError, PlatformAudit},
    jobs::{Job, JobError},
};

/// Days before the end, in the order in which they come.
const WARNED_AT: [i32; 2] = [3, 14];

/// Tells one administrator of one key.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendKeyWarning {
    identity_id: Uuid,
    business_id: Uuid,
    key_id: Uuid,
}

impl Job for SendKeyWarning {
    const NAME: &'static str = "identity.send_key_warning";
}

/// Finds the keys whose end comes near, and enqueues their warnings. A key that is made for a few days only is warned
/// of once.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn warn_of_ending_keys(identity: &Identity) -> Result<(), JobError> {
    Ok(find_ending(identity).await?)
}

async fn find_ending(identity: &Identity) -> Result<(), DbError> {
    let now = identity.wall.now();
    let ctx = SystemCtx::for_reason("API keys about to end", "job-warn-of-ending-keys");
    let mut tx = identity.db.system(&ctx).await?;
    for days in WARNED_AT {
        let horizon = now + TimeDelta::days(i64::from(days));
        for key in api_key_store::take_ending(&mut tx, days, now, horizon).await? {
            let administrators = api_key_store::administrators(&mut tx, key.business_id).await?;
            let warnings = administrators.into_iter().map(|identity_id| {
                let warning = SendKeyWarning {
                    identity_id,
                    business_id: key.business_id,
                    key_id: key.id,
                };
                (None, warning)
            });
            tx.enqueue_all(warnings).await?;
            tx.audit(PlatformAudit {
                actor: Actor::System,
                action: "api_key.end_announced",
                object_id: Some(key.id),
                details: serde_json::json!({ "days": days }),
            });
        }
    }
    tx.commit().await
}

/// Runs [`SendKeyWarning`], where the administrator wants to hear of it. Sent twice when the worker dies between mail and its end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_key_warning(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    job: SendKeyWarning,
) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("warning of an API key's end", "job-key-warning");
    let mut tx = identity.db.system(&ctx).await?;
    let key = api_key_store::ending_key(&mut tx, job.business_id, job.key_id).await?;
    let row = credential_store::find_identity(&mut tx, job.identity_id).await?;
    let wanted = wants_mail(
        &mut tx,
        job.business_id,
        job.identity_id,
        NotificationKind::ApiKeyEnding,
    )
    .await?;
    let reader = reader_of(&mut tx, job.identity_id, Some(job.business_id)).await?;
    tx.commit().await?;
    let (Some((prefix, ends)), Some(row), true) = (key, row, wanted) else {
        return Ok(());
    };
    let address = address_of(identity, &row)?;
    mailer
        .send(&address, reader, StaffMail::ApiKeyEnds { prefix, ends })
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
