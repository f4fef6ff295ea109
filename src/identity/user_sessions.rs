//! A person looks at their own sessions and ends those that they do not know.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Identity, Person, credential_store, device, login::push_audit, revocations::forget_all, store};
use crate::platform::{context::SystemCtx, db::SystemTx, error::OpError, gql::UserError, secret::Masked};

/// From where a request came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) peer: IpAddr,
    pub(super) user_agent: Option<&'a str>,
}

/// One of the person's sessions.
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

/// The person's open sessions, newest first.
pub(super) async fn own_sessions(
    identity: &Identity,
    request_id: &str,
    person: Person,
) -> Result<Vec<OwnSession>, OpError> {
    let now = identity.wall.now();
    let ctx = SystemCtx::for_reason("own sessions", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let idle_since = now - identity.settings.session_idle;
    let rows = credential_store::open_sessions(&mut tx, person.identity_id, now, idle_since).await?;
    tx.commit().await?;
    let open = |column, session: Uuid, cipher: Option<Vec<u8>>| {
        cipher
            .map(|cipher| {
                identity
                    .keyring
                    .platform_open("sessions", column, session, &cipher)
            })
            .transpose()
            .map(|text| text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    };
    rows.into_iter()
        .map(|row| {
            let user_agent = open("user_agent_cipher", row.id, row.user_agent_cipher)?;
            Ok(OwnSession {
                id: row.id,
                device: device::in_words(user_agent.as_deref()),
                address: open("address_cipher", row.id, row.address_cipher)?.map(Masked::new),
                created_at: row.created_at,
                last_used_at: identity
                    .activity
                    .last(row.id)
                    .map_or(row.last_used_at, |seen| seen.max(row.last_used_at)),
                is_current: row.id == person.session_id,
            })
        })
        .collect()
}

/// Ends one session of the person.
pub(super) async fn revoke_session(
    identity: &Identity,
    request_id: &str,
    person: Person,
    session: Uuid,
) -> Result<(), OpError> {
    let ctx = SystemCtx::for_reason("end of an own session", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let now = identity.wall.now();
    if !credential_store::revoke_own_session(&mut tx, person.identity_id, session, now).await? {
        return Err(UserError::not_found("id", "session").into());
    }
    push_audit(&mut tx, "session.revoked", Some(session));
    tx.commit().await?;
    forget_all(identity, &[session]);
    Ok(())
}

/// Ends all sessions of the person but the present one; how many there were.
pub(super) async fn revoke_other_sessions(
    identity: &Identity,
    request_id: &str,
    person: Person,
) -> Result<usize, OpError> {
    let ctx = SystemCtx::for_reason("end of own sessions", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    // A log-in that is under way has opened its session by then, or opens it afterwards: in that order.
    store::lock_identity(&mut tx, person.identity_id).await?;
    let but = Some(person.session_id);
    let now = identity.wall.now();
    let mut ended =
        credential_store::revoke_sessions(&mut tx, person.identity_id, but, "LOGOUT", now).await?;
    let sessions = ended.len();
    // Whoever opened them, from whichever session: a stay inside a business goes with the sessions.
    ended.extend(store::end_visits_of(&mut tx, person.identity_id, now).await?);
    push_audit(&mut tx, "session.others_revoked", Some(person.session_id));
    tx.commit().await?;
    forget_all(identity, &ended);
    Ok(sessions)
}
