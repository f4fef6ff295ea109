//! When the limitation period of a debt ends or ended, as a person of the business found it: of debts that are old when they are
//! placed too, for which nobody means to sue. It is recorded and never derived: when the claim accrued, whose law governs it, what
//! tolled it or began it anew decide, and not the last payment alone (rule table, limitation periods). What is known to be
//! time-barred is never sued on (12 CFR 1006.26(b)), is gone in some states, and in others is written of only with their own text.
//!
//! A record is never changed: the newest counts, a suit's (`suits`) among them.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    record_of::record_of,
    sealed_record::{NewRecord, check_text, person_who_may},
};
use crate::{
    access::Cell,
    accounts::usps_code,
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::UserError,
        keys::{Keyring, WrappedKey},
    },
};

pub(super) const TABLE: &str = "limitations";
/// No limitation period of a state is longer than twenty years, and no debt is collected for a century.
const FARTHEST: Days = Days::new(366 * 20);
const LONGEST_AGO: Days = Days::new(366 * 100);

/// What a person found.
#[derive(Clone, Debug)]
pub struct NewLimitation {
    pub account_id: Uuid,
    /// The last day on which suit may be brought, or might have been.
    pub expires_on: NaiveDate,
    /// The state whose law governs the debt, where that is settled.
    pub governing_law: Option<String>,
    /// How the day was found: accrual, tolling, acknowledgement.
    pub basis: String,
}

/// A record, its text sealed.
#[derive(Clone, Debug)]
pub(super) struct LimitationRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) expires_on: NaiveDate,
    pub(super) governing_law: Option<String>,
    pub(super) basis_cipher: Vec<u8>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: Uuid,
    key_id: Uuid,
    key_version: i32,
    wrapped: Option<Vec<u8>>,
}

impl LimitationRow {
    /// The person's record key.
    pub(super) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }
}

/// Records when the limitation period of a debt ends or ended. Returns the record's id.
///
/// # Errors
/// User errors: NOT_FOUND for an account that is not the caller's, INVALID_INPUT for a text that is empty or too long, a day that
/// is too far, and what is no state; [`OpError`] otherwise.
pub async fn record_limitation(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewLimitation,
) -> Result<Uuid, OpError> {
    let user = person_who_may(tx, Cell::SuitAuthorize)?;
    check(&new, tx.now())?;
    let governing_law = new.governing_law.as_deref().map(state).transpose()?;
    let owner = record_of(tx, None, Some(new.account_id), "Say which account.").await?;
    let record = NewRecord::begin(tx, (keyring, db), TABLE, (owner, "accountId")).await?;
    let (business, id) = (tx.business_id(), record.id);
    sqlx::query!(
        "INSERT INTO limitations (business_id, id, debtor_id, account_id, expires_on, governing_law, basis_cipher, recorded_at,
             recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business,
        id,
        record.owner.id,
        new.account_id,
        new.expires_on,
        governing_law,
        record.seal("basis_cipher", &new.basis)?,
        record.now,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details =
        json!({ "account": new.account_id, "expires_on": new.expires_on, "governing_law": governing_law });
    tx.audit(AuditEntry::plain("limitation.recorded", id, &details).about(Some(record.owner.id)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(new.account_id),
        debtor_id: Some(record.owner.id),
        ..LiveEvent::default()
    });
    Ok(id)
}

fn check(new: &NewLimitation, now: DateTime<Utc>) -> Result<(), UserError> {
    check_text("basis", &new.basis)?;
    let today = now.date_naive();
    let first = today.checked_sub_days(LONGEST_AGO);
    let last = today.checked_add_days(FARTHEST);
    if first.is_some_and(|first| new.expires_on < first) || last.is_some_and(|last| new.expires_on > last) {
        let message =
            "Give the day on which the limitation period ends or ended, within twenty years from now.";
        return Err(UserError::invalid("expiresOn", message));
    }
    Ok(())
}

fn state(given: &str) -> Result<&'static str, UserError> {
    let message = "Give the USPS code of the state whose law governs the debt, such as WI, or leave it out.";
    usps_code(given).ok_or_else(|| UserError::invalid("governingLaw", message))
}

/// One record of an account within the caller's scope.
pub(super) async fn limitation_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<LimitationRow>, DbError> {
    Ok(rows(tx, Some(id), &[]).await?.pop())
}

/// The newest record of each of these accounts that has one.
pub(super) async fn limitations_of(
    tx: &mut TenantTx,
    accounts: &[Uuid],
) -> Result<Vec<LimitationRow>, DbError> {
    rows(tx, None, accounts).await
}

async fn rows(tx: &mut TenantTx, id: Option<Uuid>, accounts: &[Uuid]) -> Result<Vec<LimitationRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        LimitationRow,
        r#"SELECT t.id, t.debtor_id, t.account_id, t.expires_on, t.governing_law, t.basis_cipher, t.recorded_at, t.recorded_by,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM accounts a
         CROSS JOIN LATERAL (
            SELECT v.* FROM limitations v
            WHERE v.business_id = $1 AND v.account_id = a.id AND ($2::uuid IS NULL OR v.id = $2)
            ORDER BY v.id DESC LIMIT 1) t
         JOIN debtors d ON d.business_id = $1 AND d.id = a.debtor_id
         JOIN data_keys k ON k.business_id = $1 AND k.id = d.record_key_id
         WHERE a.business_id = $1 AND a.deleted_at IS NULL
           AND a.id = ANY(CASE WHEN $2::uuid IS NULL THEN $3::uuid[]
               ELSE ARRAY(SELECT w.account_id FROM limitations w WHERE w.business_id = $1 AND w.id = $2) END)
           AND ($4::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $4)"#,
        business,
        id,
        accounts,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}
