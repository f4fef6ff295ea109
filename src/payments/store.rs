//! The slice's SQL that more than one use case needs.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::model::PaymentState;
use crate::{
    accounts::lock_for_posting,
    platform::{
        db::{DbError, LiveEvent, TenantTx},
        error::OpError,
        money::Money,
    },
};

/// How long an answer may take before the payment is looked up.
pub(super) const LOOK_UP_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Between two look-ups, at most.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// A payment, locked with its account: nothing else moves that balance meanwhile.
#[derive(Clone, Debug)]
pub(super) struct LockedPayment {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) amount: Money,
    pub(super) is_by_stripe: bool,
    pub(super) state: PaymentState,
    pub(super) payment_account_id: Option<Uuid>,
    pub(super) provider_payment_id: Option<String>,
    pub(super) is_confirmed_by_payer: bool,
    pub(super) lookups: i16,
    pub(super) created_at: DateTime<Utc>,
    pub(super) assigned_agent_id: Option<Uuid>,
}

impl LockedPayment {
    /// Something of the payment has changed, for who follows its account.
    pub(super) fn event(&self) -> LiveEvent {
        LiveEvent {
            kind: "PAYMENT_CHANGED",
            account_id: Some(self.account_id),
            debtor_id: Some(self.debtor_id),
            assigned_agent_id: self.assigned_agent_id,
            object_id: Some(self.id),
            ..LiveEvent::default()
        }
    }
}

/// Locks a payment's account, and the payment after it: whoever moves money takes them in this order.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn lock_payment(tx: &mut TenantTx, id: Uuid) -> Result<Option<LockedPayment>, OpError> {
    let business = tx.business_id();
    let account = sqlx::query_scalar!(
        "SELECT account_id FROM payments WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(account) = account else { return Ok(None) };
    let assigned_agent_id = lock_for_posting(tx, account).await?;
    let row = sqlx::query!(
        "SELECT debtor_id, amount_minor, currency, method, state, payment_account_id, provider_payment_id,
                is_confirmed_by_payer, lookups, created_at
         FROM payments WHERE business_id = $1 AND id = $2 FOR NO KEY UPDATE",
        business,
        id,
    )
    .fetch_one(tx.conn())
    .await?;
    let currency = row.currency.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let state =
        PaymentState::parse(&row.state).ok_or_else(|| anyhow::anyhow!("a payment in an unknown state"))?;
    Ok(Some(LockedPayment {
        id,
        debtor_id: row.debtor_id,
        account_id: account,
        amount: Money::from_minor(row.amount_minor, currency),
        is_by_stripe: row.method == "STRIPE",
        state,
        payment_account_id: row.payment_account_id,
        provider_payment_id: row.provider_payment_id,
        is_confirmed_by_payer: row.is_confirmed_by_payer,
        lookups: row.lookups,
        created_at: row.created_at,
        assigned_agent_id,
    }))
}

/// What may still become money on an account; its lock is held.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn in_flight(tx: &mut TenantTx, account: Uuid) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_minor), 0)::bigint AS "sum!" FROM payments
         WHERE business_id = $1 AND account_id = $2
           AND state IN ('CREATED', 'UNKNOWN', 'REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING')"#,
        business,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The payment that Stripe's id names, or ours where it has not got one of Stripe's yet.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn payment_of(
    tx: &mut TenantTx,
    provider_payment_id: Option<&str>,
    payment: Option<Uuid>,
) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM payments WHERE business_id = $1 AND (provider_payment_id = $2
             OR (id = $3 AND method = 'STRIPE' AND provider_payment_id IS NULL))
         ORDER BY provider_payment_id IS NULL LIMIT 1",
        business,
        provider_payment_id,
        payment,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether there is a payment of which it is not known yet what Stripe calls it.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn has_nameless(tx: &mut TenantTx) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM payments WHERE business_id = $1 AND provider_payment_id IS NULL
             AND state IN ('CREATED', 'UNKNOWN', 'REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING')) AS "has!""#,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// How long until the next look-up, which grows.
pub(super) fn pause_after(lookups: i16) -> TimeDelta {
    let doublings = u32::try_from(lookups.clamp(0, 6)).unwrap_or(0);
    (LOOK_UP_AFTER * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<i64> = (0..9).map(|nth| pause_after(nth).num_seconds()).collect();
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(pause_after(i16::MAX), TimeDelta::hours(1));
    }
}
