//! Records what a person asked for, in the transaction that stores their words.

use serde_json::json;
use uuid::Uuid;

use super::{
    consents::restore_texts,
    reading::OptOutReach,
    suppressions::{NewSuppression, SuppressionReason, lift, suppress},
};
use crate::platform::{
    db::{DbError, TenantTx},
    keys::TenantKeys,
};

/// Stops contact with a number: by text (47 CFR 64.1200(a)(10)), or in every way. Asking again changes nothing. Returns the
/// suppression that stands.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_out(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &str,
    debtors: &[Uuid],
    reach: OptOutReach,
    reason: SuppressionReason,
) -> Result<Uuid, DbError> {
    let blind = keys.blind(number);
    let new = NewSuppression {
        kind: "PHONE",
        // A household shares its number: then the suppression belongs to the number alone.
        debtor_id: if let [only] = debtors { Some(*only) } else { None },
        address_blind: blind.as_slice(),
        channel: match reach {
            OptOutReach::Channel => "SMS",
            OptOutReach::AllContact => "ALL",
        },
        reason,
    };
    suppress(tx, new).await
}

/// START lifts what STOP did to texts on this number, and nothing else: not a cease notice, not a wrong party, and not what
/// stood for WhatsApp and artificial voices.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_in(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &str,
    event: Uuid,
) -> Result<(), DbError> {
    let business = tx.business_id();
    let stand = sqlx::query_scalar!(
        "SELECT id FROM suppressions
         WHERE business_id = $1 AND address_blind = ANY($2) AND channel = 'SMS' AND lifted_at IS NULL
           AND reason IN ('OPT_OUT', 'VENDOR_BLOCKED')",
        business,
        &keys.blinds(number),
    )
    .fetch_all(tx.conn())
    .await?;
    lift(tx, &stand, &json!({ "by": "START" })).await?;
    restore_texts(tx, &keys.blinds(number), event).await
}
