//! The platform's staff creates a business for somebody, who is invited to be its first administrator; again, as long as nobody
//! administers it. Nothing of the platform's staff is in the business: they enter it by break-glass alone.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity, NewBusiness, business_store,
    invitation_store::{self, NewInvitation},
    invite::{LIFETIME, SendInvitationMail, check_name, check_rate},
    platform_staff::authorize_operator,
    platform_store,
    register::free_slug,
    store,
    suspend_business::{conflict, record},
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, RequestMark, SystemCtx},
        db::{AuditEntry, SystemTx},
        email::EmailAddress,
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// A business that is to be.
pub(super) struct CreatedBusiness {
    pub(super) name: String,
    /// As the database spells it.
    pub(super) role: &'static str,
}

/// Who is to administer it.
pub(super) struct Administrator {
    pub(super) email: String,
    pub(super) name: String,
}

/// The same, looked at.
struct Checked {
    email: EmailAddress,
    name: String,
}

impl Administrator {
    fn check(&self, errors: &mut Vec<UserError>) -> Option<Checked> {
        let email = EmailAddress::parse(&self.email)
            .map_err(|error| errors.push(UserError::invalid("administratorEmail", error.to_string())))
            .ok();
        let name = check_name(&self.name)
            .map_err(|error| errors.push(UserError::invalid("administratorName", error.message)))
            .ok();
        Some(Checked {
            email: email?,
            name: name?,
        })
    }
}

/// Creates an active business and invites its first administrator; returns the business.
///
/// # Errors
/// User errors: INVALID_INPUT, QUOTA_EXCEEDED for too many mails, and CONFLICT where such a business waits for this
/// administrator already.
pub(super) async fn create_business(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    (new, administrator): (CreatedBusiness, Administrator),
) -> Result<Uuid, OpError> {
    let mut errors = Vec::new();
    let name = new.name.trim().to_owned();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        errors.push(UserError::invalid(
            "name",
            "Fill this in with 1 to 200 characters.",
        ));
    }
    let administrator = administrator.check(&mut errors);
    let Some(administrator) = administrator.filter(|_| errors.is_empty()) else {
        return Err(OpError::User(errors));
    };
    let ctx = SystemCtx::for_reason("creation of a business", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let blind = identity.keyring.platform_blind(&administrator.email.normalised());
    // Who sends the same again, because the answer was lost, creates no second one.
    store::lock_address(&mut tx, &blind).await?;
    if invitation_store::waits_for(&mut tx, &blind, &name).await? {
        let message = "A business of this name waits for this administrator already: look for it in businesses, and mail \
                       the invitation again with inviteFirstAdministrator.";
        return Err(UserError::at(UserErrorCode::Conflict, "name", message).into());
    }
    let id = ids::next();
    let business = NewBusiness {
        id,
        slug: free_slug(&mut tx, &name, id).await?,
        name,
        role: new.role,
        status: "ACTIVE",
        wrapped_key: identity.keyring.new_business_key(id, 1)?,
    };
    business_store::insert_business(&mut tx, &business).await?;
    let details = json!({ "role": new.role });
    record(&mut tx, operator, id, "business.created", &details);
    invite(identity, &mut tx, id, administrator).await?;
    tx.commit().await?;
    Ok(id)
}

/// Invites the first administrator of a business that nobody administers, again or somebody else: the link before is good no
/// more.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND, QUOTA_EXCEEDED for too many mails, and CONFLICT where somebody administers the
/// business, or it is not active.
pub(super) async fn invite_first_administrator(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    (business, administrator): (Uuid, Administrator),
) -> Result<(), OpError> {
    let mut errors = Vec::new();
    let administrator = administrator.check(&mut errors);
    let Some(administrator) = administrator.filter(|_| errors.is_empty()) else {
        return Err(OpError::User(errors));
    };
    let ctx = SystemCtx::for_reason("invitation of a first administrator", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = platform_store::lock_business(&mut tx, business)
        .await?
        .ok_or_else(|| UserError::not_found("businessId", "business"))?;
    if found.status != "ACTIVE" {
        return Err(conflict("This business is not active: nobody can join it."));
    }
    if platform_store::is_administered(&mut tx, business).await? {
        return Err(conflict(
            "Somebody administers this business: its own administrators invite others.",
        ));
    }
    record(
        &mut tx,
        operator,
        business,
        "business.administrator_invited",
        &json!({}),
    );
    invite(identity, &mut tx, business, administrator).await?;
    Ok(tx.commit().await?)
}

async fn invite(
    identity: &Identity,
    tx: &mut SystemTx,
    business: Uuid,
    administrator: Checked,
) -> Result<(), OpError> {
    let Checked { email, name } = administrator;
    check_rate(identity, business, &email, "administratorEmail").await?;
    let (id, keyring) = (ids::next(), &identity.keyring);
    let new = NewInvitation {
        id,
        email_blind: keyring.platform_blind(&email.normalised()),
        email_cipher: keyring.platform_seal("invitations", "email_cipher", id, email.as_str().as_bytes())?,
        name,
        role: Role::BusinessAdmin,
        custom_role_id: None,
        invited_by: None,
        expires_at: tx.now() + LIFETIME,
    };
    invitation_store::replace_platforms(tx, business, &new).await?;
    let mail = SendInvitationMail { invitation_id: id };
    tx.enqueue(Some(business), &mail).await?;
    let details = json!({ "role": Role::BusinessAdmin.as_str() });
    tx.audit_in(
        business,
        Actor::System,
        AuditEntry::plain("invitation.created", id, &details),
    );
    Ok(())
}
