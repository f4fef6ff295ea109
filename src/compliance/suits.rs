//! That a suit for a debt is intended, and by whose authority: what a person of the business records before anybody may speak
//! of a suit to the debtor (15 USC 1692e(5); 12 CFR 1006.18(c)(1)), with the day on which the limitation period ends, since
//! nobody sues, or threatens to, after it (12 CFR 1006.26(b)).
//!
//! It is a person who records what is intended (12 CFR 1006.18(c)(1)), no program. A record is taken back, never changed: what
//! counted when stays readable.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    record_of::record_of,
    sealed_record::{NewRecord, Seal, check_text, destroyed, person_who_may},
};
use crate::{
    access::Cell,
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{Keyring, WrappedKey},
    },
};

pub(super) const TABLE: &str = "suit_authorities";
/// No limitation period of a state is longer than twenty years.
const FARTHEST: Days = Days::new(366 * 20);
/// The first zones of the world are fourteen hours ahead of UTC: once the last day is over there, it is over somewhere.
const AHEAD_OF_UTC: TimeDelta = TimeDelta::hours(14);

/// What a person records.
#[derive(Clone, Debug)]
pub struct NewSuitAuthority {
    pub account_id: Uuid,
    /// Who decided that suit is brought, and by what authority.
    pub authority: String,
    /// The last day on which suit may be brought, …
    pub limitation_expires_on: NaiveDate,
    /// … and how that was found: accrual, governing law, tolling, acknowledgement.
    pub limitation_basis: String,
}

/// A record, its texts sealed.
#[derive(Clone, Debug)]
pub(super) struct SuitAuthorityRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) authority_cipher: Vec<u8>,
    pub(super) limitation_basis_cipher: Vec<u8>,
    pub(super) limitation_expires_on: NaiveDate,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: Uuid,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
    pub(super) withdrawn_by: Option<Uuid>,
    pub(super) withdrawal_cipher: Option<Vec<u8>>,
    pub(super) key_id: Uuid,
    pub(super) key_version: i32,
    pub(super) wrapped: Option<Vec<u8>>,
}

impl SuitAuthorityRow {
    /// The person's record key.
    pub(super) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }
}

/// Whether a limitation period that ends on this day has ended at `now`, wherever its last day is counted.
pub(super) fn is_time_barred(expires_on: NaiveDate, now: DateTime<Utc>) -> bool {
    (now + AHEAD_OF_UTC).date_naive() > expires_on
}

/// Records that suit is intended and authorised for a debt. Returns the record's id.
///
/// # Errors
/// User errors: NOT_FOUND for an account that is not the caller's, INVALID_INPUT for a text that is empty or too long and for a
/// limitation period that has ended, CONFLICT where such a record stands.
pub async fn record_suit_authority(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewSuitAuthority,
) -> Result<Uuid, OpError> {
    let user = person_who_may(tx, Cell::SuitAuthorize)?;
    check(&new, tx.now())?;
    let owner = record_of(tx, None, Some(new.account_id), "Say which account.").await?;
    let record = NewRecord::begin(tx, (keyring, db), TABLE, (owner, "accountId")).await?;
    let (business, id) = (tx.business_id(), record.id);
    sqlx::query!(
        "INSERT INTO suit_authorities (business_id, id, debtor_id, account_id, authority_cipher, limitation_basis_cipher,
             limitation_expires_on, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business,
        id,
        record.owner.id,
        new.account_id,
        record.seal("authority_cipher", &new.authority)?,
        record.seal("limitation_basis_cipher", &new.limitation_basis)?,
        new.limitation_expires_on,
        record.now,
        user,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| stands_already(error.into()))?;
    let details = json!({ "account": new.account_id, "limitation_expires_on": new.limitation_expires_on });
    tx.audit(AuditEntry::plain("suit.authorised", id, &details).about(Some(record.owner.id)));
    tell(tx, new.account_id, record.owner.id);
    Ok(id)
}

/// Takes a record back: from the next decision on nobody may speak of a suit for the debt.
///
/// # Errors
/// User errors: NOT_FOUND for a record that is not the caller's, INVALID_INPUT for a reason that is empty or too long, CONFLICT
/// for one that was taken back before.
pub async fn withdraw_suit_authority(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    (id, reason): (Uuid, &str),
) -> Result<(), OpError> {
    let user = person_who_may(tx, Cell::SuitAuthorize)?;
    check_text("reason", reason)?;
    let row = suit_authority_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "record of authority"))?;
    let seal = Seal::of_row(tx, (keyring, db), (TABLE, id), &row.key()).await?;
    let sealed = seal
        .ok_or_else(|| destroyed("id"))?
        .text("withdrawal_cipher", reason)?;
    let (business, now) = (tx.business_id(), tx.now());
    let withdrawn = sqlx::query!(
        "UPDATE suit_authorities SET withdrawn_at = $3, withdrawn_by = $4, withdrawal_cipher = $5
         WHERE business_id = $1 AND id = $2 AND withdrawn_at IS NULL",
        business,
        id,
        now,
        user,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    if withdrawn.rows_affected() == 0 {
        let message = "This record was taken back before.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    let details = json!({ "account": row.account_id });
    tx.audit(AuditEntry::plain("suit.withdrawn", id, &details).about(Some(row.debtor_id)));
    tell(tx, row.account_id, row.debtor_id);
    Ok(())
}

fn check(new: &NewSuitAuthority, now: DateTime<Utc>) -> Result<(), UserError> {
    check_text("authority", &new.authority)?;
    check_text("limitationBasis", &new.limitation_basis)?;
    let field = "limitationExpiresOn";
    if is_time_barred(new.limitation_expires_on, now) {
        let message =
            "The limitation period has ended: nobody sues, or says that they will (12 CFR 1006.26(b)).";
        return Err(UserError::invalid(field, message));
    }
    let farthest = now.date_naive().checked_add_days(FARTHEST);
    if farthest.is_some_and(|farthest| new.limitation_expires_on > farthest) {
        let message = "Give the day on which the limitation period ends, within twenty years.";
        return Err(UserError::invalid(field, message));
    }
    Ok(())
}

fn stands_already(error: DbError) -> OpError {
    if error.is_constraint("suit_authorities_standing") {
        let message = "Such a record of this account stands: take that one back first.";
        return UserError::at(UserErrorCode::Conflict, "accountId", message).into();
    }
    error.into()
}

fn tell(tx: &mut TenantTx, account: Uuid, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// One record, standing or taken back, of an account within the caller's scope.
pub(super) async fn suit_authority_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<SuitAuthorityRow>, DbError> {
    Ok(rows(tx, Some(id), &[]).await?.pop())
}

/// The records of these accounts, newest first, at most a hundred of each.
pub(super) async fn suit_authorities_of(
    tx: &mut TenantTx,
    accounts: &[Uuid],
) -> Result<Vec<SuitAuthorityRow>, DbError> {
    rows(tx, None, accounts).await
}

async fn rows(
    tx: &mut TenantTx,
    id: Option<Uuid>,
    accounts: &[Uuid],
) -> Result<Vec<SuitAuthorityRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        SuitAuthorityRow,
        r#"SELECT s.id, s.debtor_id, s.account_id, s.authority_cipher, s.limitation_basis_cipher, s.limitation_expires_on,
                s.recorded_at, s.recorded_by, s.withdrawn_at, s.withdrawn_by, s.withdrawal_cipher,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM accounts a
         CROSS JOIN LATERAL (
            SELECT v.* FROM suit_authorities v
            WHERE v.business_id = $1 AND v.account_id = a.id AND ($2::uuid IS NULL OR v.id = $2)
            ORDER BY v.id DESC LIMIT 100) s
         JOIN debtors d ON d.business_id = $1 AND d.id = a.debtor_id
         JOIN data_keys k ON k.business_id = $1 AND k.id = d.record_key_id
         WHERE a.business_id = $1 AND a.deleted_at IS NULL
           AND a.id = ANY(CASE WHEN $2::uuid IS NULL THEN $3::uuid[]
               ELSE ARRAY(SELECT w.account_id FROM suit_authorities w WHERE w.business_id = $1 AND w.id = $2) END)
           AND ($4::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $4)
         ORDER BY s.id DESC"#,
        business,
        id,
        accounts,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_counts_until_it_is_over_somewhere() {
        let last: NaiveDate = "2026-06-10".parse().unwrap();
        let at = |text: &str| is_time_barred(last, text.parse().unwrap());
        assert!(!at("2026-06-10T09:59:59Z"));
        assert!(at("2026-06-10T10:00:00Z"), "in Kiribati it is the day after");
        assert!(at("2026-06-11T00:00:00Z"));
    }
}
