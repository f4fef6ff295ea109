//! What a bank takes back: a chargeback, or a returned debit up to 60 days later, which Stripe tells as a dispute as well. The
//! debt is owed again from the moment that Stripe tells of it, and no more once the bank gives the money back.

use serde_json::json;
use uuid::Uuid;

use super::{
    settle::post_of,
    store::{LockedPayment, lock_payment},
};
use crate::{
    ledger::PostingKind,
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids,
    },
};

/// What Stripe tells of a dispute.
#[derive(Clone, Debug)]
pub(super) struct DisputeNews {
    pub(super) provider_id: String,
    pub(super) amount_minor: i64,
    pub(super) reason: String,
    pub(super) state: DisputeState,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DisputeState {
    Open,
    Won,
    Lost,
}

impl DisputeState {
    /// Stripe's words (Stripe docs, "The Dispute object"); none of a mere inquiry, by which no money moves.
    pub(super) fn of(status: &str) -> Option<Self> {
        Some(match status {
            "needs_response" | "under_review" => Self::Open,
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Won => "WON",
            Self::Lost => "LOST",
        }
    }
}

/// Records it, and posts what moves by it once. News may come in any order: what is closed is not opened again.
pub(super) async fn settle_dispute(
    tx: &mut TenantTx,
    payment: Uuid,
    news: &DisputeNews,
) -> Result<(), OpError> {
    let Some(locked) = lock_payment(tx, payment).await? else {
        return Ok(());
    };
    let before = open(tx, &locked, news).await?;
    let key = format!("dispute:{}", news.provider_id);
    post_of(tx, &locked, PostingKind::Dispute, &key, news.amount_minor).await?;
    if before.as_deref() == Some(news.state.as_str())
        || (before.is_some() && news.state == DisputeState::Open)
    {
        return Ok(());
    }
    close(tx, &locked, news).await?;
    if news.state == DisputeState::Won {
        let key = format!("dispute:{}:won", news.provider_id);
        post_of(tx, &locked, PostingKind::DisputeWon, &key, news.amount_minor).await?;
    }
    let details = json!({ "payment": payment, "dispute": news.provider_id, "state": news.state.as_str() });
    tx.audit(AuditEntry::plain("payment.disputed", payment, &details).about(Some(locked.debtor_id)));
    tx.emit(locked.event());
    Ok(())
}

/// Its row, made where there is none; the state that it had.
async fn open(
    tx: &mut TenantTx,
    payment: &LockedPayment,
    news: &DisputeNews,
) -> Result<Option<String>, OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let known = sqlx::query_scalar!(
        "SELECT state FROM payment_disputes WHERE business_id = $1 AND provider_dispute_id = $2",
        business,
        news.provider_id,
    )
    .fetch_optional(tx.conn())
    .await?;
    if known.is_some() {
        return Ok(known);
    }
    sqlx::query!(
        "INSERT INTO payment_disputes (business_id, id, payment_id, debtor_id, account_id, provider_dispute_id, amount_minor,
             currency, reason, state, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'OPEN', $10)",
        business,
        ids::next(),
        payment.id,
        payment.debtor_id,
        payment.account_id,
        news.provider_id,
        news.amount_minor,
        payment.amount.currency().code(),
        news.reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(None)
}

async fn close(tx: &mut TenantTx, payment: &LockedPayment, news: &DisputeNews) -> Result<(), OpError> {
    if news.state == DisputeState::Open {
        return Ok(());
    }
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE payment_disputes SET state = $3, closed_at = coalesce(closed_at, $4)
         WHERE business_id = $1 AND provider_dispute_id = $2 AND payment_id = $5",
        business,
        news.provider_id,
        news.state.as_str(),
        now,
        payment.id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
