//! Staff join by invitation: a link to an address, good for seven days and once, that carries the role.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    invitation_store::{self as store, NewInvitation},
    ports::{MailReader, StaffMail, StaffMailer},
    role_store,
    team_store::member_with_address,
    tokens::{hash_secret, new_secret},
};
use crate::{
    access::{Cell, Role, authorize},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        email::EmailAddress,
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        jobs::{Job, JobError},
        keys::Keyring,
        rate_limit::Rule,
    },
};

/// In business time, from the day of the invitation or of its renewal.
pub(super) const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Mails to one address: nobody is to be pestered.
const MAILS_PER_ADDRESS: Rule = Rule::new("invitation_mails_address", 3, Duration::from_secs(3600));
/// Mails in the name of one business: nobody is to send their own mails through ours.
const MAILS_PER_BUSINESS: Rule = Rule::new("invitation_mails_business", 200, Duration::from_secs(24 * 3600));

/// Who is to join, as what.
pub(super) struct Invitee {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: Role,
    /// A role of the business's own, with `role` as its base.
    pub(super) custom_role_id: Option<Uuid>,
}

/// Mails the link; the token is made when the mail is.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendInvitationMail {
    pub(super) invitation_id: Uuid,
}

impl Job for SendInvitationMail {
    const NAME: &'static str = "identity.send_invitation_mail";
}

/// Refuses unless the caller manages members of this role: a manager has to do with agents only, and who was
/// given less than their role has to do with nobody, whom they could otherwise give more than they have.
pub(super) fn authorize_over(identity: &Identity, tx: &TenantTx, role: &str) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::UserManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let own = if authorize(tx.ctx(), Cell::UserManageAny).is_ok() {
        Role::BusinessAdmin
    } else {
        Role::Manager
    };
    if tx.ctx().grants() != identity.access.grants(own) {
        return Err(OpError::Forbidden(
            "You have fewer permissions than your role, hence cannot give any: ask an administrator of your business."
                .to_owned(),
        ));
    }
    if role == Role::Agent.as_str() || authorize(tx.ctx(), Cell::UserManageAny).is_ok() {
        return Ok(());
    }
    Err(OpError::Forbidden(
        "Your role manages agents only: ask an administrator of your business.".to_owned(),
    ))
}

/// Checks a member's display name.
pub(super) fn check_name(name: &str) -> Result<String, UserError> {
    let name = name.trim();
    if (1..=200).contains(&name.chars().count()) {
        return Ok(name.to_owned());
    }
    Err(UserError::invalid(
        "name",
        "Fill this in with 1 to 200 characters.",
    ))
}

/// Invites somebody, or renews their open invitation.
///
/// # Errors
/// User errors for values that do not fit, for members, and for too many mails.
pub(super) async fn invite_user(
    identity: &Identity,
    tx: &mut TenantTx,
    invitee: Invitee,
) -> Result<Uuid, OpError> {
    authorize_over(identity, tx, invitee.role.as_str())?;
    let mut errors = Vec::new();
    let email = EmailAddress::parse(&invitee.email)
        .map_err(|error| errors.push(UserError::invalid("email", error.to_string())))
        .ok();
    let name = check_name(&invitee.name).map_err(|error| errors.push(error)).ok();
    let (Some(email), Some(name)) = (email, name) else {
        return Err(OpError::User(errors));
    };
    check_custom_role(tx, &invitee).await?;
    let email_blind = identity.keyring.platform_blind(&email.normalised());
    if member_with_address(tx, &email_blind).await?.is_some() {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "email",
            "This person is a member of your business already. Change their role or status with updateUser.",
        )
        .into());
    }
    let known = store::lock_invitation_of(tx, &email_blind).await?;
    if let Some((_, role)) = &known {
        authorize_over(identity, tx, role)?;
    }
    check_rate(identity, tx.business_id(), &email, "email").await?;
    let id = known.as_ref().map_or_else(ids::next, |(id, _)| *id);
    let new = NewInvitation {
        id,
        email_blind,
        email_cipher: identity.keyring.platform_seal(
            "invitations",
            "email_cipher",
            id,
            email.as_str().as_bytes(),
        )?,
        name,
        role: invitee.role,
        custom_role_id: invitee.custom_role_id,
        invited_by: Some(tx.ctx().user_id().ok_or_else(|| {
            OpError::Forbidden("Only a member of the business's staff invites others.".to_owned())
        })?),
        expires_at: tx.now() + LIFETIME,
    };
    let action = if known.is_some() {
        store::renew_invitation(tx, id, &new).await?;
        "invitation.renewed"
    } else {
        store::insert_invitation(tx, &new).await.map_err(|error| {
            if error.is_constraint("invitations_open") {
                return UserError::at(
                    UserErrorCode::Conflict,
                    "email",
                    "A colleague has just invited this address. Look at the open invitations.",
                )
                .into();
            }
            OpError::from(error)
        })?;
        "invitation.created"
    };
    tx.enqueue(&SendInvitationMail { invitation_id: id });
    let details = json!({ "role": invitee.role.as_str(), "custom_role": invitee.custom_role_id });
    tx.audit(AuditEntry::plain(action, id, &details));
    Ok(id)
}

async fn check_custom_role(tx: &mut TenantTx, invitee: &Invitee) -> Result<(), OpError> {
    let Some(id) = invitee.custom_role_id else {
        return Ok(());
    };
    let found = role_store::hold(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("customRoleId", "role"))?;
    if found.base_role == invitee.role.as_str() {
        return Ok(());
    }
    let message = "This role is a part of another one: give its base role as `role`.";
    Err(UserError::invalid("role", message).into())
}

/// Counts one mail to this address in the name of this business; `field` is where the address came.
///
/// # Errors
/// QUOTA_EXCEEDED.
pub(super) async fn check_rate(
    identity: &Identity,
    business: Uuid,
    email: &EmailAddress,
    field: &str,
) -> Result<(), OpError> {
    let business = business.to_string();
    let address = format!("{business} {}", email.normalised());
    let rules = [
        (MAILS_PER_ADDRESS, address.as_str()),
        (MAILS_PER_BUSINESS, business.as_str()),
    ];
    let verdict = identity.limiter.check(&rules, identity.wall.now()).await;
    if verdict.allowed {
        return Ok(());
    }
    let minutes = verdict.retry_after.as_secs().div_ceil(60).max(1);
    Err(UserError::at(
        UserErrorCode::QuotaExceeded,
        field,
        format!("Too many invitations were mailed. Try again in {minutes} minute(s)."),
    )
    .into())
}

/// Withdraws an open invitation: its link is good no more.
///
/// # Errors
/// NOT_FOUND when there is none; CONFLICT when it was accepted or revoked.
pub(super) async fn revoke_invitation(
    identity: &Identity,
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::UserManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = store::lock_invitation(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "invitation"))?;
    authorize_over(identity, tx, &row.role)?;
    let refused = match row.state.as_str() {
        "OPEN" => None,
        "ACCEPTED" => Some("This invitation was accepted. Deactivate the member with updateUser instead."),
        _ => Some("This invitation was revoked already."),
    };
    if let Some(message) = refused {
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    store::set_invitation_revoked(tx, id).await?;
    tx.audit(AuditEntry::plain("invitation.revoked", id, &json!({})));
    Ok(())
}

/// Runs [`SendInvitationMail`]. Sent twice when the worker dies between mail and commit; the newer link is good.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_invitation_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendInvitationMail,
) -> Result<(), JobError> {
    let mut tx = identity.db.tenant(ctx).await?;
    let row = store::lock_invitation(&mut tx, job.invitation_id).await?;
    // Meanwhile it may have been accepted, revoked, or have waited too long for a mail server.
    let Some(row) = row.filter(|row| row.state == "OPEN" && row.expires_at > tx.now()) else {
        return Ok(());
    };
    let email = open_address(&identity.keyring, "invitations", row.id, &row.email_cipher)
        .map_err(|error| JobError::Fatal(error.to_string()))?;
    let token = new_secret("fci_");
    store::set_invitation_token(&mut tx, row.id, &hash_secret(&token)).await?;
    let business = store::business_name(&mut tx).await?;
    // The link must be good before anybody can follow it; the call itself happens outside the transaction.
    tx.commit().await?;
    let base = &identity.settings.public_base_url;
    let mail = StaffMail::Invitation {
        business,
        link: format!("{base}/accept-invitation?token={token}"),
    };
    // Nobody has said yet how they read.
    mailer
        .send(&email, MailReader::default(), mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}

/// Opens the address that stands sealed in a row.
pub(super) fn open_address(
    keyring: &Keyring,
    table: &'static str,
    row: Uuid,
    cipher: &[u8],
) -> anyhow::Result<EmailAddress> {
    let email = keyring.platform_open(table, "email_cipher", row, cipher)?;
    Ok(EmailAddress::parse(std::str::from_utf8(&email)?)?)
}
