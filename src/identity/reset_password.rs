//! A forgotten password: a link by mail, good once and for an hour, sets a new one. Whoever follows it is not signed
//! in, and the second factor stays: a mailbox alone opens no door.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{
    Identity,
    account_mail::{AccountMail, SendAccountMail},
    credential_store, email_change_store,
    login::push_audit,
    password::hash_password,
    password_policy::{self, About},
    registration_store,
    revocations::forget_all,
    store::{self, IdentityRow},
    tokens::hash_secret,
};
use crate::platform::{
    context::{Actor, RequestMark, SystemCtx},
    db::{PlatformAudit, SystemTx},
    email::EmailAddress,
    error::OpError,
    gql::{UserError, UserErrorCode},
    rate_limit::Rule,
};

/// How long a link is good.
pub(super) const LINK_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Links that one address is sent (SEC-024).
const LINKS_PER_HOUR: Rule = Rule::new("password_resets_hour", 3, std::time::Duration::from_secs(3600));

/// Asks for a link. Answer and work are the same whether or not the address is known, or has had its links of the
/// hour: what differs is done by the job.
pub(super) async fn request_password_reset(
    identity: &Identity,
    request_id: &RequestMark,
    email: &str,
) -> Result<(), OpError> {
    let email = EmailAddress::parse(email)
        .map_err(|error| UserError::invalid("email", error.to_string()))?
        .normalised();
    let asked = identity
        .limiter
        .check(&[(LINKS_PER_HOUR, &email)], identity.wall.now())
        .await;
    let ctx = SystemCtx::for_reason("password reset asked for", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let row = store::identity_by_email(&mut tx, &identity.keyring.platform_blind(&email)).await?;
    let person = row.map(|row| row.id);
    let mail = SendAccountMail::new(person.filter(|_| asked.allowed), AccountMail::PasswordReset);
    tx.enqueue(None, &mail).await?;
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "password.reset_requested",
        object_id: person,
        details: serde_json::json!({ "limited": !asked.allowed }),
    });
    Ok(tx.commit().await?)
}

fn link_ended() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This link has expired, was used, or was replaced by a newer one. Ask for a new one.",
    )
    .into()
}

/// Spends a link for a new password and ends every session. A password that breaks a rule leaves the link as it is.
pub(super) async fn reset_password(
    identity: &Identity,
    request_id: &RequestMark,
    token: &str,
    new_password: &SecretString,
) -> Result<(), OpError> {
    let token_hash = hash_secret(token);
    let ctx = SystemCtx::for_reason("password reset", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let person = credential_store::reset_of(&mut tx, &token_hash, identity.wall.now())
        .await?
        .ok_or_else(link_ended)?;
    let row = credential_store::find_identity(&mut tx, person)
        .await?
        .ok_or_else(link_ended)?;
    check_rules(identity, &mut tx, &row, new_password).await?;
    tx.commit().await?;
    // Hashing takes long: no row is locked meanwhile, and of two at once the one that spends the link has won.
    let hash = hash_password(new_password).await?;
    let mut tx = identity.db.system(&ctx).await?;
    if !credential_store::spend_reset(&mut tx, &token_hash, identity.wall.now()).await? {
        return Err(link_ended());
    }
    let ended = put_password(identity, &mut tx, person, &hash).await?;
    // Who has the mailbox is not kept waiting by a stranger's guesses.
    if let Some(account) = credential_store::email_blind(&mut tx, person).await? {
        credential_store::save_failures(&mut tx, &account, None).await?;
    }
    push_audit(&mut tx, "password.reset", Some(person));
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(())
}

/// Whether the password may be this person's.
pub(super) async fn check_rules(
    identity: &Identity,
    tx: &mut SystemTx,
    row: &IdentityRow,
    new_password: &SecretString,
) -> Result<(), OpError> {
    let email = identity
        .keyring
        .platform_open("identities", "email_cipher", row.id, &row.email_cipher)?;
    let names = credential_store::names_around(tx, row.id).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let about = About {
        email: &String::from_utf8_lossy(&email),
        names: &names,
        second_factor: row.totp_confirmed_at.is_some(),
        classes_required: identity.settings.password_classes_required,
    };
    password_policy::check(new_password.expose_secret(), &about)
        .map_err(|broken| broken.at("newPassword").into())
}

/// Stores a new password, ends every session, every stay inside a business and every link, and tells the person by mail.
/// What has ended is to be forgotten once the transaction is committed.
pub(super) async fn put_password(
    identity: &Identity,
    tx: &mut SystemTx,
    person: Uuid,
    hash: &str,
) -> Result<Vec<Uuid>, OpError> {
    // The person first: a log-in that is under way has opened its session by then, or fails for the new password.
    store::lock_identity(tx, person).await?;
    credential_store::set_password(tx, person, hash).await?;
    registration_store::forget_all_of(tx, person).await?;
    credential_store::drop_reset(tx, person).await?;
    email_change_store::forget(tx, person).await?;
    let now = identity.wall.now();
    let mut ended = credential_store::revoke_sessions(tx, person, None, "PASSWORD_CHANGED", now).await?;
    ended.extend(store::end_visits_of(tx, person, now).await?);
    let mail = SendAccountMail::new(Some(person), AccountMail::PasswordChanged);
    tx.enqueue(None, &mail).await?;
    Ok(ended)
}
