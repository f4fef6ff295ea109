//! SQL of links, codes and requests.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, SystemTx, TenantTx},
    gql::PageRequest,
};

/// A link, as staff see it.
#[derive(Clone, Debug)]
pub(super) struct LinkRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) origin: String,
    pub(super) created_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
    pub(super) uses: i32,
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

/// A link about to be made.
pub(super) struct NewLink {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) origin: &'static str,
    pub(super) expires_at: DateTime<Utc>,
}

pub(super) async fn insert_link(tx: &mut TenantTx, new: &NewLink) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO debtor_links (business_id, id, debtor_id, account_id, origin, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        business,
        new.id,
        new.debtor_id,
        new.account_id,
        new.origin,
        user,
        now,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn link_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<LinkRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        LinkRow,
        "SELECT id, debtor_id, account_id, origin, created_by, created_at, expires_at, revoked_at, uses, last_used_at
         FROM debtor_links WHERE business_id = $1 AND id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Links of an account, newest first.
pub(super) async fn links_of_account(
    tx: &mut TenantTx,
    account: Uuid,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<LinkRow>, DbError> {
    let (business, fetch) = (tx.business_id(), page.fetch());
    Ok(sqlx::query_as!(
        LinkRow,
        "SELECT id, debtor_id, account_id, origin, created_by, created_at, expires_at, revoked_at, uses, last_used_at
         FROM debtor_links WHERE business_id = $1 AND account_id = $2 AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        business,
        account,
        past,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How many links of the account are good.
pub(super) async fn good_links(tx: &mut TenantTx, account: Uuid) -> Result<i64, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM debtor_links
           WHERE business_id = $1 AND account_id = $2 AND revoked_at IS NULL AND expires_at > $3"#,
        business,
        account,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The newest good link of the account, and until when it is good.
pub(super) async fn newest_good_link(
    tx: &mut TenantTx,
    account: Uuid,
) -> Result<Option<(Uuid, DateTime<Utc>)>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        "SELECT id, expires_at FROM debtor_links
         WHERE business_id = $1 AND account_id = $2 AND revoked_at IS NULL AND expires_at > $3 ORDER BY id DESC LIMIT 1",
        business,
        account,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.expires_at)))
}

/// Ends a link; false when it had ended before.
pub(super) async fn revoke_link(tx: &mut TenantTx, id: Uuid) -> Result<bool, DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let revoked = sqlx::query!(
        "UPDATE debtor_links SET revoked_at = $3, revoked_by = $4
         WHERE business_id = $1 AND id = $2 AND revoked_at IS NULL",
        business,
        id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(revoked.rows_affected() == 1)
}

/// The link has led to a session.
pub(super) async fn count_use(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE debtor_links SET uses = uses + 1, last_used_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many codes were sent by the link since an instant (wall time).
pub(super) async fn codes_since(tx: &mut TenantTx, link: Uuid, since: DateTime<Utc>) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM debtor_codes
           WHERE business_id = $1 AND link_id = $2 AND created_at > $3"#,
        business,
        link,
        since,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn insert_code(
    tx: &mut TenantTx,
    id: Uuid,
    (link, debtor): (Uuid, Uuid),
    hash: &[u8],
    wall: DateTime<Utc>,
    lifetime: TimeDelta,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO debtor_codes (business_id, id, link_id, debtor_id, code_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        business,
        id,
        link,
        debtor,
        hash,
        wall,
        wall + lifetime,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A code that may be tried.
pub(super) struct CodeRow {
    pub(super) id: Uuid,
    pub(super) code_hash: Vec<u8>,
}

/// Counts a try at the link's newest code and locks it; `None` when there is none to try any more.
pub(super) async fn try_code(
    tx: &mut TenantTx,
    link: Uuid,
    wall: DateTime<Utc>,
    most: i16,
) -> Result<Option<CodeRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        CodeRow,
        "UPDATE debtor_codes SET tries = tries + 1
         WHERE business_id = $1 AND used_at IS NULL AND expires_at > $3 AND tries < $4
           AND id = (SELECT c.id FROM debtor_codes c WHERE c.business_id = $1 AND c.link_id = $2
                     ORDER BY c.created_at DESC, c.id DESC LIMIT 1)
         RETURNING id, code_hash",
        business,
        link,
        wall,
        most,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn use_code(tx: &mut TenantTx, id: Uuid, wall: DateTime<Utc>) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE debtor_codes SET used_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        id,
        wall,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The number of an account, as its debtor may know it.
pub(super) async fn account_number(tx: &mut TenantTx, account: Uuid) -> Result<Option<String>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT account_number FROM accounts WHERE business_id = $1 AND id = $2",
        business,
        account,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The people behind a number or address, two at most: one is enough to be sure, two are too many.
pub(super) async fn people_at(
    tx: &mut TenantTx,
    kind: &str,
    blinds: &[Vec<u8>],
) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT d.person_id AS "person!" FROM contact_points c
           JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
           WHERE c.business_id = $1 AND c.blind_index = ANY($2) AND c.kind = $3 AND c.removed_at IS NULL
             AND c.validity IN ('VALID', 'UNVERIFIED') AND d.erased_at IS NULL
           LIMIT 2"#,
        business,
        blinds,
        kind,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The account that somebody means who names none: their newest that is still open, else their newest.
pub(super) async fn newest_account(tx: &mut TenantTx, debtor: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE business_id = $1 AND debtor_id = $2 AND deleted_at IS NULL
         ORDER BY status IN ('PAID_IN_FULL', 'CLOSED'), created_at DESC, id DESC LIMIT 1",
        business,
        debtor,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn insert_request(
    tx: &mut SystemTx,
    id: Uuid,
    cipher: &[u8],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO debtor_link_requests (id, request_cipher, created_at) VALUES ($1, $2, $3)",
        id,
        cipher,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn request(tx: &mut SystemTx, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT request_cipher FROM debtor_link_requests WHERE id = $1",
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn remove_request(tx: &mut SystemTx, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM debtor_link_requests WHERE id = $1", id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The active business of this name in addresses.
pub(super) async fn active_business(tx: &mut SystemTx, slug: &str) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM businesses WHERE slug = $1 AND status = 'ACTIVE'",
        slug
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Forgets codes from before an instant (wall time), at most so many; how many these were.
pub(super) async fn forget_codes(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<i64, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM debtor_codes c USING (
             SELECT business_id, id FROM debtor_codes WHERE created_at < $1 ORDER BY created_at LIMIT $2) old
         WHERE c.business_id = old.business_id AND c.id = old.id",
        before,
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}

/// Forgets links that were good until before an instant (business time), and that no session and no code names any more.
pub(super) async fn forget_links(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<i64, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM debtor_links l USING (
             SELECT business_id, id FROM debtor_links o WHERE expires_at < $1
               AND NOT EXISTS (SELECT FROM debtor_sessions s WHERE s.business_id = o.business_id AND s.link_id = o.id)
               AND NOT EXISTS (SELECT FROM debtor_codes c WHERE c.business_id = o.business_id AND c.link_id = o.id)
             ORDER BY expires_at LIMIT $2) old
         WHERE l.business_id = old.business_id AND l.id = old.id",
        before,
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}
