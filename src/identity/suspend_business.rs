//! The platform suspends a business: nobody comes in, keys are refused, sockets end, and the gate lets nothing out. What
//! debtors write, opt-outs above all, is still recorded.

use serde_json::json;
use uuid::Uuid;

use super::{
    Identity, debtor_session_store, platform_staff::authorize_operator, platform_store as store,
    revocations::forget_all,
};
use crate::platform::{
    context::{Actor, RequestMark, SystemCtx},
    db::{AuditEntry, PlatformAudit, SystemTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// Suspends an active business.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND, and CONFLICT for one that is not active.
pub(super) async fn suspend_business(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    business: Uuid,
    reason: &str,
) -> Result<(), OpError> {
    let reason = check_reason(reason)?;
    let ctx = SystemCtx::for_reason("suspension of a business", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = store::lock_business(&mut tx, business).await?;
    match found.as_ref().map(|found| found.status.as_str()) {
        None => return Err(UserError::not_found("businessId", "business").into()),
        Some("ACTIVE") => {}
        Some("SUSPENDED") => return Err(conflict("This business is suspended already.")),
        Some(_) => {
            return Err(conflict(
                "This business is not active yet: its founder has not verified their address.",
            ));
        }
    }
    let wall = identity.wall.now();
    store::set_suspended(&mut tx, business, Some((wall, reason))).await?;
    let mut ended = store::end_sessions(&mut tx, business, wall).await?;
    ended.extend(debtor_session_store::end_sessions(&mut tx, business, wall).await?);
    let keys = store::good_keys(&mut tx, business).await?;
    let details = json!({ "sessions_ended": ended.len(), "keys_refused": keys.len() });
    record(&mut tx, operator, business, "business.suspended", &details);
    tx.commit().await?;
    forget_all(identity, &ended);
    // Their sockets end too; requests with them are refused by the business's own status.
    forget_all(identity, &keys);
    Ok(())
}

/// Lets a suspended business in again.
///
/// # Errors
/// User errors: NOT_FOUND, and CONFLICT for one that is not suspended.
pub(super) async fn reactivate_business(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    business: Uuid,
) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("end of a suspension", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = store::lock_business(&mut tx, business).await?;
    match found
        .as_ref()
        .map(|found| (found.status.as_str(), found.deleted_at))
    {
        None => return Err(UserError::not_found("businessId", "business").into()),
        Some((_, Some(_))) => return Err(conflict("This business is deleted: restore it first.")),
        Some(("SUSPENDED", None)) => {}
        Some(_) => return Err(conflict("This business is not suspended.")),
    }
    store::set_suspended(&mut tx, business, None).await?;
    record(&mut tx, operator, business, "business.reactivated", &json!({}));
    Ok(tx.commit().await?)
}

pub(super) fn check_reason(reason: &str) -> Result<&str, UserError> {
    let reason = reason.trim();
    if (1..=1000).contains(&reason.chars().count()) && !reason.contains('\0') {
        Ok(reason)
    } else {
        Err(UserError::invalid("reason", "Say why, in 1 to 1,000 characters."))
    }
}

pub(super) fn conflict(message: &str) -> OpError {
    UserError::at(UserErrorCode::Conflict, "businessId", message).into()
}

/// In the business's own trail, and in the platform's. The business learns that, and not which of the staff.
pub(super) fn record(
    tx: &mut SystemTx,
    operator: Uuid,
    business: Uuid,
    action: &'static str,
    details: &serde_json::Value,
) {
    tx.audit_in(
        business,
        Actor::System,
        AuditEntry::plain(action, business, details),
    );
    tx.audit(PlatformAudit {
        actor: Actor::Platform(operator),
        action,
        object_id: Some(business),
        details: details.clone(),
    });
}
