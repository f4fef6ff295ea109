//! Password, then second factor. Staff cannot do without one: who has none enrols before the first session.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Identity,
    mfa::{self, Enrollment},
    password::verify_password,
    session::{IssuedSession, find_place, open_session},
    store::{self, IdentityRow},
    tokens::{Purpose, TokenProblem, hash_secret},
};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{PlatformAudit, SystemTx},
    email::EmailAddress,
    error::OpError,
    gql::{UserError, UserErrorCode},
    rate_limit::Rule,
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
    request_id: &str,
    peer: IpAddr,
    email: &str,
    password: &SecretString,
) -> Result<LoginStep, OpError> {
    let Ok(email) = EmailAddress::parse(email) else {
        return Err(wrong_credentials());
    };
    let normalised = email.normalised();
    let guard = FailureGuard::enter(identity, peer, &normalised).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-in", request_id))
        .await?;
    let row = store::identity_by_email(&mut tx, &identity.keyring.platform_blind(&normalised)).await?;
    tx.commit().await?;
    let fits = verify_password(password, row.as_ref().map(|row| row.password_hash.as_str())).await?;
    let Some(row) = row.filter(|_| fits) else {
        audit(identity, request_id, "login.failed", None).await?;
        return Err(wrong_credentials());
    };
    guard.succeeded().await;
    if row.email_verified_at.is_none() {
        return Err(UserError::new(
            UserErrorCode::EmailNotVerified,
            "Open the link in the verification mail first. Register again with the same address to get a new one.",
        )
        .into());
    }
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-in", request_id))
        .await?;
    // Who can be let in nowhere is told so before they look for their second factor.
    find_place(&mut tx, &row, None).await?;
    push_audit(&mut tx, "login.password_accepted", Some(row.id));
    tx.commit().await?;
    second_factor(identity, row.id, row.totp_confirmed_at.is_some(), None)
}

/// What comes after the right password; the session will be in `business`, if one is named.
pub(super) fn second_factor(
    identity: &Identity,
    person: Uuid,
    is_enrolled: bool,
    business: Option<Uuid>,
) -> Result<LoginStep, OpError> {
    let token = |purpose| {
        identity
            .tokens
            .challenge(purpose, person, business, identity.wall.now())
    };
    Ok(if is_enrolled {
        LoginStep::Challenge(token(Purpose::MfaChallenge)?)
    } else {
        LoginStep::Enrollment(token(Purpose::MfaEnrollment)?)
    })
}

/// Takes a TOTP or recovery code and opens the session.
pub(super) async fn complete_mfa(
    identity: &Identity,
    request_id: &str,
    peer: IpAddr,
    token: &str,
    code: &str,
) -> Result<IssuedSession, OpError> {
    let (identity_id, business) = read_challenge(identity, Purpose::MfaChallenge, token)?;
    let guard = FailureGuard::enter(identity, peer, &identity_id.to_string()).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor", request_id))
        .await?;
    let row = store::lock_identity(&mut tx, identity_id)
        .await?
        .ok_or_else(challenge_ended)?;
    if !spend_code(identity, &mut tx, &row, code).await? {
        drop(tx);
        audit(
            identity,
            request_id,
            "login.second_factor_failed",
            Some(identity_id),
        )
        .await?;
        return Err(wrong_code());
    }
    let issued = open_session(identity, &mut tx, &row, business).await?;
    tx.commit().await?;
    guard.succeeded().await;
    Ok(issued)
}

async fn spend_code(
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
    request_id: &str,
    token: &str,
) -> Result<Enrollment, OpError> {
    let (identity_id, _) = read_challenge(identity, Purpose::MfaEnrollment, token)?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor enrolment", request_id))
        .await?;
    let row = store::lock_identity(&mut tx, identity_id)
        .await?
        .ok_or_else(challenge_ended)?;
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
    request_id: &str,
    peer: IpAddr,
    token: &str,
    code: &str,
) -> Result<(Vec<String>, IssuedSession), OpError> {
    let (identity_id, business) = read_challenge(identity, Purpose::MfaEnrollment, token)?;
    let guard = FailureGuard::enter(identity, peer, &identity_id.to_string()).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("second factor enrolment", request_id))
        .await?;
    let row = store::lock_identity(&mut tx, identity_id)
        .await?
        .ok_or_else(challenge_ended)?;
    if row.totp_confirmed_at.is_some() {
        return Err(challenge_ended());
    }
    let Some(step) = totp_step(identity, &row, code.trim())? else {
        drop(tx);
        return Err(wrong_code());
    };
    let codes = mfa::new_recovery_codes();
    let hashes: Vec<Vec<u8>> = codes
        .iter()
        .map(|code| hash_secret(&mfa::normalise_recovery_code(code)))
        .collect();
    store::confirm_totp(&mut tx, row.id, step, &hashes).await?;
    push_audit(&mut tx, "mfa.enrolled", Some(row.id));
    let issued = open_session(identity, &mut tx, &row, business).await?;
    tx.commit().await?;
    guard.succeeded().await;
    Ok((codes, issued))
}

/// Whose log-in it is, and the business that it leads to, if one is named.
fn read_challenge(
    identity: &Identity,
    purpose: Purpose,
    token: &str,
) -> Result<(Uuid, Option<Uuid>), OpError> {
    match identity.tokens.read(purpose, token, identity.wall.now()) {
        Ok(claims) => Ok((claims.sub, claims.biz)),
        Err(TokenProblem::Invalid | TokenProblem::Expired) => Err(challenge_ended()),
    }
}

pub(super) fn push_audit(tx: &mut SystemTx, action: &'static str, object: Option<Uuid>) {
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action,
        object_id: object,
        details: serde_json::json!({}),
    });
}

pub(super) async fn audit(
    identity: &Identity,
    request_id: &str,
    action: &'static str,
    object: Option<Uuid>,
) -> Result<(), OpError> {
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-in audit", request_id))
        .await?;
    push_audit(&mut tx, action, object);
    Ok(tx.commit().await?)
}

/// Counts failures only, per IP and per account, so that an office behind one address is not locked out by
/// success. Every try is counted before it is made and given back when it was right: parallel guesses cannot slip
/// through between looking and counting.
pub(super) struct FailureGuard<'a> {
    identity: &'a Identity,
    subjects: [String; 2],
    counted_at: DateTime<Utc>,
}

impl<'a> FailureGuard<'a> {
    pub(super) async fn enter(identity: &'a Identity, peer: IpAddr, account: &str) -> Result<Self, OpError> {
        let counted_at = identity.wall.now();
        let guard = Self {
            identity,
            subjects: [peer.to_string(), account.to_owned()],
            counted_at,
        };
        let verdict = identity.limiter.check(&guard.rules(), counted_at).await;
        if verdict.allowed {
            return Ok(guard);
        }
        let minutes = verdict.retry_after.as_secs().div_ceil(60).max(1);
        Err(UserError::new(
            UserErrorCode::Locked,
            format!("Too many failed attempts. Try again in {minutes} minute(s)."),
        )
        .into())
    }

    fn rules(&self) -> [(Rule, &str); 2] {
        let limits = &self.identity.settings.rate_limits;
        [
            (limits.login_failures_per_ip, self.subjects[0].as_str()),
            (limits.login_failures_per_account, self.subjects[1].as_str()),
        ]
    }

    pub(super) async fn succeeded(&self) {
        self.identity.limiter.refund(&self.rules(), self.counted_at).await;
    }
}
