//! Sessions: opened after the second factor, kept by rotating refresh tokens, ended by log-out or by a refresh
//! token that comes back after it was spent, which means that somebody else has it (RFC 9700 section 4.14.2), or that
//! comes after too long without use.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Caller, Identity,
    authenticate::read_token,
    credential_store, debtor_session_store,
    login::push_audit,
    revocations::forget_all,
    roles::narrowed,
    session_holder::{DebtorPlace, Holder, lock_refresh_token},
    store::{self, IdentityRow, MembershipRow, NewSession},
    tokens::{ACCESS_LIFETIME, Claims, Purpose, REFRESH_LIFETIME, hash_secret, new_secret},
    user_sessions::{Origin, remember_origin},
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, RequestMark, SystemCtx},
        db::{AuditEntry, SystemTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// What a client gets to act with.
pub struct IssuedSession {
    pub(super) access_token: String,
    pub(super) access_expires_at: DateTime<Utc>,
    pub(super) refresh_token: String,
    pub(super) refresh_expires_at: DateTime<Utc>,
    /// The caller that the access token makes.
    pub(super) caller: Caller,
}

/// Opens a session in `business`, or in the active one that the person used last.
pub(super) async fn open_session(
    identity: &Identity,
    tx: &mut SystemTx,
    row: &IdentityRow,
    business: Option<Uuid>,
    origin: Origin<'_>,
) -> Result<IssuedSession, OpError> {
    let place = find_place(tx, row, business).await?;
    let now = identity.wall.now();
    let session_id = ids::next();
    let new = NewSession {
        id: session_id,
        identity_id: row.id,
        business_id: place.as_ref().map(|place| place.business_id),
        user_id: place.as_ref().map(|place| place.user_id),
        expires_at: now + REFRESH_LIFETIME,
    };
    store::insert_session(tx, &new, now).await?;
    // Looked at again: whoever changes a membership locks its row, changes it, and ends its sessions. The new session
    // holds that row too (by its foreign key), so either the change has waited and will find the session, or it is over
    // and is seen here.
    let place = match place {
        Some(place) => find_place(tx, row, Some(place.business_id)).await?,
        None => None,
    };
    remember_origin(identity, tx, session_id, origin).await?;
    identity.activity.opened(session_id, now);
    push_audit(tx, "session.opened", Some(session_id));
    // What a member of staff did begins with their coming in: their business's trail says so too (USER-009).
    if let Some(place) = &place {
        let role = Role::parse(&place.role).map(Role::as_str);
        let entry = AuditEntry::plain("session.opened", session_id, &serde_json::json!({})).in_role(role);
        tx.audit_in(place.business_id, Actor::User(place.user_id), entry);
    }
    issue_to_person(identity, tx, session_id, row.id, place).await
}

pub(super) struct Place {
    business_id: Uuid,
    user_id: Uuid,
    role: String,
    permissions: Option<Vec<String>>,
}

/// Where a session of the person would be; `None` for a super admin, who is in no business unless one is named.
///
/// # Errors
/// SUSPENDED, with the reason, when there is no active membership.
pub(super) async fn find_place(
    tx: &mut SystemTx,
    row: &IdentityRow,
    business: Option<Uuid>,
) -> Result<Option<Place>, OpError> {
    if row.platform_role.is_some() && business.is_none() {
        return Ok(None);
    }
    let mut memberships = store::memberships(tx, row.id).await?;
    memberships.retain(|found| business.is_none_or(|wanted| wanted == found.business_id));
    let why_not = why_no_place(memberships.first());
    let place = memberships
        .into_iter()
        .find(MembershipRow::may_be_entered)
        .ok_or(why_not)?;
    Ok(Some(Place {
        business_id: place.business_id,
        user_id: place.user_id,
        role: place.role,
        permissions: narrowed(place.permissions.as_deref(), place.role_permissions.as_deref()),
    }))
}

impl MembershipRow {
    /// Whether a session may be opened there.
    pub(super) fn may_be_entered(&self) -> bool {
        self.status == "ACTIVE" && self.business_status == "ACTIVE"
    }
}

/// What keeps a person out who has the right password (AUTH-037).
fn why_no_place(membership: Option<&MembershipRow>) -> UserError {
    let message = match membership.map(|found| (found.status.as_str(), found.business_status.as_str())) {
        None => "You are a member of no business. Ask an administrator of yours to invite you.",
        Some(("SUSPENDED", _)) => "Your membership is suspended. Ask an administrator of your business.",
        Some(("INACTIVE", _)) => {
            "Your membership has been deactivated. Ask an administrator of your business to reactivate it."
        }
        Some((_, "PENDING")) => "Your business waits for its founder to verify their e-mail address.",
        Some(_) => "Your business is suspended. Ask funnelchat's support.",
    };
    UserError::new(UserErrorCode::Suspended, message)
}

async fn issue_to_person(
    identity: &Identity,
    tx: &mut SystemTx,
    session_id: Uuid,
    identity_id: Uuid,
    place: Option<Place>,
) -> Result<IssuedSession, OpError> {
    let role = place
        .as_ref()
        .map_or(Role::SuperAdmin.as_str().to_owned(), |place| place.role.clone());
    let holder = Holder::Person {
        identity_id,
        business_id: place.as_ref().map(|place| place.business_id),
    };
    let expires_at = identity.wall.now() + ACCESS_LIFETIME;
    let claims = Claims {
        sid: Some(session_id),
        biz: place.as_ref().map(|place| place.business_id),
        usr: place.as_ref().map(|place| place.user_id),
        role: Some(role),
        prm: place.and_then(|place| place.permissions),
        ..Claims::of(Purpose::Access, identity_id, expires_at)
    };
    issue(identity, tx, holder, &claims, expires_at).await
}

pub(super) async fn issue_to_debtor(
    identity: &Identity,
    tx: &mut SystemTx,
    session_id: Uuid,
    place: &DebtorPlace,
) -> Result<IssuedSession, OpError> {
    let expires_at = identity.wall.now() + ACCESS_LIFETIME;
    let claims = Claims {
        sid: Some(session_id),
        biz: Some(place.business_id),
        role: Some(Role::Debtor.as_str().to_owned()),
        acc: Some(place.account_id),
        lnk: Some(place.link_id),
        ..Claims::of(Purpose::Access, place.debtor_id, expires_at)
    };
    issue(identity, tx, Holder::Debtor(*place), &claims, expires_at).await
}

/// Makes the tokens of a session; the access token says `claims`.
async fn issue(
    identity: &Identity,
    tx: &mut SystemTx,
    holder: Holder,
    claims: &Claims,
    access_expires_at: DateTime<Utc>,
) -> Result<IssuedSession, OpError> {
    let now = identity.wall.now();
    let refresh_expires_at = now + REFRESH_LIFETIME;
    let refresh_token = new_secret(holder.refresh_mark());
    let hash = hash_secret(&refresh_token);
    let session_id = claims.sid.unwrap_or_default();
    holder
        .insert_refresh_token(tx, session_id, &hash, now, refresh_expires_at)
        .await?;
    let access_token = identity.tokens.sign(claims)?;
    let caller =
        read_token(identity, &access_token, "login").map_err(|refused| OpError::Internal(refused.into()))?;
    Ok(IssuedSession {
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
        caller,
    })
}

fn refresh_refused() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "refreshToken",
        "This session has ended. Sign in again.",
    )
    .into()
}

/// Spends a refresh token for new tokens. One that was spent before, or has expired, or comes after too long without
/// use, ends the whole session.
pub(super) async fn refresh(
    identity: &Identity,
    request_id: &RequestMark,
    token: &str,
) -> Result<IssuedSession, OpError> {
    let now = identity.wall.now();
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("session refresh", request_id))
        .await?;
    let found = lock_refresh_token(&mut tx, token)
        .await?
        .ok_or_else(refresh_refused)?;
    if found.revoked_at.is_some() {
        return Err(refresh_refused());
    }
    let last_used = identity
        .activity
        .last(found.session_id)
        .map_or(found.last_used_at, |seen| seen.max(found.last_used_at));
    let idle = last_used + identity.idle_limit(found.idle_minutes) < now;
    if found.spent_at.is_some() || found.expires_at <= now || idle {
        let reason = if found.spent_at.is_some() {
            "REUSE"
        } else {
            "EXPIRED"
        };
        let holder = found.holder;
        holder
            .revoke_session(&mut tx, found.session_id, reason, now)
            .await?;
        holder.audit(&mut tx, "session.revoked", found.session_id);
        tx.commit().await?;
        forget_all(identity, &[found.session_id]);
        return Err(refresh_refused());
    }
    let hash = hash_secret(token);
    found.holder.spend_refresh_token(&mut tx, &hash, now).await?;
    found.holder.audit(&mut tx, "session.refreshed", found.session_id);
    let issued = match found.holder {
        Holder::Person {
            identity_id,
            business_id,
        } => {
            let row = credential_store::find_identity(&mut tx, identity_id)
                .await?
                .ok_or_else(refresh_refused)?;
            let place = find_place(&mut tx, &row, business_id).await?;
            issue_to_person(identity, &mut tx, found.session_id, row.id, place).await?
        }
        Holder::Debtor(place) => {
            debtor_session_store::entrance(&mut tx, place.business_id, place.link_id)
                .await?
                .ok_or_else(refresh_refused)?;
            issue_to_debtor(identity, &mut tx, found.session_id, &place).await?
        }
    };
    tx.commit().await?;
    Ok(issued)
}

/// Ends the session of a refresh token, even of one that was spent or has expired: who holds it wants to be out. False
/// where there is no such session, or it has ended before.
pub(super) async fn logout_by_token(
    identity: &Identity,
    request_id: &RequestMark,
    token: &str,
) -> Result<bool, OpError> {
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("log-out", request_id))
        .await?;
    let found = lock_refresh_token(&mut tx, token).await?;
    match found {
        Some(found) if found.revoked_at.is_none() => {
            end(identity, tx, &found.holder, found.session_id).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Ends the caller's session: its tokens and its open sockets; false when they have none.
pub(super) async fn logout(
    identity: &Identity,
    request_id: &RequestMark,
    caller: &Caller,
) -> Result<bool, OpError> {
    let (Some(holder), Some(session_id)) = (caller.holder(), caller.session_id()) else {
        return Ok(false);
    };
    let tx = identity
        .db
        .system(&SystemCtx::for_reason("log-out", request_id))
        .await?;
    end(identity, tx, &holder, session_id).await?;
    Ok(true)
}

async fn end(
    identity: &Identity,
    mut tx: SystemTx,
    holder: &Holder,
    session_id: Uuid,
) -> Result<(), OpError> {
    holder
        .revoke_session(&mut tx, session_id, "LOGOUT", identity.wall.now())
        .await?;
    holder.audit(&mut tx, "session.revoked", session_id);
    tx.commit().await?;
    forget_all(identity, &[session_id]);
    Ok(())
}
