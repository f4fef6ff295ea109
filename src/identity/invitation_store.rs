//! SQL of invitations to join a business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::Role,
    platform::{
        db::{DbError, SystemTx, TenantTx},
        gql::PageRequest,
    },
};

/// An invitation as the business sees it.
pub(super) struct InvitationRow {
    pub(super) id: Uuid,
    pub(super) email_cipher: Vec<u8>,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) custom_role_id: Option<Uuid>,
    pub(super) role_name: Option<String>,
    pub(super) role_permissions: Option<Vec<String>>,
    pub(super) state: String,
    /// Nobody of the business, where the platform's staff invited its first administrator.
    pub(super) invited_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// What is asked of somebody; the address is already indexed and sealed.
pub(super) struct NewInvitation {
    pub(super) id: Uuid,
    pub(super) email_blind: [u8; 32],
    pub(super) email_cipher: Vec<u8>,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) custom_role_id: Option<Uuid>,
    /// None for the platform's staff.
    pub(super) invited_by: Option<Uuid>,
    pub(super) expires_at: DateTime<Utc>,
}

/// Stores an open invitation.
///
/// # Errors
/// `invitations_open` when the address has one.
pub(super) async fn insert_invitation(tx: &mut TenantTx, new: &NewInvitation) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO invitations (business_id, id, email_blind, email_cipher, name, role, state, invited_by, created_at,
             expires_at, custom_role_id)
         VALUES ($1, $2, $3, $4, $5, $6, 'OPEN', $7, $8, $9, $10)",
        business,
        new.id,
        new.email_blind.as_slice(),
        new.email_cipher,
        new.name,
        new.role.as_str(),
        new.invited_by,
        now,
        new.expires_at,
        new.custom_role_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The open invitation of an address and its role, locked.
pub(super) async fn lock_invitation_of(
    tx: &mut TenantTx,
    email_blind: &[u8],
) -> Result<Option<(Uuid, String)>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT id, role FROM invitations WHERE business_id = $1 AND email_blind = $2 AND state = 'OPEN' FOR UPDATE",
        business,
        email_blind
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.role)))
}

/// Renews an open invitation. The link of an earlier mail is good no more.
pub(super) async fn renew_invitation(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewInvitation,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE invitations SET name = $3, role = $4, invited_by = $5, expires_at = $6, token_hash = NULL,
             custom_role_id = $7
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        new.name,
        new.role.as_str(),
        new.invited_by,
        new.expires_at,
        new.custom_role_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An invitation in whatever state, locked.
pub(super) async fn lock_invitation(tx: &mut TenantTx, id: Uuid) -> Result<Option<InvitationRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        InvitationRow,
        r#"SELECT i.id, i.email_cipher, i.name, i.role, i.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", i.state, i.invited_by, i.created_at, i.expires_at
         FROM invitations i LEFT JOIN custom_roles c ON c.business_id = i.business_id AND c.id = i.custom_role_id
         WHERE i.business_id = $1 AND i.id = $2 FOR UPDATE OF i"#,
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn invitation(tx: &mut TenantTx, id: Uuid) -> Result<Option<InvitationRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        InvitationRow,
        r#"SELECT i.id, i.email_cipher, i.name, i.role, i.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", i.state, i.invited_by, i.created_at, i.expires_at
         FROM invitations i LEFT JOIN custom_roles c ON c.business_id = i.business_id AND c.id = i.custom_role_id
         WHERE i.business_id = $1 AND i.id = $2"#,
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Invitations that can be accepted now, newest first, in reading direction, with one row more than asked.
pub(super) async fn page_of_invitations(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<InvitationRow>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_as!(
        InvitationRow,
        r#"SELECT i.id, i.email_cipher, i.name, i.role, i.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", i.state, i.invited_by, i.created_at, i.expires_at
         FROM invitations i LEFT JOIN custom_roles c ON c.business_id = i.business_id AND c.id = i.custom_role_id
         WHERE i.business_id = $1 AND i.state = 'OPEN' AND i.expires_at > $2
           AND ($3::uuid IS NULL OR CASE WHEN $4 THEN i.id > $3 ELSE i.id < $3 END)
         ORDER BY CASE WHEN $4 THEN i.id END, CASE WHEN NOT $4 THEN i.id END DESC LIMIT $5"#,
        business,
        now,
        past,
        page.backward,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn set_invitation_token(tx: &mut TenantTx, id: Uuid, hash: &[u8]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE invitations SET token_hash = $3 WHERE business_id = $1 AND id = $2",
        business,
        id,
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_invitation_revoked(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE invitations SET state = 'REVOKED', settled_at = $3 WHERE business_id = $1 AND id = $2",
        business,
        id,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Withdraws the open invitations of a member.
pub(super) async fn revoke_invitations_of(tx: &mut TenantTx, user: Uuid) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE invitations SET state = 'REVOKED', settled_at = $3
         WHERE business_id = $1 AND invited_by = $2 AND state = 'OPEN'",
        business,
        user,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn business_name(tx: &mut TenantTx) -> Result<String, DbError> {
    let business = tx.business_id();
    Ok(
        sqlx::query_scalar!("SELECT name FROM businesses WHERE id = $1", business)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// An invitation as the person sees it who holds its link.
pub(super) struct HeldInvitation {
    pub(super) business_id: Uuid,
    pub(super) id: Uuid,
    pub(super) email_blind: Vec<u8>,
    pub(super) email_cipher: Vec<u8>,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) custom_role_id: Option<Uuid>,
    pub(super) business_status: String,
}

/// The invitation whose newest link has this token, if it can be accepted now.
pub(super) async fn held_invitation(
    tx: &mut SystemTx,
    token_hash: &[u8],
) -> Result<Option<HeldInvitation>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_as!(
        HeldInvitation,
        "SELECT i.business_id, i.id, i.email_blind, i.email_cipher, i.name, i.role, i.custom_role_id,
                b.status AS business_status
         FROM invitations i JOIN businesses b ON b.id = i.business_id
         WHERE i.token_hash = $1 AND i.state = 'OPEN' AND i.expires_at > $2",
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, locked: it is accepted once.
pub(super) async fn lock_held_invitation(
    tx: &mut SystemTx,
    token_hash: &[u8],
) -> Result<Option<HeldInvitation>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_as!(
        HeldInvitation,
        "SELECT i.business_id, i.id, i.email_blind, i.email_cipher, i.name, i.role, i.custom_role_id,
                b.status AS business_status
         FROM invitations i JOIN businesses b ON b.id = i.business_id
         WHERE i.token_hash = $1 AND i.state = 'OPEN' AND i.expires_at > $2 FOR UPDATE OF i",
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether a business of this name waits for its first administrator at this address.
pub(super) async fn waits_for(
    tx: &mut SystemTx,
    email_blind: &[u8],
    business: &str,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM invitations i JOIN businesses b ON b.id = i.business_id
             WHERE i.email_blind = $1 AND i.state = 'OPEN' AND i.invited_by IS NULL AND lower(b.name) = lower($2)
           ) AS "waits!""#,
        email_blind,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Stores the platform's invitation to a business, in the place of one before.
pub(super) async fn replace_platforms(
    tx: &mut SystemTx,
    business: Uuid,
    new: &NewInvitation,
) -> Result<(), DbError> {
    let now = tx.now();
    // Whoever else of the business invited this address before: one is open at a time.
    sqlx::query!(
        "UPDATE invitations SET state = 'REVOKED', settled_at = $3
         WHERE business_id = $1 AND state = 'OPEN' AND (invited_by IS NULL OR email_blind = $2)",
        business,
        new.email_blind.as_slice(),
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO invitations (business_id, id, email_blind, email_cipher, name, role, state, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'OPEN', $7, $8)",
        business,
        new.id,
        new.email_blind.as_slice(),
        new.email_cipher,
        new.name,
        new.role.as_str(),
        now,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_invitation_accepted(
    tx: &mut SystemTx,
    held: &HeldInvitation,
    user: Uuid,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE invitations SET state = 'ACCEPTED', user_id = $3, settled_at = $4 WHERE business_id = $1 AND id = $2",
        held.business_id,
        held.id,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes an address verified, with the password that was chosen by whoever showed that it is theirs.
pub(super) async fn set_verified(
    tx: &mut SystemTx,
    identity: Uuid,
    password_hash: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identities SET password_hash = $2, email_verified_at = $3 WHERE id = $1",
        identity,
        password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
