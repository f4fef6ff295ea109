//! Somebody has lost their second factor and their recovery codes. Whoever answers for them takes the factor off, and they
//! enrol another at their next log-in: an administrator, where the person belongs to that one business; else the platform's
//! own staff, for a second factor guards every business that its person may enter.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    account_mail::{AccountMail, SendAccountMail},
    credential_store, mfa_store,
    platform_staff::authorize_operator,
    revocations::forget_all,
    store,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        context::{Actor, RequestMark, SystemCtx, TenantCtx},
        db::{AuditEntry, PlatformAudit, SystemTx},
        email::EmailAddress,
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Takes the second factor off a member of the caller's business, and ends all of their sessions.
///
/// # Errors
/// FORBIDDEN for whoever may not manage every member. User errors: NOT_FOUND; CONFLICT for oneself, for one who has none,
/// and for one who may enter more than this business.
pub(super) async fn reset_member_mfa(
    identity: &Identity,
    ctx: &TenantCtx,
    user: Uuid,
) -> Result<(), OpError> {
    authorize(ctx, Cell::UserManageAny).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "userId", message);
    if ctx.user_id() == Some(user) {
        return Err(conflict(
            "This is your own: replace it with beginMfaReplacement, or ask another administrator.",
        )
        .into());
    }
    let business = ctx.business_id();
    let reason = SystemCtx::for_reason("a member's second factor taken off", ctx.request());
    let mut tx = identity.db.system(&reason).await?;
    let person = mfa_store::identity_of_member(&mut tx, business, user)
        .await?
        .ok_or_else(|| UserError::not_found("userId", "user"))?;
    // Whoever joins another business meanwhile waits, or was waited for.
    let row = store::lock_identity(&mut tx, person).await?;
    let Some(row) = row.filter(|row| row.totp_confirmed_at.is_some()) else {
        return Err(
            conflict("This person has no second factor: they enrol one at their next log-in.").into(),
        );
    };
    if row.platform_role.is_some() || mfa_store::is_member_elsewhere(&mut tx, person, business).await? {
        return Err(conflict(
            "This person may enter more than your business, and their second factor guards all of it: ask funnelchat's \
             support to take it off.",
        )
        .into());
    }
    let ended = take_off(identity, &mut tx, person).await?;
    let details = json!({ "sessions_ended": ended.len() });
    tx.audit_in(
        business,
        ctx.actor(),
        AuditEntry::plain("user.mfa_reset", user, &details).in_role(ctx.role()),
    );
    tx.audit(PlatformAudit {
        actor: ctx.actor(),
        action: "mfa.reset",
        object_id: Some(person),
        details: json!({ "business": business }),
    });
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(())
}

/// The same by the platform's staff, of whoever has the address.
///
/// # Errors
/// FORBIDDEN for who is no super admin any more. User errors: INVALID_INPUT, NOT_FOUND for an address that nobody has with a
/// second factor, CONFLICT for oneself.
pub(super) async fn reset_mfa_of(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    email: &str,
) -> Result<(), OpError> {
    let email = EmailAddress::parse(email).map_err(|error| UserError::invalid("email", error.to_string()))?;
    let ctx = SystemCtx::for_reason("a second factor taken off", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let blind = identity.keyring.platform_blind(&email.normalised());
    let found = store::identity_by_email(&mut tx, &blind).await?;
    let Some(row) = found.filter(|row| row.totp_confirmed_at.is_some()) else {
        let message = "Nobody with this address has a second factor.";
        return Err(UserError::at(UserErrorCode::NotFound, "email", message).into());
    };
    if row.id == operator {
        let message = "This is your own: replace it with beginMfaReplacement, or ask another super admin.";
        return Err(UserError::at(UserErrorCode::Conflict, "email", message).into());
    }
    store::lock_identity(&mut tx, row.id).await?;
    let ended = take_off(identity, &mut tx, row.id).await?;
    tx.audit(PlatformAudit {
        actor: Actor::Platform(operator),
        action: "mfa.reset",
        object_id: Some(row.id),
        details: json!({ "sessions_ended": ended.len() }),
    });
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(())
}

/// The caller holds the person's lock. What has ended is to be forgotten once that is committed.
async fn take_off(identity: &Identity, tx: &mut SystemTx, person: Uuid) -> Result<Vec<Uuid>, OpError> {
    mfa_store::remove(tx, person).await?;
    let wall = identity.wall.now();
    let mut ended = credential_store::revoke_sessions(tx, person, None, "ADMIN", wall).await?;
    ended.extend(store::end_visits_of(tx, person, wall).await?);
    let mail = SendAccountMail::new(Some(person), AccountMail::MfaReset);
    tx.enqueue(None, &mail).await?;
    Ok(ended)
}
