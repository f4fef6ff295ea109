//! The time zone in which a person said they are. It counts before every other clue (12 CFR 1006.6(b)(1), comment
//! 6(b)(1)(i)-2).

use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

use super::store::{debtor_by_id, lock_person};
use crate::{
    access::{Cell, authorize_or_own},
    platform::{
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{Keyring, TenantKeys, WrappedKey},
    },
};

/// Records what the person said, or with `None` that it holds no more.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for a zone that does not exist, CONFLICT
/// for one whose data was erased.
pub async fn record_stated_zone(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    zone: Option<&str>,
) -> Result<(), OpError> {
    authorize_or_own(tx.ctx(), Cell::AccountUpdate, id)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if zone.is_some_and(|zone| zone.parse::<Tz>().is_err()) {
        let message = "Give a time zone such as `America/New_York`, or null.";
        return Err(UserError::invalid("timeZone", message).into());
    }
    let debtor = debtor_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    lock_person(tx, id).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = keys.data_key(&debtor.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "debtorId",
            "This person's data was erased: nothing of it can be changed.",
        )
    })?;
    let sealed = match zone {
        Some(zone) => Some(keys.seal(&profile, "debtors", "stated_zone_cipher", id, zone.as_bytes())?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtors SET stated_zone_cipher = $3, stated_zone_at = $4, updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "is_stated": zone.is_some() });
    tx.audit(AuditEntry::plain("debtor.time_zone_stated", id, &details).about(Some(id)));
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(id),
        ..LiveEvent::default()
    });
    Ok(())
}

/// The stored zone of this person; `None` when there is none or it was erased.
///
/// # Errors
/// [`OpError`] as met.
pub fn open_stated_zone(
    keys: &TenantKeys,
    profile: &WrappedKey,
    debtor: Uuid,
    cipher: Option<&[u8]>,
) -> Result<Option<Tz>, OpError> {
    let (Some(cipher), Some(key)) = (cipher, keys.data_key(profile)?) else {
        return Ok(None);
    };
    let text = keys.open_text(&key, "debtors", "stated_zone_cipher", debtor, cipher)?;
    let zone = text.expose().parse();
    Ok(Some(zone.map_err(|_| {
        anyhow::anyhow!("a stored time zone is not known")
    })?))
}
