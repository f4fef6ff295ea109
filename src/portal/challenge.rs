//! A link is followed: it alone shows nothing, for it may have been forwarded (15 USC 1692c(b)). What it leads to is a
//! challenge that only the person themselves can answer.

use serde_json::json;
use uuid::Uuid;

use super::{Portal, factors::Known, link_token::LinkToken};
use crate::{
    accounts::phones_of,
    identity::DebtorPlace,
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// How a person can show that it is they.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    SmsCode,
    IdentityFactors,
}

/// What a challenge is about, while it is answered.
pub(super) struct Challenged {
    pub(super) place: DebtorPlace,
    pub(super) ctx: TenantCtx,
}

impl Portal {
    /// The challenge of a link, and how this person can answer it.
    ///
    /// # Errors
    /// BAD_CREDENTIALS for a link that is not good, whatever the reason.
    pub(super) async fn open_link(
        &self,
        request_id: &str,
        token: &str,
    ) -> Result<(String, Vec<Method>), OpError> {
        let now = self.identity.db.clock().now();
        let link = LinkToken::read(&self.links, token)
            .filter(|link| link.expires_at > now)
            .ok_or_else(link_ended)?;
        let challenged = self
            .challenged(request_id, link.business_id, link.link_id)
            .await?;
        let mut tx = self.identity.db.tenant(&challenged.ctx).await?;
        let methods = self.methods(&mut tx, &challenged.place).await?;
        if methods.is_empty() {
            return Err(UserError::at(
                UserErrorCode::Conflict,
                "token",
                "Too little is known to recognise you here. Ask whoever sent you this link for another way.",
            )
            .into());
        }
        let place = &challenged.place;
        let entry = AuditEntry::plain("debtor_link.opened", place.link_id, &json!({}));
        tx.audit(entry.about(Some(place.debtor_id)));
        tx.commit().await?;
        let challenge = self.identity.debtor_challenge(place.business_id, place.link_id)?;
        Ok((challenge, methods))
    }

    /// Whom a challenge's token is about, if the link still lets them in.
    pub(super) async fn read_challenge(&self, request_id: &str, token: &str) -> Result<Challenged, OpError> {
        let (business, link) = self.identity.read_debtor_challenge(token).ok_or_else(|| {
            UserError::at(
                UserErrorCode::BadCredentials,
                "token",
                "This sign-in has expired. Open your link again.",
            )
        })?;
        self.challenged(request_id, business, link).await
    }

    async fn challenged(&self, request_id: &str, business: Uuid, link: Uuid) -> Result<Challenged, OpError> {
        let place = self.identity.debtor_entrance(request_id, business, link).await?;
        Ok(Challenged {
            place,
            ctx: TenantCtx::for_service(business, request_id),
        })
    }

    async fn methods(&self, tx: &mut TenantTx, place: &DebtorPlace) -> Result<Vec<Method>, OpError> {
        let keys = self
            .identity
            .keyring
            .business(&self.identity.db, place.business_id)
            .await?;
        let phones = phones_of(tx, &keys, place.debtor_id).await?;
        let known = Known::of(tx, &keys, place).await?;
        let mut methods = Vec::new();
        if phones.iter().any(|phone| phone.takes_texts) {
            methods.push(Method::SmsCode);
        }
        if known.are_enough() {
            methods.push(Method::IdentityFactors);
        }
        Ok(methods)
    }
}

pub(super) fn link_ended() -> OpError {
    UserError::at(
        UserErrorCode::BadCredentials,
        "token",
        "This link has expired or was ended. Ask for a new one.",
    )
    .into()
}

/// A try was right or wrong: on the person's record.
pub(super) fn audit_try(tx: &mut TenantTx, place: &DebtorPlace, action: &'static str, method: &str) {
    let details = json!({ "method": method });
    tx.audit(AuditEntry::plain(action, place.link_id, &details).about(Some(place.debtor_id)));
}

/// The actions of [`audit_try`].
pub(super) const PASSED: &str = "debtor_sign_in.passed";
pub(super) const FAILED: &str = "debtor_sign_in.failed";
