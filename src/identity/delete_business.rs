//! The platform deletes a business that it has suspended, which for a while can be taken back (TEN-007). Nothing is
//! removed: what was said and paid is evidence, kept as long as the law asks. Nobody comes in any more but the platform's
//! own staff, by break-glass, to read.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    platform_staff::authorize_operator,
    platform_store as store,
    suspend_business::{check_reason, conflict, record},
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    error::OpError,
    gql::UserError,
};

/// How long a deletion can be taken back (business time).
pub(super) const GRACE: TimeDelta = TimeDelta::days(30);

/// Deletes a suspended business.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND, and CONFLICT for one that is not suspended, or is deleted already.
pub(super) async fn delete_business(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    business: Uuid,
    reason: &str,
) -> Result<(), OpError> {
    let reason = check_reason(reason)?;
    let ctx = SystemCtx::for_reason("deletion of a business", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = store::lock_business(&mut tx, business)
        .await?
        .ok_or_else(|| UserError::not_found("businessId", "business"))?;
    if found.deleted_at.is_some() {
        return Err(conflict("This business is deleted already."));
    }
    if found.status != "SUSPENDED" {
        return Err(conflict("This business is not suspended: suspend it first."));
    }
    let now = tx.now();
    store::set_deleted(&mut tx, business, Some((now, reason))).await?;
    let details = json!({ "restorable_until": now + GRACE });
    record(&mut tx, operator, business, "business.deleted", &details);
    Ok(tx.commit().await?)
}

/// Takes a deletion back: the business is suspended again, as it was.
///
/// # Errors
/// User errors: NOT_FOUND, and CONFLICT for one that is not deleted, or was deleted too long ago.
pub(super) async fn restore_business(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    business: Uuid,
) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("a deletion taken back", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    authorize_operator(&mut tx, operator).await?;
    let found = store::lock_business(&mut tx, business)
        .await?
        .ok_or_else(|| UserError::not_found("businessId", "business"))?;
    let deleted_at = found
        .deleted_at
        .ok_or_else(|| conflict("This business is not deleted."))?;
    if tx.now() > deleted_at + GRACE {
        return Err(conflict(
            "This business was deleted more than 30 days ago: that cannot be taken back any more.",
        ));
    }
    store::set_deleted(&mut tx, business, None).await?;
    record(&mut tx, operator, business, "business.restored", &json!({}));
    Ok(tx.commit().await?)
}
