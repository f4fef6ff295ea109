//! API keys belong to the business and outlive who made them. When somebody is let go, though, their keys end with them
//! unless the administrators want otherwise; and where keys of somebody whose rights have changed stay, the administrators
//! hear of it and can look through them (`apiKeys(createdBySuspended: true)`).

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    account_mail::address_of,
    api_key_store, credential_store,
    mail_reader::reader_of,
    ports::{StaffMail, StaffMailer},
    team_store::UserRow,
};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::{AuditEntry, DbError, TenantTx},
    jobs::{Job, JobError},
};

/// Tells one administrator which keys somebody left who is no more what they were.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendKeptKeys {
    identity_id: Uuid,
    user_id: Uuid,
}

impl Job for SendKeptKeys {
    const NAME: &'static str = "identity.send_kept_keys";
}

/// Ends the good keys that a member made, each with its audit row, or has the administrators told that they stay.
/// Returns the ended ones, to be forgotten once it is committed. `revoke`: `None` where nobody said what to do.
pub(super) async fn settle_keys_of(
    identity: &Identity,
    tx: &mut TenantTx,
    (before, after): (&UserRow, &UserRow),
    revoke: Option<bool>,
) -> Result<Vec<Uuid>, DbError> {
    let is_let_go = before.status == "ACTIVE" && after.status != "ACTIVE";
    let now = identity.wall.now();
    if revoke.unwrap_or(is_let_go) {
        let ended = api_key_store::revoke_keys_of(tx, after.id, now).await?;
        for key in &ended {
            let details = json!({ "made_by": after.id, "status": after.status });
            tx.audit(AuditEntry::plain("api_key.revoked", *key, &details));
        }
        return Ok(ended);
    }
    let has_changed = is_let_go || before.role != after.role;
    if has_changed && api_key_store::count_good_of(tx, after.id, now).await? > 0 {
        let user_id = after.id;
        let mails = api_key_store::administrators_here(tx).await?.into_iter();
        tx.enqueue_all(mails.map(|identity_id| SendKeptKeys { identity_id, user_id }));
    }
    Ok(Vec::new())
}

/// Runs [`SendKeptKeys`]. Sent twice when the worker dies between mail and its end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_kept_keys(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendKeptKeys,
) -> Result<(), JobError> {
    let system = SystemCtx::for_reason("API keys of a former member", "job-kept-keys");
    let mut tx = identity.db.system(&system).await?;
    let business = ctx.business_id();
    let prefixes = api_key_store::prefixes_of(&mut tx, business, job.user_id, identity.wall.now()).await?;
    let row = credential_store::find_identity(&mut tx, job.identity_id).await?;
    let reader = reader_of(&mut tx, job.identity_id, Some(business)).await?;
    tx.commit().await?;
    let Some(row) = row.filter(|_| !prefixes.is_empty()) else {
        return Ok(());
    };
    let address = address_of(identity, &row)?;
    mailer
        .send(&address, reader, StaffMail::KeysStay { prefixes })
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
