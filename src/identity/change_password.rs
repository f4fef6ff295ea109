//! A signed-in person changes their password. Every session ends, the present one too: whoever else was in is out, and
//! the new password is tried at once (AUTH-009).

use std::net::IpAddr;

use secrecy::SecretString;

use super::{
    Identity, Person, credential_store,
    lockout::{Account, FailureGuard},
    login::push_audit,
    password::{hash_password, verify_password},
    reset_password::{check_rules, put_password},
    revocations::forget_all,
    store,
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    error::OpError,
    gql::{UserError, UserErrorCode},
};

fn wrong_password() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "currentPassword",
        "This is not your present password.",
    )
    .into()
}

/// Changes the password. A wrong present one counts as a failed log-in: who finds an open browser cannot guess on.
pub(super) async fn change_password(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    person: Person,
    current: &SecretString,
    new_password: &SecretString,
) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("password change", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let row = credential_store::find_identity(&mut tx, person.identity_id)
        .await?
        .ok_or_else(wrong_password)?;
    let blind = credential_store::email_blind(&mut tx, row.id)
        .await?
        .unwrap_or_default();
    tx.commit().await?;
    let account = Account {
        name: &row.id.to_string(),
        blind: &blind,
        password_hash: Some(&row.password_hash),
    };
    let guard = FailureGuard::enter(identity, request_id, peer, account).await?;
    if !guard.verify(current, Some(&row.password_hash)).await? {
        guard.failed("password.change_failed", Some(row.id)).await?;
        return Err(wrong_password());
    }
    guard.take_back().await?;
    let mut tx = identity.db.system(&ctx).await?;
    check_rules(identity, &mut tx, &row, new_password).await?;
    tx.commit().await?;
    if verify_password(new_password, Some(&row.password_hash)).await? {
        return Err(
            UserError::invalid("newPassword", "This is your present password. Choose another.").into(),
        );
    }
    let hash = hash_password(new_password).await?;
    let mut tx = identity.db.system(&ctx).await?;
    let unchanged = store::lock_identity(&mut tx, row.id)
        .await?
        .is_some_and(|now| now.password_hash == row.password_hash);
    if !unchanged {
        return Err(wrong_password());
    }
    let ended = put_password(identity, &mut tx, row.id, &hash).await?;
    push_audit(&mut tx, "password.changed", Some(row.id));
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(())
}
