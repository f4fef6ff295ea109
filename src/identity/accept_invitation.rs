//! An invited person becomes a member. Who is new sets a password; who has an identity already gives theirs and gains
//! another membership. The link proves the address; the second factor comes after, as in any log-in.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity, NewMember, business_store,
    invitation_store::{self, HeldInvitation},
    invite::{check_name, open_address},
    lockout::{Account, FailureGuard},
    login::{LoginStep, Passed, push_audit, second_factor},
    mail_reader::reader_of_member,
    password::hash_password,
    password_policy::{self, About},
    ports::{StaffMail, StaffMailer},
    registration_store,
    store::{self, IdentityRow, NewIdentity},
    team_store,
    tokens::hash_secret,
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, RequestMark, SystemCtx, TenantCtx},
        db::{AuditEntry, SystemTx},
        email::EmailAddress,
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        jobs::{Job, JobError},
    },
};

/// What comes with the link.
pub(super) struct Acceptance {
    pub(super) token: String,
    pub(super) password: Option<SecretString>,
    /// Instead of the name in the invitation.
    pub(super) name: Option<String>,
}

/// Greets a new member.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendWelcomeMail {
    user_id: Uuid,
}

impl Job for SendWelcomeMail {
    const NAME: &'static str = "identity.send_welcome_mail";
}

fn bad_link() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This invitation has expired, was withdrawn, or was used. Ask an administrator of the business for a new one.",
    )
    .into()
}

/// The person behind the address, as looked at before the password is worked on.
enum Person {
    /// No identity has the address; with the hash of the new password.
    Nobody(String),
    /// One has it that never showed that the address is theirs. The link shows it now: a stranger who registered with the
    /// address before keeps nothing, their password neither.
    Unverified(IdentityRow, String),
    /// Somebody who gave the right password.
    Known(IdentityRow),
}

/// Accepts an invitation and answers as a log-in does.
///
/// # Errors
/// User errors: BAD_CREDENTIALS for a link that is not good and for a wrong password, and what does not fit.
pub(super) async fn accept_invitation(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    acceptance: Acceptance,
) -> Result<LoginStep, OpError> {
    let token_hash = hash_secret(&acceptance.token);
    let ctx = SystemCtx::for_reason("accept an invitation", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let held = invitation_store::held_invitation(&mut tx, &token_hash)
        .await?
        .ok_or_else(bad_link)?;
    let row = store::identity_by_email(&mut tx, &held.email_blind).await?;
    tx.commit().await?;
    if held.business_status != "ACTIVE" {
        return Err(UserError::new(
            UserErrorCode::Suspended,
            "The business that invited you is suspended. Ask its administrator.",
        )
        .into());
    }
    let role = Role::parse(&held.role).ok_or_else(bad_link)?;
    let name = check_name(acceptance.name.as_deref().unwrap_or(&held.name))?;
    let email = open_address(&identity.keyring, "invitations", held.id, &held.email_cipher)?;
    let password = acceptance.password.as_ref();
    let person = match row {
        Some(row) if row.email_verified_at.is_some() => {
            known_person(identity, request_id, peer, (&held, &email), row, password).await?
        }
        Some(row) => Person::Unverified(row, new_password(identity, &email, &name, password).await?),
        None => Person::Nobody(new_password(identity, &email, &name, password).await?),
    };

    let mut tx = identity.db.system(&ctx).await?;
    let held = invitation_store::lock_held_invitation(&mut tx, &token_hash)
        .await?
        .ok_or_else(bad_link)?;
    let settled = settle_person(identity, &mut tx, &held, &email, person).await?;
    let user_id = ids::next();
    let member = NewMember {
        business_id: held.business_id,
        user_id,
        identity_id: settled.person,
        name,
        role,
        custom_role_id: held.custom_role_id,
    };
    business_store::insert_member(&mut tx, &member)
        .await
        .map_err(|error| {
            // They joined by an earlier invitation in the same moment.
            if error.is_constraint("users_business_id_identity_id_key") {
                return bad_link();
            }
            OpError::from(error)
        })?;
    invitation_store::set_invitation_accepted(&mut tx, &held, user_id).await?;
    tx.enqueue(Some(held.business_id), &SendWelcomeMail { user_id })
        .await?;
    let details = json!({ "user": user_id, "role": role.as_str() });
    tx.audit_in(
        held.business_id,
        Actor::User(user_id),
        AuditEntry::plain("invitation.accepted", held.id, &details).in_role(Some(role.as_str())),
    );
    push_audit(&mut tx, "login.password_accepted", Some(settled.person));
    tx.commit().await?;
    let passed = Passed {
        person: settled.person,
        password_hash: &settled.password_hash,
        is_enrolled: settled.is_enrolled,
    };
    second_factor(identity, &passed, Some(held.business_id))
}

/// Checks the password of somebody who has an identity; failures count as those of a log-in.
async fn known_person(
    identity: &Identity,
    request_id: &RequestMark,
    peer: IpAddr,
    (held, email): (&HeldInvitation, &EmailAddress),
    row: IdentityRow,
    password: Option<&SecretString>,
) -> Result<Person, OpError> {
    let wrong = || {
        OpError::from(UserError::at(
            UserErrorCode::BadCredentials,
            "password",
            "You have a log-in already: give its password to join this business with it.",
        ))
    };
    let password = password.ok_or_else(wrong)?;
    let account = Account {
        name: &email.normalised(),
        blind: &held.email_blind,
        password_hash: Some(&row.password_hash),
    };
    let guard = FailureGuard::enter(identity, request_id, peer, account).await?;
    if !guard.verify(password, Some(&row.password_hash)).await? {
        guard.failed("login.failed", Some(row.id)).await?;
        return Err(wrong());
    }
    guard.take_back().await?;
    Ok(Person::Known(row))
}

async fn new_password(
    identity: &Identity,
    email: &EmailAddress,
    name: &str,
    password: Option<&SecretString>,
) -> Result<String, OpError> {
    let password = password.ok_or_else(|| {
        UserError::invalid(
            "password",
            "Choose a password of 15 to 128 characters; several words are fine.",
        )
    })?;
    let about = About {
        email: email.as_str(),
        names: &[name],
        second_factor: false,
        classes_required: identity.settings.password_classes_required,
    };
    password_policy::check(password.expose_secret(), &about).map_err(|broken| broken.at("password"))?;
    hash_password(password).await
}

/// Whose membership it becomes.
struct Settled {
    person: Uuid,
    password_hash: String,
    is_enrolled: bool,
}

/// Makes sure that the person is still who was looked at, and that they have a verified identity.
async fn settle_person(
    identity: &Identity,
    tx: &mut SystemTx,
    held: &HeldInvitation,
    email: &EmailAddress,
    person: Person,
) -> Result<Settled, OpError> {
    let (seen, password_hash) = match person {
        Person::Nobody(password_hash) => {
            return new_identity(identity, tx, held, email, password_hash).await;
        }
        Person::Unverified(row, password_hash) => (row, Some(password_hash)),
        Person::Known(row) => (row, None),
    };
    let now = store::lock_identity(tx, seen.id).await?.ok_or_else(changed)?;
    if now.password_hash != seen.password_hash || now.email_verified_at != seen.email_verified_at {
        return Err(changed());
    }
    if let Some(password_hash) = &password_hash {
        invitation_store::set_verified(tx, now.id, password_hash).await?;
        // A link of theirs that is still under way lets in nobody's registration any more.
        registration_store::forget_all_of(tx, now.id).await?;
        push_audit(tx, "email.verified", Some(now.id));
    }
    Ok(Settled {
        person: now.id,
        password_hash: password_hash.unwrap_or(now.password_hash),
        is_enrolled: now.totp_confirmed_at.is_some(),
    })
}

async fn new_identity(
    identity: &Identity,
    tx: &mut SystemTx,
    held: &HeldInvitation,
    email: &EmailAddress,
    password_hash: String,
) -> Result<Settled, OpError> {
    let id = ids::next();
    let address = email.as_str().as_bytes();
    let new = NewIdentity {
        id,
        email_blind: held.email_blind.clone(),
        email_cipher: identity
            .keyring
            .platform_seal("identities", "email_cipher", id, address)?,
        password_hash,
        platform_role: None,
    };
    store::insert_identity(tx, &new).await.map_err(|error| {
        if error.is_constraint("identities_email_blind_key") {
            return changed();
        }
        OpError::from(error)
    })?;
    invitation_store::set_verified(tx, id, &new.password_hash).await?;
    push_audit(tx, "email.verified", Some(id));
    Ok(Settled {
        person: id,
        password_hash: new.password_hash,
        is_enrolled: false,
    })
}

fn changed() -> OpError {
    UserError::new(
        UserErrorCode::Conflict,
        "Your log-in was changed at this very moment. Try again.",
    )
    .into()
}

/// Runs [`SendWelcomeMail`]; sent twice when the worker dies after the mail.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_welcome_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendWelcomeMail,
) -> Result<(), JobError> {
    let mut tx = identity.db.tenant(ctx).await?;
    let business = invitation_store::business_name(&mut tx).await?;
    let details = team_store::member_details(&mut tx, &[job.user_id]).await?;
    let reader = reader_of_member(&mut tx, job.user_id).await?;
    tx.finish_read().await?;
    let Some(person) = details.first() else {
        return Ok(());
    };
    let email = open_address(
        &identity.keyring,
        "identities",
        person.identity_id,
        &person.email_cipher,
    )
    .map_err(|error| JobError::Fatal(error.to_string()))?;
    let link = identity.settings.public_base_url.clone();
    mailer
        .send(&email, reader, StaffMail::Welcome { business, link })
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
