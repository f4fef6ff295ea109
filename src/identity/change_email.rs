//! Somebody of the staff signs in with another address. The password asks for it, a link to the new address and the password
//! again confirm it, the old address is told at once, and every session and every link to the old address ends.

use std::net::IpAddr;

use chrono::TimeDelta;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity, Person,
    account_mail::{AccountMail, SendAccountMail},
    credential_store,
    email_change_store::{self, EmailChange},
    lockout::{Account, FailureGuard},
    login::push_audit,
    mail_reader::reader_of,
    ports::{StaffMail, StaffMailer},
    registration_store,
    revocations::forget_all,
    store::{self, IdentityRow},
    tokens::{hash_secret, new_secret},
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, RequestMark, SystemCtx},
        db::{AuditEntry, SystemTx},
        email::EmailAddress,
        error::OpError,
        gql::{UserError, UserErrorCode},
        jobs::{Job, JobError},
        rate_limit::Rule,
    },
};

/// How long a link is good (wall time).
const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// Links that one person, and one address, are sent.
const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
const OF_A_PERSON: Rule = Rule::new("email_changes_hour", 3, HOUR);
const TO_AN_ADDRESS: Rule = Rule::new("verification_mails_hour", 3, HOUR);

/// Sends the link to the new address.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendEmailChangeLink {
    identity_id: Uuid,
}

impl Job for SendEmailChangeLink {
    const NAME: &'static str = "identity.send_email_change_link";
}

fn wrong_password(field: &str) -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        field,
        "This is not your present password.",
    )
    .into()
}

/// Asks for another address. The answer does not say whether somebody has it: its owner is told by mail.
///
/// # Errors
/// User errors: INVALID_INPUT for what is no address, or the present one; BAD_CREDENTIALS for a wrong password, which counts
/// as a failed log-in; LOCKED after too many of them, and after three wishes in an hour.
pub(super) async fn change_email(
    identity: &Identity,
    request_id: &RequestMark,
    (person, peer): (Person, IpAddr),
    email: &str,
    password: &SecretString,
) -> Result<(), OpError> {
    let email = EmailAddress::parse(email).map_err(|error| UserError::invalid("email", error.to_string()))?;
    let ctx = SystemCtx::for_reason("change of an e-mail address", request_id);
    let field = "currentPassword";
    let (row, blind) = read_person(identity, &ctx, person.identity_id)
        .await?
        .ok_or_else(|| wrong_password(field))?;
    prove(identity, request_id, peer, (&row, &blind), (password, field)).await?;
    let wanted = identity.keyring.platform_blind(&email.normalised());
    if wanted == *blind {
        return Err(UserError::invalid("email", "This is your address already.").into());
    }
    let now = identity.wall.now();
    let allowed = async |rule: Rule, subject: &str| {
        let verdict = identity.limiter.check(&[(rule, subject)], now).await;
        verdict.allowed
    };
    if !allowed(OF_A_PERSON, &row.id.to_string()).await {
        let message = "You have asked for three addresses within an hour: wait before you ask for another.";
        return Err(UserError::new(UserErrorCode::Locked, message).into());
    }
    if !allowed(TO_AN_ADDRESS, &email.normalised()).await {
        // The answer stays the same: nobody learns whether mails are on their way.
        return Ok(());
    }
    let keyring = &identity.keyring;
    let sealed = keyring.platform_seal("email_changes", "email_cipher", row.id, email.as_str().as_bytes())?;
    let mut tx = identity.db.system(&ctx).await?;
    let unchanged = store::lock_identity(&mut tx, row.id)
        .await?
        .is_some_and(|now| now.password_hash == row.password_hash);
    if !unchanged {
        return Err(wrong_password(field));
    }
    let wish = EmailChange {
        identity_id: row.id,
        email_blind: wanted.to_vec(),
        email_cipher: sealed,
    };
    email_change_store::put(&mut tx, &wish, now + LINK_LIFETIME).await?;
    tx.enqueue(None, &SendEmailChangeLink { identity_id: row.id })
        .await?;
    let notice = SendAccountMail::new(Some(row.id), AccountMail::EmailChangeAsked);
    tx.enqueue(None, &notice).await?;
    push_audit(&mut tx, "email.change_requested", Some(row.id));
    Ok(tx.commit().await?)
}

fn bad_link() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This link has expired, was used, or was replaced by a newer one. Call changeEmail again.",
    )
    .into()
}

fn taken() -> OpError {
    UserError::at(
        UserErrorCode::Conflict,
        "token",
        "Somebody signs in with this address already.",
    )
    .into()
}

/// Spends a link: the person signs in with the new address from now on. Every session, every stay inside a business and every
/// link that was mailed to the old address end.
///
/// # Errors
/// User errors: BAD_CREDENTIALS for a link that is not good and for a wrong password, which counts as a failed log-in;
/// CONFLICT for an address that somebody else has taken meanwhile.
pub(super) async fn confirm_email_change(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    token: &str,
    password: &SecretString,
) -> Result<(), OpError> {
    let token_hash = hash_secret(token);
    let ctx = SystemCtx::for_reason("change of an e-mail address", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let seen = email_change_store::wish_by_link(&mut tx, &token_hash, identity.wall.now())
        .await?
        .ok_or_else(bad_link)?;
    tx.commit().await?;
    let (row, blind) = read_person(identity, &ctx, seen.identity_id)
        .await?
        .ok_or_else(bad_link)?;
    prove(identity, request_id, peer, (&row, &blind), (password, "password")).await?;
    let mut tx = identity.db.system(&ctx).await?;
    store::lock_address(&mut tx, &seen.email_blind).await?;
    let unchanged = store::lock_identity(&mut tx, row.id)
        .await?
        .is_some_and(|now| now.password_hash == row.password_hash);
    let wish = email_change_store::wish_by_link(&mut tx, &token_hash, identity.wall.now()).await?;
    let wish = wish.filter(|_| unchanged).ok_or_else(bad_link)?;
    make_way(&mut tx, &wish.email_blind).await?;
    move_to(identity, &mut tx, &wish).await?;
    credential_store::save_failures(&mut tx, &blind, None).await?;
    let wall = identity.wall.now();
    let mut ended = credential_store::revoke_sessions(&mut tx, row.id, None, "EMAIL_CHANGED", wall).await?;
    ended.extend(store::end_visits_of(&mut tx, row.id, wall).await?);
    record(&mut tx, row.id, ended.len()).await?;
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(())
}

async fn read_person(
    identity: &Identity,
    ctx: &SystemCtx,
    person: Uuid,
) -> Result<Option<(IdentityRow, Vec<u8>)>, OpError> {
    let mut tx = identity.db.system(ctx).await?;
    let row = credential_store::find_identity(&mut tx, person).await?;
    let blind = credential_store::email_blind(&mut tx, person).await?;
    tx.commit().await?;
    Ok(row.zip(blind))
}

/// Checks the password of somebody; a wrong one counts as a failed log-in.
async fn prove(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    (row, blind): (&IdentityRow, &[u8]),
    (password, field): (&SecretString, &str),
) -> Result<(), OpError> {
    let account = Account {
        name: &row.id.to_string(),
        blind,
        password_hash: Some(&row.password_hash),
    };
    let guard = FailureGuard::enter(identity, request_id, peer, account).await?;
    if !guard.verify(password, Some(&row.password_hash)).await? {
        guard.failed("email.change_failed", Some(row.id)).await?;
        return Err(wrong_password(field));
    }
    guard.take_back().await
}

/// Whoever registered with the address and never showed that it is theirs makes way for who has shown it.
async fn make_way(tx: &mut SystemTx, blind: &[u8]) -> Result<(), OpError> {
    let Some(other) = store::identity_by_email(tx, blind).await? else {
        return Ok(());
    };
    let Some(other) = store::lock_identity(tx, other.id).await? else {
        return Ok(());
    };
    if other.email_verified_at.is_some() {
        return Err(taken());
    }
    registration_store::forget_all_of(tx, other.id).await?;
    if registration_store::forget_unverified(tx, other.id).await? {
        Ok(())
    } else {
        Err(taken())
    }
}

async fn move_to(identity: &Identity, tx: &mut SystemTx, wish: &EmailChange) -> Result<(), OpError> {
    let (id, keyring) = (wish.identity_id, &identity.keyring);
    let email = keyring.platform_open("email_changes", "email_cipher", id, &wish.email_cipher)?;
    let sealed = keyring.platform_seal("identities", "email_cipher", id, &email)?;
    let moved = email_change_store::set_email(tx, id, &wish.email_blind, &sealed).await;
    moved.map_err(|error| {
        if error.is_constraint("identities_email_blind_key") {
            return taken();
        }
        OpError::from(error)
    })?;
    email_change_store::forget(tx, id).await?;
    Ok(credential_store::drop_reset(tx, id).await?)
}

/// In the platform's trail, and in those of the businesses that the person is a member of: neither names an address.
async fn record(tx: &mut SystemTx, person: Uuid, sessions_ended: usize) -> Result<(), OpError> {
    push_audit(tx, "email.changed", Some(person));
    for place in store::memberships(tx, person).await? {
        if place.may_be_entered() {
            let role = Role::parse(&place.role).map(Role::as_str);
            let details = json!({ "sessions_ended": sessions_ended });
            let entry = AuditEntry::plain("user.email_changed", place.user_id, &details).in_role(role);
            tx.audit_in(place.business_id, Actor::User(place.user_id), entry);
        }
    }
    Ok(())
}

/// Runs [`SendEmailChangeLink`]. Sent twice when the worker dies between mail and commit; the newest link works.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_email_change_link(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    job: SendEmailChangeLink,
) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("link to a new address", "job-email-change");
    let mut tx = identity.db.system(&ctx).await?;
    store::lock_identity(&mut tx, job.identity_id).await?;
    let wish = email_change_store::wish_of(&mut tx, job.identity_id, identity.wall.now()).await?;
    let Some(wish) = wish else { return Ok(()) };
    let email = identity
        .keyring
        .platform_open(
            "email_changes",
            "email_cipher",
            wish.identity_id,
            &wish.email_cipher,
        )
        .map_err(|error| JobError::Fatal(error.to_string()))?;
    let email = std::str::from_utf8(&email)
        .ok()
        .and_then(|text| EmailAddress::parse(text).ok())
        .ok_or_else(|| JobError::Fatal("a wanted address is unreadable".to_owned()))?;
    let holder = store::identity_by_email(&mut tx, &wish.email_blind).await?;
    let mail = if holder.is_some_and(|holder| holder.email_verified_at.is_some()) {
        email_change_store::forget(&mut tx, wish.identity_id).await?;
        StaffMail::EmailTaken
    } else {
        let token = new_secret("fce_");
        email_change_store::set_link(&mut tx, wish.identity_id, &hash_secret(&token)).await?;
        let base = &identity.settings.public_base_url;
        StaffMail::ConfirmEmail {
            link: format!("{base}/confirm-email?token={token}"),
        }
    };
    let reader = reader_of(&mut tx, job.identity_id, None).await?;
    // The link must be good before anybody can follow it; the call itself happens outside the transaction.
    tx.commit().await?;
    mailer
        .send(&email, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
