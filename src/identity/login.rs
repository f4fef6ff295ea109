//! Password, then second factor. Staff cannot do without one: who has none enrols before the first session.

use std::net::IpAddr;

use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Identity, credential_store,
    lockout::{Account, FailureGuard},
    mfa::{self, Enrollment},
    password::{hash_password, is_outdated},
    session::{IssuedSession, find_place, open_session},
    store::{self, IdentityRow},
    tokens::{Claims, Purpose, TokenProblem, hash_secret, password_mark},
    user_sessions::Origin,
};
use crate::platform::{
    context::{Actor, RequestMark, SystemCtx},
    db::{PlatformAudit, SystemTx},
    email::EmailAddress,
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// What comes after the right password.
pub(super) enum LoginStep {
    Challenge(String),
    Enrollment(String),
}

fn wrong_credentials() -> OpError {
    UserError::new(
        UserErrorCode::BadCredentials,
        "E-mail address or password is not right.",
    )
    .into()
}

fn challenge_ended() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This log-in has expired. Start again with your password.",
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

/// Checks address and password. Failures count against the address's account and the caller's IP.
pub(super) async fn login(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    email: &str,
    password: &SecretString,
) -> Result<LoginStep, OpError> {
    let Ok(email) = EmailAddress::parse(email) else {
        return Err(wrong_credentials());
    };
    let normalised = email.normalised();
    let blind = identity.keyring.platform_blind(&normalised);
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-in", request_id))
        .await?;
    let row = store::identity_by_email(&mut tx, &blind).await?;
    tx.commit().await?;
    let account = Account {
        name: &normalised,
        blind: &blind,
        password_hash: row.as_ref().map(|row| row.password_hash.as_str()),
    };
    let guard = FailureGuard::enter(identity, request_id, peer, account).await?;
    let fits = guard
        .verify(password, row.as_ref().map(|row| row.password_hash.as_str()))
        .await?;
    let person = row.as_ref().map(|row| row.id);
    let Some(row) = row.filter(|_| fits) else {
        guard.failed("login.failed", person).await?;
        return Err(wrong_credentials());
    };
    guard.take_back().await?;
    if row.email_verified_at.is_none() {
        return Err(UserError::new(
            UserErrorCode::EmailNotVerified,
            "Open the link in the verification mail first. Register again with the same address to get a new one.",
        )
        .into());
    }
    let row = renewed(identity, request_id, row, password).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-in", request_id))
        .await?;
    // Who can be let in nowhere is told so before they look for their second factor.
    find_place(&mut tx, &row, None).await?;
    push_audit(&mut tx, "login.password_accepted", Some(row.id));
    tx.commit().await?;
    second_factor(identity, &Passed::of(&row), None)
}

/// The person with a hash of today, where theirs was of an older kind: the password that was just right is known now.
async fn renewed(
    identity: &Identity,
    request_id: &RequestMark,
    mut row: IdentityRow,
    password: &SecretString,
) -> Result<IdentityRow, OpError> {
    if !is_outdated(&row.password_hash) {
        return Ok(row);
    }
    let hash = hash_password(password).await?;
    let ctx = SystemCtx::for_reason("renewal of a password's hash", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let now = store::lock_identity(&mut tx, row.id).await?;
    if now.is_none_or(|now| now.password_hash != row.password_hash) {
        return Err(wrong_credentials());
    }
    credential_store::set_password(&mut tx, row.id, &hash).await?;
    push_audit(&mut tx, "password.hash_renewed", Some(row.id));
    tx.commit().await?;
    row.password_hash = hash;
    Ok(row)
}

/// Somebody who gave the right password.
pub(super) struct Passed<'a> {
    pub(super) person: Uuid,
    pub(super) password_hash: &'a str,
    pub(super) is_enrolled: bool,
}

impl<'a> Passed<'a> {
    pub(super) fn of(row: &'a IdentityRow) -> Self {
        Self {
            person: row.id,
            password_hash: &row.password_hash,
            is_enrolled: row.totp_confirmed_at.is_some(),
        }
    }
}

/// What comes after the right password; the session will be in `business`, if one is named.
pub(super) fn second_factor(
    identity: &Identity,
    passed: &Passed<'_>,
    business: Option<Uuid>,
) -> Result<LoginStep, OpError> {
    let token = |purpose| {
        let now = identity.wall.now();
        identity
            .tokens
            .challenge(purpose, passed.person, business, passed.password_hash, now)
    };
    Ok(if passed.is_enrolled {
        LoginStep::Challenge(token(Purpose::MfaChallenge)?)
    } else {
        LoginStep::Enrollment(token(Purpose::MfaEnrollment)?)
    })
}

/// Takes a TOTP or recovery code and opens the session.
pub(super) async fn complete_mfa(
    identity: &Identity,
    request_id: &RequestMark,
    origin: Origin<'_>,
    token: &str,
    code: &str,
) -> Result<IssuedSession, OpError> {
    let challenge = read_challenge(identity, Purpose::MfaChallenge, token)?;
    let guard = guard_challenge(identity, request_id, origin.peer, &challenge).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor", request_id))
        .await?;
    let row = lock_challenged(&mut tx, &challenge).await?;
    if !spend_code(identity, &mut tx, &row, code).await? {
        drop(tx);
        guard.failed("login.second_factor_failed", Some(row.id)).await?;
        return Err(wrong_code());
    }
    let issued = open_session(identity, &mut tx, &row, challenge.biz, origin).await?;
    guard.signed_in(&mut tx).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Spends a TOTP or recovery code of somebody whom the caller has locked; false for one that is not good.
pub(super) async fn spend_code(
    identity: &Identity,
    tx: &mut SystemTx,
    row: &IdentityRow,
    code: &str,
) -> Result<bool, OpError> {
    let typed = code.trim();
    if typed.len() == 6 && typed.bytes().all(|b| b.is_ascii_digit()) {
        let Some(step) = totp_step(identity, row, typed)? else {
            return Ok(false);
        };
        if !identity.settings.totp_reuse_allowed && row.totp_last_step.is_some_and(|last| step <= last) {
            return Ok(false);
        }
        store::set_totp_step(tx, row.id, step).await?;
        return Ok(true);
    }
    Ok(store::spend_recovery_code(tx, row.id, &hash_secret(&mfa::normalise_recovery_code(typed))).await?)
}

fn totp_step(identity: &Identity, row: &IdentityRow, code: &str) -> Result<Option<i64>, OpError> {
    let Some(cipher) = row.totp_secret_cipher.as_deref() else {
        return Ok(None);
    };
    let secret = identity
        .keyring
        .platform_open("identities", "totp_secret_cipher", row.id, cipher)?;
    Ok(mfa::matching_step(&secret, code, identity.wall.now().timestamp()))
}

/// Makes a new secret for a person who has none confirmed; asking again replaces it.
pub(super) async fn begin_enrollment(
    identity: &Identity,
    request_id: &RequestMark,
    token: &str,
) -> Result<Enrollment, OpError> {
    let challenge = read_challenge(identity, Purpose::MfaEnrollment, token)?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor enrolment", request_id))
        .await?;
    let row = lock_challenged(&mut tx, &challenge).await?;
    if row.totp_confirmed_at.is_some() {
        return Err(challenge_ended());
    }
    let secret = mfa::new_secret();
    let cipher = identity
        .keyring
        .platform_seal("identities", "totp_secret_cipher", row.id, &secret)?;
    store::set_totp_secret(&mut tx, row.id, &cipher).await?;
    let email = identity
        .keyring
        .platform_open("identities", "email_cipher", row.id, &row.email_cipher)?;
    let enrollment = mfa::enrollment(&secret, &String::from_utf8_lossy(&email))?;
    push_audit(&mut tx, "mfa.enrollment_begun", Some(row.id));
    tx.commit().await?;
    Ok(enrollment)
}

/// Confirms the secret with a first code; gives the recovery codes, once, and the first session.
pub(super) async fn confirm_enrollment(
    identity: &Identity,
    request_id: &RequestMark,
    origin: Origin<'_>,
    token: &str,
    code: &str,
) -> Result<(Vec<String>, IssuedSession), OpError> {
    let challenge = read_challenge(identity, Purpose::MfaEnrollment, token)?;
    let guard = guard_challenge(identity, request_id, origin.peer, &challenge).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor enrolment", request_id))
        .await?;
    let row = lock_challenged(&mut tx, &challenge).await?;
    if row.totp_confirmed_at.is_some() {
        return Err(challenge_ended());
    }
    let Some(step) = totp_step(identity, &row, code.trim())? else {
        drop(tx);
        guard.failed("login.second_factor_failed", Some(row.id)).await?;
        return Err(wrong_code());
    };
    let (codes, hashes) = new_codes();
    store::confirm_totp(&mut tx, row.id, step, &hashes).await?;
    push_audit(&mut tx, "mfa.enrolled", Some(row.id));
    let issued = open_session(identity, &mut tx, &row, challenge.biz, origin).await?;
    guard.signed_in(&mut tx).await?;
    tx.commit().await?;
    Ok((codes, issued))
}

/// New recovery codes, to be shown once, and what is stored of them.
pub(super) fn new_codes() -> (Vec<String>, Vec<Vec<u8>>) {
    let codes = mfa::new_recovery_codes();
    let hashes = codes
        .iter()
        .map(|code| hash_secret(&mfa::normalise_recovery_code(code)))
        .collect();
    (codes, hashes)
}

fn read_challenge(identity: &Identity, purpose: Purpose, token: &str) -> Result<Claims, OpError> {
    match identity.tokens.read(purpose, token, identity.wall.now()) {
        Ok(claims) => Ok(claims),
        Err(TokenProblem::Invalid | TokenProblem::Expired) => Err(challenge_ended()),
    }
}

/// Counts a try at the second factor as a try to sign in.
async fn guard_challenge<'a>(
    identity: &'a Identity,
    request_id: &'a RequestMark,
    peer: IpAddr,
    challenge: &Claims,
) -> Result<FailureGuard<'a>, OpError> {
    let ctx = SystemCtx::for_reason("second factor", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let person = credential_store::find_identity(&mut tx, challenge.sub).await?;
    let blind = credential_store::email_blind(&mut tx, challenge.sub).await?;
    tx.commit().await?;
    let (Some(person), Some(blind)) = (person, blind) else {
        return Err(challenge_ended());
    };
    let account = Account {
        name: &person.id.to_string(),
        blind: &blind,
        password_hash: Some(&person.password_hash),
    };
    FailureGuard::enter(identity, request_id, peer, account).await
}

/// The person behind a challenge, locked. A password that was changed since has ended it.
async fn lock_challenged(tx: &mut SystemTx, challenge: &Claims) -> Result<IdentityRow, OpError> {
    store::lock_identity(tx, challenge.sub)
        .await?
        .filter(|row| challenge.pwd.as_deref() == Some(&password_mark(&row.password_hash)))
        .ok_or_else(challenge_ended)
}

/// In the platform's trail; the row's id.
pub(super) fn push_audit(tx: &mut SystemTx, action: &'static str, object: Option<Uuid>) -> Uuid {
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action,
        object_id: object,
        details: serde_json::json!({}),
    })
}
