//! Times that a person called inconvenient (12 CFR 1006.6(b)(1), comment 6(b)(1)-1): nobody contacts them then. They
//! stand until the person takes them back.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::facts::ClockTime;
use crate::{
    access::{Cell, authorize, authorize_or_own},
    accounts::{Channel, debtor_by_id, lock_person},
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, WrappedKey},
    },
};

/// At most this many stand on one record.
const MOST: i64 = 20;

/// A time that a person called inconvenient.
#[derive(Clone, Debug)]
pub struct NewInconvenientTime<'a> {
    pub debtor_id: Uuid,
    /// Days of the week as the database spells them; every day when none.
    pub days: Option<Vec<&'static str>>,
    /// `HH:MM`; midnight when none.
    pub from: Option<&'a str>,
    /// `HH:MM`; the end of the day when none.
    pub to: Option<&'a str>,
    /// Every channel when none.
    pub channels: Option<Vec<Channel>>,
    /// What they said.
    pub statement: &'a str,
}

/// One of them, the statement sealed.
#[derive(Clone, Debug)]
pub(super) struct InconvenientRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) days: Option<Vec<String>>,
    pub(super) from_minute: i16,
    pub(super) to_minute: i16,
    pub(super) channels: Option<Vec<String>>,
    pub(super) statement_cipher: Vec<u8>,
    pub(super) stated_at: DateTime<Utc>,
    pub(super) recorded_by: Option<Uuid>,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
    pub(super) withdrawn_by: Option<Uuid>,
    pub(super) key: WrappedKey,
}

/// Records a time and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT, CONFLICT for too many or for a person
/// whose records were destroyed.
pub async fn record_inconvenient_time(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewInconvenientTime<'_>,
) -> Result<Uuid, OpError> {
    authorize_or_own(tx.ctx(), Cell::HoldSet, new.debtor_id)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (from, to) = check(&new)?;
    let debtor = debtor_by_id(tx, new.debtor_id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    lock_person(tx, debtor.id).await?;
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "debtorId", message);
    if standing_count(tx, debtor.id).await? >= MOST {
        return Err(conflict("Twenty times are recorded: withdraw those that hold no more first.").into());
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys
        .data_key(&debtor.keys.record)?
        .ok_or_else(|| conflict("This person's records were destroyed."))?;
    let (business, now, id, user) = (tx.business_id(), tx.now(), ids::next(), tx.ctx().user_id());
    let sealed = keys.seal(
        &record,
        "inconvenient_times",
        "statement_cipher",
        id,
        new.statement.as_bytes(),
    )?;
    let days: Option<Vec<String>> = new.days.map(|days| days.into_iter().map(str::to_owned).collect());
    let channels: Option<Vec<String>> = new.channels.map(|channels| {
        let words = channels.into_iter().map(Channel::as_str);
        words.map(str::to_owned).collect()
    });
    sqlx::query!(
        "INSERT INTO inconvenient_times (business_id, id, debtor_id, days, from_minute, to_minute, channels,
             statement_cipher, stated_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        business,
        id,
        debtor.id,
        days.as_deref(),
        from,
        to,
        channels.as_deref(),
        sealed,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "days": days, "from_minute": from, "to_minute": to, "channels": channels });
    tx.audit(AuditEntry::plain("inconvenient_time.recorded", id, &details).about(Some(debtor.id)));
    tell(tx, debtor.id);
    Ok(id)
}

/// Ends a time because the person took it back; that it stood stays on record.
///
/// # Errors
/// User errors: NOT_FOUND for one that is not the caller's, CONFLICT for one that was withdrawn before.
pub async fn withdraw_inconvenient_time(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let time = time_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "inconvenient time"))?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let withdrawn = sqlx::query!(
        "UPDATE inconvenient_times SET withdrawn_at = $3, withdrawn_by = $4
         WHERE business_id = $1 AND id = $2 AND withdrawn_at IS NULL",
        business,
        id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    if withdrawn.rows_affected() == 0 {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "It was withdrawn before.").into());
    }
    tx.audit(AuditEntry::plain("inconvenient_time.withdrawn", id, &json!({})).about(Some(time.debtor_id)));
    tell(tx, time.debtor_id);
    Ok(())
}

/// The window in minutes since midnight.
fn check(new: &NewInconvenientTime<'_>) -> Result<(i16, i16), OpError> {
    let mut errors = Vec::new();
    if !(1..=1_000).contains(&new.statement.trim().chars().count()) {
        errors.push(UserError::invalid(
            "statement",
            "Write down what the person said, in 1 to 1,000 characters.",
        ));
    }
    let mut minutes = |field: &str, text: Option<&str>, otherwise: ClockTime| {
        let read = text.map_or(Some(otherwise), |text| {
            ClockTime::parse(text).filter(|_| text.len() == 5)
        });
        if read.is_none() {
            errors.push(UserError::invalid(
                field,
                "Give a time of day such as 08:30, from 00:00 to 24:00.",
            ));
        }
        let minutes = read.unwrap_or(otherwise).seconds() / 60;
        i16::try_from(minutes).unwrap_or(i16::MAX)
    };
    let from = minutes("from", new.from, ClockTime::MIDNIGHT);
    let to = minutes("to", new.to, ClockTime::END_OF_DAY);
    // 24:00 is where a day ends, and 00:00 where it begins.
    let (from, to) = (from % 1440, if to == 0 { 1440 } else { to });
    if errors.is_empty() && from == to {
        errors.push(UserError::invalid(
            "to",
            "A time has to last: leave both out for the whole day.",
        ));
    }
    for (field, is_empty) in [
        ("days", new.days.as_ref().is_some_and(Vec::is_empty)),
        ("channels", new.channels.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if is_empty {
            errors.push(UserError::invalid(
                field,
                "Name at least one, or leave it out for all of them.",
            ));
        }
    }
    if errors.is_empty() {
        Ok((from, to))
    } else {
        Err(OpError::User(errors))
    }
}

async fn standing_count(tx: &mut TenantTx, debtor: Uuid) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM inconvenient_times
         WHERE business_id = $1 AND debtor_id = $2 AND withdrawn_at IS NULL"#,
        business,
        debtor,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) fn tell(tx: &mut TenantTx, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// One of them, standing or withdrawn, of a person within the caller's scope.
pub(super) async fn time_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<InconvenientRow>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT i.id, i.debtor_id, i.days, i.from_minute, i.to_minute, i.channels, i.statement_cipher, i.stated_at,
                i.recorded_by, i.withdrawn_at, i.withdrawn_by, k.id AS key_id, k.business_key_version, k.wrapped
         FROM inconvenient_times i
         JOIN debtors d ON d.business_id = i.business_id AND d.id = i.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE i.business_id = $1 AND i.id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let is_seen = debtor_by_id(tx, row.debtor_id).await?.is_some();
    Ok(is_seen.then_some(InconvenientRow {
        id: row.id,
        debtor_id: row.debtor_id,
        days: row.days,
        from_minute: row.from_minute,
        to_minute: row.to_minute,
        channels: row.channels,
        statement_cipher: row.statement_cipher,
        stated_at: row.stated_at,
        recorded_by: row.recorded_by,
        withdrawn_at: row.withdrawn_at,
        withdrawn_by: row.withdrawn_by,
        key: WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        },
    }))
}

/// Those that stand on the people behind these records, oldest first, each with the record that was asked for. The
/// people were read within the caller's scope.
pub(super) async fn standing_times(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<(Uuid, InconvenientRow)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT q.id AS asked, i.id, i.debtor_id, i.days, i.from_minute, i.to_minute, i.channels, i.statement_cipher,
                i.stated_at, i.recorded_by, k.id AS key_id, k.business_key_version, k.wrapped
         FROM debtors q
         JOIN debtors g ON g.business_id = q.business_id AND g.person_id = q.person_id
         JOIN inconvenient_times i ON i.business_id = g.business_id AND i.debtor_id = g.id AND i.withdrawn_at IS NULL
         JOIN data_keys k ON k.business_id = g.business_id AND k.id = g.record_key_id
         WHERE q.business_id = $1 AND q.id = ANY($2)
         ORDER BY i.stated_at, i.id",
        business,
        debtors,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let time = InconvenientRow {
                id: row.id,
                debtor_id: row.debtor_id,
                days: row.days,
                from_minute: row.from_minute,
                to_minute: row.to_minute,
                channels: row.channels,
                statement_cipher: row.statement_cipher,
                stated_at: row.stated_at,
                recorded_by: row.recorded_by,
                withdrawn_at: None,
                withdrawn_by: None,
                key: WrappedKey {
                    id: row.key_id,
                    business_key_version: row.business_key_version,
                    wrapped: row.wrapped,
                },
            };
            (row.asked, time)
        })
        .collect())
}
