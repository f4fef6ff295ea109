//! Through which account at Stripe a business is paid. The table has no one business: it is read by SystemTx.

use uuid::Uuid;

use super::Payments;
use crate::platform::{context::SystemCtx, db::SystemTx, error::OpError, ids};

/// A business's connected account.
#[derive(Clone, Debug)]
pub struct PaymentAccount {
    pub id: Uuid,
    pub business_id: Uuid,
    /// Stripe's id of it, `acct_…`.
    pub external_id: String,
}

impl Payments {
    /// Through which account a business is paid; none where it has none, or the platform has no account at Stripe.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn account_of(&self, business: Uuid) -> Result<Option<PaymentAccount>, OpError> {
        if self.gateway.is_none() {
            return Ok(None);
        }
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("payment account", "pay"))
            .await?;
        let found = sqlx::query_as!(
            PaymentAccount,
            "SELECT id, business_id, external_id FROM payment_accounts WHERE business_id = $1 AND provider = 'STRIPE'",
            business,
        )
        .fetch_optional(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(found)
    }

    /// The account with this id at Stripe, whose webhook names it.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn stripe_account(&self, external_id: &str) -> Result<Option<PaymentAccount>, OpError> {
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("webhook account", "webhook"))
            .await?;
        let found = sqlx::query_as!(
            PaymentAccount,
            "SELECT id, business_id, external_id FROM payment_accounts WHERE provider = 'STRIPE' AND external_id = $1",
            external_id,
        )
        .fetch_optional(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Stripe's id of the account that a payment went through.
    pub(super) async fn external_id_of(&self, payment_account: Uuid) -> Result<String, OpError> {
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("payment account", "look-up"))
            .await?;
        let found = sqlx::query_scalar!(
            "SELECT external_id FROM payment_accounts WHERE id = $1",
            payment_account
        )
        .fetch_one(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(found)
    }
}

/// Connects a business's account at Stripe, whose connection to the platform's own somebody has seen there.
///
/// # Errors
/// [`OpError`] as met; an account of somebody, or a business that has one, is refused by the table's constraints.
pub async fn connect_stripe(tx: &mut SystemTx, business: Uuid, external_id: &str) -> Result<Uuid, OpError> {
    let (id, now) = (ids::next(), tx.now());
    sqlx::query!(
        "INSERT INTO payment_accounts (id, business_id, provider, external_id, connected_at)
         VALUES ($1, $2, 'STRIPE', $3, $4)",
        id,
        business,
        external_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}
