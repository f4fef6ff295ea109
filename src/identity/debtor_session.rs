//! Debtors come in by a link to one of their accounts. What checks that it is the right person stands above; here are
//! the challenge that waits for it, and the session that it opens.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Caller, Identity,
    debtor_session_store::{self, entrance},
    device,
    lockout::Turn,
    revocations::forget_all,
    session::{self, IssuedSession},
    session_holder::{DebtorPlace, Holder},
    tokens::{Purpose, REFRESH_LIFETIME},
};
use crate::platform::{
    context::SystemCtx,
    error::OpError,
    gql::{UserError, UserErrorCode},
    ids,
};

/// From where a debtor comes in.
#[derive(Clone, Copy, Debug)]
pub struct DebtorOrigin<'a> {
    pub peer: IpAddr,
    pub user_agent: Option<&'a str>,
}

fn link_ended() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This link has expired or was ended. Ask for a new one.",
    )
    .into()
}

impl Identity {
    /// Whom a link lets in now.
    ///
    /// # Errors
    /// BAD_CREDENTIALS, which never says why not.
    pub async fn debtor_entrance(
        &self,
        request_id: &str,
        business: Uuid,
        link: Uuid,
    ) -> Result<DebtorPlace, OpError> {
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("debtor's link", request_id))
            .await?;
        let found = entrance(&mut tx, business, link).await?;
        let now = tx.now();
        tx.commit().await?;
        let good = found.filter(|(_, expires_at)| *expires_at > now);
        Ok(good.ok_or_else(link_ended)?.0)
    }

    /// Says here and everywhere that these sessions have ended: call it once that is committed.
    pub fn forget_sessions(&self, ended: &[Uuid]) {
        forget_all(self, ended);
    }

    /// When a debtor showed that it is they, in the session that asks (wall time); `None` for any other caller, and where the
    /// session has ended.
    ///
    /// # Errors
    /// Unavailable when the database is.
    pub async fn debtor_signed_in_at(&self, caller: &Caller) -> Result<Option<DateTime<Utc>>, OpError> {
        let Caller::Debtor(session) = caller else {
            return Ok(None);
        };
        let ctx = SystemCtx::for_reason("debtor's session", session.ctx.request_id().clone());
        let mut tx = self.db.system(&ctx).await?;
        let business = session.ctx.business_id();
        let since = debtor_session_store::opened_at(&mut tx, business, session.session_id).await?;
        tx.commit().await?;
        Ok(since)
    }

    /// The token of a sign-in by this link that waits for its check: ten minutes.
    ///
    /// # Errors
    /// Internal ones only.
    pub fn debtor_challenge(&self, business: Uuid, link: Uuid) -> anyhow::Result<String> {
        self.tokens.debtor_challenge(business, link, self.wall.now())
    }

    /// Business and link of a debtor's challenge; `None` for any other token, and once it has expired.
    pub fn read_debtor_challenge(&self, token: &str) -> Option<(Uuid, Uuid)> {
        let claims = self
            .tokens
            .read(Purpose::DebtorChallenge, token, self.wall.now())
            .ok()?;
        Some((claims.biz?, claims.sub))
    }

    /// Opens the session of a debtor who has passed the check. Nothing is held against the link any more.
    ///
    /// # Errors
    /// BAD_CREDENTIALS when the link lets nobody in any more.
    pub async fn open_debtor_session(
        &self,
        request_id: &str,
        place: DebtorPlace,
        origin: DebtorOrigin<'_>,
        turn: Turn,
    ) -> Result<IssuedSession, OpError> {
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("debtor's session", request_id))
            .await?;
        entrance(&mut tx, place.business_id, place.link_id)
            .await?
            .ok_or_else(link_ended)?;
        let (now, session) = (self.wall.now(), ids::next());
        let device = device::in_words(origin.user_agent);
        debtor_session_store::insert_session(&mut tx, session, &place, &device, now, now + REFRESH_LIFETIME)
            .await?;
        self.activity.opened(session, now);
        let holder = Holder::Debtor(place);
        holder.audit(&mut tx, "session.opened", session);
        turn.forget(self, &mut tx).await?;
        let issued = session::issue_to_debtor(self, &mut tx, session, &place).await?;
        tx.commit().await?;
        Ok(issued)
    }
}
