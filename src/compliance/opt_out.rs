//! Records what a person asked for, in the transaction that stores their words.

use serde_json::json;
use uuid::Uuid;

use super::{consent::place_hold, keywords::OptOutReach};
use crate::platform::{
    db::{AuditEntry, DbError, TenantTx},
    ids,
    keys::TenantKeys,
};

/// Stops contact with a number: by text (47 CFR 64.1200(a)(10)), or in every way with a cease notice on the
/// people behind it (12 CFR 1006.6(c)). Asking again changes nothing.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_out(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &str,
    debtors: &[Uuid],
    reach: OptOutReach,
    reason: OptOutReason,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let channel = match reach {
        OptOutReach::Channel => "SMS",
        OptOutReach::AllContact => "ALL",
    };
    let (id, blind) = (ids::next(), keys.blind(number));
    let inserted = sqlx::query!(
        "INSERT INTO suppressions (business_id, id, debtor_id, address_blind, channel, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (business_id, address_blind, channel) WHERE lifted_at IS NULL DO NOTHING",
        business,
        id,
        // A household shares its number: then the suppression belongs to the number alone.
        if let [only] = debtors { Some(*only) } else { None },
        blind.as_slice(),
        channel,
        reason.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    // The number may be suppressed already, for another reason or person: what they ask for now binds beside that.
    if inserted.rows_affected() > 0 {
        let details = json!({ "channel": channel, "reason": reason.as_str() });
        tx.audit(AuditEntry::plain("suppression.recorded", id, &details).about(debtors.first().copied()));
    }
    if reach == OptOutReach::AllContact {
        for debtor in debtors {
            place_hold(tx, *debtor, "CEASE").await?;
        }
    }
    Ok(())
}

/// Why a number is not to be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutReason {
    /// The person said so.
    OptOut,
    /// The vendor refuses to deliver to it (Twilio 21610).
    VendorBlocked,
}

impl OptOutReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "OPT_OUT",
            Self::VendorBlocked => "VENDOR_BLOCKED",
        }
    }
}

/// START lifts what STOP did to texts on this number, and nothing else: not a cease notice, not a wrong party.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_in(tx: &mut TenantTx, keys: &TenantKeys, number: &str) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let lifted = sqlx::query_scalar!(
        "UPDATE suppressions SET lifted_at = $3
         WHERE business_id = $1 AND address_blind = ANY($2) AND channel = 'SMS' AND lifted_at IS NULL
           AND reason IN ('OPT_OUT', 'VENDOR_BLOCKED')
         RETURNING id",
        business,
        &keys.blinds(number),
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    for id in lifted {
        tx.audit(AuditEntry::plain(
            "suppression.lifted",
            id,
            &json!({ "by": "START" }),
        ));
    }
    Ok(())
}
