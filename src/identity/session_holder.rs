//! Whose a session is. Sessions of the staff and of debtors have tables of their own and one life: opened, refreshed,
//! used, ended.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    debtor_session_store,
    login::push_audit,
    store,
    tokens::{DEBTOR_REFRESH, hash_secret},
};
use crate::platform::{
    context::Actor,
    db::{AuditEntry, DbError, SystemTx},
};

/// A debtor inside a business, by a link to one of their accounts.
#[derive(Clone, Copy, Debug)]
pub struct DebtorPlace {
    pub business_id: Uuid,
    pub debtor_id: Uuid,
    pub account_id: Uuid,
    pub link_id: Uuid,
}

/// Whose session it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holder {
    /// Of the staff, or of the platform's.
    Person {
        identity_id: Uuid,
        business_id: Option<Uuid>,
    },
    Debtor(DebtorPlace),
}

/// A refresh token with its session, locked.
pub(super) struct RefreshRow {
    pub(super) session_id: Uuid,
    pub(super) holder: Holder,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) spent_at: Option<DateTime<Utc>>,
    pub(super) last_used_at: DateTime<Utc>,
    /// What its business chose for its staff.
    pub(super) idle_minutes: Option<i32>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

/// The token's row and its session's; the token tells by its first letters whose it is.
pub(super) async fn lock_refresh_token(
    tx: &mut SystemTx,
    token: &str,
) -> Result<Option<RefreshRow>, DbError> {
    let hash = hash_secret(token);
    if token.starts_with(DEBTOR_REFRESH) {
        return debtor_session_store::lock_refresh_token(tx, &hash).await;
    }
    store::lock_refresh_token(tx, &hash).await
}

impl Holder {
    pub(super) async fn insert_refresh_token(
        &self,
        tx: &mut SystemTx,
        session: Uuid,
        hash: &[u8],
        wall: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        match self {
            Self::Person { .. } => store::insert_refresh_token(tx, session, hash, wall, expires_at).await,
            Self::Debtor(place) => {
                let business = place.business_id;
                debtor_session_store::insert_refresh_token(tx, business, session, hash, wall, expires_at)
                    .await
            }
        }
    }

    pub(super) async fn spend_refresh_token(
        &self,
        tx: &mut SystemTx,
        hash: &[u8],
        wall: DateTime<Utc>,
    ) -> Result<(), DbError> {
        match self {
            Self::Person { .. } => store::spend_refresh_token(tx, hash, wall).await,
            Self::Debtor(place) => {
                debtor_session_store::spend_refresh_token(tx, place.business_id, hash, wall).await
            }
        }
    }

    pub(super) async fn revoke_session(
        &self,
        tx: &mut SystemTx,
        session: Uuid,
        reason: &str,
        wall: DateTime<Utc>,
    ) -> Result<(), DbError> {
        match self {
            Self::Person { .. } => store::revoke_session(tx, session, reason, wall).await,
            Self::Debtor(place) => {
                debtor_session_store::revoke_session(tx, place.business_id, session, reason, wall).await
            }
        }
    }

    /// What became of the session: of the staff's in the platform's trail, of a debtor's in the business's.
    pub(super) fn audit(&self, tx: &mut SystemTx, action: &'static str, session: Uuid) {
        match self {
            Self::Person { .. } => {
                push_audit(tx, action, Some(session));
            }
            Self::Debtor(place) => {
                let entry = AuditEntry::plain(action, session, &json!({ "link": place.link_id }));
                let actor = Actor::Debtor(place.debtor_id);
                tx.audit_in(place.business_id, actor, entry.about(Some(place.debtor_id)));
            }
        }
    }

    /// How the session's refresh tokens begin.
    pub(super) fn refresh_mark(&self) -> &'static str {
        match self {
            Self::Person { .. } => "fcr_",
            Self::Debtor(_) => DEBTOR_REFRESH,
        }
    }
}
