//! From one membership to another of the same person, without a second password: both factors were shown when
//! the session began that is left.

use uuid::Uuid;

use super::{
    Caller, Identity, Person,
    login::push_audit,
    revocations::forget_all,
    session::{IssuedSession, open_session},
    store,
    user_sessions::Origin,
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// Opens a session in `business` and ends the caller's own.
///
/// # Errors
/// User errors: NOT_FOUND for a business of which the person is no member, SUSPENDED where they may not enter,
/// BAD_CREDENTIALS when the session has ended meanwhile.
pub(super) async fn switch_business(
    identity: &Identity,
    request_id: &RequestMark,
    origin: Origin<'_>,
    caller: &Caller,
    business: Uuid,
) -> Result<IssuedSession, OpError> {
    let ended = || {
        OpError::from(UserError::new(
            UserErrorCode::BadCredentials,
            "Your session has ended. Sign in again.",
        ))
    };
    let Person {
        identity_id: person,
        session_id: left,
    } = caller.person().ok_or_else(ended)?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("switch of business", request_id))
        .await?;
    let row = store::lock_identity(&mut tx, person).await?.ok_or_else(ended)?;
    let memberships = store::memberships(&mut tx, person).await?;
    if !memberships.iter().any(|found| found.business_id == business) {
        return Err(UserError::not_found("businessId", "business").into());
    }
    let issued = open_session(identity, &mut tx, &row, Some(business), origin).await?;
    // Of two switches at once, or a switch and a log-out, one finds the session ended.
    if !store::leave_session(&mut tx, left, identity.wall.now()).await? {
        return Err(ended());
    }
    push_audit(&mut tx, "session.switched", Some(left));
    tx.commit().await?;
    forget_all(identity, &[left]);
    Ok(issued)
}
