//! Somebody answers an opt-out link: one transaction records it, and what waits to be sent to the address dies.

use super::{Conversations, inbound::stop_queued};
use crate::{
    compliance::{LinkAnswer, LinkPlace, OptOutLink, opt_out_by_link, place_of_link},
    platform::{context::TenantCtx, error::OpError},
};

impl Conversations {
    /// What a page about a link may tell; `None` where there is no such contact point. Changes nothing.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn look_at_link(
        &self,
        request_id: &str,
        link: &OptOutLink,
    ) -> Result<Option<LinkPlace>, OpError> {
        let ctx = TenantCtx::for_service(link.business_id, request_id);
        let keys = self.keyring.business(&self.db, link.business_id).await?;
        let mut tx = self.db.snapshot(&ctx).await?;
        let place = place_of_link(&mut tx, &keys, link).await?;
        tx.finish_read().await?;
        Ok(place)
    }

    /// Records an answer to a link; when this returns, nothing more leaves for the address. False where there is no such
    /// contact point.
    ///
    /// # Errors
    /// [`OpError`] as met: then nothing is stored.
    pub async fn answer_link(&self, request_id: &str, answer: &LinkAnswer) -> Result<bool, OpError> {
        let business = answer.link.business_id;
        let ctx = TenantCtx::for_service(business, request_id);
        let keys = self.keyring.business(&self.db, business).await?;
        let mut tx = self.db.tenant(&ctx).await?;
        let Some(blinds) = opt_out_by_link(&mut tx, &keys, answer).await? else {
            return Ok(false);
        };
        let failure = ("reg-f-medium-opt-out", "The debtor opted out before it was sent.");
        stop_queued(&mut tx, &blinds, failure).await?;
        tx.commit().await?;
        metrics::counter!("opt_outs_by_link_total").increment(1);
        Ok(true)
    }
}
