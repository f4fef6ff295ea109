//! Who operates the platform, and how they come to be: an operator of the machine names them on the command line, and a
//! one-time link lets them choose a password. The second factor comes at the first log-in, as for everybody.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity, NewIdentity, credential_store,
    revocations::forget_all,
    store::{self, IdentityRow},
    tokens::{hash_secret, new_secret},
};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{PlatformAudit, SystemTx},
    email::EmailAddress,
    error::OpError,
    ids,
    keys::Keyring,
};

/// How long the first link is good: as long as any link for a password.
use super::reset_password::LINK_LIFETIME;

/// No password has this hash: log-ins fail until the link has been followed.
const NO_PASSWORD: &str = "!";

/// The person, locked, if they are a super admin now: a token may be older than the end of their office.
///
/// # Errors
/// FORBIDDEN otherwise.
pub(super) async fn authorize_operator(tx: &mut SystemTx, identity: Uuid) -> Result<IdentityRow, OpError> {
    store::lock_identity(tx, identity)
        .await?
        .filter(|row| row.platform_role.is_some())
        .ok_or_else(|| OpError::Forbidden("You are no super admin any more.".to_owned()))
}

/// Makes the person with this address a super admin. For somebody new, the answer is a link with which they choose their
/// password, good once and for an hour.
///
/// # Errors
/// FORBIDDEN for an address that somebody registered with and did not verify; [`OpError`] as met.
pub async fn create_super_admin(
    identity: &Identity,
    email: &EmailAddress,
) -> Result<Option<String>, OpError> {
    let ctx = SystemCtx::for_reason("a new super admin", "cli-admin");
    let mut tx = identity.db.system(&ctx).await?;
    let blind = identity.keyring.platform_blind(&email.normalised());
    let known = store::identity_by_email(&mut tx, &blind).await?;
    // Whoever registered with an address that they never verified may be somebody else, who chose the password.
    if known.as_ref().is_some_and(|row| row.email_verified_at.is_none()) {
        let message = "Somebody registered with this address and has not verified it: its owner must do that, and choose a new password, first.";
        return Err(OpError::Forbidden(message.to_owned()));
    }
    let is_new = known.is_none();
    let id = match known {
        Some(row) => row.id,
        None => insert(&mut tx, &identity.keyring, email, NO_PASSWORD.to_owned()).await?,
    };
    store::set_platform_role(&mut tx, id, Some("SUPER_ADMIN")).await?;
    let link = if is_new {
        store::set_email_verified(&mut tx, id).await?;
        let token = new_secret("fcp_");
        let expires_at = identity.wall.now() + LINK_LIFETIME;
        credential_store::put_reset(&mut tx, id, &hash_secret(&token), expires_at).await?;
        let base = &identity.settings.public_base_url;
        Some(format!("{base}/reset-password?token={token}"))
    } else {
        None
    };
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "super_admin.created",
        object_id: Some(id),
        details: json!({ "new": is_new }),
    });
    tx.commit().await?;
    Ok(link)
}

/// Ends somebody's office: their sessions and stays end with it. False where the address has no super admin.
///
/// # Errors
/// [`OpError`] as met.
pub async fn remove_super_admin(identity: &Identity, email: &EmailAddress) -> Result<bool, OpError> {
    let ctx = SystemCtx::for_reason("the end of a super admin", "cli-admin");
    let mut tx = identity.db.system(&ctx).await?;
    let blind = identity.keyring.platform_blind(&email.normalised());
    let Some(row) = store::identity_by_email(&mut tx, &blind)
        .await?
        .filter(|row| row.platform_role.is_some())
    else {
        return Ok(false);
    };
    store::lock_identity(&mut tx, row.id).await?;
    store::set_platform_role(&mut tx, row.id, None).await?;
    let wall = identity.wall.now();
    let mut ended = credential_store::revoke_sessions(&mut tx, row.id, None, "ADMIN", wall).await?;
    ended.extend(store::end_visits_of(&mut tx, row.id, wall).await?);
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "super_admin.removed",
        object_id: Some(row.id),
        details: json!({ "sessions_ended": ended.len() }),
    });
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(true)
}

/// Adds a super admin whose address, password and second factor are known to be right: demo data.
///
/// # Errors
/// `identities_email_blind_key` when the address has an identity.
pub async fn add_known_super_admin(
    tx: &mut SystemTx,
    keyring: &Keyring,
    email: &EmailAddress,
    password_hash: &str,
    totp_secret: &[u8],
) -> Result<Uuid, OpError> {
    let id = insert(tx, keyring, email, password_hash.to_owned()).await?;
    store::set_platform_role(tx, id, Some("SUPER_ADMIN")).await?;
    let secret = keyring.platform_seal("identities", "totp_secret_cipher", id, totp_secret)?;
    store::set_known(tx, id, &secret).await?;
    Ok(id)
}

async fn insert(
    tx: &mut SystemTx,
    keyring: &Keyring,
    email: &EmailAddress,
    password_hash: String,
) -> Result<Uuid, OpError> {
    let id = ids::next();
    let new = NewIdentity {
        id,
        email_blind: keyring.platform_blind(&email.normalised()).to_vec(),
        email_cipher: keyring.platform_seal("identities", "email_cipher", id, email.as_str().as_bytes())?,
        password_hash,
        platform_role: None,
    };
    store::insert_identity(tx, &new).await?;
    Ok(id)
}
