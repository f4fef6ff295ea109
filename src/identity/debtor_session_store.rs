//! SQL of debtors' sessions, outside any one business as that of the staff's.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::session_holder::{DebtorPlace, Holder, RefreshRow};
use crate::platform::db::{DbError, SystemTx, TenantTx};

/// Whom a link lets in, and until when it is good (business time). Until the transaction ends the link is not revoked, nor
/// its business suspended.
pub(super) async fn entrance(
    tx: &mut SystemTx,
    business: Uuid,
    link: Uuid,
) -> Result<Option<(DebtorPlace, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT debtor_id AS "debtor_id!", account_id AS "account_id!", expires_at AS "expires_at!"
           FROM app.debtor_entrance($1, $2)"#,
        business,
        link,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let place = DebtorPlace {
            business_id: business,
            debtor_id: row.debtor_id,
            account_id: row.account_id,
            link_id: link,
        };
        (place, row.expires_at)
    }))
}

pub(super) async fn insert_session(
    tx: &mut SystemTx,
    id: Uuid,
    place: &DebtorPlace,
    device: &str,
    wall: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO debtor_sessions (business_id, id, debtor_id, account_id, link_id, device, created_at, last_used_at,
             expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        place.business_id,
        id,
        place.debtor_id,
        place.account_id,
        place.link_id,
        device,
        wall,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When a session was opened (wall time); `None` once it has ended.
pub(super) async fn opened_at(
    tx: &mut SystemTx,
    business: Uuid,
    session: Uuid,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT created_at FROM debtor_sessions WHERE business_id = $1 AND id = $2 AND revoked_at IS NULL",
        business,
        session,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn insert_refresh_token(
    tx: &mut SystemTx,
    business: Uuid,
    session: Uuid,
    hash: &[u8],
    wall: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO debtor_refresh_tokens (business_id, token_hash, session_id, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        business,
        hash,
        session,
        wall,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE debtor_sessions SET expires_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        session,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn lock_refresh_token(
    tx: &mut SystemTx,
    hash: &[u8],
) -> Result<Option<RefreshRow>, DbError> {
    let row = sqlx::query!(
        "SELECT s.id, s.business_id, s.debtor_id, s.account_id, s.link_id, t.expires_at, t.spent_at, s.last_used_at,
                s.revoked_at
         FROM debtor_refresh_tokens t JOIN debtor_sessions s ON s.business_id = t.business_id AND s.id = t.session_id
         WHERE t.token_hash = $1 FOR UPDATE",
        hash
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| RefreshRow {
        session_id: row.id,
        holder: Holder::Debtor(DebtorPlace {
            business_id: row.business_id,
            debtor_id: row.debtor_id,
            account_id: row.account_id,
            link_id: row.link_id,
        }),
        expires_at: row.expires_at,
        spent_at: row.spent_at,
        last_used_at: row.last_used_at,
        idle_minutes: None,
        revoked_at: row.revoked_at,
    }))
}

pub(super) async fn spend_refresh_token(
    tx: &mut SystemTx,
    business: Uuid,
    hash: &[u8],
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE debtor_refresh_tokens SET spent_at = $3 WHERE business_id = $1 AND token_hash = $2",
        business,
        hash,
        wall,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn revoke_session(
    tx: &mut SystemTx,
    business: Uuid,
    session: Uuid,
    reason: &str,
    wall: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE debtor_sessions SET revoked_at = coalesce(revoked_at, $4), revoked_reason = coalesce(revoked_reason, $3)
         WHERE business_id = $1 AND id = $2",
        business,
        session,
        reason,
        wall,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An open session of a debtor.
pub(super) struct DebtorSessionRow {
    pub(super) id: Uuid,
    pub(super) device: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: DateTime<Utc>,
}

/// A debtor's open sessions about one account, the newest hundred.
pub(super) async fn open_sessions(
    tx: &mut SystemTx,
    place: &DebtorPlace,
    wall: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Vec<DebtorSessionRow>, DbError> {
    Ok(sqlx::query_as!(
        DebtorSessionRow,
        "SELECT id, device, created_at, last_used_at FROM debtor_sessions
         WHERE business_id = $1 AND debtor_id = $2 AND account_id = $3 AND revoked_at IS NULL AND expires_at > $4
           AND last_used_at >= $5
         ORDER BY created_at DESC, id DESC LIMIT 100",
        place.business_id,
        place.debtor_id,
        place.account_id,
        wall,
        idle_since,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends a debtor's sessions about one account: `only` this one, or all `but` one; which they were.
pub(super) async fn revoke_own(
    tx: &mut SystemTx,
    place: &DebtorPlace,
    only: Option<Uuid>,
    but: Option<Uuid>,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE debtor_sessions SET revoked_at = $6, revoked_reason = 'LOGOUT'
         WHERE business_id = $1 AND debtor_id = $2 AND account_id = $3 AND revoked_at IS NULL AND expires_at > $6
           AND ($4::uuid IS NULL OR id = $4) AND id IS DISTINCT FROM $5
         RETURNING id",
        place.business_id,
        place.debtor_id,
        place.account_id,
        only,
        but,
        wall,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends all debtors' sessions of a business.
pub(super) async fn end_sessions(
    tx: &mut SystemTx,
    business: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE debtor_sessions SET revoked_at = $2, revoked_reason = 'ADMIN'
         WHERE business_id = $1 AND revoked_at IS NULL RETURNING id",
        business,
        wall
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends the sessions that a link led to, inside its business; which they were.
///
/// # Errors
/// [`DbError`] as met.
pub async fn end_link_sessions(
    tx: &mut TenantTx,
    link: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "UPDATE debtor_sessions SET revoked_at = $3, revoked_reason = 'ADMIN'
         WHERE business_id = $1 AND link_id = $2 AND revoked_at IS NULL RETURNING id",
        business,
        link,
        wall,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends the sessions of people's records, or those about one account of a record, inside their business; which they were.
///
/// # Errors
/// [`DbError`] as met.
pub async fn end_debtor_sessions(
    tx: &mut TenantTx,
    debtors: &[Uuid],
    account: Option<Uuid>,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "UPDATE debtor_sessions SET revoked_at = $4, revoked_reason = 'ADMIN'
         WHERE business_id = $1 AND debtor_id = ANY($2) AND ($3::uuid IS NULL OR account_id = $3) AND revoked_at IS NULL
         RETURNING id",
        business,
        debtors,
        account,
        wall,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Writes down when sessions were used last; never back in time.
pub(super) async fn record_use(
    tx: &mut SystemTx,
    used: &[Uuid],
    at: &[DateTime<Utc>],
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE debtor_sessions s SET last_used_at = u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, at)
         WHERE s.id = u.id AND s.last_used_at < u.at",
        used,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets refresh tokens that were good until before an instant (wall time), at most so many; how many these were.
///
/// # Errors
/// [`DbError`] as met.
pub async fn forget_debtor_tokens(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<i64, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM debtor_refresh_tokens t USING (
             SELECT business_id, token_hash FROM debtor_refresh_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) old
         WHERE t.business_id = old.business_id AND t.token_hash = old.token_hash",
        before,
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}

/// Forgets sessions whose last token was good until before an instant (wall time), at most so many; how many these were.
///
/// # Errors
/// [`DbError`] as met.
pub async fn forget_debtor_sessions(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<i64, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM debtor_sessions s USING (
             SELECT business_id, id FROM debtor_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) old
         WHERE s.business_id = old.business_id AND s.id = old.id",
        before,
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}
