//! The time zone in which a person said they are, with their words. Confirmed by a second person it counts instead of every
//! other clue (12 CFR 1006.6(b)(1), comment 6(b)(1)(i)-2: where the consumer is known to be); until then it is one clue more,
//! so that nobody alone moves the hours at which a person is called.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

use super::store::{DebtorRow, debtor_by_id, lock_person};
use crate::{
    access::{Cell, authorize, authorize_or_own},
    platform::{
        crypto::DataKey,
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{Keyring, TenantKeys, WrappedKey},
    },
};

/// Records what the person said, or with no zone that the last one holds no more.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for a zone that does not exist or no words,
/// CONFLICT for one whose data was erased.
pub async fn record_stated_zone(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    (zone, statement): (Option<&str>, &str),
) -> Result<(), OpError> {
    authorize_or_own(tx.ctx(), Cell::AccountUpdate, id)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(zone, statement)?;
    let debtor = locked(tx, id).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = profile_of(&keys, &debtor)?;
    let record = keys.data_key(&debtor.keys.record)?.ok_or_else(erased)?;
    let sealed = zone
        .map(|zone| keys.seal(&profile, "debtors", "stated_zone_cipher", id, zone.as_bytes()))
        .transpose()?;
    let words = statement.trim().as_bytes();
    let words = keys.seal(&record, "debtors", "stated_zone_statement_cipher", id, words)?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE debtors SET stated_zone_cipher = $3, stated_zone_at = $4, stated_zone_statement_cipher = $5,
             stated_zone_by = $6, updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        now,
        words,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "is_stated": zone.is_some() });
    tell(tx, "debtor.time_zone_stated", id, &details);
    Ok(())
}

/// Confirms what the person said, as somebody else than who recorded it. `zone` is what is confirmed, so that a statement
/// that came meanwhile is not.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's; CONFLICT where there is nothing to confirm, where another
/// zone was stated, and for whoever recorded it.
pub async fn confirm_stated_zone(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    zone: Option<&str>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let user = tx
        .ctx()
        .user_id()
        .ok_or_else(|| OpError::Forbidden("only a member of staff confirms a time zone".to_owned()))?;
    if let Some(error) = no_such_zone(zone) {
        return Err(error.into());
    }
    let debtor = locked(tx, id).await?;
    let conflict = |field: &str, message: &str| UserError::at(UserErrorCode::Conflict, field, message);
    let recorded_by = recorder(tx, id).await?;
    if debtor.stated_zone_at.is_none() || debtor.confirmed_zone_at >= debtor.stated_zone_at {
        let message = "There is nothing to confirm: record what the person says first.";
        return Err(conflict("debtorId", message).into());
    }
    if recorded_by == Some(user) {
        let message = "You recorded it yourself: somebody else confirms it.";
        return Err(conflict("debtorId", message).into());
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = profile_of(&keys, &debtor)?;
    let stated = open_zone(
        &keys,
        &debtor.keys.profile,
        id,
        ZoneColumn::Stated,
        debtor.stated_zone_cipher.as_deref(),
    )?;
    if stated.map(|stated| stated.name()) != zone {
        let message = "The person states another time zone now: look at it anew.";
        return Err(conflict("timeZone", message).into());
    }
    let column = ZoneColumn::Confirmed.name();
    let sealed = zone
        .map(|zone| keys.seal(&profile, "debtors", column, id, zone.as_bytes()))
        .transpose()?;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtors SET confirmed_zone_cipher = $3, confirmed_zone_at = $4, confirmed_zone_by = $5, updated_at = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "is_stated": zone.is_some(), "recorded_by": recorded_by });
    tell(tx, "debtor.time_zone_confirmed", id, &details);
    Ok(())
}

fn check(zone: Option<&str>, statement: &str) -> Result<(), OpError> {
    let mut errors: Vec<UserError> = no_such_zone(zone).into_iter().collect();
    if !(1..=1_000).contains(&statement.trim().chars().count()) {
        let message = "Write down what the person said, in 1 to 1,000 characters.";
        errors.push(UserError::invalid("statement", message));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(OpError::User(errors))
    }
}

fn no_such_zone(zone: Option<&str>) -> Option<UserError> {
    let is_wrong = zone.is_some_and(|zone| zone.parse::<Tz>().is_err());
    is_wrong.then(|| {
        UserError::invalid(
            "timeZone",
            "Give a time zone such as `America/New_York`, or null.",
        )
    })
}

/// The person's record as it is once nobody else changes it.
async fn locked(tx: &mut TenantTx, id: Uuid) -> Result<DebtorRow, OpError> {
    let no_debtor = || UserError::not_found("debtorId", "debtor");
    debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?;
    lock_person(tx, id).await?;
    Ok(debtor_by_id(tx, id).await?.ok_or_else(no_debtor)?)
}

async fn recorder(tx: &mut TenantTx, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT stated_zone_by FROM debtors WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_one(tx.conn())
    .await?)
}

fn erased() -> UserError {
    UserError::at(
        UserErrorCode::Conflict,
        "debtorId",
        "This person's data was erased: nothing of it can be changed.",
    )
}

fn profile_of(keys: &TenantKeys, debtor: &DebtorRow) -> Result<DataKey, OpError> {
    Ok(keys.data_key(&debtor.keys.profile)?.ok_or_else(erased)?)
}

fn tell(tx: &mut TenantTx, action: &'static str, id: Uuid, details: &serde_json::Value) {
    tx.audit(AuditEntry::plain(action, id, details).about(Some(id)));
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(id),
        ..LiveEvent::default()
    });
}

#[derive(Clone, Copy)]
enum ZoneColumn {
    Stated,
    Confirmed,
}

impl ZoneColumn {
    fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated_zone_cipher",
            Self::Confirmed => "confirmed_zone_cipher",
        }
    }
}

fn open_zone(
    keys: &TenantKeys,
    profile: &WrappedKey,
    debtor: Uuid,
    column: ZoneColumn,
    cipher: Option<&[u8]>,
) -> Result<Option<Tz>, OpError> {
    let (Some(cipher), Some(key)) = (cipher, keys.data_key(profile)?) else {
        return Ok(None);
    };
    let text = keys.open_text(&key, "debtors", column.name(), debtor, cipher)?;
    let zone = text.expose().parse();
    Ok(Some(zone.map_err(|_| {
        anyhow::anyhow!("a stored time zone is not known")
    })?))
}

/// What one record of a person says of where they are.
#[derive(Clone, Copy, Debug)]
pub struct SealedZones<'a> {
    pub profile: &'a WrappedKey,
    pub debtor: Uuid,
    pub stated: Option<&'a [u8]>,
    /// When something was stated last, be it that the zone before holds no more.
    pub stated_at: Option<DateTime<Utc>>,
    pub confirmed: Option<&'a [u8]>,
    /// When a statement was confirmed last.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// Where a person says they are, over all of their records.
#[derive(Clone, Debug, Default)]
pub struct StatedZones {
    /// What was stated and is not confirmed.
    pub stated: Option<(Tz, DateTime<Utc>)>,
    pub confirmed: Option<(Tz, DateTime<Utc>)>,
    last_stated_at: Option<DateTime<Utc>>,
    last_confirmed_at: Option<DateTime<Utc>>,
}

impl StatedZones {
    /// Takes in what one more record says: the newest statement counts, and the newest confirmation.
    ///
    /// # Errors
    /// [`OpError`] as met. What was erased says nothing.
    pub fn add(&mut self, keys: &TenantKeys, record: SealedZones<'_>) -> Result<(), OpError> {
        let open = |column, cipher| open_zone(keys, record.profile, record.debtor, column, cipher);
        if record.stated_at > self.last_stated_at {
            self.last_stated_at = record.stated_at;
            self.stated = open(ZoneColumn::Stated, record.stated)?.zip(record.stated_at);
        }
        if record.confirmed_at > self.last_confirmed_at {
            self.last_confirmed_at = record.confirmed_at;
            self.confirmed = open(ZoneColumn::Confirmed, record.confirmed)?.zip(record.confirmed_at);
        }
        Ok(())
    }

    /// The zone that counts instead of every other clue: confirmed, and nothing was stated since.
    pub fn alone(&self) -> Option<(Tz, DateTime<Utc>)> {
        self.confirmed
            .filter(|_| self.last_confirmed_at >= self.last_stated_at)
    }

    /// The zones that are clues beside the others: what is not confirmed yet, and what was before it.
    pub fn among_others(&self) -> Vec<(Tz, DateTime<Utc>)> {
        if self.last_confirmed_at >= self.last_stated_at {
            return Vec::new();
        }
        self.stated.into_iter().chain(self.confirmed).collect()
    }
}
