//! A second factor that is to be another, and recovery codes that are used up or seen by others. Both take the password
//! and a code: whoever finds an open browser changes nothing.

use std::net::IpAddr;

use chrono::TimeDelta;
use secrecy::SecretString;

use super::{
    Identity, Person,
    account_mail::{AccountMail, SendAccountMail},
    credential_store,
    lockout::{Account, FailureGuard},
    login::{new_codes, push_audit, spend_code},
    mfa::{self, Enrollment},
    mfa_store,
    revocations::forget_all,
    store::{self, IdentityRow},
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    db::SystemTx,
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// How long a new secret waits for its first code (wall time).
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// What a person shows to be let at their second factor.
pub(super) struct Proof<'a> {
    pub(super) person: Person,
    pub(super) peer: IpAddr,
    pub(super) password: &'a SecretString,
    /// Of the factor that they have, or a recovery code.
    pub(super) code: &'a str,
}

fn wrong_password() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "currentPassword",
        "This is not your present password.",
    )
    .into()
}

fn wrong_code() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "code",
        "This code is not right or was used already. Wait for the next one, or use a recovery code.",
    )
    .into()
}

fn nothing_waits() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "code",
        "No new second factor waits for its first code, or it has waited for longer than ten minutes: begin again.",
    )
    .into()
}

/// Makes a new secret, which waits for its first code; the present one stays good until then. Asking again replaces it.
pub(super) async fn begin_replacement(
    identity: &Identity,
    request_id: &RequestMark,
    proof: Proof<'_>,
) -> Result<Enrollment, OpError> {
    let mut tx = proven(identity, request_id, &proof).await?;
    let id = proof.person.identity_id;
    let row = store::lock_identity(&mut tx, id)
        .await?
        .ok_or_else(wrong_password)?;
    let secret = mfa::new_secret();
    let keyring = &identity.keyring;
    let cipher = keyring.platform_seal("identities", "totp_pending_cipher", id, &secret)?;
    mfa_store::put_pending(&mut tx, id, &cipher, identity.wall.now() + PATIENCE).await?;
    let email = keyring.platform_open("identities", "email_cipher", id, &row.email_cipher)?;
    let enrollment = mfa::enrollment(&secret, &String::from_utf8_lossy(&email))?;
    push_audit(&mut tx, "mfa.replacement_begun", Some(id));
    tx.commit().await?;
    Ok(enrollment)
}

/// Puts the new secret in the place of the old one with its first code, makes new recovery codes, and ends all other
/// sessions: who had the old factor is out.
pub(super) async fn confirm_replacement(
    identity: &Identity,
    request_id: &RequestMark,
    (person, peer): (Person, IpAddr),
    code: &str,
) -> Result<Vec<String>, OpError> {
    let ctx = SystemCtx::for_reason("a new second factor", request_id);
    let id = person.identity_id;
    let guard = guarded(identity, request_id, id, peer).await?.0;
    let mut tx = identity.db.system(&ctx).await?;
    store::lock_identity(&mut tx, id).await?;
    let Some(cipher) = mfa_store::pending(&mut tx, id, identity.wall.now()).await? else {
        drop(tx);
        guard.take_back().await?;
        return Err(nothing_waits());
    };
    let keyring = &identity.keyring;
    let secret = keyring.platform_open("identities", "totp_pending_cipher", id, &cipher)?;
    let Some(step) = mfa::matching_step(&secret, code.trim(), identity.wall.now().timestamp()) else {
        drop(tx);
        guard.failed("mfa.replacement_failed", Some(id)).await?;
        return Err(wrong_code());
    };
    let sealed = keyring.platform_seal("identities", "totp_secret_cipher", id, &secret)?;
    mfa_store::take_pending(&mut tx, id, &sealed).await?;
    let (codes, hashes) = new_codes();
    store::confirm_totp(&mut tx, id, step, &hashes).await?;
    let wall = identity.wall.now();
    let mut ended =
        credential_store::revoke_sessions(&mut tx, id, Some(person.session_id), "ADMIN", wall).await?;
    ended.extend(store::end_visits_of(&mut tx, id, wall).await?);
    push_audit(&mut tx, "mfa.replaced", Some(id));
    let mail = SendAccountMail::new(Some(id), AccountMail::MfaReplaced);
    tx.enqueue(None, &mail).await?;
    guard.take_back_in(&mut tx).await?;
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(codes)
}

/// Makes ten new recovery codes; the ones before are good no more.
pub(super) async fn regenerate_recovery_codes(
    identity: &Identity,
    request_id: &RequestMark,
    proof: Proof<'_>,
) -> Result<Vec<String>, OpError> {
    let mut tx = proven(identity, request_id, &proof).await?;
    let id = proof.person.identity_id;
    let (codes, hashes) = new_codes();
    mfa_store::put_recovery_codes(&mut tx, id, &hashes).await?;
    push_audit(&mut tx, "mfa.recovery_codes_made", Some(id));
    let mail = SendAccountMail::new(Some(id), AccountMail::RecoveryCodesMade);
    tx.enqueue(None, &mail).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Checks password and code, either of which counts as a failed log-in where it is wrong. The code is spent in the
/// transaction that is returned.
async fn proven(
    identity: &Identity,
    request_id: &RequestMark,
    proof: &Proof<'_>,
) -> Result<SystemTx, OpError> {
    let ctx = SystemCtx::for_reason("second factor of one's own", request_id);
    let id = proof.person.identity_id;
    let (guard, seen) = guarded(identity, request_id, id, proof.peer).await?;
    if !guard.verify(proof.password, Some(&seen.password_hash)).await? {
        guard.failed("mfa.change_failed", Some(id)).await?;
        return Err(wrong_password());
    }
    let mut tx = identity.db.system(&ctx).await?;
    let row = store::lock_identity(&mut tx, id)
        .await?
        .filter(|row| row.password_hash == seen.password_hash);
    let Some(row) = row else {
        drop(tx);
        guard.take_back().await?;
        return Err(wrong_password());
    };
    if row.totp_confirmed_at.is_none() || !spend_code(identity, &mut tx, &row, proof.code).await? {
        drop(tx);
        guard.failed("mfa.change_failed", Some(id)).await?;
        return Err(wrong_code());
    }
    guard.take_back_in(&mut tx).await?;
    Ok(tx)
}

async fn guarded<'a>(
    identity: &'a Identity,
    request_id: &'a RequestMark,
    id: uuid::Uuid,
    peer: IpAddr,
) -> Result<(FailureGuard<'a>, IdentityRow), OpError> {
    let ctx = SystemCtx::for_reason("second factor of one's own", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let row = credential_store::find_identity(&mut tx, id)
        .await?
        .ok_or_else(wrong_password)?;
    let blind = credential_store::email_blind(&mut tx, id)
        .await?
        .unwrap_or_default();
    tx.commit().await?;
    let account = Account {
        name: &id.to_string(),
        blind: &blind,
        password_hash: Some(&row.password_hash),
    };
    Ok((
        FailureGuard::enter(identity, request_id, peer, account).await?,
        row,
    ))
}
