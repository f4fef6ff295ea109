//! From an `Authorization` header (or a socket's `connection_init`) to a [`Caller`]. A person's token is read without
//! asking the database; an API key is looked up.

use std::{net::IpAddr, sync::Arc};

use super::{
    Caller, DebtorSession, Identity, Membership, Visit, api_keys, session_cookies,
    tokens::{Purpose, TokenProblem},
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, TenantCtx},
        error_code::ErrorCode,
    },
};

/// Why a credential was not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct AuthRefused {
    pub code: ErrorCode,
    pub message: &'static str,
    /// The token was good once: a client that refreshes may go on.
    pub expired: bool,
}

const MALFORMED: &str = "The Authorization header must be: Bearer <access token or API key>.";
const INVALID: &str = "The access token is not valid. Sign in again.";
const EXPIRED: &str = "The access token has expired. Call refreshSession with your refresh token.";
const ENDED: &str = "This session has ended. Sign in again.";

pub(super) fn unauthenticated(message: &'static str, expired: bool) -> AuthRefused {
    AuthRefused {
        code: ErrorCode::Unauthenticated,
        message,
        expired,
    }
}

/// Reads the credential of an operation over HTTP, which is use of the session. No header at all is an anonymous
/// caller; a bad one is refused, never ignored.
///
/// # Errors
/// [`AuthRefused`] with what to do next.
pub async fn authenticate(
    identity: &Identity,
    authorization: Option<&str>,
    peer: IpAddr,
    request_id: &str,
) -> Result<Caller, AuthRefused> {
    let caller = authenticate_socket(identity, authorization, peer, request_id).await?;
    note_use(identity, &caller);
    Ok(caller)
}

/// A person's session is in use.
pub fn note_use(identity: &Identity, caller: &Caller) {
    if let Some(session) = caller.session_id().filter(|_| caller.holder().is_some()) {
        identity.activity.note(session, identity.wall.now());
    }
}

/// The same for a socket: an open page connects anew by itself, so that it is no use of the session.
///
/// # Errors
/// [`AuthRefused`] with what to do next.
pub async fn authenticate_socket(
    identity: &Identity,
    authorization: Option<&str>,
    peer: IpAddr,
    request_id: &str,
) -> Result<Caller, AuthRefused> {
    let Some(authorization) = authorization else {
        return Ok(Caller::Anonymous { peer });
    };
    let (scheme, credential) = authorization
        .split_once(' ')
        .ok_or_else(|| unauthenticated(MALFORMED, false))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated(MALFORMED, false));
    }
    let credential = credential.trim();
    if credential.starts_with(api_keys::MARK) {
        return api_keys::authenticate_key(identity, credential, request_id).await;
    }
    read_token(identity, credential, request_id)
}

/// Reads the session that a browser keeps in cookies. A cookie that is no log-in any more is nobody's: the browser sends
/// it with the very request that gets another.
pub fn authenticate_cookie(identity: &Identity, cookies: &str, peer: IpAddr, request_id: &str) -> Caller {
    session_cookies::access_token(cookies)
        .and_then(|token| read_token(identity, token, request_id).ok())
        .unwrap_or(Caller::Anonymous { peer })
}

/// Whose access token this is.
pub(super) fn read_token(identity: &Identity, token: &str, request_id: &str) -> Result<Caller, AuthRefused> {
    let refuse = unauthenticated;
    let claims = identity
        .tokens
        .read(Purpose::Access, token, identity.wall.now())
        .map_err(|problem| match problem {
            TokenProblem::Invalid => refuse(INVALID, false),
            TokenProblem::Expired => refuse(EXPIRED, true),
        })?;
    let session_id = claims.sid.ok_or_else(|| refuse(INVALID, false))?;
    if identity.revocations.contains(session_id) {
        return Err(refuse(ENDED, false));
    }
    let expires_at = chrono::DateTime::from_timestamp(claims.exp, 0).ok_or_else(|| refuse(INVALID, false))?;
    let role = claims
        .role
        .as_deref()
        .and_then(Role::parse)
        .ok_or_else(|| refuse(INVALID, false))?;
    if role == Role::Debtor {
        let (Some(business), Some(account_id), Some(link_id)) = (claims.biz, claims.acc, claims.lnk) else {
            return Err(refuse(INVALID, false));
        };
        let grants = identity.access.grants(role);
        let ctx = TenantCtx::for_debtor(business, claims.sub, account_id, grants, Arc::from(request_id));
        return Ok(Caller::Debtor(Arc::new(DebtorSession {
            session_id,
            debtor_id: claims.sub,
            account_id,
            link_id,
            ctx,
            expires_at,
        })));
    }
    match (claims.biz, claims.usr) {
        (Some(business), Some(user_id)) => {
            let scope = role.is_scoped_to_assignments().then_some(user_id);
            let grants = identity.access.grants_within(role, claims.prm.as_deref());
            let ctx = TenantCtx::authenticated(
                business,
                Actor::User(user_id),
                grants,
                scope,
                Arc::from(request_id),
            )
            .in_role(role.as_str());
            let membership = Membership {
                identity_id: claims.sub,
                user_id,
                session_id,
                role,
                ctx,
                expires_at,
            };
            Ok(Caller::Member(Arc::new(membership)))
        }
        (Some(business), None) if role == Role::SuperAdmin => {
            let grants = identity.access.grants(role);
            let actor = Actor::Platform(session_id);
            let ctx = TenantCtx::authenticated(business, actor, grants, None, Arc::from(request_id));
            Ok(Caller::Visitor(Arc::new(Visit {
                id: session_id,
                ctx,
                expires_at,
            })))
        }
        (None, None) if role == Role::SuperAdmin => Ok(Caller::Platform {
            identity_id: claims.sub,
            session_id,
            expires_at,
        }),
        _ => Err(refuse(INVALID, false)),
    }
}
