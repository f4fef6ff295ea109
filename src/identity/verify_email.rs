//! A founder shows that the address is theirs: by the link that was mailed to it and the password of the registration that
//! it belongs to. The link alone lets nobody in: whoever owns the mailbox may have been sent it for a stranger's registration,
//! and would let the stranger's password and business count.

use std::net::IpAddr;

use secrecy::SecretString;

use super::{
    Identity,
    lockout::{Account, FailureGuard},
    login::push_audit,
    registration_store, store,
    tokens::hash_secret,
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    error::OpError,
    gql::{UserError, UserErrorCode},
};

fn bad_link() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This link has expired or was used. Register again with the same address to get a new one.",
    )
    .into()
}

fn wrong_password() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "password",
        "This is not the password that was chosen at this registration. The mail names who registered: if that was not \
         you, leave its link alone.",
    )
    .into()
}

/// Spends a link: password and business of its registration count from now on, and no other link of the person. A wrong
/// password counts as a failed log-in, and leaves the link as it is.
///
/// # Errors
/// User errors: BAD_CREDENTIALS for a link that is not good and for a wrong password, LOCKED after too many.
pub(super) async fn verify_email(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    token: &str,
    password: &SecretString,
) -> Result<(), OpError> {
    let token_hash = hash_secret(token);
    let ctx = SystemCtx::for_reason("e-mail verification", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let seen = registration_store::held(&mut tx, &token_hash)
        .await?
        .ok_or_else(bad_link)?;
    tx.commit().await?;
    let account = Account {
        name: &seen.identity_id.to_string(),
        blind: &seen.email_blind,
        password_hash: Some(&seen.password_hash),
    };
    let guard = FailureGuard::enter(identity, request_id, peer, account).await?;
    if !guard.verify(password, Some(&seen.password_hash)).await? {
        guard
            .failed("email.verification_failed", Some(seen.identity_id))
            .await?;
        return Err(wrong_password());
    }
    guard.take_back().await?;
    let mut tx = identity.db.system(&ctx).await?;
    // Of two links that are followed at once, the second waits here and finds the address verified.
    store::lock_identity(&mut tx, seen.identity_id).await?;
    let held = registration_store::held(&mut tx, &token_hash)
        .await?
        .ok_or_else(bad_link)?;
    registration_store::let_in(&mut tx, &held).await?;
    registration_store::forget_all_of(&mut tx, held.identity_id).await?;
    push_audit(&mut tx, "email.verified", Some(held.identity_id));
    Ok(tx.commit().await?)
}
