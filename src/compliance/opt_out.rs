//! Records what a person asked for, in the transaction that stores their words or takes their answer to a link.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    address_consents::restore_texts,
    reading::OptOutReach,
    suppressions::{AddressKind, NewSuppression, Suppressed, SuppressionReason, lift, suppress},
};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    keys::TenantKeys,
};

/// How somebody asked to be left alone.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub reach: OptOutReach,
    pub reason: SuppressionReason,
    /// When they did.
    pub at: DateTime<Utc>,
}

/// Stops contact with an address, of which `blind` is the print: by what is written to it (47 CFR 64.1200(a)(10), 12 CFR
/// 1006.14(h)), or in every way. Asking again changes nothing. Returns the suppression that stands.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_out(
    tx: &mut TenantTx,
    (kind, blind): (AddressKind, &[u8]),
    debtors: &[Uuid],
    asked: Asked,
) -> Result<Suppressed, DbError> {
    let new = NewSuppression {
        kind,
        // A household shares its address: then the suppression belongs to the address alone.
        debtor_id: if let [only] = debtors { Some(*only) } else { None },
        address_blind: blind,
        channel: match asked.reach {
            OptOutReach::Channel => kind.channel(),
            OptOutReach::AllContact => "ALL",
        },
        reason: asked.reason,
        since: asked.at,
    };
    suppress(tx, new).await
}

/// START lifts what STOP did to texts on this number, and nothing else: not a cease notice, not a wrong party, and not what
/// stood for WhatsApp and artificial voices.
///
/// # Errors
/// [`OpError`] as met.
pub async fn record_opt_in(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &str,
    event: Uuid,
) -> Result<(), OpError> {
    let business = tx.business_id();
    let stand = sqlx::query_scalar!(
        "SELECT id FROM suppressions
         WHERE business_id = $1 AND address_blind = ANY($2) AND channel = 'SMS' AND lifted_at IS NULL
           AND reason IN ('OPT_OUT', 'VENDOR_BLOCKED')",
        business,
        &keys.blinds(number),
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    lift(tx, &stand, &json!({ "by": "START" })).await?;
    restore_texts(tx, &keys.blinds(number), event).await
}
