//! Asks Stripe for a payment whose intent is committed. No transaction is open meanwhile; what is known of it afterwards is
//! recorded in a new one, by the service itself. A crash anywhere leaves a row that the reconciler finds.

use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Payments,
    model::PaymentState,
    ports::{Asked, PaymentOrder},
    settle::{Verdict, settle},
    store::{LockedPayment, lock_payment},
};
use crate::platform::{context::TenantCtx, error::OpError};

/// What the payer's browser goes on with.
#[derive(Debug, Default)]
pub struct Handed {
    /// Stripe's secret of this one payment; none where the payer has nothing to do.
    pub client_secret: Option<SecretString>,
    /// The account at Stripe that it belongs to.
    pub account: Option<String>,
}

impl Payments {
    /// Asks Stripe for the payment, with `method` where one was given, and records what it says. What Stripe says is never an
    /// error: it stands in the payment.
    ///
    /// # Errors
    /// [`OpError`] as met in the database: then the reconciler finds out.
    pub async fn carry_out(
        &self,
        business: Uuid,
        payment: Uuid,
        method: Option<String>,
        request: &str,
    ) -> Result<Handed, OpError> {
        let ctx = TenantCtx::for_service(business, request);
        let Some(order) = self.order(&ctx, payment, method).await? else {
            return Ok(Handed::default());
        };
        let answer = self.gateway()?.pay(&order).await;
        self.record_answer(&ctx, payment, order.account, answer).await
    }

    /// What is asked of Stripe; none of a payment that has got its answer already.
    pub async fn order(
        &self,
        ctx: &TenantCtx,
        payment: Uuid,
        method: Option<String>,
    ) -> Result<Option<PaymentOrder>, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let business = tx.business_id();
        let row = sqlx::query!(
            "SELECT p.account_id, p.amount_minor, p.currency, p.payment_account_id, a.account_number
             FROM payments p JOIN accounts a ON a.business_id = p.business_id AND a.id = p.account_id
             WHERE p.business_id = $1 AND p.id = $2 AND p.state = 'CREATED'",
            business,
            payment,
        )
        .fetch_optional(tx.conn())
        .await?;
        tx.finish_read().await?;
        let Some((row, through)) = row.and_then(|row| row.payment_account_id.map(|through| (row, through)))
        else {
            return Ok(None);
        };
        let currency = row.currency.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Some(PaymentOrder {
            payment,
            account: self.external_id_of(through).await?,
            amount: crate::platform::money::Money::from_minor(row.amount_minor, currency),
            method,
            debt: row.account_id,
            debt_number: row.account_number,
        }))
    }

    /// Records what Stripe has answered. The webhook may have been first: then nothing is left to do.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn record_answer(
        &self,
        ctx: &TenantCtx,
        payment: Uuid,
        account: String,
        answer: Asked<super::ports::Intent>,
    ) -> Result<Handed, OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let Some(locked) = lock_payment(&mut tx, payment).await? else {
            return Ok(Handed::default());
        };
        let mut handed = Handed::default();
        let verdict = match answer {
            Asked::Done(intent) => {
                let verdict = Verdict::of(&locked, &intent)?;
                if is_payers_turn(verdict.state) {
                    handed = Handed {
                        client_secret: intent.client_secret,
                        account: Some(account),
                    };
                }
                verdict
            }
            Asked::Refused(decline) => Verdict::failed(decline.code, decline.reason),
            Asked::Busy => Verdict::failed(
                "BUSY".to_owned(),
                "The payment provider could not take it just now. Nothing was paid: try again in a minute.",
            ),
            Asked::Unknown { cause } => {
                metrics::counter!("payments_unknown_total", "cause" => cause).increment(1);
                Verdict::unknown(&locked, tx.now(), cause)
            }
        };
        settle(&mut tx, &locked, verdict).await?;
        tx.commit().await?;
        Ok(handed)
    }

    /// The secret with which the payer goes on, of a payment that waits for them: Stripe is asked for it, as it is stored
    /// nowhere.
    ///
    /// # Errors
    /// UNAVAILABLE where Stripe does not answer.
    pub async fn handed_again(
        &self,
        business: Uuid,
        payment: Uuid,
        request: &str,
    ) -> Result<Handed, OpError> {
        let ctx = TenantCtx::for_service(business, request);
        let mut tx = self.db.tenant(&ctx).await?;
        let row = sqlx::query!(
            "SELECT provider_payment_id, payment_account_id FROM payments
             WHERE business_id = $1 AND id = $2 AND state IN ('REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION')",
            business,
            payment,
        )
        .fetch_optional(tx.conn())
        .await?;
        tx.finish_read().await?;
        let Some((intent, through)) = row.and_then(|row| row.provider_payment_id.zip(row.payment_account_id))
        else {
            return Ok(Handed::default());
        };
        let account = self.external_id_of(through).await?;
        let found = self.gateway()?.fetch(&account, &intent).await;
        let found = found.map_err(|_| OpError::Unavailable("Stripe does not answer".to_owned()))?;
        Ok(Handed {
            client_secret: found.and_then(|intent| intent.client_secret),
            account: Some(account),
        })
    }
}

/// Whether the payer has something to do now.
fn is_payers_turn(state: PaymentState) -> bool {
    matches!(
        state,
        PaymentState::RequiresAction | PaymentState::RequiresPaymentMethod
    )
}

/// Which of the business's accounts at Stripe a payment went through; an error where it went through none.
pub(super) fn through(locked: &LockedPayment) -> Result<Uuid, OpError> {
    let through = locked.payment_account_id;
    through.ok_or_else(|| OpError::Internal(anyhow::anyhow!("a payment that Stripe never had")))
}
