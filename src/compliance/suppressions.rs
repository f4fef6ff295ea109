//! Addresses that are not to be contacted, whoever they belong to: kept by blind index, so that they outlive erasure.

use serde_json::json;
use uuid::Uuid;

use crate::platform::{
    db::{AuditEntry, DbError, TenantTx},
    ids,
};

/// Why an address is not to be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionReason {
    /// The person said so.
    OptOut,
    /// The vendor refuses to deliver to it (Twilio 21610).
    VendorBlocked,
    /// It reaches somebody else (15 USC 1692c(b)).
    WrongParty,
}

impl SuppressionReason {
    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "OPT_OUT",
            Self::VendorBlocked => "VENDOR_BLOCKED",
            Self::WrongParty => "WRONG_PARTY",
        }
    }
}

/// A suppression about to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewSuppression<'a> {
    /// Whose it is; none where several share the address: then it belongs to the address alone.
    pub(super) debtor_id: Option<Uuid>,
    pub(super) address_blind: &'a [u8],
    /// `SMS`, or `ALL`.
    pub(super) channel: &'static str,
    pub(super) reason: SuppressionReason,
}

/// Suppresses an address and returns the id of the suppression that stands now, be it an earlier one: asking again changes
/// nothing.
pub(super) async fn suppress(tx: &mut TenantTx, new: NewSuppression<'_>) -> Result<Uuid, DbError> {
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let stands = sqlx::query_scalar!(
        "INSERT INTO suppressions AS s (business_id, id, debtor_id, address_blind, channel, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (business_id, address_blind, channel, reason) WHERE lifted_at IS NULL
             DO UPDATE SET created_at = s.created_at
         RETURNING id",
        business,
        id,
        new.debtor_id,
        new.address_blind,
        new.channel,
        new.reason.as_str(),
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    if stands == id {
        let details = json!({ "channel": new.channel, "reason": new.reason.as_str() });
        tx.audit(AuditEntry::plain("suppression.recorded", id, &details).about(new.debtor_id));
    }
    Ok(stands)
}

/// Takes suppressions back, by their ids; `why` goes into the trail.
pub(super) async fn lift(tx: &mut TenantTx, ids: &[Uuid], why: &serde_json::Value) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let lifted = sqlx::query_scalar!(
        "UPDATE suppressions SET lifted_at = $3 WHERE business_id = $1 AND id = ANY($2) AND lifted_at IS NULL RETURNING id",
        business,
        ids,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    for id in lifted {
        tx.audit(AuditEntry::plain("suppression.lifted", id, why));
    }
    Ok(())
}
