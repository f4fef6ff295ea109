//! Who is signed in looks at their own sessions and ends those that they do not know.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Identity, credential_store, debtor_session_store, device, revocations::forget_all,
    session_holder::Holder, store,
};
use crate::platform::{
    context::{RequestMark, SystemCtx},
    db::SystemTx,
    error::OpError,
    gql::UserError,
    secret::Masked,
};

/// From where a request came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) peer: IpAddr,
    pub(super) user_agent: Option<&'a str>,
}

/// Whose sessions, and which of them asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub(super) holder: Holder,
    pub(super) session_id: Uuid,
}

/// One of the caller's sessions.
pub(super) struct OwnSession {
    pub(super) id: Uuid,
    pub(super) device: String,
    pub(super) address: Option<Masked<String>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: DateTime<Utc>,
    pub(super) is_current: bool,
}

/// Remembers from where a session was opened, under the platform's key.
pub(super) async fn remember_origin(
    identity: &Identity,
    tx: &mut SystemTx,
    session: Uuid,
    origin: Origin<'_>,
) -> Result<(), OpError> {
    let seal = |column, text: &str| {
        identity
            .keyring
            .platform_seal("sessions", column, session, text.as_bytes())
    };
    let user_agent = origin
        .user_agent
        .map(|text| seal("user_agent_cipher", &device::kept(text)))
        .transpose()?;
    let address = seal("address_cipher", &origin.peer.to_string())?;
    Ok(credential_store::set_session_origin(tx, session, user_agent.as_deref(), &address).await?)
}

/// The caller's open sessions, newest first; a debtor's about the account of this one.
pub(super) async fn own_sessions(
    identity: &Identity,
    request_id: &RequestMark,
    own: Own,
) -> Result<Vec<OwnSession>, OpError> {
    let now = identity.wall.now();
    let ctx = SystemCtx::for_reason("own sessions", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let idle_since = now - identity.settings.session_idle;
    let mut found: Vec<OwnSession> = match own.holder {
        Holder::Person { identity_id, .. } => {
            credential_store::open_sessions(&mut tx, identity_id, now, idle_since)
                .await?
                .into_iter()
                .map(|row| of_person(identity, row))
                .collect::<Result<_, _>>()?
        }
        Holder::Debtor(place) => debtor_session_store::open_sessions(&mut tx, &place, now, idle_since)
            .await?
            .into_iter()
            .map(|row| OwnSession {
                id: row.id,
                device: row.device,
                address: None,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
                is_current: false,
            })
            .collect(),
    };
    tx.commit().await?;
    for session in &mut found {
        session.is_current = session.id == own.session_id;
        if let Some(seen) = identity.activity.last(session.id) {
            session.last_used_at = session.last_used_at.max(seen);
        }
    }
    Ok(found)
}

fn of_person(identity: &Identity, row: credential_store::SessionRow) -> Result<OwnSession, OpError> {
    let open = |column, cipher: Option<Vec<u8>>| {
        cipher
            .map(|cipher| {
                identity
                    .keyring
                    .platform_open("sessions", column, row.id, &cipher)
            })
            .transpose()
            .map(|text| text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    };
    let user_agent = open("user_agent_cipher", row.user_agent_cipher)?;
    Ok(OwnSession {
        id: row.id,
        device: device::in_words(user_agent.as_deref()),
        address: open("address_cipher", row.address_cipher)?.map(Masked::new),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        is_current: false,
    })
}

/// Ends one session of the caller.
pub(super) async fn revoke_session(
    identity: &Identity,
    request_id: &RequestMark,
    own: Own,
    session: Uuid,
) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("end of an own session", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let now = identity.wall.now();
    let ended = match own.holder {
        Holder::Person { identity_id, .. } => {
            credential_store::revoke_own_session(&mut tx, identity_id, session, now).await?
        }
        Holder::Debtor(place) => {
            let ended = debtor_session_store::revoke_own(&mut tx, &place, Some(session), None, now).await?;
            !ended.is_empty()
        }
    };
    if !ended {
        return Err(UserError::not_found("id", "session").into());
    }
    own.holder.audit(&mut tx, "session.revoked", session);
    tx.commit().await?;
    forget_all(identity, &[session]);
    Ok(())
}

/// Ends all sessions of the caller but the present one; how many there were.
pub(super) async fn revoke_other_sessions(
    identity: &Identity,
    request_id: &RequestMark,
    own: Own,
) -> Result<usize, OpError> {
    let ctx = SystemCtx::for_reason("end of own sessions", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let (but, now) = (Some(own.session_id), identity.wall.now());
    let (sessions, ended) = match own.holder {
        Holder::Person { identity_id, .. } => {
            // A log-in that is under way has opened its session by then, or opens it afterwards: in that order.
            store::lock_identity(&mut tx, identity_id).await?;
            let mut ended =
                credential_store::revoke_sessions(&mut tx, identity_id, but, "LOGOUT", now).await?;
            let sessions = ended.len();
            // Whoever opened them, from whichever session: a stay inside a business goes with the sessions.
            ended.extend(store::end_visits_of(&mut tx, identity_id, now).await?);
            (sessions, ended)
        }
        Holder::Debtor(place) => {
            let ended = debtor_session_store::revoke_own(&mut tx, &place, None, but, now).await?;
            (ended.len(), ended)
        }
    };
    own.holder
        .audit(&mut tx, "session.others_revoked", own.session_id);
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(sessions)
}
