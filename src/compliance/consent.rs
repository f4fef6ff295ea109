//! Consents, as people state them.

use serde_json::json;
use uuid::Uuid;

use crate::platform::{
    db::{AuditEntry, DbError, TenantTx},
    ids,
};

/// A consent to be contacted at one address over one channel.
#[derive(Clone, Copy, Debug)]
pub struct NewConsent<'a> {
    pub debtor_id: Uuid,
    pub contact_point_id: Uuid,
    /// `SMS`, `WHATSAPP`, `EMAIL` or `VOICE`.
    pub channel: &'a str,
    /// `GRANTED`, or `IMPLIED_FROM_CREDITOR`.
    pub status: &'a str,
    /// Given to this business itself, not through the creditor (12 CFR 1006.6(d)(5)).
    pub given_directly: bool,
    /// Where it comes from, for example `web_form`.
    pub source: &'a str,
}

/// Records a consent; one that stood for the same address and channel is replaced.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_consent(tx: &mut TenantTx, new: NewConsent<'_>) -> Result<Uuid, DbError> {
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    sqlx::query!(
        "UPDATE consents SET revoked_at = $4
         WHERE business_id = $1 AND contact_point_id = $2 AND channel = $3 AND revoked_at IS NULL",
        business,
        new.contact_point_id,
        new.channel,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO consents (business_id, id, debtor_id, contact_point_id, channel, status, given_directly, source,
             granted_at, last_verified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        business,
        id,
        new.debtor_id,
        new.contact_point_id,
        new.channel,
        new.status,
        new.given_directly,
        new.source,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "channel": new.channel, "status": new.status, "source": new.source });
    tx.audit(AuditEntry::plain("consent.recorded", id, &details).about(Some(new.debtor_id)));
    Ok(id)
}
